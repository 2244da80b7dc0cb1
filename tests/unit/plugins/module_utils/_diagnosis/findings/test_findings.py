# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of finding on a server written by hand, and what must not be taken for one."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings import table
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import of_kind
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import (
    KINDS,
    SEVERITIES,
    KindName,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.catalogue import SERVICES_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    Event,
    Exclusions,
    NetworkAdapter,
    NetworkDriver,
    RegistryFact,
    RegistryType,
    RegistryValue,
    Service,
    Socket,
    TcpSegments,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import PORTS_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DOTNET_2_PACK_FACT,
    DOTNET_35_PACK_FACT,
    EXCHANGE_2007_PACK_FACT,
    FILTER_POLICY_FACT,
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    UAC_FACT,
    delayed_flag,
)
from tests.unit.plugins.module_utils._diagnosis.world import (
    BOOT,
    DNS_PROCESS,
    UPTIME,
    World,
    blocks,
    dword,
    multi,
    service,
)

OLD, SP2, R2, NEW = "5.2.3790", "6.0.6002", "6.1.7601", "10.0.20348"
NOW = BOOT + datetime.timedelta(seconds=UPTIME)
DNS = service("DNS", DNS_PROCESS)
UPDATED = ("KB951746",)
LSASS, JAVA, W3WP, IAS_HOST, OTHER = 500, 3000, 3100, 3200, 3300
IMAGES = {
    DNS_PROCESS: "dns.exe",
    LSASS: "lsass.exe",
    JAVA: "java.exe",
    W3WP: "w3wp.exe",
    IAS_HOST: "svchost.exe",
    OTHER: "emsmta.exe",
}
POOL = tuple(Socket("udp", "0.0.0.0", port, DNS_PROCESS) for port in range(60000, 60200))
LDAP_CLIENT = Connection("192.0.2.10", 3101, JAVA, "192.0.2.99:389")


def udp(port: int, process_id: int) -> Socket:
    return Socket("udp", "0.0.0.0", port, process_id)


def tcp(port: int, process_id: int) -> Socket:
    return Socket("tcp", "0.0.0.0", port, process_id)


def down(name: str, error: int, **changes: t.Any) -> Service:
    return dataclasses.replace(service(name, exit_code=error), **changes)


def event(log: str, source: str, code: int, *strings: str, minutes: float = 10) -> Event:
    return Event(log, 1, source, code, NOW - datetime.timedelta(minutes=minutes), strings)


def failed(name: str, error: int, minutes: float = 50) -> Event:
    return event("System", "Service Control Manager", 7023, name, f"%%{error}", minutes=minutes)


def world(version: str = NEW, services: tuple[Service, ...] = (), **more: t.Any) -> World:
    """A server with DNS, updated, with these other services; more as in World."""
    updates = more.pop("updates", UPDATED)
    with_dns = services if any(found.name == "DNS" for found in services) else (DNS, *services)
    return World(version, services=with_dns, images=IMAGES, updates=updates, **more)


def rpc(key: str, port: int) -> dict[t.Any, t.Any]:
    return {PORTS_BY_KEY[key].fact: dword(port)}


EXCHANGE_SP1 = {EXCHANGE_2007_PACK_FACT: dword(1)}
DOTNET_SP2 = {DOTNET_2_PACK_FACT: dword(2), DOTNET_35_PACK_FACT: dword(1)}
FILTERED = {FILTER_POLICY_FACT: dword(0), UAC_FACT: dword(1)}
IPSEC_DOWN = down("PolicyAgent", 10048)
BLOCK = event("System", "IPSec", 4292, minutes=50)
BUSY = TcpSegments(1_000_000, 30_000)
TEAM = NetworkAdapter("HP Network Team 1", "CPQTEAMMP", True, r"ROOT\CPQTEAMMP\0000")
CARD = NetworkAdapter("HP NC373i", "l2nd", True, r"PCI\1")
DRIVER = NetworkDriver(r"PCI\1", "HP NC373i", "2.8.13.0", "HP", datetime.datetime(2006, 6, 30, tzinfo=BOOT.tzinfo))
IN_BOX = dataclasses.replace(DRIVER, provider="Microsoft")
AUTD = (service(SERVICES_BY_KEY["autd"].only_beside, OTHER), service("W3SVC", 77))
PUSH_LOST = event("Application", "Server ActiveSync", 3015, "2883", "80004005")
ENDPOINT = event("Application", "MSExchangeMTA", 9321, "1720", "ncacn_ip_tcp", "BASE IL MAIN BASE 1 504", minutes=10)

