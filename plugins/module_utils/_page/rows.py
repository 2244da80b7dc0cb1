# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a report about a fleet: what its page, its JSON and its CSV are made of.

Texts in them may come from servers and are data, whatever they contain; who writes them into a page escapes them.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import run_texts
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

State = t.Literal["critical", "warning", "waiting", "not_read", "well"]
STATES: t.Final[tuple[State, ...]] = t.get_args(State)
"""Worst first; that nothing, or not enough, is known of a server is better than any trouble, and not yet well."""
Reading = t.Literal["read", "failed", "unreachable"]
NeedState = t.Literal["taken", "held", "free"]
Kept = t.Literal["reserved", "left_out_of_pool", "windows_block"]
RangeKind = t.Literal["dns_pool", "programs"]

Ranges: t.TypeAlias = "tuple[PortRange, ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class PortNumbers:
    """Ports of one protocol that one process holds: thousands, so single numbers and not ranges."""

    numbers: t.Collection[int] = ()

    def text(self, most_ranges: int = 0) -> str:
        """Neighbours merged: ``80, 443, 49152-49160``; with ``most_ranges`` no more than these and how many more."""
        found = run_texts(self.numbers)
        more = len(found) - most_ranges
        if not most_ranges or more < 2:
            return ", ".join(found)
        return f"{', '.join(found[:most_ranges])} and {more:,} more ranges"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A process and the ports that it holds; ``pool``: those of the DNS server's socket pool, as a row of their own."""

    text: str
    """For people, with image, process id and services."""
    image: str
    process_id: int
    services: tuple[str, ...]
    pool: bool
    outgoing: bool
    """It listens on none of these ports: they are the near ends of its connections."""
    tcp: PortNumbers
    udp: PortNumbers
    tcp_count: int
    udp_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A port that a service of this server needs, or a range out of which any will do, and how it stands.

    ``probability``: that the next boot's pool takes it; ``None`` where that was not computed.
    """

    protocol: Protocol
    first: int
    last: int
    service: str
    product: str
    any_will_do: bool
    state: NeedState
    held_by: tuple[str, ...]
    service_runs: bool | None
    reserved: bool
    left_out_of_pool: bool
    probability: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DrawnFrom:
    """A range that ports are drawn from at random, and by whom."""

    kind: RangeKind
    protocol: Protocol
    ports: PortRange
    note: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeptPorts:
    """Ports that somebody keeps from being drawn."""

    kind: Kept
    protocol: Protocol
    ports: Ranges
    count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Something that is configured and not (or not for sure) in force."""

    what: str
    effective: str
    waits_for: str
    """A key of ``waits.AWAITED``; empty where it waits for nothing that could be named."""
    by_itself: bool
    """Nobody must do anything for it."""
    reason: str

    @property
    def is_due(self) -> bool:
        """Whether somebody must do something; where nobody knows whether it is in force, nothing is due."""
        return self.effective == "no" and not self.by_itself


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRow:
    """A service that matters here."""

    service: str
    display_name: str
    products: tuple[str, ...]
    state: str
    start_mode: str
    process_id: int
    exit_code: int


def plain(value: t.Any, *, most_ranges: int = 0) -> t.Any:
    """Rows as plain mappings, lists and texts, for JSON and for templates; ranges as ``n`` or ``n-m``.

    ``most_ranges``: of the ports of a process only that many ranges, and how many more there are; 0 means all.
    """
    if isinstance(value, PortRange):
        return value.text
    if isinstance(value, PortNumbers):
        return value.text(most_ranges)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: plain(getattr(value, field.name), most_ranges=most_ranges) for field in fields}
    if isinstance(value, t.Mapping):
        return {str(key): plain(item, most_ranges=most_ranges) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, most_ranges=most_ranges) for item in value]
    return value
