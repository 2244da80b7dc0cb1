# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Victims: services that must run and own their ports. How each of them fares, from what was observed."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, Owner, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    Holder,
    belongs_to,
    connection_questions,
    named,
    nameless_holders,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ad_lds import instance_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Event,
    EventsFact,
    Facts,
    OperatingSystemFact,
    ProcessFact,
    Protocol,
    Service,
    ServiceFact,
    ServicesFailedFact,
    ServicesOfProcessFact,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_IMAGE,
    DNS_SERVICE,
    IMAGES_WITHOUT_SERVICES,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    EVERYWHERE,
    Condition,
    Release,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import told
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

Standing = t.Literal["owner", "free", "intruder"]
MOST_EVENTS: t.Final = 50
"""Read of one log; other programs may use the same codes, so that one would not be enough."""
ERROR_MEANINGS: t.Final[t.Mapping[int, str]] = {
    32: "the file or port is in use by another process",
    1068: "a service that it depends on failed to start",
    10013: "access to a socket was forbidden: the port is in use or excluded",
    10048: "the port is already in use",
}
"""The Win32 errors that a service leaves in Win32_Service.ExitCode when it lost its port, or what it needs did."""


PORT_ERRORS: t.Final = (10013, 10048)
"""Those of them that name a port."""
LEFT_OVER: t.Final = ServicesFailedFact((1068, *PORT_ERRORS))
"""The services that are down for the sake of a port, or since what they need is."""


class SilentEvent(t.NamedTuple):
    """An event that says that a service did not get its port; the same in every language."""

    log: str
    source: str
    code: int

    def newest_of(self, events: t.Iterable[Event]) -> Event | None:
        """The first that is of this kind: events come newest first."""
        mine = (event for event in events if event.code == self.code)
        return next((event for event in mine if event.source.casefold() == self.source.casefold()), None)


class Victim(t.NamedTuple):
    """One service, the ports that it must hold, and those that only it may hold."""

    service: str
    image: str
    own: t.Mapping[Protocol, PortSet]
    optional: t.Mapping[Protocol, PortSet]
    dependents: tuple[str, ...] = ()
    """Services that must run too if they are installed and start automatically."""
    if_installed: bool = False
    """If its service is not installed, it is skipped instead of being an error."""
    if_automatic: bool = False
    """The same, and also if the service neither starts automatically nor runs."""
    condition: Condition = EVERYWHERE
    restart: bool = False
    """It may be restarted if it runs without its ports."""
    silent_events: tuple[SilentEvent, ...] = ()
    """Events that must not have been logged since the last boot."""
    silent_after_reboot: tuple[SilentEvent, ...] = ()
    """The same, once the run has rebooted the server."""
    ad_lds_instance: str = ""
    """An AD LDS instance whose TCP ports it must hold, and whose UDP twins only it may hold."""

    def counts_on(self, facts: Facts, release: Release) -> bool:
        """True if it is meant for this server; raises FactsNeeded."""
        if not self.condition.holds(release):
            return False
        if not (self.if_installed or self.if_automatic):
            return True
        service = facts[ServiceFact(self.service)]
        if service is None:
            return False
        return not self.if_automatic or service.start_mode == "Auto" or service.state != "Stopped"

    def on(self, facts: Facts) -> Victim:
        """This victim with the ports that its AD LDS instance has on one server; raises FactsNeeded."""
        if not self.ad_lds_instance:
            return self
        ports = instance_ports(facts, self.ad_lds_instance)
        return self._replace(
            own={**self.own, "tcp": self.own["tcp"] | ports},
            optional={**self.optional, "udp": (self.optional["udp"] | ports) - self.own["udp"]},
            ad_lds_instance="",
        )

    @property
    def after_reboot(self) -> Victim:
        """This victim once the run has rebooted the server."""
        return self._replace(silent_events=(*self.silent_events, *self.silent_after_reboot))

    def ports(self, protocol: Protocol) -> PortSet:
        """Every port that only it may hold."""
        return self.own[protocol] | self.optional[protocol]

    @property
    def all_ports(self) -> PortSet:
        """Its ports of both protocols."""
        return self.ports("tcp") | self.ports("udp")

    def as_owner(self) -> Owner:
        """As the rightful owner of its ports."""
        return Owner(self.service, self.image, self.ports("tcp"), self.ports("udp"))


