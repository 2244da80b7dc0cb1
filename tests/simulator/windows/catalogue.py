# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services of the simulated servers: one row each, by role and release."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.registry import SERVICES, Registry, ValueType
from tests.simulator.windows.releases import Language, Release
from tests.simulator.windows.services import OWN_PROCESS, SHARE_PROCESS, Start

DRIVER: t.Final = 1
_NETWORK: t.Final = "NT AUTHORITY\\NetworkService"
_LOCAL: t.Final = "NT AUTHORITY\\LocalService"
_SYSTEM: t.Final = "LocalSystem"

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

Era: t.TypeAlias = t.Literal["all", "nt5", "nt6"]


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service or driver; ``image`` has ``{system32}`` for that directory; ``german`` is "" where it is alike."""

    name: str
    english: str
    german: str = ""
    image: str = ""
    account: str = _SYSTEM
    start: Start = Start.AUTO
    delayed: bool = False
    type: int = SHARE_PROCESS
    group: str = ""
    needs: tuple[str, ...] = ()
    era: Era = "all"

    def display_name(self, language: Language) -> str:
        """Return the display name in the server's language."""
        return self.german if language == "de" and self.german else self.english


def _driver(name: str, english: str, *, group: str, needs: tuple[str, ...] = (), era: Era = "all") -> ServiceRow:
    return ServiceRow(
        name,
        english,
        image=f"{{system32}}\\drivers\\{name.lower()}.sys",
        start=Start.SYSTEM,
        type=DRIVER,
        group=group,
        needs=needs,
        era=era,
    )


def _hosted(name: str, english: str, german: str = "", *, host: str = "netsvcs", **rest: t.Any) -> ServiceRow:
    return ServiceRow(name, english, german, image=f"{{system32}}\\svchost.exe -k {host}", **rest)


