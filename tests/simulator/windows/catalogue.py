# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that every server has, those of DNS, RADIUS and Exchange Edge, and how a row gets into the registry."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.registry import SERVICES, Registry, ValueType
from tests.simulator.windows.releases import Language, Release
from tests.simulator.windows.rows import DRIVER, LOCAL, NETWORK, SYSTEM, ServiceRow, driver, hosted
from tests.simulator.windows.services import OWN_PROCESS, Start

LOAD_ORDER_GROUPS: t.Final = (
    "System Reserved",
    "Boot Bus Extender",
    "System Bus Extender",
    "Base",
    "Filter",
    "PNP_TDI",
    "NDIS",
    "TDI",
    "COM Infrastructure",
    "Event Log",
    "PlugPlay",
    "NetBIOSGroup",
    "SpoolerGroup",
    "LocalValidation",
    "NetworkProvider",
    "MS_WindowsRemoteValidation",
    "SchedulerGroup",
)

BASE: t.Final = (
    driver("Tcpip", "TCP/IP Protocol Driver", group="PNP_TDI"),
    driver("AFD", "AFD", group="TDI"),
    driver("NetBT", "NetBT", group="PNP_TDI", needs=("Tcpip",)),
    driver("HTTP", "HTTP", group="", needs=("Tcpip",)),
    driver("IPSec", "IPSEC driver", group="PNP_TDI", needs=("Tcpip",), era="nt5"),
    hosted(
        "DcomLaunch",
        "DCOM Server Process Launcher",
        "DCOM-Server-Prozessstart",
        host="DcomLaunch",
        group="COM Infrastructure",
    ),
    hosted(
        "RpcSs",
        "Remote Procedure Call (RPC)",
        "Remoteprozeduraufruf (RPC)",
        host="rpcss",
        account=NETWORK,
        group="COM Infrastructure",
        needs=("DcomLaunch",),
    ),
    ServiceRow(
        "Eventlog", "Event Log", "Ereignisprotokoll", image="{system32}\\services.exe", group="Event Log", era="nt5"
    ),
    hosted(
        "EventLog",
        "Windows Event Log",
        "Windows-Ereignisprotokoll",
        host="LocalServiceNetworkRestricted",
        account=LOCAL,
        group="Event Log",
        era="nt6",
    ),
    ServiceRow("PlugPlay", "Plug and Play", image="{system32}\\services.exe", group="PlugPlay", era="nt5"),
    hosted("PlugPlay", "Plug and Play", host="DcomLaunch", group="PlugPlay", era="nt6"),
    ServiceRow(
        "SamSs",
        "Security Accounts Manager",
        "Sicherheitskontenverwaltung",
        image="{system32}\\lsass.exe",
        group="LocalValidation",
        needs=("RpcSs",),
    ),
    ServiceRow(
        "Netlogon",
        "Net Logon",
        "Anmeldedienst",
        image="{system32}\\lsass.exe",
        start=Start.DEMAND,
        group="MS_WindowsRemoteValidation",
        needs=("LanmanWorkstation",),
    ),
    hosted(
        "Dhcp",
        "DHCP Client",
        "DHCP-Client",
        host="NetworkService",
        account=NETWORK,
        group="TDI",
        needs=("Tcpip", "AFD"),
    ),
    hosted(
        "Dnscache", "DNS Client", "DNS-Client", host="NetworkService", account=NETWORK, group="TDI", needs=("Tcpip",)
    ),
    hosted("LanmanServer", "Server", needs=("SamSs",)),
    hosted("LanmanWorkstation", "Workstation", "Arbeitsstationsdienst", group="NetworkProvider"),
    hosted("CryptSvc", "Cryptographic Services", "Kryptografiedienste"),
    hosted("EventSystem", "COM+ Event System", "COM+-Ereignissystem", group="Network", needs=("RpcSs",)),
    hosted("gpsvc", "Group Policy Client", "Gruppenrichtlinienclient", needs=("RpcSs",), era="nt6"),
    hosted("MpsSvc", "Windows Firewall", "Windows-Firewall", host="LocalServiceNoNetwork", account=LOCAL, era="nt6"),
    hosted("Schedule", "Task Scheduler", "Aufgabenplanung", group="SchedulerGroup", needs=("RpcSs",)),
    hosted("Winmgmt", "Windows Management Instrumentation", "Windows-Verwaltungsinstrumentation", needs=("RpcSs",)),
    hosted("W32Time", "Windows Time", "Windows-Zeitgeber", host="LocalService", account=LOCAL),
    hosted("TermService", "Terminal Services", "Terminaldienste", host="termsvcs", needs=("RpcSs",), era="nt5"),
    hosted(
        "TermService",
        "Remote Desktop Services",
        "Remotedesktopdienste",
        host="NetworkService",
        account=NETWORK,
        needs=("RpcSs",),
        era="nt6",
    ),
    ServiceRow(
        "Spooler",
        "Print Spooler",
        "Druckwarteschlange",
        image="{system32}\\spoolsv.exe",
        type=OWN_PROCESS,
        group="SpoolerGroup",
        needs=("RpcSs",),
    ),
    hosted(
        "WinRM",
        "Windows Remote Management (WS-Management)",
        "Windows-Remoteverwaltung (WS-Verwaltung)",
        host="WinRM",
        account=NETWORK,
        needs=("RpcSs", "HTTP"),
    ),
    ServiceRow(
        "PolicyAgent",
        "IPSEC Services",
        "IPSEC-Dienste",
        image="{system32}\\lsass.exe",
        needs=("RpcSs", "Tcpip", "IPSec"),
        era="nt5",
    ),
    hosted(
        "PolicyAgent",
        "IPsec Policy Agent",
        "IPsec-Richtlinien-Agent",
        host="NetworkServiceNetworkRestricted",
        account=NETWORK,
        start=Start.DEMAND,
        needs=("Tcpip",),
        era="nt6",
    ),
    hosted(
        "IKEEXT",
        "IKE and AuthIP IPsec Keying Modules",
        "IKE- und AuthIP IPsec-Schl\u00fcsselerstellungsmodule",
        era="nt6",
    ),
    hosted(
        "BITS",
        "Background Intelligent Transfer Service",
        "Intelligenter Hintergrund\u00fcbertragungsdienst",
        start=Start.AUTO,
        delayed=True,
        needs=("RpcSs", "EventSystem"),
        era="nt6",
    ),
    hosted("wuauserv", "Automatic Updates", "Automatische Updates", start=Start.DEMAND, era="nt5"),
    hosted("wuauserv", "Windows Update", delayed=True, needs=("RpcSs",), era="nt6"),
    ServiceRow(
        "MSDTC",
        "Distributed Transaction Coordinator",
        image="{system32}\\msdtc.exe",
        account=NETWORK,
        type=OWN_PROCESS,
        start=Start.DEMAND,
        group="MS Transactions",
        needs=("RpcSs", "SamSs"),
    ),
    hosted("RemoteRegistry", "Remote Registry", "Remoteregistrierung", host="regsvc", account=LOCAL, needs=("RpcSs",)),
    hosted("Messenger", "Messenger", "Nachrichtendienst", start=Start.DISABLED, era="nt5"),
    hosted("RemoteAccess", "Routing and Remote Access", "Routing und RAS", start=Start.DISABLED, needs=("RpcSs",)),
)
"""What every simulated server has. WinRM on 2003 is what ``winrm quickconfig`` leaves: automatic."""

