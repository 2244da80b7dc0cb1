# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, the operating system and installed updates."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.processes import Processes
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.updates import read_updates
from tests.unit.plugins.module_utils._windows.given_server import GivenClient

BOOT = datetime.datetime(2026, 1, 5, 8, 0, 0, tzinfo=datetime.timezone.utc)
SYSTEM = {
    "Version": "5.2.3790",
    "Caption": "Microsoft(R) Windows(R) Server 2003 Standard ",
    "ProductType": 3,
    "LocalDateTime": BOOT + datetime.timedelta(hours=1),
    "LastBootUpTime": BOOT,
}


def test_the_operating_system_is_one_request(client: GivenClient) -> None:
    client.rows["Win32_OperatingSystem"] = [SYSTEM]
    system = read_operating_system(client)
    assert (system.version, system.product_type, system.uptime) == ("5.2.3790", 3, 3600)
    assert system.caption.endswith("Standard")
    assert client.log == ["get Win32_OperatingSystem {}"]


@pytest.mark.parametrize("missing", ["Version", "ProductType", "LocalDateTime", "LastBootUpTime"])
def test_a_missing_property_is_an_error_that_names_it(client: GivenClient, missing: str) -> None:
    client.rows["Win32_OperatingSystem"] = [{**SYSTEM, missing: None}]
    with pytest.raises(AnswerError, match=missing):
        read_operating_system(client)


@pytest.fixture
def processes(client: GivenClient) -> Processes:
    rows = [(4, "System"), (1200, "dns.exe"), (900, "dsamain.exe")]
    client.rows["Win32_Process"] = [
        {"Handle": str(number), "ProcessId": number, "Name": name, "CreationDate": BOOT if number > 4 else None}
        for number, name in rows
    ]
    return Processes(client)


def test_one_process_is_one_get(client: GivenClient, processes: Processes) -> None:
    found = processes.read([1200, 1200])[1200]
    assert found is not None
    assert (found.image, found.created) == ("dns.exe", BOOT)
    assert client.log == ["get Win32_Process {'Handle': '1200'}"]


def test_many_processes_are_one_query_and_the_gone_are_none(client: GivenClient, processes: Processes) -> None:
    found = processes.read([4, 900, 5555])
    assert {number: process and process.image for number, process in found.items()} == {
        4: "System",
        900: "dsamain.exe",
        5555: None,
    }
    assert len(client.log) == 1


def test_a_process_that_is_gone_is_none(processes: Processes) -> None:
    assert processes.read([5555]) == {5555: None}


def test_no_process_asked_is_nothing_sent(client: GivenClient, processes: Processes) -> None:
    assert processes.read([]) == {}
    assert client.log == []


def test_updates_are_sorted_and_each_once(client: GivenClient) -> None:
    identifiers = ("KB951746", "File 1", None, "KB936059", "File 1")
    client.rows["Win32_QuickFixEngineering"] = [{"HotFixID": identifier} for identifier in identifiers]
    assert read_updates(client) == ("File 1", "KB936059", "KB951746")
