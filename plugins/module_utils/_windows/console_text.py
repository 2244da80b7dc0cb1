# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Output of netsh and netstat, read by the shape of the rows and never by words.

Their words are in the server's language and in its OEM code page, so the bytes are matched as they are: digits and
punctuation are the same in all of them. No bytes make a function of this file raise; a row of another shape is skipped.
"""

from __future__ import annotations

import io
import itertools
import re
import sys
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Connection, Protocol, Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPort
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortRange

_LONGEST_ROW: t.Final = 400
"""Bytes; no row of a table is longer."""
_MOST_BLOCKS: t.Final = HIGHEST_PORT + 1
"""Rows of excluded ranges: Windows takes no two that overlap."""
_MOST_ROWS: t.Final = 250_000
"""Rows of netstat: the longest output of a command holds no more, at 70 bytes and more a row."""
_RULE: t.Final = b"----"
"""The shortest ruler."""
# Rows are split at blanks first: each pattern reads one field, and none has two repeats that could share a text.
_NUMBER: t.Final = re.compile(rb"[0-9]{1,5}")
_LAST_NUMBER: t.Final = re.compile(rb"(?<![0-9A-Za-z.])[0-9]{1,5}\Z")
_NEAR_END: t.Final = re.compile(rb"(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[0-9.]+|\*):([0-9]{1,5})")
_PROCESS_ID: t.Final = re.compile(rb"[0-9]{1,10}")
_FOREIGN: t.Final[t.Mapping[bytes, frozenset[bytes]]] = {
    b"TCP": frozenset({b"0.0.0.0:0", b"[::]:0", b"*:*"}),
    b"UDP": frozenset({b"*:*"}),
}
_NOWHERE: t.Final = frozenset({b"0.0.0.0", b"[::]", b"*"})
_PROTOCOLS: t.Final[t.Mapping[bytes, Protocol]] = {b"TCP": "tcp", b"UDP": "udp"}


def is_exclusion_table(raw: bytes) -> bool:
    """True if this is the table of excluded ranges, even an empty one: it has two rulers side by side."""
    return any(_rules(line) == 2 for line in _lines(raw)) or bool(exclusion_blocks(raw))


def exclusion_blocks(raw: bytes) -> tuple[ExclusionBlock, ...]:
    """The rows of ``show excludedportrange``: first port, last port, ``*`` for an administered one; in its order."""
    blocks = (_exclusion(line) for line in _below_rule(raw))
    return tuple(itertools.islice(filter(None, blocks), _MOST_BLOCKS))


def dynamic_range(raw: bytes) -> PortRange | None:
    """The range of ``show dynamicport``: the number that ends the first such line is the start, the next the count."""
    matches = (_LAST_NUMBER.search(line.rstrip(b" \t")) for line in _below_rule(raw))
    numbers = [int(match[0]) for match in itertools.islice(filter(None, matches), 2)]
    return _port_range(numbers[0], numbers[0] + numbers[1] - 1) if len(numbers) >= 2 else None


def sockets(raw: bytes) -> tuple[Socket, ...]:
    """The TCP listeners and bound UDP sockets in ``netstat -ano``.

    A listener is known by its foreign address, ``0.0.0.0:0`` or ``[::]:0``: the word for its state is translated. The
    process id comes last.
    """
    return tuple(socket for row in _rows(raw) if row.is_open_end and (socket := _socket(row)))


def connections(raw: bytes) -> tuple[Connection, ...]:
    """The TCP rows of ``netstat -ano`` that lead somewhere and belong to a process, accepted ones among them.

    Rows of process 0 wait for their end (TIME_WAIT, a word that is translated) and hold no port. netstat shows
    no sockets that are bound and nothing more, unless it is asked for them with -q, which old releases don't know.
    """
    return tuple(found for row in _rows(raw) if row.protocol == b"TCP" and (found := _connection(row)))


def sockets_and_connections(raw: bytes) -> tuple[tuple[Socket, ...], tuple[Connection, ...]]:
    """Both of these by one reading of the rows."""
    found: list[Socket] = []
    connected: list[Connection] = []
    for row in _rows(raw):
        if row.is_open_end:
            found.extend(filter(None, [_socket(row)]))
        elif row.protocol == b"TCP":
            connected.extend(filter(None, [_connection(row)]))
    return tuple(found), tuple(connected)


def used_ports(raw: bytes) -> frozenset[UsedPort]:
    """Every local port in ``netstat -ano``, those of process 0 (TIME_WAIT) too: they are not given out meanwhile."""
    rows = (row for row in _rows(raw) if row.port <= HIGHEST_PORT)
    return frozenset(UsedPort(_PROTOCOLS[row.protocol], row.port, row.process_id) for row in rows)


class _Row(t.NamedTuple):
    """A row of netstat: ``address`` without brackets, ``far_end`` as it stands, ``process_id`` from the last field."""

    protocol: bytes
    address: str
    port: int
    far_end: bytes
    process_id: int

    @property
    def is_open_end(self) -> bool:
        """True if it has no far end: a listener, or a UDP socket."""
        return self.far_end in _FOREIGN[self.protocol]


def _rows(raw: bytes) -> t.Iterator[_Row]:
    return itertools.islice(filter(None, map(_row, _lines(raw))), _MOST_ROWS)


def _row(line: bytes) -> _Row | None:
    fields = line.split()
    if len(fields) < 4 or fields[0] not in _FOREIGN:
        return None
    near, process_id = _NEAR_END.fullmatch(fields[1]), _PROCESS_ID.fullmatch(fields[-1])
    if near is None or process_id is None:
        return None
    return _Row(fields[0], _address(near), int(near[2]), fields[2], int(fields[-1]))


def _socket(row: _Row) -> Socket | None:
    if row.port > HIGHEST_PORT:
        return None
    return Socket(_PROTOCOLS[row.protocol], row.address, row.port, row.process_id)


def _connection(row: _Row) -> Connection | None:
    far_end = _NEAR_END.fullmatch(row.far_end)
    if far_end is None or far_end[1] in _NOWHERE or not row.process_id:
        return None
    if row.port > HIGHEST_PORT or not 0 < int(far_end[2]) <= HIGHEST_PORT:
        return None
    return Connection(row.address, row.port, row.process_id, far_end[0].decode("ascii"))


def _address(end: re.Match[bytes]) -> str:
    # Most rows have one of a few addresses.
    return sys.intern(end[1].decode("ascii", errors="replace").strip("[]"))


def _exclusion(line: bytes) -> ExclusionBlock | None:
    fields = line.replace(b"*", b" * ").split()
    if not (2 <= len(fields) <= 3 and all(map(_NUMBER.fullmatch, fields[:2])) and fields[2:] in ([], [b"*"])):
        return None
    ports = _port_range(int(fields[0]), int(fields[1]))
    return ExclusionBlock(ports, administered=len(fields) == 3) if ports else None


def _port_range(first: int, last: int) -> PortRange | None:
    return PortRange(first, last) if 0 <= first <= last <= HIGHEST_PORT else None


def _lines(raw: bytes) -> t.Iterator[bytes]:
    for line in io.BytesIO(raw):
        row = line.replace(b"\r", b"").removesuffix(b"\n")
        if len(row) <= _LONGEST_ROW:
            yield row


def _below_rule(raw: bytes) -> t.Iterator[bytes]:
    """The lines below the first ruler, so that nothing is taken from a heading; all lines if there is none."""
    lines = _lines(raw)
    return lines if any(map(_rules, lines)) else _lines(raw)


def _rules(line: bytes) -> int:
    """The number of rulers side by side in this line, if it holds nothing else and at most two."""
    if _RULE not in line:
        return 0
    fields = line.split()
    are_rules = all(field.startswith(_RULE) and not field.strip(b"-") for field in fields)
    return len(fields) if are_rules and len(fields) <= 2 else 0
