# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal on the server: switched off, tampered with, of a later version; and what it lets a run take back."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import JOURNAL, TCPIP
from tests.fleet.task_checks import assert_refused

PORTS: t.Final[Json] = {"ports": ["50389"]}
RESERVE: t.Final = Step(module="reserved_ports", options=PORTS)
OFF: t.Final[Json] = {"portkeeper_journal": False}


def _journal(data: t.Any, kind: str = "SZ") -> Json:
    return {"path": JOURNAL, "name": "Journal", "type": kind, "data": data}


def _undo(**resource: t.Any) -> Step:
    return Step(module="converge", options={"resources": [resource], "state": "absent"})


LATER: t.Final = json.dumps({"version": 99, "entries": {}, "news": True})
TAMPERED: t.Final[t.Mapping[str, tuple[Json, str]]] = {
    "no-json": (_journal("{never closed"), "it is not JSON"),
    "no-object": (_journal("[]"), "it is not a JSON object"),
    "no-version": (_journal('{"entries": {}}'), "it has no version"),
    "entries-of-another-kind": (_journal('{"version": 1, "entries": [1]}'), "its entries are no object"),
    "wait-of-another-kind": (
        _journal('{"version": 1, "entries": {"reserved_ports": {"wait": {"event": "format"}}}}'),
        "a wait",
    ),
    "an-absurd-number": (
        _journal(
            '{"version": 2, "entries": {"reserved_ports": {"original": null, "written": null, '
            '"wait": {"event": "reboot", "since": 1e400, "age": 1}}}}'
        ),
        "it has the number 1e400",
    ),
    "a-value-of-another-type": (
        _journal('{"version": 2, "entries": {"dns_socket_pool.size": {"original": {"type": 1, "data": "x"}}}}'),
        "a state is not a registry value of type DWORD",
    ),
    "no-port": (
        _journal('{"version": 2, "entries": {"reserved_ports": {"original": null, "added": ["1-70000"]}}}'),
        "the entry reserved_ports has a part of another form",
    ),
    "no-service": (_journal(r'{"version": 2, "entries": {}, "stopped": ["..\\x"]}'), "a stopped service has a name"),
    "too-large": (_journal("x" * 70_000), "70000 characters"),
    "larger-than-an-envelope": (_journal("x" * 300_000), "does not fit into an envelope"),
    "nested-too-deep": (_journal("[" * 20_000), "it is not JSON"),
    "of-a-later-release": (_journal(LATER), "it has version 99.*Update the collection"),
    "of-another-type": (_journal(7, "DWORD"), "journal"),
}
"""Each with what the sentence says of it."""


def _tampered(name: str, value: Json) -> HostCase:
    """A wish that has nothing to do with what the journal says, in check mode and without."""
    check = Step(module="reserved_ports", options=PORTS, check=True)
    server = {"release": "2022", "roles": ["member"], "registry": [value]}
    return HostCase(id=name, server=server, steps=(check, RESERVE))


_MANY: t.Final = [f"{port}-{port}" for port in range(20_000, 24_672)]
FULL: t.Final = json.dumps(
    {"version": 2, "entries": {"reserved_ports": {"original": {"type": 7, "data": _MANY}, "written": None}}},
    separators=(",", ":"),
)
NEARLY_FULL: t.Final = HostCase(
    id="nearly-full",
    server={"release": "2022", "roles": ["member"], "registry": [_journal(FULL)]},
    steps=(Step(module="reserved_ports", options=PORTS, check=True), RESERVE),
)
SWITCHED_OFF: t.Final = HostCase(
    id="switched-off",
    server={"release": "2003"},
    variables=OFF,
    steps=(RESERVE, RESERVE, Step(module="reserved_ports", options={**PORTS, "state": "absent"})),
)
SWITCHED_OFF_ON_NEW: t.Final = HostCase(
    id="switched-off-on-2022",
    server={"release": "2022", "roles": ["dns"]},
    variables=OFF,
    steps=(
        Step(module="dns_socket_pool", options={"excluded_ports": ["50389"], "restart": True}),
        Step(module="dns_socket_pool", options={"excluded_ports": ["50389"], "restart": True}),
        Step(module="service_state", options={"name": "DNS", "state": "stopped"}),
        Step(module="service_start_mode", options={"name": "DNS", "start_mode": "delayed"}),
    ),
)
SWITCHED_OFF_AND_TAMPERED: t.Final = HostCase(
    id="switched-off-and-tampered",
    server={"release": "2003", "registry": [_journal("{never closed")]},
    variables=OFF,
    steps=(RESERVE,),
)
CHANGED_SINCE: t.Final = HostCase(
    id="changed-since",
    server={"release": "2003", "reserved_ports": ["3343-3343"]},
    steps=(
        RESERVE,
        Step(
            module="converge",
            options={"resources": [{"reserved_ports": PORTS}], "state": "absent"},
            acts=(
                {
                    "do": "set_value",
                    "path": TCPIP,
                    "name": "ReservedPorts",
                    "type": "MULTI_SZ",
                    "data": ["1801-1801", "3343-3343", "50389-50389"],
                },
            ),
        ),
    ),
)
TAKEN_BACK: t.Final = HostCase(
    id="taken-back",
    server={"release": "2003", "reserved_ports": ["  3343 - 3343", "1645-1645", "1646-1646", "seven"]},
    steps=(
        Step(module="reserved_ports", options={"ports": ["1645-1646", "50389"]}),
        _undo(reserved_ports={"ports": ["1645-1646", "50389"]}),
        _undo(reserved_ports={"ports": ["1645-1646", "50389"]}),
    ),
)


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[TaskRun, ...]]:
    tampered = [_tampered(name, value) for name, (value, _sentence) in TAMPERED.items()]
    others = [NEARLY_FULL, SWITCHED_OFF, SWITCHED_OFF_ON_NEW, SWITCHED_OFF_AND_TAMPERED, CHANGED_SINCE, TAKEN_BACK]
    return run_in_process([*tampered, *others])


Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@pytest.mark.parametrize("name", TAMPERED)
def test_a_journal_that_cannot_be_used_stops_the_run_before_any_write(results: Results, name: str) -> None:
    for task_run in results[name]:
        assert_refused(task_run)
        assert "journal" in task_run.message.casefold()
        assert re.search(TAMPERED[name][1], task_run.message), task_run.message


