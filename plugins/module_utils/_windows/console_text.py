# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What netsh and netstat print, read by the shape of the rows and never by words.

Their words are in the server's language and in its OEM code page, so the bytes are matched as they are: digits and
punctuation are the same in all of them. Nothing in here raises, whatever the bytes; a row of another shape is skipped.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    ExclusionBlock,
    Protocol,
    Socket,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortRange

_LONGEST_ROW: t.Final = 400
"""Bytes; no row of a table is longer, and the patterns below shall not be let loose on a megabyte without line ends."""
_RULE: t.Final = re.compile(rb"[ \t]*-{4,}(?:[ \t]+-{4,})?[ \t]*")
_TABLE_RULE: t.Final = re.compile(rb"[ \t]*-{4,}[ \t]+-{4,}[ \t]*")
_EXCLUSION: t.Final = re.compile(rb"[ \t]*(\d{1,5})[ \t]+(\d{1,5})[ \t]*(\*?)[ \t]*")
_LAST_NUMBER: t.Final = re.compile(rb".*?(?<![0-9A-Za-z.])(\d{1,5})[ \t]*")
_SOCKET: t.Final = re.compile(
    rb"[ \t]*(TCP|UDP)[ \t]+(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[0-9.]+|\*):(\d{1,5})"
    rb"[ \t]+(\S+)(?:[ \t]+[^\r\n]*?)?[ \t]+(\d{1,10})[ \t]*"
)
_FOREIGN: t.Final[t.Mapping[bytes, frozenset[bytes]]] = {
    b"TCP": frozenset({b"0.0.0.0:0", b"[::]:0", b"*:*"}),
    b"UDP": frozenset({b"*:*"}),
}
_FAR_END: t.Final = re.compile(rb"(\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[0-9.]+):(\d{1,5})")
_NOWHERE: t.Final = frozenset({b"0.0.0.0", b"[::]"})
_PROTOCOLS: t.Final[t.Mapping[bytes, Protocol]] = {b"TCP": "tcp", b"UDP": "udp"}


def is_exclusion_table(raw: bytes) -> bool:
    """Whether this is the table of excluded ranges, be it empty: it has two rulers side by side."""
    return any(_TABLE_RULE.fullmatch(line) for line in _lines(raw)) or bool(exclusion_blocks(raw))


def exclusion_blocks(raw: bytes) -> tuple[ExclusionBlock, ...]:
    """The rows of ``show excludedportrange``: first port, last port, ``*`` for an administered one; in its order."""
    rows = (_EXCLUSION.fullmatch(line) for line in _below_rule(raw))
    blocks = ((_port_range(int(row[1]), int(row[2])), row[3] == b"*") for row in rows if row)
    return tuple(ExclusionBlock(ports, administered) for ports, administered in blocks if ports)


def dynamic_range(raw: bytes) -> PortRange | None:
    """The range of ``show dynamicport``: the number that ends the first such line is the start, the next the count."""
    matches = (_LAST_NUMBER.fullmatch(line) for line in _below_rule(raw))
    numbers = [int(match[1]) for match in matches if match]
    return _port_range(numbers[0], numbers[0] + numbers[1] - 1) if len(numbers) >= 2 else None


def sockets(raw: bytes) -> tuple[Socket, ...]:
    """The TCP listeners and bound UDP sockets in ``netstat -ano``.

    A listener is known by its foreign address, ``0.0.0.0:0`` or ``[::]:0``: the word for its state is translated. The
    process id comes last.
    """
    rows = (_SOCKET.fullmatch(line) for line in _lines(raw))
    return tuple(socket for row in rows if row and row[4] in _FOREIGN[row[1]] and (socket := _socket(row)))


def connections(raw: bytes) -> tuple[Connection, ...]:
    """The TCP rows of ``netstat -ano`` that lead somewhere and belong to a process, accepted ones among them.

    Rows of process 0 wait for their end (TIME_WAIT, a word that is translated): nobody holds their port. netstat shows
    no sockets that are bound and nothing more, unless it is asked for them with -q, which old releases don't know.
    """
    rows = (_SOCKET.fullmatch(line) for line in _lines(raw))
    return tuple(found for row in rows if row and row[1] == b"TCP" and (found := _connection(row)))


def _socket(row: re.Match[bytes]) -> Socket | None:
    port = int(row[3])
    return Socket(_PROTOCOLS[row[1]], _address(row), port, int(row[5])) if port <= HIGHEST_PORT else None


def _connection(row: re.Match[bytes]) -> Connection | None:
    port, process_id, far_end = int(row[3]), int(row[5]), _FAR_END.fullmatch(row[4])
    if far_end is None or far_end[1] in _NOWHERE or not process_id:
        return None
    if port > HIGHEST_PORT or not 0 < int(far_end[2]) <= HIGHEST_PORT:
        return None
    return Connection(_address(row), port, process_id, far_end[0].decode("ascii"))


def _address(row: re.Match[bytes]) -> str:
    return row[2].decode("ascii", errors="replace").strip("[]")


def _port_range(first: int, last: int) -> PortRange | None:
    return PortRange(first, last) if 0 <= first <= last <= HIGHEST_PORT else None


def _lines(raw: bytes) -> list[bytes]:
    return [line for line in raw.replace(b"\r", b"").split(b"\n") if len(line) <= _LONGEST_ROW]


def _below_rule(raw: bytes) -> list[bytes]:
    """The lines below the first ruler, so that nothing is taken from a heading; all lines where there is none."""
    lines = _lines(raw)
    rules = [number for number, line in enumerate(lines) if _RULE.fullmatch(line)]
    return lines[rules[0] + 1 :] if rules else lines
