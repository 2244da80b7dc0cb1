# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which service owns which port: known facts about products, as rows.

A port held by its rightful owner is no conflict. An owner is the image of the process together with the services hosted
in it, since several of them live in a shared svchost.exe. A new product is one more row. Tags: [D] documented by
Microsoft, [C] seen in public code, [T] reported by a community, [K] unverified.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortRange, PortSet

DNS_SERVICE: t.Final = "DNS"
DNS_IMAGE: t.Final = "dns.exe"
WINRM_SERVICE: t.Final = "WinRM"
IPSEC_SERVICE: t.Final = "PolicyAgent"

IPSEC_NAT_PORT: t.Final = 4500
"""UDP; lost to another process on NT 5.x, it puts the server in block mode (KB956188, KB912023)."""

AD_LDS_SERVICE_PREFIX: t.Final = "ADAM_"
AD_LDS_IMAGE: t.Final = "dsamain.exe"
AD_LDS_PORT_VALUES: t.Final = ("Port LDAP", "Port SSL")
"""DWORD values in the ``Parameters`` key of an instance's service [C]."""
EDGE_INSTANCE: t.Final = "ADAM_MSExchange"
EDGE_PORTS: t.Final = PortSet.of(50389, 50636)
"""LDAP and LDAP over TLS of the Exchange Edge role's instance, where setup was not told otherwise [D bb693319]."""


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """A process that may hold a port: its image and, where the image alone says too little, a service hosted in it."""

    image: str
    services: tuple[str, ...] = ()

    def matches(self, image: str, services: t.Collection[str]) -> bool:
        """Whether a process with this image and these services is the one; names are case-insensitive."""
        hosted = {name.casefold() for name in services}
        return image.casefold() == self.image.casefold() and (
            not self.services or any(name.casefold() in hosted for name in self.services)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class KnownOwner:
    """A product and the ports that are its own."""

    name: str
    ports: PortSet
    protocols: tuple[Protocol, ...]
    holders: tuple[Holder, ...]
    what_breaks: str
    """What an administrator sees when another process has the port."""
    source: str

    @property
    def services(self) -> tuple[str, ...]:
        """Key names of the services that hold these ports."""
        return tuple(dict.fromkeys(name for holder in self.holders for name in holder.services))

    @property
    def images(self) -> tuple[str, ...]:
        """File names of the processes that hold these ports."""
        return tuple(dict.fromkeys(holder.image for holder in self.holders))

    def owns(self, protocol: Protocol, port: int) -> bool:
        """Whether this port belongs to the product."""
        return protocol in self.protocols and port in self.ports


def ad_lds_owner(ports: PortSet, *, name: str = "AD LDS") -> KnownOwner:
    """The row of an AD LDS instance with the ports of its registry values."""
    return KnownOwner(
        name=name,
        ports=ports,
        protocols=("tcp", "udp"),
        holders=(Holder(AD_LDS_IMAGE),),
        what_breaks="the instance does not start (event 7023 with error 10013) and what depends on it stays down",
        source="TCP [D bb693319]; that it also binds the UDP twin of each port: [T], [K] unverified",
    )


KNOWN_OWNERS: t.Final[tuple[KnownOwner, ...]] = (
    ad_lds_owner(EDGE_PORTS, name="AD LDS of the Exchange Edge role"),
    KnownOwner(
        name="RADIUS (IAS, NPS)",
        ports=PortSet.of(PortRange(1645, 1646), PortRange(1812, 1813)),
        protocols=("udp",),
        holders=(Holder("svchost.exe", ("IAS",)),),
        what_breaks="the service does not start (event 7023 with error 10048); nobody gets authenticated",
        source="victim [D KB956189]; the port list and the shared process [K] unverified",
    ),
    KnownOwner(
        name="IPsec NAT traversal",
        ports=PortSet.of(IPSEC_NAT_PORT),
        protocols=("udp",),
        holders=(Holder("lsass.exe", (IPSEC_SERVICE,)), Holder("svchost.exe", ("IKEEXT", IPSEC_SERVICE))),
        what_breaks="IPSEC Services fails; Windows Server 2003 then blocks all network traffic (event 4292)",
        source="[D KB956188, KB912023]; the processes [K] unverified",
    ),
    KnownOwner(
        name="Exchange ActiveSync up-to-date notifications (AUTD)",
        ports=PortSet.of(2883),
        protocols=("udp",),
        holders=(Holder("w3wp.exe"),),
        what_breaks="no push to mobile devices (Server ActiveSync events 3015 and 3024)",
        source="[D KB956189]; the process [K] unverified",
    ),
    KnownOwner(
        name="L2TP (Routing and Remote Access)",
        ports=PortSet.of(1701),
        protocols=("udp",),
        holders=(Holder("System"), Holder("svchost.exe", ("RemoteAccess",))),
        what_breaks="no L2TP connections",
        source="[K] unverified",
    ),
    KnownOwner(
        name="Failover cluster",
        ports=PortSet.of(3343),
        protocols=("udp",),
        holders=(Holder("clussvc.exe", ("ClusSvc",)), Holder("System")),
        what_breaks="the node drops out of the cluster",
        source="the port [T ISC diary 11401]; the processes [K] unverified",
    ),
    KnownOwner(
        name="Message Queuing",
        ports=PortSet.of(1801),
        protocols=("tcp",),
        holders=(Holder("mqsvc.exe", ("MSMQ",)),),
        what_breaks="Message Queuing receives nothing from other computers",
        source="its setup reserves the port [C]; the process [K] unverified",
    ),
)


def known_owner(protocol: Protocol, port: int, owners: t.Iterable[KnownOwner] = KNOWN_OWNERS) -> KnownOwner | None:
    """The product that this port belongs to, or ``None`` where no row says."""
    return next((row for row in owners if row.owns(protocol, port)), None)


def owner_of(
    protocol: Protocol,
    port: int,
    image: str,
    services: t.Collection[str],
    owners: t.Iterable[KnownOwner] = KNOWN_OWNERS,
) -> KnownOwner | None:
    """The product that rightfully holds this port through that process, or ``None`` where it is not its owner.

    Args:
        protocol: of the port.
        port: the number.
        image: file name of the process that holds it, such as ``dsamain.exe``.
        services: key names of the services hosted in that process.
        owners: the rows to go by.
    """
    rows = (row for row in owners if row.owns(protocol, port))
    return next((row for row in rows if any(holder.matches(image, services) for holder in row.holders)), None)