DNS_ROWS: t.Final = (
    ServiceRow(
        "DNS",
        "DNS Server",
        "DNS-Server",
        image="{system32}\\dns.exe",
        type=OWN_PROCESS,
        needs=("Tcpip", "AFD", "RpcSs"),
    ),
)

IAS_ROWS: t.Final = (
    hosted("IAS", "Internet Authentication Service", "Internetauthentifizierungsdienst", needs=("RpcSs",), era="nt5"),
    hosted("IAS", "Network Policy Server", "Netzwerkrichtlinienserver", needs=("RpcSs",), era="nt6"),
)

_EXCHANGE: t.Final = '"{exchange}\\Bin\\'
EDGE_ROWS: t.Final = (
    ServiceRow(
        "ADAM_MSExchange",
        "Microsoft Exchange ADAM",
        image="{ad_lds}\\dsamain.exe -sn:MSExchange",
        account=NETWORK,
        type=OWN_PROCESS,
        needs=("RpcSs", "Eventlog"),
    ),
    ServiceRow(
        "MSExchangeEdgeCredential",
        "Microsoft Exchange Credential Service",
        image=_EXCHANGE + 'EdgeCredentialSvc.exe"',
        account=SYSTEM,
        type=OWN_PROCESS,
        needs=("ADAM_MSExchange",),
    ),
    ServiceRow(
        "MSExchangeTransport",
        "Microsoft Exchange Transport",
        image=_EXCHANGE + 'MSExchangeTransport.exe"',
        account=NETWORK,
        type=OWN_PROCESS,
        needs=("ADAM_MSExchange",),
    ),
    ServiceRow(
        "MSExchangeTransportLogSearch",
        "Microsoft Exchange Transport Log Search",
        image=_EXCHANGE + 'MSExchangeTransportLogSearch.exe"',
        type=OWN_PROCESS,
    ),
    ServiceRow(
        "MSExchangeAntispamUpdate",
        "Microsoft Exchange Anti-spam Update",
        image=_EXCHANGE + 'Microsoft.Exchange.AntispamUpdateSvc.exe"',
        type=OWN_PROCESS,
    ),
)
"""The Edge role: the two that depend on AD LDS are [K] in the facts; others follow the service manager anyway."""

EXCHANGE_DIRECTORIES: t.Final[t.Mapping[str, str]] = {
    "2003": "C:\\Program Files\\Microsoft\\Exchange Server",
    "2008": "C:\\Program Files\\Microsoft\\Exchange Server",
    "2008r2": "C:\\Program Files\\Microsoft\\Exchange Server\\V14",
}
"""Exchange 2007 on 2003 and 2008, 2010 on 2008 R2, later ones from 2012 R2 on."""


def install(registry: Registry, row: ServiceRow, *, release: Release, language: Language) -> None:
    """Write one service into the registry, as its setup would."""
    path = f"{SERVICES}\\{row.name}"
    image = row.image.format(
        system32=f"{release.windows_directory}\\system32",
        ad_lds=release.ad_lds_directory + ("" if release.nt5 else "\\system32"),
        exchange=EXCHANGE_DIRECTORIES.get(release.key, "C:\\Program Files\\Microsoft\\Exchange Server\\V15"),
    )
    registry.set(path, "Type", ValueType.DWORD, row.type)
    registry.set(path, "Start", ValueType.DWORD, int(row.start))
    registry.set(path, "ErrorControl", ValueType.DWORD, 1)
    registry.set(path, "ImagePath", ValueType.EXPAND_SZ, image)
    registry.set(path, "DisplayName", ValueType.SZ, row.display_name(language))
    if row.type != DRIVER:
        registry.set(path, "ObjectName", ValueType.SZ, row.account)
    if row.group:
        registry.set(path, "Group", ValueType.SZ, row.group)
    if row.needs:
        registry.set(path, "DependOnService", ValueType.MULTI_SZ, row.needs)
    if row.delayed:
        registry.set(path, "DelayedAutostart", ValueType.DWORD, 1)
