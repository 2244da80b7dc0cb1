# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no run of ours has written is no journal: absurd numbers, other types, ports and lines that can't be."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import JournalError, dump, load
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import (
    EXCLUDED_RANGES,
    MAX_USER_PORT,
    POOL_LIST,
    POOL_SIZE,
    RESERVED_PORTS,
    SERVICES_FILE,
    START_MODE_PREFIX,
    STOPPED_SERVICES,
    TCP_RANGE,
    UDP_RANGE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.converge_options import RESOURCES
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import PORTS_BY_KEY

Json = dict[str, t.Any]

RPC: t.Final = PORTS_BY_KEY["netlogon"].entry_name
MODE: t.Final = START_MODE_PREFIX + "DNS"
SIZE: t.Final[Json] = {"type": 4, "data": 2500}
LIST: t.Final[Json] = {"type": 7, "data": ["3343-3343", "what others wrote"]}
BLOCKS: t.Final[Json] = {"tcp": ["5000-5059"], "udp": []}
RANGES: t.Final[Json] = {"ipv4": "49152-65535", "ipv6": "49152-65535"}
BEFORE: t.Final[Json] = {"sha256": "a" * 64, "lines": {"x/tcp": ["x 80/tcp\r\n"], "1812/udp": ["radius 1812/udp"]}}
AFTER: t.Final[Json] = {"sha256": ["b" * 64, "a" * 64], "lines": {"x/tcp": "X  81/tcp # ours\n", "1812/udp": None}}
WHOLE: t.Final[Json] = {"owners": {"dc_ias": [""]}}

RIGHT: t.Final[t.Mapping[str, Json]] = {
    RESERVED_PORTS: {"original": None, "written": LIST, "added": ["1-2"], "owners": {"a b/c:d.e-f": ["", "1-2"]}},
    EXCLUDED_RANGES: {"original": BLOCKS, "written": BLOCKS, "added": ["1-2/tcp"], "pending": ["5-5/udp"]},
    POOL_SIZE: {"original": SIZE, "written": None, **WHOLE},
    POOL_LIST: {"original": LIST, "written": LIST, "added": ["1-65535"]},
    MAX_USER_PORT: {"original": {"type": 4, "data": 2**32 - 1}, "written": SIZE},
    TCP_RANGE: {"original": RANGES, "written": RANGES},
    UDP_RANGE: {"original": RANGES, "written": RANGES},
    RPC: {"original": None, "written": SIZE, "added": ["key"]},
    MODE: {"original": "auto", "written": "delayed", "added": ["DelayedAutostart"]},
    STOPPED_SERVICES: {"original": None, "written": "stopped", "added": ["BlackBerry Router", "MSSQL$A (x)"]},
    SERVICES_FILE: {"original": BEFORE, "written": AFTER, "added": ["1812/udp", "x/tcp"], "owners": {"r": ["x/tcp"]}},
    "of_a_later_release": {"original": {"any": ["thing"]}, "written": "x", "added": ["y"]},
}


def text_of(entries: t.Mapping[str, t.Any], **more: t.Any) -> str:
    return json.dumps({"version": 2, "entries": entries, **more})


@pytest.mark.parametrize("name", RIGHT)
def test_an_entry_of_ours_is_read(name: str) -> None:
    journal = load(text_of({name: RIGHT[name]}, stopped=["DNS", "MSSQL$A (x)"]))
    assert load(dump(journal)) == journal
    owners = [resource for resource in RESOURCES.values() if resource.keeps(name)]
    assert len(owners) == (0 if name == "of_a_later_release" else 1)


def test_every_fixed_rpc_port_and_every_resource_has_a_form() -> None:
    for row in PORTS_BY_KEY.values():
        with pytest.raises(JournalError):
            load(text_of({row.entry_name: {"original": "x", "written": None}}))
    for resource in RESOURCES.values():
        assert any(map(resource.keeps, RIGHT)), resource.name


WAIT: t.Final[Json] = {"event": "reboot", "since": 1.0, "age": 1.0, "process_id": 0}
NUMBERS: t.Final[t.Mapping[str, str]] = {
    "negative": "-1",
    "minus-nothing": "-0.5",
    "not-a-number": "NaN",
    "infinite": "Infinity",
    "minus-infinite": "-Infinity",
    "too-large-for-a-float": "1e400",
    "huge": "9" * 25,
    "beyond-any-digits": "9" * 5_000,
    "after-the-last-year": "253402300800",
    "true": "true",
    "false": "false",
    "text": '"1"',
    "none": "null",
    "list": "[1]",
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("field", ["since", "age", "process_id"])
def test_absurd_numbers_are_no_wait(field: str, number: str) -> None:
    wait = json.dumps({**WAIT, field: "HERE"}).replace('"HERE"', NUMBERS[number])
    text = '{"version":2,"entries":{"reserved_ports":{"original":null,"written":null,"wait":' + wait + "}}}"
    with pytest.raises(JournalError):
        load(text)


@pytest.mark.parametrize("number", [2**32, 2**63, 4.0, 4.5])
def test_a_process_id_is_a_whole_number_of_32_bits(number: float) -> None:
    with pytest.raises(JournalError, match="a wait has a number that can't be"):
        load(text_of({RESERVED_PORTS: {**RIGHT[RESERVED_PORTS], "wait": {**WAIT, "process_id": number}}}))
    load(text_of({RESERVED_PORTS: {**RIGHT[RESERVED_PORTS], "wait": {**WAIT, "process_id": 2**32 - 1}}}))


_NUMBER_VALUES: t.Final = (POOL_SIZE, MAX_USER_PORT, RPC)
_LIST_VALUES: t.Final = (RESERVED_PORTS, POOL_LIST)
_RANGES: t.Final = (TCP_RANGE, UDP_RANGE)


Contents = tuple[t.Any, ...]


def _value(kind: t.Any, data: t.Any) -> Json:
    return {"type": kind, "data": data}


def _written(**lines: t.Any) -> Json:
    return {**AFTER, "lines": {**AFTER["lines"], "x/tcp": lines["x"]}}


def _before(lines: t.Any) -> Json:
    return {**BEFORE, "lines": {**BEFORE["lines"], "1812/udp": lines}}


LINES: t.Final[Contents] = ("x 81/udp", "y 81/tcp", "# x 81/tcp", "", 5, "x 1/tcp\nz 2/tcp", "x 99999/tcp", "€", [])
DIGESTS: t.Final[Contents] = (None, 5, "x", "a" * 63, ["x"], [5])


WRONG: t.Final[tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[t.Any, ...]], ...]] = (
    # names of entries, fields of theirs, contents of each of these fields that can't be
    (_NUMBER_VALUES, ("original", "written"), ("x", 5, [], {}, {"data": 5}, _value(1, "5"), _value(2, "%x%"))),
    (_NUMBER_VALUES, ("original",), tuple(_value(4, data) for data in ("5", -1, 2**32, True, 1.0, None, [5]))),
    (_NUMBER_VALUES, ("original",), tuple(_value(kind, 5) for kind in (11, True, "4", 4.0, None))),
    (_LIST_VALUES, ("original", "written"), tuple(_value(7, data) for data in ("5-5", [5], [["5-5"]], {"a": "5"}, 5))),
    (_LIST_VALUES, ("original",), (_value(1, "5"), _value(4, 5))),
    (_LIST_VALUES, ("added",), tuple([text] for text in ("", "x", "5", "5-4", "1-65536", "-1-5", "1-2/tcp", "1 - 2"))),
    (
        (EXCLUDED_RANGES,),
        ("added", "pending"),
        tuple([text] for text in ("", "1-2", "1-2/icmp", "2-1/tcp", "1-2/tcp &")),
    ),
    ((EXCLUDED_RANGES,), ("original", "written"), (None, "x", {}, {"tcp": []}, {**BLOCKS, "icmp": []})),
    (
        (EXCLUDED_RANGES,),
        ("original",),
        tuple({**BLOCKS, "udp": found} for found in ("5-5", ["5-70000"], ["5-5 &"], [5])),
    ),
    (_RANGES, ("original", "written"), (None, "x", {}, {"ipv4": "1-2"})),
    (_RANGES, ("original",), tuple({**RANGES, "ipv6": found} for found in ("x", 5, "9-1", ["1-2"]))),
    ((*_LIST_VALUES, POOL_SIZE, RPC, MODE, SERVICES_FILE), ("pending",), (["1-2"],)),
    ((POOL_SIZE, MAX_USER_PORT, TCP_RANGE, RPC, MODE), ("added",), (["1-2"],)),
    ((MODE,), ("original", "written"), (None, "", "format c:", "AUTO", 2, "a" * 17)),
    ((START_MODE_PREFIX, f"{MODE}/b", f"{MODE}\\b", f"{MODE}\n", MODE + "a" * 256), ("added",), ([],)),
    ((STOPPED_SERVICES,), ("added",), tuple([name] for name in ("", "a\\b", "..\\x", "a\x00", "a" * 257))),
    ((STOPPED_SERVICES,), ("written",), ("disabled", 5)),
    ((SERVICES_FILE,), ("written",), tuple(_written(x=line) for line in LINES)),
    ((SERVICES_FILE,), ("original",), tuple(map(_before, (["a 1813/udp"], "a 1812/udp", None, [None], [5], {"a": 1})))),
    ((SERVICES_FILE,), ("original",), tuple({**BEFORE, "sha256": digest} for digest in (*DIGESTS, ["a" * 64]))),
    ((SERVICES_FILE,), ("written",), tuple({**AFTER, "sha256": digest} for digest in (*DIGESTS, "a" * 64))),
    ((SERVICES_FILE,), ("original", "written"), ({**BEFORE, "lines": {}}, {**AFTER, "lines": {}}, {**AFTER, "x": 1})),
    ((SERVICES_FILE,), ("added",), (["x"], ["x/icmp"], ["a b/tcp"])),
    ((RESERVED_PORTS,), ("owners",), tuple({"x": parts} for parts in (None, "1-2", [5], ["x"], [None], {"1-2": 1}))),
    (
        (RESERVED_PORTS,),
        ("owners",),
        tuple({name: ["1-2"]} for name in ("", " x", "x ", "a\nb", "x" * 65, "\u202ex", "{{x}}")),
    ),
    ((MODE,), ("owners",), ({"x": ["DNS"]},)),
)
FORGED: t.Final = [
    pytest.param(name, {field: content}, id=f"{name}-{field}-{content!r}"[:90])
    for names, fields, contents in WRONG
    for name in names
    for field in fields
    for content in contents
]


