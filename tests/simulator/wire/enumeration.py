# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enumerations: contexts that change with every Pull, and batches as the releases build them.

In captured exchanges 2003 gives everything in the EnumerateResponse; 2008 and later give one item there and then as
many per Pull as fit into MaxEnvelopeSize, which counts the envelope as UTF-16.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import time
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.wire.faults import SoapFault
from tests.simulator.wire.soap import element, new_identifier, written

CONTEXT_LIFETIME: t.Final = 600.0
"""Seconds of real time until an unused context expires ([K] unverified)."""
ENVELOPE_OVERHEAD: t.Final = 1500
"""Characters that the header of an answer and its frame may take."""


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """The content of one answer; ``context`` is None at the end of the sequence."""

    items: list[ET.Element]
    context: str | None


@dataclasses.dataclass(slots=True)
class _Enumeration:
    owner: str
    remaining: list[ET.Element]
    expires: float


class Enumerations:
    """The open enumerations of one server."""

    def __init__(self, clock: c.Callable[[], float] = time.monotonic, *, octets_per_character: int = 2) -> None:
        self._clock = clock
        self._octets = octets_per_character
        self._open: dict[str, _Enumeration] = {}

    def __len__(self) -> int:
        self._expire()
        return len(self._open)

    def count(self, owner: str) -> int:
        """Count the open enumerations of one user: each is an operation for the quota."""
        self._expire()
        return sum(item.owner == owner for item in self._open.values())

    def start(self, items: list[ET.Element], *, owner: str, first: int, max_bytes: int) -> Batch:
        """Begin an enumeration and give its first batch of at most ``first`` items (0: only a context)."""
        return self._next(items, owner=owner, count=first, max_bytes=max_bytes)

    def pull(self, context: str, *, owner: str, count: int, max_bytes: int) -> Batch:
        """Give the next batch; the context that was used is gone."""
        self._expire()
        found = self._open.get(context.strip())
        if found is None or found.owner != owner:
            raise SoapFault("invalid_context")
        del self._open[context.strip()]
        return self._next(found.remaining, owner=owner, count=count, max_bytes=max_bytes)

    def release(self, context: str, *, owner: str) -> None:
        """Forget an enumeration."""
        found = self._open.pop(context.strip(), None)
        if found is None or found.owner != owner:
            raise SoapFault("invalid_context")

    def clear(self) -> None:
        """Forget all, as a restart of the service does."""
        self._open.clear()

    def _next(self, items: list[ET.Element], *, owner: str, count: int, max_bytes: int) -> Batch:
        taken = fitting(items, count=count, max_bytes=max_bytes * 2 // self._octets)
        remaining = items[taken:]
        if not remaining:
            return Batch(items[:taken], None)
        context = f"uuid:{new_identifier()}"
        self._open[context] = _Enumeration(owner, remaining, self._clock() + CONTEXT_LIFETIME)
        return Batch(items[:taken], context)

    def _expire(self) -> None:
        now = self._clock()
        for context in [key for key, item in self._open.items() if item.expires <= now]:
            del self._open[context]


def fitting(items: c.Sequence[ET.Element], *, count: int, max_bytes: int) -> int:
    """Count how many of the next ``count`` items fit into an envelope of ``max_bytes`` (two bytes per character)."""
    room = max_bytes // 2 - ENVELOPE_OVERHEAD
    for index, item in enumerate(items[:count]):
        room -= len(written(item))
        if room < 0:
            if index == 0:
                raise SoapFault("encoding_limit", "One item is larger than MaxEnvelopeSize.")
            return index
    return min(count, len(items))


def enumerate_response(batch: Batch) -> ET.Element:
    """Write an EnumerateResponse: the context is empty at the end, items and end mark are in the w namespace."""
    made = element("n:EnumerateResponse", element("n:EnumerationContext", text=batch.context or ""))
    if batch.items:
        made.append(element("w:Items", *batch.items))
    if batch.context is None:
        made.append(element("w:EndOfSequence"))
    return made


def pull_response(batch: Batch) -> ET.Element:
    """Write a PullResponse: no context at the end, items and end mark are in the n namespace."""
    made = element("n:PullResponse")
    if batch.context is not None:
        made.append(element("n:EnumerationContext", text=batch.context))
    if batch.items:
        made.append(element("n:Items", *batch.items))
    if batch.context is None:
        made.append(element("n:EndOfSequence"))
    return made
