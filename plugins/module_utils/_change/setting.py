# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting: one registry value; how it is read, compared, written, journalled, taken back and judged, once."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import dns_restart
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    Shares,
    Taken,
    claimed_whole,
    is_meant,
    owners_of,
    port_shares,
    stays,
    taken_back,
    whole_after,
    whole_owners,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NO_PORTS,
    Context,
    Contradiction,
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
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import (
    ListState,
    PortList,
    changed_list,
    list_warnings,
)
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


class Setting(t.NamedTuple):
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
    is_strict: bool = False
    """Of its list of ports only entries ``n-m`` count that no other one touches (KB812873)."""
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
        return self._replace(is_always_confirmed=False)

    def as_list(self, context: Context) -> PortList:
        """The value as a list of ports."""
        return PortList(texts(self.reading(context)))

    def wanted_list(self, asked: PortSet, state: ListState, context: Context) -> PortList:
        """The list that ``state`` asks for; what others need is not taken away, but by ``pure``."""
        if state == "absent":
            asked = asked - port_shares(context.known(self.entry_name)).of_others(context.owner)
        return changed_list(self.as_list(context), state, asked, strict=self.is_strict)

    def entry(self, context: Context) -> Entry | None:
        """The journal's entry."""
        return context.entry(self.entry_name)

    # --- changing ----------------------------------------------------------------------------------------------------

    def part(self, target: RegistryReading, context: Context, *, added: tuple[str, ...] = ()) -> Part:
        """The value as it should be; ``added`` is what the journal then says that we added."""
        reading, known = self.reading(context), context.known(self.entry_name)
        if reading == target:
            return self._unchanged(reading, claimed_whole(known, state_of(reading), context.owner))
        return self._written(target, context, added, whole_after(known, context.owner))

    def list_part(self, asked: PortSet, state: ListState, context: Context, *, along: PortSet = NO_PORTS) -> Part:
        """A list of ports as it should be: absent again if it was so before our first change and nothing is left.

        ``along`` are ports that are to be there too for the sake of others; they get no owner.
        """
        current, known = self.as_list(context), context.known(self.entry_name)
        wanted, earlier = self.wanted_list(asked | along, state, context), port_shares(known)
        # What was there before us is no part of ours.
        added = (earlier.added | (wanted.ports - current.ports)) & wanted.ports if wanted != current else earlier.added
        claimed, released = (NO_PORTS, asked) if state == "absent" else (asked & wanted.ports, NO_PORTS)
        shares = earlier.changed(added, context.owner, claimed=claimed, released=released)
        sentences = _said(self.fact.name, asked, state, earlier, context.owner)
        warnings = list_warnings(self.fact.name, current, wanted, state)
        owners = {owner: ports.texts() for owner, ports in shares.owners.items()}
        if wanted == current:
            left = known and known._replace(owners=owners_of(owners, whole_owners(known)))
            part = self._unchanged(self.reading(context), left)
        else:
            is_gone = not wanted.entries and known is not None and known.original is None
            target = Absent.VALUE if is_gone else RegistryValue(RegistryType.MULTI_STRING, wanted.entries)
            takes_others = state == "pure" or bool(current.ports - wanted.ports - earlier.added)
            whole = whole_owners(known) | ({context.owner} - {""} if takes_others else frozenset())
            part = self._written(target, context, tuple(shares.added.texts()), owners_of(owners, whole))
        return part._replace(warnings=warnings, kept=sentences)

    # --- taking back -------------------------------------------------------------------------------------------------

    def undone(self, context: Context, *, is_named: bool = True) -> Part | None:
        """The value taken back as a whole; ``None`` if the journal knows nothing of it that is to be taken back."""
        entry = self.entry(context)
        if entry is None or not is_meant(entry, context, is_named=is_named):
            return None
        reading, others = self.reading(context), entry.needed_by_others(context.owner)
        if others:
            part = self._unchanged(reading, entry.with_owner(context.owner, ()))
            return part._replace(kept=(stays(self.fact.name, others),))
        return self._taken_back(reading, entry, undone_value(self.fact, reading, entry), context)

    def list_undone(
        self, named: t.Callable[[], PortSet] | None, context: Context, *, along: PortSet = NO_PORTS
    ) -> Part | None:
        """Our part of the list taken out, as far as the owner has it or it is named (``None``: nothing is).

        ``along``: ports that go with the last of the others.
        """
        entry = self.entry(context)
        if entry is None:
            return None
        taken = taken_back(port_shares(entry), context, named or (lambda: NO_PORTS), along)
        is_meant = context.owner in entry.owners or bool(taken.going) or not entry.owners
        if not is_meant or (named is None and context.owner not in entry.owners):
            return self._said_to_stay(taken, context) if taken.needed_by else None
        reading = self.reading(context)
        undone = undone_list(self.fact, reading, entry, taken.going, _entry_left(entry, taken, context.owner))
        part = self._taken_back(reading, entry, undone, context)
        return part._replace(kept=self._stay(taken))

    def _said_to_stay(self, taken: Taken[PortSet], context: Context) -> Part:
        return self._unchanged(self.reading(context), None)._replace(kept=self._stay(taken))

    def _stay(self, taken: Taken[PortSet]) -> tuple[str, ...]:
        return _sentences(self.fact.name, taken.kept, taken.needed_by)

    def _taken_back(self, reading: RegistryReading, entry: Entry, undone: Undo, context: Context) -> Part:
        """The entry keeps what the change waits for; one that is taken back as a whole only until a reboot of ours."""
        left = undone.entry
        if left is None:
            left = self._waiting(reading, entry, undone.target, context)
        elif undone.target != reading:
            left = left._replace(wait=self.wait(context))
        return self._changed(reading, undone.target, left, undone.warnings)

    def _waiting(
        self, reading: RegistryReading, entry: Entry, target: RegistryReading, context: Context
    ) -> Entry | None:
        """A note that the reboot is still to come, so that the next run knows it if this one is killed before it."""
        if not (context.owner and (context.may_reboot or entry.is_taken_back)) or state_of(target) != entry.original:
            return None
        if not self.pending(context).reboot_required:
            return None
        wait = self.wait(context) if target != reading else entry.wait
        if wait is None or (target == reading and not self.still_waits(wait, context)):
            return None
        return Entry(entry.original, entry.original, wait=wait, owners={context.owner: ()})

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
        return self.pending(context) if part and part.is_due else EFFECTIVE

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

    def _unchanged(self, reading: RegistryReading, entry: Entry | None) -> Part:
        """The value stays; ``entry`` is how the journal's entry becomes, ``None`` for no change of it."""
        shown = self.shown(reading)
        journal = {self.entry_name: entry} if entry else {}
        return Part(self.entry_name, shown, shown, journal=journal, reading=reading, target=reading)

    def _written(
        self,
        target: RegistryReading,
        context: Context,
        added: tuple[str, ...],
        owners: t.Mapping[str, tuple[str, ...]],
    ) -> Part:
        if self.as_read(context) is Absent.VALUE:
            self._confirm_absence(context)
        reading, known = self.reading(context), context.known(self.entry_name)
        entry = Entry(
            original=known.original if known else state_of(reading),
            written=state_of(target),
            added=added,
            wait=self.wait(context),
            owners=owners,
        )
        return self._changed(reading, target, entry, ())

    def _step(self, target: RegistryReading) -> Step:
        """The step after which the value reads so."""
        if isinstance(target, Absent):
            return DeleteValue(self.fact)
        return WriteValue(self.fact.key, self.fact.name, target)

    def _confirm_absence(self, context: Context) -> None:
        """Ask once more by listing the key: return code 1 alone is not proven to mean 'absent' on every release."""
        if self.is_listed(context):
            raise Contradiction(
                rf"HKLM\{self.fact.key}\{self.fact.name}",
                "Windows lists the value but does not give its content",
                "Look at it with regedit; nothing was overwritten",
                (self.fact, RegistryNamesFact(self.fact.key)),
            )


def _entry_left(entry: Entry, taken: Taken[PortSet], owner: str) -> Entry | None:
    """The entry after an undo, before the value is looked at; ``None`` if nothing of ours is left."""
    left = taken.left
    whole = whole_owners(entry) - (frozenset() if left.of(owner) else {owner})
    if not left.added and not whole:
        return None
    owners = owners_of({name: ports.texts() for name, ports in left.owners.items()}, whole)
    return entry._replace(added=tuple(left.added.texts()), owners=owners)


def _said(name: str, asked: PortSet, state: ListState, shares: Shares[PortSet], owner: str) -> tuple[str, ...]:
    """The parts that state absent leaves because others need them, in words."""
    if state != "absent":
        return ()
    return _sentences(name, asked & shares.of_others(owner), shares.needing(asked, owner))


def _sentences(name: str, kept: PortSet, needed_by: tuple[str, ...]) -> tuple[str, ...]:
    return (stays(f"{kept} in {name}", needed_by),) if needed_by else ()
