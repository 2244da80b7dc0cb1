# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearse the controller of the workflow on Windows: `python -m tests.tooling.controller_rehearsal [LINE ...]`.

.github/scripts/controller runs as on a hosted runner: from a fresh clone of what is committed, with a new home and
without the caller's environment; only the server beside it is a simulated one. Lines are http and https; all if none is
named.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

import yaml

from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.ansible_test_home import copy_pip_settings
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible

LINES: t.Final = ("http", "https")
RUNNER: t.Final = {"release": "2022", "roles": ["dns", "exchange_edge", "ias"], "broken": False, "time_scale": 0.01}
"""A hosted runner as the workflow prepares it."""
RESULTS: t.Final = ("environment.txt", "verify-look.txt", "verified/*.json", "integration.txt", "junit/*.xml")
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


def main() -> None:
    """Rehearse each line that is named; the exit code says whether something was wrong."""
    problems = []
    with interruptible():
        for line in sys.argv[1:] or LINES:
            with tempfile.TemporaryDirectory(prefix="portkeeper-controller-") as folder:
                problems += rehearse(line, pathlib.Path(folder))
    print("\n".join(problems) or "The controller's part of the workflow works beside a simulated server.")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
