# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a server with their ports, from sockets that were returned one by one or by process."""

from __future__ import annotations

import dataclasses
import operator
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    connection_text,
    process_text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import ProcessRow, SocketRow
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PortHolder:
    """A process and the ports that it holds; ``pool``: those of the DNS server's socket pool, as a row of their own."""

    image: str
    process_id: int
    services: tuple[str, ...]
    pool: bool
    outgoing: bool
    """It listens on none of these ports: they are the near ends of its connections."""
    far_ends: tuple[str, ...]
    tcp: frozenset[int] = frozenset()
    udp: frozenset[int] = frozenset()

    @property
    def text(self) -> str:
        """For people, with image, process id and services."""
        process = process_text(self.image, self.process_id, self.services)
        return connection_text(process, self.far_ends) if self.outgoing else process

    @property
    def tcp_count(self) -> int:
        """The number of TCP ports that it holds."""
        return len(self.tcp)

    @property
    def udp_count(self) -> int:
        """The number of UDP ports that it holds."""
        return len(self.udp)

    def ports(self, protocol: Protocol) -> frozenset[int]:
        """The ports that it holds."""
        return self.tcp if protocol == "tcp" else self.udp


def port_holders(info: PortInfo) -> tuple[PortHolder, ...]:
    """One row for each process, the pool first, then those with most ports; several addresses of a port count once."""
    held: dict[tuple[t.Any, ...], dict[Protocol, set[int]]] = {}
    for row in info.sockets or ():
        held.setdefault(_process(row), {}).setdefault(row.protocol, set()).update(_ports(row))
    found = [_holder(process, ports) for process, ports in held.items()]
    return tuple(sorted(found, key=lambda row: (not row.pool, -row.tcp_count - row.udp_count, row.text)))


_PROCESS: t.Final = ("image", "process_id", "services", "pool", "outgoing", "far_ends")
"""The fields of a row that tell one holder from another."""
_process: t.Final = operator.attrgetter(*_PROCESS)


def _holder(process: tuple[t.Any, ...], ports: t.Mapping[Protocol, set[int]]) -> PortHolder:
    shared = dict(zip(_PROCESS, process, strict=True))
    return PortHolder(**shared, tcp=frozenset(ports.get("tcp", ())), udp=frozenset(ports.get("udp", ())))


def _ports(row: SocketRow | ProcessRow) -> t.Iterable[int]:
    """The port of a socket, or those of a process (``80, 49152-49160``); what can't be read is left out."""
    if isinstance(row, SocketRow):
        return (row.port,)
    found: list[int] = []
    for first, last in _PART.findall(row.ports):
        if last:
            found.extend(range(int(first), min(int(last), HIGHEST_PORT) + 1))
        elif (port := int(first)) <= HIGHEST_PORT:
            found.append(port)
    return found


_PART: t.Final = re.compile(r"(?:\A|(?<=,))\s*(\d+)(?:-(\d*))?\s*(?=,|\Z)")
"""A port, or the ends of a range of them, between two commas."""
