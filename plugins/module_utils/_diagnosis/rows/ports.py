# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of four subsets of ``port_info``: the ranges that ports are drawn from, the ports kept back, and the holders."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, fields

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import OPEN, Port, one_of, told
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

_HOLDER: t.Final = {item.name: item.metadata for item in fields(Holder)}
Store = t.Literal["both", "active", "persistent", "unknown"]
_POOL: t.Final = told(
    "Whether it is a socket of the DNS server's pool, that is, a UDP socket of the DNS server other than port 53.",
    True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicRangesRow:
    """The ranges that ports are drawn from at random."""

    mechanism: str = field(metadata=told("V(netsh), or V(registry) on Windows Server 2003.", "netsh"))
    tcp: PortRange | None = field(metadata=told("For TCP over IPv4."))
    udp: PortRange | None = field(metadata=told("For UDP over IPv4."))
    tcp6: PortRange | None = field(metadata=told("For TCP over IPv6. None on Windows Server 2003."))
    udp6: PortRange | None = field(metadata=told("For UDP over IPv6. None on Windows Server 2003."))
    max_user_port: int | None = field(metadata=told("The registry value C(MaxUserPort), or none.", 65534))
    meaning: tuple[str, ...] = field(
        metadata=told(
            "What C(MaxUserPort) means here for the TCP/IP stack and for the DNS server, a sentence each.",
            ["The TCP/IP stack of Windows Server 2022 does not read MaxUserPort."],
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRow:
    """A row of netsh's excluded port ranges."""

    protocol: Protocol = field(metadata=told(f"{one_of(PROTOCOLS)}.", "tcp"))
    first: Port = field(metadata=told("The lowest port.", 50000))
    last: Port = field(metadata=told("The highest port.", 50059))
    administered: bool = field(
        metadata=told(
            "Whether an administrator added it (a row with C(*)). Others were made by Windows at run time "
            "(HTTP.sys, WinNAT, Hyper-V) and may be others after each boot.",
            True,
        )
    )
    store: t.Annotated[Store, OPEN] = field(
        default="unknown",
        metadata=told(
            "V(both) where it is in force and outlives a boot, V(active) where the next boot ends it, V(persistent) "
            "where the next boot begins it, or V(unknown) where netsh does not show its persistent store.",
            "both",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationsRow:
    """The ports that no program gets by chance."""

    mechanism: str = field(metadata=told("V(registry) or V(netsh).", "netsh"))
    tcp: tuple[str, ...] = field(
        metadata=told(
            "The reserved TCP ports, neighbours joined. With netsh those of its persistent store, with the registry "
            "those of entries that surely hold (KB812873).",
            ["50389-50389", "50636-50636"],
        )
    )
    udp: tuple[str, ...] = field(
        metadata=told(
            "The reserved UDP ports, neighbours joined. With the registry mechanism the same as for TCP.",
            ["50389-50389", "50636-50636"],
        )
    )
    blocks: tuple[BlockRow, ...] = field(metadata=told("The rows of netsh. Empty on Windows Server 2003."))
    entries: tuple[str, ...] = field(metadata=told("The value C(ReservedPorts) as it stands.", []))
    unreadable: tuple[str, ...] = field(metadata=told("Its entries that are no ports.", []))
    entries_honoured: bool = field(
        metadata=told("Whether Windows reads that value at all. Only Windows Server 2003 does.", False)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsPoolRow:
    """The DNS server and its socket pool."""

    state: str = field(metadata=told("State of the service.", "Running"))
    start_mode: str = field(
        metadata=told("Its start mode as Windows reads it. C(Auto) covers the delayed start too.", "Auto")
    )
    process_id: int = field(metadata=told("Its process. 0 where it does not run.", 1692))
    size: int = field(metadata=told("The size that it has, configured or the default.", 2500))
    configured_size: int | None = field(metadata=told("The value C(SocketPoolSize), or none.", 5000))
    excluded_ports: tuple[str, ...] = field(
        metadata=told("The entries of C(SocketPoolExcludedPortRanges).", ["50389-50389"])
    )
    unreadable: tuple[str, ...] = field(metadata=told("Those entries that are no ports.", []))
    excluded_ports_supported: bool = field(metadata=told("Whether this DNS server reads that list at all.", True))
    dead_value: bool = field(
        metadata=told("Whether there is a value C(SocketPoolPortExclusionList), which no Windows reads.", False)
    )
    range: PortRange = field(metadata=told("Where the pool is drawn from."))
    range_rule: str = field(
        metadata=told(
            "The rule behind it, V(default), V(dynamic_range), V(max_user_port) or V(count_from_start).", "default"
        )
    )
    range_reason: str = field(
        metadata=told("The rule in a sentence.", "MaxUserPort is not set: the default, 49152-65535.")
    )
    range_contested: bool = field(
        metadata=told("Whether the sources disagree about this rule, or none confirms it.", False)
    )
    sockets_held: int | None = field(
        metadata=told(
            "How many UDP sockets beside port 53 the DNS server holds now, both address families together. None "
            "unless all sockets are gathered.",
            5000,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRow(Holder):
    """A port that a process has on one address."""

    address: str = field(
        metadata=told("The address that it is bound to. C(0.0.0.0) and C(::) mean any.", "0.0.0.0")  # noqa: S104
    )
    pool: bool = field(metadata=_POOL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """All ports of a process that are alike in the other fields."""

    protocol: Protocol = field(metadata=told(f"{one_of(PROTOCOLS)}.", "udp"))
    process_id: int = field(metadata=_HOLDER["process_id"])
    image: str = field(metadata=_HOLDER["image"])
    services: tuple[str, ...] = field(metadata=_HOLDER["services"])
    outgoing: bool = field(metadata=_HOLDER["outgoing"])
    far_ends: tuple[str, ...] = field(metadata=_HOLDER["far_ends"])
    pool: bool = field(metadata=_POOL)
    ports: str = field(
        metadata=told(
            "All ports of the process that are alike in the other fields, neighbours merged. Instead of "
            "RV(sockets[].port) and RV(sockets[].address), with O(sockets_by=process) only.",
            "80, 443, 49152-49160",
            key=True,
        )
    )
    count: int = field(metadata=told("How many ports these are. With O(sockets_by=process) only.", 11))
