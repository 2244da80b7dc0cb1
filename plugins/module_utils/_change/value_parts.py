# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans made of single registry values: each value is checked, written, journalled and taken back by the same rules."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    IN_FORCE,
    Context,
    DeleteValue,
    Effective,
    Force,
    Plan,
    PlanError,
    Step,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.undo import Undo
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
)

Shown = t.Callable[[RegistryReading], t.Mapping[str, t.Any]]
"""A reading in the user's words."""

REGISTRY_NAMES: t.Final[t.Mapping[RegistryType, str]] = {
    RegistryType.STRING: "REG_SZ",
    RegistryType.EXPAND_STRING: "REG_EXPAND_SZ",
    RegistryType.BINARY: "REG_BINARY",
    RegistryType.DWORD: "REG_DWORD",
    RegistryType.MULTI_STRING: "REG_MULTI_SZ",
    RegistryType.QWORD: "REG_QWORD",
}


_WEAKEST_FIRST: t.Final[tuple[Effective, ...]] = ("no", "unknown", "yes")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One value, or another thing with an entry of its own in the journal."""

    entry_name: str
    before: t.Mapping[str, t.Any]
    after: t.Mapping[str, t.Any]
    steps: tuple[Step, ...] = ()
    journal: t.Mapping[str, Entry | None] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    reading: RegistryReading = Absent.VALUE
    """How the value reads now; absent where the part is no registry value."""


def plan_of(resource: str, parts: t.Iterable[Part], force: Force) -> Plan:
    """The plan that all parts make together."""
    parts = tuple(parts)
    return Plan(
        resource,
        before={key: value for part in parts for key, value in part.before.items()},
        after={key: value for part in parts for key, value in part.after.items()},
        force=force,
        steps=tuple(step for part in parts for step in part.steps),
        journal={name: entry for part in parts for name, entry in part.journal.items()},
        warnings=tuple(warning for part in parts for warning in part.warnings),
    )


def unchanged_part(entry_name: str, reading: RegistryReading, shown: Shown) -> Part:
    """A value that is as it should be."""
    return Part(entry_name, shown(reading), shown(reading), reading=reading)


def changed_part(
    fact: RegistryFact,
    entry: tuple[str, Entry],
    reading: RegistryReading,
    target: RegistryReading,
    shown: Shown,
) -> Part:
    """A value that becomes another, or goes; ``entry`` is the journal's, by its name."""
    name, content = entry
    return Part(
        name,
        before=shown(reading),
        after=shown(target),
        steps=(step_for(fact, target),),
        journal={name: content},
        reading=reading,
    )


def undone_part(fact: RegistryFact, entry_name: str, reading: RegistryReading, undone: Undo, shown: Shown) -> Part:
    """A value that is taken back."""
    return Part(
        entry_name,
        before=shown(reading),
        after=shown(undone.target),
        steps=(step_for(fact, undone.target),) if undone.target != reading else (),
        journal={entry_name: undone.entry},
        warnings=undone.warnings,
        reading=reading,
    )


def entry_for(
    name: str,
    reading: RegistryReading,
    target: RegistryReading,
    context: Context,
    *,
    wait: Wait | None,
    added: tuple[str, ...] = (),
) -> Entry:
    """The journal's entry of a change: the original is that of our first one."""
    known = context.entry(name)
    original = known.original if known else state_of(reading)
    return Entry(original=original, written=state_of(target), added=added, wait=wait)


def step_for(fact: RegistryFact, target: RegistryReading) -> Step:
    """The step after which the value reads so."""
    return DeleteValue(fact) if isinstance(target, Absent) else WriteValue(fact.key, fact.name, target)


def demand_type(fact: RegistryFact, reading: RegistryReading, reader: str) -> RegistryReading:
    """The reading, with a missing key counted as a missing value.

    Raises:
        PlanError: it has another type than ``reader`` reads; we don't overwrite what we don't understand.
    """
    if isinstance(reading, Absent):
        return Absent.VALUE
    if reading.type is not fact.type:
        raise PlanError(
            rf"HKLM\{fact.key}\{fact.name}",
            f"its type is {REGISTRY_NAMES[reading.type]}, {reader} only {REGISTRY_NAMES[fact.type]}",
            "Somebody wrote it by mistake: note what it holds, delete it and run again",
        )
    return reading


def confirm_absence(fact: RegistryFact, context: Context) -> None:
    """Ask once more by listing the key: return code 1 alone is not proven to mean 'absent' on every release.

    Raises:
        FactsNeeded: the key has not been listed yet.
        PlanError: the value is there after all.
    """
    names = context.facts[RegistryNamesFact(fact.key)]
    if not isinstance(names, Absent) and any(name.casefold() == fact.name.casefold() for name, _type in names):
        raise PlanError(
            rf"HKLM\{fact.key}\{fact.name}",
            "Windows lists the value but does not give its content",
            "Look at it with regedit; nothing was overwritten",
        )


def weakest(forces: t.Sequence[Force]) -> Force:
    """The weakest of all; what any of them needs is needed."""
    if not forces:
        return IN_FORCE
    first = min(forces, key=lambda force: _WEAKEST_FIRST.index(force.effective))
    reasons = dict.fromkeys(force.reason for force in forces if force.effective == first.effective and force.reason)
    return dataclasses.replace(
        first,
        reason=" ".join(reasons),
        reboot_required=any(force.reboot_required for force in forces),
        restart_required=any(force.restart_required for force in forces),
    )
