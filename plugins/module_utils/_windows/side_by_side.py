# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of several controllers on one server at the same time: each notices the others, and merges what they did.

The registry has no write that depends on what is there. So a run announces first how it is going to leave the journal,
in a value that the next one overwrites. Then it reads the journal again: what another run had changed before, it sees
there. After its last write it reads the announcement again: a run that began later stands there, with all that this one
may have overwritten. So of two runs at least one notices the other, and goes on until the journal and the values have
the changes of both. docs/journal.md says what remains.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    Entry,
    Journal,
    dump,
    reading_of,
    state_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import VALUES
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    DeleteValue,
    Step,
    WriteJournal,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.journal_merge import (
    Changes,
    Mine,
    forgotten,
    is_disputed,
    is_unlike,
    view_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.journal_steps import (
    journal_of,
    refuse_oversize,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Facts,
    RegistryFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import BEGUN_FACT, JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import Answers
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.registry import Registry
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import WsmanError

MOST_MEETINGS: t.Final = 20
"""Times that a run begins again because another one changed the same server meanwhile."""


class Overtaken(Exception):
    """Another run has changed the journal since it was read."""


class _Met(t.NamedTuple):
    """What a run sees of another one that it has met."""

    head: Journal
    """The journal that this run's changes come on top of."""
    journals: tuple[Journal, ...]
    """The announced one, and the one that is there."""
    is_mine: bool
    """Whether the one that is there is this run's own."""
    values: dict[RegistryFact, RegistryReading]
    """The values in dispute, as they were read."""


class SideBySide:
    """What one run has changed so far, and what others did meanwhile."""

    def __init__(self, target: Target, request: Request) -> None:
        self._registry = target.registry
        self._owners, self._takes_back = request.owners, request.undo
        self._base: Journal | None = None
        """The journal that the changes come on top of; ``None`` before the first change."""
        self._changes: dict[str, Entry | None] = {}
        self._stopped: set[str] = set()
        self._found: dict[RegistryFact, RegistryReading] = {}
        """Values as they were before this run's first write."""
        self._written: dict[RegistryFact, RegistryReading] = {}
        self._journal: RegistryReading = Absent.VALUE
        """The journal as this run read it, or wrote it."""
        self._is_mine = False
        """Whether this run wrote it last, as far as it knows."""
        self._head: Journal | None = None
        """The journal of another run that it has this one's changes on top of."""
        self._first: Journal | None = None
        """The journal as this run read it first."""
        self._announced: str | None = None
        self._seen: RegistryReading = Absent.VALUE
        """The announcement as it was read last."""
        self._looked_at: Journal | None = None
        self._merged: Journal | None = None
        """The journal to be written first, after a meeting with another run."""
        self._pretended: dict[RegistryFact, RegistryReading] = {}

    @property
    def has_changed(self) -> bool:
        """True if this run has written anything but its announcement."""
        return self._base is not None

    # --- before the first write, and with each ------------------------------------------------------------------------

    def begin(self, planned: Convergence, facts: Facts) -> None:
        """Announce the changes, and read the journal again.

        Raises:
            Overtaken: another run has changed it; nothing of this plan has been written.
        """
        if JOURNAL_FACT not in facts:
            return
        if self._merged is None:
            self._expect(facts[JOURNAL_FACT])
        if facts[JOURNAL_FACT] is Absent.KEY:
            self._registry.create_key(BEGUN_FACT.key)
        known = journal_of(facts[JOURNAL_FACT])
        self._first = self._first or known
        writes = [step.journal for step in planned.steps if isinstance(step, WriteJournal)]
        self._announce(dump(writes[-1] if writes else known))
        changes = {name: entry for plan in planned.plans for name, entry in plan.journal.items()}
        if _plain(self._read(JOURNAL_FACT)) != _plain(self._journal) or self._looks_again(known, changes, facts):
            raise Overtaken
        if self._base is None or self._merged is not None:
            self._base = self._head if self._merged is not None else known
            self._changes = {name: known.entries.get(name) for name in self._changes}
        self._changes.update(changes)
        self._take_for_granted(changes, facts)
        self._stopped.update(name for journal in writes for name in journal.stopped)

    def _take_for_granted(self, changes: Changes, facts: Facts) -> None:
        """Remember the values that entries rest on though this run writes none of them: another one may take them."""
        for name, entry in changes.items():
            fact = VALUES.get(name)
            if entry is not None and fact is not None and fact in facts and fact not in self._pretended:
                self._found.setdefault(fact, facts[fact])
                self._written.setdefault(fact, facts[fact])

    def _looks_again(self, journal: Journal, changes: Changes, facts: Facts) -> bool:
        """True, once for each journal, if a setting is not as the journal says that a run has written it.

        That run may have been about to write it when this one read it. By now it has written, or it is going to see the
        announcement.
        """
        is_new = self._looked_at != journal
        self._looked_at = journal
        return is_new and any(
            name in journal.entries and is_unlike(name, journal.entries[name], entry, facts, self._owners)
            for name, entry in changes.items()
        )

    def _expect(self, reading: RegistryReading) -> None:
        if _plain(reading) != _plain(self._journal):
            self._journal, self._is_mine = reading, False

    def note(self, step: Step, facts: Facts, learnt: t.Mapping[t.Any, t.Any]) -> None:
        """Remember what a step has written; ``facts`` are those before it."""
        if isinstance(step, WriteJournal):
            self._journal, self._is_mine = learnt[JOURNAL_FACT], True
            return
        written = _written_by(step)
        if written is not None:
            fact, reading = written
            if fact in facts and fact not in self._pretended:
                self._found.setdefault(fact, facts[fact])
            self._written[fact] = reading

    def steps(self, planned: Convergence) -> tuple[Step, ...]:
        """The steps of a plan; after a meeting also those that the plan takes for granted."""
        if self._merged is None:
            return planned.steps
        body = () if any(plan.is_event for plan in planned.plans) else planned.steps
        touched = {written[0] for step in body if (written := _written_by(step)) is not None}
        back = [_write(fact, value) for fact, value in self._pretended.items() if fact not in touched]
        return (WriteJournal(self._merged), *back, *body)

    # --- after the last write -----------------------------------------------------------------------------------------

    @property
    def has_to_write(self) -> bool:
        """True after a meeting with a run that knows nothing of this one's changes."""
        return self._merged is not None

    def met(self) -> bool:
        """True if another run has begun since this one announced itself."""
        if self._announced is not None:
            self._seen = self._read(BEGUN_FACT)
            if self._seen != _text(self._announced):
                return True
        self._merged, self._pretended = None, {}
        return False

    def meeting(self, facts: Facts) -> Facts:
        """The server as another run has left it: what is known of it, beside ``facts``.

        Values that this run has overwritten are given as the other one wrote them: planned anew on that, both changes
        are there in the end.
        """
        base = self._base or Journal()
        mine = Mine(base, self._changes, self._owners, self._stopped)
        met = self._look(base)
        self._merged = None
        if not met.is_mine and not self._pretended and all(map(mine.is_in, met.journals)):
            return facts
        self._merged, self._head = mine.on_top_of(met.head), met.head
        refuse_oversize(self._merged)
        known: Answers = {JOURNAL_FACT: _text(dump(self._merged))}
        known.update(met.values.items())
        known.update(self._pretended.items())
        known.update(self._names().items())
        return facts.extended(known)

    def _look(self, base: Journal) -> _Met:
        """The journals of a meeting and the values in dispute.

        The announcement is read again after the values: the other run may have announced itself anew before it wrote
        them, and the first announcement says nothing of that.
        """
        for _look in range(MOST_MEETINGS):
            announced, found = self._seen, self._read(JOURNAL_FACT)
            is_mine = self._is_mine and _plain(found) == _plain(self._journal)
            theirs, current = journal_of(announced), journal_of(found)
            self._journal, self._is_mine = found, False
            journals = (current,) if isinstance(announced, Absent) else (theirs, current)
            # One that began from an older state than this run is going to read the journal again, and to begin anew.
            is_older = theirs.writes <= base.writes and not isinstance(announced, Absent)
            head = current if not is_mine or is_older else theirs
            values = self._views(head, base)
            self._seen = self._read(BEGUN_FACT) if values else announced
            if self._seen == announced:
                return _Met(head, journals, is_mine, values)
            self._is_mine = is_mine
        raise never_alone(self._registry.host)

    def overtaken(self, facts: Facts) -> Facts:
        """What is known of the server, beside ``facts``, if another run came before the first change of this one.

        What this run takes back, and that other one only forgot, is put into the journal again: it is still there.
        """
        found = self._read(JOURNAL_FACT)
        current = journal_of(found)
        self._journal, self._is_mine = found, False
        whole = current.changed(forgotten(current, self._first or Journal(), self._owners))
        if not self._takes_back or whole == current:
            self._merged = None
            return facts.extended({JOURNAL_FACT: found})
        self._merged, self._head = whole, current
        return facts.extended({JOURNAL_FACT: _text(dump(whole))})

    def _views(self, head: Journal, base: Journal) -> dict[RegistryFact, RegistryReading]:
        """The values that this run may have overwritten, as they are now.

        One that is as this run left it counts as the other run wrote it, or is going to: so it is pretended.
        """
        read: dict[RegistryFact, RegistryReading] = {}
        self._pretended = {}
        for name, fact in VALUES.items():
            if fact not in self._written or not is_disputed(name, head, base):
                continue
            written = _plain(self._written[fact])
            view = reading_of(view_of(name, head, base, state_of(self._found.get(fact, Absent.VALUE))))
            if view == written:
                continue
            read[fact] = _plain(self._read(fact))
            if read[fact] == written:
                self._pretended[fact] = view
        return read

    def _names(self) -> dict[RegistryNamesFact, tuple[tuple[str, int], ...]]:
        """The names of the keys in which the other run has left a value out; its absence is confirmed by them."""
        absent = [fact for fact, reading in self._pretended.items() if isinstance(reading, Absent)]
        listed = {key: self._registry.names(key) for key in dict.fromkeys(fact.key for fact in absent)}
        gone = {(fact.key, fact.name.casefold()) for fact in absent}
        return {
            RegistryNamesFact(key): tuple((name, kind) for name, kind in names if (key, name.casefold()) not in gone)
            for key, names in listed.items()
            if not isinstance(names, Absent)
        }

    # --- at the end ---------------------------------------------------------------------------------------------------

    def tidy(self) -> None:
        """Without a journal nothing of ours stays; the key does if it holds anything else."""
        if isinstance(self._journal, Absent) and self._announced is not None:
            self.remove_keys()

    def remove_keys(self) -> None:
        """Delete our keys, as far as nothing is in them."""
        _remove_keys(self._registry)

    def withdraw(self, journal: Journal | None = None) -> None:
        """After a refusal: put a journal back, and leave no announcement that another run would carry out."""
        if self._announced is None:
            return
        with contextlib.suppress(WindowsError, WsmanError):
            if journal is not None:
                self.put(journal)
            if not self.met():
                self._journal = self._read(JOURNAL_FACT)
                self._announce(dump(journal_of(self._journal)))
                self.tidy()

    def put(self, journal: Journal) -> None:
        """Write the journal after a failure, unless another run has written it since: that one has its own then."""
        if _plain(self._read(JOURNAL_FACT)) == _plain(self._journal):
            self._write_journal(journal)

    # --- the registry -------------------------------------------------------------------------------------------------

    def _read(self, fact: RegistryFact) -> RegistryReading:
        return _read(self._registry, fact)

    def _write_journal(self, journal: Journal) -> None:
        self._journal, self._is_mine = _write_journal(self._registry, journal), True

    def _announce(self, text: str) -> None:
        _write_text(self._registry, BEGUN_FACT, text)
        self._announced = text


def rewrite_journal(registry: Registry, rewritten: t.Callable[[RegistryReading], Journal | None]) -> None:
    """Write the journal anew from its reading, by itself; ``None`` from ``rewritten`` leaves it as it is.

    Raises:
        WindowsError: Windows refused, or other runs never leave it alone.
    """
    found = _read(registry, JOURNAL_FACT)
    for _meeting in range(MOST_MEETINGS):
        journal = rewritten(found)
        if journal is None:
            return
        _write_text(registry, BEGUN_FACT, dump(journal))
        again = _read(registry, JOURNAL_FACT)
        if _plain(again) != _plain(found):
            found = again
            continue
        written = _write_journal(registry, journal)
        announced = _read(registry, BEGUN_FACT)
        if announced == _text(dump(journal)):
            if journal.is_empty:
                _remove_keys(registry)
            return
        now = _read(registry, JOURNAL_FACT)
        found = announced if _plain(now) == _plain(written) else now
    raise never_alone(registry.host)


def never_alone(host: str) -> WindowsError:
    """The error of a run that other runs never leave alone."""
    return WindowsError(
        host=host,
        operation="change",
        target="the settings of this server",
        meaning=f"other runs have changed them {MOST_MEETINGS} times while this one worked",
        advice="let one controller at a time work on this server, and run this again",
    )


def _read(registry: Registry, fact: RegistryFact) -> RegistryReading:
    return registry.read(fact.key, fact.name, fact.type)


def _write_text(registry: Registry, fact: RegistryFact, text: str) -> RegistryValue:
    value = _text(text)
    registry.write(fact.key, fact.name, value)
    return value


def _write_journal(registry: Registry, journal: Journal) -> RegistryReading:
    """Write the journal, or remove an empty one; gives how it reads then."""
    if not journal.is_empty:
        return _write_text(registry, JOURNAL_FACT, dump(journal))
    registry.delete_value(JOURNAL_FACT.key, JOURNAL_FACT.name)
    return Absent.VALUE


def _remove_keys(registry: Registry) -> None:
    """Delete our keys, as far as nothing is in them."""
    registry.delete_key(BEGUN_FACT.key)
    registry.delete_key_if_empty(JOURNAL_FACT.key)


def _text(text: str) -> RegistryValue:
    return RegistryValue(RegistryType.STRING, text)


def _plain(reading: RegistryReading) -> RegistryReading:
    """A reading with a missing key counted as a missing value."""
    return Absent.VALUE if isinstance(reading, Absent) else reading


def _written_by(step: Step) -> tuple[RegistryFact, RegistryReading] | None:
    """The registry value that a step writes, and as what it then reads."""
    if isinstance(step, WriteValue):
        return RegistryFact(step.key, step.name, step.value.type), step.value
    return (step.fact, Absent.VALUE) if isinstance(step, DeleteValue) else None


def _write(fact: RegistryFact, reading: RegistryReading) -> Step:
    """The step after which a value reads so."""
    return DeleteValue(fact) if isinstance(reading, Absent) else WriteValue(fact.key, fact.name, reading)