class PortStanding(t.NamedTuple):
    """One port of a victim: with its owner, free, or with an intruder."""

    protocol: Protocol
    port: int
    required: bool
    standing: Standing
    holder: Holder | None

    @property
    def is_held_by_dns(self) -> bool:
        """True if the DNS server's process has it."""
        return self.holder is not None and DNS_SERVICE in self.holder.services

    @property
    def is_right(self) -> bool:
        """True if the port has the holder that it should have."""
        return self.standing == "owner" or (self.standing == "free" and not self.required)

    def __str__(self) -> str:
        held = f"held by {self.holder}" if self.holder else "held by nobody"
        return f"{self.protocol.upper()} {self.port} is {held}"


class VictimReport(t.NamedTuple):
    """The state of one victim: its services, its ports and their holders."""

    victim: Victim
    service: Service
    ports: tuple[PortStanding, ...]
    dependents_down: tuple[Service, ...]
    noises: tuple[Event, ...] = ()
    """Events since the last boot that should not have been logged, one for each kind, the newest."""

    @property
    def intruders(self) -> tuple[PortStanding, ...]:
        """Its ports that another program holds."""
        return tuple(port for port in self.ports if port.standing == "intruder")

    @property
    def is_down(self) -> bool:
        """True if it does not run, or a service that must run beside it does not."""
        return not self.service.runs or bool(self.dependents_down)

    @property
    def lost_unknown_port(self) -> bool:
        """True if it is down for the sake of a port, and no port of it is known: the DNS server's pool may have it."""
        return not self.ports and any(service.error in PORT_ERRORS for service in self.down_services)

    @property
    def is_right(self) -> bool:
        """True if everything runs and every port has the right holder."""
        return not self.is_down and not self.noises and all(port.is_right for port in self.ports)

    @property
    def down_services(self) -> tuple[Service, ...]:
        """The services that do not run."""
        return (*(() if self.service.runs else (self.service,)), *self.dependents_down)

    def as_dict(self) -> dict[str, t.Any]:
        """As returned to the user."""
        return {
            "service": self.service.name,
            "state": self.service.state,
            "start_mode": self.service.start_mode,
            "exit_code": self.service.exit_code,
            "exit_code_meaning": ERROR_MEANINGS.get(self.service.exit_code, ""),
            "dependents_down": [service.name for service in self.dependents_down],
            "ports": [
                {
                    "protocol": port.protocol,
                    "port": port.port,
                    "standing": port.standing,
                    "holder": port.holder.as_dict() if port.holder else None,
                }
                for port in self.ports
            ],
            "events": [
                {"log": event.log, "source": event.source, "code": event.code, "time": event.time.isoformat()}
                for event in self.noises
            ],
            "ok": self.is_right,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """An automatic service that is down for the sake of a port, and that is no victim."""

    service: str = dataclasses.field(metadata=told("Key name.", "MSExchangeIS"))
    exit_code: int = dataclasses.field(metadata=told("The Win32 error that its last end left.", 1068))
    exit_code_meaning: str = dataclasses.field(
        metadata=told("That error in words.", "a service that it depends on failed to start")
    )


def left_over(facts: Facts, covered: t.Iterable[str] = ()) -> tuple[LeftOver, ...]:
    """Automatic services that are down for the sake of a port, less those that are covered; raises FactsNeeded."""
    known = {name.casefold() for name in covered}
    down = (found for found in facts[LEFT_OVER] if found.state == "Stopped" and found.start_mode == "Auto")
    return tuple(
        LeftOver(service=found.name, exit_code=found.error, exit_code_meaning=ERROR_MEANINGS[found.error])
        for found in down
        if found.name.casefold() not in known
    )


def left_over_sentence(found: t.Sequence[LeftOver]) -> str:
    """For people; empty if there are none."""
    if not found:
        return ""
    down = ", ".join(f"{one.service} (error {one.exit_code}: {one.exit_code_meaning})" for one in found)
    return f"Left over, and not covered here: {down}; the findings of port_info say why."


def all_ports(victims: t.Iterable[Victim]) -> PortSet:
    """The ports of all victims together: one question for their sockets."""
    ports = PortSet()
    for victim in victims:
        ports |= victim.all_ports
    return ports


def report_on(victims: t.Sequence[Victim], context: Context) -> tuple[VictimReport, ...]:
    """The state of each victim.

    Raises:
        FactsNeeded: services, sockets, or processes that are not known by their service, are needed.
        PlanError: a victim's service does not exist.
    """
    asked = all_ports(victims)
    questions = [ServiceFact(name) for victim in victims for name in (victim.service, *victim.dependents)]
    tcp = PortSet(tuple(item for victim in victims for item in victim.ports("tcp").ranges))
    connected = connection_questions(tcp)
    context.facts.require(ServiceFact(DNS_SERVICE), *questions, *([SocketsFact(asked)] if asked else []), *connected)
    sockets = context.facts[SocketsFact(asked)] if asked else ()
    found = nameless_holders(sockets, (row for question in connected for row in context.facts[question]))
    strangers = {pid for victim in victims for pid in _strangers(victim, found, context.facts)}
    # Two questions of two kinds, so the second costs the same if it comes later, and nothing if it is not needed.
    context.facts.require(*map(ProcessFact, strangers))
    hosts = (pid for pid in strangers if not _image_without_services(pid, context.facts))
    context.facts.require(*map(ServicesOfProcessFact, hosts))
    return tuple(_report(victim, found, context) for victim in victims)


def _strangers(victim: Victim, found: tuple[Holder, ...], facts: Facts) -> set[int]:
    """Processes on its ports that are not known by its own service or by the DNS server's: asked about together."""
    services = (facts[ServiceFact(victim.service)], facts[ServiceFact(DNS_SERVICE)])
    known = {service.process_id for service in services if service and service.process_id}
    return {holder.process_id for holder in found if holder.port in victim.ports(holder.protocol)} - known


def _image_without_services(process_id: int, facts: Facts) -> str:
    """The image of a process whose program is known to host no service; else empty."""
    process = facts.optional(ProcessFact(process_id), None)
    return process.image if process and process.image.casefold() in IMAGES_WITHOUT_SERVICES else ""


def _report(victim: Victim, found: tuple[Holder, ...], context: Context) -> VictimReport:
    service = context.facts[ServiceFact(victim.service)]
    if service is None:
        raise PlanError(
            f"service {victim.service}",
            "it does not exist on this server",
            "Check the service's key name, or take the host out of the play",
        )
    case = _VictimPorts(victim, service, found, context)
    ports = tuple(case.standing(protocol, port) for protocol in PROTOCOLS for port in victim.ports(protocol))
    beside = (context.facts[ServiceFact(name)] for name in victim.dependents)
    down = tuple(other for other in beside if other and other.start_mode == "Auto" and not other.runs)
    return VictimReport(victim, service, ports, down, _noises(victim, context))


def _noises(victim: Victim, context: Context) -> tuple[Event, ...]:
    """The newest event of each kind that should not be there; both clocks are the server's."""
    if not victim.silent_events:
        return ()
    since = context.facts[OperatingSystemFact()].boot_time.replace(microsecond=0)
    codes: dict[str, list[int]] = {}
    for event in victim.silent_events:
        codes.setdefault(event.log, []).append(event.code)
    questions = [EventsFact(log, tuple(found), since, MOST_EVENTS) for log, found in codes.items()]
    context.facts.require(*questions)
    logged = [event for question in questions for event in context.facts[question]]
    return tuple(found for event in victim.silent_events if (found := event.newest_of(logged)))


class _VictimPorts(t.NamedTuple):
    """One victim with all that its ports are judged by."""

    victim: Victim
    service: Service
    found: tuple[Holder, ...]
    """The holders of all victims' ports, by process ids alone."""
    context: Context

    def standing(self, protocol: Protocol, port: int) -> PortStanding:
        required = port in self.victim.own[protocol]
        on_port = [self._named(one) for one in self.found if one.protocol == protocol and one.port == port]
        foreign = [holder for holder in on_port if not belongs_to(holder, self.victim.service, self.victim.image)]
        if foreign:
            return PortStanding(protocol, port, required, "intruder", foreign[0])
        # The victim's own connection is no listener: it proves nothing, and it goes with the victim's restart.
        listening = [holder for holder in on_port if not holder.outgoing]
        if listening:
            return PortStanding(protocol, port, required, "owner", listening[0])
        return PortStanding(protocol, port, required, "free", None)

    def _named(self, holder: Holder) -> Holder:
        """The victim's process and the DNS server's are known by their services without asking."""
        for known in (self.service, self.context.facts[ServiceFact(DNS_SERVICE)]):
            if known and known.process_id and known.process_id == holder.process_id:
                image = DNS_IMAGE if known.name == DNS_SERVICE else known.image
                return dataclasses.replace(holder, image=image, services=(known.name,))
        if image := _image_without_services(holder.process_id, self.context.facts):
            return dataclasses.replace(holder, image=image)
        return named(holder, self.context)
