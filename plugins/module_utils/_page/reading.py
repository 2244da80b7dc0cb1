# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``port_info`` returned of one server, read into typed values.

It is data that came from a server by way of a result: a part that is missing, or is not what it should be, counts as
not known, and never breaks the report of the other servers.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    connection_text,
    process_text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import comes_by_itself
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import (
    DrawnFrom,
    Holder,
    KeptPorts,
    PortNumbers,
    Ranges,
    ServiceRow,
    Waiting,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    HIGHEST_PORT,
    PortRange,
    PortSyntaxError,
    split_entries,
)

Facts: t.TypeAlias = "t.Mapping[str, t.Any]"
ALL_PORTS: t.Final = range(HIGHEST_PORT + 1)
_PART_TEXTS: t.Final = {
    "reserved_ports": "reserved ports",
    "dns_socket_pool": "DNS socket pool",
    "dynamic_ports": "dynamic ports",
    "static_rpc_port": "fixed RPC port",
    "service_start_mode": "start mode",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """A process, as one key for all its sockets."""

    image: str
    process_id: int
    services: tuple[str, ...]
    pool: bool
    outgoing: bool = False
    far_ends: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """For people."""
        process = process_text(self.image, self.process_id, self.services)
        return connection_text(process, self.far_ends) if self.outgoing else process


def section(facts: Facts, name: str) -> Facts:
    """A part of the facts; empty where it is missing or was not answered."""
    value = facts.get(name)
    return value if isinstance(value, t.Mapping) else {}


def rows(facts: Facts, name: str) -> list[Facts]:
    """A list of rows of the facts; empty where it is missing or was not answered."""
    value = facts.get(name)
    return [row for row in value if isinstance(row, t.Mapping)] if isinstance(value, (list, tuple)) else []


def text(row: Facts, name: str) -> str:
    """A text; empty where it is missing."""
    value = row.get(name)
    return "" if value is None else str(value)


def number(row: Facts, name: str, default: int = 0) -> int:
    """A whole number; ``default`` where it is missing."""
    value = row.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def probability(row: Facts, name: str = "probability") -> float | None:
    """A probability from 0 to 1, or ``None`` where none is known."""
    value = row.get(name)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1
    return float(t.cast("float", value)) if good else None


def texts(row: Facts, name: str) -> tuple[str, ...]:
    """A list of texts."""
    value = row.get(name)
    return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()


def port_ranges(row: Facts, name: str) -> Ranges:
    """A list of ``n`` and ``n-m``; entries that can't be read are left out."""
    readable, _unreadable = split_entries(texts(row, name))
    return tuple(ports for _text, ports in readable)


def port_range(row: Facts, name: str) -> PortRange | None:
    """A range given as its first and last port."""
    found = section(row, name)
    try:
        return PortRange(number(found, "first", -1), number(found, "last", -1))
    except PortSyntaxError:
        return None


def protocol_of(row: Facts) -> Protocol | None:
    """The protocol of a row about a port."""
    value = row.get("protocol")
    return next((protocol for protocol in PROTOCOLS if protocol == value), None)


def owner_of(row: Facts) -> Owner:
    """The process of a row about a port, and whether it holds that by a connection."""
    return Owner(
        text(row, "image"),
        number(row, "process_id"),
        texts(row, "services"),
        bool(row.get("pool")),
        bool(row.get("outgoing")),
        texts(row, "far_ends"),
    )


def services(facts: Facts) -> tuple[ServiceRow, ...]:
    """The services that matter, and AD LDS instances that are not among them."""
    found = [
        ServiceRow(
            service=text(row, "service"),
            display_name=text(row, "display_name"),
            products=texts(row, "products"),
            state=text(row, "state"),
            start_mode=text(row, "start_mode").lower(),
            process_id=number(row, "process_id"),
            exit_code=number(row, "exit_code"),
        )
        for row in rows(facts, "services") or [{**row, "products": ["ad_lds"]} for row in rows(facts, "ad_lds")]
    ]
    return tuple(found)


def held_ports(facts: Facts) -> dict[Owner, dict[Protocol, set[int]]]:
    """Who holds which ports, from rows of single sockets or of processes; several addresses of one port count once."""
    held: dict[Owner, dict[Protocol, set[int]]] = {}
    for row in rows(facts, "sockets"):
        if protocol := protocol_of(row):
            held.setdefault(owner_of(row), {}).setdefault(protocol, set()).update(_ports(row))
    return held


def _ports(row: Facts) -> t.Iterator[int]:
    """The port of a socket, or those of a process (``80, 49152-49160``); what can't be read is left out."""
    for part in text(row, "ports").split(",") if "ports" in row else [text(row, "port")]:
        first, _dash, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            yield from range(int(first), min(int(last or first), HIGHEST_PORT) + 1)


def holders(held: t.Mapping[Owner, t.Mapping[Protocol, t.Collection[int]]]) -> tuple[Holder, ...]:
    """One row for each process, those with most ports first."""
    found = [
        Holder(
            text=owner.text,
            image=owner.image,
            process_id=owner.process_id,
            services=owner.services,
            pool=owner.pool,
            outgoing=owner.outgoing,
            tcp=PortNumbers(ports.get("tcp", ())),
            udp=PortNumbers(ports.get("udp", ())),
            tcp_count=len(ports.get("tcp", ())),
            udp_count=len(ports.get("udp", ())),
        )
        for owner, ports in held.items()
    ]
    return tuple(sorted(found, key=lambda row: (not row.pool, -row.tcp_count - row.udp_count, row.text)))


def drawn_from(facts: Facts) -> tuple[DrawnFrom, ...]:
    """The ranges that ports are drawn from: the DNS server's pool first, then every program's."""
    found: list[DrawnFrom] = []
    pool = section(facts, "dns_pool")
    if ports := port_range(pool, "range"):
        found.append(DrawnFrom(kind="dns_pool", protocol="udp", ports=ports, note=text(pool, "range_reason")))
    dynamic = section(facts, "dynamic_ranges")
    drawn = [(protocol, port_range(dynamic, protocol)) for protocol in PROTOCOLS]
    found += [DrawnFrom(kind="programs", protocol=protocol, ports=ports) for protocol, ports in drawn if ports]
    return tuple(found)


def kept_ports(facts: Facts) -> tuple[KeptPorts, ...]:
    """What is reserved, left out of the pool, or kept by Windows itself."""
    reservations = section(facts, "reservations")
    found = [_kept("reserved", protocol, port_ranges(reservations, protocol)) for protocol in PROTOCOLS]
    found.append(_kept("left_out_of_pool", "udp", port_ranges(section(facts, "dns_pool"), "excluded_ports")))
    own = [row for row in rows(reservations, "blocks") if not row.get("administered")]
    for protocol in PROTOCOLS:
        blocks = (port_range({"block": row}, "block") for row in own if row.get("protocol") == protocol)
        found.append(_kept("windows_block", protocol, tuple(filter(None, blocks))))
    return tuple(row for row in found if row.ports)


def waiting(facts: Facts) -> tuple[Waiting, ...]:
    """What is configured and not in force for sure."""
    return tuple(
        Waiting(
            what=f"{_PART_TEXTS.get(text(row, 'resource'), text(row, 'resource'))} ({text(row, 'part')})",
            effective=text(row, "effective"),
            waits_for=text(row, "waits_for"),
            by_itself=comes_by_itself(text(row, "waits_for")),
            reason=text(row, "reason"),
        )
        for row in rows(facts, "configured_versus_effective")
        if text(row, "effective") != "yes"
    )


def _kept(kind: t.Any, protocol: Protocol, ports: Ranges) -> KeptPorts:
    return KeptPorts(kind=kind, protocol=protocol, ports=ports, count=sum(item.count for item in ports))
