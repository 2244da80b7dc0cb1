# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""port_info on a server in memory: its answers, its requests, and subsets that can't be answered."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import NEEDED_TCP
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import SUBSET_NAMES, PortInfoOptions
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import RegistryError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.port_info import port_info
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.sockets import NETSTAT, netstat_command
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Instance
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NotFound
from tests.unit.plugins.module_utils._windows.given_server import GivenClient
from tests.unit.plugins.module_utils._windows.test_services import row
from tests.unit.plugins.module_utils._windows.test_system import SYSTEM

EDGE = PortSet.of(50389, 50636)
NOW = 1_800_000_000.0
DNS = r"SYSTEM\CurrentControlSet\Services\DNS\Parameters"


@pytest.fixture
def server(client: GivenClient) -> GivenClient:
    """Windows Server 2003 with DNS, whose pool has 50636."""
    client.rows["Win32_OperatingSystem"] = [SYSTEM]
    client.rows["Win32_Service"] = [row("DNS", process_id=1200, PathName=r"C:\Windows\system32\dns.exe"), row("WinRM")]
    client.rows["Win32_Process"] = [{"Handle": "1200", "ProcessId": 1200, "Name": "dns.exe", "CreationDate": None}]
    client.rows["Win32_QuickFixEngineering"] = []
    client.rows["Win32_PerfRawData_Tcpip_TCPv4"] = [{"SegmentsSentPersec": 10, "SegmentsRetransmittedPersec": 1}]
    client.registry.create(DNS)
    table = b"  UDP    0.0.0.0:50636          *:*                                    1200\r\n"
    for command in (netstat_command(EDGE), netstat_command(None, NEEDED_TCP), NETSTAT):
        client.commands[command] = (table, 0)
    return client


def test_who_has_a_port_costs_few_requests(server: GivenClient) -> None:
    report = port_info(server, PortInfoOptions(("sockets",), EDGE), now=NOW)
    assert [(item["port"], item["image"], item["services"]) for item in report.plain()["sockets"]] == [
        (50636, "dns.exe", ["DNS"])
    ]
    assert sorted(line.split()[0] for line in server.log) == ["command", "get", "query"]
    assert all(shell.closed for shell in server.shells)


def test_the_release_is_one_request(server: GivenClient) -> None:
    port_info(server, PortInfoOptions(("release",)), now=NOW)
    assert len(server.log) == 1


def test_everything(server: GivenClient) -> None:
    report = port_info(server, PortInfoOptions(SUBSET_NAMES), now=NOW)
    assert list(report.values) == list(SUBSET_NAMES)
    assert report.warnings == ()
    assert report.plain()["dns_pool"]["sockets_held"] == 1


def test_many_processes_are_not_named_one_by_one(server: GivenClient) -> None:
    """WMI refuses queries with too many ORs."""
    numbers = range(2000, 2000 + 2 * wql.MOST_ALTERNATIVES)
    lines = "".join(f"  UDP    0.0.0.0:{port}   *:*    {port}\r\n" for port in numbers)
    server.commands[netstat_command(None, NEEDED_TCP)] = (lines.encode(), 0)
    server.rows["Win32_Process"] = [
        {"Handle": str(number), "ProcessId": number, "Name": f"{number}.exe", "CreationDate": None}
        for number in numbers
    ]
    hosted = row("First", process_id=2000, PathName=r'"C:\Program Files\2000.exe" -first')
    server.rows["Win32_Service"] = [hosted, row("Off", state="Stopped")]
    report = port_info(server, PortInfoOptions(("sockets",)), now=NOW)
    assert [item["image"] for item in report.plain()["sockets"]] == [f"{number}.exe" for number in numbers]
    assert report.plain()["sockets"][0]["services"] == ["First"]
    queries = [line for line in server.log if line.startswith("query")]
    assert len(queries) == 2
    assert max(map(len, queries)) < 200


def failing(server: GivenClient, monkeypatch: pytest.MonkeyPatch, class_name: str, error: Exception) -> None:
    answer = server.query

    def query(namespace: str, text: str) -> list[Instance]:
        if class_name in text:
            raise error
        return answer(namespace, text)

    monkeypatch.setattr(server, "query", query)


def test_a_reading_that_fails_does_not_hold_up_the_others(server: GivenClient, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(server, monkeypatch, "FROM Win32_Service", NotFound(host="edge1", meaning="this Windows has no such class"))
    report = port_info(server, PortInfoOptions(("release", "reservations", "services")), now=NOW)
    assert report.plain()["services"] is None
    assert report.plain()["release"]["name"] == "Windows Server 2003"
    assert report.plain()["reservations"]["mechanism"] == "registry"
    (warning,) = report.warnings
    assert warning == (
        "Could not read the services (Win32_Service): edge1: this Windows has no such class. "
        "Not known for want of it: services."
    )


@pytest.mark.parametrize("subsets", [("release", "dns_pool"), ("dns_pool",)])
def test_access_denied_is_no_missing_answer(server: GivenClient, subsets: tuple[t.Any, ...]) -> None:
    server.codes["EnumValues", ""] = 5
    with pytest.raises(RegistryError, match="access denied"):
        port_info(server, PortInfoOptions(subsets), now=NOW)
