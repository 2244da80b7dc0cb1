# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network adapters, their drivers and the TCP counters, through WMI."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    NetworkAdapter,
    NetworkDriver,
    TcpSegments,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance

NAMESPACE: t.Final = "root/cimv2"
_CONNECTED: t.Final = 2
"""Win32_NetworkAdapter.NetConnectionStatus."""
ADAPTERS: t.Final = "Win32_NetworkAdapter"
COUNTERS: t.Final = "Win32_PerfRawData_Tcpip_TCPv4"
_SENT, _AGAIN = "SegmentsSentPersec", "SegmentsRetransmittedPersec"


def read_tcp_segments(client: Client) -> TcpSegments:
    """The raw counters, totals since the boot in spite of their names; AnswerError if Windows does not count."""
    rows = client.query(NAMESPACE, wql.select((_SENT, _AGAIN), COUNTERS))
    counted = ((row.integer(_SENT), row.integer(_AGAIN)) for row in rows)
    found = [TcpSegments(sent, again) for sent, again in counted if sent is not None and again is not None]
    if not found:
        raise AnswerError(host=client.host, operation="read", target=COUNTERS, meaning="Windows gives no figures")
    return found[0]


def read_adapters(client: Client) -> tuple[NetworkAdapter, ...]:
    """All adapters, tunnels and teams among them; AnswerError if there is none, since this answer came over one."""
    columns = ("Name", "ServiceName", "NetConnectionStatus", "PNPDeviceID")
    found = tuple(map(_adapter, client.query(NAMESPACE, wql.select(columns, ADAPTERS))))
    if not found:
        raise AnswerError(host=client.host, operation="read", target=ADAPTERS, meaning="WMI lists not one")
    return found


def read_drivers(client: Client) -> tuple[NetworkDriver, ...]:
    """The drivers of the device class NET, a name that is not translated."""
    columns = ("DeviceID", "DeviceName", "DriverVersion", "DriverProviderName", "DriverDate")
    query = wql.select(columns, "Win32_PnPSignedDriver", f"DeviceClass = {wql.literal('NET')}")
    return tuple(map(_driver, client.query(NAMESPACE, query)))


def _adapter(row: Instance) -> NetworkAdapter:
    return NetworkAdapter(
        name=row.text("Name") or "",
        service=row.text("ServiceName") or "",
        connected=row.integer("NetConnectionStatus") == _CONNECTED,
        device_id=row.text("PNPDeviceID") or "",
    )


def _driver(row: Instance) -> NetworkDriver:
    return NetworkDriver(
        device_id=row.text("DeviceID") or "",
        name=row.text("DeviceName") or "",
        version=row.text("DriverVersion") or "",
        provider=row.text("DriverProviderName") or "",
        date=row.moment("DriverDate"),
    )
