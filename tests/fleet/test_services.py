# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_start_mode`` and ``service_state``: how services start, and in which order they stop and start."""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, three_runs
from tests.fleet.in_process import run_in_process
from tests.fleet.task_checks import assert_done_as_said, assert_nothing_to_do, assert_only_announced, assert_refused

START: t.Final = "service_start_mode"
STATE: t.Final = "service_state"
EDGE: t.Final[Json] = {"broken": False}
AD_LDS: t.Final = "ADAM_MSExchange"
DEPENDENTS: t.Final = ("MSExchangeEdgeCredential", "MSExchangeTransport")

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]

ROUND: t.Final = ("delayed", "manual", "delayed", "auto", "disabled", "delayed", "disabled", "auto", "manual", "auto")
"""Every change from one mode to another, but for those that need no flag."""
OLD_ROUND: t.Final = ("manual", "auto", "disabled", "manual", "disabled", "auto")


def _round(release: str, modes: tuple[str, ...], **more: t.Any) -> HostCase:
    """Each mode in turn for a service that starts automatically; each once more, in check mode."""
    name = "w32time"  # names of services are the same in any case of letters
    steps = itertools.chain.from_iterable(
        (
            Step(module=START, options={"name": name, "start_mode": mode}, check=True),
            Step(module=START, options={"name": name, "start_mode": mode}),
            Step(module=START, options={"name": name, "start_mode": mode}),
        )
        for mode in modes
    )
    suffix = "-german" if more else ""
    return HostCase(
        id=f"{release}{suffix}-modes", server={"release": release, "roles": ["dns"], **more}, steps=tuple(steps)
    )


