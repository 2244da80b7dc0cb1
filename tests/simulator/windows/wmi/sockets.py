# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MSFT_NetUDPEndpoint and MSFT_NetTCPConnection, on releases that have root/StandardCimv2's network classes."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.sockets import BOTH_FAMILIES, Socket
from tests.simulator.windows.wmi.base import STANDARD_CIMV2, CimClass, Row, fixed

_STATES: t.Final = {"listen": 2, "syn_sent": 3, "established": 5, "close_wait": 8, "time_wait": 11, "bound": 100}
"""MIB_TCP_STATE (MS-RRASM 2.2.1.1.11); Get-NetTCPConnection also knows Bound, here 100 [K]."""
FIRST_WITH_BOUND: t.Final = 14393
_UNBOUND: t.Final = {4: "0.0.0.0", 6: "::"}


def _has_classes(machine: Machine) -> bool:
    return machine.release.standard_cimv2


def _udp_row(context: Context, socket: Socket) -> Row:
    return {
        "CreationTime": context.clock(socket.created),
        "InstanceID": f"{socket.address}++{socket.port}++",
        "LocalAddress": socket.address,
        "LocalPort": socket.port,
        "OwningProcess": socket.pid,
    }


def _tcp_row(context: Context, socket: Socket) -> Row:
    remote = socket.remote_address or _UNBOUND[socket.family]
    return {
        **_udp_row(context, socket),
        "AppliedSetting": None,
        "InstanceID": f"{socket.address}++{socket.port}++{remote}++{socket.remote_port}",
        "OffloadState": 0,
        "RemoteAddress": remote,
        "RemotePort": socket.remote_port,
        "State": _STATES[socket.state],
    }


def _udp(context: Context) -> list[Row]:
    return [
        _udp_row(context, socket) for family in BOTH_FAMILIES for socket in context.session.sockets.all("udp", family)
    ]


def _tcp(context: Context) -> list[Row]:
    shown = [socket for family in BOTH_FAMILIES for socket in context.session.sockets.shown("tcp", family)]
    # Windows Server 2016 shows a bound socket for each outgoing connection [T]; earlier releases don't [K].
    beside = [
        socket._replace(state="bound", address=_UNBOUND[socket.family], remote_address="", remote_port=0)
        for socket in shown
        if socket.client and context.machine.release.build >= FIRST_WITH_BOUND
    ]
    return [_tcp_row(context, socket) for socket in (*shown, *beside)]


_UDP_PROPERTIES: t.Final = ("CreationTime", "InstanceID", "LocalAddress", "LocalPort", "OwningProcess")

CLASSES: t.Final = (
    CimClass(
        "MSFT_NetUDPEndpoint", (STANDARD_CIMV2,), ("InstanceID",), fixed(*_UDP_PROPERTIES), _udp, available=_has_classes
    ),
    CimClass(
        "MSFT_NetTCPConnection",
        (STANDARD_CIMV2,),
        ("InstanceID",),
        fixed(*_UDP_PROPERTIES, "AppliedSetting", "OffloadState", "RemoteAddress", "RemotePort", "State"),
        _tcp,
        available=_has_classes,
    ),
)
