# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md: its sample output and its picture of a run are what Ansible says today, and its inventory works."""

from __future__ import annotations

import pathlib
import subprocess

import pytest
import yaml

from tests.documented import run_picture, samples
from tests.documented.commands import blocks, commands
from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import _environment

RENEW = "make pictures writes it anew"


@pytest.fixture(scope="module")
def said() -> tuple[samples.Said, ...]:
    return samples.run_samples()


def test_the_sample_output_is_that_of_today(said: tuple[samples.Said, ...]) -> None:
    text = samples.PAGE.read_text(encoding="utf-8")
    place = samples.place(text, said)
    assert text[place.start : place.end] == place.text, RENEW


def test_the_picture_of_a_run_is_that_of_today(said: tuple[samples.Said, ...]) -> None:
    assert run_picture.PATH.read_text(encoding="utf-8") == run_picture.drawing(said[0].shown), RENEW


def test_the_first_try_with_the_inventory_and_a_password_that_is_asked_for(tmp_path: pathlib.Path) -> None:
    """Only addresses and ports are those of simulated servers; all else is the page's."""
    [shown] = [text for kind, text in blocks(samples.PAGE) if kind == "yaml"]
    hosts = yaml.safe_load(shown)["edge"]["hosts"]
    # HTTPS and HTTP stand in the page by its ports, which are others here.
    schemes = {name: "https" if host["ansible_port"] == 5986 else "http" for name, host in hosts.items()}
    wires = {name: {"transport": "ntlm", "scheme": scheme} for name, scheme in schemes.items()}
    [command] = [command for command in commands() if "-k" in command.words]
    with running_fleet({"hosts": {name: {"release": "2022", "wire": wire} for name, wire in wires.items()}}) as fleet:
        simulated = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]["hosts"]
        there = {name: {key: simulated[name][key] for key in ("ansible_host", "ansible_port")} for name in hosts}
        for name, scheme in schemes.items():
            there[name]["ansible_winrm_scheme"] = scheme
        (tmp_path / "inventory.yml").write_text(shown, encoding="utf-8")
        (tmp_path / "there.yml").write_text(yaml.safe_dump({"all": {"hosts": there}}), encoding="utf-8")
        answer = subprocess.run(
            [*command.words, "-i", "inventory.yml", "-i", "there.yml"],
            cwd=tmp_path,
            env=_environment(None, {}),
            # Without a terminal of its own Ansible asks on standard input.
            start_new_session=True,
            input=f"{simulated[next(iter(hosts))]['ansible_password']}\n",
            capture_output=True,
            text=True,
            check=False,
        )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert [name for name in hosts if f"{name} | SUCCESS" not in answer.stdout] == []
