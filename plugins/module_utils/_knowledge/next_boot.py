# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The odds of the next boot: how probable it is that the DNS server's pool takes a port that a service needs.

The pool is ``drawn`` different ports out of ``drawable`` ones, each selection as probable as any other. That it holds
none of ``needed`` certain ports has the probability C(drawable - needed, drawn) / C(drawable, drawn); one minus that is
the risk. All of it is computed with whole numbers, so there is no error to state.
"""

from __future__ import annotations

import dataclasses
import fractions
import math
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import PoolRange, pool_range
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

Chance = fractions.Fraction
"""A probability from 0 to 1, exact."""

Presence = t.Literal["always", "confirmed", "assumed", "not_seen"]
"""The state of the DNS server's socket pool; ``not_seen``: it runs and holds far fewer sockets than a pool has."""
DnsStart = t.Literal["auto", "delayed", "by_hand", "not_installed"]
StartOrder = t.Literal["after_dns", "unknown", "before_dns"]
"""The time at which a service takes its ports; ``unknown`` counts as after DNS, which is the worse case."""

NO_CHANCE: t.Final = Chance(0)
_NO_PORTS: t.Final = PortSet()


def chance_of_loss(*, drawable: int, drawn: int, needed: int) -> Chance:
    """The probability that a draw without replacement takes at least one of the needed ports.

    Args:
        drawable: how many ports the draw is made from, 0 or more.
        drawn: how many are drawn; never more than there are.
        needed: how many of the drawable ones are needed.
    """
    if needed > drawable:
        raise ValueError(f"{needed} needed ports can't all be among {drawable} drawable ones")
    left = drawable - min(drawn, drawable)
    # C(drawable - needed, drawn) / C(drawable, drawn), written so that the numbers stay small: the needed ports as the
    # draw, out of those that the pool leaves.
    return 1 - Chance(math.comb(left, needed), math.comb(drawable, needed))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The UDP ports that one service needs at a boot at which it starts by itself."""

    product: str
    """The catalogue's key."""
    service: str
    """Key name in the service manager."""
    ports: PortSet
    delayed: bool = False
    any_will_do: bool = False
    """It needs a free port out of these, not each of them: then losing one is no loss, and the risk is not known."""
    unverified: bool = False
    """True if it is not known that the service opens these UDP ports at all."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NextBoot:
    """Everything that decides the draw of the next boot: configured settings count, also if they wait for a reboot."""

    capabilities: Capabilities
    pool: Presence
    dns: DnsStart
    size: int
    """SocketPoolSize, 0 to 10000; 0 means one socket."""
    max_user_port: int | None = None
    dynamic_udp: PortRange | None = None
    """The dynamic UDP range; ``None`` if the release has none that could be set."""
    left_alone: PortSet = _NO_PORTS
    """Ports that the pool leaves alone: ReservedPorts on NT 5.x, the pool's own list from 2008 R2 on."""
    touching: PortSet = _NO_PORTS
    """Ports of ReservedPorts entries that touch others, or have no hyphen: not reserved reliably (KB812873)."""
    netsh: PortSet = _NO_PORTS
    """Administered exclusions for UDP, which the DNS server is assumed to ignore."""
    in_use: PortSet = _NO_PORTS
    """UDP ports that others hold when the DNS server starts, as far as that is known."""
    needs: tuple[Need, ...] = ()
    pulled_by: tuple[str, ...] = ()
    """Automatic services that need DNS, so that a delayed start of DNS is void; as far as that was looked at."""
    sets: int = 1
    """The number of draws of the pool: 2 if the numbers for IPv6 were drawn apart from those for IPv4."""

    @property
    def draws(self) -> bool:
        """True if a pool is drawn at the boot at all."""
        return self.pool != "not_seen" and self.dns in ("auto", "delayed")

    @property
    def range(self) -> PoolRange:
        """The range that the pool is drawn from, and the rule that gives it."""
        return pool_range(self.capabilities, self.max_user_port, self.dynamic_udp)

    @property
    def drawable(self) -> PortSet:
        """The ports that the draw is made from."""
        return PortSet.of(self.range.ports) - self.left_alone - self.in_use

    @property
    def drawn(self) -> int:
        """The number of different ports that are drawn."""
        return min(max(self.size, 1), self.drawable.count) if self.draws else 0

    def order_of(self, need: Need) -> StartOrder:
        """The time at which a service takes its ports, before or after DNS, as far as Windows promises an order."""
        if self.dns == "delayed" and not need.delayed:
            return "before_dns"
        if need.delayed and self.dns == "auto":
            return "after_dns"
        return "unknown"

    @property
    def exposed(self) -> PortSet:
        """The needed ports that the draw can take; without services that do with any port of a range."""
        ports = _NO_PORTS
        for need in self.needs:
            if not need.any_will_do and self.order_of(need) != "before_dns":
                ports |= need.ports
        return ports & self.drawable

    def chance_for(self, ports: PortSet) -> Chance:
        """The probability that the pool takes at least one of these ports from services that start after DNS."""
        if not self.draws:
            return NO_CHANCE
        drawable = self.drawable
        once = chance_of_loss(drawable=drawable.count, drawn=self.drawn, needed=(ports & drawable).count)
        return 1 - (1 - once) ** self.sets

    def chance_of(self, need: Need, ports: PortSet | None = None) -> Chance:
        """The probability that a service loses one of its ports, or of some of them."""
        if self.order_of(need) == "before_dns":
            return NO_CHANCE
        return self.chance_for(need.ports if ports is None else ports & need.ports)

    @property
    def chance(self) -> Chance:
        """The probability that at least one service of the server loses a port."""
        return self.chance_for(self.exposed)

    @property
    def formula(self) -> str:
        """The server's probability as a formula; empty if no port is drawn or no port can be lost."""
        if not self.draws or not self.exposed:
            return ""
        drawable, needed = self.drawable.count, self.exposed.count
        kept = f"C({drawable - needed}, {self.drawn}) / C({drawable}, {self.drawn})"
        return f"1 - {kept}" if self.sets == 1 else f"1 - ({kept})^{self.sets}"
