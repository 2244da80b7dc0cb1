# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the subsets of port_info: tests describe them in facts, the simulator holds them and answers."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal, dump
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions, SubsetName
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import PortInfoReport, gather
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock, Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    DynamicRanges,
    Event,
    Fact,
    Facts,
    FactsNeeded,
    NetworkAdapter,
    NetworkDriver,
    RegistryFact,
    RegistryType,
    RegistryValue,
    Service,
    Socket,
    TcpSegments,
    Unread,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    JOURNAL_FACT,
    POOL_EXCLUSIONS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from tests.unit.plugins.module_utils.simulated import Described, Simulated

NOW = 1_800_000_000.0
BOOT = datetime.datetime(2026, 3, 1, 8, 0, tzinfo=datetime.timezone.utc)
UPTIME = 3600
DNS_PROCESS, EDGE_PROCESS = 840, 1400
IANA = PortRange(49152, 65535)
NO_EXCLUSIONS = Exclusions((), ())
FEW_SEGMENTS = TcpSegments(0, 0)
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


@dataclasses.dataclass(frozen=True)
class World:
    """One server, described; what is not given is as Windows has it, with a DNS server and an Edge instance."""

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
    values: t.Mapping[t.Any, RegistryValue] = dataclasses.field(default_factory=dict)
    dead_value: bool = False
    sockets: tuple[Socket, ...] = ()
    connections: tuple[Connection, ...] = ()
    exclusions: Exclusions | None = NO_EXCLUSIONS
    ranges: DynamicRanges | None = USUAL_RANGES
    updates: tuple[str, ...] = ()
    journal: Journal | str | None = None
    dependencies: tuple[tuple[str, str], ...] = ()
    events: tuple[Event, ...] = ()
    segments: TcpSegments = FEW_SEGMENTS
    adapters: tuple[NetworkAdapter, ...] = ()
    drivers: tuple[NetworkDriver, ...] = ()
    unread: tuple[type[Fact[t.Any]], ...] = ()
    """Kinds of questions that this server can't answer."""

    def report(self, *subsets: SubsetName, ports: PortSet | None = None, journal: bool = True) -> PortInfoReport:
        inquiry = PortInfoOptions(subsets, ports, journal)
        return self._gathered(inquiry, self.facts(inquiry))

    def value(self, subset: SubsetName) -> t.Any:
        """A subset as the user gets it."""
        return self.report(subset).plain()[subset]

    def facts(self, inquiry: PortInfoOptions) -> Facts:
        """All that is asked to answer, with the answers."""
        known = Facts()
        for _round in range(10):
            try:
                self._gathered(inquiry, known)
            except FactsNeeded as needed:
                known = known.extended(self._read(needed.facts))
            else:
                return known
        raise AssertionError("the report never has enough")

    def _read(self, wanted: t.Collection[t.Any]) -> dict[t.Any, t.Any]:
        unread = Unread(ValueError("it can't be read"))
        readable = [fact for fact in wanted if not isinstance(fact, self.unread)]
        return {**dict.fromkeys(wanted, unread), **self._simulated(readable).answers(readable)}

    def _gathered(self, inquiry: PortInfoOptions, known: Facts) -> PortInfoReport:
        return gather(inquiry, known, release_of(self.version, self.product_type), NOW)

    def _simulated(self, wanted: t.Collection[t.Any]) -> Simulated:
        """Keys below SYSTEM exist if a question is about them, as installers leave them."""
        return Simulated(
            Described(
                version=self.version,
                product_type=self.product_type,
                caption=self.caption,
                boot=BOOT,
                uptime=UPTIME,
                registry=self._registry(),
                keys={fact.key for fact in wanted if isinstance(fact, RegistryFact) and fact.key.startswith("SYSTEM")},
                services=self.services,
                dependencies=self.dependencies,
                sockets=self.sockets,
                connections=self.connections,
                images=self.images,
                process_age=UPTIME,
                exclusions=self.exclusions,
                dynamic=self.ranges,
                updates=self.updates,
                events=self.events,
                segments=self.segments,
                adapters=self.adapters,
                drivers=self.drivers,
            )
        )

    def _registry(self) -> dict[tuple[str, str], RegistryValue]:
        values = {(fact.key, fact.name): reading for fact, reading in self.values.items()}
        if self.dead_value:
            values[POOL_EXCLUSIONS_FACT.key, "SocketPoolPortExclusionList"] = multi("1-1")
        if self.journal is not None:
            text = dump(self.journal) if isinstance(self.journal, Journal) else self.journal
            values[JOURNAL_FACT.key, JOURNAL_FACT.name] = RegistryValue(RegistryType.STRING, text)
        return values
