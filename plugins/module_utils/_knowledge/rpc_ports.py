# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services whose RPC port can be fixed: the registry value of each, and what puts it in force. Facts, as rows.

Without such a value the service takes a port of the dynamic range at each start and tells clients by the endpoint
mapper. Tags as in ``known_services``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryFact, RegistryType
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import LSASS_IMAGE, Tag
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY

REBOOT: t.Final = "reboot"


class RpcPort(t.NamedTuple):
    """One service, or one interface of it, with the value that fixes its port."""

    key: str
    """The word that users write in the option ``ports``."""
    name: str
    subkey: str
    """Below ``HKLM\\SYSTEM\\CurrentControlSet\\Services``."""
    value: str
    service: str
    """Key name in the service manager; empty for the directory, which was no service of its own on NT 5.x."""
    image: str
    """File name of the process that listens ([K] unverified)."""
    restart: str
    """``reboot``, or the key name of the service that must be restarted."""
    source: str
    tag: Tag
    type: RegistryType = RegistryType.DWORD
    needs_domain_controller: bool = False
    replaced_by: str = ""
    """Key name of a service: where it is installed, the product is too new to read this value."""

    @property
    def fact(self) -> RegistryFact:
        """The registry value."""
        return RegistryFact(rf"{SERVICES_KEY}\{self.subkey}", self.value, self.type)

    @property
    def entry_name(self) -> str:
        """Its entry in the journal."""
        return f"static_rpc_port.{self.key}"


def _exchange(
    key: str,
    name: str,
    subkey: str,
    value: str,
    *,
    image: str,
    source: str,
    tag: Tag,
    restart: str = "",
    replaced_by: str = "",
) -> RpcPort:
    service = subkey.partition("\\")[0]
    return RpcPort(
        key=key,
        name=name,
        subkey=subkey,
        value=value,
        service=service,
        image=image,
        replaced_by=replaced_by,
        restart=restart or service,
        source=source,
        tag=tag,
    )


DIRECTORY_PORTS: t.Final[t.Mapping[int, str]] = {
    88: "Kerberos",
    389: "LDAP",
    464: "Kerberos password changes",
    636: "LDAP over TLS",
    3268: "the global catalog",
    3269: "the global catalog over TLS",
}
"""TCP ports of a domain controller that live in the same process as its RPC interfaces (KB832017)."""

_ANALYZER: t.Final = "[D Exchange Best Practices Analyzer; KB270836]"
_SINCE_2010: t.Final = "MSExchangeRPC"
"""RPC Client Access: clients of Exchange 2010 use it and the Address Book service, no longer the information store and
the system attendant, whose values of 5.5 to 2007 are not read then [D TechNet wiki 864]."""

RPC_PORTS: t.Final[tuple[RpcPort, ...]] = (
    RpcPort(
        key="ntds",
        name="Active Directory replication and logon (NTDS)",
        subkey=r"NTDS\Parameters",
        value="TCP/IP Port",
        service="",
        image=LSASS_IMAGE,
        needs_domain_controller=True,
        restart=REBOOT,
        source="[D KB224196]",
        tag="D",
    ),
    RpcPort(
        key="netlogon",
        name="Net Logon",
        subkey=r"Netlogon\Parameters",
        value="DCTcpipPort",
        service="Netlogon",
        image=LSASS_IMAGE,
        needs_domain_controller=True,
        restart="Netlogon",
        source="[D KB224196]",
        tag="D",
    ),
    RpcPort(
        key="ntfrs",
        name="File Replication Service",
        subkey=r"NTFRS\Parameters",
        value="RPC TCP/IP Port Assignment",
        service="NtFrs",
        image="ntfrs.exe",
        restart="NtFrs",
        source="[C; KB319553]",
        tag="C",
    ),
    _exchange(
        "exchange_ds",
        "Exchange 5.5 directory service",
        r"MSExchangeDS\Parameters",
        "TCP/IP port",
        image="dsamain.exe",
        restart=REBOOT,
        source="[D KB148732]",
        tag="D",
    ),
    _exchange(
        "exchange_is",
        "Exchange information store",
        r"MSExchangeIS\ParametersSystem",
        "TCP/IP Port",
        image="store.exe",
        source=_ANALYZER,
        replaced_by=_SINCE_2010,
        tag="D",
    ),
    _exchange(
        "exchange_is_http",
        "Exchange information store, RPC over HTTP",
        r"MSExchangeIS\ParametersSystem",
        "Rpc/HTTP Port",
        image="store.exe",
        source=_ANALYZER,
        replaced_by=_SINCE_2010,
        tag="D",
    ),
    _exchange(
        "exchange_sa",
        "Exchange system attendant, referral interface (RFR)",
        r"MSExchangeSA\Parameters",
        "TCP/IP Port",
        image="mad.exe",
        source=_ANALYZER,
        replaced_by=_SINCE_2010,
        tag="D",
    ),
    _exchange(
        "exchange_nspi",
        "Exchange system attendant, directory proxy (NSPI)",
        r"MSExchangeSA\Parameters",
        "TCP/IP NSPI Port",
        image="mad.exe",
        source=_ANALYZER,
        replaced_by=_SINCE_2010,
        tag="D",
    ),
    _exchange(
        "exchange_sa_http",
        "Exchange system attendant, referral interface, RPC over HTTP",
        r"MSExchangeSA\Parameters",
        "HTTP Port",
        image="mad.exe",
        source=_ANALYZER,
        replaced_by=_SINCE_2010,
        tag="D",
    ),
    _exchange(
        "exchange_nspi_http",
        "Exchange system attendant, directory proxy, RPC over HTTP",
        r"MSExchangeSA\Parameters",
        "Rpc/HTTP NSPI Port",
        image="mad.exe",
        source=_ANALYZER,
        replaced_by=_SINCE_2010,
        tag="D",
    ),
    _exchange(
        "exchange_srs",
        "Exchange site replication service",
        r"MSExchangeSRS\Parameters",
        "TCP/IP",
        image="srsmain.exe",
        source="[D Exchange Best Practices Analyzer]",
        tag="D",
    ),
    _exchange(
        "exchange_mta",
        "Exchange message transfer agent, RPC",
        r"MSExchangeMTA\Parameters",
        "TCP/IP port for RPC listens",
        image="emsmta.exe",
        source="[K] unverified",
        tag="K",
    ),
    _exchange(
        "exchange_mta_x400",
        "Exchange message transfer agent, X.400 (102 where nothing is set)",
        r"MSExchangeMTA\Parameters",
        "RFC1006 Port Number",
        image="emsmta.exe",
        source="[D KB161931]",
        tag="D",
    ),
    _exchange(
        "exchange_rpc",
        "Exchange 2010 RPC client access",
        r"MSExchangeRPC\ParametersSystem",
        "TCP/IP Port",
        image="Microsoft.Exchange.RpcClientAccess.Service.exe",
        source="[C]",
        tag="C",
    ),
    _exchange(
        "exchange_ab",
        "Exchange 2010 SP1 address book",
        r"MSExchangeAB\Parameters",
        "RpcTcpPort",
        image="Microsoft.Exchange.AddressBook.Service.exe",
        source="[K] unverified",
        tag="K",
    )._replace(type=RegistryType.STRING),
)

PORTS_BY_KEY: t.Final[t.Mapping[str, RpcPort]] = {row.key: row for row in RPC_PORTS}
