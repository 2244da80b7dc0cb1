# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of servers: their signs, and the role of this collection that fits each. Facts, as rows.

The roles guard ports against the DNS server's pool: they fit only if DNS is installed too. Another product is one
more row, and no code. Tags as in ``catalogue``.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    Facts,
    OperatingSystemFact,
    Service,
    ServiceFact,
    ServicesLikeFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_SERVICE_PREFIX,
    DNS_SERVICE,
    EDGE_INSTANCE,
    IPSEC_SERVICE,
    Tag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    EVERYWHERE,
    Condition,
    Release,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import RPC_PORTS

Role = t.Literal["sbs2003", "exchange_edge_dns", "dc_ias", "exchange_rpc_ports", "exchange_services", "known_services"]
Family = t.Literal["", "exchange"]

USUAL_INSTANCE: t.Final = EDGE_INSTANCE[len(AD_LDS_SERVICE_PREFIX) :]
"""The AD LDS instance of the role exchange_edge_dns, unless the user names another one."""
INSTANCE_VARIABLE: t.Final = "exchange_edge_dns_instance"


@dataclasses.dataclass(frozen=True, slots=True)
class Playbook:
    """A playbook of this collection that applies a role to the servers of a group."""

    name: str
    hosts_variable: str
    """The variable that names other servers instead."""
    group: str
    """The servers that it is for unless told otherwise."""


PLAYBOOKS: t.Final[t.Mapping[Role, Playbook]] = {
    "exchange_edge_dns": Playbook("edge", "edge_hosts", "edge"),
    "sbs2003": Playbook("sbs2003", "sbs2003_hosts", "sbs2003"),
    "dc_ias": Playbook("dc_ias", "dc_ias_hosts", "ias"),
    "exchange_rpc_ports": Playbook("exchange_rpc_ports", "exchange_rpc_ports_hosts", "exchange"),
    "known_services": Playbook("known_services", "known_services_hosts", "known_services"),
}
"""The playbook of each role that protects ports."""


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A role that is never applied automatically: it needs a decision."""

    role: Role
    note: str
    """The decision that it needs, as a text after its name."""
    services: tuple[str, ...] = ()
    """It does something only if one of these is installed; empty: everywhere."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerKind:
    """One thing that a server can be."""

    key: str
    name: str
    services: tuple[str, ...] = ()
    """Key names of services, one of which is its sign."""
    prefix: str = ""
    """Services whose names begin with this are its sign, except those of other rows."""
    caption: str = ""
    """A part of ``Win32_OperatingSystem.Caption``, in lower case: its sign if it has no service of its own."""
    condition: Condition = EVERYWHERE
    """The releases that it can be."""
    family: Family = ""
    """Of a family the first row that is seen counts."""
    role: Role | None = None
    """The role that keeps its ports from the DNS server's pool."""
    victims: tuple[str, ...] = ()
    """Services that the role brings back; empty: those that are its sign."""
    picked_by: str = ""
    """The variable that says for which one of its services the role is."""
    delayed_by: str = ""
    """The variable that lets the role delay DNS, which it does not do unasked: the way of Windows Server 2008."""
    covered_by: str = ""
    """A kind whose role does the work of this one's role too."""
    choices: tuple[Choice, ...] = ()
    source: str
    tag: Tag


_FIXED_PORTS: t.Final = Choice(
    "exchange_rpc_ports",
    "with exchange_rpc_ports_ports",
    tuple(dict.fromkeys(row.service for row in RPC_PORTS if row.service.startswith("MSExchange"))),
)
_MAINTENANCE: t.Final = Choice(
    "exchange_services",
    "for maintenance",
    (
        "MSExchangeADTopology",
        "MSExchangeMonitoring",
        "msftesql-Exchange",
        "MSExchangeIS",
        "MSExchangeSRS",
        "MSExchangeSA",
    ),
)
_EXCHANGE: t.Final = (_FIXED_PORTS, _MAINTENANCE)

