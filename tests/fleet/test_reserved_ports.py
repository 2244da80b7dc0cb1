# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``reserved_ports`` against every kind of server: the value of NT 5.x, and netsh's excluded ranges."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, three_runs
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import Snapshot, shown

MODULE: t.Final = "reserved_ports"
PORTS: t.Final = ["50389", "50636"]
EDGE_SERVICES: t.Final = ("MSExchangeTransport", "MSExchangeEdgeCredential", "ADAM_MSExchange")
"""In stop order."""

OLD: t.Final = {"release": "2003"}
# Without DNS only the named processes hold a port up there.
NEW: t.Final = {"release": "2022", "roles": ["member"]}
GERMAN: t.Final = {"language": "de"}
EDGE: t.Final = {"release": "2022", "broken": False}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A change: ``reserved``, or ``tcp`` and ``udp``, are the lists that it leaves.

    ``undone`` is what undoing leaves of them; None if that is what was there before.
    """

    id: str
    server: Json
    options: Json
    reserved: list[str] | None = None
    tcp: tuple[str, ...] = ()
    udp: tuple[str, ...] = ()
    undo: Json | None = None
    undone: list[str] | None = None
    warning: str = ""
    effective: str = "yes"
    acts: tuple[Json, ...] = ()

    @property
    def undoing(self) -> Json:
        """What takes the change back."""
        return self.undo or {**self.options, "state": "absent"}

    def lists(self, snapshot: Snapshot) -> t.Any:
        """What is compared with the expectation."""
        if self.server["release"] == "2003":
            return snapshot.reserved
        return tuple(snapshot.excluded("tcp")), tuple(snapshot.excluded("udp"))

    @property
    def expected(self) -> t.Any:
        """The lists after the run."""
        return self.reserved if self.server["release"] == "2003" else (self.tcp, self.udp)


def _both(*blocks: str) -> dict[str, t.Any]:
    return {"tcp": blocks, "udp": blocks}


def _named(protocol: str, ports: str) -> Json:
    return {"protocol": protocol, "ports": ports}


PAIR: t.Final = ("50389-50389", "50636-50636")

CASES: t.Final = (
    # --- the value of NT 5.x
    Case(
        id="2003-value-absent",
        server=OLD,
        options={"ports": PORTS},
        reserved=["50389-50389", "50636-50636"],
        effective="no",
    ),
    Case(
        id="2003-german",
        server=OLD | GERMAN,
        options={"ports": "50389-50390"},
        reserved=["50389-50390"],
        effective="no",
    ),
    Case(
        id="2003-merged-with-others",
        server=OLD | {"reserved_ports": ["3343-3343"]},
        options={"ports": [50389, "50636"]},
        reserved=["3343-3343", "50389-50389", "50636-50636"],
        effective="no",
    ),
    Case(
        id="2003-unreadable-entry-kept",
        server=OLD | {"reserved_ports": ["3343-3343", "seven"]},
        options={"ports": ["4500"]},
        reserved=["3343-3343", "seven", "4500-4500"],
        warning="'seven'",
        effective="no",
    ),
    Case(
        id="2003-touching-entries-joined",
        server=OLD | {"reserved_ports": ["1645-1645", "3343-3343", "1646-1646"]},
        options={"ports": ["1645-1646"]},
        reserved=["1645-1646", "3343-3343"],
        undone=["3343-3343"],
        effective="no",
    ),
    Case(
        id="2003-neighbour-joined",
        server=OLD | {"reserved_ports": ["1645-1645"]},
        options={"ports": ["1646"]},
        reserved=["1645-1646"],
        effective="no",
    ),
    Case(
        id="2003-one-port-as-range",
        server=OLD | {"reserved_ports": ["4500"]},
        options={"ports": ["4500"]},
        reserved=["4500-4500"],
        undone=[],
        effective="no",
    ),
    Case(
        id="2003-pure",
        server=OLD | {"reserved_ports": ["3343-3343", "1801-1801"]},
        options={"ports": ["50389"], "state": "pure"},
        reserved=["50389-50389"],
        undo={"ports": ["50389"], "state": "absent"},
        undone=[],
        warning="3343-3343",
        effective="no",
    ),
    Case(
        id="2003-pure-of-nothing",
        server=OLD | {"reserved_ports": ["3343-3343"]},
        options={"ports": [], "state": "pure"},
        reserved=[],
        undo={"ports": ["3343"]},
        warning="3343-3343",
        effective="no",
    ),
    Case(
        id="2003-absent-cuts-a-range",
        server=OLD | {"reserved_ports": ["1645-1646", "50000-50010"]},
        options={"ports": ["50005"], "state": "absent"},
        reserved=["1645-1646", "50000-50004", "50006-50010"],
        undo={"ports": ["50005"], "state": "present"},
        effective="no",
    ),
    Case(
        id="2003-one-protocol-warns",
        server=OLD,
        options={"ports": ["50389"], "protocol": "tcp"},
        reserved=["50389-50389"],
        undo={"ports": ["50389"], "state": "absent"},
        warning="no protocol",
        effective="no",
    ),
    Case(
        id="2003-instance",
        server=OLD | {"ldap_port": 51389, "ssl_port": 51636},
        options={"ad_lds_instances": ["MSExchange"]},
        reserved=["51389-51389", "51636-51636"],
        effective="no",
    ),
    # --- netsh
    *(
        Case(
            id=f"{release}-netsh{suffix}",
            server={**NEW, "release": release, **more},
            options={"ports": PORTS},
            **_both(*PAIR),
        )
        for release, suffix, more in (
            ("2008", "-hotfix", {"netsh_hotfix": True}),
            ("2008r2", "-hotfix", {"netsh_hotfix": True}),
            ("2008r2", "-hotfix-german", {"netsh_hotfix": True, **GERMAN}),
            ("2012r2", "", {}),
            ("2016", "", {}),
            ("2022", "", {}),
            ("2022", "-german", GERMAN),
            ("2025", "", {}),
        )
    ),
    Case(
        id="2022-udp-alone",
        server=NEW,
        options={"ports": ["51820"], "protocol": "udp"},
        udp=("51820-51820",),
    ),
    Case(
        id="2022-missing-pieces-only",
        server=NEW | {"exclusions": [_named("tcp", "50000-50009"), _named("udp", "50005-50006")]},
        options={"ports": ["50000-50012"]},
        tcp=("50000-50009", "50010-50012"),
        udp=("50000-50004", "50005-50006", "50007-50012"),
        undone=[],
    ),
    Case(
        id="2022-absent-cuts-a-block",
        server=NEW | {"exclusions": [_named("tcp", "50000-50059")]},
        options={"ports": ["50010-50019"], "state": "absent"},
        tcp=("50000-50009", "50020-50059"),
        undo={"ports": ["50010-50019"], "protocol": "tcp"},
        undone=["50000-50009", "50010-50019", "50020-50059"],
    ),
    Case(
        id="2022-pure",
        server=NEW | {"exclusions": [_named("tcp", "50000-50059"), _named("udp", "51820-51820")]},
        options={"ports": ["51820"], "protocol": "udp", "state": "pure"},
        tcp=("50000-50059",),
        udp=("51820-51820",),
        undone=["50000-50059"],
    ),
    Case(
        id="2022-pure-takes-others-away",
        server=NEW | {"exclusions": [_named("udp", "50000-50059")]},
        options={"ports": ["51820"], "protocol": "udp", "state": "pure"},
        udp=("51820-51820",),
        undo={"ports": ["51820"], "protocol": "udp", "state": "absent"},
        undone=[],
        warning="50000-50059",
    ),
    Case(
        id="2022-foreign-block-elsewhere",
        server=NEW | {"runtime_blocks": [_named("udp", "60000-60099")]},
        options={"ports": ["51820"], "protocol": "udp"},
        udp=("51820-51820",),
    ),
)
"""Each is a change but 2022-pure, which finds everything as it should be."""

UNCHANGED: t.Final = frozenset({"2022-pure"})


def _case(case: Case) -> HostCase:
    steps = three_runs(MODULE, case.options, undo=case.undoing, acts=case.acts)
    return HostCase(id=case.id, server=case.server, steps=steps)


OWNER: t.Final = HostCase(
    id="held-by-its-owner",
    server=EDGE,
    steps=(
        Step(module=MODULE, options={"ad_lds_instances": ["MSExchange"], "ports": ["51820"]}),
        Step(module=MODULE, options={"ad_lds_instances": ["MSExchange"], "ports": ["51820"]}),
        Step(
            module=MODULE,
            options={"ad_lds_instances": ["MSExchange"], "ports": ["51820"]},
            acts=tuple({"do": "stop_service", "service": name} for name in EDGE_SERVICES),
        ),
    ),
)
WHOLE_BLOCK_IN_USE: t.Final = HostCase(
    id="whole-block-in-use",
    server=NEW,
    steps=(
        Step(
            module=MODULE,
            options={"ports": ["50000-50059"], "protocol": "tcp", "state": "absent"},
            acts=(
                {"do": "exclude", "protocol": "tcp", "ports": "50000-50059"},
                {"do": "bind", "image": "service.exe", "protocol": "tcp", "port": 50030},
            ),
        ),
    ),
)
BOOTED: t.Final = HostCase(
    id="in-force-after-a-boot",
    server=OLD,
    steps=(
        Step(module=MODULE, options={"ports": PORTS}),
        Step(module=MODULE, options={"ports": PORTS}),
        Step(module=MODULE, options={"ports": PORTS}, acts=({"do": "boot"},)),
    ),
)
FOREIGN: t.Final = HostCase(
    id="written-by-somebody-else",
    server=OLD | {"reserved_ports": ["50389-50389", "50636-50636"]},
    steps=(Step(module=MODULE, options={"ports": PORTS}),),
)


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[TaskRun, ...]]:
    cases = [*map(_case, CASES), OWNER, WHOLE_BLOCK_IN_USE, BOOTED, FOREIGN]
    return run_in_process(cases)


@pytest.fixture(params=CASES, ids=lambda case: case.id)
def case(request: pytest.FixtureRequest) -> Case:
    return t.cast("Case", request.param)


Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


def _assert_shown(task_run: TaskRun) -> None:
    """The result speaks of the server as it was before and as it is now, and the diff says the same."""
    for name, snapshot in (("before", task_run.before), ("after", task_run.after)):
        assert task_run.result[name] == shown(MODULE, snapshot, task_run.result[name]), name
        assert task_run.result["diff"][name] == task_run.result[name], name


def test_check_mode_says_it_and_changes_nothing(results: Results, case: Case) -> None:
    checked, done, *_unused = results[case.id]
    assert checked.event == "ok", checked.message
    assert checked.after.data == checked.before.data
    assert checked.result["changed"] == (case.id not in UNCHANGED)
    for name in ("changed", "before", "after", "diff", "effective", "reboot_required"):
        assert checked.result[name] == done.result[name], name


def test_the_run_does_what_it_says(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    assert done.event == "ok", done.message
    assert done.result["changed"] == (case.id not in UNCHANGED)
    assert case.lists(done.after) == case.expected
    assert done.result["effective"] == case.effective
    _assert_shown(done)


def test_nothing_else_changes(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    before, after = done.before.without_journal(), done.after.without_journal()
    touched = {name for name in before if before[name] != after[name]}
    assert touched <= {"registry" if case.reserved is not None else "exclusions"}


def test_warnings_name_what_is_at_stake(results: Results, case: Case) -> None:
    _checked, done, *_unused = results[case.id]
    assert case.warning in done.warnings
    assert bool(case.warning) == bool(done.warnings)


def test_a_second_run_finds_nothing_to_do(results: Results, case: Case) -> None:
    *_unused, again, _undone = results[case.id]
    assert again.event == "ok", again.message
    assert again.result["changed"] is False
    assert again.after.data == again.before.data
    assert again.result["effective"] == case.effective


def test_it_can_be_taken_back(results: Results, case: Case) -> None:
    checked, *_unused, undone = results[case.id]
    assert undone.event == "ok", undone.message
    assert undone.result["changed"] is True
    _assert_shown(undone)
    if case.undone is None:
        assert undone.after.configuration == checked.before.configuration
    elif case.reserved is not None:
        assert undone.after.reserved == case.undone
    else:
        assert undone.after.excluded("tcp") == case.undone


def test_a_port_that_its_owner_holds_is_waited_for(results: Results) -> None:
    first, second, stopped = results["held-by-its-owner"]
    assert first.event == "ok"
    assert first.result["changed"] is True
    assert first.after.excluded("tcp") == first.after.excluded("udp") == ["51820-51820"]
    held = {(item["protocol"], item["port"], *item["services"]) for item in first.result["waiting_for"]}
    assert ("tcp", 50389, "ADAM_MSExchange") in held
    assert ("tcp", 50636, "ADAM_MSExchange") in held
    for task_run in (first, second):
        assert task_run.result["effective"] == "no"
        assert task_run.result["reboot_required"] is False
    assert second.result["changed"] is False
    assert stopped.result["changed"] is True
    assert stopped.result["waiting_for"] == []
    assert stopped.after.excluded("tcp") == ["50389-50389", "50636-50636", "51820-51820"]


def test_a_whole_block_is_released_though_a_port_of_it_is_in_use(results: Results) -> None:
    (task_run,) = results["whole-block-in-use"]
    assert task_run.event == "ok", task_run.message
    assert task_run.after.excluded("tcp") == []


def test_the_value_is_in_force_after_a_boot(results: Results) -> None:
    written, waiting, booted = results["in-force-after-a-boot"]
    assert (written.result["effective"], written.result["reboot_required"]) == ("no", True)
    assert (waiting.result["effective"], waiting.result["reboot_required"]) == ("no", True)
    assert (booted.result["effective"], booted.result["reboot_required"]) == ("yes", False)
    assert booted.result["changed"] is False


def test_what_somebody_else_wrote_may_be_in_force_or_not(results: Results) -> None:
    (task_run,) = results["written-by-somebody-else"]
    assert task_run.result["changed"] is False
    assert task_run.result["effective"] == "unknown"
    assert task_run.result["reasons"]
    assert task_run.after.journal is None
