# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journals of two runs that changed one server at the same time, as one.

Both began from the same journal, the base. Each has added parts to its entries, and taken parts out.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    Entry,
    Journal,
    State,
    merged,
    state_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import VALUES, WHOLE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Facts

Changes: t.TypeAlias = "t.Mapping[str, Entry | None]"
"""Entries as a run has left them, by name; ``None`` for one that it removed."""
NO_ENTRY: t.Final = Entry(original=None, written=None)


class Mine(t.NamedTuple):
    """What one run has changed: entries on top of a base, in the name of some owners.

    A run takes out parts of its own owners alone. If it left out a part of another one, it did not see it in the
    setting, where that owner's run may just be writing it.
    """

    base: Journal
    changes: Changes
    owners: t.Collection[str]
    stopped: t.Container[str] = ()
    """Services that it noted as stopped, and has started since."""

    def is_in(self, journal: Journal) -> bool:
        """True if a journal has all that was added to the base, and nothing that was taken out of it."""
        return all(
            self._is_in(journal.entries.get(name, NO_ENTRY), self.base.entries.get(name, NO_ENTRY), entry)
            for name, entry in self.changes.items()
        )

    def _is_in(self, theirs: Entry, base: Entry, mine: Entry | None) -> bool:
        if mine is None:
            return theirs is NO_ENTRY or (theirs != base and not any(map(theirs.owners.get, self.owners)))
        is_whole = any(WHOLE in mine.owners.get(owner, ()) for owner in self.owners)
        has_all = theirs is not NO_ENTRY and set(mine.added) <= set(theirs.added)
        return (
            has_all
            and (not is_whole or theirs.written == mine.written)
            and all(set(parts) <= set(theirs.owners.get(owner, ())) for owner, parts in mine.owners.items())
            and not any(self._taken(base, mine, owner) & set(theirs.owners.get(owner, ())) for owner in self.owners)
        )

    def _taken(self, base: Entry, mine: Entry, owner: str) -> set[str]:
        return set(base.owners.get(owner, ())) - set(mine.owners.get(owner, ()))

    def on_top_of(self, theirs: Journal) -> Journal:
        """Another run's journal with the changes of this one.

        What both did to the same registry value is left as the other run has it: this run is then planned anew, as if
        it had come after the other one (see ``view_of``).
        """
        entries = {name: self._on_top(name, theirs, entry) for name, entry in self.changes.items()}
        still_stopped = tuple(name for name in theirs.stopped if name not in self.stopped)
        return dataclasses.replace(theirs.changed(entries), stopped=still_stopped, writes=theirs.writes + 1)

    def _on_top(self, name: str, theirs: Journal, mine: Entry | None) -> Entry | None:
        other, former = theirs.entries.get(name), self.base.entries.get(name)
        if other == former:
            # The other run may have written back what this one took out: with the entry, an undo looks again.
            return other if name in VALUES and _only_takes(former, mine) else mine
        if mine is not None and other is not None and other.original == mine.written != mine.original:
            # The other run found the value as this one had written it.
            return merged(other, mine)
        if mine is None or name in VALUES:
            return other
        before = former or NO_ENTRY
        ours = _without(mine, {owner: _gone(before, other or NO_ENTRY, owner) for owner in before.owners})
        if other is None:
            return ours if ours.added or ours.owners else None
        return merged(ours, _without(other, {owner: self._taken(before, mine, owner) for owner in self.owners}))


def _only_takes(former: Entry | None, mine: Entry | None) -> bool:
    """True if a run has taken parts out of an entry, and added none."""
    if former is None or mine is None:
        return former is not None
    known = [set(mine.added) <= set(former.added)]
    known += [set(parts) <= set(former.owners.get(owner, ())) for owner, parts in mine.owners.items()]
    return all(known) and (mine.added, mine.owners) != (former.added, former.owners)


def _gone(base: Entry, other: Entry, owner: str) -> set[str]:
    return set(base.owners[owner]) - set(other.owners.get(owner, ()))


def _without(entry: Entry, taken: t.Mapping[str, set[str]]) -> Entry:
    """An entry without some parts of some owners; a part goes with the last owner that needs it."""
    owners = {
        owner: tuple(part for part in parts if part not in taken.get(owner, ()))
        for owner, parts in entry.owners.items()
    }
    needed = {part for parts in owners.values() for part in parts}
    gone = {part for parts in taken.values() for part in parts} - needed
    return entry._replace(
        added=tuple(part for part in entry.added if part not in gone),
        owners={owner: parts for owner, parts in owners.items() if parts},
    )


def is_disputed(name: str, theirs: Journal, base: Journal) -> bool:
    """True if the other run has changed this entry, too."""
    return theirs.entries.get(name) != base.entries.get(name)


def view_of(name: str, theirs: Journal, base: Journal, found: State) -> State:
    """A registry value as the other run has left it; ``found`` is how this run found it before its first write."""
    other, former = theirs.entries.get(name), base.entries.get(name)
    if other is not None:
        return other.written
    return former.original if former is not None else found


def forgotten(current: Journal, former: Journal, owners: t.Collection[str]) -> dict[str, Entry | None]:
    """The entries of a journal with the parts that these owners had in a former one, where it lacks any of them."""
    found: dict[str, Entry | None] = {}
    for name, entry in former.entries.items():
        known, owned = current.entries.get(name), {o: parts for o, parts in entry.owners.items() if o in owners}
        if not owned or (known is not None and all(owner in known.owners for owner in owned)):
            continue
        needed = {part for parts in owned.values() for part in parts}
        added = tuple(part for part in entry.added if part in needed)
        mine = entry._replace(added=added, owners=owned)
        found[name] = mine if known is None else merged(known, mine)
    return found


def is_unlike(name: str, known: Entry, mine: Entry | None, facts: Facts, owners: t.Collection[str]) -> bool:
    """True if a setting, as it was read, may not be as the journal says that a run has written it.

    That shows in a registry value itself. Of other things it shows if a run for ``owners`` misses parts of others.
    """
    fact = VALUES.get(name)
    if fact is not None:
        return fact in facts and state_of(facts[fact]) != known.written
    left = mine.owners if mine is not None else {}
    others = {owner: parts for owner, parts in known.owners.items() if owner not in owners}
    return any(set(parts) - set(left.get(owner, ())) for owner, parts in others.items())
