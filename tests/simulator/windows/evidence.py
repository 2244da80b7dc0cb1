# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Traces that a scenario plants in a server: events of former days, network adapters, TCP counters.

As ``evidence`` of a host: ``{events: [{log, source, code, strings, type, days_ago, times}], adapters: [{name, ...}],
tcp_segments: {sent, retransmitted}}``, every key optional.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from tests.simulator.windows.events import EventType
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.network import Adapter, TcpSegments

DAY: t.Final = 86400.0
INTERVAL: t.Final = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlantedEvent:
    """One event; ``days_ago`` may be a fraction. Of several ``times`` each is five minutes older than the next."""

    log: str
    source: str
    code: int
    strings: tuple[str, ...] = ()
    type: EventType = "error"
    days_ago: float = 0.0
    times: int = 1

    @property
    def seconds_ago(self) -> list[float]:
        """When it was written, oldest first."""
        return [self.days_ago * DAY + INTERVAL * number for number in reversed(range(self.times))]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was planted; ``None`` leaves what every simulated server has."""

    events: tuple[PlantedEvent, ...] = ()
    adapters: tuple[Adapter, ...] | None = None
    tcp_segments: TcpSegments | None = None


def read_evidence(entry: t.Mapping[str, t.Any]) -> Evidence:
    """Read the key ``evidence`` of a host; ValueError says what is not understood."""
    unknown = set(entry) - {field.name for field in dataclasses.fields(Evidence)}
    if unknown:
        raise ValueError(f"evidence has events, adapters and tcp_segments, not {', '.join(sorted(unknown))}")
    adapters, segments = entry.get("adapters"), entry.get("tcp_segments")
    try:
        return Evidence(
            events=tuple(
                PlantedEvent(**{**item, "strings": tuple(map(str, item.get("strings", ())))})
                for item in entry.get("events", ())
            ),
            adapters=None if adapters is None else tuple(_adapter(item) for item in adapters),
            tcp_segments=None if segments is None else TcpSegments(**segments),
        )
    except TypeError as error:
        raise ValueError(f"an item of evidence is not understood: {error}") from error


def _adapter(item: t.Mapping[str, t.Any]) -> Adapter:
    given = dict(item)
    if "driver_date" in given:
        given["driver_date"] = datetime.date.fromisoformat(str(given["driver_date"]))
    return Adapter(**given)


def plant(machine: Machine, evidence: Evidence, *, now: float) -> None:
    """Put it into the machine; ``now`` is true time."""
    if evidence.adapters is not None:
        machine.adapters = evidence.adapters
    if evidence.tcp_segments is not None:
        machine.tcp_segments = evidence.tcp_segments
    planted = ((ago, event) for event in evidence.events for ago in event.seconds_ago)
    for ago, event in sorted(planted, key=lambda item: -item[0]):
        machine.log(
            source=event.source,
            code=event.code,
            now=now - ago,
            strings=event.strings,
            type_=event.type,
            logfile=event.log,
        )
