# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event logs: each event with its source and its insertion strings."""

from __future__ import annotations

import dataclasses
import typing as t

EventType: t.TypeAlias = t.Literal["error", "warning", "information"]


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One record; ``generated`` is the server's own time in seconds since the Unix epoch."""

    record_number: int
    logfile: str
    source: str
    code: int
    type: EventType
    generated: float
    strings: tuple[str, ...]


class EventLog:
    """All records of a server, each log with its own numbers."""

    def __init__(self) -> None:
        """Begin with empty logs."""
        self.records: list[Event] = []
        self._last: dict[str, int] = {}

    def write(
        self, *, logfile: str, source: str, code: int, type_: EventType, generated: float, strings: t.Sequence[str] = ()
    ) -> None:
        """Append a record."""
        number = self._last.get(logfile, 0) + 1
        self._last[logfile] = number
        self.records.append(Event(number, logfile, source, code, type_, generated, tuple(strings)))

    def clear(self, logfile: str) -> None:
        """Empty one log; its record numbers start again."""
        self.records = [event for event in self.records if event.logfile != logfile]
        self._last.pop(logfile, None)

    def as_json(self) -> list[dict[str, t.Any]]:
        """Return all records."""
        return [{**dataclasses.asdict(event), "strings": list(event.strings)} for event in self.records]
