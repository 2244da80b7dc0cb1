# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The DNS server's socket pool: out of which range it is drawn, what it avoids, and the draw itself."""

from __future__ import annotations

import array
import functools
import random
import sys
import typing as t

from tests.simulator.windows.assumptions import Assumptions
from tests.simulator.windows.portranges import PortRange, ports_of, read_ranges
from tests.simulator.windows.registry import SERVICES, Registry
from tests.simulator.windows.releases import Release

DNS_PARAMETERS: t.Final = f"{SERVICES}\\DNS\\Parameters"
TCPIP_PARAMETERS: t.Final = f"{SERVICES}\\Tcpip\\Parameters"
DEFAULT_POOL_SIZE: t.Final = 2500
MAXIMUM_POOL_SIZE: t.Final = 10000
IANA_DYNAMIC_RANGE: t.Final[PortRange] = (49152, 65535)


def pool_size(registry: Registry) -> int:
    """Return the configured number of sockets, 0 to 10000; the default is 2500."""
    size = registry.number(DNS_PARAMETERS, "SocketPoolSize")
    return DEFAULT_POOL_SIZE if size is None else min(size, MAXIMUM_POOL_SIZE)


def pool_range(registry: Registry, release: Release, assumptions: Assumptions, *, dynamic_udp: PortRange) -> PortRange:
    """Return the range that the pool is drawn from (contested on 6.0+ with MaxUserPort set)."""
    maximum = registry.number(TCPIP_PARAMETERS, "MaxUserPort")
    return range_by_value(maximum, release, assumptions, dynamic_udp=dynamic_udp)


def range_by_value(
    maximum: int | None, release: Release, assumptions: Assumptions, *, dynamic_udp: PortRange
) -> PortRange:
    """Return the same for this value of MaxUserPort."""
    if release.nt5:
        follows = maximum is not None and assumptions.old_pool_follows_value
        return (1024, min(maximum or 0, 65535)) if follows else IANA_DYNAMIC_RANGE
    usual = dynamic_udp if assumptions.pool_default_from_dynamic_range else IANA_DYNAMIC_RANGE
    if maximum is None:
        return usual
    if assumptions.pool_range_rule == "from_1024":
        return (1024, min(maximum, 65535))
    return (usual[0], min(usual[0] + maximum, 65535))


def pool_exclusions(registry: Registry, release: Release) -> frozenset[int]:
    """Return the ports of SocketPoolExcludedPortRanges, if the release has the list."""
    if not release.pool_exclusion_list:
        return frozenset()
    return ports_of(read_ranges(registry.texts(DNS_PARAMETERS, "SocketPoolExcludedPortRanges")))


@functools.lru_cache(maxsize=256)
def _in_every_lane(number: int, lanes: int) -> int:
    """Return a number repeated in that many lanes of 16 bits."""
    return int.from_bytes(number.to_bytes(2, "little") * lanes, "little")


def _draws(rng: random.Random, port_range: PortRange, count: int) -> t.Iterable[int]:
    """Return up to that many independent, uniform draws from the range, in the order of drawing.

    Draws of 16 bits, cut to the smallest power of two that covers the range; those beyond its end are dropped.
    """
    first, last = port_range
    width = last - first + 1
    bits = max(1, (width - 1).bit_length())
    noise = rng.getrandbits(16 * count) & _in_every_lane((1 << bits) - 1, count)
    aligned = width == 1 << bits and first % width == 0
    if aligned:
        noise |= _in_every_lane(first, count)
    numbers = array.array("H", noise.to_bytes(2 * count, sys.byteorder))
    if aligned:
        return numbers
    return map(first.__add__, [number for number in numbers if number < width])


def draw_ports(rng: random.Random, *, count: int, port_range: PortRange, taken: t.AbstractSet[int]) -> frozenset[int]:
    """Draw distinct ports one after the other, uniformly; a port that is taken is drawn again.

    All that are free are returned when there are not enough of them. Draws are made in batches that cannot give too
    many, in few calls to the generator, because a lottery of 10,000 boots draws 25 million ports.
    """
    first, last = port_range
    free = last - first + 1 - sum(first <= port <= last for port in taken)
    wanted = min(count, free)
    if 2 * wanted > free:
        return frozenset(rng.sample([port for port in range(first, last + 1) if port not in taken], wanted))
    drawn: set[int] = set()
    while len(drawn) < wanted:
        drawn.update(_draws(rng, port_range, wanted - len(drawn)))
        drawn -= taken
    return frozenset(drawn)