Expected = list[tuple[KindName, str, t.Any]]
"""Kind, severity, and what the configured state waits for (False: nothing is configured)."""

FOUND: list[tuple[str, World, Expected]] = [
    (
        "the pool has the port, 2003",
        world(OLD, (down("IAS", 10048),), sockets=(udp(1812, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "reserved since, 2003",
        world(
            OLD,
            (down("IAS", 10048),),
            sockets=(udp(1812, DNS_PROCESS),),
            values={RESERVED_PORTS_FACT: multi("1645-1646", "1812-1813")},
        ),
        [("port_taken_by_dns_pool", "critical", "reboot")],
    ),
    (
        "the pool has the port, 2008",
        world(SP2, (down("IAS", 10013),), sockets=(udp(1812, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "DNS was set to delayed, 2008",
        world(SP2, (down("IAS", 10013),), sockets=(udp(1812, DNS_PROCESS),), values={delayed_flag("DNS"): dword(1)}),
        [("port_taken_by_dns_pool", "critical", "boot")],
    ),
    (
        "the pool has the port, 2022",
        World(services=(DNS, down("ADAM_MSExchange", 10013)), images=IMAGES, sockets=(udp(50636, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "excluded since, 2022",
        world(
            NEW,
            (down("IAS", 10048),),
            sockets=(udp(1645, DNS_PROCESS),),
            values={POOL_EXCLUSIONS_FACT: multi("1645-1813")},
        ),
        [("port_taken_by_dns_pool", "critical", "dns_restart")],
    ),
    (
        "its own error code",
        world(NEW, (down("IAS", 1066, specific_exit_code=10048),), sockets=(udp(1645, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "lsass has the port",
        world(OLD, (down("IAS", 10048),), sockets=(udp(1645, LSASS),)),
        [("port_taken_by_rpc", "critical", False)],
    ),
    (
        "another process has the port",
        world(NEW, (down("ADAM_MSExchange", 10048),), sockets=(tcp(50389, JAVA),)),
        [("port_taken_by_process", "critical", False)],
    ),
    (
        "another process has the port that is excluded by now",
        world(
            NEW,
            (down("ADAM_MSExchange", 10048),),
            sockets=(tcp(50389, JAVA),),
            exclusions=Exclusions(blocks((50389, 50389, True)), ()),
        ),
        [("port_taken_by_process", "critical", "owner")],
    ),
    (
        "a TCP port of the BlackBerry Router",
        world(OLD, (down("BlackBerry Router", 10048),), sockets=(tcp(3101, JAVA),)),
        [("port_taken_by_process", "critical", False)],
    ),
    (
        "an outgoing connection has the port, 2003",
        world(OLD, (down("BlackBerry Router", 10048),), connections=(LDAP_CLIENT,)),
        [("port_taken_by_connection", "critical", False)],
    ),
    (
        "a block of Windows' own",
        world(NEW, (down("ADAM_MSExchange", 10013),), exclusions=Exclusions(blocks((50300, 50399, False)), ())),
        [("port_in_windows_block", "critical", None)],
    ),
    (
        "free again",
        world(NEW, (down("IAS", 10048),)),
        [("port_was_taken", "critical", False)],
    ),
    (
        "the exit code is gone, the event of this boot is not",
        world(
            OLD,
            (down("IAS", 0, display_name="Internetauthentifizierungsdienst"),),
            sockets=(udp(1645, DNS_PROCESS),),
            events=(failed("Internetauthentifizierungsdienst", 10048),),
        ),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "started by hand only",
        world(NEW, (down("IAS", 10048, start_mode="Manual"),), sockets=(udp(1645, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "warning", False)],
    ),
    (
        "a service that nobody knows",
        world(NEW, (down("Contoso", 10048),)),
        [("service_lost_unknown_port", "critical", None)],
    ),
    (
        "no push",
        world(OLD, AUTD, sockets=(udp(2883, DNS_PROCESS),), events=(PUSH_LOST,)),
        [("activesync_port_taken", "critical", False)],
    ),
    (
        "DNS is the victim",
        world(NEW, sockets=(udp(53, JAVA),), events=(event("DNS Server", "DNS", 407),)),
        [("dns_is_victim", "critical", None)],
    ),
    (
        "block mode",
        world(OLD, (IPSEC_DOWN,), sockets=(udp(4500, DNS_PROCESS),), events=(BLOCK, failed("PolicyAgent", 10048))),
        [("ipsec_block_mode", "critical", False)],
    ),
    (
        "block mode, got over by hand",
        world(
            OLD,
            (down("PolicyAgent", 0, start_mode="Disabled"),),
            events=(BLOCK, failed("PolicyAgent", 10048)),
            values={RESERVED_PORTS_FACT: multi("4500-4500")},
        ),
        [("ipsec_block_mode", "warning", "reboot")],
    ),
    (
        "the next boot may block",
        world(OLD, (service("PolicyAgent", LSASS),), values={MAX_USER_PORT_FACT: dword(60000)}),
        [("ipsec_block_mode_danger", "critical", False)],
    ),
    (
        "fixed RPC ports collide",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values={**rpc("ntds", 49200), **rpc("netlogon", 49200)},
            events=(event("System", "NETLOGON", 5809),),
        ),
        [("static_rpc_ports_collide", "warning", None)],
    ),
    (
        "a fixed RPC port is taken",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values=rpc("netlogon", 49201),
            sockets=(tcp(49201, JAVA),),
        ),
        [("static_rpc_port_taken", "critical", False)],
    ),
    (
        "the MTA does not listen",
        world(OLD, (down("MSExchangeMTA", 0),), events=(ENDPOINT,)),
        [("mta_endpoint_failed", "warning", None)],
    ),
    ("a small pool", world(values={POOL_SIZE_FACT: dword(50)}), [("pool_size_small", "warning", None)]),
    ("no pool", world(values={POOL_SIZE_FACT: dword(0)}), [("pool_size_small", "critical", None)]),
    ("a dead value", world(dead_value=True), [("dead_pool_value", "warning", None)]),
    (
        "MaxUserPort is too high",
        world(OLD, values={MAX_USER_PORT_FACT: dword(65536)}),
        [("max_user_port_out_of_range", "warning", None)],
    ),
    (
        "ReservedPorts is ignored",
        world(values={RESERVED_PORTS_FACT: multi("3343-3343", "50389-50389")}),
        [("reserved_ports_ignored", "warning", None)],
    ),
    (
        "neighbours in ReservedPorts",
        world(OLD, values={RESERVED_PORTS_FACT: multi("1645-1645", "1646-1646", "3343-3343")}),
        [("reserved_ports_touch", "warning", None)],
    ),
    ("the update is missing", world(OLD, updates=()), [("dns_update_missing", "warning", None)]),
    (
        ".NET and Exchange",
        world(SP2, values={**EXCHANGE_SP1, **DOTNET_SP2}),
        [("dotnet_breaks_autodiscover", "information", None)],
    ),
    (
        "Exchange 2007 on 2008 R2",
        world(R2, values={EXCHANGE_2007_PACK_FACT: dword(2), **DOTNET_SP2}),
        [("exchange_2007_on_2008r2", "information", None)],
    ),
    (
        "a team and many retransmits",
        world(segments=BUSY, adapters=(TEAM,)),
        [("network_retransmits", "information", None)],
    ),
    (
        "an old driver and many retransmits",
        world(segments=BUSY, adapters=(CARD,), drivers=(DRIVER,)),
        [("network_retransmits", "information", None)],
    ),
    ("administrators are filtered", world(values=FILTERED), [("administrator_filtered", "information", None)]),
]
IDS = [name for name, _world, _expected in FOUND]


@pytest.mark.parametrize(("server", "expected"), [row[1:] for row in FOUND], ids=IDS)
def test_what_is_wrong_is_found_and_nothing_else(server: World, expected: Expected) -> None:
    rows = server.value("findings")
    assert [(row["kind"], row["severity"], waits_for(row)) for row in rows] == expected
    assert all(row["evidence"] and row["cause"] and row["fix"] and row["source"] for row in rows)


def waits_for(row: t.Mapping[str, t.Any]) -> t.Any:
    return row["waits_for"] if row["configured"] else row["configured"]


def test_every_kind_can_be_found() -> None:
    assert {expected[0][0] for _name, _world, expected in FOUND} == set(KINDS)
    assert set(KINDS) == set(t.get_args(KindName))
    assert all(kind.severity in SEVERITIES for kind in KINDS.values())


OLD_ENDPOINT = dataclasses.replace(ENDPOINT, time=BOOT - datetime.timedelta(days=1))
ENDPOINT_17201 = dataclasses.replace(ENDPOINT, strings=("17201",))
UNPLUGGED = dataclasses.replace(CARD, connected=False)
BLOCKS = Exclusions(blocks((50000, 50099, False)), blocks((1800, 1899, False)))
RIGHTFUL = (service("IAS", IAS_HOST), service("PolicyAgent", LSASS))
DECOYS: list[tuple[str, World]] = [
    *((f"healthy {version}", world(version)) for version in (OLD, SP2, R2, NEW)),
    ("healthy Edge server", World()),
    (
        "a fixed RPC port that its service has, beside another process on an address of its own",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values=rpc("netlogon", 49201),
            sockets=(tcp(49201, LSASS), Socket("tcp", "127.0.0.1", 49201, JAVA)),
        ),
    ),
    ("no DNS server", World(services=())),
    (
        "rightful owners",
        world(
            OLD,
            RIGHTFUL,
            sockets=(udp(1812, IAS_HOST), udp(4500, LSASS), *POOL),
            values={RESERVED_PORTS_FACT: multi("4500-4500")},
        ),
    ),
    ("an old event, the service runs", world(OLD, RIGHTFUL, events=(failed("IAS", 10048, minutes=30),))),
    (
        "an event of another boot",
        world(NEW, (down("IAS", 0, start_mode="Manual"),), events=(failed("IAS", 10048, 90),)),
    ),
    ("stopped by hand", world(NEW, (down("IAS", 0),))),
    ("down for another reason", world(NEW, (down("IAS", 1053), down("Other", 2)))),
    ("a file in use is no port", world(NEW, (down("Contoso", 32),))),
    (
        "a block of Windows' own",
        world(exclusions=Exclusions(blocks((50000, 50099, False)), blocks((1800, 1899, False)))),
    ),
    ("the pool has a port that nobody needs", world(NEW, sockets=(udp(1812, DNS_PROCESS), *POOL))),
    (
        "DNS has its port again",
        world(
            sockets=(udp(53, DNS_PROCESS), tcp(53, DNS_PROCESS)),
            events=(event("DNS Server", "DNS", 407), event("DNS Server", "DNS", 404)),
        ),
    ),
    (
        "4292 from a corrupt policy",
        world(OLD, (down("PolicyAgent", 2),), events=(BLOCK, failed("PolicyAgent", 2))),
    ),
    ("4292 alone", world(OLD, (down("PolicyAgent", 0, start_mode="Disabled"),), events=(BLOCK,))),
    (
        "4292 and a lost port of another day",
        world(
            OLD,
            (down("PolicyAgent", 0, start_mode="Disabled"),),
            events=(BLOCK, failed("PolicyAgent", 10048, minutes=600)),
        ),
    ),
    ("push works again", world(OLD, AUTD, sockets=(udp(2883, W3WP),), events=(PUSH_LOST,))),
    ("events 3015 of another product", world(OLD, sockets=(udp(2883, DNS_PROCESS),), events=(PUSH_LOST,))),
    (
        "5809 is logged at every restart",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values={**rpc("ntds", 49200), **rpc("netlogon", 49201)},
            sockets=(tcp(49200, LSASS), tcp(49201, LSASS)),
            events=(event("System", "NETLOGON", 5809),),
        ),
    ),
    (
        "fixed ports on a member server",
        world(NEW, (service("Netlogon", LSASS),), values=rpc("netlogon", 49201), sockets=(tcp(49201, JAVA),)),
    ),
    (
        "the MTA was restarted since",
        world(
            OLD,
            (service("MSExchangeMTA", OTHER),),
            events=(dataclasses.replace(ENDPOINT, time=BOOT - datetime.timedelta(1)),),
        ),
    ),
    (
        "9321 of another error",
        world(OLD, (down("MSExchangeMTA", 0),), events=(dataclasses.replace(ENDPOINT, strings=("17201",)),)),
    ),
    ("what setups leave in ReservedPorts", world(values={RESERVED_PORTS_FACT: multi("3343-3343", "1801-1801")})),
    (
        "dead entries that the pool's list has too",
        world(values={RESERVED_PORTS_FACT: multi("50389-50389"), POOL_EXCLUSIONS_FACT: multi("50389-50389")}),
    ),
    ("the update is slipstreamed", world(OLD, updates=(), sockets=POOL)),
    ("the update is there, the pool small", world(OLD, values={POOL_SIZE_FACT: dword(2500)})),
    (".NET and Exchange SP2", world(SP2, values={EXCHANGE_2007_PACK_FACT: dword(2), **DOTNET_SP2})),
    ("Exchange SP1 without .NET SP2", world(SP2, values={**EXCHANGE_SP1, DOTNET_2_PACK_FACT: dword(1)})),
    ("Exchange 2007 SP3 on 2008 R2", world(R2, values={EXCHANGE_2007_PACK_FACT: dword(3)})),
    ("a team that works", world(segments=TcpSegments(10_000_000, 90_000), adapters=(TEAM,))),
    ("few segments", world(segments=TcpSegments(1000, 500), adapters=(TEAM,))),
    ("retransmits for another reason", world(segments=BUSY, adapters=(CARD,))),
    ("a driver of Windows' own", world(segments=BUSY, adapters=(CARD,), drivers=(IN_BOX,))),
    (
        "an unplugged card",
        world(segments=BUSY, adapters=(dataclasses.replace(CARD, connected=False),), drivers=(DRIVER,)),
    ),
    ("UAC is off", world(values={FILTER_POLICY_FACT: dword(0), UAC_FACT: dword(0)})),
    ("the filter is off", world(values={FILTER_POLICY_FACT: dword(1), UAC_FACT: dword(1)})),
    ("MaxUserPort means another thing on 2008", world(SP2, values={MAX_USER_PORT_FACT: dword(1)})),
]


@pytest.mark.parametrize("server", [row[1] for row in DECOYS], ids=[row[0] for row in DECOYS])
def test_what_is_right_is_no_finding(server: World) -> None:
    assert server.value("findings") == []


def test_the_worst_comes_first() -> None:
    server = world(
        NEW, (down("IAS", 10048),), values={**FILTERED, POOL_SIZE_FACT: dword(50)}, sockets=(udp(1645, DNS_PROCESS),)
    )
    assert [row["severity"] for row in server.value("findings")] == ["critical", "warning", "information"]


def test_who_holds_the_port_is_told() -> None:
    (row,) = FOUND[0][1].value("findings")
    assert row["service"] == "IAS"
    assert row["ports"] == [{"protocol": "udp", "port": 1812}]
    (holder,) = row["held_by"]
    assert (holder["image"], holder["services"], holder["held_as"]) == ("dns.exe", ["DNS"], "dns_pool")
    assert {item["seen_in"] for item in row["evidence"]} == {"service", "socket"}


def test_the_port_of_an_event_is_read_from_a_number_alone() -> None:
    """Nothing else in its text is taken for a port."""
    named = event("Application", "Server ActiveSync", 3015, "0x80004005", "port 1234 of 99999", "[2999]")
    (row,) = world(OLD, AUTD, sockets=(udp(2999, JAVA),), events=(named,)).value("findings")
    assert row["ports"] == [{"protocol": "udp", "port": 2999}]


def test_no_finding_without_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Finding(**of_kind("pool_size_small"), summary="", cause="", evidence=(), fix="")
    monkeypatch.setattr(table, "FINDERS", (lambda _view: [empty],))
    with pytest.raises(ValueError, match="pool_size_small has no evidence"):
        World().value("findings")


def test_a_value_of_a_wrong_type_is_no_number() -> None:
    fact = RegistryFact(MAX_USER_PORT_FACT.key, MAX_USER_PORT_FACT.name, MAX_USER_PORT_FACT.type)
    assert world(OLD, values={fact: RegistryValue(RegistryType.STRING, "70000")}).value("findings") == []
