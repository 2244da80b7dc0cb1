# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Routing and Remote Access, BlackBerry Router, Windows Deployment Services, failover clusters."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.program import Program
from tests.simulator.windows.rows import ServiceRow, hosted
from tests.simulator.windows.services import OWN_PROCESS

RRAS_ROWS: t.Final = (hosted("RemoteAccess", "Routing and Remote Access", "Routing und RAS", needs=("RpcSs",)),)

BLACKBERRY_ROWS: t.Final = (
    ServiceRow(
        "BlackBerry Router",
        "BlackBerry Router",
        image='"C:\\Program Files\\Research In Motion\\BlackBerry Enterprise Server\\BlackBerryRouter.exe"',
        type=OWN_PROCESS,
        needs=("RpcSs", "Tcpip"),
    ),
)

WDS_ROWS: t.Final = (
    hosted(
        "WDSServer",
        "Windows Deployment Services Server",
        "Windows-Bereitstellungsdiensteserver",
        host="WDSServer",
        needs=("RpcSs",),
    ),
)

CLUSTER_ROWS: t.Final = (
    ServiceRow(
        "ClusSvc",
        "Cluster Service",
        "Clusterdienst",
        image="{system32}\\clussvc.exe",
        type=OWN_PROCESS,
        needs=("RpcSs", "W32Time"),
    ),
)

PROGRAMS: t.Final[t.Mapping[str, Program]] = {
    # The driver of L2TP holds the port, so netstat shows System [K].
    "remoteaccess": Program(udp=(1701,), in_kernel=True, bind_seconds=4.0, start_seconds=5.0, stop_seconds=1.0),
    "blackberry router": Program(tcp=(3101,), bind_seconds=5.0, start_seconds=6.0),
    # KB977512: it takes a free port out of this range for each transfer; here one stands for all.
    "wdsserver": Program(udp=(69,), one_udp_of=(64001, 65000), bind_seconds=4.0, start_seconds=5.0),
    "clussvc": Program(udp=(3343,), dynamic_tcp=1, bind_seconds=3.0, start_seconds=4.0, stop_seconds=2.0),
}
