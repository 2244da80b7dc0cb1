# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting: one registry value; how it is read, compared, written, journalled, taken back and judged, once."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import dns_restart
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NO_PORTS,
    Context,
    DeleteValue,
    Effectiveness,
    PlanError,
    Step,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.undo import Undo, undone_list, undone_value
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import Part
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    OperatingSystemFact,
    RegistryFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

REGISTRY_NAMES: t.Final[t.Mapping[RegistryType, str]] = {
    RegistryType.STRING: "REG_SZ",
    RegistryType.EXPAND_STRING: "REG_EXPAND_SZ",
    RegistryType.BINARY: "REG_BINARY",
    RegistryType.DWORD: "REG_DWORD",
    RegistryType.MULTI_STRING: "REG_MULTI_SZ",
    RegistryType.QWORD: "REG_QWORD",
}


def reboot_wait(context: Context) -> Wait:
    """The reboot that a change made now waits for, if Windows reads the value at boot; raises FactsNeeded."""
    return Wait("reboot", since=context.now, age=context.facts[OperatingSystemFact()].uptime)


def still_waits(wait: Wait, context: Context) -> bool:
    """True if the reboot, or the restart of DNS, has not come since; raises FactsNeeded."""
    if wait.event == "dns_restart":
        return dns_restart.still_waits(wait, context)
    return not wait.is_over(now=context.now, age=context.facts[OperatingSystemFact()].uptime)


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One registry value that is kept. All its methods raise FactsNeeded, and PlanError for a value of another type."""

    fact: RegistryFact
    entry_name: str
    """Of the journal's entry."""
    reader: str
    """The program that reads it, with the verb: ``Windows reads``."""
    shown: t.Callable[[RegistryReading], t.Mapping[str, t.Any]]
    """A reading in the user's words."""
    wait: t.Callable[[Context], Wait | None]
    """The event that a change made now waits for."""
    pending: t.Callable[[Context], Effectiveness]
    """The effectiveness right after a change."""
    foreign: Effectiveness
    """The effectiveness if another program wrote the value."""
    still_waits: t.Callable[[Wait, Context], bool] = still_waits
    """True if the event that an earlier change waits for has not come yet."""
    is_always_confirmed: bool = False
    """Its absence is confirmed even if nothing changes."""

    # --- reading -----------------------------------------------------------------------------------------------------

    def as_read(self, context: Context) -> RegistryReading:
        """The value as it was read; names of its key that are known already, without it, are an answer too."""
        names = RegistryNamesFact(self.fact.key)
        if self.fact not in context.facts and names in context.facts and not self.is_listed(context):
            return Absent.VALUE
        return context.facts[self.fact]

    def is_listed(self, context: Context) -> bool:
        """True if the key's list of names has it."""
        names = context.facts[RegistryNamesFact(self.fact.key)]
        wanted = self.fact.name.casefold()
        return not isinstance(names, Absent) and any(name.casefold() == wanted for name, _type in names)

    def reading(self, context: Context) -> RegistryReading:
        """The value, with a missing key counted as a missing value.

        Raises:
            PlanError: it has another type than its reader takes; we don't overwrite what we don't understand.
        """
        reading = self.as_read(context)
        if isinstance(reading, Absent):
            if self.is_always_confirmed:
                self._confirm_absence(context)
            return Absent.VALUE
        if reading.type is not self.fact.type:
            raise PlanError(
                rf"HKLM\{self.fact.key}\{self.fact.name}",
                f"its type is {REGISTRY_NAMES[reading.type]}, {self.reader} only {REGISTRY_NAMES[self.fact.type]}",
                "Somebody wrote it by mistake: note what it holds, delete it and run again",
            )
        return reading

    @property
    def unconfirmed(self) -> Setting:
        """The same with its absence taken for granted: a look before what is asked next is known."""
        return dataclasses.replace(self, is_always_confirmed=False)

    def as_list(self, context: Context) -> PortList:
        """The value as a list of ports."""
        return PortList(texts(self.reading(context)))

    def entry(self, context: Context) -> Entry | None:
        """The journal's entry."""
        return context.entry(self.entry_name)

    # --- changing ----------------------------------------------------------------------------------------------------

    def part(
        self,
        target: RegistryReading,
        context: Context,
        *,
        added: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
    ) -> Part:
        """The value as it should be; ``added`` is what the journal then says that we added."""
        reading = self.reading(context)
        if reading == target:
            shown = self.shown(reading)
            return Part(self.entry_name, shown, shown, warnings=warnings, reading=reading, target=reading)
        if self.as_read(context) is Absent.VALUE:
            self._confirm_absence(context)
        known = self.entry(context)
        entry = Entry(
            original=known.original if known else state_of(reading),
            written=state_of(target),
            added=added,
            wait=self.wait(context),
        )
        return self._changed(reading, target, entry, warnings)

    def list_part(self, wanted: PortList, context: Context, *, warnings: tuple[str, ...] = ()) -> Part:
        """A list of ports as it should be: absent again if it was so before our first change and nothing is left."""
        current, known = self.as_list(context), self.entry(context)
        if wanted == current:
            return self.part(self.reading(context), context, warnings=warnings)
        is_gone = not wanted.entries and known is not None and known.original is None
        target = Absent.VALUE if is_gone else RegistryValue(RegistryType.MULTI_STRING, wanted.entries)
        earlier = PortList(known.added).ports if known else PortSet()
        added = (earlier | (wanted.ports - current.ports)) & wanted.ports
        return self.part(target, context, added=tuple(added.texts()), warnings=warnings)

    # --- taking back -------------------------------------------------------------------------------------------------

    def undone(self, context: Context) -> Part | None:
        """The value taken back as a whole; ``None`` if the journal knows nothing of it."""
        entry = self.entry(context)
        if entry is None:
            return None
        reading = self.reading(context)
        return self._taken_back(reading, undone_value(self.fact, reading, entry))

    def list_undone(self, asked: PortSet, context: Context, *, along: PortSet = NO_PORTS) -> Part | None:
        """Our part of ``asked`` taken out; ``along``: ports that go with the last of the others."""
        entry = self.entry(context)
        if entry is None:
            return None
        reading = self.reading(context)
        return self._taken_back(reading, undone_list(self.fact, reading, entry, asked, along=along))

    # --- in force or not ---------------------------------------------------------------------------------------------

    def waits(self, context: Context) -> bool:
        """True if an earlier change of ours is not in force yet."""
        entry = self.entry(context)
        return bool(entry and entry.wait and self.still_waits(entry.wait, context))

    def effectiveness(self, part: Part, context: Context) -> Effectiveness:
        """The effectiveness after this part of a plan."""
        if part.steps:
            return self.pending(context)
        entry = self.entry(context)
        if entry is None or entry.written != state_of(part.reading):
            return self.foreign
        return self.pending(context) if self.waits(context) else EFFECTIVE

    def effectiveness_of_undo(self, part: Part | None, context: Context) -> Effectiveness:
        """The effectiveness once the value is taken back."""
        return self.pending(context) if part and part.steps else EFFECTIVE

    # --- shared ------------------------------------------------------------------------------------------------------

    def _changed(
        self, reading: RegistryReading, target: RegistryReading, entry: Entry | None, warnings: tuple[str, ...]
    ) -> Part:
        return Part(
            self.entry_name,
            before=self.shown(reading),
            after=self.shown(target),
            steps=(self._step(target),) if target != reading else (),
            journal={self.entry_name: entry},
            warnings=warnings,
            reading=reading,
            target=target,
        )

    def _taken_back(self, reading: RegistryReading, undone: Undo) -> Part:
        return self._changed(reading, undone.target, undone.entry, undone.warnings)

    def _step(self, target: RegistryReading) -> Step:
        """The step after which the value reads so."""
        if isinstance(target, Absent):
            return DeleteValue(self.fact)
        return WriteValue(self.fact.key, self.fact.name, target)

    def _confirm_absence(self, context: Context) -> None:
        """Ask once more by listing the key: return code 1 alone is not proven to mean 'absent' on every release."""
        if self.is_listed(context):
            raise PlanError(
                rf"HKLM\{self.fact.key}\{self.fact.name}",
                "Windows lists the value but does not give its content",
                "Look at it with regedit; nothing was overwritten",
            )
