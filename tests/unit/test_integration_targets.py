# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets of tests/integration: one for each module and role, fit for a real server; and what is read of a run."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

from tests.tooling import integration
from tests.tooling.integration_output import read_output
from tests.tooling.sources import ROOT

TARGETS = ROOT / "tests" / "integration" / "targets"
NAMES = {path.name for path in TARGETS.iterdir()}
FOR_ANSIBLE_ALONE = {"ansible.builtin.assert", "ansible.builtin.debug", "ansible.builtin.include_role"} | {
    "ansible.builtin.include_tasks",
    "ansible.builtin.meta",
    "ansible.builtin.set_fact",
}
OUTPUT = """\
WARNING: Using locale "C.UTF-8"
Running reserved_ports integration test role

TASK [setup_server : Say why this server is left out] **************************
ok: [old] => {
    "msg": "Left out: neither counts on this \\"Windows\\"."
}
ok: [new] => {
    "msg": "Changed."
}

PLAY RECAP *********************************************************************
new                        : ok=17   changed=3    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
old                        : ok=3    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0

Running converge integration test role
PLAY RECAP *********************************************************************
new                        : ok=1    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0
old                        : ok=2    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
Running services_file integration test role
ERROR! the file has a mistake
"""


def test_every_module_and_every_role_has_its_target() -> None:
    """A target of a role's own name would be taken for the role."""
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")} - {"__init__"}
    of_modules = {f"module_{name}" if name in roles else name for name in modules}
    assert NAMES - {"setup_server"} == of_modules | {f"role_{name}" for name in roles}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_ansible_test_takes_the_target_for_one_of_windows(name: str) -> None:
    aliases = (TARGETS / name / "aliases").read_text(encoding="utf-8").split()
    assert aliases[0] == ("hidden/windows" if name == "setup_server" else "windows")
    assert ("destructive" in aliases) == (name == "server_reboot")


@pytest.mark.parametrize("path", sorted(TARGETS.glob("*/tasks/*.yml")), ids=lambda path: "/".join(path.parts[-3::2]))
def test_no_task_needs_powershell_or_the_simulator(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    called = set(re.findall(r"^\s*(?:- )?((?:\w+\.){2}\w+):", text, re.MULTILINE))
    assert {name for name in called if not name.startswith("portkeeper.windows.")} <= FOR_ANSIBLE_ALONE
    assert "fleet" not in text


def test_a_release_of_each_generation_is_in_the_gate() -> None:
    hosts = integration.scenario("generation")["hosts"].values()
    assert sorted(host["release"] for host in hosts) == ["2003", "2008", "2008r2", "2022"]


def test_every_release_is_among_the_simulated_servers() -> None:
    releases = {host["release"] for host in integration.scenario(None)["hosts"].values()}
    assert releases == {"2003", "2008", "2008r2", "2012r2", "2016", "2019", "2022", "2025"}


def test_every_target_runs_on_a_server_of_the_gate() -> None:
    hosts = integration.scenario("generation")["hosts"].values()
    left_out = [set(host["vars"][integration.LEFT_OUT]) for host in hosts]
    assert not set.intersection(*left_out)
    assert set.union(*left_out) <= NAMES


def test_outcomes_are_read_of_the_output() -> None:
    reserved, converge, broken = read_output(OUTPUT)
    assert (reserved.target, reserved.hosts, reserved.passed) == ("reserved_ports", ["new", "old"], True)
    assert reserved.left_out == {"old": 'neither counts on this "Windows".'}
    assert (converge.failed, converge.passed) == (["new", "old"], False)
    assert (broken.target, broken.passed) == ("services_file", False)


def test_a_server_that_is_left_out_without_need_is_told() -> None:
    outcomes = read_output(OUTPUT)[:1]
    assert integration.wrongly_left_out(outcomes, {"old": ["reserved_ports"], "new": []}) == []
    told = integration.wrongly_left_out(outcomes, {"old": [], "new": ["reserved_ports"]})
    assert [line.partition(" ")[2][:12] for line in told] == ["ran on new, ", "left out old"]


def test_what_differs_is_told_by_its_path() -> None:
    assert integration.differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 1}, "c": 2}) == []
    assert integration.differences({"a": {"b": 1}}, {"a": {}}) == ["/a/b: 1 before, None now"]


def test_the_inventory_of_the_fleet_is_one_of_ansible_test() -> None:
    text = integration.inventory_text("[windows]\n@HOSTS\n", {"a": {"ansible_port": 1, integration.LEFT_OUT: ["x"]}})
    assert text == "[windows]\na ansible_port=1\n"


def test_both_templates_have_the_group_that_ansible_test_plays_on() -> None:
    for name in ("inventory.winrm.template", "inventory.fleet.template"):
        text = (ROOT / "tests" / "integration" / name).read_text(encoding="utf-8")
        assert "[windows]" in text
        assert "ansible_connection=winrm" in text


def test_scenario_has_no_switch_of_the_simulator() -> None:
    whole = yaml.safe_load((ROOT / "tests" / "integration" / "fleet.yml").read_text(encoding="utf-8"))
    assert not any("assumptions" in host for host in whole["hosts"].values())
