# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that a scenario can name: what is on them, their dependencies, and what breaks when a port is lost."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.windows.releases import RELEASES
from tests.simulator.windows.roles import ROLES
from tests.simulator.windows.scm import ServiceManager
from tests.simulator.windows.server import build_server
from tests.unit.simulator.windows_host import NOW, SERVICES, Host

TCPIP: t.Final = f"{SERVICES}\\Tcpip\\Parameters"
PLACES: t.Final = [
    (role, release)
    for role, definition in ROLES.items()
    for release in definition.releases or sorted(RELEASES)
    if role not in ("member", "exchange_edge")
]


@pytest.mark.parametrize(("role", "release"), PLACES)
def test_every_automatic_service_of_a_lucky_server_runs(role: str, release: str) -> None:
    host = Host(release, roles=[role], broken=False)
    services = host.query("SELECT Name, State FROM Win32_Service WHERE StartMode = 'Auto'")
    assert [row.properties["Name"] for row in services if row.properties["State"] != "Running"] == []
    assert host.server.session.deaf == set()


@pytest.mark.parametrize(("role", "release"), [("sbs2003", "2008"), ("exchange2003", "2022"), ("exchange2010", "2003")])
def test_a_role_where_it_can_not_be_is_refused(role: str, release: str) -> None:
    with pytest.raises(ValueError, match=f"host 'x': role {role} can be on "):
        build_server({"name": "x", "release": release, "roles": ["dns", role]}, now=NOW)


def _value(host: Host, name: str) -> t.Any:
    value = host.server.machine.registry.get(TCPIP, name)
    return None if value is None else value.data


