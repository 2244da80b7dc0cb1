# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Win32_NetworkAdapter, Win32_PnPSignedDriver and the raw TCP counters, as far as a diagnosis asks for them."""

from __future__ import annotations

import datetime
import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.wmi.base import CIMV2, CimClass, Row, fixed

CONNECTED: t.Final = 2
DISCONNECTED: t.Final = 7
COUNTER_LIMIT: t.Final = 2**32


def _adapters(context: Context) -> list[Row]:
    return [
        {
            "AdapterType": "Ethernet 802.3",
            "DeviceID": str(number),
            "Index": number,
            "Manufacturer": adapter.driver_provider,
            "Name": adapter.name,
            "NetConnectionStatus": CONNECTED if adapter.connected else DISCONNECTED,
            "PNPDeviceID": adapter.device_id,
            "ServiceName": adapter.service,
        }
        for number, adapter in enumerate(context.machine.adapters, start=1)
    ]


def _drivers(context: Context) -> list[Row]:
    return [
        {
            "DeviceClass": "NET",
            "DeviceID": adapter.device_id,
            "DeviceName": adapter.name,
            "DriverDate": datetime.datetime.combine(adapter.driver_date, datetime.time(), datetime.timezone.utc),
            "DriverProviderName": adapter.driver_provider,
            "DriverVersion": adapter.driver_version,
        }
        for adapter in context.machine.adapters
    ]


def _tcp_counters(context: Context) -> list[Row]:
    segments = context.machine.tcp_segments
    return [
        {
            "Name": None,
            "SegmentsRetransmittedPersec": segments.retransmitted % COUNTER_LIMIT,
            "SegmentsSentPersec": segments.sent % COUNTER_LIMIT,
        }
    ]


CLASSES: t.Final = (
    CimClass(
        "Win32_NetworkAdapter",
        (CIMV2,),
        ("DeviceID",),
        fixed(
            "AdapterType", "DeviceID", "Index", "Manufacturer", "Name", "NetConnectionStatus", "PNPDeviceID",
            "ServiceName",
        ),
        _adapters,
    ),
    CimClass(
        "Win32_PnPSignedDriver",
        (CIMV2,),
        ("DeviceID",),
        fixed("DeviceClass", "DeviceID", "DeviceName", "DriverDate", "DriverProviderName", "DriverVersion"),
        _drivers,
    ),
    CimClass(
        "Win32_PerfRawData_Tcpip_TCPv4",
        (CIMV2,),
        (),
        fixed("Name", "SegmentsRetransmittedPersec", "SegmentsSentPersec"),
        _tcp_counters,
    ),
)  # fmt: skip
