# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events, adapters, counters and failed services, as WMI gives them."""

from __future__ import annotations

import datetime
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    EventsFact,
    NetworkAdaptersFact,
    NetworkDriversFact,
    ServiceFact,
    ServicesDisplayedFact,
    ServicesFailedFact,
    TcpSegments,
    TcpSegmentsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.event_log import LONGEST_STRING, events_query
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import read_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from tests.unit.plugins.module_utils._windows.given_server import GivenClient
from tests.unit.plugins.module_utils._windows.test_services import row

UTC = datetime.timezone.utc
SINCE = datetime.datetime(2026, 3, 1, 8, tzinfo=UTC)
SYSTEM = EventsFact("System", (7023, 4292), SINCE, 3)


def target(client: GivenClient) -> Target:
    return Target(client, release_of("10.0.20348", 3).capabilities)


def event(number: int, **more: t.Any) -> dict[str, t.Any]:
    time = SINCE + datetime.timedelta(minutes=number)
    usual = {"Logfile": "System", "RecordNumber": number, "SourceName": "Service Control Manager", "EventCode": 7023}
    return {**usual, "TimeGenerated": time, "InsertionStrings": ["Dienst", "%%10048"], **more}


def test_the_query_names_one_log_and_codes_and_a_time_and_no_words() -> None:
    assert events_query(SYSTEM) == (
        "SELECT Logfile, RecordNumber, SourceName, EventCode, TimeGenerated, InsertionStrings FROM Win32_NTLogEvent "
        "WHERE Logfile = 'System' AND TimeGenerated >= '20260301080000.000000+000' "
        "AND (EventCode = 7023 OR EventCode = 4292)"
    )


def test_a_moment_is_written_in_utc() -> None:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    assert wql.moment(SINCE.astimezone(zone)) == "'20260301080000.000000+000'"


def test_events_come_newest_first_and_not_more_than_wanted(client: GivenClient) -> None:
    client.rows["Win32_NTLogEvent"] = [event(number) for number in (4, 5, 1, 2)]
    found = read_facts(target(client), [SYSTEM])[SYSTEM]
    assert [one.record for one in found] == [5, 4, 1]
    assert (found[0].code, found[0].strings, found[0].time) == (
        7023,
        ("Dienst", "%%10048"),
        SINCE + datetime.timedelta(minutes=5),
    )


def test_what_is_no_event_is_passed_over_and_texts_are_cut(client: GivenClient) -> None:
    rows = [event(1, TimeGenerated=None), event(2, EventCode=None), event(3, InsertionStrings=["x" * 999] * 99)]
    client.rows["Win32_NTLogEvent"] = rows
    (found,) = read_facts(target(client), [SYSTEM])[SYSTEM]
    assert {len(text) for text in found.strings} == {LONGEST_STRING}
    assert len(found.strings) == 20


def test_counters(client: GivenClient) -> None:
    client.rows["Win32_PerfRawData_Tcpip_TCPv4"] = []
    with pytest.raises(AnswerError, match="no figures"):
        read_facts(target(client), [TcpSegmentsFact()])
    client.rows["Win32_PerfRawData_Tcpip_TCPv4"] = [{"SegmentsSentPersec": 10, "SegmentsRetransmittedPersec": 1}]
    assert read_facts(target(client), [TcpSegmentsFact()])[TcpSegmentsFact()] == TcpSegments(10, 1)


def test_adapters_and_drivers(client: GivenClient) -> None:
    client.rows["Win32_NetworkAdapter"] = [
        {"Name": "A", "ServiceName": "e1", "NetConnectionStatus": 2, "PNPDeviceID": "P1"},
        {"Name": "WAN Miniport", "ServiceName": None, "NetConnectionStatus": None, "PNPDeviceID": None},
    ]
    made = datetime.datetime(2006, 6, 30, tzinfo=UTC)
    client.rows["Win32_PnPSignedDriver"] = [
        {"DeviceClass": "NET", "DeviceID": "P1", "DeviceName": "A", "DriverDate": made, "DriverVersion": "2.8"},
        {"DeviceClass": "USB", "DeviceID": "P2"},
    ]
    answers = read_facts(target(client), [NetworkAdaptersFact(), NetworkDriversFact()])
    assert [(one.name, one.connected) for one in answers[NetworkAdaptersFact()]] == [
        ("A", True),
        ("WAN Miniport", False),
    ]
    assert [(one.device_id, one.date, one.provider) for one in answers[NetworkDriversFact()]] == [("P1", made, "")]


def test_failed_services_and_display_names_are_one_query(client: GivenClient) -> None:
    own = {**row("Own", state="Stopped"), "ExitCode": 1066, "ServiceSpecificExitCode": 10048}
    lost = {**row("IAS", state="Stopped"), "ExitCode": 10013, "DisplayName": "Netzwerkrichtlinienserver"}
    client.rows["Win32_Service"] = [row("DNS", process_id=9), own, lost, row("Fine", process_id=8)]
    failed, named = ServicesFailedFact((10013, 10048)), ServicesDisplayedFact("NETZWERKRICHTLINIENSERVER")
    answers = read_facts(target(client), [failed, named, ServiceFact("DNS")])
    assert [found.name for found in answers[failed]] == ["IAS", "Own"]
    assert [found.name for found in answers[named]] == ["IAS"]
    assert len(client.log) == 1
