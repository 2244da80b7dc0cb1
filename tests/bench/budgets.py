# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many HTTP requests tasks may cost with Basic authentication: as many as today. They may only go down.

The benchmark, the tests of the gate and docs/how-it-works.md have their figures from here.
"""

from __future__ import annotations

import typing as t

SIDE_BY_SIDE: t.Final = 3
"""What a run that changes something asks so that two controllers at one server don't lose each other's changes: it
announces them, reads the journal again before it writes, and looks for the announcement of another run at its end."""
REGISTRY_UNCHANGED: t.Final = 3
REGISTRY_FIRST: t.Final = 7 + SIDE_BY_SIDE
REGISTRY_FIRST_ABSENT: t.Final = 8 + SIDE_BY_SIDE
"""The absence of a value is confirmed before the value is written, since one error code stands for too much."""
REGISTRY_LATER: t.Final = 6 + SIDE_BY_SIDE
NETSH_UNCHANGED: t.Final = 6
NETSH_FIRST: t.Final = 11 + SIDE_BY_SIDE
NETSH_LATER: t.Final = 10 + SIDE_BY_SIDE
NETSH_LESS: t.Final[t.Mapping[str, int]] = {"2008": 0, "2008r2": 1}
"""2008 and 2008 R2 have no WMI class of sockets: a change asks one question less than on 2012 and later. With the WinRM
of 2008 the second command takes a Signal before it: one message more."""
POOL_FIRST: t.Final = 8 + SIDE_BY_SIDE
POOL_FIRST_ABSENT: t.Final = 9 + SIDE_BY_SIDE
"""``dns_socket_pool`` without a restart: a first change of a value that was there, and of one that was not."""

POOL_RESTARTED: t.Final[t.Mapping[str, int]] = {
    "2003": 20 + SIDE_BY_SIDE,
    "2008": 20 + SIDE_BY_SIDE,
    "2022": 18 + SIDE_BY_SIDE,
}
"""``dns_socket_pool``, first change with its restart, on a server without a journal, by release.

If no WMI class tells who holds UDP 53, netstat does: a shell of four requests instead of a query of two.
"""

ROLES_CONVERGED: t.Final[t.Mapping[tuple[str, str], int]] = {
    ("exchange_edge_dns", "2003"): 10,
    ("exchange_edge_dns", "2008"): 12,
    ("exchange_edge_dns", "2008r2"): 11,
    ("exchange_edge_dns", "2012r2"): 11,
    ("exchange_edge_dns", "2016"): 11,
    ("exchange_edge_dns", "2019"): 11,
    ("exchange_edge_dns", "2022"): 11,
    ("exchange_edge_dns", "2025"): 11,
    ("sbs2003", "2003"): 9,
    ("dc_ias", "2022"): 11,
    ("exchange_rpc_ports", "2008r2"): 11,
    ("known_services", "2022"): 9,
}
"""A whole role that has nothing to do, by role and release; the servers are those of tests.bench.kinds."""

ROLES_FIRST: t.Final[t.Mapping[tuple[str, str], int]] = {
    ("exchange_edge_dns", "2003"): 19,
    ("exchange_edge_dns", "2008"): 23,
    ("exchange_edge_dns", "2022"): 32,
    ("sbs2003", "2003"): 17,
    ("dc_ias", "2022"): 30,
    ("exchange_rpc_ports", "2008r2"): 28,
    ("known_services", "2022"): 18,
}
"""The first run of a whole role on one of these servers, on which no service is down."""
EXCHANGE_FIRST_RESTARTED: t.Final[t.Mapping[str, int]] = {"2008r2": 42}
"""The first run of ``exchange_rpc_ports`` that may restart the two services whose ports it fixes, by release."""

HANDSHAKE: t.Final[t.Mapping[str, int]] = {"basic": 0, "ntlm": 3, "kerberos": 1}
"""Requests that each connection costs more, by transport: over HTTP, with pywinrm 0.5.0; one task, one connection."""
