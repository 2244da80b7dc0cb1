# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that run without their port: RPC endpoints with fixed ports, and the mail push of Exchange 2003."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.simulator.windows.scm import ServiceManager
from tests.unit.simulator.windows_host import SERVICES, Host


@dataclasses.dataclass(frozen=True)
class Case:
    """A service on a server, and the value that fixes one of its RPC ports."""

    release: str
    role: str
    service: str
    key: str
    value: str
    image: str
    kind: str = "DWORD"


STORE: t.Final = "MSExchangeIS\\ParametersSystem"
ATTENDANT: t.Final = "MSExchangeSA\\Parameters"
MTA_PORT: t.Final = "TCP/IP port for RPC listens"
CASES: t.Final = (
    Case("2022", "domain_controller", "NTDS", "NTDS\\Parameters", "TCP/IP Port", "lsass.exe"),
    Case("2022", "domain_controller", "Netlogon", "Netlogon\\Parameters", "DCTcpipPort", "lsass.exe"),
    Case("2003", "domain_controller", "Netlogon", "Netlogon\\Parameters", "DCTcpipPort", "lsass.exe"),
    Case("2003", "domain_controller", "NtFrs", "NtFrs\\Parameters", "RPC TCP/IP Port Assignment", "ntfrs.exe"),
    Case("2003", "exchange55", "MSExchangeDS", "MSExchangeDS\\Parameters", "TCP/IP port", "dsamain.exe"),
    Case("2003", "exchange2003", "MSExchangeIS", STORE, "TCP/IP Port", "store.exe"),
    Case("2003", "exchange2003", "MSExchangeIS", STORE, "Rpc/HTTP Port", "store.exe"),
    Case("2003", "exchange2003", "MSExchangeSA", ATTENDANT, "TCP/IP Port", "mad.exe"),
    Case("2003", "exchange2003", "MSExchangeSA", ATTENDANT, "TCP/IP NSPI Port", "mad.exe"),
    Case("2003", "exchange2003", "MSExchangeSA", ATTENDANT, "HTTP Port", "mad.exe"),
    Case("2003", "exchange2003", "MSExchangeSA", ATTENDANT, "Rpc/HTTP NSPI Port", "mad.exe"),
    Case("2003", "exchange2003", "MSExchangeMTA", "MSExchangeMTA\\Parameters", MTA_PORT, "emsmta.exe"),
    Case("2003", "exchange2003", "MSExchangeMTA", "MSExchangeMTA\\Parameters", "RFC1006 Port Number", "emsmta.exe"),
    Case("2003", "exchange2003", "MSExchangeSRS", "MSExchangeSRS\\Parameters", "TCP/IP", "srsmain.exe"),
    Case("2008", "exchange2007", "MSExchangeIS", STORE, "TCP/IP Port", "store.exe"),
    Case(
        "2008r2",
        "exchange2010",
        "MSExchangeRPC",
        "MSExchangeRPC\\ParametersSystem",
        "TCP/IP Port",
        "Microsoft.Exchange.RpcClientAccess.Service.exe",
    ),
    Case(
        "2008r2",
        "exchange2010",
        "MSExchangeAB",
        "MSExchangeAB\\Parameters",
        "RpcTcpPort",
        "Microsoft.Exchange.AddressBook.Service.exe",
        "SZ",
    ),
)
COMPLAINTS: t.Final = {"DCTcpipPort": ("System", 5809), MTA_PORT: ("Application", 9321)}
PORT: t.Final = 50123


def _restart(host: Host, name: str) -> None:
    manager = ServiceManager(host.server.session, host.server.now)
    running = [service.config.name for service in manager.all_dependents(name) if service.state == "Running"]
    for service in (*running, name):
        host.server.act({"do": "stop_service", "service": service})
    for service in (name, *reversed(running)):
        host.server.act({"do": "start_service", "service": service})


def _set(host: Host, key: str, value: str, port: int, kind: str = "DWORD") -> None:
    path = f"{SERVICES}\\{key}"
    host.server.act({"do": "set_value", "path": path, "name": value, "type": kind, "data": port})


def _codes(host: Host) -> set[tuple[str, int]]:
    return {(event.logfile, event.code) for event in host.server.machine.events.records} - {("System", 6005)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service} {case.value} {case.release}")
def test_a_fixed_rpc_port_counts_from_the_next_start_on(case: Case) -> None:
    host = Host(case.release, roles=[case.role], start_modes={case.service: "auto"})
    _set(host, case.key, case.value, PORT, case.kind)
    assert host.holder("tcp", PORT) == ""
    _restart(host, case.service)
    assert host.holder("tcp", PORT) == case.image
    host.server.boot_now()
    assert host.holder("tcp", PORT) == case.image


