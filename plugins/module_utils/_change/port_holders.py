# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The holders of a port, and the test if one of them is its rightful owner.

The owner of a port is an image with the services hosted in that process: UDP 2883 of ActiveSync is w3wp.exe, IAS lives
in a shared svchost.exe, UDP 4500 of Windows Server 2003 in lsass.exe, itself one of the usual thieves.

A TCP port is held by a listener or, if there is none, by an outgoing connection: its local port, too, is drawn by
chance, out of the range that MaxUserPort (NT 5.x) or the dynamic range (6.0 and later) gives.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    MOVING,
    NO_PORTS,
    Context,
    Contradiction,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import known_services
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Connection,
    ConnectionsFact,
    Process,
    ProcessFact,
    Protocol,
    RegistryValue,
    ServicesOfProcessFact,
    Socket,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import ad_lds_port_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import (
    Port,
    as_plain,
    one_of,
    told,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.way_in import needed_by_way_in
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

MOST_CONNECTION_PORTS: t.Final = 64
"""Ports that are looked at for outgoing connections in one question: these can't be told from accepted ones before they
are read, and whole ranges hold tens of thousands on a busy server."""
NEEDED_TCP: t.Final = PortSet(tuple(item for row in known_services.KNOWN_SERVICES for item in row.tcp.ranges))
"""The TCP ports of the catalogue: of these outgoing connections are read where every socket is."""
_Row: t.TypeAlias = tuple[Protocol, int, int]
"""Protocol, port, process id."""
UNNAMED: t.Final = "an unknown program"
"""Stands for the image of a process that Windows would not name."""
_KERNEL_IMAGE: t.Final = "system"
"""It listens for services, such as http.sys, that can be stopped; its own connections are those to file servers."""
_TO_END_LISTENING: t.Final[t.Mapping[str, str]] = {
    known_services.LSASS_IMAGE: "reboot, or give its RPC a fixed port (static_rpc_port): its process can't be stopped",
    _KERNEL_IMAGE: "stop the service that the kernel listens for (for HTTP: netsh http show servicestate names it)",
}
"""What frees a port that one of these images listens on; the processes themselves can't be ended."""
_KEEPS_WAY_IN: t.Final = (
    "leave that process running, since without it nobody can reach this server from afar, and choose another port; a "
    "port that it drew is free again after a reboot"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """One process that holds one port."""

    protocol: Protocol = dataclasses.field(metadata=told(f"{one_of(PROTOCOLS)}.", "udp"))
    port: Port = dataclasses.field(metadata=told("The port.", 50636))
    process_id: int = dataclasses.field(metadata=told("The process that holds it.", 1692))
    image: str = dataclasses.field(
        metadata=told(
            f"File name of that process. Empty if it has gone since, C({UNNAMED}) if Windows did not name it.",
            "dns.exe",
        )
    )
    services: tuple[str, ...] = dataclasses.field(metadata=told("Key names of the services in that process.", ["DNS"]))
    outgoing: bool = dataclasses.field(
        default=False,
        metadata=told(
            "Whether it does not listen on the TCP port, but holds it as the near end of a connection to "
            "somewhere, or by a socket that is bound and nothing more.",
            False,
        ),
    )
    far_ends: tuple[str, ...] = dataclasses.field(
        default=(),
        metadata=told("Where these connections lead to, such as V(192.0.2.99:389) or V([2001:db8::99]:389).", []),
    )

    def __str__(self) -> str:
        process = process_text(self.image, self.process_id, self.services)
        return connection_text(process, self.far_ends) if self.outgoing else process

    @property
    def can_be_stopped(self) -> bool:
        """True if an administrator can end its process, or the listener behind it."""
        image = self.image.casefold()
        return image != known_services.LSASS_IMAGE and not (self.outgoing and image == _KERNEL_IMAGE)

    @property
    def remedy(self) -> str:
        """The action that frees the port now, as half a sentence."""
        if not self.outgoing:
            if needed_by_way_in(None) & {name.casefold() for name in self.services}:
                return _KEEPS_WAY_IN
            return _TO_END_LISTENING.get(self.image.casefold(), "stop that process, or move it to another port")
        if not self.can_be_stopped:
            return "wait until that connection ends, or reboot: its process can't be stopped"
        return "stop or restart that process, whose next connection gets another port"

    @property
    def has_ended(self) -> bool:
        """True if its process was no longer there when it was asked for."""
        return not self.image and not self.services

    @property
    def is_dns(self) -> bool:
        """True if this is the DNS server."""
        return self.image.casefold() == known_services.DNS_IMAGE or known_services.DNS_SERVICE in self.services

    def as_dict(self) -> dict[str, t.Any]:
        """As returned to the user."""
        return t.cast("dict[str, t.Any]", as_plain(self))


def process_text(image: str, process_id: int, services: t.Sequence[str]) -> str:
    """A process for people: ``dns.exe (process 1084, service DNS)``."""
    hosted = f", {'service' if len(services) == 1 else 'services'} {', '.join(services)}" if services else ""
    return f"{image or 'a process that has gone'} (process {process_id}{hosted})"


def connection_text(process: str, far_ends: t.Sequence[str]) -> str:
    """The words for a TCP port that a process holds without listening on it."""
    if not far_ends:
        return f"a socket of {process} that does not listen"
    more = f" and {len(far_ends) - 1} more" if len(far_ends) > 1 else ""
    return f"an outgoing connection of {process} to {far_ends[0]}{more}"


def refused_for(found: t.Iterable[Holder], subject: str, reason: str, advice: str) -> PlanError:
    """The refusal because of these holders.

    If a process has ended meanwhile, its service was stopping, perhaps for a run that was killed: it is read again.
    """
    if any(holder.has_ended for holder in found):
        return Contradiction(subject, reason, advice, kinds=MOVING)
    return PlanError(subject, reason, advice)


def held_sentence(held: t.Iterable[Holder]) -> str:
    """The held ports, one clause for each process: ``dns.exe (process 9, service DNS) holds UDP 50389, 50636``."""
    ports: dict[str, dict[Protocol, PortSet]] = {}
    for holder in held:
        by_protocol = ports.setdefault(str(holder), {})
        by_protocol[holder.protocol] = by_protocol.get(holder.protocol, PortSet()) | PortSet.of(holder.port)
    clauses = (
        f"{name} holds {' and '.join(f'{protocol.upper()} {found}' for protocol, found in by_protocol.items())}"
        for name, by_protocol in ports.items()
    )
    return "; ".join(clauses)


def holders(
    sockets: t.Iterable[Socket], context: Context, connections: t.Iterable[Connection] = ()
) -> tuple[Holder, ...]:
    """The processes behind sockets, one row per protocol, port and process; asks for all processes at once."""
    rows, far_ends = _rows(sockets, connections)
    processes = sorted({process_id for _protocol, _port, process_id in rows})
    context.facts.require(*(ServicesOfProcessFact(number) for number in processes))
    # Services know their program: nothing more is asked about a process that hosts some.
    context.facts.require(*(ProcessFact(number) for number in processes if not _program(number, context)))
    names = {number: _image_and_services(number, context) for number in processes}
    return tuple(Holder(*row, *names[row[2]], row in far_ends, tuple(far_ends.get(row, ()))) for row in rows)


def nameless_holders(sockets: t.Iterable[Socket], connections: t.Iterable[Connection] = ()) -> tuple[Holder, ...]:
    """The same by process ids alone, without images and services."""
    rows, far_ends = _rows(sockets, connections)
    return tuple(Holder(*row, "", (), row in far_ends, tuple(far_ends.get(row, ()))) for row in rows)


def _rows(
    sockets: t.Iterable[Socket], connections: t.Iterable[Connection]
) -> tuple[list[_Row], dict[_Row, dict[str, None]]]:
    """All that is held, in order; and where the connections among it lead to."""
    far_ends: dict[_Row, dict[str, None]] = {}
    for connection in connections:
        leads_to = far_ends.setdefault(("tcp", connection.port, connection.process_id), {})
        leads_to.update({connection.far_end: None} if connection.far_end else {})
    return sorted({(socket.protocol, socket.port, socket.process_id) for socket in sockets} | far_ends.keys()), far_ends


def holders_of(
    ports: PortSet, context: Context, *, asked: PortSet | None = None, tcp: PortSet = NO_PORTS
) -> tuple[Holder, ...]:
    """The holders of any of ``ports``; ``asked`` names the (larger) set that was observed.

    ``tcp``: ports of which outgoing connections count too, as they were observed.
    """
    sockets, connections = SocketsFact(ports if asked is None else asked), connection_questions(tcp)
    if sockets in context.facts and not all(question in context.facts for question in connections):
        connections = connection_questions(tcp, listeners=context.facts[sockets])
    context.facts.require(sockets, *connections)
    found = (socket for socket in context.facts[sockets] if socket.port in ports)
    connected = (row for question in connections for row in context.facts[question] if row.port in ports)
    return holders(found, context, connected)


def connection_questions(tcp: PortSet, *, listeners: t.Iterable[Socket] | None = None) -> tuple[ConnectionsFact, ...]:
    """The question for outgoing connections that hold these ports; none if there are no ports, or too many.

    ``listeners``: all sockets on these ports, if they have been read already.
    """
    if not 0 < tcp.count <= MOST_CONNECTION_PORTS:
        return ()
    if listeners is None:
        return (ConnectionsFact(tcp),)
    silent = tcp - PortSet.of(*(socket.port for socket in listeners if socket.protocol == "tcp"))
    return (ConnectionsFact(silent, unlistened=True),) if silent else ()


def is_rightful(holder: Holder, context: Context) -> bool:
    """True if the port belongs to this process: the caller, AD LDS' registry or a known service says so."""
    return (
        any(
            _is_owner(owner.service, owner.image, holder) and holder.port in owner.ports(holder.protocol)
            for owner in context.owners
        )
        or _is_ad_lds_port(holder, context)
        or known_services.owner_of(holder.protocol, holder.port, holder.image, holder.services) is not None
    )


def belongs_to(holder: Holder, service: str, image: str) -> bool:
    """True if the process is the one of a service, known by its key name or, if given, by its image."""
    return _is_owner(service, image, holder)


def _is_owner(service: str, image: str, holder: Holder) -> bool:
    hosted = {name.casefold() for name in holder.services}
    if service and hosted:
        return service.casefold() in hosted
    return bool(image) and holder.image.casefold() == image.casefold()


def _is_ad_lds_port(holder: Holder, context: Context) -> bool:
    if holder.image.casefold() != known_services.AD_LDS_IMAGE:
        return False
    instances = [name for name in holder.services if name.upper().startswith(known_services.AD_LDS_SERVICE_PREFIX)]
    questions = [question for name in instances for question in ad_lds_port_facts(name)]
    context.facts.require(*questions)
    values = (context.facts[question] for question in questions)
    return any(isinstance(value, RegistryValue) and value.data == holder.port for value in values)


def _program(process_id: int, context: Context) -> str:
    """The program of the services in a process; empty if it hosts none."""
    hosted = context.facts.optional(ServicesOfProcessFact(process_id), ())
    return next((service.image for service in hosted if service.image), "")


def named(holder: Holder, context: Context) -> Holder:
    """A holder with its image and its services; raises FactsNeeded."""
    image, services = _image_and_services(holder.process_id, context)
    return dataclasses.replace(holder, image=image, services=services)


def _image_and_services(process_id: int, context: Context) -> tuple[str, tuple[str, ...]]:
    program = _program(process_id, context)
    unnamed = Process(process_id, UNNAMED, None)
    process = None if program else context.facts.optional(ProcessFact(process_id), unnamed)
    services = context.facts.optional(ServicesOfProcessFact(process_id), ())
    return process.image if process else program, tuple(sorted(service.name for service in services))
