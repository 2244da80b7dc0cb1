# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS server's socket pool: what is configured, and where it is drawn from."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import (
    Absent,
    DynamicRangesFact,
    Fact,
    RegistryFact,
    RegistryReading,
    RegistryValue,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.information.view import (
    Finding,
    View,
    shown_range,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ipsec import MAX_USER_PORT_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.pool_range import (
    PoolRange,
    max_user_port,
    pool_range,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.resources.dns_socket_pool import (
    DEAD_NAME,
    DEFAULT_SIZE,
    LIST_FACT,
    MAXIMUM_SIZE,
    NAMES_FACT,
    SIZE_FACT,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """The pool's registry values, as far as they exist."""

    size: RegistryReading
    excluded: RegistryReading
    has_dead_value: bool

    @property
    def effective_size(self) -> int:
        """How many sockets the DNS server draws with these values, 0 to 10000."""
        size = _number(self.size)
        return DEFAULT_SIZE if size is None else min(size, MAXIMUM_SIZE)

    @property
    def exclusions(self) -> PortList:
        """The list of excluded ports; empty where the value is absent or of a wrong type."""
        data = self.excluded.data if isinstance(self.excluded, RegistryValue) else ()
        return PortList(data) if isinstance(data, tuple) else PortList()


def settings(view: View) -> Settings:
    """Only values that the key lists are read. Raises FactsNeeded."""
    names = view.facts[NAMES_FACT]
    listed = set() if isinstance(names, Absent) else {name.casefold() for name, _type in names}
    wanted = [fact for fact in (SIZE_FACT, LIST_FACT) if fact.name.casefold() in listed]
    view.facts.require(*wanted)

    def reading(fact: RegistryFact) -> RegistryReading:
        return view.facts[fact] if fact in wanted else Absent.VALUE

    return Settings(reading(SIZE_FACT), reading(LIST_FACT), DEAD_NAME.casefold() in listed)


def dns_pool(view: View) -> Finding:
    """The pool; ``None`` where the DNS server is not installed."""
    view.facts.require(ServiceFact(DNS_SERVICE), NAMES_FACT, *_range_questions(view))
    service = view.dns_service()
    if service is None:
        return Finding(None)
    found, drawn = settings(view), _drawn(view)
    excluded = found.exclusions
    value = {
        "state": service.state,
        "start_mode": service.start_mode,
        "process_id": service.process_id,
        "size": found.effective_size,
        "configured_size": _number(found.size),
        "excluded_ports": list(excluded.entries),
        "unreadable": list(excluded.unreadable),
        "excluded_ports_supported": view.context.capabilities.dns_pool_exclusions,
        "dead_value": found.has_dead_value,
        "range": shown_range(drawn.ports),
        "range_rule": drawn.rule,
        "range_reason": drawn.reason,
        "range_contested": drawn.contested,
        "sockets_held": view.pool_sockets_seen(),
    }
    return Finding(value, _wrong_types(found))


def _range_questions(view: View) -> list[Fact[t.Any]]:
    dynamic = view.context.capabilities.dynamic_port_ranges
    return [MAX_USER_PORT_FACT, *([DynamicRangesFact()] if dynamic else [])]


def _drawn(view: View) -> PoolRange:
    capabilities = view.context.capabilities
    ranges = view.facts[DynamicRangesFact()] if capabilities.dynamic_port_ranges else None
    return pool_range(capabilities, max_user_port(view.facts), ranges.udp if ranges else None)


def _number(reading: RegistryReading) -> int | None:
    return reading.data if isinstance(reading, RegistryValue) and isinstance(reading.data, int) else None


def _wrong_types(found: Settings) -> tuple[str, ...]:
    readings = ((SIZE_FACT, found.size), (LIST_FACT, found.excluded))
    return tuple(
        f"{fact.name} is of type {reading.type.name}; the DNS server reads {fact.type.name}, so it counts as absent."
        for fact, reading in readings
        if isinstance(reading, RegistryValue) and reading.type is not fact.type
    )
