# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``port_info`` returned of one server, read into typed values.

It is data that came from a server by way of a result: a part that is missing, or is not what it should be, counts as
not known, and never breaks the report of the other servers.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.rows import (
    DrawnFrom,
    Holder,
    KeptPorts,
    PortNumbers,
    Ranges,
    ServiceRow,
    Waiting,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import (
    HIGHEST_PORT,
    PortRange,
    PortSyntaxError,
    split_entries,
)

Facts: t.TypeAlias = "t.Mapping[str, t.Any]"
PACKED_SOCKETS: t.Final = "packed_sockets"
_PACKED_FIELDS: t.Final = 5
POOL_PORTS: t.Final = "pool_ports"
"""JSON texts, by which the role's query replaces the thousands of rows of ``sockets``: rows of protocol, port, process
id, image and services, and the ports of the DNS server's pool alone."""
ALL_PORTS: t.Final = range(HIGHEST_PORT + 1)
_PART_TEXTS: t.Final = {
    "reserved_ports": "reserved ports",
    "dns_socket_pool": "DNS socket pool",
    "service_start_mode": "start mode",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """A process, as one key for all its sockets."""

    image: str
    process_id: int
    services: tuple[str, ...]
    pool: bool


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


def process_text(image: str, process_id: int, services: t.Sequence[str]) -> str:
    """A process for people: ``dns.exe (process 1084, service DNS)``."""
    hosted = f", service {', '.join(services)}" if services else ""
    return f"{image or 'a process that has gone'} (process {process_id}{hosted})"


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
    """Who holds which ports; several addresses of one port count once."""
    held: dict[Owner, dict[Protocol, set[int]]] = {}
    for (protocol, process_id, image, services, pool), ports in _by_process(facts).items():
        owner = Owner(image, process_id, services, pool)
        held.setdefault(owner, {}).setdefault(protocol, set()).update(_ports(ports))
    drawn = _ports(_unpacked(facts, POOL_PORTS))
    if drawn:
        process_id = number(section(facts, "dns_pool"), "process_id")
        held.setdefault(Owner("dns.exe", process_id, ("DNS",), pool=True), {}).setdefault("udp", set()).update(drawn)
    return held


def _by_process(facts: Facts) -> dict[tuple[Protocol, int, str, tuple[str, ...], bool], list[t.Any]]:
    found: dict[t.Any, list[t.Any]] = {}
    for row in rows(facts, "sockets"):
        if protocol := protocol_of(row):
            services = texts(row, "services")
            key = (protocol, number(row, "process_id"), text(row, "image"), services, bool(row.get("pool")))
            found.setdefault(key, []).append(row.get("port"))
    for packed in _unpacked(facts, PACKED_SOCKETS):
        if isinstance(packed, list) and len(packed) == _PACKED_FIELDS and packed[0] in PROTOCOLS:
            protocol, port, process_id, image, hosted = packed
            services = tuple(map(str, hosted)) if isinstance(hosted, list) else ()
            key = (protocol, process_id if isinstance(process_id, int) else 0, str(image or ""), services, False)
            found.setdefault(key, []).append(port)
    return found


def _ports(values: t.Iterable[t.Any]) -> set[int]:
    """Those of the values that are ports; called with thousands."""
    return {value for value in values if isinstance(value, int) and 0 <= value <= HIGHEST_PORT}


def knows_sockets(facts: Facts) -> bool:
    """Whether the server's sockets were read at all."""
    return facts.get("sockets") is not None or facts.get(PACKED_SOCKETS) not in (None, "null")


def holders(held: t.Mapping[Owner, t.Mapping[Protocol, t.Collection[int]]]) -> tuple[Holder, ...]:
    """One row for each process, those with most ports first."""
    found = [
        Holder(
            text=process_text(owner.image, owner.process_id, owner.services),
            image=owner.image,
            process_id=owner.process_id,
            services=owner.services,
            pool=owner.pool,
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
            what=f"{_PART_TEXTS.get(text(row, 'resource'), text(row, 'resource'))}: {text(row, 'part')}",
            effective=text(row, "effective"),
            waits_for=text(row, "waits_for"),
            reason=text(row, "reason"),
        )
        for row in rows(facts, "configured_versus_effective")
        if text(row, "effective") != "yes"
    )


def _kept(kind: t.Any, protocol: Protocol, ports: Ranges) -> KeptPorts:
    return KeptPorts(kind=kind, protocol=protocol, ports=ports, count=sum(item.count for item in ports))


def _unpacked(facts: Facts, name: str) -> list[t.Any]:
    try:
        value = json.loads(text(facts, name) or "null")
    except ValueError:
        return []
    return value if isinstance(value, list) else []
