# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards by the program: refusals over a real connection, and who may accept a risk: the task that means it, alone."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import DEFAULTS, FleetRun, HostCase, Json, Step, TaskRun, playbook_run, run_cases
from tests.fleet.task_checks import assert_refused
from tests.simulator.control import running_fleet

CUTS: t.Final[dict[str, Step]] = {
    "winrm-stopped": Step(module="service_state", options={"name": ["WinRM"], "state": "stopped"}),
    "winrm-s-port": Step(module="reserved_ports", options={"ports": ["5985"]}),
    "all-ports": Step(module="reserved_ports", options={"ports": ["49152-65535"]}),
}
"""The connection comes through another port than the one that the simulated WinRM listens on, as behind a router."""


@pytest.fixture(scope="module")
def refusals() -> dict[str, tuple[TaskRun, ...]]:
    cases = [
        HostCase(id=name, server={"release": "2022"}, steps=(dataclasses.replace(step, check=True), step))
        for name, step in CUTS.items()
    ]
    return run_cases(cases)


@pytest.mark.parametrize("name", CUTS)
def test_it_is_refused_over_a_real_connection(refusals: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    for task_run in refusals[name]:
        assert_refused(task_run)
        assert "with this task; nothing was changed" in task_run.message


# --- module_defaults --------------------------------------------------------------------------------------------------

GROUP: t.Final = "group/portkeeper.windows.windows"
NEW_PORTS: t.Final[Json] = {"portkeeper.windows.reserved_ports": {"ports": ["50389"]}}
PLAYS: t.Final[dict[str, Json]] = {
    "group": {"module_defaults": {GROUP: {"accept_risks": ["way_in"]}}},
    "variable": {
        "module_defaults": {GROUP: "{{ defaults_of_ours }}"},
        "vars": {"defaults_of_ours": {"accept_risks": []}},
    },
    "module": {"module_defaults": {"portkeeper.windows.reserved_ports": {"accept_risks": ["starved_range"]}}},
    "alias": {"module_defaults": {"portkeeper.windows.reserved_ports": {"ignore_block_mode": True}}},
    "task": {},
}
"""By host. The last one gives the option with its task, which is what it is for."""


def _play(host: str, play: Json) -> Json:
    given = {"accept_risks": ["way_in"]} if host == "task" else {}
    task = {name: {**options, **given} for name, options in NEW_PORTS.items()}
    # Ansible ends a run where all hosts of a play have failed.
    return {"hosts": host, "gather_facts": False, **play, "tasks": [{**task, "ignore_errors": True}]}


@pytest.fixture(scope="module")
def by_defaults(tmp_path_factory: pytest.TempPathFactory) -> FleetRun:
    playbook: pathlib.Path = tmp_path_factory.mktemp("defaults") / "playbook.yml"
    playbook.write_text(yaml.safe_dump([_play(host, play) for host, play in PLAYS.items()]), encoding="utf-8")
    hosts = {host: {"release": "2003"} for host in PLAYS}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        return playbook_run(fleet.control, fleet.inventory, str(playbook))


@pytest.mark.parametrize("host", [host for host in PLAYS if host != "task"])
def test_a_default_can_t_accept_a_risk(by_defaults: FleetRun, host: str) -> None:
    (task_run,) = by_defaults.task_runs[host]
    assert_refused(task_run)
    assert task_run.message.startswith("module_defaults has "), task_run.message
    assert task_run.message.endswith("Nothing was sent to the server.")
    assert task_run.count == 0


def test_a_task_can(by_defaults: FleetRun) -> None:
    (task_run,) = by_defaults.task_runs["task"]
    assert task_run.event == "ok", task_run.message
    assert task_run.after.reserved == ["50389-50389"]
