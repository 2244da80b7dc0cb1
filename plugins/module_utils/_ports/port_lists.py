# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of port ranges as registry values hold them: merged, reduced or replaced without touching other entries.

Both ``ReservedPorts`` and ``SocketPoolExcludedPortRanges`` are lists of texts that several products share. What we did
not add stays as it was, byte for byte; an entry that can't be read is kept.
"""

from __future__ import annotations

import re
import reprlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries

ListState = t.Literal["present", "absent", "pure"]
LOWEST_DRAWN_PORT: t.Final = 1024
"""Ephemeral ports begin at 1024 or 1025 on every release; below, nothing is ever drawn at random."""

_SHOWN: t.Final = 10
"""Entries that a warning names; the others are counted."""

_REPLACEMENT: t.Final = "?"
"""What a server sends for a control character (MS-WSMV 3.1.4.1.25)."""
_WELL_FORMED: t.Final = re.compile(r"[0-9]+-[0-9]+", re.ASCII)


class PortList(t.NamedTuple):
    """One list, entry by entry, in its order."""

    entries: tuple[str, ...] = ()

    @property
    def ports(self) -> PortSet:
        """All ports that the readable entries name."""
        return PortSet(tuple(ports for _text, ports in split_entries(self.entries)[0]))

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Entries that are no port and no range."""
        return split_entries(self.entries)[1]

    @property
    def reliable(self) -> PortSet:
        """The ports that ReservedPorts surely reserves: entries ``n-m`` that no other one touches (KB812873)."""
        ranges = (split_entries([text])[0][0][1] for text in self._well_formed)
        groups = _groups(enumerate(ranges))
        return PortSet(tuple(group.joined for group in groups if len(group.members) == 1))

    @property
    def _well_formed(self) -> tuple[str, ...]:
        return tuple(text for text, _ports in split_entries(self.entries)[0] if _WELL_FORMED.fullmatch(text.strip()))

    def with_ports(self, wanted: PortSet, *, strict: bool) -> PortList:
        """This list with all of ``wanted`` in it.

        ``strict`` is the rule of KB812873 for ReservedPorts: a port counts only if its entry is written ``n-m`` and no
        separate entry touches it; entries that touch are merged into the first of them.
        """
        return self._merged(wanted) if strict else self._appended(wanted)

    def without_ports(self, unwanted: PortSet) -> PortList:
        """This list less ``unwanted``: entries that hold none of them stay as they are, others are cut."""
        kept: list[str] = []
        for text in self.entries:
            readable, _unreadable = split_entries([text])
            is_touched = any(unwanted.overlaps(ports) for _text, ports in readable)
            kept.extend((PortSet.of(readable[0][1]) - unwanted).texts() if is_touched else [text])
        return PortList(tuple(kept))

    def only(self, wanted: PortSet, *, strict: bool) -> PortList:
        """``wanted`` and no others; the list itself if it already means just that."""
        means_it = self.ports == wanted and not self.unreadable
        if means_it and (not strict or self.with_ports(wanted, strict=True) == self):
            return self
        return PortList(tuple(wanted.texts()))

    def _appended(self, wanted: PortSet) -> PortList:
        return PortList((*self.entries, *(wanted - self.ports).texts()))

    def _merged(self, wanted: PortSet) -> PortList:
        """Each wanted range becomes one entry with all that touch it, at the place of the first of them."""
        readable = ((index, split_entries([text])[0]) for index, text in enumerate(self.entries))
        ranges = [(index, found[0][1]) for index, found in readable if found]
        ours = [(len(self.entries) + number, ports) for number, ports in enumerate(wanted.ranges)]
        entries: dict[int, str] = dict(enumerate(self.entries))
        for group in _groups([*ranges, *ours]):
            theirs = [index for index in group.members if index < len(self.entries)]
            if len(theirs) == len(group.members) or self._says(theirs, group.joined):
                continue
            for index in theirs:
                del entries[index]
            entries[min(group.members)] = str(group.joined)
        return PortList(tuple(entries[index] for index in sorted(entries)))

    def _says(self, members: t.Sequence[int], ports: PortRange) -> bool:
        """True if these entries are a single one that names exactly ``ports``, written ``n-m``."""
        if len(members) != 1:
            return False
        text = self.entries[members[0]]
        return bool(_WELL_FORMED.fullmatch(text)) and split_entries([text])[0][0][1] == ports


class _Group(t.NamedTuple):
    """Ranges that touch each other, directly or by others of the group: what they make together, and their numbers."""

    joined: PortRange
    members: list[int]


def _groups(numbered: t.Iterable[tuple[int, PortRange]]) -> list[_Group]:
    groups: list[_Group] = []
    for number, ports in sorted(numbered, key=lambda item: item[1]):
        if groups and groups[-1].joined.touches(ports):
            last = groups[-1]
            last.members.append(number)
            groups[-1] = _Group(PortRange(last.joined.first, max(last.joined.last, ports.last)), last.members)
        else:
            groups.append(_Group(ports, [number]))
    return groups


def changed_list(current: PortList, state: ListState, ports: PortSet, *, strict: bool) -> PortList:
    """The list that ``state`` asks for."""
    if state == "absent":
        return current.without_ports(ports)
    if state == "pure":
        return current.only(ports, strict=strict)
    return current.with_ports(ports, strict=strict)


def list_warnings(name: str, current: PortList, wanted: PortList, state: ListState) -> tuple[str, ...]:
    """Warnings about entries of others: those that are kept unread, and those that ``pure`` removes."""
    warnings: list[str] = []
    gone = current.ports - wanted.ports
    if current.unreadable and state != "pure":
        warnings.append(
            f"{name} holds entries that are no ports and are kept as they are: {_quoted(current.unreadable)}."
        )
    doubtful = [text for text in current.unreadable if _REPLACEMENT in text]
    if doubtful and wanted.entries != current.entries and state != "pure":
        warnings.append(
            f"{name}: where Windows can't send a character it sends {_REPLACEMENT}, so these entries may have other "
            f"characters on the server, and this change writes them as they were read: {_quoted(doubtful)}."
        )
    if state == "pure" and (gone or current.unreadable):
        lost = [*gone.texts(), *current.unreadable]
        warnings.append(f"state pure takes these out of {name}, whoever added them: {_quoted(lost)}.")
    return tuple(warnings)


def _quoted(texts: t.Sequence[str]) -> str:
    shown = ", ".join(reprlib.repr(text) for text in texts[:_SHOWN])
    more = len(texts) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
