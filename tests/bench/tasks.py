# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured tasks, in order: each step leaves the host as the next one needs it."""

from __future__ import annotations

import json
import typing as t

from tests.bench.measuring import Measurement, ad_hoc
from tests.bench.sides import PEER_SETTINGS

REGISTRY: t.Final = "reserved_ports by registry"
NETSH: t.Final = "reserved_ports by netsh"
POOL: t.Final = "dns_socket_pool by registry, first change, value existed"
PEER_RESERVED: t.Final = "win_regedit, ReservedPorts"
PEER_POOL: t.Final = "win_regedit, SocketPoolExcludedPortRanges"

REGISTRY_FIRST_ABSENT: t.Final = f"{REGISTRY}, first change, no value"
REGISTRY_FIRST: t.Final = f"{REGISTRY}, first change, value existed"
REGISTRY_LATER: t.Final = f"{REGISTRY}, later change"
REGISTRY_UNCHANGED: t.Final = f"{REGISTRY}, no change"
NETSH_FIRST: t.Final = f"{NETSH}, first change"
NETSH_UNCHANGED: t.Final = f"{NETSH}, no change"


EDGE_PORTS: t.Final = "50389,50636"
# A port that no service of the simulated server holds, so that netsh can exclude it at once.
_FREE_PORTS: t.Final = "50400-50401"


def _reserve(task: str, host: str, ports: str, *, changed: bool) -> Measurement:
    return Measurement(
        task=task, host=host, arguments=ad_hoc("reserved_ports", f"ports={ports}", host), changed=changed
    )


OURS: t.Final = (
    _reserve(REGISTRY_FIRST_ABSENT, "absent2003", EDGE_PORTS, changed=True),
    _reserve(REGISTRY_UNCHANGED, "absent2003", EDGE_PORTS, changed=False),
    _reserve(REGISTRY_LATER, "absent2003", "1701", changed=True),
    _reserve(REGISTRY_FIRST, "present2003", EDGE_PORTS, changed=True),
    _reserve(NETSH_FIRST, "netsh2022", _FREE_PORTS, changed=True),
    _reserve(NETSH_UNCHANGED, "netsh2022", _FREE_PORTS, changed=False),
    Measurement(
        task=POOL,
        host="values2022",
        arguments=ad_hoc("dns_socket_pool", f"excluded_ports={EDGE_PORTS}", "values2022"),
        changed=True,
    ),
)


def _win_regedit(task: str, service: str, name: str) -> Measurement:
    path = rf"HKLM:\SYSTEM\CurrentControlSet\Services\{service}\Parameters"
    options = {"path": path, "name": name, "type": "multistring", "data": ["3343-3343", "50389-50389", "50636-50636"]}
    return Measurement(
        task=task,
        owner="peer",
        host="values2022",
        arguments=ad_hoc("ansible.windows.win_regedit", json.dumps(options), "values2022"),
        changed=True,
        settings=PEER_SETTINGS,
    )


PEERS: t.Final = (
    _win_regedit(PEER_RESERVED, "Tcpip", "ReservedPorts"),
    _win_regedit(PEER_POOL, "DNS", "SocketPoolExcludedPortRanges"),
)
