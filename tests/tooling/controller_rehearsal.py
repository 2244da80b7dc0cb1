# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearse the controller of the workflow on Windows, and docs/lab.md: `python -m tests.tooling.controller_rehearsal`.

Arguments name parts: http, https, page; without them all are rehearsed. For http and https .github/scripts/controller
runs as on a hosted runner: from a fresh clone of what is committed, with a new home and without the caller's
environment; only the server beside it is a simulated one. For page each command of the page for the controller runs,
with the page's inventory, which gets the address of a simulated server.
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import typing as t

import yaml

from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.ansible_test_home import copy_pip_settings
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible

PARTS: t.Final = ("http", "https", "page")
PAGE: t.Final = ROOT / "docs" / "lab.md"
RUNNER: t.Final = {"release": "2022", "roles": ["dns", "exchange_edge", "ias"], "broken": False, "time_scale": 0.01}
"""A hosted runner as the workflow prepares it."""
LAB: t.Final = {"release": "2003", "roles": ["exchange_edge", "dns"], "broken": False, "time_scale": 0.01} | {
    "reserved_ports": ["4500-4500"]
}
"""What the page gets somebody to. UDP 4500 is reserved there, or server_reboot would refuse."""
RESULTS: t.Final = (
    "environment.txt",
    "verify-look.txt",
    "verify-touch.txt",
    "verify-lab.txt",
    "verified/*.json",
    "integration.txt",
    "junit/*.xml",
)
"""What the workflow keeps, as patterns; each must be there."""


def environment(fleet: RunningFleet, line: str, folder: pathlib.Path) -> dict[str, str]:
    """All variables that the controller gets."""
    inventory = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))
    runner = inventory["all"]["hosts"]["runner"]
    ours = str(pathlib.Path(sys.executable).parent)
    programs = [path for path in os.environ["PATH"].split(os.pathsep) if path != ours]
    return {
        "PATH": os.pathsep.join(programs),
        "HOME": str(folder / "home"),
        "PORTKEEPER_HOST": runner["ansible_host"],
        "PORTKEEPER_PORT": str(runner["ansible_port"]),
        "PORTKEEPER_USER": runner["ansible_user"],
        "PORTKEEPER_PASSWORD": runner["ansible_password"],
        "PORTKEEPER_LINE": line,
        "PORTKEEPER_CA": runner.get("ansible_winrm_ca_trust_path", ""),
        "PORTKEEPER_REAL": "false",
        "RESULTS": str(folder / "results"),
    }


def rehearse(line: str, folder: pathlib.Path) -> list[str]:
    """Run the controller over one line; give what is wrong."""
    checkout, home = folder / "checkout", folder / "home"
    home.mkdir()
    copy_pip_settings(home)
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
    with running_fleet({"hosts": {"runner": {**RUNNER, "wire": {"transport": "ntlm", "scheme": line}}}}) as fleet:
        command = ["bash", ".github/scripts/controller"]
        exit_code = subprocess.run(
            command, cwd=checkout, env=environment(fleet, line, folder), stdin=subprocess.DEVNULL, check=False
        ).returncode
    problems = [f"{line}: the controller ended with exit code {exit_code}"] if exit_code else []
    return problems + [f"{line}: no {part} among the results" for part in RESULTS if not _is_there(folder, part)]


def _is_there(folder: pathlib.Path, pattern: str) -> bool:
    return any((folder / "results").glob(pattern))


def page_parts(text: str) -> tuple[str, list[str]]:
    """The inventory of the page, and its commands for the controller, in their order."""
    _before, _heading, section = text.partition("\n## On the controller\n")
    section = section.partition("\n## ")[0]
    blocks = re.findall(r"```(\w*)\n(.*?)```", section, re.DOTALL)
    [inventory] = [block for kind, block in blocks if kind == "ini"]
    lines = [line for kind, block in blocks if kind == "console" for line in block.splitlines()]
    return inventory, [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def rehearse_page(folder: pathlib.Path) -> list[str]:
    """Run the page's commands, from the folder of the inventory; make runs in the checkout."""
    inventory, commands = page_parts(PAGE.read_text(encoding="utf-8"))
    with running_fleet({"hosts": {"lab": {**LAB, "wire": {"transport": "ntlm"}}}}) as fleet:
        lab = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]["hosts"]["lab"]
        for name in ("ansible_host", "ansible_port", "ansible_user", "ansible_password"):
            inventory = re.sub(rf"{name}=\S+", f"{name}={lab[name]}", inventory)
        (folder / "lab.ini").write_text(inventory, encoding="utf-8")
        return [f"page: {command}" for command in commands if not _runs(command, folder)]


def _runs(command: str, folder: pathlib.Path) -> bool:
    print(f"== {command}", flush=True)
    command = command.replace("make ", f"make --directory {ROOT} ").replace("=lab.ini", f"={folder / 'lab.ini'}")
    return subprocess.run(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode == 0


def main() -> None:
    """Rehearse each part that is named; the exit code says whether something was wrong."""
    problems = []
    with interruptible():
        for part in sys.argv[1:] or PARTS:
            with tempfile.TemporaryDirectory(prefix="portkeeper-controller-") as name:
                folder = pathlib.Path(name)
                problems += rehearse_page(folder) if part == "page" else rehearse(part, folder)
    print("\n".join(problems) or "What is Linux in the workflow and in docs/lab.md works beside a simulated server.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
