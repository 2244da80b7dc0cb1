# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a watcher remembers of one event log, so that each event is told once: from when to ask, and what was told.

Events are asked for by time, as port_info does, and told apart by record number and time. Numbers alone would not do:
they start again when a log is cleared. Nor would times: clocks are set back. So every look asks the server for its
clock too, and goes back as far as the last look, by that clock, by the time that has passed on the controller, and by
some minutes more.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event

OVERLAP: t.Final = datetime.timedelta(minutes=10)
"""How far each look reaches back behind the last one, for records that were written late."""
MOST_EVENTS: t.Final = 200
"""Of one log and one look, the newest ones."""
MOST_TOLD: t.Final = 2 * MOST_EVENTS
"""Remembered of one log."""

Identity = tuple[int, datetime.datetime]
"""Record number and time."""


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """When a look was: seconds since 1970 on the controller, the server's clock, and its last boot by that clock."""

    asked: float
    clock: datetime.datetime
    boot: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class LogMemory:
    """One log: when it was last read to the end, by both clocks, and the events that were told, oldest first."""

    asked: float
    clock: datetime.datetime
    told: tuple[Identity, ...] = ()

    def since(self, moment: Moment) -> datetime.datetime:
        """From when on, by the server's clock, the look at this moment asks for events."""
        passed = datetime.timedelta(seconds=max(moment.asked - self.asked, 0.0))
        return min(self.clock, moment.clock - passed) - OVERLAP

    def news(self, events: t.Iterable[Event]) -> tuple[Event, ...]:
        """Those that were not told yet, oldest first."""
        told = set(self.told)
        return tuple(sorted((event for event in events if identity(event) not in told), key=_order))

    def with_told(self, *events: Event) -> LogMemory:
        """The same once these were told, too."""
        return dataclasses.replace(self, told=(*self.told, *map(identity, events))[-MOST_TOLD:])

    def read_to_the_end(self, moment: Moment) -> LogMemory:
        """The same once all that the look at this moment found is told."""
        return dataclasses.replace(self, asked=moment.asked, clock=_whole(moment.clock))


def begun(moment: Moment, *, since_boot: bool) -> LogMemory:
    """The memory of a log before its first look: only events from now on are news, or those since the boot."""
    return LogMemory(moment.asked, _whole(moment.boot if since_boot else moment.clock))


def without_older(memory: LogMemory, events: t.Iterable[Event]) -> LogMemory:
    """At the first look: what happened before it began counts as told."""
    return memory.with_told(*sorted((event for event in events if event.time < memory.clock), key=_order))


def identity(event: Event) -> Identity:
    """What tells the event from all others of its log."""
    return event.record, event.time


def _order(event: Event) -> tuple[datetime.datetime, int]:
    return event.time, event.record


def _whole(moment: datetime.datetime) -> datetime.datetime:
    """In UTC, without the fraction of the second: events have none."""
    return moment.astimezone(datetime.timezone.utc).replace(microsecond=0)