BASE: t.Final = (
    _driver("Tcpip", "TCP/IP Protocol Driver", group="PNP_TDI"),
    _driver("AFD", "AFD", group="TDI"),
    _driver("NetBT", "NetBT", group="PNP_TDI", needs=("Tcpip",)),
    _driver("HTTP", "HTTP", group="", needs=("Tcpip",)),
    _driver("IPSec", "IPSEC driver", group="PNP_TDI", needs=("Tcpip",), era="nt5"),
    _hosted(
        "DcomLaunch",
        "DCOM Server Process Launcher",
        "DCOM-Server-Prozessstart",
        host="DcomLaunch",
        group="COM Infrastructure",
    ),
    _hosted(
        "RpcSs",
        "Remote Procedure Call (RPC)",
        "Remoteprozeduraufruf (RPC)",
        host="rpcss",
        account=_NETWORK,
        group="COM Infrastructure",
        needs=("DcomLaunch",),
    ),
    ServiceRow(
        "Eventlog", "Event Log", "Ereignisprotokoll", image="{system32}\\services.exe", group="Event Log", era="nt5"
    ),
    _hosted(
        "EventLog",
        "Windows Event Log",
        "Windows-Ereignisprotokoll",
        host="LocalServiceNetworkRestricted",
        account=_LOCAL,
        group="Event Log",
        era="nt6",
    ),
    ServiceRow("PlugPlay", "Plug and Play", image="{system32}\\services.exe", group="PlugPlay", era="nt5"),
    _hosted("PlugPlay", "Plug and Play", host="DcomLaunch", group="PlugPlay", era="nt6"),
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
    _hosted(
        "Dhcp",
        "DHCP Client",
        "DHCP-Client",
        host="NetworkService",
        account=_NETWORK,
        group="TDI",
        needs=("Tcpip", "AFD"),
    ),
    _hosted(
        "Dnscache", "DNS Client", "DNS-Client", host="NetworkService", account=_NETWORK, group="TDI", needs=("Tcpip",)
    ),
    _hosted("LanmanServer", "Server", needs=("SamSs",)),
    _hosted("LanmanWorkstation", "Workstation", "Arbeitsstationsdienst", group="NetworkProvider"),
    _hosted("CryptSvc", "Cryptographic Services", "Kryptografiedienste"),
    _hosted("EventSystem", "COM+ Event System", "COM+-Ereignissystem", group="Network", needs=("RpcSs",)),
    _hosted("gpsvc", "Group Policy Client", "Gruppenrichtlinienclient", needs=("RpcSs",), era="nt6"),
    _hosted("MpsSvc", "Windows Firewall", "Windows-Firewall", host="LocalServiceNoNetwork", account=_LOCAL, era="nt6"),
    _hosted("Schedule", "Task Scheduler", "Aufgabenplanung", group="SchedulerGroup", needs=("RpcSs",)),
    _hosted("Winmgmt", "Windows Management Instrumentation", "Windows-Verwaltungsinstrumentation", needs=("RpcSs",)),
    _hosted("W32Time", "Windows Time", "Windows-Zeitgeber", host="LocalService", account=_LOCAL),
    _hosted("TermService", "Terminal Services", "Terminaldienste", host="termsvcs", needs=("RpcSs",), era="nt5"),
    _hosted(
        "TermService",
        "Remote Desktop Services",
        "Remotedesktopdienste",
        host="NetworkService",
        account=_NETWORK,
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
    _hosted(
        "WinRM",
        "Windows Remote Management (WS-Management)",
        "Windows-Remoteverwaltung (WS-Verwaltung)",
        host="WinRM",
        account=_NETWORK,
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
    _hosted(
        "PolicyAgent",
        "IPsec Policy Agent",
        "IPsec-Richtlinien-Agent",
        host="NetworkServiceNetworkRestricted",
        account=_NETWORK,
        start=Start.DEMAND,
        needs=("Tcpip",),
        era="nt6",
    ),
    _hosted(
        "IKEEXT",
        "IKE and AuthIP IPsec Keying Modules",
        "IKE- und AuthIP IPsec-Schl\u00fcsselerstellungsmodule",
        era="nt6",
    ),
    _hosted(
        "BITS",
        "Background Intelligent Transfer Service",
        "Intelligenter Hintergrund\u00fcbertragungsdienst",
        start=Start.AUTO,
        delayed=True,
        needs=("RpcSs", "EventSystem"),
        era="nt6",
    ),
    _hosted("wuauserv", "Automatic Updates", "Automatische Updates", start=Start.DEMAND, era="nt5"),
    _hosted("wuauserv", "Windows Update", delayed=True, needs=("RpcSs",), era="nt6"),
    ServiceRow(
        "MSDTC",
        "Distributed Transaction Coordinator",
        image="{system32}\\msdtc.exe",
        account=_NETWORK,
        type=OWN_PROCESS,
        start=Start.DEMAND,
        group="MS Transactions",
        needs=("RpcSs", "SamSs"),
    ),
    _hosted(
        "RemoteRegistry", "Remote Registry", "Remoteregistrierung", host="regsvc", account=_LOCAL, needs=("RpcSs",)
    ),
    _hosted("Messenger", "Messenger", "Nachrichtendienst", start=Start.DISABLED, era="nt5"),
    _hosted("RemoteAccess", "Routing and Remote Access", "Routing und RAS", start=Start.DISABLED, needs=("RpcSs",)),
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
    _hosted("IAS", "Internet Authentication Service", "Internetauthentifizierungsdienst", needs=("RpcSs",), era="nt5"),
    _hosted("IAS", "Network Policy Server", "Netzwerkrichtlinienserver", needs=("RpcSs",), era="nt6"),
)

_EXCHANGE: t.Final = '"{exchange}\\Bin\\'
EDGE_ROWS: t.Final = (
    ServiceRow(
        "ADAM_MSExchange",
        "Microsoft Exchange ADAM",
        image="{ad_lds}\\dsamain.exe -sn:MSExchange",
        account=_NETWORK,
        type=OWN_PROCESS,
        needs=("RpcSs", "Eventlog"),
    ),
    ServiceRow(
        "MSExchangeEdgeCredential",
        "Microsoft Exchange Credential Service",
        image=_EXCHANGE + 'EdgeCredentialSvc.exe"',
        account=_SYSTEM,
        type=OWN_PROCESS,
        needs=("ADAM_MSExchange",),
    ),
    ServiceRow(
        "MSExchangeTransport",
        "Microsoft Exchange Transport",
        image=_EXCHANGE + 'MSExchangeTransport.exe"',
        account=_NETWORK,
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

ROLE_ROWS: t.Final[t.Mapping[str, tuple[ServiceRow, ...]]] = {
    "dns": DNS_ROWS,
    "exchange_edge": EDGE_ROWS,
    "ias": IAS_ROWS,
    "member": (),
}

EXCHANGE_DIRECTORIES: t.Final[t.Mapping[str, str]] = {
    "2003": "C:\\Program Files\\Microsoft\\Exchange Server",
    "2008": "C:\\Program Files\\Microsoft\\Exchange Server",
    "2008r2": "C:\\Program Files\\Microsoft\\Exchange Server\\V14",
}
"""Exchange 2007 on 2003 and 2008, 2010 on 2008 R2, later ones from 2012 R2 on."""


def rows_for(release: Release, roles: t.Iterable[str]) -> list[ServiceRow]:
    """Return the rows of a release with some roles."""
    era = "nt5" if release.nt5 else "nt6"
    rows = [*BASE, *(row for role in roles for row in ROLE_ROWS[role])]
    return [row for row in rows if row.era in ("all", era)]


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
