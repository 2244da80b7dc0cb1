# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When each service starts at a boot: the service manager's schedule, worked out once per configuration."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.machine import Machine
from tests.simulator.windows.program import Program
from tests.simulator.windows.programs import program_of
from tests.simulator.windows.services import ServiceConfig, Start

StepKind: t.TypeAlias = t.Literal["begin", "bind", "running", "stopped", "retry"]

GROUP_ORDER_KEY: t.Final = "SYSTEM\\CurrentControlSet\\Control\\ServiceGroupOrder"
KERNEL_SECONDS: t.Final = 4.0
GROUP_SECONDS: t.Final = 0.3


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens to a service, ``offset`` seconds after the boot began."""

    offset: float
    kind: StepKind
    service: str


@dataclasses.dataclass(frozen=True, slots=True)
class BootPlan:
    """All that a boot needs to know and that does not change from boot to boot."""

    configs: t.Mapping[str, ServiceConfig]
    programs: t.Mapping[str, Program]
    dependencies: t.Mapping[str, tuple[str, ...]]
    steps: tuple[Step, ...]


def resolve_dependencies(configs: t.Mapping[str, ServiceConfig]) -> dict[str, tuple[str, ...]]:
    """Return the services that each service needs, by folded name, groups replaced by their members."""
    groups: dict[str, list[str]] = {}
    for folded, config in configs.items():
        if config.group:
            groups.setdefault("+" + config.group.casefold(), []).append(folded)
    resolved: dict[str, tuple[str, ...]] = {}
    for folded, config in configs.items():
        needed: list[str] = []
        for name in config.dependencies:
            needed += groups.get(name.casefold(), []) if name.startswith("+") else [name.casefold()]
        resolved[folded] = tuple(name for name in needed if name != folded)
    return resolved


class _Scheduler:
    """Works out when each service begins; a service begins when everything that it needs runs."""

    def __init__(self, machine: Machine, configs: dict[str, ServiceConfig]) -> None:
        self.configs = configs
        self.machine = machine
        self.dependencies = resolve_dependencies(configs)
        self.programs = {
            folded: program_of(config.name, machine.registry, machine.release, machine.assumptions)
            for folded, config in configs.items()
        }
        self.groups = [name.casefold() for name in machine.registry.texts(GROUP_ORDER_KEY, "List")]
        self.running_at: dict[str, float] = {}
        self.steps: list[Step] = []

    def place(self, folded: str, earliest: float, *, open_names: frozenset[str] = frozenset()) -> None:
        """Schedule a service and, before it, those that it needs (also manual ones)."""
        config = self.configs[folded]
        if folded in self.running_at or folded in open_names or config.start is Start.DISABLED:
            return
        begin = earliest
        for needed in self.dependencies[folded]:
            if needed in self.configs:
                self.place(needed, earliest, open_names=open_names | {folded})
                begin = max(begin, self.running_at.get(needed, 0.0))
        program = self.programs[folded]
        self.running_at[folded] = begin + (0.0 if config.is_driver else program.start_seconds)
        self.steps.append(Step(begin, "begin", folded))
        if not config.is_driver:
            self.steps.append(Step(self.running_at[folded], "running", folded))
            if program.binds:
                self.steps.append(Step(begin + program.bind_seconds, "bind", folded))

    def earliest(self, config: ServiceConfig) -> float:
        """Return when the manager comes to a service: drivers, then the groups in their order, then all others."""
        if config.start in (Start.BOOT, Start.SYSTEM):
            return 0.0
        group = config.group.casefold()
        place = self.groups.index(group) if group in self.groups else len(self.groups)
        return KERNEL_SECONDS + GROUP_SECONDS * place


def plan_boot(machine: Machine) -> BootPlan:
    """Work out the schedule of a boot with the machine's present configuration."""
    scheduler = _Scheduler(machine, machine.services())
    at_once = [config for config in scheduler.configs.values() if config.start <= Start.AUTO]
    delayed_allowed = machine.release.delayed_start
    delayed = [config for config in at_once if delayed_allowed and config.delayed and config.start is Start.AUTO]
    if not machine.assumptions.needed_services_lose_delay:
        late = {config.name.casefold() for config in delayed}
        needing = (one for one in at_once if late.intersection(scheduler.dependencies[one.name.casefold()]))
        delayed += [one for one in needing if one not in delayed]
    for config in sorted((config for config in at_once if config not in delayed), key=scheduler.earliest):
        scheduler.place(config.name.casefold(), scheduler.earliest(config))
    after = max(scheduler.running_at.values(), default=0.0) + machine.auto_start_delay()
    for config in delayed:
        scheduler.place(config.name.casefold(), after)
    scale = machine.time_scale
    steps = [Step(step.offset * scale, step.kind, step.service) for step in scheduler.steps]
    return BootPlan(
        configs=scheduler.configs,
        programs=scheduler.programs,
        dependencies=scheduler.dependencies,
        steps=tuple(sorted(steps, key=lambda step: step.offset)),
    )
