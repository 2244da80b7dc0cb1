# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of probes against the assumptions that it is there for; verdicts; joined commands; masked words."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import CONTESTED, release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.command_lines import (
    command_lines,
    joined,
    parted,
    parts_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.masking import OTHER, masked
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe, judge
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command, Get, Question
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Fault,
    Ran,
    Reading,
    Readings,
    Server,
    fault_of,
    seconds,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.results import (
    content_hash,
    document,
    page,
    short_name,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import NETSTAT, TCP, UDP, bound
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.unprobed import UNPROBED
from tests.simulator.windows.assumptions import assumption_rows
from tests.simulator.wire.assumptions import WIRE_ASSUMPTIONS

SERVER = Server(release_of("10.0.17763", 3), 3, 1033, "3.0")
QUESTION = Get("Win32_OperatingSystem")


def found(reading: Reading | None) -> Readings:
    """The readings of one question."""
    readings: dict[Question, Reading] = {} if reading is None else {QUESTION: reading}
    return Readings(readings, SERVER)


def probe(expect: bool | int | str, seen: bool | int | str) -> Probe:
    """A probe that reads one object and then sees this."""

    def see(readings: Readings) -> bool | int | str:
        readings.row(QUESTION)
        return seen

    return Probe(id="one", asks="Is it so?", needs=(QUESTION,), expect=expect, see=see, tag="K")


def test_every_assumption_has_a_probe_or_a_reason() -> None:
    names = {row["name"] for row in assumption_rows()} | {row.name for row in WIRE_ASSUMPTIONS}
    settled = {one.settles for one in PROBES} - {""}
    assert names == settled | set(UNPROBED)
    assert settled & set(UNPROBED) == set()


def test_every_contested_rule_has_a_probe() -> None:
    assert {one.contested for one in PROBES} - {""} == set(CONTESTED)


def test_there_are_at_least_ninety_probes_each_with_a_name_and_a_question_of_its_own() -> None:
    assert len(PROBES) >= 90
    assert len({one.id for one in PROBES}) == len({one.asks for one in PROBES}) == len(PROBES)
    assert [one.id for one in PROBES if not (one.asks.endswith("?") and one.needs and one.does)] == []


@pytest.mark.parametrize(
    ("reading", "expect", "seen", "verdict"),
    [
        (Reading(rows=({"Name": "a"},)), 1, 1, "as_expected"),
        (Reading(rows=({"Name": "a"},)), 1, 2, "otherwise"),
        (Reading(rows=({"Name": "a"},)), True, 1, "otherwise"),
        (Reading(rows=({"Name": "a"},)), 0, False, "otherwise"),
        (Reading(), 1, 1, "cant_tell"),
        (Reading(problem="no answer"), 1, 1, "cant_tell"),
        (None, 1, 1, "cant_tell"),
    ],
)
def test_a_verdict(reading: Reading | None, expect: int, seen: int, verdict: str) -> None:
    result = judge(probe(expect, seen), found(reading))
    assert result.verdict == verdict
    assert bool(result.why) == (verdict == "cant_tell") == (result.seen is None)


@pytest.mark.parametrize("one", PROBES, ids=lambda one: one.id)
def test_a_server_that_answers_nothing_settles_nothing(one: Probe) -> None:
    nothing: dict[Question, Reading] = {question: Reading(problem="no answer") for question in one.needs}
    assert judge(one, Readings(nothing, SERVER)).verdict == "cant_tell"


@pytest.mark.parametrize("one", PROBES, ids=lambda one: one.id)
def test_what_is_expected_may_be_told(one: Probe) -> None:
    """A word of an expectation that is not on the list would be masked where it is seen."""
    assert masked(one.expected(SERVER)) == one.expected(SERVER)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (True, True),
        (1060, 1060),
        ("InvalidSelectors 0x8033805B", "InvalidSelectors 0x8033805B"),
        ("49152-65535", "49152-65535"),
        ("CONTOSO-DC01", OTHER),
        ("answered by CONTOSO", OTHER),
        ("192.0.2.17", OTHER),
        ("S-1-5-21-1004336348-1177238915-682003330-512", OTHER),
        ("2001:db8::17", OTHER),
    ],
)
def test_only_known_words_are_told(seen: bool | int | str, told: bool | int | str) -> None:
    assert masked(seen) == told


