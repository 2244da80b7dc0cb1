# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defaults of the options that all modules share reach the tasks of our roles too, through the program."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, TaskRun, playbook_run
from tests.fleet.test_line import GROUP, REFUSING
from tests.simulator.control import running_fleet
from tests.tooling.sources import ROOT

WITHOUT_A_SERVER: t.Final = "offline_kit"
ROLES: t.Final = sorted(path.name for path in (ROOT / "roles").iterdir() if path.name != WITHOUT_A_SERVER)
EDGE: t.Final = {"release": "2022", "roles": ["exchange_edge", "dns"]}
EDGE_ROLE: t.Final = "portkeeper.windows.exchange_edge_dns"
ONE_TRY: t.Final[Json] = {GROUP: {"retries": 0}}
REQUIRED: t.Final[Json] = {
    "exchange_rpc_ports_ports": {"exchange_is": 59532},
    "known_services_names": ["wds"],
}
INCLUDE: t.Final = "Apply the role"
LISTED: t.Final[dict[str, Json]] = {
    "usual": {"roles": [EDGE_ROLE]},
    "play": {"roles": [EDGE_ROLE], "module_defaults": {GROUP: {"deadline": 0}}},
    "role": {"roles": [{"role": EDGE_ROLE, "module_defaults": {GROUP: {"deadline": 86401}}}]},
    "option of one module": {"roles": [EDGE_ROLE], "module_defaults": {GROUP: {"size": 3000}}},
    "role before play": {
        "roles": [{"role": EDGE_ROLE, "module_defaults": {GROUP: {"retries": 3}}}],
        "module_defaults": ONE_TRY,
    },
    "module before group": {
        "roles": [EDGE_ROLE],
        "module_defaults": {**ONE_TRY, "portkeeper.windows.converge": {"retries": 3}},
    },
}
"""Plays with a role in their list. A deadline that can't be is refused, and so seen to arrive without a clock."""


def _host(name: str) -> str:
    return name.replace(" ", "_")


def _plays() -> list[Json]:
    include = {"name": INCLUDE, "ansible.builtin.include_role": {"name": "portkeeper.windows.{{ inventory_hostname }}"}}
    included = {"hosts": ",".join(ROLES), "module_defaults": ONE_TRY, "vars": REQUIRED, "tasks": [include]}
    listed = [{"hosts": _host(name), **play} for name, play in LISTED.items()]
    # Ansible ends a run in which all hosts of a play have failed.
    usual = {"gather_facts": False, "ignore_errors": True, "ignore_unreachable": True}
    return [{**usual, **play} for play in (*listed, included)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> FleetRun:
    """Of each task the first connection is refused."""
    folder: pathlib.Path = tmp_path_factory.mktemp("defaults")
    playbook = folder / "playbook.yml"
    playbook.write_text(yaml.safe_dump(_plays()), encoding="utf-8")
    hosts = dict.fromkeys((*ROLES, *map(_host, LISTED)), EDGE)
    variables = f"port_report_directory={folder / 'report'}"
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        settings = {**REFUSING, "REFUSED_FIRST": "1"}
        return playbook_run(fleet.control, fleet.inventory, str(playbook), "-e", variables, settings=settings)


def _first(results: FleetRun, name: str) -> TaskRun:
    """The role's first task that asks the server."""
    others = (INCLUDE, "Validating arguments")
    return next(run for run in results.task_runs[_host(name)] if not any(other in run.task for other in others))


@pytest.mark.parametrize("role", ROLES)
def test_the_plays_defaults_reach_the_tasks_of(results: FleetRun, role: str) -> None:
    task_run = _first(results, role)
    assert task_run.event == "unreachable"
    assert "no connection (Connection refused); check host" in task_run.message


@pytest.mark.parametrize(("name", "given"), [("play", "0"), ("role", "86401")])
def test_a_deadline_arrives_from_the(results: FleetRun, name: str, given: str) -> None:
    assert _first(results, name).message.endswith(f"deadline: {given} is not between 1 and 86400")


def test_a_default_that_a_module_does_not_have_is_an_error(results: FleetRun) -> None:
    message = _first(results, "option of one module").message
    assert message.startswith("portkeeper.windows.converge: there is no option 'size'.")


@pytest.mark.parametrize("name", ["usual", "role before play", "module before group"])
def test_a_nearer_default_wins(results: FleetRun, name: str) -> None:
    task_run = _first(results, name)
    assert task_run.event == "ok", task_run.message
    assert task_run.after.pool_exclusions == ["50389-50389", "50636-50636"]