@pytest.mark.parametrize(("name", "key"), [("MSExchangeIS", STORE), ("MSExchangeSA", ATTENDANT)])
def test_exchange_2010_does_not_read_the_values_of_earlier_versions(name: str, key: str) -> None:
    host = Host("2008r2", roles=["exchange2010"])
    _set(host, key, "TCP/IP Port", PORT)
    host.server.boot_now()
    assert (host.service(name)["State"], host.holder("tcp", PORT)) == ("Running", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.service} {case.value} {case.release}")
def test_a_service_whose_rpc_port_is_taken_runs_and_most_say_nothing(case: Case) -> None:
    foreigner = {"image": "other.exe", "protocol": "tcp", "port": PORT}
    host = Host(case.release, roles=[case.role], start_modes={case.service: "auto"}, foreigners=[foreigner])
    _set(host, case.key, case.value, PORT, case.kind)
    host.server.boot_now()
    assert (host.service(case.service)["State"], host.service(case.service)["ExitCode"]) == ("Running", 0)
    assert host.holder("tcp", PORT) == "other.exe"
    assert _codes(host) == ({COMPLAINTS[case.value]} if case.value in COMPLAINTS else set())
    assert host.server.lottery(3, 1)["by_service"] == {case.service: 3}


def test_the_directory_of_2003_reads_its_port_at_boot() -> None:
    host = Host("2003", roles=["domain_controller"])
    _set(host, "NTDS\\Parameters", "TCP/IP Port", PORT)
    assert host.holder("tcp", PORT) == ""
    host.server.boot_now()
    assert host.holder("tcp", PORT) == "lsass.exe"


def test_netlogon_and_the_directory_can_not_share_a_port() -> None:
    host = Host("2022", roles=["domain_controller"])
    _set(host, "NTDS\\Parameters", "TCP/IP Port", PORT)
    _set(host, "Netlogon\\Parameters", "DCTcpipPort", PORT)
    host.server.boot_now()
    assert _codes(host) == {("System", 5809)}
    assert host.server.session.deaf == {"Netlogon"}


def test_netlogon_complains_at_each_restart_for_no_reason() -> None:
    host = Host("2003", roles=["domain_controller"])
    _set(host, "Netlogon\\Parameters", "DCTcpipPort", PORT)
    host.server.boot_now()
    assert _codes(host) == set()
    _restart(host, "Netlogon")
    assert (_codes(host), host.server.session.deaf) == ({("System", 5809)}, set())


def test_the_message_of_the_mta_is_that_of_the_article() -> None:
    foreigner = {"image": "other.exe", "protocol": "tcp", "port": PORT}
    host = Host("2003", roles=["exchange2003"], foreigners=[foreigner])
    _set(host, "MSExchangeMTA\\Parameters", "TCP/IP port for RPC listens", PORT)
    host.server.boot_now()
    event = host.query("SELECT Message FROM Win32_NTLogEvent WHERE Logfile = 'Application'")[0]
    assert "NT Error: 1720. [ncacn_ip_tcp BASE IL MAIN BASE 1 504] (14)" in str(event.properties["Message"])


# -- mail push
def _push_events(host: Host) -> list[int]:
    rows = host.query("SELECT EventCode FROM Win32_NTLogEvent WHERE SourceName = 'Server ActiveSync'")
    return [t.cast("int", row.properties["EventCode"]) for row in reversed(rows)]


def test_mail_push_tries_every_five_minutes_and_comes_back_by_itself() -> None:
    host = Host("2003", roles=["sbs2003"], broken="AUTD")
    assert host.service("W3SVC")["State"] == "Running"
    before = len(_push_events(host))
    host.later(300)
    assert _push_events(host)[before:] == [3015, 3024]
    host.later(3600)
    assert len(_push_events(host)) == before + 2 * 13
    host.server.act({"do": "stop_service", "service": "DNS"})
    host.later(301)
    assert (host.holder("udp", 2883), host.server.session.deaf) == ("w3wp.exe", set())
    after = len(_push_events(host))
    host.server.act({"do": "start_service", "service": "DNS"})
    host.later(3600)
    assert (len(_push_events(host)), host.holder("udp", 2883)) == (after, "w3wp.exe")


def test_mail_push_tries_at_once_when_the_web_server_starts() -> None:
    host = Host("2003", roles=["sbs2003"], broken="AUTD")
    host.server.act({"do": "stop_service", "service": "DNS"})
    _restart(host, "W3SVC")
    assert host.holder("udp", 2883) == "w3wp.exe"
    host.server.act({"do": "stop_service", "service": "W3SVC"})
    assert host.holder("udp", 2883) == ""
    names = {row.properties["Name"] for row in host.query("SELECT Name FROM Win32_Process")}
    assert "w3wp.exe" not in names


def test_events_of_a_long_silence_are_few() -> None:
    host = Host("2003", roles=["sbs2003"], broken="AUTD", time_scale=0.05)
    assert len(_push_events(host)) < 100
    message = host.query("SELECT Message FROM Win32_NTLogEvent WHERE EventCode = 3015")[0].properties["Message"]
    assert "UDP port [2883]" in str(message)
    assert "[0x80004005]" in str(message)
