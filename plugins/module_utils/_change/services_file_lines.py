# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a ``services`` file as bytes: what they say, and a file with some of them changed.

A line is ``name port/protocol alias... # comment``, its fields apart by blanks or tabs. The code page is unknown in
comments, so every line stays the bytes that it is, line end included; only a new line is made of text.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT

CRLF: t.Final = b"\r\n"
_NAME_WIDTH: t.Final = 17
_PORT_WIDTH: t.Final = 11
_ALIASES_WIDTH: t.Final = 23
"""Columns of the file that comes with Windows."""
_LINE: t.Final = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_PORT: t.Final = re.compile(r"(\d{1,5})/(\w+)", re.ASCII)

Lines = tuple[bytes, ...]


class ServiceLine(t.NamedTuple):
    """The entry in one line; the texts are its bytes read as Latin-1, which loses none."""

    name: str
    port: int
    protocol: Protocol
    aliases: tuple[str, ...] = ()
    comment: str | None = None
    """The text after the first ``#``, without blanks around it."""


class Wish(t.NamedTuple):
    """One entry that should be there, or not.

    ``name`` may be empty and ``port`` 0 where entries are to go: any name, any port. ``aliases`` and ``comment`` are
    ``None`` if they don't matter.
    """

    name: str
    port: int
    protocol: Protocol
    aliases: tuple[str, ...] | None = None
    comment: str | None = None

    @property
    def key(self) -> str:
        """The name of this entry in the journal."""
        return f"{self.name.casefold() or self.port}/{self.protocol}"

    def means(self, service: ServiceLine | None, *, any_port: bool) -> bool:
        """True if a line is about this entry; names are the same in upper and lower case [K unverified]."""
        if service is None or service.protocol != self.protocol:
            return False
        if self.name and service.name.casefold() != self.name.casefold():
            return False
        return any_port or not self.port or service.port == self.port

    def is_met_by(self, service: ServiceLine) -> bool:
        """True if a line about this entry has all that is wanted."""
        aliases = self.aliases is None or set(_folded(self.aliases)) == set(_folded(service.aliases))
        comment = self.comment is None or self.comment == (service.comment or "")
        return service.port == self.port and aliases and comment


class Change(t.NamedTuple):
    """The lines that one wish removed, and the line that it added (``None``: none)."""

    original: Lines
    written: bytes | None


def split_lines(content: bytes) -> Lines:
    """The lines with their ends; joined they are the content again. Only a line feed ends a line."""
    return tuple(_LINE.findall(content))


def service_of(line: bytes) -> ServiceLine | None:
    """The entry in a line; ``None`` for comments, empty lines and lines that can't be read."""
    text, mark, comment = line.partition(b"#")
    fields = [field.decode("latin-1") for field in text.split()]
    found = _PORT.fullmatch(fields[1]) if len(fields) > 1 else None
    protocol = next((known for known in PROTOCOLS if found and found[2].casefold() == known), None)
    if found is None or protocol is None or int(found[1]) > HIGHEST_PORT:
        return None
    said = comment.strip(b" \t\r\n").decode("latin-1") if mark else None
    return ServiceLine(fields[0], int(found[1]), protocol, tuple(fields[2:]), said)


def bare(line: bytes) -> bytes:
    """A line without its end."""
    return line.rstrip(b"\r\n")


def shown(line: bytes) -> str:
    """A line for people; bytes that are not ASCII, whose meaning is unknown, as escapes."""
    return bare(line).expandtabs(8).decode("ascii", errors="backslashreplace")


def edited(
    content: bytes, wishes: t.Iterable[Wish], *, present: bool, kept: t.Container[bytes] = ()
) -> tuple[bytes, dict[str, Change]]:
    """The file with all wishes met, and what that changed, by the wishes' keys.

    A line that says something else of a wanted entry is replaced where it stands; a missing one comes to the end.
    Every other byte stays, and so do the lines ``kept``, without their ends, that others need.
    """
    lines = list(split_lines(content))
    ending = _ending(lines)
    changes: dict[str, Change] = {}
    for wish in wishes:
        change = _put(lines, wish, ending) if present else _taken(lines, wish, kept)
        if change:
            changes[wish.key] = change
    return b"".join(lines), changes


