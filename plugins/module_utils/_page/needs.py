# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports the services of a server need, and who has them: a collision is a needed port in other hands."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import catalogue
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._page import reading
from ansible_collections.portkeeper.windows.plugins.module_utils._page.reading import Facts
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import (
    Holder,
    Kept,
    KeptPorts,
    Need,
    NeedState,
    ServiceRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import LOWEST_PORT, PortRange, PortSet

_STARTS_BY_ITSELF: t.Final = ("auto", "delayed")
_RUNNING: t.Final = "Running"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A port that a service needs, before anybody asked who has it."""

    protocol: Protocol
    ports: PortRange
    service: str
    product: str = ""
    any_will_do: bool = False


def needs(
    facts: Facts, services: t.Sequence[ServiceRow], holders: t.Sequence[Holder], kept: t.Sequence[KeptPorts]
) -> tuple[Need, ...]:
    """The ports that services which run or start by themselves need, and those that findings name."""
    wanted = list(_of_services(facts, services))
    known = {(item.protocol, item.ports.first) for item in wanted}
    wanted += [item for item in _of_findings(facts) if (item.protocol, item.ports.first) not in known]
    chances = _probabilities(facts)
    running = {row.service.casefold(): row.state == _RUNNING for row in services}
    by_port = _by_port(holders, {(item.protocol, item.ports.first) for item in wanted if not item.any_will_do})
    found = []
    for item in dict.fromkeys(wanted):
        on_port = by_port.get((item.protocol, item.ports.first), []) if not item.any_will_do else []
        # A connection of the owner's own takes the port from nobody, and does not listen on it either.
        holding = [holder for holder in on_port if not (holder.outgoing and _owns(item, holder))]
        others = [holder for holder in holding if not _owns(item, holder)]
        found.append(
            Need(
                protocol=item.protocol,
                first=item.ports.first,
                last=item.ports.last,
                service=item.service,
                product=_name_of(item.product),
                any_will_do=item.any_will_do,
                state=_state(holding, others),
                held_by=tuple(holder.text for holder in others or holding),
                service_runs=running.get(item.service.casefold()),
                reserved=_is_kept("reserved", item, kept),
                left_out_of_pool=_is_kept("left_out_of_pool", item, kept),
                probability=chances.get((item.protocol, item.ports.first, item.service.casefold())),
            )
        )
    return tuple(sorted(found, key=_collisions_first))


def _collisions_first(need: Need) -> tuple[bool, int, str, str]:
    return need.state != "taken", need.first, need.protocol, need.service.casefold()


def _of_services(facts: Facts, services: t.Iterable[ServiceRow]) -> t.Iterator[_Wanted]:
    instances = {reading.text(row, "service").casefold(): row for row in reading.rows(facts, "ad_lds")}
    for row in services:
        if row.start_mode not in _STARTS_BY_ITSELF and row.state != _RUNNING:
            continue
        for key in row.products:
            if key == catalogue.AD_LDS_KEY:
                yield from _of_instance(row.service, instances.get(row.service.casefold(), {}))
            elif product := catalogue.SERVICES_BY_KEY.get(key):
                yield from _of_product(row.service, product)


def _of_instance(service: str, instance: Facts) -> t.Iterator[_Wanted]:
    for name in ("ldap_port", "ssl_port"):
        port = reading.number(instance, name)
        if port > LOWEST_PORT:
            for protocol in PROTOCOLS:
                yield _single(protocol, port, service, catalogue.AD_LDS_KEY)


def _of_product(service: str, product: catalogue.KnownService) -> t.Iterator[_Wanted]:
    for protocol in product.protocols:
        ports = product.ports(protocol)
        if product.any_port_will_do:
            for item in ports.ranges:
                yield _Wanted(protocol=protocol, ports=item, service=service, product=product.key, any_will_do=True)
        else:
            for port in ports:
                yield _single(protocol, port, service, product.key)


def _of_findings(facts: Facts) -> t.Iterator[_Wanted]:
    for finding in reading.rows(facts, "findings"):
        for row in reading.rows(finding, "ports") if reading.text(finding, "service") else []:
            protocol, port = reading.protocol_of(row), reading.number(row, "port")
            if protocol and port > LOWEST_PORT:
                yield _single(protocol, port, reading.text(finding, "service"), "")


def _single(protocol: Protocol, port: int, service: str, product: str) -> _Wanted:
    return _Wanted(protocol=protocol, ports=PortRange(port, port), service=service, product=product)


def _name_of(key: str) -> str:
    product = catalogue.SERVICES_BY_KEY.get(key)
    return product.name if product else ""


def _by_port(
    holders: t.Iterable[Holder], asked: t.Iterable[tuple[Protocol, int]]
) -> dict[tuple[Protocol, int], list[Holder]]:
    found: dict[tuple[Protocol, int], list[Holder]] = {protocol_and_port: [] for protocol_and_port in asked}
    for holder in holders:
        for (protocol, port), holding in found.items():
            if port in (holder.tcp if protocol == "tcp" else holder.udp).numbers:
                holding.append(holder)
    return found


def _owns(wanted: _Wanted, holder: Holder) -> bool:
    hosted = {name.casefold() for name in holder.services}
    port = wanted.ports.first
    return (
        wanted.service.casefold() in hosted
        or (wanted.product == catalogue.AD_LDS_KEY and holder.image.casefold() == catalogue.AD_LDS_IMAGE)
        or catalogue.owner_of(wanted.protocol, port, holder.image, holder.services) is not None
    )


def _state(holding: t.Sequence[Holder], others: t.Sequence[Holder]) -> NeedState:
    if others:
        return "taken"
    return "held" if holding else "free"


def _is_kept(kind: Kept, wanted: _Wanted, kept: t.Iterable[KeptPorts]) -> bool:
    listed = [item for row in kept if row.kind == kind and row.protocol == wanted.protocol for item in row.ports]
    return PortSet(tuple(listed)) >= PortSet.of(wanted.ports)


def _probabilities(facts: Facts) -> dict[tuple[Protocol, int, str], float | None]:
    found: dict[tuple[Protocol, int, str], float | None] = {}
    for row in reading.rows(reading.section(facts, "risk"), "ports"):
        if protocol := reading.protocol_of(row):
            key = (protocol, reading.number(row, "port"), reading.text(row, "service").casefold())
            found[key] = reading.probability(row)
    return found
