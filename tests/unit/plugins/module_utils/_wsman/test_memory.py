# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the longest and densest texts of a server cost in memory."""

from __future__ import annotations

import functools
import multiprocessing
import resource
import tracemalloc
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change import port_options
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Output
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import client as wsman
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, faults, wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import MAX_OUTPUT, chunk_of
from tests.unit.plugins.module_utils._wsman import answers

MEBIBYTE: t.Final = 1024 * 1024
MOST_OF_AN_ANSWER: t.Final = 32 * MEBIBYTE
MOST_OF_A_LIST: t.Final = 200 * MEBIBYTE
ORIGIN: t.Final = errors.Origin("edge1", "Query", "root/cimv2/C")
# A little below the limits, so that the reader builds all that it may.
TAGS: t.Final = soap.MOST_TAGS - 100
PIECES: t.Final = soap.MOST_PIECES - 100
OCTETS: t.Final = soap.MAX_ANSWER - 2000


def peak(run: t.Callable[[], object]) -> int:
    """Octets that a call takes at its worst, what it returns included."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def numbered(pattern: str, count: int) -> str:
    return "".join(pattern % number for number in range(count))


def filled(unit: str, octets: int = OCTETS) -> str:
    return unit * (octets // len(unit.encode()))


LINE: t.Final = "ab\n"

LARGEST: t.Final = {
    "rows": "<a/>" * TAGS,
    "rows with a column": "<a><b/></a>" * (TAGS // 3),
    "rows with a number": numbered("<a><b>%d</b></a>", TAGS // 4),
    "a row": f"<r>{'<a/>' * TAGS}</r>",
    "a row with names of its own": f"<r>{numbered('<a%d/>', soap.MOST_NAMES - 20)}</r>",
    "objects in each other": f"<r>{'<a><b><c/></b></a>' * (TAGS // 5)}</r>",
    "too deep": f"{'<a>' * (TAGS // 2)}{'</a>' * (TAGS // 2)}",
    "attributes": "<r" + numbered(' a%055d=""', TAGS) + "/>",
    "prefixes": "<r" + numbered(' xmlns:a%d="u"', TAGS) + "/>",
    "a text": f"<r><a>{filled('x')}</a></r>",
    "a text of four octets a character": f"<r><a>\U0001f600{filled('x')}</a></r>",
    "lines": f"<r><a>{LINE * PIECES}</a></r>",
    "references": f"<r><a>{'&lt;abc' * PIECES}</a></r>",
}
REFUSED: t.Final = {
    "tags": filled("<a/>"),
    "rows": filled("<a><b>1</b></a>"),
    "attributes": "<r" + numbered(' a%x=""', OCTETS // 10) + "/>",
    "attributes after blanks": "<r" + numbered(" a%x = ''", OCTETS // 12) + "/>",
    "names": f"<r>{numbered('<a%d/>', TAGS)}</r>",
    "a namespace in every name": f'<r xmlns="{"u" * MEBIBYTE}">{numbered("<a%d/>", 1000)}</r>',
    "lines": f"<r><a>{filled(chr(10))}</a></r>",
    "references": f"<r><a>{filled('&lt;')}</a></r>",
    "comments": f"<r/>{filled('<!---->')}",
}
"""4 MiB each, and up to 370 MB as a tree."""


WORDS: t.Final = filled("ab cd ")
FAULTS: t.Final = {
    "reason": answers.fault("w:InternalError", reason=WORDS),
    "provider": answers.fault("w:InternalError", answers.wsman_fault(1, WORDS)),
}


def page(rows: str) -> bytes:
    return answers.envelope(answers.page("Pull", rows, "uuid:next")).encode()


def read(answer: bytes) -> object:
    """All readers of an answer, the tree of which is not kept longer than in a task."""
    body = soap.body_of(soap.parse(answer, ORIGIN), ORIGIN)
    return faults.fault_in(body) or wmi.page_of(body, ORIGIN)


@pytest.mark.parametrize("rows", LARGEST.values(), ids=LARGEST)
def test_the_largest_answer(rows: str) -> None:
    answer = page(rows)

    def run() -> object:
        try:
            return read(answer)
        except errors.ProtocolViolation as error:
            return error

    assert peak(run) < MOST_OF_AN_ANSWER
    assert "nests objects too deeply" in str(run()) or rows != LARGEST["too deep"]


@pytest.mark.parametrize("rows", REFUSED.values(), ids=REFUSED)
def test_an_answer_of_too_many_parts_is_refused_before_they_are_built(rows: str) -> None:
    answer = page(rows)

    def run() -> None:
        with pytest.raises(
            errors.ProtocolViolation, match=r"the answer has (more than|a namespace of more than) [0-9]"
        ):
            read(answer)

    assert peak(run) < MOST_OF_AN_ANSWER


@pytest.mark.parametrize("body", FAULTS.values(), ids=FAULTS)
def test_the_longest_fault_is_a_short_sentence(body: str) -> None:
    envelope = soap.parse(answers.envelope(body).encode(), ORIGIN)
    fault = faults.fault_in(soap.body_of(envelope, ORIGIN))
    assert fault
    sentences: list[str] = []
    assert peak(lambda: sentences.append(str(faults.error_for(fault, ORIGIN)))) < MEBIBYTE
    assert peak(lambda: faults.fault_in(soap.body_of(envelope, ORIGIN))) < MOST_OF_AN_ANSWER
    assert "ab cd ab" in sentences[0]
    assert len(sentences[0]) < 2 * faults.LONGEST_WORDING


def test_output_in_many_pieces() -> None:
    stream = f'<rsp:Stream Name="stdout" CommandId="C1">{filled("YWJj ")}</rsp:Stream>'
    body = soap.body_of(soap.parse(answers.envelope(answers.received(stream)).encode(), ORIGIN), ORIGIN)
    assert chunk_of(body, "C1", ORIGIN).stdout[:6] == b"abcabc"
    assert peak(lambda: chunk_of(body, "C1", ORIGIN)) < MOST_OF_AN_ANSWER


class Endless:
    """A transport whose every answer is one more part of the same query."""

    host = "edge1"

    def __init__(self, rows: str) -> None:
        self._answer = page(rows)

    def send(self, _envelope: bytes) -> bytes:
        return self._answer

    def reset(self) -> None:
        raise AssertionError("nothing is lost here")


ENDLESS: t.Final = {
    "rows of three columns": numbered("<r><a>10.0.0.%d</a><b>5000</b><c>4321</c></r>", 5000),
    "rows of nothing": "<a/>" * 60_000,
    "rows of many columns": f"<r>{numbered('<a%d/>', 4000)}</r>" * 5,
    "rows of long texts": f"<r><a>\U0001f600{filled('x')}</a></r>",
}


def endless_query(rows: str) -> t.Callable[[], object]:
    client = wsman.Client(Endless(rows), message_ids=lambda: "uuid:1")

    def run() -> object:
        with pytest.raises(errors.ProtocolViolation, match="the result does not end") as caught:
            client.query("root/cimv2", "SELECT * FROM C")
        return caught

    return run


def console(row: bytes, reader: t.Callable[[bytes], object]) -> t.Callable[[], object]:
    """A reader of as long an output as a command may have, every row another one."""
    rows: list[bytes] = []
    octets = 0
    while octets < MAX_OUTPUT:
        rows.append(row % (len(rows) // 60_000, len(rows) % 60_000))
        octets += len(rows[-1])
    raw = b"---- ----\n" + b"".join(rows)
    return lambda: reader(raw)


def users_ports(suffix: str) -> t.Callable[[], object]:
    """A user's list of a million ranges."""
    numbers = ((1024 + number % 60_000, number // 60_000) for number in range(1_000_000))
    arguments = {"ports": [f"{first}-{first + more}{suffix}" for first, more in numbers]}
    return lambda: port_options.wanted_ports(arguments, option="ports", state="present")


LISTS: t.Final[t.Mapping[str, t.Callable[[], t.Callable[[], object]]]] = {
    **{f"query, {name}": functools.partial(endless_query, rows) for name, rows in ENDLESS.items()},
    "netstat": functools.partial(console, b"UDP %d.0.0.1:%d *:* 1\n", console_text.sockets),
    "netstat, for its ports": functools.partial(console, b"UDP [%d::1]:%d *:* 1\n", console_text.used_ports),
    "netsh": functools.partial(console, b"%d %d\n", console_text.exclusion_blocks),
    "netsh, its words": functools.partial(console, b"ab %d cd %d ", lambda raw: Output(raw, False).complaint),
    "ports of a user": functools.partial(users_ports, "/udp"),
}


def growth_of_this_process(name: str) -> int:
    """Octets by which one call raises the most that this process has ever had."""
    run = LISTS[name]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_a_million_items(name: str) -> None:
    """In a process of its own, which has had nothing else: tracing each of its objects would take a minute."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(growth_of_this_process, (name,)) < MOST_OF_A_LIST
