# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Port ranges as Windows writes them in its registry values."""

from __future__ import annotations

import re
import typing as t

PortRange: t.TypeAlias = tuple[int, int]
"""First and last port, both included."""

_ENTRY: t.Final = re.compile(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?\Z")


def read_range(entry: str) -> PortRange | None:
    """Read one ``n`` or ``n-m`` leniently; None for what is not a range of ports 0-65535 with the lower one first."""
    match = _ENTRY.match(entry)
    if match is None:
        return None
    first = int(match[1])
    last = int(match[2] or first)
    return (first, last) if first <= last <= 65535 else None


def read_ranges(entries: t.Iterable[str]) -> tuple[PortRange, ...]:
    """Read a list of entries, passing over those that are no ranges."""
    return tuple(found for entry in entries if (found := read_range(entry)) is not None)


def ports_of(ranges: t.Iterable[PortRange]) -> frozenset[int]:
    """Return all ports of some ranges."""
    return frozenset(port for first, last in ranges for port in range(first, last + 1))


def without_touching(ranges: t.Sequence[PortRange]) -> tuple[PortRange, ...]:
    """Return the ranges that no other entry touches or overlaps (KB812873's warning on adjacent entries)."""
    return tuple(
        (first, last)
        for index, (first, last) in enumerate(ranges)
        if not any(
            other_first <= last + 1 and first <= other_last + 1
            for other, (other_first, other_last) in enumerate(ranges)
            if other != index
        )
    )