DAMAGED: t.Final = ("no-json", "an-absurd-number", "a-value-of-another-type", "no-port", "no-service")
READ: t.Final = Step(module="port_info", options={"detail": "full", "gather_subset": ["configured_versus_effective"]})
REBOOT: t.Final = Step(module="server_reboot", options={}, check=True)


@pytest.mark.parametrize("name", DAMAGED)
def test_who_only_reads_a_damaged_journal_says_the_same_of_it(results: Results, name: str) -> None:
    value, sentence = TAMPERED[name]
    server = {"release": "2022", "roles": ["member"], "registry": [value]}
    read, reboot = run_in_process([HostCase(id=name, server=server, steps=(READ, REBOOT))])[name]
    reason = re.search(rf"{sentence}[^.)]*", results[name][0].message)
    assert reason is not None
    for task_run in (read, reboot):
        assert task_run.event == "ok", task_run.message
        assert f"The journal on this server can't be read ({reason[0]}): " in task_run.warnings


@pytest.mark.parametrize("name", [name for name in TAMPERED if name != "of-a-later-release"])
def test_the_way_to_reset_it_is_told(results: Results, name: str) -> None:
    for task_run in results[name]:
        assert "Portkeeper" in task_run.message
        assert "elete" in task_run.message


def test_a_journal_that_would_grow_too_large_is_refused_before_any_write(results: Results) -> None:
    assert 65_400 < len(FULL) < 65_536
    for task_run in results[NEARLY_FULL.id]:
        assert_refused(task_run)
        assert re.search(r"with this change it would have 65\d\d\d characters, more than 65536", task_run.message), (
            task_run.message
        )
        assert "Nothing was changed. Take back first what is no longer needed" in task_run.message


def test_nothing_is_noted_where_it_is_switched_off(results: Results) -> None:
    for case in (SWITCHED_OFF, SWITCHED_OFF_ON_NEW):
        for task_run in results[case.id]:
            assert task_run.event == "ok", task_run.message
            assert not any("Portkeeper" in key for key in task_run.after.data["registry"])


def test_what_is_in_force_is_not_known_then(results: Results) -> None:
    written, again, removed = results[SWITCHED_OFF.id]
    assert (written.result["effective"], written.result["reboot_required"]) == ("no", True)
    assert again.result["changed"] is False
    assert again.result["effective"] == "unknown"
    assert removed.result["changed"] is True
    assert not removed.after.reserved


def test_a_restart_of_the_same_run_needs_no_journal(results: Results) -> None:
    changed, again, *_unused = results[SWITCHED_OFF_ON_NEW.id]
    assert changed.before.service("DNS")["pid"] != changed.after.service("DNS")["pid"]
    assert again.result["changed"] is False
    assert again.before.service("DNS")["pid"] == again.after.service("DNS")["pid"]


def test_a_tampered_journal_does_not_matter_where_it_is_switched_off(results: Results) -> None:
    (task_run,) = results[SWITCHED_OFF_AND_TAMPERED.id]
    assert task_run.event == "ok", task_run.message
    assert task_run.after.reserved == ["50389-50389"]
    assert task_run.after.value(JOURNAL, "Journal") == "{never closed"


def test_what_others_wrote_since_stays(results: Results) -> None:
    _written, undone = results[CHANGED_SINCE.id]
    assert undone.event == "ok", undone.message
    assert undone.after.reserved == ["1801-1801", "3343-3343"]
    assert "changed since by somebody else" in undone.warnings


def test_the_original_comes_back_byte_for_byte_and_the_journal_goes(results: Results) -> None:
    written, undone, again = results[TAKEN_BACK.id]
    assert written.result["changed"] is True
    assert undone.event == "ok", undone.message
    assert undone.after.configuration == written.before.configuration
    assert undone.after.value(JOURNAL, "Journal") is None
    assert again.result["changed"] is False
