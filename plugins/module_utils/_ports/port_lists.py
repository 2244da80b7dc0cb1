# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of port ranges as registry values hold them: merged, reduced or replaced without touching other entries.

Both ``ReservedPorts`` and ``SocketPoolExcludedPortRanges`` are lists of texts that several products share. What we did
not add stays as it was, byte for byte; an entry that can't be read is kept.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries

ListState = t.Literal["present", "absent", "pure"]
LOWEST_DRAWN_PORT: t.Final = 1024
"""Ephemeral ports begin at 1024 or 1025 on every release; below, nothing is ever drawn at random."""

_WELL_FORMED: t.Final = re.compile(r"[0-9]+-[0-9]+", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class PortList:
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
        """What ReservedPorts surely keeps back: entries written ``n-m`` that no other one touches (KB812873)."""
        ranges = [split_entries([text])[0][0][1] for text in self._well_formed]
        alone = [
            ports
            for index, ports in enumerate(ranges)
            if not any(ports.touches(other) for place, other in enumerate(ranges) if place != index)
        ]
        return PortSet(tuple(alone))

    @property
    def _well_formed(self) -> tuple[str, ...]:
        return tuple(text for text, _ports in split_entries(self.entries)[0] if _WELL_FORMED.fullmatch(text.strip()))

    def with_ports(self, wanted: PortSet, *, strict: bool) -> PortList:
        """This list with all of ``wanted`` in it.

        ``strict`` is the rule of KB812873 for ReservedPorts: a port counts only if its entry is written ``n-m`` and no
        separate entry touches it; entries that touch are merged into the first of them.
        """
        result = self
        for ports in wanted.ranges:
            result = result._merged(ports) if strict else result._appended(ports)
        return result

    def without_ports(self, unwanted: PortSet) -> PortList:
        """This list less ``unwanted``: entries that hold none of them stay as they are, others are cut."""
        kept: list[str] = []
        for text in self.entries:
            readable, _unreadable = split_entries([text])
            ports = PortSet(tuple(item for _text, item in readable))
            kept.extend([text] if ports.isdisjoint(unwanted) else (ports - unwanted).texts())
        return PortList(tuple(kept))

    def only(self, wanted: PortSet, *, strict: bool) -> PortList:
        """``wanted`` and no others; the list itself where it already means just that."""
        means_it = self.ports == wanted and not self.unreadable
        if means_it and (not strict or self.with_ports(wanted, strict=True) == self):
            return self
        return PortList(tuple(wanted.texts()))

    def _appended(self, ports: PortRange) -> PortList:
        missing = PortSet.of(ports) - self.ports
        return PortList((*self.entries, *missing.texts()))

    def _merged(self, ports: PortRange) -> PortList:
        joined, members = self._joined_with(ports)
        alone = len(members) == 1 and _WELL_FORMED.fullmatch(self.entries[members[0]])
        if alone and joined == split_entries([self.entries[members[0]]])[0][0][1]:
            return self
        entries = list(self.entries)
        place = members[0] if members else len(entries)
        for index in reversed(members):
            del entries[index]
        entries.insert(place, str(joined))
        return PortList(tuple(entries))

    def _joined_with(self, ports: PortRange) -> tuple[PortRange, list[int]]:
        """The range that ``ports`` and everything touching it make together, and the indexes of those entries."""
        joined, members = ports, list[int]()
        grew = True
        while grew:
            grew = False
            for index, text in enumerate(self.entries):
                readable, _unreadable = split_entries([text])
                if index not in members and readable and readable[0][1].touches(joined):
                    members.append(index)
                    joined = PortSet.of(joined, readable[0][1]).ranges[0]
                    grew = True
        return joined, sorted(members)


def changed_list(current: PortList, state: ListState, ports: PortSet, *, strict: bool) -> PortList:
    """The list that ``state`` asks for."""
    if state == "absent":
        return current.without_ports(ports)
    if state == "pure":
        return current.only(ports, strict=strict)
    return current.with_ports(ports, strict=strict)


def list_warnings(name: str, current: PortList, wanted: PortList, state: ListState) -> tuple[str, ...]:
    """What the user should know of entries of others: which are kept unread, and which ``pure`` takes away."""
    warnings: list[str] = []
    gone = current.ports - wanted.ports
    if current.unreadable and state != "pure":
        warnings.append(
            f"{name} holds entries that are no ports and are kept as they are: {_quoted(current.unreadable)}."
        )
    if state == "pure" and (gone or current.unreadable):
        lost = [*gone.texts(), *current.unreadable]
        warnings.append(f"state pure takes these out of {name}, whoever added them: {_quoted(lost)}.")
    return tuple(warnings)


def _quoted(texts: t.Iterable[str]) -> str:
    return ", ".join(repr(text) for text in texts)