@pytest.mark.parametrize(("name", "change"), FORGED)
def test_what_no_run_of_ours_has_written_is_refused(name: str, change: Json) -> None:
    right = RIGHT.get(name, RIGHT[MODE])
    with pytest.raises(JournalError):
        load(text_of({name: {**right, **change}}))


@pytest.mark.parametrize(
    "names", [[""], ["a\\b"], ["a/b"], ["a\x1b[2Jb"], ["a" * 257], [5], "DNS", {"DNS": 1}], ids=str
)
def test_stopped_services_have_names_of_services(names: t.Any) -> None:
    with pytest.raises(JournalError):
        load(text_of({}, stopped=names))


@pytest.mark.parametrize("place", ["original", "written", "owners", "x"])
@pytest.mark.parametrize("depth", [10, 900, 30_000])
def test_a_journal_that_is_nested_deep_is_refused(place: str, depth: int) -> None:
    text = text_of({"later": {"original": None, "written": None, place: "HERE"}})
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        with pytest.raises(JournalError):
            load(text.replace('"HERE"', opening * depth + "1" + closing * depth))


def test_a_list_of_millions_is_not_even_parsed() -> None:
    text = text_of({}, stopped=["DNS"] * 2_000_000)
    with pytest.raises(JournalError, match=re.escape(f"it has {len(text)} characters, more than 65536")):
        load(text)
