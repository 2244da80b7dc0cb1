# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated servers on which probes have something to see: what one can't show, another can."""

from __future__ import annotations

import collections.abc as c
import typing as t

from tests.fleet.host_cases import Json

_EVERY_OTHER: t.Final = [str(port) for port in range(57000, 59000, 2)]
BLOCKS: t.Final = [{"protocol": "tcp", "ports": "60100-60199"}, {"protocol": "udp", "ports": "50000-52999"}]
"""What an administrator has excluded: enough UDP ports that a pool that took them would show it."""
RUNTIME: t.Final = [{"protocol": "tcp", "ports": "61000-61099"}]
_MANY_KEYS: t.Final = [
    {"path": rf"SYSTEM\\CurrentControlSet\\Services\\LeftOverService{number:03}", "name": "", "type": "SZ", "data": ""}
    for number in range(150)
]
"""Real servers have hundreds of keys below Services, simulated ones some forty."""
EDGE: t.Final[Json] = {
    "release": "2019",
    "language": "de",
    "roles": ["dns", "exchange_edge"],
    "broken": False,
    "tcp_clients": 3,
    "registry": _MANY_KEYS,
    "exclusions": BLOCKS,
    "runtime_blocks": RUNTIME,
    "foreigners": [
        {"image": "agent.exe", "protocol": "tcp", "port": 62000, "state": "time_wait", "remote": "192.0.2.99:443"}
    ],
}
HOSTS: t.Final[c.Mapping[str, Json]] = {
    "edge": EDGE,
    "edge-english": {**EDGE, "release": "2022", "language": "en", "dns_pool_exclusions": ["55000-57999"]},
    "edge-broken": {"release": "2025", "roles": ["dns", "exchange_edge"], "broken": True},
    "range-changed": {"release": "2016", "roles": ["dns", "ias"], "dynamic_range": "30000-59999"},
    "range-by-value": {"release": "2012r2", "roles": ["dns"], "max_user_port": 60000, "tcp_clients": 2},
    "delayed": {"release": "2022", "roles": ["dns"], "start_modes": {"DNS": "delayed"}},
    "2003": {
        "release": "2003",
        "roles": ["dns"],
        "reserved_ports": ["1025-1124", "50000-52999", "53500-54499", "54500-55499", *_EVERY_OTHER],
    },
    "2003-value": {"release": "2003", "roles": ["dns"], "winrm_stack": "2.0", "max_user_port": 60000},
    "2003-plain": {"release": "2003", "roles": ["member"]},
    "2008": {"release": "2008", "roles": ["dns"], "netsh_hotfix": True, "exclusions": BLOCKS},
    "2008-no-update": {"release": "2008", "roles": ["dns"], "winrm_stack": "2.0", "update": False},
    "2008r2": {"release": "2008r2", "language": "de", "roles": ["dns"]},
    "remote-access": {
        "release": "2016",
        "roles": ["dns", "rras"],
        "foreigners": [{"image": "agent.exe", "protocol": "udp", "port": 1701}],
    },
}
"""By name; ``tests/fleet/test_verify.py`` holds that each probe comes to its verdict on one of them at least."""

# --- servers that may be spoilt ---------------------------------------------------------------------------------------

_SMALL_POOL: t.Final = 150
"""Enough that half of a range can't be missed by chance, and few enough that a look is short."""
LAB_HOSTS: t.Final[c.Mapping[str, Json]] = {
    "lab": {
        "release": "2022",
        "roles": ["dns", "exchange_edge"],
        "broken": False,
        "dns_pool_size": _SMALL_POOL,
        "tcp_clients": 3,
    },
    "lab-2003": {"release": "2003", "roles": ["dns"]},
    "lab-2008": {"release": "2008", "language": "de", "roles": ["dns"], "dns_pool_size": _SMALL_POOL},
    "lab-2008r2": {"release": "2008r2", "roles": ["dns"], "dns_pool_size": _SMALL_POOL, "netsh_hotfix": True},
    "lab-member": {"release": "2016", "roles": ["member"]},
}
"""The pool of 2003 has its usual size: entries of ReservedPorts without a hyphen are few."""
