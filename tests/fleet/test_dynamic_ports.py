# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dynamic_ports`` on every release: MaxUserPort or netsh's ranges, what waits for what, and the way back."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, three_runs
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import TCPIP
from tests.fleet.task_checks import assert_done_as_said, assert_nothing_to_do, assert_only_announced, assert_refused

MODULE: t.Final = "dynamic_ports"
ROLES: t.Final[Json] = {"roles": ["dns"]}
WIDE: t.Final[Json] = {"start": 1025, "number": 58976}
MEANT: t.Final[Json] = {"accept_risks": ["way_in"]}
"""The wide range lies over WinRM's port too."""
USUAL: t.Final[Json] = {"start": 49152, "number": 16384}
WIDENED: t.Final[Json] = {"dynamic_range": {"tcp": "1025-60000", "udp": "1025-60000"}}

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A change, what is in place then, and what that waits for."""

    id: str
    release: str
    options: Json
    after: Json
    more: Json = dataclasses.field(default_factory=dict)
    waits: t.Literal["reboot", "dns", "nothing"] = "dns"
    warning: str = ""


def _ranges(*names: str, ports: str = "1025-60000") -> Json:
    return dict.fromkeys(names, ports)


BOTH: t.Final = ("tcp", "tcp6", "udp", "udp6")
CASES: t.Final = (
    *(
        Case(
            id=f"2003-{highest}{'-german' if language == 'de' else ''}",
            release="2003",
            options={"max_user_port": str(highest)},
            after={"max_user_port": highest},
            # Without it the run is refused: see test_block_mode.py.
            more={"language": language, "reserved_ports": ["4500-4500"]},
            waits="reboot",
            warning=f"1024-{highest}",
        )
        for highest, language in ((5000, "en"), (65534, "de"))
    ),
    Case(
        id="2003-removed",
        release="2003",
        options={"max_user_port": "default"},
        after={"max_user_port": "default"},
        # More than Windows documents, as SBS sets it.
        more={"registry": [{"path": TCPIP, "name": "MaxUserPort", "type": "DWORD", "data": 65536}]},
        waits="reboot",
    ),
    *(
        Case(
            id=f"{release}-widened",
            release=release,
            options=WIDE,
            after=_ranges(*BOTH),
            more={"language": language},
            warning="that the DNS server follows it is not documented",
        )
        for release, language in (("2008", "en"), ("2008r2", "de"), ("2012r2", "en"), ("2022", "de"), ("2025", "en"))
    ),
    Case(
        id="2008-as-before-exchange-2007",
        release="2008",
        options=USUAL,
        after=_ranges(*BOTH, ports="49152-65535"),
        more=WIDENED,
    ),
    Case(
        id="2022-tcp-alone",
        release="2022",
        options={**WIDE, "protocol": "tcp"},
        after=_ranges("tcp", "tcp6"),
        waits="nothing",
        more={"roles": ["exchange_edge"]},
        warning="TCP ports from 1025-60000. In it lie TCP ports of ad_lds: keep them free",
    ),
    # Nothing is there that needs a port of the range.
    Case(
        id="2022-tcp-of-nobody",
        release="2022",
        options={**WIDE, "protocol": "tcp"},
        after=_ranges("tcp", "tcp6"),
        waits="nothing",
        warning="accept_risks has way_in",
    ),
    Case(
        id="2008-value-removed",
        release="2008",
        options={"max_user_port": "default"},
        after={"max_user_port": "default"},
        more={"max_user_port": 60000},
    ),
)


def _restart(release: str) -> HostCase:
    """A change of the range waits for a restart of DNS by anyone."""
    acts = ({"do": "stop_service", "service": "DNS"}, {"do": "start_service", "service": "DNS"})
    steps = (Step(module=MODULE, options={**WIDE, **MEANT}), Step(module=MODULE, options={**WIDE, **MEANT}, acts=acts))
    return HostCase(id=f"{release}-restarted", server={"release": release, **ROLES}, steps=steps)


RESTARTS: t.Final = tuple(map(_restart, ("2008", "2008r2", "2022")))
REFUSALS: t.Final[tuple[tuple[str, str, Json, str], ...]] = (
    ("beyond", "2003", {"max_user_port": "65536"}, "5000 to 65534"),
    ("range-on-2003", "2003", WIDE, "no dynamic range that can be set.*Use max_user_port"),
    ("value-on-2022", "2022", {"max_user_port": "60000"}, "does not read MaxUserPort"),
    ("too-early", "2022", {"start": 1024, "number": 255}, "between 1025 and 65535"),
    ("too-few", "2022", {"start": 1025, "number": 254}, "at least 255"),
    ("too-far", "2022", {"start": 65000, "number": 1000}, "beyond 65535"),
    ("half", "2022", {"start": 65000}, "given together"),
)


def _case(case: Case) -> HostCase:
    undo = Step(module="converge", options={"resources": [{MODULE: case.options}], "state": "absent"})
    server = {"release": case.release, **ROLES, **case.more}
    return HostCase(id=case.id, server=server, steps=(*three_runs(MODULE, {**case.options, **MEANT}), undo))


@pytest.fixture(scope="module")
def results() -> Results:
    refused = [
        HostCase(id=name, server={"release": release, **ROLES}, steps=(Step(module=MODULE, options=options),))
        for name, release, options, _words in REFUSALS
    ]
    return run_in_process([*map(_case, CASES), *RESTARTS, *refused])


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request: pytest.FixtureRequest) -> Case:
    return t.cast("Case", request.param)


def test_check_mode_only_tells(results: Results, case: Case) -> None:
    checked, done, *_unused = results[case.id]
    assert_only_announced(checked, done)


def test_the_run_does_what_it_says(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    assert_done_as_said(MODULE, done)
    assert done.result["changed"] is True
    assert done.result["after"] == case.after
    assert case.warning in done.warnings
    assert bool(case.warning) == bool(done.warnings)


def test_what_waits_is_told_in_every_run(results: Results, case: Case) -> None:
    _checked, done, again, _undone = results[case.id]
    for task_run in (done, again):
        assert task_run.result["reboot_required"] == (case.waits == "reboot")
        assert task_run.result["restart_required"] == (case.waits == "dns")
        assert task_run.result["effective"] == ("yes" if case.waits == "nothing" else "no")


def test_a_second_run_finds_nothing_to_do(results: Results, case: Case) -> None:
    _checked, _done, again, _undone = results[case.id]
    assert_nothing_to_do(again)


def test_it_can_be_taken_back(results: Results, case: Case) -> None:
    checked, *_unused, undone = results[case.id]
    assert undone.event == "ok", undone.message
    assert undone.after.configuration == checked.before.configuration
    assert undone.after.journal is None


@pytest.mark.parametrize("case", RESTARTS, ids=str)
def test_a_restart_of_dns_settles_it(results: Results, case: HostCase) -> None:
    _done, later = results[case.id]
    assert_nothing_to_do(later)
    assert (later.result["effective"], later.result["restart_required"]) == ("yes", False)


@pytest.mark.parametrize(("name", "words"), [(row[0], row[3]) for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_refusals_say_why_and_touch_nothing(results: Results, name: str, words: str) -> None:
    (task_run,) = results[name]
    assert_refused(task_run)
    assert re.search(words, task_run.message), task_run.message
