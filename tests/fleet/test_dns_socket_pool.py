# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dns_socket_pool`` on every release: size, excluded ports, and the restart that puts them in force."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, three_runs
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import DNS, SERVICES, Snapshot
from tests.fleet.task_checks import assert_done_as_said, assert_nothing_to_do, assert_only_announced, assert_refused

MODULE: t.Final = "dns_socket_pool"
ROLES: t.Final[Json] = {"roles": ["dns"]}
PORTS: t.Final = ["50389", "50636"]
ENTRIES: t.Final = ["50389-50389", "50636-50636"]

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A change, what it leaves, and what takes it back; ``undone`` only if that is not the state before."""

    id: str
    release: str
    options: Json
    undo: Json
    more: Json = dataclasses.field(default_factory=dict)
    size: int | None = None
    excluded: list[str] | None = None
    undone: tuple[int | None, list[str] | None] | None = None
    warning: str = ""


def _registry(name: str, kind: str, data: t.Any, *, key: str = DNS) -> Json:
    return {"path": key, "name": name, "type": kind, "data": data}


CASES: t.Final = (
    *(
        Case(
            id=f"{release}-size{suffix}",
            release=release,
            options={"size": 3000},
            undo={"size": "default"},
            more=more,
            size=3000,
        )
        for release, suffix, more in (
            ("2003", "", {}),
            ("2003", "-german", {"language": "de"}),
            ("2008", "", {}),
            ("2008r2", "", {}),
            ("2012r2", "", {}),
            ("2022", "-german", {"language": "de"}),
        )
    ),
    Case(
        id="2003-default-removes-the-value",
        release="2003",
        options={"size": "default"},
        undo={"size": "4000"},
        more={"dns_pool_size": 4000},
        size=None,
    ),
    Case(
        id="2022-small",
        release="2022",
        options={"size": 100},
        undo={"size": "default"},
        size=100,
        warning="easier to guess",
    ),
    Case(
        id="2022-none-allowed",
        release="2022",
        options={"size": 0, "allow_unsafe_size": True},
        undo={"size": "default"},
        size=0,
        warning="MS08-037",
    ),
    Case(
        id="2022-largest",
        release="2022",
        options={"size": 10000},
        undo={"size": "default"},
        size=10000,
        warning="less than twice",
    ),
    *(
        Case(
            id=f"{release}-list",
            release=release,
            options={"excluded_ports": PORTS},
            undo={"excluded_ports": PORTS, "state": "absent"},
            excluded=ENTRIES,
        )
        for release in ("2008r2", "2012r2", "2016", "2019", "2022", "2025")
    ),
    Case(
        id="2022-list-merged-with-others",
        release="2022",
        options={"excluded_ports": ["50389", "6005-6015"]},
        undo={"excluded_ports": ["50389", "6011-6015"], "state": "absent"},
        more={"dns_pool_exclusions": ["6000-6010", "seven"]},
        excluded=["6000-6010", "seven", "6011-6015", "50389-50389"],
        warning="'seven'",
    ),
    Case(
        id="2022-list-pure",
        release="2022",
        options={"excluded_ports": PORTS, "state": "pure"},
        undo={"excluded_ports": ["6000-6010"], "state": "pure"},
        more={"dns_pool_exclusions": ["6000-6010"]},
        excluded=ENTRIES,
        warning="6000-6010",
    ),
    Case(
        id="2022-list-absent",
        release="2022",
        options={"excluded_ports": ["6005"], "state": "absent"},
        undo={"excluded_ports": ["6005"]},
        more={"dns_pool_exclusions": ["6000-6010"]},
        excluded=["6000-6004", "6006-6010"],
        undone=(None, ["6000-6004", "6006-6010", "6005-6005"]),
    ),
    Case(
        id="2022-both",
        release="2022",
        options={"size": 5000, "excluded_ports": PORTS},
        undo={"size": "default", "excluded_ports": PORTS, "state": "absent"},
        size=5000,
        excluded=ENTRIES,
    ),
    Case(
        id="2022-dead-value",
        release="2022",
        options={"excluded_ports": PORTS},
        undo={"excluded_ports": PORTS, "state": "absent"},
        more={"registry": [_registry("SocketPoolPortExclusionList", "MULTI_SZ", ["50389-50389"])]},
        excluded=ENTRIES,
        warning="SocketPoolExcludedPortRanges",
    ),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """A wish that can't be had."""

    id: str
    server: Json
    options: Json
    sentence: str