ROUNDS: t.Final = (
    (_round("2003", OLD_ROUND), OLD_ROUND),
    (_round("2008", ROUND), ROUND),
    (_round("2008r2", ROUND, language="de"), ROUND),
    (_round("2012r2", ROUND), ROUND),
    (_round("2022", ROUND, language="de"), ROUND),
)
SEVERAL: t.Final = HostCase(
    id="several-services",
    server={"release": "2022", "roles": ["dns"]},
    steps=three_runs(
        START,
        {"name": ["W32Time", "DNS", "TermService"], "start_mode": "manual"},
        undo={"name": ["W32Time", "DNS", "TermService"], "start_mode": "auto"},
    ),
)
WAITING: t.Final = HostCase(
    id="delayed-from-the-next-boot",
    server={"release": "2008", "roles": ["dns"]},
    steps=(
        Step(module=START, options={"name": "DNS", "start_mode": "delayed"}),
        Step(module=START, options={"name": "DNS", "start_mode": "delayed"}),
        Step(module=START, options={"name": "DNS", "start_mode": "delayed"}, acts=({"do": "boot"},)),
    ),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """A wish that can't be had."""

    id: str
    module: str
    options: Json
    sentence: str
    release: str = "2022"
    acts: tuple[Json, ...] = ()


REFUSALS: t.Final = (
    Refusal(
        id="delayed-on-2003",
        module=START,
        release="2003",
        options={"name": "DNS", "start_mode": "delayed"},
        sentence="Windows Server 2003.* has no delayed start",
    ),
    Refusal(
        id="delayed-in-a-group",
        module=START,
        options={"name": ["DNS", "Spooler"], "start_mode": "delayed"},
        sentence=r"Spooler \(group SpoolerGroup\): a member of a load-order group can't start delayed",
    ),
    Refusal(
        id="start-mode-of-nothing",
        module=START,
        options={"name": ["DNS", "NoSuch", "NorThis"], "start_mode": "manual"},
        sentence="NoSuch, NorThis: it does not exist",
    ),
    Refusal(
        id="start-mode-of-a-strange-name",
        module=START,
        options={"name": ["DNS", "a&calc"], "start_mode": "manual"},
        sentence="'a&calc' is not the key name of a service",
    ),
    Refusal(
        id="start-mode-unknown",
        module=START,
        options={"name": "DNS", "start_mode": "boot"},
        sentence="start_mode must be one of: auto, delayed, manual, disabled",
    ),
    Refusal(
        id="state-of-nothing",
        module=STATE,
        options={"name": ["DNS", "NoSuch"], "state": "restarted"},
        sentence="NoSuch: it does not exist",
    ),
    Refusal(
        id="start-of-a-disabled-one",
        module=STATE,
        options={"name": ["DNS", "RemoteAccess"], "state": "restarted"},
        sentence="RemoteAccess: it is disabled",
    ),
    Refusal(
        id="timeout-of-nothing",
        module=STATE,
        options={"name": "DNS", "state": "stopped", "timeout": 0},
        sentence="timeout: 0 is not between 1 and 3600",
    ),
)


def _states(release: str, **more: t.Any) -> HostCase:
    """Stop AD LDS, again, start it, again; another program stops one of its dependents; restart."""
    name = {"name": [AD_LDS]}
    return HostCase(
        id=f"{release}-states",
        server={"release": release, **EDGE, **more},
        steps=(
            *three_runs(STATE, {**name, "state": "stopped"}, undo={**name, "state": "started"}),
            Step(module=STATE, options={**name, "state": "started"}),
            Step(module=STATE, options={"name": DEPENDENTS, "state": "started"}),
            Step(
                module=STATE,
                options={**name, "state": "restarted"},
                check=True,
                acts=({"do": "stop_service", "service": DEPENDENTS[0]},),
            ),
            Step(module=STATE, options={**name, "state": "restarted"}),
            Step(module=STATE, options={**name, "state": "restarted"}),
        ),
    )


STATES: t.Final = (_states("2003"), _states("2008", language="de"), _states("2012r2"), _states("2022", language="de"))
NO_TIME: t.Final = HostCase(
    id="takes-too-long",
    server={"release": "2022", **EDGE, "time_scale": 1.0},
    steps=(Step(module=STATE, options={"name": "MSExchangeTransport", "state": "stopped", "timeout": 1}),),
)
LOST_PORT: t.Final = HostCase(
    id="port-taken",
    server={"release": "2022", **EDGE},
    steps=(
        Step(
            module=STATE,
            options={"name": AD_LDS, "state": "started"},
            acts=(
                *({"do": "stop_service", "service": name} for name in (*DEPENDENTS, AD_LDS)),
                {"do": "bind", "image": "thief.exe", "protocol": "tcp", "port": 50389},
            ),
        ),
    ),
)


def _refused(refusal: Refusal) -> HostCase:
    step = Step(module=refusal.module, options=refusal.options, acts=refusal.acts)
    return HostCase(id=refusal.id, server={"release": refusal.release, **EDGE}, steps=(step,))


@pytest.fixture(scope="module")
def results() -> Results:
    rounds = [case for case, _modes in ROUNDS]
    return run_in_process([*rounds, SEVERAL, WAITING, *STATES, NO_TIME, LOST_PORT, *map(_refused, REFUSALS)])


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_refusals_say_why_and_touch_nothing(results: Results, refusal: Refusal) -> None:
    (task_run,) = results[refusal.id]
    assert_refused(task_run)
    assert re.search(refusal.sentence, task_run.message), task_run.message


# --- start modes


@pytest.mark.parametrize(("case", "modes"), ROUNDS, ids=[case.id for case, _modes in ROUNDS])
def test_every_mode_from_every_other(results: Results, case: HostCase, modes: tuple[str, ...]) -> None:
    task_runs = results[case.id]
    for position, mode in enumerate(modes):
        checked, done, again = task_runs[3 * position : 3 * position + 3]
        assert_only_announced(checked, done)
        assert_done_as_said(START, done)
        assert done.result["changed"] is True
        assert done.after.start_mode("W32Time") == mode
        assert_nothing_to_do(again)


@pytest.mark.parametrize(("case", "modes"), ROUNDS, ids=[case.id for case, _modes in ROUNDS])
def test_the_flag_is_left_only_where_it_means_something(
    results: Results, case: HostCase, modes: tuple[str, ...]
) -> None:
    """After delayed and auto again, the service is as it was: no flag is left set."""
    assert modes[-1] == "auto"
    assert results[case.id][-1].after.service("W32Time")["delayed"] is False


def test_several_services_at_once(results: Results) -> None:
    checked, done, again, undone = results[SEVERAL.id]
    assert_only_announced(checked, done)
    assert_done_as_said(START, done)
    assert {done.after.start_mode(name) for name in ("W32Time", "DNS", "TermService")} == {"manual"}
    assert_nothing_to_do(again)
    assert undone.after.configuration == checked.before.configuration


def test_a_delayed_start_shows_at_the_next_boot(results: Results) -> None:
    changed, waiting, booted = results[WAITING.id]
    for task_run in (changed, waiting):
        assert (task_run.result["effective"], task_run.result["reboot_required"]) == ("no", False)
        assert "next boot" in task_run.result["reasons"][0]
    assert_nothing_to_do(booted)
    assert booted.result["effective"] == "yes"


# --- states


def _order(task_run: TaskRun, method: str) -> list[str]:
    """The services that the requests of one kind were sent for, in order."""
    names = (AD_LDS, *DEPENDENTS)
    briefs = [entry["brief"] for entry in task_run.requests["log"] if entry["method"] == method]
    return [name for brief in briefs for name in names if f"={name}" in brief]


def _pid(task_run: TaskRun, name: str) -> tuple[int, int]:
    return task_run.before.service(name)["pid"], task_run.after.service(name)["pid"]


@pytest.mark.parametrize("case", STATES, ids=str)
def test_what_depends_on_it_stops_first(results: Results, case: HostCase) -> None:
    checked, stopped, again, _started = results[case.id][:4]
    assert_only_announced(checked, stopped)
    assert_done_as_said(STATE, stopped)
    assert stopped.result["changed"] is True
    assert not any(stopped.after.runs(name) for name in (AD_LDS, *DEPENDENTS))
    order = _order(stopped, "StopService")
    assert set(order[:2]) == set(DEPENDENTS)
    assert order[2:] == [AD_LDS]
    assert set(stopped.result["ran"]) == {AD_LDS, *DEPENDENTS}
    assert_nothing_to_do(again)


@pytest.mark.parametrize("case", STATES, ids=str)
def test_what_ran_is_noted_before_the_first_stop(results: Results, case: HostCase) -> None:
    stopped = results[case.id][1]
    methods = [entry["method"] for entry in stopped.requests["log"]]
    assert methods.index("SetStringValue") < methods.index("StopService")


@pytest.mark.parametrize("case", STATES, ids=str)
def test_a_start_starts_what_is_named(results: Results, case: HostCase) -> None:
    started, again, others = results[case.id][3:6]
    assert_done_as_said(STATE, started)
    assert started.after.runs(AD_LDS)
    assert not any(started.after.runs(name) for name in DEPENDENTS)
    assert_nothing_to_do(again)
    assert others.after.runs(*DEPENDENTS)


@pytest.mark.parametrize("case", STATES, ids=str)
def test_a_restart_starts_exactly_what_ran(results: Results, case: HostCase) -> None:
    checked, *restarts = results[case.id][6:]
    assert checked.after.data == checked.before.data
    for task_run in (checked, *restarts):
        assert task_run.event == "ok", task_run.message
        assert task_run.result["changed"] is True
        assert set(task_run.result["ran"]) == {AD_LDS, DEPENDENTS[1]}
    for task_run in restarts:
        assert task_run.after.runs(AD_LDS, DEPENDENTS[1])
        assert not task_run.after.runs(DEPENDENTS[0])
        for name in (AD_LDS, DEPENDENTS[1]):
            before, after = _pid(task_run, name)
            assert before != after
        assert _order(task_run, "StopService") == [DEPENDENTS[1], AD_LDS]
        assert _order(task_run, "StartService") == [AD_LDS, DEPENDENTS[1]]


def test_a_service_that_takes_too_long_is_named(results: Results) -> None:
    (task_run,) = results[NO_TIME.id]
    assert task_run.event == "failed"
    assert re.search(r"MSExchangeTransport.*Stop Pending.* after 1 second", task_run.message), task_run.message


def test_a_service_that_loses_its_port_fails_with_its_code(results: Results) -> None:
    (task_run,) = results[LOST_PORT.id]
    assert task_run.event == "failed"
    assert AD_LDS in task_run.message
    assert re.search("10048|10013", task_run.message), task_run.message
