# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server made of facts: what the planners' tests look at, without any I/O."""

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
    Step,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Connection,
    ConnectionsFact,
    Dependencies,
    DependenciesFact,
    DynamicRanges,
    DynamicRangesFact,
    ExclusionBlock,
    Exclusions,
    ExclusionsFact,
    Facts,
    FactsNeeded,
    OperatingSystem,
    OperatingSystemFact,
    Process,
    ProcessFact,
    RegistryFact,
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
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release, release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

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
    return dataclasses.replace(running, **changes)


def stopped(name: str, **changes: t.Any) -> Service:
    return service(name, **{"state": "Stopped", "process_id": 0, **changes})


def multi(*entries: str) -> RegistryValue:
    return RegistryValue(RegistryType.MULTI_STRING, entries)


@dataclasses.dataclass
class World:
    """One server. Keys and service names are found in any case, as on Windows."""

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
    absent_keys: set[str] = dataclasses.field(default_factory=set)
    asked: list[t.Any] = dataclasses.field(default_factory=list)
    rounds: int = 0
    """How often a planner had to be called again with more answers."""

    @property
    def release(self) -> Release:
        return release_of(VERSIONS[self.release_key], 3)

    @property
    def local_time(self) -> datetime.datetime:
        return BOOT + datetime.timedelta(seconds=self.uptime)

    def set(self, fact: RegistryFact, value: RegistryValue) -> None:
        self.registry[fact.key.casefold(), fact.name.casefold()] = value

    def keep_journal(self, journal: Journal) -> None:
        self.set(JOURNAL_FACT, RegistryValue(RegistryType.STRING, journals.dump(journal)))

    def hold(self, protocol: str, port: int, name: str) -> None:
        """Let a service's process hold a port."""
        found = self._service(name)
        assert found is not None
        self.sockets.append(Socket(t.cast(t.Any, protocol), "0.0.0.0", port, found.process_id))

    def connect(self, port: int, name: str, far_end: str = "192.0.2.99:389") -> None:
        """Let a service's process hold a TCP port as the near end of a connection."""
        found = self._service(name)
        assert found is not None
        self.connections.append(Connection("192.0.2.10", port, found.process_id, far_end))

    def answer(self, fact: t.Any) -> t.Any:
        """What the server says."""
        self.asked.append(fact)
        return _ANSWERS[type(fact)](self, fact)

    def settle(self, planner: t.Callable[[Facts], Planned]) -> Planned:
        """Answer a planner's questions until it is content."""
        facts = Facts()
        for _round in range(30):
            try:
                return planner(facts)
            except FactsNeeded as needed:
                self.rounds += 1
                facts = facts.extended({fact: self.answer(fact) for fact in needed.facts})
        raise AssertionError("the planner never stops asking")

    def carry_out(self, plan: Plan, journal: Journal) -> Journal:
        """Let the steps of one resource's plan happen, and give the journal as it is then."""
        for step in plan.steps:
            _DEEDS[type(step)](self, step)
        return journal.changed(plan.journal)

    def _write(self, step: WriteValue) -> None:
        self.absent_keys.discard(step.key)
        self.registry[step.key.casefold(), step.name.casefold()] = step.value

    def _delete(self, step: DeleteValue) -> None:
        self.registry.pop((step.fact.key.casefold(), step.fact.name.casefold()), None)

    def _set_ranges(self, step: SetDynamicRanges) -> None:
        names = {("ipv4", "tcp"): "tcp", ("ipv4", "udp"): "udp", ("ipv6", "tcp"): "tcp6", ("ipv6", "udp"): "udp6"}
        assert self.dynamic is not None
        changes = {names[family, protocol]: ports for family, protocol, ports in step.changes}
        self.dynamic = dataclasses.replace(self.dynamic, **changes)

    def context(self, facts: Facts, journal: Journal | None = None, **changes: t.Any) -> Context:
        return Context(facts=facts, release=self.release, journal=journal, now=NOW, **changes)

    def _service(self, name: str) -> Service | None:
        return next((one for one in self.services if one.name.casefold() == name.casefold()), None)

    def _system(self, _fact: t.Any) -> OperatingSystem:
        return OperatingSystem(self.release.version, self.release.name, self.product_type, self.local_time, BOOT)

    def _value(self, fact: RegistryFact) -> RegistryReading:
        if (fact.key.casefold(), fact.name.casefold()) in self.registry:
            return self.registry[fact.key.casefold(), fact.name.casefold()]
        if fact.key in self.absent_keys:
            return Absent.KEY
        known = any(key == fact.key.casefold() for key, _name in self.registry)
        return Absent.VALUE if known or fact.key.casefold().startswith("system") else Absent.KEY

    def _names(self, fact: RegistryNamesFact) -> t.Any:
        return tuple(
            (name, int(value.type)) for (key, name), value in self.registry.items() if key == fact.key.casefold()
        )

    def _sockets(self, fact: SocketsFact) -> tuple[Socket, ...]:
        return tuple(one for one in self.sockets if fact.ports is None or one.port in fact.ports)

    def _connections(self, fact: ConnectionsFact) -> tuple[Connection, ...]:
        listened = {one.port for one in self.sockets if one.protocol == "tcp"}
        return tuple(one for one in self.connections if one.port in fact.ports and one.port not in listened)

    def _process(self, fact: ProcessFact) -> Process | None:
        owner = next((one.name.lower() + ".exe" for one in self.services if one.process_id == fact.process_id), "")
        image = self.processes.get(fact.process_id, owner)
        created = self.local_time - datetime.timedelta(seconds=self.process_age)
        return Process(fact.process_id, image, created) if image else None

    def _of_process(self, fact: ServicesOfProcessFact) -> tuple[Service, ...]:
        return tuple(one for one in self.services if one.process_id == fact.process_id and one.process_id)


_ANSWERS: t.Final[t.Mapping[type, t.Callable[[World, t.Any], t.Any]]] = {
    OperatingSystemFact: World._system,
    RegistryFact: World._value,
    RegistryNamesFact: World._names,
    ServiceFact: lambda world, fact: world._service(fact.name),
    DependenciesFact: lambda world, _fact: Dependencies(frozenset(world.depends)),
    SocketsFact: World._sockets,
    ConnectionsFact: World._connections,
    ProcessFact: World._process,
    ServicesOfProcessFact: World._of_process,
    ExclusionsFact: lambda world, _fact: world.exclusions,
    DynamicRangesFact: lambda world, _fact: world.dynamic,
    ServicesLikeFact: lambda world, fact: tuple(
        one for one in world.services if one.name.casefold().startswith(fact.prefix.casefold())
    ),
}
_DEEDS: t.Final[t.Mapping[type[Step], t.Callable[[World, t.Any], None]]] = {
    WriteValue: World._write,
    DeleteValue: World._delete,
    SetDynamicRanges: World._set_ranges,
    DeleteEmptyKey: lambda world, step: world.absent_keys.add(step.key),
}


def dynamic_ranges(text: str) -> DynamicRanges:
    """The same range for both families and protocols."""
    ports = PortRange(*(int(number) for number in text.split("-")))
    return DynamicRanges(ports, ports, ports, ports)


def blocks(*texts: str, administered: bool = True) -> tuple[ExclusionBlock, ...]:
    """Rows of netsh: ``blocks("50000-50059")``."""
    return tuple(
        ExclusionBlock(PortRange(*(int(number) for number in text.split("-"))), administered) for text in texts
    )