def test_a_strange_subcode_is_not_told() -> None:
    envelope = ET.fromstring(
        "<E><Fault><Code><Subcode><Value>w:ContosoDenied</Value></Subcode></Code>"
        '<Detail><WSManFault Code="5"/></Detail></Fault></E>'
    )
    fault = fault_of(envelope)
    assert fault is not None
    assert fault.text == "other 0x00000005"


def test_joined_commands_come_apart_again() -> None:
    lines = ["chcp", "cmd.exe /c exit 5", "echo portkeeper| findstr /l nothing"]
    questions = [Command(line) for line in lines]
    ((line, together),) = command_lines(questions)
    assert (line, together) == (joined(lines), questions)
    assert parts_of(line) == tuple(lines)
    assert parts_of("del everything") == ("del everything",)
    output = b"437\r\nportkeeper-1-0\r\nportkeeper-2-5\r\nportkeeper-3-1\r\n"
    readings = parted(questions, Ran(output, 0))
    assert [reading.ran and (reading.ran.raw, reading.ran.code) for reading in readings.values()] == [
        (b"437\r\n", 0),
        (b"", 5),
        (b"", 1),
    ]


def test_output_that_breaks_off_is_no_reading_of_what_is_missing() -> None:
    first, second = Command("chcp"), Command("ver")
    readings = parted([first, second], Ran(b"437\r\nportkeeper-1-0\r\nMicro", 0))
    assert readings[first].ran == Ran(b"437\r\n", 0)
    assert readings[second].problem


@pytest.mark.parametrize(
    ("earlier", "later", "difference"),
    [
        ("2024-02-28T23:59:59Z", "2024-02-29T00:00:00Z", 1.0),
        ("2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z", 86400.0),
        ("2023-12-31T00:00:00.5Z", "2024-01-01T00:00:00Z", 86399.5),
    ],
)
def test_differences_of_moments(earlier: str, later: str, difference: float) -> None:
    assert seconds({"at": later}, "at") - seconds({"at": earlier}, "at") == difference


def test_no_moment_is_no_time() -> None:
    with pytest.raises(CantTell):
        seconds({"at": "yesterday"}, "at")


def test_a_document_has_the_hash_of_what_it_says() -> None:
    results = [judge(probe(1, 1), found(Reading(rows=({"Name": "a"},))))]
    told = document(results, SERVER, target="real", grade="look")
    assert told["hash"] == content_hash(told)
    assert content_hash({**told, "target": "simulated"}) != told["hash"]
    assert "1 as expected" in page(told, results)


def test_masked_words_alone_stand_on_the_page() -> None:
    result = dataclasses.replace(judge(probe("x", "CONTOSO-DC01"), found(Reading(rows=({"Name": "a"},)))))
    told = document([result], SERVER, target="real", grade="look")
    assert "CONTOSO" not in page(told, [result]) + str(told["probes"])


@pytest.mark.parametrize(
    ("release", "short"),
    [("Windows Server 2008 R2 SP1", "2008-r2-sp1"), ("Windows Server (build 30000)", "build-30000")],
)
def test_release_in_a_file_name(release: str, short: str) -> None:
    assert short_name(release) == short


def test_sockets_are_read_by_netstat_if_the_classes_are_refused() -> None:
    refused = Reading(fault=Fault("CannotProcessFilter", 0x8033801A, None, "", related=True))
    sockets = (Socket("udp", "0.0.0.0", 53, 7),)
    readings: dict[Question, Reading] = {UDP: refused, TCP: refused, NETSTAT: Reading(sockets=sockets)}
    assert [(one.port, one.process_id) for one in bound(Readings(readings, SERVER))] == [(53, 7)]
