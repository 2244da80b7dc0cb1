# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts about settings as planned steps leave them: one resource of a run must judge by the results of the others."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    ChangeExclusions,
    ChangeStartMode,
    DeleteValue,
    SetDelayedStart,
    SetDynamicRanges,
    Step,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    DynamicRangesFact,
    ExclusionsFact,
    Fact,
    Facts,
    Protocol,
    RegistryFact,
    RegistryType,
    RegistryValue,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

Answers = t.Mapping[Fact[t.Any], t.Any]

_AS_READ: t.Final = {"Automatic": "Auto"}
"""ChangeStartMode takes Automatic where StartMode reads Auto (Win32_Service)."""


def facts_after(facts: Facts, steps: t.Iterable[Step]) -> Facts:
    """The facts as these steps leave them, as far as they are about settings; which services run is not predicted.

    The steps were planned on these facts, so what they change is among them.
    """
    for step in steps:
        answer = _ANSWERS.get(type(step))
        facts = facts.extended(answer(step, facts)) if answer else facts
    return facts


def _written(step: WriteValue, _facts: Facts) -> Answers:
    return {RegistryFact(step.key, step.name, step.value.type): step.value}


def _deleted(step: DeleteValue, _facts: Facts) -> Answers:
    return {step.fact: Absent.VALUE}


def _start_mode(step: ChangeStartMode, facts: Facts) -> Answers:
    question = ServiceFact(step.service)
    if question not in facts:
        return {}
    service, mode = facts[question], _AS_READ.get(step.mode, step.mode)
    return {question: service and service._replace(start_mode=mode)}


def _delayed(step: SetDelayedStart, _facts: Facts) -> Answers:
    return {step.flag: RegistryValue(RegistryType.DWORD, int(step.delayed))}


def _ranges(step: SetDynamicRanges, facts: Facts) -> Answers:
    question = DynamicRangesFact()
    ranges = facts[question]
    for family, protocol, ports in step.changes:
        ranges = ranges and ranges.changed(family, protocol, ports)
    return {question: ranges}


def _exclusions(step: ChangeExclusions, facts: Facts) -> Answers:
    question = ExclusionsFact()
    exclusions = facts[question]
    if exclusions is None:
        return {}

    def changed(protocol: Protocol) -> tuple[ExclusionBlock, ...]:
        gone = {ports for of, ports in (*step.delete, *step.delete_active) if of == protocol}
        kept = (one for one in exclusions.of(protocol) if not (one.administered and one.ports in gone))
        added = (ports for of, ports in (*step.add, *step.add_active) if of == protocol)
        return (*kept, *(ExclusionBlock(ports, administered=True) for ports in added))

    def lasting(protocol: Protocol) -> tuple[PortRange, ...]:
        gone = {ports for of, ports in step.delete if of == protocol}
        kept = (ports for ports in exclusions.persistent(protocol) if ports not in gone)
        return (*kept, *(ports for of, ports in step.add if of == protocol))

    after = exclusions._replace(
        tcp=changed("tcp"),
        udp=changed("udp"),
        persistent_tcp=lasting("tcp"),
        persistent_udp=lasting("udp"),
    )
    return {question: after}


_ANSWERS: t.Final[t.Mapping[type[Step], t.Callable[[t.Any, Facts], Answers]]] = {
    WriteValue: _written,
    DeleteValue: _deleted,
    ChangeStartMode: _start_mode,
    SetDelayedStart: _delayed,
    SetDynamicRanges: _ranges,
    ChangeExclusions: _exclusions,
}
