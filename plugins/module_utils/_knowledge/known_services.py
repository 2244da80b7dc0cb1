# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: known services, the ports they need, and who owns and who takes these ports, as rows.

A port held by its rightful owner is no conflict. An owner is the image of the process together with the services hosted
in it, since several of them live in a shared svchost.exe. A new product is one more row, and no code: the option
``services`` of the port resources, and the table of docs/ports.md, follow from it. Tags: [D] documented by Microsoft,
[C] seen in public code, [T] reported by a community, [K] unverified.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

DNS_SERVICE: t.Final = "DNS"
DNS_IMAGE: t.Final = "dns.exe"
IMAGES_WITHOUT_SERVICES: t.Final = frozenset({"system", "w3wp.exe"})
"""In lower case: the kernel's process and the worker processes of the web server host no service [K]."""
LSASS_IMAGE: t.Final = "lsass.exe"
WINRM_SERVICE: t.Final = "WinRM"
IPSEC_SERVICE: t.Final = "PolicyAgent"
CLUSTER_SERVICE: t.Final = "ClusSvc"

IPSEC_NAT_PORT: t.Final = 4500
"""UDP; lost to another process on NT 5.x, it puts the server in block mode (KB956188, KB912023)."""

AD_LDS_SERVICE_PREFIX: t.Final = "ADAM_"
AD_LDS_IMAGE: t.Final = "dsamain.exe"
AD_LDS_KEY: t.Final = "ad_lds"
"""The row whose ports are read from the server's registry."""
EDGE_INSTANCE: t.Final = "ADAM_MSExchange"
_NO_PORTS: t.Final = PortSet()
EDGE_PORTS: t.Final = PortSet.of(50389, 50636)
"""LDAP and LDAP over TLS of the Exchange Edge role's instance, where setup was not told otherwise [D bb693319]."""

Tag = t.Literal["D", "C", "T", "K"]
Releases = t.Literal["2003", "2008 and later", "all"]

WHO_DRAWS: t.Final[t.Mapping[Protocol, str]] = {
    "udp": "the DNS server's pool, and any program that asks for any free UDP port",
    "tcp": "any program that asks for any free TCP port (outgoing connections, RPC), never the DNS server's pool",
}
"""The program that may take a port by chance: the pool of the DNS server is UDP alone."""


class OwningProcess(t.NamedTuple):
    """A process that owns a port: its image and, if the image alone says too little, a service hosted in it."""

    image: str
    services: tuple[str, ...] = ()

    def matches(self, image: str, services: t.Collection[str]) -> bool:
        """True if a process with this image and these services is the one; names are case-insensitive."""
        hosted = {name.casefold() for name in services}
        return image.casefold() == self.image.casefold() and (
            not self.services or any(name.casefold() in hosted for name in self.services)
        )


