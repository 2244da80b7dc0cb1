# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence of several findings: events, sockets with their holders, services by the names that events give them."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    Holder,
    connection_questions,
    holders,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import Ports
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import HeldAs, HeldPort
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import DNS_PORT, PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    ConnectionsFact,
    Event,
    EventsFact,
    OperatingSystemFact,
    Service,
    ServicesDisplayedFact,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import LSASS_IMAGE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import widened
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

SERVICE_MANAGER: t.Final = "Service Control Manager"
SERVICE_FAILED: t.Final = 7023
PORT_TAKEN: t.Final = frozenset({10013, 10048})
FILE_IN_USE: t.Final = 32
"""The error that WireGuard's service and netsh give for a port; for other services it may be about any file."""
_NEVER_DRAWN: t.Final = PortSet.of(PortRange(0, LOWEST_DRAWN_PORT - 1))
"""No outgoing connection gets one of these by chance."""

Log = t.Literal["System", "Application", "DNS Server"]
CODES: t.Final[t.Mapping[Log, tuple[int, ...]]] = {
    "System": (SERVICE_FAILED, 4292, 5809),
    "Application": (3015, 3024, 9321),
    "DNS Server": (404, 407, 408),
}
"""Everything that is asked of a log, in one question, so that it is read once."""

_ERROR: t.Final = re.compile(r"%%([0-9]{1,10})(?![0-9])", re.ASCII)


def local_time(view: PortInfoView) -> datetime.datetime:
    """The server's own clock."""
    return view.facts[OperatingSystemFact()].local_time


def events_question(log: Log, view: PortInfoView) -> EventsFact:
    """The events of one log that matter here, as far back as the user wants."""
    limits = view.inquiry.limits
    since = local_time(view) - datetime.timedelta(days=limits.event_days)
    return EventsFact(log, CODES[log], since.replace(microsecond=0), limits.event_limit)


def events(log: Log, source: str, codes: t.Collection[int], view: PortInfoView) -> tuple[Event, ...]:
    """Events of one source (not translated, unlike the texts), newest first; raises FactsNeeded, FactUnread."""
    found = view.facts[events_question(log, view)]
    return tuple(event for event in found if event.code in codes and event.source.casefold() == source.casefold())


def errors_of(event: Event) -> frozenset[int]:
    """The Win32 errors among its strings, which stand there as ``%%10048`` in every language."""
    return frozenset(int(number) for text in event.strings for number in _ERROR.findall(text))


def service_failures(codes: t.Collection[int], view: PortInfoView) -> dict[str, tuple[Event, ...]]:
    """SCM 7023 with one of these errors, newest first, by the display name that the event gives (its first string).

    None if the log could not be read: exit codes still tell of most.
    """
    if not view.facts.is_read(events_question("System", view)):
        return {}
    found: dict[str, tuple[Event, ...]] = {}
    for event in events("System", SERVICE_MANAGER, (SERVICE_FAILED,), view):
        if event.strings and errors_of(event) & set(codes):
            found[event.strings[0]] = (*found.get(event.strings[0], ()), event)
    return found


def displayed(names: t.Iterable[str], view: PortInfoView) -> dict[str, tuple[Service, ...]]:
    """The services with these display names; raises FactsNeeded for all of them at once."""
    questions = {name: ServicesDisplayedFact(name) for name in names}
    view.facts.require(*questions.values())
    return {name: view.facts[question] for name, question in questions.items()}


def holders_on(ports: Ports, view: PortInfoView, *, among: Ports | None = None) -> tuple[Holder, ...]:
    """The holders of these ports, by protocol; raises FactsNeeded.

    ``among``: all ports of the same question, if there are more.
    """
    sockets, connections = _socket_questions(among or ports, view)
    view.facts.require(*sockets, *connections)
    listening = (row for question in sockets for row in view.facts[question])
    connected = (row for question in connections for row in view.facts[question])
    return holders(
        [row for row in listening if row.port in ports.get(row.protocol, NO_PORTS)],
        view.context,
        [row for row in connected if row.port in ports.get("tcp", NO_PORTS)],
    )


def _socket_questions(ports: Ports, view: PortInfoView) -> tuple[tuple[SocketsFact, ...], tuple[ConnectionsFact, ...]]:
    """The questions for who has these ports; where every socket is read anyway, the same as there."""
    asked = PortSet(tuple(item for found in ports.values() for item in found.ranges))
    tcp = ports.get("tcp", NO_PORTS) - _NEVER_DRAWN
    read_anyway = view.inquiry.connection_ports
    connections = connection_questions(read_anyway if tcp <= read_anyway else tcp) if tcp else ()
    if view.inquiry.sees_all_sockets:
        return (SocketsFact(None),), connections
    return ((SocketsFact(asked),) if asked else ()), connections


def held_as(holder: Holder) -> HeldAs:
    """In which of the known ways a process came to a port that is not its own."""
    if holder.outgoing:
        return "outgoing_connection"
    if holder.is_dns:
        return "dns_pool" if holder.protocol == "udp" and holder.port != DNS_PORT else "other"
    return "lsass_rpc" if holder.image.casefold() == LSASS_IMAGE else "other"


def in_wrong_hands(found: t.Iterable[Holder]) -> tuple[HeldPort, ...]:
    """Ports in wrong hands, and in which of the known ways they came there."""
    return tuple(widened(HeldPort, holder, held_as=held_as(holder)) for holder in found)