REFUSALS: t.Final = (
    Refusal(
        id="no-pool-at-all", server={"release": "2022"}, options={"size": 0}, sentence=r"accept_risks: \[small_pool\]"
    ),
    Refusal(id="too-large", server={"release": "2022"}, options={"size": 10001}, sentence="0 to 10000"),
    Refusal(id="no-number", server={"release": "2022"}, options={"size": "many"}, sentence="'many'.*'default'"),
    Refusal(id="nothing-asked", server={"release": "2022"}, options={}, sentence="nothing to do"),
    Refusal(
        id="no-dns",
        server={"release": "2022", "roles": ["member"]},
        options={"size": 3000},
        sentence="DNS server service: it is not installed",
    ),
    Refusal(
        id="list-on-2003",
        server={"release": "2003"},
        options={"excluded_ports": PORTS},
        sentence="Windows Server 2003 has no list of excluded ports.*reserved_ports",
    ),
    Refusal(
        id="list-on-2008",
        server={"release": "2008"},
        options={"excluded_ports": PORTS},
        sentence="Windows Server 2008 SP2 has no list of excluded ports.*service_start_mode",
    ),
    Refusal(
        id="list-of-wrong-type",
        server={
            "release": "2022",
            "registry": [_registry("SocketPoolExcludedPortRanges", "SZ", "50389-50389")],
        },
        options={"excluded_ports": PORTS},
        sentence="SocketPoolExcludedPortRanges: its type is .*REG_MULTI_SZ",
    ),
    Refusal(
        id="size-of-wrong-type",
        server={"release": "2022", "registry": [_registry("SocketPoolSize", "SZ", "2500")]},
        options={"size": 3000},
        sentence="SocketPoolSize: its type is .*REG_DWORD",
    ),
)


def _dependent(name: str) -> list[Json]:
    key = rf"{SERVICES}\{name}"
    return [
        _registry("Type", "DWORD", 16, key=key),
        _registry("Start", "DWORD", 2, key=key),
        _registry("ImagePath", "EXPAND_SZ", r"C:\Zones\zones.exe", key=key),
        _registry("ObjectName", "SZ", "LocalSystem", key=key),
        _registry("DependOnService", "MULTI_SZ", ["DNS"], key=key),
    ]


def _restarting(release: str, options: Json) -> HostCase:
    """Change, restart in the same run; again; change without restart; a later run restarts; again."""
    later = {**options, "size": 4000}
    return HostCase(
        id=f"{release}-restart",
        server={"release": release, **ROLES, "registry": _dependent("Zones")},
        steps=(
            Step(module=MODULE, options={**options, "restart": True}, check=True),
            Step(module=MODULE, options={**options, "restart": True}),
            Step(module=MODULE, options={**options, "restart": True}),
            Step(module=MODULE, options=later),
            Step(module=MODULE, options=later),
            Step(module=MODULE, options={"restart": True}, check=True),
            Step(module=MODULE, options={"restart": True}),
            Step(module=MODULE, options={"restart": True}),
            Step(module=MODULE, options=later),
        ),
    )


RESTARTS: t.Final = (
    _restarting("2003", {"size": 3000}),
    _restarting("2008", {"size": 3000}),
    _restarting("2008r2", {"excluded_ports": ["50000-60000"]}),
    _restarting("2022", {"excluded_ports": ["50000-60000"]}),
)
SOMEBODY_RESTARTS: t.Final = HostCase(
    id="somebody-restarts",
    server={"release": "2022", **ROLES},
    steps=(
        Step(module=MODULE, options={"excluded_ports": PORTS}),
        Step(
            module=MODULE,
            options={"excluded_ports": PORTS},
            acts=({"do": "stop_service", "service": "DNS"}, {"do": "start_service", "service": "DNS"}),
        ),
    ),
)
STOPPED: t.Final = HostCase(
    id="dns-is-stopped",
    server={"release": "2022", **ROLES},
    steps=(
        Step(
            module=MODULE,
            options={"excluded_ports": PORTS, "restart": True},
            acts=({"do": "stop_service", "service": "DNS"},),
        ),
    ),
)
WRITTEN_BY_OTHERS: t.Final = HostCase(
    id="written-by-others",
    server={"release": "2022", **ROLES, "dns_pool_exclusions": ENTRIES},
    steps=(Step(module=MODULE, options={"excluded_ports": PORTS, "restart": True}),),
)


def _case(case: Case) -> HostCase:
    server = {"release": case.release, **ROLES, **case.more}
    return HostCase(id=case.id, server=server, steps=three_runs(MODULE, case.options, undo=case.undo))


def _refused(case: Refusal) -> HostCase:
    return HostCase(id=case.id, server={**ROLES, **case.server}, steps=(Step(module=MODULE, options=case.options),))


@pytest.fixture(scope="module")
def results() -> Results:
    others = [*RESTARTS, SOMEBODY_RESTARTS, STOPPED, WRITTEN_BY_OTHERS]
    return run_in_process([*map(_case, CASES), *map(_refused, REFUSALS), *others])


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request: pytest.FixtureRequest) -> Case:
    return t.cast("Case", request.param)


def _values(snapshot: Snapshot) -> tuple[int | None, list[str] | None]:
    return snapshot.pool_size, snapshot.pool_exclusions


def test_check_mode_only_tells(results: Results, case: Case) -> None:
    checked, done, *_unused = results[case.id]
    assert_only_announced(checked, done)


