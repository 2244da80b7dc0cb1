# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports that a server's services need, with their holders: a collision is a needed port in other hands."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.held_ports import PortHolder
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import BY_ITSELF
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.kept_ports import Kept, KeptPorts
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import InstanceRow, ServiceRow
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import known_services
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import LOWEST_PORT, PortRange, PortSet

NeedState = t.Literal["taken", "held", "free"]
_RUNNING: t.Final = "Running"
_STOPPED: t.Final = "Stopped"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NeededPort:
    """A port that a service of this server needs, or a range out of which any will do, and how it stands.

    ``probability``: that the next boot's pool takes it; ``None`` if that was not computed.
    """

    protocol: Protocol
    first: int
    last: int
    service: str
    product: str
    any_will_do: bool
    state: NeedState
    held_by: tuple[str, ...]
    service_runs: bool | None
    reserved: bool
    left_out_of_pool: bool
    probability: float | None

    @property
    def collision(self) -> str:
        """Who has it instead of its owner, as a sentence."""
        return f"{self.protocol.upper()} {self.first} of {self.service} is held by {self.held_by[0]}."


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _NeededPort:
    """A port that a service needs, before anybody asked who has it."""

    protocol: Protocol
    ports: PortRange
    service: str
    product: str = ""
    any_will_do: bool = False


def needed_ports(
    info: PortInfo, services: t.Sequence[ServiceRow], holders: t.Sequence[PortHolder], kept: t.Sequence[KeptPorts]
) -> tuple[NeededPort, ...]:
    """The ports that services which run or start by themselves need, and those that findings name."""
    wanted = list(_of_services(info, services))
    known = {(item.protocol, item.ports.first) for item in wanted}
    wanted += [item for item in _of_findings(info) if (item.protocol, item.ports.first) not in known]
    chances = _probabilities(info)
    running = {row.service.casefold(): row.state == _RUNNING for row in services}
    stopped = {row.service.casefold() for row in services if row.state == _STOPPED}
    by_port = _by_port(holders, {(item.protocol, item.ports.first) for item in wanted if not item.any_will_do})
    found = []
    for item in dict.fromkeys(wanted):
        on_port = by_port.get((item.protocol, item.ports.first), []) if not item.any_will_do else []
        # A connection of the owner itself takes the port from no other, and does not listen on it either.
        # Nobody holds a port for a service that is stopped, as findings have it too.
        owned = [] if item.service.casefold() in stopped else [holder for holder in on_port if _owns(item, holder)]
        holding = [holder for holder in on_port if not (holder.outgoing and holder in owned)]
        others = [holder for holder in holding if holder not in owned]
        found.append(
            NeededPort(
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


def _collisions_first(need: NeededPort) -> tuple[bool, int, str, str]:
    return need.state != "taken", need.first, need.protocol, need.service.casefold()


def _of_services(info: PortInfo, services: t.Iterable[ServiceRow]) -> t.Iterator[_NeededPort]:
    instances = {row.service.casefold(): row for row in info.ad_lds or ()}
    for row in services:
        if row.start_mode not in BY_ITSELF and row.state != _RUNNING:
            continue
        for key in row.products:
            if key == known_services.AD_LDS_KEY:
                yield from _of_instance(row.service, instances.get(row.service.casefold()))
            elif product := known_services.SERVICES_BY_KEY.get(key):
                yield from _of_product(row.service, product)


def _of_instance(service: str, instance: InstanceRow | None) -> t.Iterator[_NeededPort]:
    for port in (instance.ldap_port, instance.ssl_port) if instance else ():
        if port is not None and port > LOWEST_PORT:
            for protocol in PROTOCOLS:
                yield _single(protocol, port, service, known_services.AD_LDS_KEY)


def _of_product(service: str, product: known_services.KnownService) -> t.Iterator[_NeededPort]:
    for protocol in product.protocols:
        ports = product.ports(protocol)
        if product.any_port_will_do:
            for item in ports.ranges:
                yield _NeededPort(protocol=protocol, ports=item, service=service, product=product.key, any_will_do=True)
        else:
            for port in ports:
                yield _single(protocol, port, service, product.key)


def _of_findings(info: PortInfo) -> t.Iterator[_NeededPort]:
    for finding in info.findings or ():
        for row in finding.ports if finding.service else ():
            if row.port > LOWEST_PORT:
                yield _single(row.protocol, row.port, finding.service, "")


def _single(protocol: Protocol, port: int, service: str, product: str) -> _NeededPort:
    return _NeededPort(protocol=protocol, ports=PortRange(port, port), service=service, product=product)


def _name_of(key: str) -> str:
    product = known_services.SERVICES_BY_KEY.get(key)
    return product.name if product else ""


def _by_port(
    holders: t.Iterable[PortHolder], asked: t.Iterable[tuple[Protocol, int]]
) -> dict[tuple[Protocol, int], list[PortHolder]]:
    found: dict[tuple[Protocol, int], list[PortHolder]] = {protocol_and_port: [] for protocol_and_port in asked}
    for holder in holders:
        for (protocol, port), holding in found.items():
            if port in holder.ports(protocol):
                holding.append(holder)
    return found


def _owns(wanted: _NeededPort, holder: PortHolder) -> bool:
    hosted = {name.casefold() for name in holder.services}
    if wanted.service.casefold() in hosted:
        return True
    if wanted.product == known_services.AD_LDS_KEY:
        # Another instance is another program; without names of services the image is all that tells.
        return not hosted and holder.image.casefold() == known_services.AD_LDS_IMAGE
    port = wanted.ports.first
    return known_services.owner_of(wanted.protocol, port, holder.image, holder.services) is not None


def _state(holding: t.Sequence[PortHolder], others: t.Sequence[PortHolder]) -> NeedState:
    if others:
        return "taken"
    return "held" if holding else "free"


def _is_kept(kind: Kept, wanted: _NeededPort, kept: t.Iterable[KeptPorts]) -> bool:
    listed = [item for row in kept if row.kind == kind and row.protocol == wanted.protocol for item in row.ports]
    return PortSet(tuple(listed)) >= PortSet.of(wanted.ports)


def _probabilities(info: PortInfo) -> dict[tuple[Protocol, int, str], float | None]:
    rows = info.risk.ports if info.risk else ()
    return {(row.protocol, row.port, row.service.casefold()): row.probability for row in rows}
