# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers as facts written by hand, for the subsets of port_info."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal, dump
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import (
    known_service_questions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions, SubsetName
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import PortInfoReport, gather
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Connection,
    Dependencies,
    DependenciesFact,
    DynamicRanges,
    DynamicRangesFact,
    Event,
    ExclusionBlock,
    Exclusions,
    ExclusionsFact,
    Fact,
    Facts,
    FactsNeeded,
    NetworkAdapter,
    NetworkDriver,
    OperatingSystem,
    OperatingSystemFact,
    Process,
    ProcessFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    Service,
    ServiceFact,
    ServicesLikeFact,
    ServicesOfProcessFact,
    Socket,
    SocketsFact,
    TcpSegments,
    UpdatesFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release, release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import identity
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DNS_NAMES_FACT,
    JOURNAL_FACT,
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    ad_lds_port_facts,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from tests.unit.plugins.module_utils._diagnosis.answers import answer

NOW = 1_800_000_000.0
BOOT = datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)
UPTIME = 3600
DNS_PROCESS, EDGE_PROCESS = 840, 1400
IANA = PortRange(49152, 65535)
NO_EXCLUSIONS = Exclusions((), ())
USUAL_RANGES = DynamicRanges(IANA, IANA, IANA, IANA)


def multi(*entries: str) -> RegistryValue:
    return RegistryValue(RegistryType.MULTI_STRING, entries)


def dword(number: int) -> RegistryValue:
    return RegistryValue(RegistryType.DWORD, number)


def blocks(*ports: tuple[int, int, bool]) -> tuple[ExclusionBlock, ...]:
    return tuple(ExclusionBlock(PortRange(first, last), administered) for first, last, administered in ports)


def service(name: str, process_id: int = 0, start_mode: str = "Auto", exit_code: int = 0) -> Service:
    state = "Running" if process_id else "Stopped"
    return Service(name, name, state, start_mode, process_id, exit_code, 0, "")


def _identity_questions(release: Release) -> frozenset[Fact[t.Any]]:
    """All that is asked to say what a server is."""
    try:
        identity(Facts(), release)
    except FactsNeeded as question:
        return question.facts
    raise AssertionError("nothing is asked")


@dataclasses.dataclass(frozen=True)
class World:
    """One server; what is not given is as Windows has it by default, with a DNS server and an Edge instance."""

    version: str = "10.0.20348"
    product_type: int = 3
    caption: str = "Windows"
    services: tuple[Service, ...] = (
        service("DNS", DNS_PROCESS),
        service("ADAM_MSExchange", EDGE_PROCESS),
    )
    images: t.Mapping[int, str] = dataclasses.field(
        default_factory=lambda: {DNS_PROCESS: "dns.exe", EDGE_PROCESS: "dsamain.exe"}
    )
    values: t.Mapping[t.Any, RegistryReading] = dataclasses.field(default_factory=dict)
    dead_value: bool = False
    sockets: tuple[Socket, ...] = ()
    connections: tuple[Connection, ...] = ()
    exclusions: Exclusions | None = NO_EXCLUSIONS
    ranges: DynamicRanges | None = USUAL_RANGES
    updates: tuple[str, ...] = ()
    journal: Journal | str | None = None
    dependencies: tuple[tuple[str, str], ...] = ()
    events: tuple[Event, ...] = ()
    segments: TcpSegments | None = None
    adapters: tuple[NetworkAdapter, ...] = ()
    drivers: tuple[NetworkDriver, ...] = ()

    def facts(self, ports: PortSet | None = None) -> Facts:
        answers: dict[Fact[t.Any], t.Any] = {
            OperatingSystemFact(): OperatingSystem(
                self.version, self.caption, self.product_type, BOOT + datetime.timedelta(seconds=UPTIME), BOOT
            ),
            ExclusionsFact(): self.exclusions,
            DynamicRangesFact(): self.ranges,
            UpdatesFact(): self.updates,
            DNS_NAMES_FACT: self._names(),
            SocketsFact(ports): tuple(found for found in self.sockets if ports is None or found.port in ports),
        }
        known = Facts({**answers, **self._registry(), **self._services(), **self._processes()})
        return self._diagnosed(
            self._diagnosed(known, PortInfoOptions(("sockets", "findings"), ports)), PortInfoOptions(("findings",))
        )

    def _diagnosed(self, known: Facts, inquiry: PortInfoOptions) -> Facts:
        """With the further questions of the findings, which depend on what they find."""
        for _round in range(10):
            try:
                gather(inquiry, known, release_of(self.version, self.product_type), NOW)
            except FactsNeeded as question:
                known = known.extended({fact: self.answer(fact) for fact in question.facts})
            else:
                return known
        raise AssertionError("the findings never have enough")

    def answer(self, fact: Fact[t.Any]) -> t.Any:
        """What this server answers to a question that not every server is asked."""
        return answer(self, fact)

    def report(self, *subsets: SubsetName, ports: PortSet | None = None, journal: bool = True) -> PortInfoReport:
        inquiry = PortInfoOptions(subsets, ports, journal)
        return gather(inquiry, self.facts(ports), release_of(self.version, self.product_type), NOW)

    def value(self, subset: SubsetName) -> t.Any:
        """A subset as the user gets it."""
        return self.report(subset).plain()[subset]

    def _names(self) -> tuple[tuple[str, int], ...]:
        present = [
            (fact.name, int(fact.type)) for fact in (POOL_SIZE_FACT, POOL_EXCLUSIONS_FACT) if fact in self.values
        ]
        return (*present, *([("SocketPoolPortExclusionList", 7)] if self.dead_value else []))

    def _registry(self) -> dict[Fact[t.Any], t.Any]:
        questions = (MAX_USER_PORT_FACT, RESERVED_PORTS_FACT, *ad_lds_port_facts("ADAM_MSExchange"))
        flags = (delayed_flag(found.name) for found in self.services)
        usual: dict[Fact[t.Any], t.Any] = dict.fromkeys((*questions, *flags), Absent.VALUE)
        usual[RegistryNamesFact(RESERVED_PORTS_FACT.key)] = ()
        text = dump(self.journal) if isinstance(self.journal, Journal) else self.journal
        usual[JOURNAL_FACT] = Absent.KEY if text is None else RegistryValue(RegistryType.STRING, text)
        return {**usual, **dict(self.values.items())}

    def _services(self) -> dict[Fact[t.Any], t.Any]:
        named = {found.name: found for found in self.services}
        release = release_of(self.version, self.product_type)
        products = known_service_questions(Context(facts=Facts(), release=release, journal=None, now=NOW))
        asked = [*products, *_identity_questions(release)]
        known = {question.name for question in asked if isinstance(question, ServiceFact)}
        answers: dict[Fact[t.Any], t.Any] = {
            ServiceFact(name): named.get(name) for name in {*named, *known, "DNS", "WinRM", "Gone"}
        }
        for question in asked:
            if isinstance(question, ServicesLikeFact):
                answers[question] = tuple(one for one in self.services if one.name.startswith(question.prefix))
        return {**answers, DependenciesFact(): Dependencies(frozenset(self.dependencies))}

    def _processes(self) -> dict[Fact[t.Any], t.Any]:
        answers: dict[Fact[t.Any], t.Any] = {}
        holding = {found.process_id for found in self.sockets} | {found.process_id for found in self.connections}
        for number in {*self.images, *holding}:
            image = self.images.get(number)
            answers[ProcessFact(number)] = Process(number, image, BOOT) if image else None
            hosted = tuple(found for found in self.services if found.process_id == number)
            answers[ServicesOfProcessFact(number)] = hosted
        return answers