def test_the_run_does_what_it_says(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    assert_done_as_said(MODULE, done)
    assert done.result["changed"] is True
    assert _values(done.after) == (case.size, case.excluded)
    assert (done.result["effective"], done.result["restart_required"]) == ("no", True)
    assert done.result["reboot_required"] is False


def test_without_leave_dns_goes_on(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    before, after = done.before.without_journal(), done.after.without_journal()
    assert {name for name in before if before[name] != after[name]} == {"registry"}


def test_warnings_name_what_is_at_stake(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    assert case.warning in done.warnings
    assert bool(case.warning) == bool(done.warnings)


def test_a_second_run_finds_nothing_to_do(results: Results, case: Case) -> None:
    _checked, _done, again, _undone = results[case.id]
    assert_nothing_to_do(again)
    assert (again.result["effective"], again.result["restart_required"]) == ("no", True)


def test_it_can_be_taken_back(results: Results, case: Case) -> None:
    checked, *_unused, undone = results[case.id]
    assert_done_as_said(MODULE, undone)
    if case.undone is None:
        assert undone.after.configuration == checked.before.configuration
    else:
        assert _values(undone.after) == case.undone


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_refusals_say_why_and_touch_nothing(results: Results, refusal: Refusal) -> None:
    (task_run,) = results[refusal.id]
    assert_refused(task_run)
    assert re.search(refusal.sentence, task_run.message), task_run.message


def _pool(snapshot: Snapshot) -> set[int]:
    return {port for row in snapshot.data["sockets"] if row["service"] == "DNS" for port in row.get("pool", ())}


def _pid(snapshot: Snapshot, service: str) -> int:
    return int(snapshot.service(service)["pid"])


def _assert_restarted(task_run: TaskRun) -> None:
    """DNS and what needs it were restarted once, and DNS serves."""
    assert task_run.event == "ok", task_run.message
    for service in ("DNS", "Zones"):
        assert _pid(task_run.before, service) != _pid(task_run.after, service)
    assert task_run.after.runs("DNS", "Zones")
    assert task_run.after.holders("udp", 53) == {"DNS"}
    assert (task_run.result["effective"], task_run.result["restart_required"]) == ("yes", False)
    stopped = [entry["brief"] for entry in task_run.requests["log"] if entry["method"] == "StopService"]
    assert len(stopped) == 2


def _assert_dns_went_on(task_run: TaskRun) -> None:
    assert _pid(task_run.before, "DNS") == _pid(task_run.after, "DNS")
    assert _pid(task_run.before, "Zones") == _pid(task_run.after, "Zones")


@pytest.mark.parametrize("case", RESTARTS, ids=str)
def test_a_change_is_in_force_after_the_restart(results: Results, case: HostCase) -> None:
    checked, changed, *_unused = results[case.id]
    assert checked.after.data == checked.before.data
    assert checked.result["changed"] is True
    _assert_restarted(changed)
    assert changed.result["changed"] is True
    if "excluded_ports" in case.steps[0].options:
        assert _pool(changed.before) & set(range(50000, 60001))
        assert not _pool(changed.after) & set(range(50000, 60001))


@pytest.mark.parametrize("case", RESTARTS, ids=str)
def test_a_restart_is_not_made_twice(results: Results, case: HostCase) -> None:
    _checked, _changed, again, *_unused = results[case.id]
    assert_nothing_to_do(again)
    _assert_dns_went_on(again)
    assert (again.result["effective"], again.result["restart_required"]) == ("yes", False)


@pytest.mark.parametrize("case", RESTARTS, ids=str)
def test_a_later_run_makes_the_restart_that_is_due(results: Results, case: HostCase) -> None:
    changed, waiting, checked, restarted, again, asked = results[case.id][3:]
    for task_run in (changed, waiting):
        _assert_dns_went_on(task_run)
        assert (task_run.result["effective"], task_run.result["restart_required"]) == ("no", True)
    assert waiting.result["changed"] is False
    assert checked.after.data == checked.before.data
    assert checked.result["changed"] is True
    _assert_restarted(restarted)
    assert restarted.result["changed"] is True
    assert_nothing_to_do(again)
    assert_nothing_to_do(asked)
    assert asked.result["effective"] == "yes"


def test_a_restart_by_somebody_else_counts(results: Results) -> None:
    _changed, later = results["somebody-restarts"]
    assert later.result["changed"] is False
    assert (later.result["effective"], later.result["restart_required"]) == ("yes", False)


def test_a_stopped_dns_is_not_started(results: Results) -> None:
    (task_run,) = results["dns-is-stopped"]
    assert task_run.event == "ok", task_run.message
    assert task_run.after.pool_exclusions == ENTRIES
    assert not task_run.after.runs("DNS")
    assert (task_run.result["effective"], task_run.result["restart_required"]) == ("yes", False)


def test_what_others_wrote_is_not_worth_a_restart(results: Results) -> None:
    (task_run,) = results["written-by-others"]
    assert_nothing_to_do(task_run)
    assert task_run.result["effective"] == "unknown"
    assert task_run.result["reasons"]