SETTINGS: t.Final[dict[str, tuple[str, dict[str, t.Any], int | None, tuple[str, ...] | None]]] = {
    "SBS": ("2003", {"roles": ["sbs2003"]}, 60000, ("3343-3343",)),
    "SBS, nothing set": ("2003", {"roles": ["sbs2003"], "max_user_port": None, "reserved_ports": None}, None, None),
    "SBS, other values": (
        "2003",
        {"roles": ["sbs2003"], "max_user_port": 65534, "reserved_ports": ["1801-1801"]},
        65534,
        ("1801-1801",),
    ),
    "Exchange 2003": ("2003", {"roles": ["exchange2003"]}, 60000, None),
    "cluster": ("2003", {"roles": ["cluster"]}, None, ("3343-3343",)),
    "cluster of today": ("2022", {"roles": ["cluster"]}, None, None),
    "domain controller": ("2003", {"roles": ["domain_controller", "dns"]}, None, None),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_setup_leaves_its_settings(name: str) -> None:
    release, options, maximum, reserved = SETTINGS[name]
    host = Host(release, **options)
    assert (_value(host, "MaxUserPort"), _value(host, "ReservedPorts")) == (maximum, reserved)


@pytest.mark.parametrize(("role", "expected"), [("exchange2007", (1025, 60000)), ("exchange2010", (6005, 65534))])
def test_exchange_changes_the_dynamic_range(role: str, expected: tuple[int, int]) -> None:
    machine = Host("2008r2", roles=[role]).server.machine
    assert (machine.dynamic_range("tcp"), machine.dynamic_range("udp")) == (expected, expected)


def test_a_scenario_may_say_otherwise_than_a_setup() -> None:
    assert Host("2008", roles=["exchange2007"], dynamic_range=None).server.machine.dynamic_range("tcp")[0] == 49152


IDENTITIES: t.Final = {
    ("2003", "sbs2003"): (2, 5, True),
    ("2003", "domain_controller"): (2, 5, False),
    ("2022", "domain_controller"): (2, 5, False),
    ("2022", "ias"): (3, 2, False),
}


@pytest.mark.parametrize("place", IDENTITIES)
def test_identity(place: tuple[str, str]) -> None:
    host = Host(place[0], roles=[place[1]])
    system = host.query("SELECT * FROM Win32_OperatingSystem")[0].properties
    computer = host.query("SELECT * FROM Win32_ComputerSystem")[0].properties
    small = bool(t.cast("int", system["OSProductSuite"]) & 0x21)
    assert (system["ProductType"], computer["DomainRole"], small) == IDENTITIES[place]
    suites = host.server.machine.registry.texts("SYSTEM\\CurrentControlSet\\Control\\ProductOptions", "ProductSuite")
    assert ("Small Business" in suites) is ("Small Business Server" in str(system["Caption"])) is small


# -- who holds what
HOLDERS: t.Final = [
    ("2003", ["sbs2003"], "udp", 1645, "svchost.exe"),
    ("2003", ["sbs2003"], "udp", 1701, "System"),
    ("2003", ["sbs2003"], "udp", 2883, "w3wp.exe"),
    ("2003", ["sbs2003"], "udp", 4500, "lsass.exe"),
    ("2003", ["sbs2003"], "tcp", 389, "lsass.exe"),
    ("2003", ["sbs2003"], "tcp", 88, "lsass.exe"),
    ("2008", ["domain_controller"], "tcp", 389, "lsass.exe"),
    ("2008", ["domain_controller"], "tcp", 5722, "DFSRs.exe"),
    ("2008r2", ["domain_controller"], "tcp", 5722, "DFSRs.exe"),
    ("2022", ["domain_controller"], "tcp", 5722, ""),
    ("2022", ["ias"], "udp", 1812, "svchost.exe"),
    ("2022", ["ias"], "udp", 4500, "svchost.exe"),
    ("2003", ["blackberry_router"], "tcp", 3101, "BlackBerryRouter.exe"),
    ("2019", ["wds"], "udp", 64001, "svchost.exe"),
    ("2019", ["cluster"], "udp", 3343, "clussvc.exe"),
    ("2003", ["exchange2007"], "udp", 2883, ""),
]


@pytest.mark.parametrize(("release", "roles", "protocol", "port", "image"), HOLDERS)
def test_owners(release: str, roles: list[str], protocol: str, port: int, image: str) -> None:
    assert Host(release, roles=roles, broken=False).holder(protocol, port) == image


LOSERS: t.Final = [
    ("2003", {"roles": ["sbs2003"]}, "IAS", "Internet Authentication Service"),
    ("2003", {"roles": ["sbs2003"]}, "RemoteAccess", "Routing and Remote Access"),
    ("2022", {"roles": ["ias", "dns"], "dynamic_range": "1025-60000"}, "IAS", "Network Policy Server"),
    (
        "2022",
        {"roles": ["ias", "dns"], "dynamic_range": "1025-60000"},
        "IKEEXT",
        "IKE and AuthIP IPsec Keying Modules",
    ),
    ("2019", {"roles": ["cluster", "dns"], "dynamic_range": "1025-60000"}, "ClusSvc", "Cluster Service"),
    ("2003", {"roles": ["blackberry_router"], "tcp_clients": 2200}, "BlackBerry Router", "BlackBerry Router"),
    (
        "2019",
        {"roles": ["wds"], "runtime_blocks": [{"protocol": "udp", "ports": "64001-65000"}]},
        "WDSServer",
        "Windows Deployment Services Server",
    ),
]


@pytest.mark.parametrize(("release", "options", "victim", "display_name"), LOSERS)
def test_a_lost_port_is_error_10048(release: str, options: dict[str, t.Any], victim: str, display_name: str) -> None:
    host = Host(release, broken=victim, **options)
    service = host.service(victim)
    assert (service["State"], service["ExitCode"]) == ("Stopped", 10048)
    events = host.query("SELECT InsertionStrings FROM Win32_NTLogEvent WHERE EventCode = 7023")
    assert [event.properties["InsertionStrings"] for event in events] == [[display_name, "%%10048"]]
    assert host.server.is_listening(NOW + 1)


def test_several_victims_at_once() -> None:
    host = Host("2003", roles=["sbs2003"], broken=["RemoteAccess", "AUTD"])
    assert host.service("RemoteAccess")["ExitCode"] == 10048
    assert (host.service("IAS")["State"], host.service("W3SVC")["State"]) == ("Running", "Running")
    assert host.holder("udp", 2883) == "dns.exe"


def test_routing_without_l2tp_where_it_is_assumed_to_run() -> None:
    options = {"roles": ["sbs2003"], "assumptions": {"rras_needs_l2tp": False}}
    host = Host("2003", broken="RemoteAccess", **options)
    assert (host.service("RemoteAccess")["State"], host.holder("udp", 1701)) == ("Running", "dns.exe")


def test_block_mode_at_boot_cuts_a_small_business_server_off() -> None:
    host = Host("2003", roles=["sbs2003"], broken="PolicyAgent", time_scale=0.05)
    server = host.server
    assert not server.is_listening(NOW + 1)
    assert host.holder("udp", 4500) == "dns.exe"
    server.boot_now(seed=server.session.seed)
    assert not server.is_listening(server.now)
    server.act({"do": "out_of_band_fix"})
    assert server.is_listening(server.now)
    assert host.service("IAS")["State"] == "Running"


def test_the_thief_of_a_tcp_port_is_a_client() -> None:
    host = Host("2003", roles=["blackberry_router"], tcp_clients=2200, broken=True)
    assert host.holder("tcp", 3101) == "lsass.exe"
    row = next(line for line in host.text("netstat -ano").splitlines() if ".10:3101 " in line)
    assert row.split()[:4] == ["TCP", "192.0.2.10:3101", "192.0.2.99:389", "ESTABLISHED"]


# -- dependencies
CLOSED_BY: t.Final = [
    ("2003", "exchange55", "MSExchangeSA", {"MSExchangeDS", "MSExchangeIS", "MSExchangeMTA"}),
    ("2003", "exchange2003", "MSExchangeSA", {"MSExchangeIS", "MSExchangeMTA", "MSExchangeES"}),
    ("2003", "exchange2003", "IISADMIN", {"W3SVC", "RESvc", "SMTPSVC", "MSExchangeMTA", "IMAP4Svc", "POP3Svc"}),
    ("2008", "exchange2007", "msftesql-Exchange", {"MSExchangeSearch"}),
    ("2008", "exchange2007", "MSExchangeIS", set()),
    ("2008", "exchange2007", "IISADMIN", {"W3SVC"}),
    ("2022", "domain_controller", "NTDS", set()),
]


@pytest.mark.parametrize(("release", "role", "service", "dependents"), CLOSED_BY)
def test_dependents(release: str, role: str, service: str, dependents: set[str]) -> None:
    manager = ServiceManager(Host(release, roles=[role]).server.session, NOW)
    assert {found.config.name for found in manager.all_dependents(service)} == dependents


@pytest.mark.parametrize(("release", "role"), [("2003", "exchange2007"), ("2008r2", "exchange2010")])
def test_the_published_order_stops_all_of_exchange(release: str, role: str) -> None:
    host = Host(release, roles=[role])
    manager = ServiceManager(host.server.session, NOW)
    for root in ("MSExchangeADTopology", "msftesql-Exchange", "MSExchangeIS", "MSExchangeSA", "IISADMIN"):
        for service in (*manager.all_dependents(root), host.server.session.services[root.casefold()]):
            if service.state == "Running":
                host.server.act({"do": "stop_service", "service": service.config.name})
    running = host.query("SELECT Name FROM Win32_Service WHERE State = 'Running' AND Name LIKE 'MSExchange%'")
    assert [row.properties["Name"] for row in running] == []


def test_dns_needs_the_directory_on_a_controller_from_2008_on() -> None:
    wql = "ASSOCIATORS OF {Win32_Service.Name='NTDS'} WHERE AssocClass=Win32_DependentService Role=Antecedent"
    rows = Host("2022", roles=["domain_controller", "dns"]).query(wql)
    assert "DNS" in {row.properties["Name"] for row in rows}
    assert "NTDS" not in {
        row.properties["Name"] for row in Host("2003", roles=["sbs2003"]).query("SELECT Name FROM Win32_Service")
    }
