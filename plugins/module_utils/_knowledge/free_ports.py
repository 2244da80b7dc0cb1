# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of ports that are left to be drawn, from the dynamic ranges of Windows and from the range of DNS' pool.

Free are the ports of a range less those that are reserved or excluded, whoever did it, and less those in use. That a
range can be starved is arithmetic; how few are too few is our choice [K]: 255, the smallest range that netsh takes
(KB929851), and for the pool as many more than it draws, since it draws without end if too little is left.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import (
    LEAST_DYNAMIC_NUMBER,
    range_by_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    Absent,
    DynamicRangesFact,
    ExclusionsFact,
    Facts,
    Protocol,
    RegistryFact,
    RegistryReading,
    ServiceFact,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import (
    configured_pool_range,
    max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import PoolSettings
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DNS_NAMES_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPort, in_use
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

_NO_PORTS: t.Final = PortSet()
LEAST_FREE: t.Final = LEAST_DYNAMIC_NUMBER
Drawer = t.Literal["programs", "dns_pool"]
"""Who draws ports from a range."""


class DrawnRange(t.NamedTuple):
    """A range that ports are drawn from, and what is left of it."""

    drawer: Drawer
    protocol: Protocol
    ports: PortRange
    withheld: PortSet
    """Ports that are reserved or excluded, in it or elsewhere."""
    in_use: PortSet = _NO_PORTS
    """Ports in use by others than the pool's own process, in it or elsewhere; empty also if they were not counted."""
    drawn: int = 0
    """How many the pool draws."""

    @property
    def name(self) -> str:
        """For sentences."""
        if self.drawer == "dns_pool":
            return f"the range of the DNS server's pool, {self.ports}"
        return f"the dynamic {self.protocol.upper()} range {self.ports}"

    @property
    def kept_back(self) -> int:
        """The number of its ports that are reserved or excluded."""
        return (PortSet.of(self.ports) & self.withheld).count

    @property
    def used(self) -> int:
        """The number of the other ports that are in use."""
        return (self._given_out & self.in_use).count

    @property
    def free(self) -> int:
        """The number of ports that are left."""
        return self._given_out.count - self.used

    @property
    def _given_out(self) -> PortSet:
        """Its ports but those that are reserved or excluded."""
        return PortSet.of(self.ports) - self.withheld

    @property
    def needed(self) -> int:
        """The number of ports that must be left at least."""
        return LEAST_FREE + self.drawn

    @property
    def comfortable(self) -> int:
        """The number that should be left: twice the pool, so that its ports stay hard to guess."""
        return max(self.needed, 2 * self.drawn)

    def with_used(self, rows: t.Collection[UsedPort], dns_process: int) -> DrawnRange:
        """The same with the ports in use; those of the present pool are free again when the next one is drawn."""
        own = dns_process if self.drawer == "dns_pool" and dns_process else -1
        return self._replace(in_use=in_use(rows, self.protocol, but=own))


def drawn_ranges(facts: Facts, capabilities: Capabilities, protocol: Protocol) -> tuple[PortRange, ...]:
    """The ranges that Windows draws programs' ports from, each once; none if netsh shows none. Raises FactsNeeded."""
    if not capabilities.dynamic_port_ranges:
        return (range_by_max_user_port(max_user_port(facts)),)
    ranges = facts[DynamicRangesFact()]
    return tuple(dict.fromkeys(ranges.of(family, protocol) for family in FAMILIES)) if ranges else ()


def withheld_ports(facts: Facts, capabilities: Capabilities, protocol: Protocol) -> PortSet:
    """The ports that programs don't get by chance: by ReservedPorts, or by any row of netsh. Raises FactsNeeded.

    Of netsh both stores count: one of them is in force, the other one after the next boot.
    """
    if capabilities.reserved_ports_value:
        return PortList(texts(facts[RESERVED_PORTS_FACT])).ports
    exclusions = facts[ExclusionsFact()] if capabilities.excluded_port_ranges != "no" else None
    if exclusions is None:
        return PortSet()
    return PortSet.of(*(block.ports for block in exclusions.of(protocol))) | exclusions.reserved(protocol)


def program_ranges(facts: Facts, capabilities: Capabilities) -> tuple[DrawnRange, ...]:
    """The dynamic ranges for TCP and UDP; raises FactsNeeded."""
    return tuple(
        DrawnRange(
            drawer="programs",
            protocol=protocol,
            ports=ports,
            withheld=withheld_ports(facts, capabilities, protocol),
        )
        for protocol in PROTOCOLS
        for ports in drawn_ranges(facts, capabilities, protocol)
    )


def pool_ranges(facts: Facts, capabilities: Capabilities) -> tuple[DrawnRange, ...]:
    """The range of the DNS server's next pool; none if there is no DNS server that could start. Raises FactsNeeded.

    netsh's exclusions don't count: the DNS server is assumed to ignore them.
    """
    dns = facts[ServiceFact(DNS_SERVICE)]
    if dns is None or (dns.start_mode == "Disabled" and not dns.runs):
        return ()
    ports = configured_pool_range(facts, capabilities).ports
    settings = PoolSettings(_value(facts, POOL_SIZE_FACT), _value(facts, POOL_EXCLUSIONS_FACT), has_dead_value=False)
    left_alone = settings.exclusions.ports if capabilities.dns_pool_exclusions else PortSet()
    if capabilities.reserved_ports_value:
        left_alone = withheld_ports(facts, capabilities, "udp")
    size = max(settings.effective_size, 1)
    return (DrawnRange(drawer="dns_pool", protocol="udp", ports=ports, withheld=left_alone, drawn=size),)


def _value(facts: Facts, fact: RegistryFact) -> RegistryReading:
    """A value of the DNS server: as it was read, or absent if its key does not list it."""
    if fact in facts:
        return facts[fact]
    names = facts[DNS_NAMES_FACT]
    listed = set() if isinstance(names, Absent) else {name.casefold() for name, _type in names}
    return facts[fact] if fact.name.casefold() in listed else Absent.VALUE