KINDS: t.Final[tuple[ServerKind, ...]] = (
    ServerKind(
        key="small_business_server_2003",
        name="Small Business Server 2003",
        caption="small business",
        condition=Condition(when_capable=("reserved_ports_value",)),
        role="sbs2003",
        # The list of KB956189. The push to mobile devices (AUTD) is no service: the web server's process has its port.
        victims=(IPSEC_SERVICE, "IAS", "RemoteAccess", "W3SVC"),
        source="the ports [D KB956189]; the caption [K] unverified",
        tag="D",
    ),
    ServerKind(
        key="exchange_edge",
        name="Exchange Edge (AD LDS)",
        services=(EDGE_INSTANCE,),
        role="exchange_edge_dns",
        picked_by=INSTANCE_VARIABLE,
        source="[D bb693319]",
        tag="D",
    ),
    ServerKind(
        key="ad_lds",
        name="AD LDS",
        prefix=AD_LDS_SERVICE_PREFIX,
        role="exchange_edge_dns",
        picked_by=INSTANCE_VARIABLE,
        source="the names of its services [C]",
        tag="C",
    ),
    ServerKind(
        key="radius",
        name="RADIUS (IAS, NPS)",
        services=("IAS",),
        role="dc_ias",
        victims=("IAS", IPSEC_SERVICE, "IKEEXT"),
        delayed_by="dc_ias_delay_dns",
        covered_by="small_business_server_2003",
        source="[D KB956188, KB956189]",
        tag="D",
    ),
    # Its fixed RPC ports and the order of its services are not those that the roles know.
    ServerKind(
        key="exchange_2013",
        name="Exchange mail server (2013 or later)",
        services=("MSExchangeFrontEndTransport", "MSExchangeDelivery"),
        family="exchange",
        source="[K] unverified",
        tag="K",
    ),
    ServerKind(
        key="exchange_2010",
        name="Exchange 2010 mail server",
        services=("MSExchangeRPC",),
        family="exchange",
        choices=_EXCHANGE,
        source="[C]",
        tag="C",
    ),
    ServerKind(
        key="exchange_2007",
        name="Exchange 2007 mail server",
        services=("MSExchangeADTopology",),
        family="exchange",
        choices=_EXCHANGE,
        source="[T shutdown article]",
        tag="T",
    ),
    ServerKind(
        key="exchange_5_5",
        name="Exchange 5.5 mail server",
        services=("MSExchangeDS",),
        family="exchange",
        choices=_EXCHANGE,
        source="[D KB148732]",
        tag="D",
    ),
    ServerKind(
        key="exchange_2003",
        name="Exchange 2003 mail server",
        services=("MSExchangeIS", "MSExchangeSA"),
        family="exchange",
        choices=_EXCHANGE,
        source="what is left without the signs of the others: Exchange 2000 runs on Windows 2000 only [K] unverified",
        tag="K",
    ),
    # No DNS server takes its port, which is TCP: outgoing connections do.
    ServerKind(
        key="blackberry_router",
        name="BlackBerry Router",
        services=("BlackBerry Router",),
        choices=(Choice("known_services", "with known_services_names"),),
        source="the service's name [K] unverified",
        tag="K",
    ),
    ServerKind(key="dns", name="DNS server", services=(DNS_SERVICE,), source="[D KB956188]", tag="D"),
)
"""In the order in which they are told. A server can be several of them, or none."""


