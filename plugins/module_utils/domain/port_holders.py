# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds a port, and whether it is that port's rightful owner.

The owner of a port is an image with the services hosted in that process: UDP 2883 of ActiveSync is w3wp.exe, IAS lives
in a shared svchost.exe, UDP 4500 of Windows Server 2003 in lsass.exe, itself one of the usual thieves.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import ad_lds, catalogue
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import (
    Fact,
    ProcessFact,
    Protocol,
    RegistryValue,
    ServicesOfProcessFact,
    Socket,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortSet


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """One process that holds one port."""

    protocol: Protocol
    port: int
    process_id: int
    image: str
    """File name, such as ``dns.exe``; empty when the process has gone since."""
    services: tuple[str, ...]
    """Key names of the services hosted in it."""

    def __str__(self) -> str:
        hosted = f", service {', '.join(self.services)}" if self.services else ""
        return f"{self.image or 'a process that has gone'} (process {self.process_id}{hosted})"

    @property
    def is_dns(self) -> bool:
        """Whether this is the DNS server."""
        return self.image.casefold() == catalogue.DNS_IMAGE or catalogue.DNS_SERVICE in self.services

    def as_dict(self) -> dict[str, t.Any]:
        """As returned to the user."""
        return {
            "protocol": self.protocol,
            "port": self.port,
            "process_id": self.process_id,
            "image": self.image,
            "services": list(self.services),
        }


def held_sentence(held: t.Iterable[Holder]) -> str:
    """Who holds what, one clause for each process: ``dns.exe (process 9, service DNS) holds UDP 50389, 50636``."""
    ports: dict[str, dict[Protocol, PortSet]] = {}
    for holder in held:
        by_protocol = ports.setdefault(str(holder), {})
        by_protocol[holder.protocol] = by_protocol.get(holder.protocol, PortSet()) | PortSet.of(holder.port)
    clauses = (
        f"{name} holds {' and '.join(f'{protocol.upper()} {found}' for protocol, found in by_protocol.items())}"
        for name, by_protocol in ports.items()
    )
    return "; ".join(clauses)


def holders(sockets: t.Iterable[Socket], context: Context) -> tuple[Holder, ...]:
    """The processes behind sockets, one row per protocol, port and process; asks for all processes at once."""
    rows = sorted({(socket.protocol, socket.port, socket.process_id) for socket in sockets})
    questions: list[Fact[t.Any]] = []
    for process_id in sorted({row[2] for row in rows}):
        questions += [ProcessFact(process_id), ServicesOfProcessFact(process_id)]
    context.facts.require(*questions)
    return tuple(_holder(protocol, port, process_id, context) for protocol, port, process_id in rows)


def holders_of(ports: PortSet, context: Context, *, asked: PortSet | None = None) -> tuple[Holder, ...]:
    """Who holds any of ``ports``; ``asked`` names the (larger) set that was observed."""
    found = context.facts[SocketsFact(ports if asked is None else asked)]
    return holders((socket for socket in found if socket.port in ports), context)


def is_rightful(holder: Holder, context: Context) -> bool:
    """Whether the port belongs to this process: named by the caller, by AD LDS' registry, or by the catalogue."""
    return (
        any(
            _is_owner(owner.service, owner.image, holder) and holder.port in owner.ports(holder.protocol)
            for owner in context.owners
        )
        or _is_ad_lds_port(holder, context)
        or catalogue.owner_of(holder.protocol, holder.port, holder.image, holder.services) is not None
    )


def belongs_to(holder: Holder, service: str, image: str) -> bool:
    """Whether the process is the one of a service, known by its key name or, where given, by its image."""
    return _is_owner(service, image, holder)


def _is_owner(service: str, image: str, holder: Holder) -> bool:
    hosted = {name.casefold() for name in holder.services}
    if service and hosted:
        return service.casefold() in hosted
    return bool(image) and holder.image.casefold() == image.casefold()


def _is_ad_lds_port(holder: Holder, context: Context) -> bool:
    if holder.image.casefold() != catalogue.AD_LDS_IMAGE:
        return False
    instances = [name for name in holder.services if name.upper().startswith(catalogue.AD_LDS_SERVICE_PREFIX)]
    questions = [question for name in instances for question in ad_lds.port_facts(name)]
    context.facts.require(*questions)
    values = (context.facts[question] for question in questions)
    return any(isinstance(value, RegistryValue) and value.data == holder.port for value in values)


def _holder(protocol: Protocol, port: int, process_id: int, context: Context) -> Holder:
    process = context.facts[ProcessFact(process_id)]
    services = context.facts[ServicesOfProcessFact(process_id)]
    return Holder(
        protocol=protocol,
        port=port,
        process_id=process_id,
        image=process.image if process else "",
        services=tuple(sorted(service.name for service in services)),
    )
