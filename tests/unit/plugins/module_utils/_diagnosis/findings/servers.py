# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the tests of findings: services, sockets, events and settings to put together."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    Event,
    NetworkAdapter,
    NetworkDriver,
    Service,
    Socket,
    TcpSegments,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import SERVICES_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import PORTS_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DOTNET_2_PACK_FACT,
    DOTNET_35_PACK_FACT,
    EXCHANGE_2007_PACK_FACT,
    FILTER_POLICY_FACT,
    UAC_FACT,
)
from tests.unit.plugins.module_utils._diagnosis.world import (
    BOOT,
    DNS_PROCESS,
    UPTIME,
    World,
    dword,
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
    return service(name, exit_code=error)._replace(**changes)


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
IN_BOX = DRIVER._replace(provider="Microsoft")
AUTD = (service(SERVICES_BY_KEY["autd"].only_beside, OTHER), service("W3SVC", 77))
PUSH_LOST = event("Application", "Server ActiveSync", 3015, "2883", "80004005")
ENDPOINT = event("Application", "MSExchangeMTA", 9321, "1720", "ncacn_ip_tcp", "BASE IL MAIN BASE 1 504", minutes=10)
