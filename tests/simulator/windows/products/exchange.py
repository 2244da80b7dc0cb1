# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exchange servers from 5.5 to 2010: their services in the order in which they need each other, and their RPC ports.

The services of a version and their dependencies are mostly [K] unverified; two published stop orders fit these rows:
5.5 (MTA, IS, DS, SA) and 2007 (ADTopology, search, IS, SA, IISADMIN, each with its dependents).
"""

from __future__ import annotations

import typing as t

from tests.simulator.windows.program import Complaint, Endpoint, Program, Worker
from tests.simulator.windows.rows import NETWORK, SYSTEM, ServiceRow, hosted
from tests.simulator.windows.services import OWN_PROCESS, Start

_SERVER: t.Final = ("RpcSs", "Eventlog", "LanmanServer", "LanmanWorkstation")
_TOPOLOGY: t.Final = ("MSExchangeADTopology",)


def _own(
    name: str, english: str, image: str, needs: tuple[str, ...], *, start: Start = Start.AUTO, account: str = SYSTEM
) -> ServiceRow:
    return ServiceRow(
        name,
        f"Microsoft Exchange {english}",
        image=f'"C:\\Program Files\\{image}"',
        account=account,
        start=start,
        type=OWN_PROCESS,
        needs=needs,
    )


def _in_inetinfo(name: str, english: str, *, start: Start = Start.AUTO) -> ServiceRow:
    image = "{system32}\\inetsrv\\inetinfo.exe"
    return ServiceRow(name, english, image=image, start=start, needs=("IISADMIN",))


_IIS: t.Final = (
    ServiceRow(
        "IISADMIN",
        "IIS Admin Service",
        "IIS-Verwaltungsdienst",
        image="{system32}\\inetsrv\\inetinfo.exe",
        needs=("RpcSs", "SamSs"),
    ),
    hosted(
        "W3SVC",
        "World Wide Web Publishing Service",
        "WWW-Publishingdienst",
        host="iissvcs",
        needs=("RpcSs", "HTTP", "IISADMIN"),
    ),
)

_OLD: t.Final = "exchsrvr\\bin\\"
ROWS_55: t.Final = (
    _own("MSExchangeSA", "System Attendant", f"{_OLD}mad.exe", _SERVER),
    _own("MSExchangeDS", "Directory", f"{_OLD}dsamain.exe", ("MSExchangeSA",)),
    _own("MSExchangeIS", "Information Store", f"{_OLD}store.exe", ("MSExchangeDS",)),
    _own("MSExchangeMTA", "Message Transfer Agent", f"{_OLD}emsmta.exe", ("MSExchangeDS",)),
)

ROWS_2003: t.Final = (
    *_IIS,
    _own("MSExchangeSA", "System Attendant", f"{_OLD}mad.exe", _SERVER),
    _own("MSExchangeIS", "Information Store", f"{_OLD}store.exe", ("MSExchangeSA",)),
    _own("MSExchangeMTA", "MTA Stacks", f"{_OLD}emsmta.exe", ("MSExchangeSA", "IISADMIN")),
    _own("MSExchangeMGMT", "Management", f"{_OLD}exmgmt.exe", ("RpcSs", "Winmgmt")),
    _own("MSExchangeES", "Event", f"{_OLD}events.exe", ("MSExchangeIS",), start=Start.DEMAND),
    _own("MSExchangeSRS", "Site Replication Service", f"{_OLD}srsmain.exe", _SERVER, start=Start.DISABLED),
    _in_inetinfo("RESvc", "Microsoft Exchange Routing Engine"),
    _in_inetinfo("SMTPSVC", "Simple Mail Transfer Protocol (SMTP)"),
    _in_inetinfo("IMAP4Svc", "Microsoft Exchange IMAP4", start=Start.DISABLED),
    _in_inetinfo("POP3Svc", "Microsoft Exchange POP3", start=Start.DISABLED),
)


def _since_2007(folder: str) -> tuple[ServiceRow, ...]:
    """Return the services that 2007 and 2010 have in common."""

    def own(name: str, english: str, image: str, needs: tuple[str, ...] = _TOPOLOGY, **rest: t.Any) -> ServiceRow:
        return _own(name, english, f"{folder}{image}", needs, **rest)

    return (
        *_IIS,
        own("MSExchangeADTopology", "Active Directory Topology", "MSExchangeADTopologyService.exe", ("RpcSs",)),
        own("msftesql-Exchange", "Search Indexer Engine", "msftesql.exe", ("RpcSs",)),
        own("MSExchangeIS", "Information Store", "store.exe", _SERVER),
        own("MSExchangeSA", "System Attendant", "mad.exe", _SERVER),
        own("MSExchangeTransport", "Transport", "MSExchangeTransport.exe", account=NETWORK),
        own("MSExchangeTransportLogSearch", "Transport Log Search", "MSExchangeTransportLogSearch.exe"),
        own("MSExchangeAntispamUpdate", "Anti-spam Update", "Microsoft.Exchange.AntispamUpdateSvc.exe"),
        own("MSExchangeEdgeSync", "EdgeSync", "Microsoft.Exchange.EdgeSyncSvc.exe"),
        own("MSExchangeFDS", "File Distribution", "MSExchangeFDS.exe"),
        own("MSExchangeMailboxAssistants", "Mailbox Assistants", "MSExchangeMailboxAssistants.exe"),
        own("MSExchangeMailSubmission", "Mail Submission", "MSExchangeMailSubmission.exe"),
        own("MSExchangeRepl", "Replication Service", "Microsoft.Exchange.Cluster.ReplayService.exe"),
        own("MSExchangeSearch", "Search", "Microsoft.Exchange.Search.ExSearch.exe", (*_TOPOLOGY, "msftesql-Exchange")),
        own("MSExchangeServiceHost", "Service Host", "Microsoft.Exchange.ServiceHost.exe"),
        own("MSExchangeMonitoring", "Monitoring", "Microsoft.Exchange.Monitoring.exe", ("RpcSs",), start=Start.DEMAND),
        own("MSExchangePOP3", "POP3", "Microsoft.Exchange.Pop3Service.exe", start=Start.DEMAND),
        own("MSExchangeIMAP4", "IMAP4", "Microsoft.Exchange.Imap4Service.exe", start=Start.DEMAND),
    )


_FOLDER_2010: t.Final = "Microsoft\\Exchange Server\\V14\\bin\\"
ROWS_2007: t.Final = _since_2007("Microsoft\\Exchange Server\\Bin\\")
ROWS_2010: t.Final = (
    *_since_2007(_FOLDER_2010),
    *(
        _own(name, english, f"{_FOLDER_2010}{image}", _TOPOLOGY, account=account)
        for name, english, image, account in (
            ("MSExchangeRPC", "RPC Client Access", "Microsoft.Exchange.RpcClientAccess.Service.exe", NETWORK),
            ("MSExchangeAB", "Address Book", "Microsoft.Exchange.AddressBook.Service.exe", SYSTEM),
            ("MSExchangeFBA", "Forms-Based Authentication service", "Microsoft.Exchange.exfba.exe", SYSTEM),
            ("MSExchangeMailboxReplication", "Mailbox Replication", "MSExchangeMailboxReplication.exe", SYSTEM),
            ("MSExchangeThrottling", "Throttling", "MSExchangeThrottling.exe", NETWORK),
            ("MSExchangeProtectedServiceHost", "Protected Service Host", "ProtectedServiceHost.exe", SYSTEM),
        )
    ),
)

_NO_LISTEN: t.Final = Complaint(
    "MSExchangeMTA", 9321, ("1720", "ncacn_ip_tcp BASE IL MAIN BASE 1 504"), logfile="Application"
)
"""The one Exchange service that says so; the insertion strings are [K] unverified."""

AUTD: t.Final = Worker(
    name="AUTD",
    image="w3wp.exe",
    command_line='c:\\windows\\system32\\inetsrv\\w3wp.exe -a \\\\.\\pipe\\iisipm1 -t 20 -ap "ExchangeApplicationPool"',
    udp=2883,
    retry_seconds=300.0,
    complaints=(
        Complaint("Server ActiveSync", 3015, ("0x80004005", "{port}"), logfile="Application"),
        Complaint("Server ActiveSync", 3024, ("0x80004005",), logfile="Application"),
    ),
    beside="MSExchangeMGMT",
)
"""Up-to-date notifications of Exchange 2003; the two events repeat every 5 or 10 minutes in the reports [T]."""

UNREAD_SINCE_2010: t.Final = ("msexchangeis", "msexchangesa")
"""Services whose values for fixed ports count up to 2007 only (TechNet wiki 864)."""

_STORE: t.Final = "MSExchangeIS\\ParametersSystem"
_ATTENDANT: t.Final = "MSExchangeSA\\Parameters"

PROGRAMS: t.Final[t.Mapping[str, Program]] = {
    "w3svc": Program(worker=AUTD, bind_seconds=5.0, start_seconds=2.0, stop_seconds=2.0),
    "smtpsvc": Program(tcp=(25,), vital_ports=False, start_seconds=1.0),
    "imap4svc": Program(tcp=(143, 993), vital_ports=False),
    "pop3svc": Program(tcp=(110, 995), vital_ports=False),
    "msexchangeds": Program(endpoints=(Endpoint("MSExchangeDS\\Parameters", "TCP/IP port"),), start_seconds=2.0),
    "msexchangeis": Program(
        endpoints=(Endpoint(_STORE, "TCP/IP Port"), Endpoint(_STORE, "Rpc/HTTP Port", optional=True)),
        bind_seconds=3.0,
        start_seconds=4.0,
        stop_seconds=4.0,
    ),
    "msexchangesa": Program(
        endpoints=(
            Endpoint(_ATTENDANT, "TCP/IP Port"),
            Endpoint(_ATTENDANT, "TCP/IP NSPI Port"),
            Endpoint(_ATTENDANT, "HTTP Port", optional=True),
            Endpoint(_ATTENDANT, "Rpc/HTTP NSPI Port", optional=True),
        ),
        bind_seconds=1.0,
        start_seconds=2.0,
        stop_seconds=2.0,
    ),
    "msexchangemta": Program(
        endpoints=(
            Endpoint("MSExchangeMTA\\Parameters", "TCP/IP port for RPC listens", complaint=_NO_LISTEN),
            # X.400 over TCP/IP (KB161931); here only if a port is set.
            Endpoint("MSExchangeMTA\\Parameters", "RFC1006 Port Number", optional=True),
        ),
        bind_seconds=1.0,
        start_seconds=2.0,
        stop_seconds=2.0,
    ),
    "msexchangesrs": Program(endpoints=(Endpoint("MSExchangeSRS\\Parameters", "TCP/IP"),), start_seconds=2.0),
    "msexchangerpc": Program(endpoints=(Endpoint("MSExchangeRPC\\ParametersSystem", "TCP/IP Port"),)),
    "msexchangeab": Program(endpoints=(Endpoint("MSExchangeAB\\Parameters", "RpcTcpPort"),)),
    "msexchangeadtopology": Program(dynamic_tcp=1, start_seconds=2.0, stop_seconds=1.0),
    "msexchangetransport": Program(tcp=(25,), bind_seconds=3.0, start_seconds=4.0, stop_seconds=3.0),
    "msexchangetransportlogsearch": Program(dynamic_tcp=1, start_seconds=2.0, bind_seconds=1.5),
}
