# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, ranges and sets of ports: how they are read, compared and written.

A list of ports is a set. Windows writes it as text in several places (``ReservedPorts``,
``SocketPoolExcludedPortRanges``, netsh); whether two texts mean the same is decided here, by comparing sets.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import operator
import re
import reprlib
import typing as t

LOWEST_PORT: t.Final = 0
HIGHEST_PORT: t.Final = 65535

_ENTRY: t.Final = re.compile(r"\s*([0-9]+)\s*(?:-\s*([0-9]+)\s*)?", re.ASCII)
_NEGATIVE: t.Final = r"(?a)\s*-\s*[0-9]+\s*"
_OUTSIDE: t.Final = f"ports go from {LOWEST_PORT} to {HIGHEST_PORT}"
_NOT_A_PORT: t.Final = "a port is a whole number such as 4500 and a range is written 4500-4510"
_WRONG_ORDER: t.Final = "the lower number of a range comes first"
_EMPTY: t.Final = "it is empty"
_BATCH: t.Final = HIGHEST_PORT + 1
"""Entries of a user's list that are joined at a time: it may have a million, and a set has no more than these."""


class PortSyntaxError(ValueError):
    """Something that the user gave as a port or range is none.

    Attributes:
        value: the text that was given.
        reason: why it is refused, as the second half of a sentence.
    """

    def __init__(self, value: object, reason: str) -> None:
        self.value = value
        self.reason = reason
        super().__init__(f"{reprlib.repr(value)} is not a port or range of ports: {reason}")


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """The ports from ``first`` to ``last``, both included; 0 <= first <= last <= 65535.

    Raises:
        PortSyntaxError: the numbers are out of order or outside that range.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        if not (LOWEST_PORT <= self.first <= HIGHEST_PORT and LOWEST_PORT <= self.last <= HIGHEST_PORT):
            raise PortSyntaxError(str(self), _OUTSIDE)
        if self.first > self.last:
            raise PortSyntaxError(str(self), _WRONG_ORDER)

    def __str__(self) -> str:
        """As Windows wants it written: always ``n-m``, a single port as ``n-n`` (KB812873, MS-DNSP 3.1.1.1.4)."""
        return f"{self.first}-{self.last}"

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last

    @property
    def count(self) -> int:
        """The number of ports that it holds, at least 1."""
        return self.last - self.first + 1

    @property
    def text(self) -> str:
        """For people: a single port without the dash."""
        return str(self.first) if self.first == self.last else str(self)

    def overlaps(self, other: PortRange) -> bool:
        """True if both hold a port in common."""
        return self.first <= other.last and other.first <= self.last

    def touches(self, other: PortRange) -> bool:
        """True if both overlap or are neighbours without a gap, so that they can be written as one range."""
        return self.first <= other.last + 1 and other.first <= self.last + 1


@dataclasses.dataclass(frozen=True, slots=True)
class PortSet:
    """An immutable set of ports, kept as sorted ranges that never touch each other.

    Equal sets have equal ``ranges``, in whatever pieces they were given: they compare equal and hash alike.
    """

    ranges: tuple[PortRange, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranges", _coalesced(self.ranges))

    @classmethod
    def of(cls, *ranges: PortRange | int) -> PortSet:
        """The union of ranges and single ports."""
        return cls(tuple(PortRange(item, item) if isinstance(item, int) else item for item in ranges))

    def __or__(self, other: PortSet) -> PortSet:
        return PortSet(self.ranges + other.ranges) if self.ranges and other.ranges else self or other

    def __and__(self, other: PortSet) -> PortSet:
        return _canonical(_common(self.ranges, other.ranges))

    def __sub__(self, other: PortSet) -> PortSet:
        return self & other._complement() if self.ranges and other.ranges else self

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and LOWEST_PORT <= port <= HIGHEST_PORT and self.overlaps(PortRange(port, port))

    def overlaps(self, ports: PortRange) -> bool:
        """True if it holds any of these ports."""
        place = bisect.bisect_right(self.ranges, ports.last, key=_first) - 1
        return place >= 0 and self.ranges[place].last >= ports.first

    def __ge__(self, other: PortSet) -> bool:
        """True if every port of ``other`` is in this set."""
        return not other - self

    def __le__(self, other: PortSet) -> bool:
        return other >= self

    def isdisjoint(self, other: PortSet) -> bool:
        """True if both have no port in common."""
        return not self & other

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __iter__(self) -> t.Iterator[int]:
        for item in self.ranges:
            yield from range(item.first, item.last + 1)

    @property
    def count(self) -> int:
        """The number of ports that it holds."""
        return sum(item.count for item in self.ranges)

    def texts(self) -> list[str]:
        """The ranges as Windows wants them written, ``n-m`` each, sorted."""
        return [str(item) for item in self.ranges]

    def __str__(self) -> str:
        """For people: ``1645-1646, 4500``; the empty set is ``none``."""
        return ", ".join(item.text for item in self.ranges) or "none"

    def _complement(self) -> PortSet:
        starts = [LOWEST_PORT, *(item.last + 1 for item in self.ranges)]
        ends = [*(item.first - 1 for item in self.ranges), HIGHEST_PORT]
        return _canonical(PortRange(start, end) for start, end in zip(starts, ends, strict=True) if start <= end)


def union(sets: t.Iterable[PortSet]) -> PortSet:
    """All ports of several sets."""
    return PortSet(tuple(item for ports in sets for item in ports.ranges))


def parse_ports(values: t.Iterable[str | int]) -> PortSet:
    """The set of ports that a user means by a list of ``n`` and ``n-m``; blanks around numbers do not matter.

    Raises:
        PortSyntaxError: one of them is no port or range.
    """
    ranges = map(_parse_item, [values] if isinstance(values, str) else values)
    ports = PortSet()
    while batch := tuple(itertools.islice(ranges, _BATCH)):
        ports |= PortSet(batch)
    return ports


def split_entries(values: t.Iterable[str]) -> tuple[tuple[tuple[str, PortRange], ...], tuple[str, ...]]:
    """Read a list that others wrote: (the readable entries with their ranges, the texts that can't be read).

    Lenient where the meaning is plain: ``X`` counts as ``X-X``, blanks don't matter. Both results keep the order.
    """
    readable: list[tuple[str, PortRange]] = []
    unreadable: list[str] = []
    for text in values:
        try:
            readable.append((text, _parse_text(text)))
        except PortSyntaxError:
            unreadable.append(text)
    return tuple(readable), tuple(unreadable)


def _parse_item(item: object) -> PortRange:
    if isinstance(item, str):
        return _parse_text(item)
    # True is an int in Python, and YAML makes booleans of words such as "on".
    if isinstance(item, int) and not isinstance(item, bool):
        return _range_of(item, item, given=item)
    raise PortSyntaxError(item, _NOT_A_PORT)


def _parse_text(text: str) -> PortRange:
    match = _ENTRY.fullmatch(text)
    if match is None:
        raise PortSyntaxError(text, _why_unreadable(text))
    first, last = match.groups()
    return _range_of(_number(first), _number(last or first), given=text)


def _range_of(first: int, last: int, *, given: object) -> PortRange:
    try:
        return PortRange(first, last)
    except PortSyntaxError as error:
        raise PortSyntaxError(given, error.reason) from None


def _number(digits: str) -> int:
    # int() refuses texts of thousands of digits with a ValueError of its own.
    significant = digits.lstrip("0")[: len(str(HIGHEST_PORT)) + 1]
    return int(significant or "0")


def _why_unreadable(text: str) -> str:
    if not text.strip():
        return _EMPTY
    return _OUTSIDE if re.fullmatch(_NEGATIVE, text) else _NOT_A_PORT


def _first(ports: PortRange) -> int:
    return ports.first


_bounds: t.Final = operator.attrgetter("first", "last")


def _canonical(ranges: t.Iterable[PortRange]) -> PortSet:
    """The set of ranges that are sorted and don't touch each other: they are not looked at again."""
    ports = PortSet()
    object.__setattr__(ports, "ranges", tuple(ranges))
    return ports


def _common(mine: t.Sequence[PortRange], theirs: t.Sequence[PortRange]) -> t.Iterator[PortRange]:
    """The ports that two sorted sequences of ranges share, in one walk along both."""
    left = right = 0
    while left < len(mine) and right < len(theirs):
        one, other = mine[left], theirs[right]
        if one.overlaps(other):
            inside = one.first <= other.first and other.last <= one.last
            yield other if inside else PortRange(max(one.first, other.first), min(one.last, other.last))
        if one.last < other.last:
            left += 1
        else:
            right += 1


def _coalesced(ranges: tuple[PortRange, ...]) -> tuple[PortRange, ...]:
    if len(ranges) < 2:
        return ranges
    merged: list[PortRange] = []
    for item in sorted(ranges, key=_bounds):
        if merged and merged[-1].touches(item):
            merged[-1] = PortRange(merged[-1].first, max(merged[-1].last, item.last))
        else:
            merged.append(item)
    return tuple(merged)


ALL_PORTS: t.Final = PortSet.of(PortRange(LOWEST_PORT, HIGHEST_PORT))
