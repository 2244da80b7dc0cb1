# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""netsh and netstat are read by shape, in any language and any bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text
from tests.unit.plugins.module_utils._windows import samples
from tests.unit.plugins.module_utils._windows.samples import LANGUAGES, Language

languages = pytest.mark.parametrize("language", LANGUAGES, ids=[language.name for language in LANGUAGES])


def blocks(raw: bytes) -> list[tuple[int, int, bool]]:
    return [(row.ports.first, row.ports.last, row.administered) for row in console_text.exclusion_blocks(raw)]


def sockets(raw: bytes) -> list[tuple[str, str, int, int]]:
    return [(row.protocol, row.address, row.port, row.process_id) for row in console_text.sockets(raw)]


@languages
def test_excluded_ranges_in_every_language(language: Language) -> None:
    assert blocks(language.exclusions()) == samples.BLOCKS
    assert console_text.is_exclusion_table(language.exclusions())


@languages
def test_an_empty_table_is_a_table(language: Language) -> None:
    raw = language.exclusions(rows="")
    assert console_text.is_exclusion_table(raw)
    assert blocks(raw) == []


@languages
def test_dynamic_ranges_in_every_language(language: Language) -> None:
    assert str(console_text.dynamic_range(language.dynamic_range(1025, 58976))) == "1025-60000"


def connections(raw: bytes) -> list[tuple[str, int, int, str]]:
    return [(row.address, row.port, row.process_id, row.far_end) for row in console_text.connections(raw)]


@languages
def test_connections_in_every_language(language: Language) -> None:
    assert connections(language.netstat()) == samples.CONNECTIONS


@languages
def test_ports_in_use_in_every_language(language: Language) -> None:
    """Those of connections that wait for their end too, and each port of a process once."""
    used = console_text.used_ports(language.netstat())
    assert {row.port for row in used if row.protocol == "udp"} == {53, 546, 4500, 50636}
    assert {row.port for row in used if row.protocol == "tcp" and row.process_id == 0} == {3101, 49801}
    assert len(used) == 13


@languages
def test_sockets_in_every_language(language: Language) -> None:
    assert sockets(language.netstat()) == samples.SOCKETS


@pytest.mark.parametrize(
    "raw", [b"", samples.NO_SUCH_VERB, b"----\r\n", b"1 2 3\r\n", b"\xff\xfe\x00", samples.NETSTAT.encode()]
)
def test_other_texts_are_no_table(raw: bytes) -> None:
    assert not console_text.is_exclusion_table(raw)
    assert console_text.dynamic_range(samples.NO_SUCH_VERB) is None


STRANGE_ROWS = [
    ("ports that can't be", "70000 70001\n60 50\n1 99999\n"),
    ("too long", "123456 123457\n"),
    ("more columns", "1 2 3\n10 20 **\n"),
    ("words", "Port 5 10\nfrom 5 to 10\n"),
    ("signs", "-5 10\n5 -10\n5,10\n"),
    ("endless blanks", " " * 5000 + "5 10\n"),
]


@pytest.mark.parametrize("rows", [row[1] for row in STRANGE_ROWS], ids=[row[0] for row in STRANGE_ROWS])
def test_rows_of_another_shape_are_skipped(rows: str) -> None:
    assert blocks(samples.ENGLISH.exclusions(rows + samples.ROWS)) == samples.BLOCKS


def test_no_port_is_taken_from_a_heading() -> None:
    heading = b"Windows 10 20348\r\n 2019 2022 \r\nStart: 5\r\n"
    assert blocks(heading + samples.GERMAN.exclusions()) == samples.BLOCKS
    raw = heading + samples.FRENCH.dynamic_range(49152, 16384)
    assert str(console_text.dynamic_range(raw)) == "49152-65535"


@pytest.mark.parametrize(("start", "count"), [(65535, 2), (49152, 0), (0, 99999)])
def test_a_dynamic_range_that_can_not_be_is_none(start: int, count: int) -> None:
    assert console_text.dynamic_range(samples.ENGLISH.dynamic_range(start, count)) is None


NO_SOCKETS = [
    "  TCP    10.0.0.5:135   10.0.0.9:0   LISTENING   892",
    "  TCP    0.0.0.0:135    0.0.0.0:0    LISTENING",
    "  UDP    0.0.0.0:99999  *:*                       4",
    "  UDP    0.0.0.0:53     0.0.0.0:0                 4",
    "  SCTP   0.0.0.0:53     *:*                       4",
    "  UDP    host:53        *:*                       4",
    "UDP" + " " * 100_000 + "0.0.0.0:53" + " " * 100_000,
]


@pytest.mark.parametrize("row", NO_SOCKETS, ids=[row[:30] for row in NO_SOCKETS])
def test_rows_that_are_no_listener_are_skipped(row: str) -> None:
    assert sockets(row.encode()) == []


