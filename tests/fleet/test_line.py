# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad line and a weak one, through the program: what is tried again, what is said, and who may set how often."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.plugin_utils._connection import CLEAR_TEXT, UNCHECKED_CERTIFICATE
from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, play
from tests.simulator.control import running_fleet
from tests.tooling.sources import ROOT

REFUSING: t.Final = {"PYTHONPATH": os.pathsep.join((str(pathlib.Path(__file__).parent / "refusing"), str(ROOT)))}
RESERVE: t.Final = "portkeeper.windows.reserved_ports"
GROUP: t.Final = "group/portkeeper.windows.windows"
HOSTS: t.Final[dict[str, Json]] = {
    "basic": {"release": "2022"},
    "unnamed": {"release": "2003", "vars": {"ansible_winrm_transport": None}},
    "ntlm": {"release": "2022", "wire": {"transport": "ntlm"}},
    "unchecked": {
        "release": "2022",
        "wire": {"transport": "ntlm", "scheme": "https"},
        "vars": {"ansible_winrm_server_cert_validation": "ignore"},
    },
}
CLEAR: t.Final = ("basic", "unnamed")


def reserve(name: str, port: str, *, defaults: Json | None = None, **options: t.Any) -> Json:
    return {"name": name, RESERVE: {"ports": [port], **options}, "module_defaults": {GROUP: dict(defaults or {})}}


TASKS: t.Final = (
    reserve("refused once", "5389"),
    reserve("no journal by the task", "5390", journal=False),
    reserve("no journal by the group", "5391", defaults={"journal": False}),
    reserve("the task before the group", "5392", defaults={"journal": False}, journal=True),
    {**reserve("the task before the variable", "5393", journal=True), "vars": {"portkeeper_journal": False}},
    {**reserve("no journal by the variable", "5394"), "vars": {"portkeeper_journal": False}},
    reserve("one try only", "5395", defaults={"retries": 0}),
)


@pytest.fixture(scope="module")
def results() -> FleetRun:
    """Of each task the first connection is refused."""
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as fleet:
        settings = {**REFUSING, "REFUSED_FIRST": "1"}
        return play(fleet.control, fleet.inventory, TASKS, settings=settings)


def beat_of(results: FleetRun, host: str, name: str) -> t.Any:
    return next(task_run for task_run in results.task_runs[host] if task_run.task == name)


@pytest.mark.parametrize("host", HOSTS)
def test_a_refused_connection_is_tried_again(results: FleetRun, host: str) -> None:
    task_run = beat_of(results, host, "refused once")
    assert (task_run.event, task_run.result["changed"]) == ("ok", True), task_run.message


@pytest.mark.parametrize("host", HOSTS)
def test_who_wants_no_second_try_gets_none(results: FleetRun, host: str) -> None:
    task_run = beat_of(results, host, "one try only")
    assert task_run.event == "unreachable"
    assert "no connection (Connection refused); check host" in task_run.message


@pytest.mark.parametrize(
    ("name", "port", "is_recorded"),
    [
        ("refused once", "5389", True),
        ("no journal by the task", "5390", False),
        ("no journal by the group", "5391", False),
        ("the task before the group", "5392", True),
        ("the task before the variable", "5393", True),
        ("no journal by the variable", "5394", False),
    ],
)
def test_the_task_decides_on_the_journal_before_the_variable(
    results: FleetRun, name: str, port: str, is_recorded: bool
) -> None:
    task_run = beat_of(results, "basic", name)
    assert task_run.result["changed"]
    assert (port in str(task_run.after.journal)) == is_recorded


def warnings(results: FleetRun) -> str:
    """What Ansible shows, without its line breaks."""
    return " ".join(results.output.split())


def test_a_readable_password_is_said_once_with_what_mends_it(results: FleetRun) -> None:
    assert warnings(results).count("in clear text") == 1
    assert "ansible_winrm_transport: ntlm" in CLEAR_TEXT["winrm"]


def test_a_certificate_that_is_not_checked_is_said_once(results: FleetRun) -> None:
    assert warnings(results).count("is not checked, so somebody") == 1
    assert "ansible_winrm_ca_trust_path" in UNCHECKED_CERTIFICATE["winrm"]


@pytest.mark.parametrize("host", HOSTS)
def test_only_the_hosts_that_it_is_true_of_are_warned_of(results: FleetRun, host: str) -> None:
    said = beat_of(results, host, "refused once").result.get("warnings", ())
    assert (UNCHECKED_CERTIFICATE["winrm"] in said) == (host == "unchecked")
    assert "PASSWORD" not in "".join(said).upper()  # host_cases.py leaves the one about Basic out of results