class KnownService(t.NamedTuple):
    """A product and the ports that are its own."""

    key: str
    """The word that users write in the option ``services``."""
    name: str
    services: t.Mapping[Releases, tuple[str, ...]]
    """Key names in the service manager, per release; ``<...>`` stands for a part that is the administrator's choice."""
    processes: tuple[OwningProcess, ...]
    """Empty if it is not known which process holds the ports."""
    what_breaks: str
    """The symptom that an administrator sees if another process has the port."""
    source: str
    tag: Tag
    """The tag that says how well it is known that these are the ports."""
    tcp: PortSet = _NO_PORTS
    udp: PortSet = _NO_PORTS
    note: str = ""
    only_beside: str = ""
    """A service that must be installed too before the product is taken to be there: ``W3SVC`` is any web server."""
    any_port_will_do: bool = False
    """It needs a free port out of its range, not each of them."""
    listens_always: bool = True
    """While its service runs it holds each of these ports; otherwise some may be free, such as while it is not set up
    for them."""

    def ports(self, protocol: Protocol) -> PortSet:
        """Its ports of one protocol."""
        return self.tcp if protocol == "tcp" else self.udp

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols of its ports."""
        return tuple(protocol for protocol in PROTOCOLS if self.ports(protocol))

    @property
    def ports_text(self) -> str:
        """For people: ``TCP 3101``, ``TCP and UDP 50389, 50636``."""
        if self.tcp == self.udp:
            return f"TCP and UDP {self.tcp}"
        return ", ".join(f"{protocol.upper()} {self.ports(protocol)}" for protocol in self.protocols)

    @property
    def images(self) -> tuple[str, ...]:
        """File names of the processes that hold these ports."""
        return tuple(dict.fromkeys(process.image for process in self.processes))

    def owns(self, protocol: Protocol, port: int) -> bool:
        """True if this port belongs to the product."""
        return port in self.ports(protocol)


KNOWN_SERVICES: t.Final[tuple[KnownService, ...]] = (
    KnownService(
        key=AD_LDS_KEY,
        name="AD LDS (ADAM), also of the Exchange Edge role",
        tcp=EDGE_PORTS,
        udp=EDGE_PORTS,
        services={"all": (f"{AD_LDS_SERVICE_PREFIX}<instance>",)},
        processes=(OwningProcess(AD_LDS_IMAGE),),
        what_breaks="the instance does not start (event 7023 with error 10013) and what depends on it stays down",
        source="TCP [D bb693319]; that it also binds the UDP twin of each port [T], [K] unverified",
        tag="D",
        note="The registry tells the ports of each instance; these are the Edge role's where it says nothing.",
    ),
    KnownService(
        key="ias",
        name="RADIUS (IAS, NPS)",
        udp=PortSet.of(PortRange(1645, 1646), PortRange(1812, 1813)),
        services={"all": ("IAS",)},
        processes=(OwningProcess("svchost.exe", ("IAS",)),),
        what_breaks="the service does not start (event 7023 with error 10048); nobody gets authenticated",
        source="victim [D KB956189]; the port list and the shared process [K] unverified",
        tag="K",
    ),
    KnownService(
        key="ipsec",
        name="IPsec NAT traversal (IKE)",
        udp=PortSet.of(IPSEC_NAT_PORT),
        services={"2003": (IPSEC_SERVICE,), "2008 and later": ("IKEEXT",)},
        listens_always=False,
        processes=(
            OwningProcess(LSASS_IMAGE, (IPSEC_SERVICE,)),
            OwningProcess("svchost.exe", ("IKEEXT", IPSEC_SERVICE)),
        ),
        what_breaks="IPSEC Services fails; Windows Server 2003 then blocks all network traffic (event 4292)",
        source="[D KB956188, KB912023]; the processes [K] unverified",
        tag="D",
        note="UDP 500 needs nothing: below 1024 no port is ever drawn.",
    ),
    KnownService(
        key="l2tp",
        name="L2TP (Routing and Remote Access)",
        udp=PortSet.of(1701),
        services={"all": ("RemoteAccess",)},
        listens_always=False,
        processes=(OwningProcess("System"), OwningProcess("svchost.exe", ("RemoteAccess",))),
        what_breaks="no L2TP connections",
        source="[K] unverified",
        tag="K",
    ),
    KnownService(
        key="autd",
        name="Exchange 2003 ActiveSync up-to-date notifications (AUTD)",
        udp=PortSet.of(2883),
        services={"2003": ("W3SVC",)},
        only_beside="MSExchangeMGMT",
        listens_always=False,
        processes=(OwningProcess("w3wp.exe"),),
        what_breaks="no push to mobile devices (Server ActiveSync events 3015 and 3024)",
        source="[D KB956189]; the process, its service, and MSExchangeMGMT as the sign of Exchange 2003 [K] unverified",
        tag="D",
    ),
    KnownService(
        key="blackberry_router",
        name="BlackBerry Router",
        tcp=PortSet.of(3101),
        services={"all": ("BlackBerry Router",)},
        processes=(OwningProcess("BlackBerryRouter.exe", ("BlackBerry Router",)),),
        what_breaks="the service does not start; no mail reaches the devices",
        source="the port [T, article of 2008]; the service's name and image [K] unverified",
        tag="T",
        note="Its port is TCP: the thief is a program that connects to somewhere, helped by a high MaxUserPort.",
    ),
    KnownService(
        key="wds",
        name="Windows Deployment Services",
        udp=PortSet.of(PortRange(64001, 65000)),
        services={"all": ("WDSServer",)},
        any_port_will_do=True,
        processes=(OwningProcess("svchost.exe", ("WDSServer",)),),
        what_breaks="no deployment: its TFTP finds no free port (WDS trace: UDP registration failed, rc=2)",
        source="[T, KB977512]; the process [K] unverified",
        tag="T",
        note=(
            "From 2008 R2 on the value UdpPortPolicy = 0 (below WDSServer\\Parameters) makes it use any free port [T]."
        ),
    ),
    KnownService(
        key="cluster",
        name="Failover cluster",
        udp=PortSet.of(3343),
        services={"all": (CLUSTER_SERVICE,)},
        processes=(OwningProcess("clussvc.exe", (CLUSTER_SERVICE,)), OwningProcess("System")),
        what_breaks="the node drops out of the cluster",
        source="the port [T ISC diary 11401]; the processes [K] unverified",
        tag="T",
        note="Windows Server 2003 has it in ReservedPorts from the start [T].",
    ),
    KnownService(
        key="msmq",
        name="Message Queuing",
        tcp=PortSet.of(1801),
        services={"all": ("MSMQ",)},
        processes=(OwningProcess("mqsvc.exe", ("MSMQ",)),),
        what_breaks="Message Queuing receives nothing from other computers",
        source="its setup reserves the port [C]; the process [K] unverified",
        tag="C",
    ),
    KnownService(
        key="wireguard",
        name="WireGuard and NetBird",
        udp=PortSet.of(51820),
        services={"all": ("WireGuardTunnel$<tunnel>", "netbird")},
        listens_always=False,
        processes=(OwningProcess("System"), OwningProcess("wireguard.exe"), OwningProcess("netbird.exe")),
        what_breaks="the tunnel does not come up (error 32, the port is in use)",
        source="[T netbird issues 5072 and 5488, WgServerforWindows issue 188]; services and processes [K] unverified",
        tag="T",
        note="The default of these products; the tunnel's configuration tells its own.",
    ),
    KnownService(
        key="bigfix",
        name="BigFix client",
        udp=PortSet.of(52311),
        services={"all": ("BESClient",)},
        processes=(OwningProcess("BESClient.exe", ("BESClient",)),),
        what_breaks="the client gets no notifications from its server",
        source="[T BigFix forum 23004]; service and process [K] unverified",
        tag="T",
    ),
    KnownService(
        key="admpwd_e",
        name="AdmPwd.E password service",
        udp=PortSet.of(61184),
        services={},
        processes=(),
        what_breaks="the service can't open its port (its event 212)",
        source="[T documentation of AdmPwd.E]",
        tag="T",
        note="Which service and process hold the port is not known to this collection.",
    ),
    KnownService(
        key="sql_probe",
        name="Probe port of a SQL Server cluster behind a load balancer",
        tcp=PortSet.of(59999),
        services={"2008 and later": (CLUSTER_SERVICE,)},
        listens_always=False,
        processes=(OwningProcess("rhs.exe"),),
        what_breaks="the load balancer does not find the node that has the address",
        source="[D sql-docs pull requests 7925 and 8145]; the process [K] unverified",
        tag="D",
        note="59999 is the documentation's example; the cluster's resource tells its own.",
    ),
    KnownService(
        key="dfsr",
        name="DFS Replication on domain controllers of 2008 and 2008 R2",
        tcp=PortSet.of(5722),
        services={"2008 and later": ("DFSR",)},
        listens_always=False,
        processes=(OwningProcess("dfsrs.exe", ("DFSR",)),),
        what_breaks="SYSVOL does not replicate",
        source="[D AskDS blog]; the image [K] unverified",
        tag="D",
        note="At risk only where the dynamic range was widened down to it.",
    ),
    KnownService(
        key="adfs",
        name="Active Directory Federation Services (AD FS)",
        tcp=PortSet.of(PortRange(1500, 1501), 49443),
        services={"2008 and later": ("adfssrv",)},
        listens_always=False,
        processes=(OwningProcess("System"), OwningProcess("Microsoft.IdentityServer.ServiceHost.exe", ("adfssrv",))),
        what_breaks=(
            "the service runs, but logon with certificates fails (event 102, TCP 49443); AD FS 2.0 can't reach its own "
            "service (event 364, TCP 1501)"
        ),
        source=(
            "49443 [T kogelog.com 2016] for 2012 R2 and later; 1500 and 1501 of AD FS 2.0 [D TechNet wiki 2009]; the "
            "processes [K] unverified"
        ),
        tag="D",
        note="49443 lies in the default dynamic range and the service starts delayed: a connection can come first [T].",
    ),
    KnownService(
        key="sql_endpoint",
        name="SQL Server availability groups (endpoint for database mirroring)",
        tcp=PortSet.of(5022),
        services={"all": ("MSSQLSERVER", "MSSQL$<instance>")},
        listens_always=False,
        processes=(OwningProcess("sqlservr.exe"),),
        what_breaks="the replicas of an availability group do not reach each other",
        source="[D sql-docs pull requests 7925 and 8145]; the image [K] unverified",
        tag="D",
        note="5022 is the documentation's example and the usual choice; sys.tcp_endpoints tells the server's own.",
    ),
    KnownService(
        key="azure_host",
        name="Host of an Azure virtual network, also of AKS nodes",
        udp=PortSet.of(65330),
        services={},
        processes=(),
        what_breaks="no answer arrives at this port: one query in some thousands (DNS, for example) times out",
        source="[D FAQ of Azure virtual networks]; AKS nodes exclude it [C AgentBaker, pull request 1784]",
        tag="D",
        note=(
            "No process of the server holds it: the host beneath drops what comes in. On a virtual machine in Azure, "
            "keep it out of every draw, the DNS server's too."
        ),
    ),
)

SERVICES_BY_KEY: t.Final[t.Mapping[str, KnownService]] = {row.key: row for row in KNOWN_SERVICES}


def owner_of(
    protocol: Protocol,
    port: int,
    image: str,
    services: t.Collection[str],
    rows: t.Iterable[KnownService] = KNOWN_SERVICES,
) -> KnownService | None:
    """The product that rightfully holds this port through that process, or ``None`` if the process does not own it.

    Args:
        protocol: of the port.
        port: the number.
        image: file name of the process that holds it, such as ``dsamain.exe``.
        services: key names of the services hosted in that process.
        rows: the rows to go by.
    """
    owning = (row for row in rows if row.owns(protocol, port))
    return next((row for row in owning if any(process.matches(image, services) for process in row.processes)), None)


def services_within(protocol: Protocol, ports: PortRange) -> tuple[KnownService, ...]:
    """The products of which a port lies in a range that ports are drawn from."""
    drawn = PortSet.of(ports)
    return tuple(row for row in KNOWN_SERVICES if not drawn.isdisjoint(row.ports(protocol)))


def is_of_exchange(service: str) -> bool:
    """True if a service is one of Exchange's own, by the prefix of the key name that Exchange 5.5 to 2019 share."""
    return service.casefold().startswith(("msexchange", "msftesql-exchange"))


def udp_ports_by_name(service: str) -> PortSet:
    """The UDP ports that are known to belong to a service, by its key name; none if it is not among the rows."""
    name, ports = service.casefold(), PortSet()
    for row in KNOWN_SERVICES:
        keys = (key.casefold() for named in row.services.values() for key in named)
        if any(name == key or ("<" in key and name.startswith(key.partition("<")[0])) for key in keys):
            ports |= row.udp
    return ports
