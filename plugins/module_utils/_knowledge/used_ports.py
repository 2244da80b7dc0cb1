# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question for all ports in use, connections included: for those who count them."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Fact, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet


class UsedPort(t.NamedTuple):
    """A local port of one process; 0 is the process of connections that wait for their end."""

    protocol: Protocol
    port: int
    process_id: int


class UsedPortsFact(Fact["frozenset[UsedPort]"]):
    """Every local port that a socket holds. A long answer on a busy server: ask it only if ports may run out."""


def in_use(rows: t.Iterable[UsedPort], protocol: Protocol, *, but: int = -1) -> PortSet:
    """The ports of one protocol; ``but``: a process whose ports do not count."""
    return PortSet.of(*{row.port for row in rows if row.protocol == protocol and row.process_id != but})
