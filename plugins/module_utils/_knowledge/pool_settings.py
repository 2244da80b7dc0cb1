# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of the DNS server's next socket pool: its size, its excluded ports, and whether there is a pool."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Facts,
    RegistryFact,
    RegistryReading,
    RegistryValue,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DEAD_EXCLUSIONS_NAME,
    DNS_NAMES_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList

DEFAULT_POOL_SIZE: t.Final = 2500
MAXIMUM_POOL_SIZE: t.Final = 10_000
POOL_UPDATES: t.Final = ("KB951746", "KB953230")
"""MS08-037, which brought the socket pool to the DNS servers before Windows Server 2008 R2."""
POOL_IN_USE: t.Final = 100
"""With this number of UDP sockets besides port 53 dns.exe must have a pool: without one it holds a few."""


class PoolSettings(t.NamedTuple):
    """The pool's registry values, as far as they exist."""

    size: RegistryReading
    excluded: RegistryReading
    has_dead_value: bool

    @property
    def configured_size(self) -> int | None:
        """The value SocketPoolSize; ``None`` if it is absent or no number."""
        return number(self.size)

    @property
    def effective_size(self) -> int:
        """The number of sockets that the DNS server draws with these values, 0 to 10000."""
        size = self.configured_size
        return DEFAULT_POOL_SIZE if size is None else min(size, MAXIMUM_POOL_SIZE)

    @property
    def exclusions(self) -> PortList:
        """The list of excluded ports; empty if the value is absent or of a wrong type."""
        data = self.excluded.data if isinstance(self.excluded, RegistryValue) else ()
        return PortList(data) if isinstance(data, tuple) else PortList()


def pool_settings(facts: Facts) -> PoolSettings:
    """Only values that the key lists are read. Raises FactsNeeded."""
    names = facts[DNS_NAMES_FACT]
    listed = set() if isinstance(names, Absent) else {name.casefold() for name, _type in names}
    wanted = [fact for fact in (POOL_SIZE_FACT, POOL_EXCLUSIONS_FACT) if fact.name.casefold() in listed]
    facts.require(*wanted)

    def reading(fact: RegistryFact) -> RegistryReading:
        return facts[fact] if fact in wanted else Absent.VALUE

    size, excluded = reading(POOL_SIZE_FACT), reading(POOL_EXCLUSIONS_FACT)
    return PoolSettings(size, excluded, DEAD_EXCLUSIONS_NAME.casefold() in listed)
