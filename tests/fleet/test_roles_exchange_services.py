# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role exchange_services: what is stopped, in which order, and that exactly what ran starts again."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import FleetRun, Json, TaskRun
from tests.fleet.role_contract import assert_left_alone, assert_refused, content, standing
from tests.fleet.role_runs import played
from tests.fleet.snapshot import Snapshot

EXCHANGE: t.Final[dict[str, Json]] = {
    "mail-5.5": {"release": "2003", "roles": ["exchange55"]},
    "mail-2003": {"release": "2003", "roles": ["exchange2003"], "start_modes": {"MSExchangeSRS": "manual"}},
    "mail-2007": {"release": "2008", "roles": ["exchange2007"]},
    "mail-2007-on-2003": {"release": "2003", "roles": ["exchange2007"]},
    "mail-2010": {"release": "2008r2", "roles": ["exchange2010"]},
}
BY_HAND: t.Final = "MSExchangePOP3"
"""Starts by hand, and runs: no boot brings it back."""
IDLE: t.Final = "MSExchangeIMAP4"
"""Starts by hand, and does not run."""
ALONE: t.Final[dict[str, tuple[str, ...]]] = {
    "mail-2003": ("MSExchangeMGMT", "MSExchangeSRS"),
    "mail-2007": ("MSExchangeMonitoring",),
}
"""No service that the article names has to do with them; all of them run here."""
ORDER: t.Final = ("MSExchangeADTopology", "msftesql-Exchange", "MSExchangeIS", "MSExchangeSA", "IISADMIN")
"""Of the shutdown article."""
OTHERS: t.Final[dict[str, Json]] = {
    "web-server": {"release": "2003", "roles": ["exchange_edge", "dns"]},
    "web-server-required": {"release": "2022", "roles": ["dns"], "vars": {"exchange_services_require": True}},
}
REBOOTED: t.Final = "mail-2010"
BY_PROGRAM: t.Final = ("mail-5.5", "web-server-required")
"""One of each end; both playbooks."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """The plays one after another; a reboot of one server between stop and start."""

    checked: FleetRun
    stopped: FleetRun
    stopped_again: FleetRun
    started: FleetRun
    started_again: FleetRun

    def task_run(self, name: str, host: str) -> TaskRun:
        """What converge did in one of the plays."""
        fleet_run: FleetRun = getattr(self, name)
        return next(
            task_run
            for task_run in fleet_run.task_runs[host]
            if "victims" in task_run.result or task_run.event == "failed"
        )


@pytest.fixture(scope="module")
def runs() -> Runs:
    hosts = {name: {**server, "groups": ["exchange"]} for name, server in {**EXCHANGE, **OTHERS}.items()}
    with played("exchange_services", hosts, by_program=BY_PROGRAM, playbook="exchange_stop") as play:
        # An administrator starts services by hand, long before us.
        by_hand = {"mail-2007": (BY_HAND,), "mail-2010": (BY_HAND,)}
        for host in by_hand.keys() | ALONE.keys():
            for service in (*by_hand.get(host, ()), *ALONE.get(host, ())):
                play.act(host, do="start_service", service=service)
        stopped = (play.run(check=True), play.run(), play.run())
        play.boot([REBOOTED])
        return Runs(*stopped, play.run(playbook="exchange_start"), play.run(playbook="exchange_start"))


def _running(snapshot: Snapshot) -> set[str]:
    return {name for name, service in snapshot.data["services"].items() if service["state"] == "Running"}


def _stops(task_run: TaskRun) -> list[str]:
    """The services in the order in which they were told to stop."""
    briefs = [entry["brief"] for entry in task_run.requests["log"] if entry["method"] == "StopService"]
    return [re.split(r"Name=", brief)[-1].strip('"') for brief in briefs]


@pytest.fixture(params=EXCHANGE)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_check_mode_stops_nothing(runs: Runs, host: str) -> None:
    task_run = runs.task_run("checked", host)
    assert (task_run.event, task_run.result["changed"]) == ("ok", True), task_run.message
    assert standing(task_run.after) == standing(task_run.before)


def test_everything_of_exchange_is_stopped(runs: Runs, host: str) -> None:
    task_run = runs.task_run("stopped", host)
    assert task_run.event == "ok", task_run.message
    exchange = ("MSExchange", "msftesql", "IISADMIN", "W3SVC")
    assert not [name for name in _running(task_run.after) if name.startswith(exchange)]
    assert _running(task_run.before) - _running(task_run.after) == set(task_run.result["resources"][0]["ran"])


def test_the_order_is_that_of_the_article(runs: Runs, host: str) -> None:
    stops = _stops(runs.task_run("stopped", host))
    named = [name for name in stops if name in ORDER]
    installed = runs.task_run("stopped", host).before.data["services"]
    dependents_first = [name for name in ORDER if name in installed]
    assert set(named) == set(dependents_first)
    assert stops.index("MSExchangeIS") < stops.index("MSExchangeSA")
    if "IISADMIN" in installed:
        assert stops[-1] == "IISADMIN"


@pytest.mark.parametrize("mail", ALONE)
def test_what_hangs_on_nothing_is_stopped_and_started_too(runs: Runs, mail: str) -> None:
    stopped, started = runs.task_run("stopped", mail), runs.task_run("started", mail)
    for name in ALONE[mail]:
        assert stopped.before.runs(name)
        assert name in _stops(stopped)
        assert started.after.runs(name)


def test_a_second_stop_changes_nothing(runs: Runs, host: str) -> None:
    task_run = runs.task_run("stopped_again", host)
    assert (task_run.event, task_run.result["changed"]) == ("ok", False), task_run.message
    assert standing(task_run.after) == standing(task_run.before)


def test_exactly_what_ran_runs_again(runs: Runs, host: str) -> None:
    before, after = runs.task_run("checked", host).before, runs.task_run("started", host).after
    assert _running(after) == _running(before)
    assert content(after) == content(before)
    assert after.journal is None
    again = runs.task_run("started_again", host)
    assert again.result["changed"] is False
    assert standing(again.after) == standing(again.before)


def test_what_no_boot_starts_comes_back_too(runs: Runs) -> None:
    """After a reboot between the plays."""
    task_run = runs.task_run("started", REBOOTED)
    assert task_run.before.boot == runs.task_run("stopped_again", REBOOTED).after.boot + 1
    assert BY_HAND not in _running(task_run.before)
    assert BY_HAND in _running(task_run.after)
    assert IDLE not in _running(task_run.after)


def test_it_is_said_what_was_stopped_and_started(runs: Runs, host: str) -> None:
    results = (fleet_run.task_runs[host][-1].result for fleet_run in (runs.stopped, runs.started))
    stopped, started = (" ".join(result["notes"]) for result in results)
    assert "Stopped, in this order: " in stopped
    assert "MSExchangeIS" in stopped
    assert "Running again: " in started


def test_a_server_without_exchange_is_left_alone(runs: Runs) -> None:
    assert_left_alone(
        runs.task_run("stopped", "web-server"), "this server has none of the services MSExchangeADTopology"
    )
    assert_refused(runs.task_run("stopped", "web-server-required"), "this server has none of the services")
