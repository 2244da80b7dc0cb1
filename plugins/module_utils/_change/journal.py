# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: what we know about our own changes, kept on the server as one REG_SZ value of versioned JSON.

Controllers come and go, so the server itself remembers, per resource: the original state, what we added and for whom,
what we last wrote, and what that waits for. It is data from the server: the schema is checked and the size capped, and
key names, value names and types never come from it.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import (
    HIGHEST_PROCESS_ID,
    LATEST,
    OWNER_NAME,
    Misshapen,
    check_entry,
    is_number,
    is_service,
    is_whole_number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryReading,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT

JOURNAL_NAME: t.Final = (
    rf"the journal of portkeeper.windows on this server (HKLM\{JOURNAL_FACT.key}, {JOURNAL_FACT.name})"
)
RESET_ADVICE: t.Final = (
    rf"nothing was changed; reset it with: reg delete HKLM\{JOURNAL_FACT.key} /v {JOURNAL_FACT.name} /f (what earlier "
    "runs changed is then forgotten), or set portkeeper_journal: false to work without it"
)
"""Advice for a damaged journal: another program has written it."""
VERSION: t.Final = 2
"""Version 1 had no owners."""
_READABLE: t.Final = (1, VERSION)
MAXIMUM_SIZE: t.Final = 65_536
"""Characters; above what every resource together writes, and below what an envelope of Windows Server 2003 carries."""
MOST_WRITES: t.Final = 10**15
_LONGEST_INTEGER: t.Final = 20
_DEEPEST: t.Final = 6
"""Objects and lists in each other; ours have five."""
CLOCK_TOLERANCE: t.Final = 60.0
"""Seconds by which two clocks' differences may disagree before they mean something."""

State: t.TypeAlias = "str | int | t.Mapping[str, t.Any] | None"
"""A resource's state as JSON: ``None`` for absent, a start mode, or a registry value with its type."""
Event = t.Literal["reboot", "dns_restart", "service_restart"]


class JournalError(Exception):
    """The journal's text can't be used."""


class JournalTooNew(JournalError):
    """A newer release of this collection wrote it."""


class Wait(t.NamedTuple):
    """A change that is not in force before an event.

    ``since`` is the controller's clock when the change was made (t0, seconds since the epoch, UTC); ``age`` is the
    server's uptime then (u0, seconds), or for a restart of DNS 0, or the age of its process in a journal of before;
    ``process_id`` is the DNS server's process then.
    """

    event: Event
    since: float
    age: float
    process_id: int = 0

    def is_over(self, *, now: float, age: float, process_id: int = 0) -> bool:
        """True if the event has come: the process is another one, or is younger than it would be without the event.

        Only differences of times are compared, since the clocks of server and controller differ."""
        if self.process_id and process_id != self.process_id:
            return True
        return age + CLOCK_TOLERANCE < self.age + (now - self.since)


_NO_OWNERS: t.Final[t.Mapping[str, tuple[str, ...]]] = types.MappingProxyType({})


class Entry(t.NamedTuple):
    """Our changes to one object."""

    original: State
    written: State
    added: tuple[str, ...] = ()
    wait: Wait | None = None
    pending: tuple[str, ...] = ()
    """Pieces that must exist when a change that was begun is finished."""
    owners: t.Mapping[str, tuple[str, ...]] = _NO_OWNERS
    """Who needs which parts: some of ``added``, or the ``WHOLE``. What no owner has is of a journal of version 1."""

    @property
    def is_taken_back(self) -> bool:
        """True if no part of ours is left in the object: its last owner went, and it only waits for an event."""
        return bool(self.owners) and not any(self.owners.values()) and not self.added

    def needed_by_others(self, owner: str) -> tuple[str, ...]:
        """The other owners that need any part of it."""
        return tuple(sorted(other for other, parts in self.owners.items() if parts and other != owner))

    def with_owner(self, owner: str, parts: t.Iterable[str]) -> Entry:
        """This entry where an owner has just these parts; without any it is no owner. An empty name owns nothing."""
        others = {other: had for other, had in self.owners.items() if other != owner}
        mine = tuple(parts) if owner else ()
        return self._replace(owners={**others, owner: mine} if mine else others)


def merged(mine: Entry, theirs: Entry) -> Entry:
    """One entry of two that two runs made of the same object at once; ``mine`` is of the run that wrote last.

    All parts stay, each with all its owners. The original is the one that was there before both.
    """
    is_mine_older = theirs.original == mine.written != mine.original
    first, second = (mine, theirs) if is_mine_older else (theirs, mine)
    waits = [entry.wait for entry in (mine, theirs) if entry.wait]
    owners = sorted({*mine.owners, *theirs.owners})
    return Entry(
        original=_with_lines(first.original, second.original),
        written=_with_lines(mine.written, theirs.written),
        added=_together(theirs.added, mine.added),
        wait=max(waits, key=lambda wait: wait.since, default=None),
        pending=_together(theirs.pending, mine.pending),
        owners={name: _together(theirs.owners.get(name, ()), mine.owners.get(name, ())) for name in owners},
    )


def _with_lines(state: State, other: State) -> State:
    """A state with the lines of another that it lacks: a services file has one for each part."""
    if not isinstance(state, t.Mapping) or not isinstance(other, t.Mapping) or "lines" not in state:
        return state
    return {**state, "lines": {**other.get("lines", {}), **state["lines"]}}


def _together(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


@dataclasses.dataclass(frozen=True, slots=True)
class Journal:
    """All entries by name, and the services that a run stopped and had not yet started again, in start order."""

    entries: t.Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    stopped: tuple[str, ...] = ()
    writes: int = dataclasses.field(default=0, compare=False)
    """How often it was changed: of two that runs announce at once, it tells which one began from the older state."""

    def changed(self, changes: t.Mapping[str, Entry | None]) -> Journal:
        """This journal with some entries replaced, or removed where the change is ``None``."""
        merged = {**self.entries, **changes}
        return dataclasses.replace(self, entries={name: entry for name, entry in merged.items() if entry is not None})

    def without_waits(self, event: Event) -> Journal:
        """This journal after an event that we caused ourselves; what only waited for it is forgotten."""
        entries = {
            name: entry._replace(wait=None) if entry.wait and entry.wait.event == event else entry
            for name, entry in self.entries.items()
        }
        return dataclasses.replace(
            self, entries={name: entry for name, entry in entries.items() if entry.wait or not entry.is_taken_back}
        )

    @property
    def is_empty(self) -> bool:
        """True if no change of ours is left to remember."""
        return not self.entries and not self.stopped

    def waits_for(self, event: Event) -> bool:
        """True if any change waits for that event."""
        return any(entry.wait and entry.wait.event == event for entry in self.entries.values())


# --- registry values as JSON -----------------------------------------------------------------------------------------


def state_of(reading: RegistryReading) -> State:
    """A registry reading as journal state."""
    if isinstance(reading, Absent):
        return None
    data = list(reading.data) if isinstance(reading.data, tuple) else reading.data
    return {"type": int(reading.type), "data": data}


def reading_of(state: State) -> RegistryReading:
    """The registry reading that the state of a registry value stands for."""
    if state is None:
        return Absent.VALUE
    value = t.cast(t.Mapping[str, t.Any], state)
    data = value["data"]
    return RegistryValue(RegistryType(value["type"]), tuple(data) if isinstance(data, list) else data)


# --- text ------------------------------------------------------------------------------------------------------------


def dump(journal: Journal) -> str:
    """The journal as text, in a stable order, so that equal journals are equal texts."""
    content: dict[str, t.Any] = {
        "version": VERSION,
        "entries": {name: _entry_to_json(entry) for name, entry in sorted(journal.entries.items())},
    }
    if journal.stopped:
        content["stopped"] = list(journal.stopped)
    if journal.writes:
        content["writes"] = journal.writes
    return json.dumps(content, separators=(",", ":"), sort_keys=True)


def load_reading(reading: RegistryReading) -> Journal:
    """The journal from its registry value; an absent one is empty. Raises what ``load`` raises."""
    if isinstance(reading, Absent):
        return Journal()
    return load(reading.data if isinstance(reading.data, str) else repr(reading.data))


@functools.lru_cache(maxsize=2)
def load(text: str) -> Journal:
    """The journal from its text; each round of a plan asks for it again.

    Raises:
        JournalTooNew: its version is newer than this code.
        JournalError: it is too large, no JSON, or not of the schema.
    """
    content = _parse(text)
    version = content.get("version")
    if is_whole_number(version) and version > VERSION:
        raise JournalTooNew(f"it has version {version}, this release of portkeeper.windows knows {VERSION}")
    if not is_whole_number(version) or version not in _READABLE:
        raise JournalError("it has no version")
    entries = content.get("entries", {})
    if not isinstance(entries, dict):
        raise JournalError("its entries are no object")
    loaded = {name: _entry_from_json(name, entry, has_owners=version > 1) for name, entry in entries.items()}
    stopped = _texts(content.get("stopped", []))
    if not all(map(is_service, stopped)):
        raise JournalError("a stopped service has a name that can't be")
    writes = content.get("writes", 0)
    if not is_whole_number(writes) or not 0 <= writes <= MOST_WRITES:
        raise JournalError("its number of writes can't be")
    return Journal(loaded, stopped, writes)


def _parse(text: str) -> dict[str, t.Any]:
    if len(text) > MAXIMUM_SIZE:
        raise JournalError(f"it has {len(text)} characters, more than {MAXIMUM_SIZE}")
    try:
        content = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise JournalError("it is not JSON") from error
    if not isinstance(content, dict):
        raise JournalError("it is not a JSON object")
    _refuse_depth(content)
    return content


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise JournalError(f"it has a number of {len(text)} digits")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refused(text)


def _refused(text: str) -> t.NoReturn:
    raise JournalError(f"it has the number {text[:_LONGEST_INTEGER]}")


def _refuse_depth(content: t.Any) -> None:
    """Refuse a text that goes deeper than any entry of ours, and that could not be written again."""
    level = [content]
    for _depth in range(_DEEPEST):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    if level:
        raise JournalError(f"it is nested more than {_DEEPEST} times")


def _entry_to_json(entry: Entry) -> dict[str, t.Any]:
    content: dict[str, t.Any] = {"original": entry.original, "written": entry.written}
    if entry.added:
        content["added"] = list(entry.added)
    if entry.owners:
        content["owners"] = {owner: list(parts) for owner, parts in entry.owners.items()}
    if entry.pending:
        content["pending"] = list(entry.pending)
    if entry.wait:
        # A server whose clock was set back can be younger than nothing, as far as it knows.
        content["wait"] = {**entry.wait._asdict(), "age": max(entry.wait.age, 0.0)}
    return content


def _entry_from_json(name: str, content: t.Any, *, has_owners: bool) -> Entry:
    if not isinstance(content, dict):
        raise JournalError("an entry is no object")
    entry = Entry(
        original=_state(content.get("original")),
        written=_state(content.get("written")),
        added=_texts(content.get("added", [])),
        pending=_texts(content.get("pending", [])),
        wait=_wait(content.get("wait")),
        owners=_owners(content.get("owners", {})) if has_owners else {},
    )
    try:
        check_entry(name, entry._asdict())
    except Misshapen as error:
        raise JournalError(str(error)) from error
    return entry


def _state(content: t.Any) -> State:
    if content is None or isinstance(content, (str, int, dict)):
        return content
    raise JournalError("a state is neither null, text, a number nor an object")


def _texts(content: t.Any) -> tuple[str, ...]:
    if not isinstance(content, list) or not all(isinstance(item, str) for item in content):
        raise JournalError("a list of texts is something else")
    return tuple(content)


def _owners(content: t.Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(content, dict):
        raise JournalError("its owners are no object")
    if not all(map(OWNER_NAME.fullmatch, content)):
        raise JournalError("an owner has a name that can't be")
    return {owner: _texts(parts) for owner, parts in content.items()}


def _wait(content: t.Any) -> Wait | None:
    if content is None:
        return None
    try:
        wait = Wait(**content)
    except TypeError as error:
        raise JournalError("a wait has other fields") from error
    if wait.event not in t.get_args(Event):
        raise JournalError("a wait is for another event")
    is_id = is_whole_number(wait.process_id) and 0 <= wait.process_id <= HIGHEST_PROCESS_ID
    if not is_id or not all(is_number(number, least=0, most=LATEST) for number in (wait.since, wait.age)):
        raise JournalError("a wait has a number that can't be")
    return wait
