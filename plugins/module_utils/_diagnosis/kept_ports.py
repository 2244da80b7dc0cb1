# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of a server that are never drawn at random: reserved, left out of the pool, or Windows' own."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import BlockRow, ReservationsRow
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, split_entries

Kept = t.Literal["reserved", "left_out_of_pool", "windows_block"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeptPorts:
    """Ports that are kept from being drawn."""

    kind: Kept
    protocol: Protocol
    ports: tuple[PortRange, ...]
    count: int


def kept_ports(info: PortInfo) -> tuple[KeptPorts, ...]:
    """Ports that are reserved, left out of the pool, or kept by Windows itself."""
    reservations = info.reservations
    found = [_kept("reserved", protocol, _ranges(_reserved(reservations, protocol))) for protocol in PROTOCOLS]
    # Up to Windows Server 2008 the DNS server does not read that list.
    pool = info.dns_pool if info.dns_pool and info.dns_pool.excluded_ports_supported else None
    found.append(_kept("left_out_of_pool", "udp", _ranges(pool.excluded_ports if pool else ())))
    own = [row for row in reservations.blocks if not row.administered] if reservations else []
    found += [_kept("windows_block", protocol, _blocks(own, protocol)) for protocol in PROTOCOLS]
    return tuple(row for row in found if row.ports)


def _reserved(reservations: ReservationsRow | None, protocol: Protocol) -> tuple[str, ...]:
    if reservations is None:
        return ()
    return reservations.tcp if protocol == "tcp" else reservations.udp


def _ranges(texts: t.Sequence[str]) -> tuple[PortRange, ...]:
    """Entries ``n`` and ``n-m``; those that can't be read are left out."""
    readable, _unreadable = split_entries(texts)
    return tuple(ports for _text, ports in readable)


def _blocks(rows: t.Iterable[BlockRow], protocol: Protocol) -> tuple[PortRange, ...]:
    return tuple(PortRange(row.first, row.last) for row in rows if row.protocol == protocol and row.first <= row.last)


def _kept(kind: Kept, protocol: Protocol, ports: tuple[PortRange, ...]) -> KeptPorts:
    return KeptPorts(kind=kind, protocol=protocol, ports=ports, count=sum(item.count for item in ports))