NO_CONNECTIONS = [
    "  TCP    10.0.0.5:3101   10.0.0.9:389   TIME_WAIT     0",
    "  TCP    10.0.0.5:3101   0.0.0.0:0      LISTENING     9",
    "  TCP    10.0.0.5:3101   0.0.0.0:5      LISTENING     9",
    "  TCP    [::]:3101       [::]:5         LISTENING     9",
    "  TCP    10.0.0.5:3101   10.0.0.9:0     ESTABLISHED   9",
    "  TCP    10.0.0.5:3101   10.0.0.9:99999 ESTABLISHED   9",
    "  TCP    10.0.0.5:99999  10.0.0.9:389   ESTABLISHED   9",
    "  TCP    10.0.0.5:3101   10.0.0.9:ldap  ESTABLISHED   9",
    "  TCP    10.0.0.5:3101   server:389     ESTABLISHED   9",
    "  TCP    10.0.0.5:3101   10.0.0.9:389   ESTABLISHED",
    "  UDP    10.0.0.5:3101   10.0.0.9:389                 9",
]


@pytest.mark.parametrize("row", NO_CONNECTIONS)
def test_rows_that_are_no_connection_are_skipped(row: str) -> None:
    assert connections(row.encode()) == []


ADDRESSES = st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda address: f"[{address}]"))
PORTS = st.integers(1, 65535)
NOT_NOWHERE = ADDRESSES.filter(lambda address: address not in ("0.0.0.0", "[::]"))
STATE_WORDS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp", "Zs")), min_size=1, max_size=20
).filter(lambda word: not word.isdigit())


@given(st.tuples(ADDRESSES, PORTS), st.tuples(NOT_NOWHERE, PORTS), STATE_WORDS, st.integers(1, 99999))
def test_a_connection_is_read_whatever_its_state_is_called(
    near: tuple[str, int], far: tuple[str, int], state: str, process_id: int
) -> None:
    local, foreign = (f"{address}:{port}" for address, port in (near, far))
    raw = f"  TCP    {local}   {foreign}   {state}   {process_id}\r\n".encode("cp850", errors="replace")
    assert connections(raw) == [(near[0].strip("[]"), near[1], process_id, foreign)]
    assert sockets(raw) == []


def mutated(raw: bytes) -> st.SearchStrategy[bytes]:
    """The sample with some bytes replaced, inserted or cut out, as a wrong code page or a broken pipe would do."""
    edit = st.tuples(st.integers(0, len(raw)), st.integers(0, 4), st.binary(max_size=4))

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        result = raw
        for start, length, replacement in edits:
            result = result[:start] + replacement + result[start + length :]
        return result

    return st.lists(edit, max_size=10).map(apply)


SAMPLES = [
    raw
    for language in LANGUAGES
    for raw in (language.exclusions(), language.dynamic_range(1025, 60000), language.netstat())
]


@given(st.one_of(st.binary(max_size=300), *(mutated(raw) for raw in SAMPLES)))
def test_no_bytes_break_a_reader(raw: bytes) -> None:
    for block in console_text.exclusion_blocks(raw):
        assert 0 <= block.ports.first <= block.ports.last <= 65535
    for socket in console_text.sockets(raw):
        assert 0 <= socket.port <= 65535
        assert socket.protocol in ("tcp", "udp")
    for connection in console_text.connections(raw):
        assert 0 <= connection.port <= 65535
        assert connection.process_id
        assert 0 < int(connection.far_end.rpartition(":")[2]) <= 65535
    assert console_text.sockets_and_connections(raw) == (console_text.sockets(raw), console_text.connections(raw))
    console_text.dynamic_range(raw)
    console_text.is_exclusion_table(raw)


WORDS = st.text(st.characters(blacklist_categories=("Nd", "Cs", "Cc"), blacklist_characters="\n\r-"), max_size=40)


@given(WORDS, WORDS, WORDS, st.sampled_from(["utf-8", "cp437", "cp850", "cp932", "cp1251", "utf-16-le"]))
def test_words_of_any_language_change_nothing(heading: str, titles: str, note: str, code_page: str) -> None:
    before, below, after = (text.encode(code_page, errors="replace") for text in (heading, titles, note))
    rows = samples.ROWS.encode()
    assert blocks(b"\r\n".join([before, below, b"-----    -----", rows, after])) == samples.BLOCKS


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.booleans()), max_size=12))
def test_every_row_is_read_back(rows: list[tuple[int, int, bool]]) -> None:
    ordered = [(min(one, other), max(one, other), starred) for one, other, starred in rows]
    text = "".join(f"{first:>10}  {last:>10}{'     *' if star else ''}\n" for first, last, star in ordered)
    assert blocks(samples.GERMAN.exclusions(text)) == ordered