@dataclasses.dataclass(frozen=True, slots=True)
class Recognised:
    """One thing that a server is."""

    kind: ServerKind
    services: tuple[str, ...]
    """Key names of the services that are its sign."""
    obstacle: str = ""
    """The reason why its role does not fit this server as it is; empty if it fits, or if there is no role."""
    choices: tuple[Choice, ...] = ()

    @property
    def fits(self) -> bool:
        """True if its role is for this server."""
        return self.kind.role is not None and not self.obstacle


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """All kinds of a server."""

    kinds: tuple[Recognised, ...]
    has_dns: bool

    @property
    def fitting(self) -> tuple[Role, ...]:
        """The roles that are for this server, and may be applied without asking."""
        return tuple(dict.fromkeys(found.kind.role for found in self.kinds if found.kind.role and found.fits))

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Roles that do something here after a decision of the user."""
        return tuple(dict.fromkeys(choice for found in self.kinds for choice in found.choices))

    def guardian_of(self, service: str) -> Recognised | None:
        """The kind of this server whose role starts that service and keeps its ports; ``None`` if there is none.

        Of roles that are told which one of several services they are for, any one will do.
        """
        for found in self.kinds if self.has_dns else ():
            guarded = {name.casefold() for name in found.kind.victims or found.services}
            if found.kind.role and service.casefold() in guarded and (found.fits or found.kind.picked_by):
                return found
        return None


def identity(
    facts: Facts, release: Release, *, instance: str = USUAL_INSTANCE, kinds: t.Sequence[ServerKind] = KINDS
) -> Identity:
    """The kinds of a server, by one query for services; raises FactsNeeded.

    ``instance`` is the AD LDS instance that the role exchange_edge_dns is told.
    """
    facts.require(ServiceFact(DNS_SERVICE), *(fact for kind in kinds for fact in _signs(kind)))
    seen = {kind.key: services for kind in kinds if (services := _seen(kind, facts, release)) is not None}
    firsts = {kind.family: kind.key for kind in reversed(kinds) if kind.key in seen}
    case = _SignsOnServer(facts, frozenset(seen), f"{AD_LDS_SERVICE_PREFIX}{instance}".casefold())
    counting = [kind for kind in kinds if kind.key in seen and (not kind.family or firsts[kind.family] == kind.key)]
    return Identity(tuple(case.recognised(kind, seen[kind.key]) for kind in counting), case.has_dns)


def guarded_identity(facts: Facts, release: Release) -> Identity:
    """The same, of the kinds alone that have a role of their own: asks less."""
    return identity(facts, release, kinds=tuple(kind for kind in KINDS if kind.role))


@dataclasses.dataclass(frozen=True, slots=True)
class _SignsOnServer:
    """One server, and the signs that were seen on it."""

    facts: Facts
    seen: frozenset[str]
    picked: str
    """The service that the role for one AD LDS instance is told, case-folded."""

    @property
    def has_dns(self) -> bool:
        return self.facts[ServiceFact(DNS_SERVICE)] is not None

    def recognised(self, kind: ServerKind, services: tuple[str, ...]) -> Recognised:
        chosen = [choice for choice in kind.choices if not choice.services or self._installed(choice.services)]
        obstacle = self._obstacle(kind, services) if kind.role else ""
        if kind.role and kind.picked_by and self.has_dns and obstacle:
            chosen.append(Choice(kind.role, f"with {kind.picked_by}"))
        return Recognised(kind, services, obstacle, tuple(chosen))

    def _obstacle(self, kind: ServerKind, services: tuple[str, ...]) -> str:
        if not self.has_dns:
            return "There is no DNS server here whose pool could take its ports."
        if kind.covered_by in self.seen:
            return f"The role of {_BY_KEY[kind.covered_by].name} does this too."
        if kind.picked_by and self.picked not in {name.casefold() for name in services}:
            return f"{kind.picked_by} names another one."
        return ""

    def _installed(self, names: tuple[str, ...]) -> bool:
        return any(self.facts[ServiceFact(name)] for name in names)


_BY_KEY: t.Final[t.Mapping[str, ServerKind]] = {kind.key: kind for kind in KINDS}
_NAMED: t.Final = frozenset(name.casefold() for kind in KINDS for name in kind.services)


def _services_of(choices: t.Iterable[Choice]) -> t.Iterator[str]:
    return (name for choice in choices for name in choice.services)


def _signs(kind: ServerKind) -> list[Fact[t.Any]]:
    by_prefix = [ServicesLikeFact(kind.prefix)] if kind.prefix else []
    by_caption = [OperatingSystemFact()] if kind.caption else []
    return [*map(ServiceFact, (*kind.services, *_services_of(kind.choices))), *by_prefix, *by_caption]


def _seen(kind: ServerKind, facts: Facts, release: Release) -> tuple[str, ...] | None:
    """The services that are its sign, none if its sign is the caption; ``None`` if a server is of another kind."""
    if not kind.condition.holds(release):
        return None
    if kind.caption:
        return () if kind.caption in facts[OperatingSystemFact()].caption.casefold() else None
    named: list[Service] = [found for name in kind.services if (found := facts[ServiceFact(name)])]
    begun = facts[ServicesLikeFact(kind.prefix)] if kind.prefix else ()
    others = (found for found in begun if found.name.casefold() not in _NAMED)
    return tuple(found.name for found in (*named, *others)) or None
