# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server for the planners' tests: they describe it in facts, the simulator holds it and answers."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal as journals
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    Context,
    DeleteEmptyKey,
    DeleteValue,
    Plan,
    SetDynamicRanges,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock, Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Connection,
    DynamicRanges,
    DynamicRangesFact,
    Event,
    Facts,
    FactsNeeded,
    RegistryFact,
    RegistryType,
    RegistryValue,
    Service,
    Socket,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release, release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.unit.plugins.module_utils.simulated import Described, Simulated

NOW: t.Final = 1_800_000_000.0
BOOT: t.Final = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
VERSIONS: t.Final = {"2003": "5.2.3790", "2008": "6.0.6002", "2008r2": "6.1.7601", "2022": "10.0.20348"}
Planned = t.TypeVar("Planned")


def service(name: str, **changes: t.Any) -> Service:
    """A running automatic service; process ids come from the name, so that each has its own."""
    running = Service(
        name=name,
        display_name=name,
        state="Running",
        start_mode="Auto",
        process_id=1000 + sum(map(ord, name)) % 8000,
        exit_code=0,
        specific_exit_code=0,
        path_name=rf"C:\Windows\{name.lower()}.exe",
    )
    return running._replace(**changes)


def stopped(name: str, **changes: t.Any) -> Service:
    return service(name, **{"state": "Stopped", "process_id": 0, **changes})


def multi(*entries: str) -> RegistryValue:
    return RegistryValue(RegistryType.MULTI_STRING, entries)


@dataclasses.dataclass
class World:
    """One server, described. Each question goes to a simulated server that is as the description is by then.

    Keys below SYSTEM exist if a question is about them, as installers leave them, but for ``absent_keys``.
    """

    release_key: str = "2022"
    uptime: float = 10_000.0
    registry: dict[tuple[str, str], RegistryValue] = dataclasses.field(default_factory=dict)
    services: list[Service] = dataclasses.field(default_factory=list)
    depends: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    sockets: list[Socket] = dataclasses.field(default_factory=list)
    connections: list[Connection] = dataclasses.field(default_factory=list)
    exclusions: Exclusions | None = dataclasses.field(default_factory=lambda: Exclusions((), ()))
    processes: dict[int, str] = dataclasses.field(default_factory=dict)
    process_age: float = 9_000.0
    product_type: int = 3
    dynamic: DynamicRanges | None = dataclasses.field(default_factory=lambda: dynamic_ranges("49152-65535"))
    events: list[Event] = dataclasses.field(default_factory=list)
    absent_keys: set[str] = dataclasses.field(default_factory=set)
    asked: list[t.Any] = dataclasses.field(default_factory=list)
    rounds: int = 0
    """How often a planner had to be called again with more answers."""

    @property
    def release(self) -> Release:
        return release_of(VERSIONS[self.release_key], 3)

    def set(self, fact: RegistryFact, value: RegistryValue) -> None:
        self.registry[fact.key, fact.name] = value

    def keep_journal(self, journal: Journal) -> None:
        self.set(JOURNAL_FACT, RegistryValue(RegistryType.STRING, journals.dump(journal)))

    def hold(self, protocol: str, port: int, name: str) -> None:
        """Let a service's process hold a port."""
        self.sockets.append(Socket(t.cast(t.Any, protocol), "0.0.0.0", port, self._process_of(name)))

    def connect(self, port: int, name: str, far_end: str = "192.0.2.99:389") -> None:
        """Let a service's process hold a TCP port as the near end of a connection."""
        self.connections.append(Connection("192.0.2.10", port, self._process_of(name), far_end))

    def answer(self, fact: t.Any) -> t.Any:
        """What the server says."""
        return self._answers([fact])[fact]

    def settle(self, planner: t.Callable[[Facts], Planned]) -> Planned:
        """Answer a planner's questions until it is content."""
        facts = Facts()
        for _round in range(30):
            try:
                return planner(facts)
            except FactsNeeded as needed:
                self.rounds += 1
                facts = facts.extended(self._answers(needed.facts))
        raise AssertionError("the planner never stops asking")

    def carry_out(self, plan: Plan, journal: Journal) -> Journal:
        """Let the steps of one resource's plan happen, and give the journal as it is then."""
        server = self._simulated(step.key for step in plan.steps if isinstance(step, WriteValue))
        server.carry_out(plan.steps)
        for step in plan.steps:
            if isinstance(step, WriteValue):
                self._keep(step.key, step.name, server)
            if isinstance(step, DeleteValue):
                self._keep(step.fact.key, step.fact.name, server)
            if isinstance(step, DeleteEmptyKey) and server.reading(step.key, "") is Absent.KEY:
                self.absent_keys.add(step.key)
            if isinstance(step, SetDynamicRanges):
                self.dynamic = server.answers([DynamicRangesFact()])[DynamicRangesFact()]
        return as_read_again(journal.changed(plan.journal))

    def context(self, facts: Facts, journal: Journal | None = None, **changes: t.Any) -> Context:
        return Context(facts=facts, release=self.release, journal=journal, now=NOW, **changes)

    def _keep(self, key: str, name: str, server: Simulated) -> None:
        """Describe the value as it stands in the server now."""
        self.absent_keys.discard(key)
        for held in [held for held in self.registry if _folded(held) == _folded((key, name))]:
            del self.registry[held]
        reading = server.reading(key, name)
        if isinstance(reading, RegistryValue):
            self.registry[key, name] = reading

    def _process_of(self, name: str) -> int:
        return next(one.process_id for one in self.services if one.name.casefold() == name.casefold())

    def _answers(self, wanted: t.Collection[t.Any]) -> dict[t.Any, t.Any]:
        self.asked += wanted
        keys = (fact.key for fact in wanted if isinstance(fact, RegistryFact) and fact.key.startswith("SYSTEM"))
        return self._simulated(keys).answers(wanted)

    def _simulated(self, keys: t.Iterable[str]) -> Simulated:
        images = {one.process_id: f"{one.name.lower()}.exe" for one in self.services if one.process_id}
        return Simulated(
            Described(
                version=VERSIONS[self.release_key],
                product_type=self.product_type,
                boot=BOOT,
                uptime=self.uptime,
                registry=self.registry,
                keys=set(keys) - self.absent_keys,
                services=self.services,
                dependencies=self.depends,
                sockets=self.sockets,
                connections=self.connections,
                images={**images, **self.processes},
                process_age=self.process_age,
                exclusions=self.exclusions,
                dynamic=self.dynamic,
                events=self.events,
            )
        )


def _folded(place: tuple[str, str]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in place)


def as_read_again(journal: Journal) -> Journal:
    """What a later run reads of a journal; all that a plan notes must come back."""
    again = journals.load(journals.dump(journal))
    assert again == journal
    return again


def dynamic_ranges(text: str) -> DynamicRanges:
    """The same range for both families and protocols."""
    ports = PortRange(*(int(number) for number in text.split("-")))
    return DynamicRanges(ports, ports, ports, ports)


def blocks(*texts: str, administered: bool = True) -> tuple[ExclusionBlock, ...]:
    """Rows of netsh: ``blocks("50000-50059")``."""
    return tuple(
        ExclusionBlock(PortRange(*(int(number) for number in text.split("-"))), administered) for text in texts
    )
