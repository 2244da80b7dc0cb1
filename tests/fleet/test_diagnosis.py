# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info`` reads a fleet of known trouble and known decoys, in one run of the real `ansible-playbook`."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import Snapshot

SERVERS: t.Final[dict[str, Json]] = yaml.safe_load(
    (pathlib.Path(__file__).parent / "diagnosis.yml").read_text(encoding="utf-8")
)["servers"]
NAMES: t.Final = sorted(SERVERS)
REACHED: t.Final = [name for name in NAMES if "fails" not in SERVERS[name]]
MODULE: t.Final = "port_info"
EVERYTHING: t.Final[Json] = {"gather_subset": ["all"], "detail": "full"}
WHO: t.Final[Json] = {"ports": ["50636"], "sockets_by": "socket"}
MOST_REQUESTS: t.Final = 35
"""For everything that port_info can tell, on a DNS server with 5,000 UDP sockets as on any other."""
MOST_FOR_A_PORT: t.Final = 8
"""For the question who has one port."""


def _case(name: str) -> HostCase:
    acts = tuple(SERVERS[name].get("acts", ()))
    first = Step(module=MODULE, options={"detail": "full"}, acts=acts)
    steps = (first, Step(module=MODULE, options=EVERYTHING), Step(module=MODULE, options=WHO))
    return HostCase(id=name, server=SERVERS[name]["server"], steps=steps)


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[TaskRun, ...]]:
    return run_in_process([_case(name) for name in NAMES])


def _kinds(task_run: TaskRun) -> list[str]:
    assert task_run.event == "ok", task_run.message
    return sorted(row["kind"] for row in task_run.result["findings"])


@pytest.mark.parametrize("name", REACHED)
def test_every_planted_cause_is_found_and_nothing_else(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    assert _kinds(results[name][0]) == sorted(SERVERS[name].get("finds", ()))


@pytest.mark.parametrize("name", REACHED)
def test_more_sockets_make_no_other_findings(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    """The findings ask for the sockets that they need; if all are read anyway, they are the same."""
    few, many = (task_run.result["findings"] for task_run in results[name][:2])
    assert [(row["kind"], row["ports"]) for row in few] == [(row["kind"], row["ports"]) for row in many]


@pytest.mark.parametrize("name", [name for name in NAMES if "waits_for" in SERVERS[name]])
def test_what_is_configured_already_is_told(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    rows = results[name][0].result["findings"]
    found = {row["kind"]: row["waits_for"] for row in rows if row["configured"]}
    assert found == SERVERS[name]["waits_for"]


@pytest.mark.parametrize("name", [name for name in NAMES if "held_by" in SERVERS[name]])
def test_who_has_the_port_is_told(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    (finding,) = results[name][0].result["findings"]
    (held,) = finding["held_by"]
    expected = SERVERS[name]["held_by"]
    assert {key: held[key] for key in expected} == expected
    assert held["held_as"] == "outgoing_connection"
    assert held["image"] in finding["summary"]
    assert all(far_end in finding["summary"] for far_end in held["far_ends"])


@pytest.mark.parametrize("name", [name for name in NAMES if "fails" in SERVERS[name]])
def test_who_can_not_get_in_is_told_why(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    task_run = results[name][0]
    assert task_run.event != "ok"
    assert SERVERS[name]["fails"] in task_run.message


@pytest.mark.parametrize("name", REACHED)
def test_everything_is_read_in_few_requests(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    assert max(task_run.count for task_run in results[name][:2]) <= MOST_REQUESTS
    assert results[name][2].count <= MOST_FOR_A_PORT


@pytest.mark.parametrize("name", REACHED)
def test_nothing_is_changed(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    assert not any(task_run.result["changed"] for task_run in results[name])
    assert all(_quiet(task_run.before) == _quiet(task_run.after) for task_run in results[name])


def _quiet(snapshot: Snapshot) -> Json:
    """The server without its logs: what can't have its port goes on complaining meanwhile."""
    return {name: value for name, value in snapshot.data.items() if name != "events"}


def test_the_fleet_is_large_and_varied() -> None:
    kinds = {kind for server in SERVERS.values() for kind in server.get("finds", ())}
    decoys = [name for name in REACHED if "finds" not in SERVERS[name]]
    releases = {server["server"]["release"] for server in SERVERS.values()}
    assert (len(SERVERS) >= 40, len(kinds) >= 12, len(decoys) >= 5, len(releases) >= 7) == (True, True, True, True)