def _put(lines: list[bytes], wish: Wish, ending: bytes) -> Change | None:
    found = [index for index, line in enumerate(lines) if wish.means(service_of(line), any_port=True)]
    if not found:
        written = _written(wish, None) + ending
        append(lines, (written,), ending)
        return Change((), written)
    # Windows takes the first of several lines, so only that one matters.
    (index, *_others) = found
    current = service_of(lines[index])
    if current is None or wish.is_met_by(current):
        return None
    old = lines[index]
    lines[index] = _written(wish, current) + old[len(bare(old)) :]
    return Change((old,), lines[index])


def _taken(lines: list[bytes], wish: Wish, kept: t.Container[bytes]) -> Change | None:
    gone = tuple(line for line in lines if wish.means(service_of(line), any_port=False) and bare(line) not in kept)
    lines[:] = [line for line in lines if line not in gone]
    return Change(gone, None) if gone else None


def append(lines: list[bytes], more: Lines, ending: bytes) -> None:
    """Put lines at the end; a last line without an end gets one, or both would be one line."""
    if lines and more and not lines[-1].endswith(b"\n"):
        lines[-1] += ending
    lines.extend(line if line.endswith(b"\n") else line + ending for line in more)


def _ending(lines: t.Sequence[bytes]) -> bytes:
    """The line end of this file: that of its last line that has one."""
    ended = next((line for line in reversed(lines) if line.endswith(b"\n")), CRLF)
    return CRLF if ended.endswith(CRLF) else b"\n"


def restored(content: bytes, changes: t.Mapping[str, Change]) -> tuple[bytes, tuple[str, ...]]:
    """The file without our changes, and the keys of those whose lines others have changed since.

    What came goes, and what went comes back: in the place of our line, or at the end.
    """
    lines = list(split_lines(content))
    ending = _ending(lines)
    foreign = tuple(key for key, change in changes.items() if not _restore(lines, change, ending))
    return b"".join(lines), foreign


def _restore(lines: list[bytes], change: Change, ending: bytes) -> bool:
    if change.written is None:
        return _bring_back(lines, change.original, ending)
    ours = bare(change.written)
    index = next((index for index, line in enumerate(lines) if bare(line) == ours), None)
    if index is None:
        return False
    is_last = index == len(lines) - 1
    lines[index : index + 1] = [_ended(line, ending, is_last=is_last) for line in change.original]
    return True


def _bring_back(lines: list[bytes], original: Lines, ending: bytes) -> bool:
    """Lines that we took away come to the end, unless such an entry exists again."""
    if _entries(lines) & _entries(original):
        return False
    append(lines, original, ending)
    return True


def _entries(lines: t.Iterable[bytes]) -> set[tuple[str, int, str]]:
    return {(one.name.casefold(), one.port, one.protocol) for one in map(service_of, lines) if one}


def _ended(line: bytes, ending: bytes, *, is_last: bool) -> bytes:
    return line if is_last or line.endswith(b"\n") else line + ending


def _written(wish: Wish, current: ServiceLine | None) -> bytes:
    """The entry as a line without its end; what the wish leaves open stays as it was."""
    kept = current or ServiceLine(wish.name, wish.port, wish.protocol)
    aliases = " ".join(kept.aliases if wish.aliases is None else wish.aliases)
    comment = kept.comment if wish.comment is None else wish.comment
    text = f"{wish.name:<{_NAME_WIDTH}}{_gap(wish.name)}{f'{wish.port}/{wish.protocol}':<{_PORT_WIDTH}}{aliases}"
    if comment:
        text = f"{text:<{_NAME_WIDTH + _PORT_WIDTH + _ALIASES_WIDTH}}{_gap(text, 50)}#{comment}"
    return text.rstrip(" ").encode("latin-1")


def _gap(text: str, width: int = _NAME_WIDTH - 1) -> str:
    """A blank where a text fills its column."""
    return " " if len(text) > width else ""


def _folded(names: t.Iterable[str]) -> list[str]:
    return [name.casefold() for name in names]
