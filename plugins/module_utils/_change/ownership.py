# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owners of the parts that were added to one thing, and the parts that an undo leaves.

A part goes when its last owner goes. A part without an owner is of a journal of version 1, or was added for the sake of
others: it goes when it is named, or with the last of the others.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, State
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import WHOLE
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS, Context
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

Parts = t.TypeVar("Parts", PortSet, frozenset[str])


@dataclasses.dataclass(frozen=True, slots=True)
class Shares(t.Generic[Parts]):
    """The parts that were added, and those of each owner."""

    added: Parts
    owners: t.Mapping[str, Parts]
    nothing: Parts

    def of(self, owner: str) -> Parts:
        """The parts that this owner needs."""
        return self.owners.get(owner, self.nothing)

    def of_others(self, owner: str) -> Parts:
        """The parts that any other owner needs."""
        return self._together(other for other in self.owners if other != owner)

    @property
    def unowned(self) -> Parts:
        """The parts without an owner."""
        return self.added - self._together(self.owners)

    def needing(self, parts: Parts, owner: str) -> tuple[str, ...]:
        """The others that need any of these parts."""
        return tuple(sorted(other for other, had in self.owners.items() if other != owner and had & parts))

    def changed(self, added: Parts, owner: str, *, claimed: Parts, released: Parts) -> Shares[Parts]:
        """After a change that leaves ``added``: one owner needs ``claimed`` too, and ``released`` no more."""
        owners = {other: had & added for other, had in self.owners.items()}
        if owner:
            owners[owner] = ((self.of(owner) - released) | claimed) & added
        return Shares(added, {other: had for other, had in owners.items() if had}, self.nothing)

    def taken(self, owner: str, asked: Parts, loose: Parts, along: Parts) -> Taken[Parts]:
        """After an undo of what one owner has of ``asked``, and of ``loose``, which no owner has.

        ``along`` are parts that were added on account of others and go with the last of them.
        """
        others = self.of_others(owner)
        left, left_loose = self.of(owner) - asked, self.unowned - loose
        if not others and along >= (left | left_loose):
            left = left_loose = self.nothing
        remaining = self.changed(
            self.added & (others | left | left_loose), owner, claimed=self.nothing, released=self.of(owner) - left
        )
        return Taken(remaining, self.added - remaining.added, asked & others, self.needing(asked, owner))

    def _together(self, owners: t.Iterable[str]) -> Parts:
        together = self.nothing
        for owner in owners:
            together = together | self.owners[owner]
        return together


@dataclasses.dataclass(frozen=True, slots=True)
class Taken(t.Generic[Parts]):
    """The parts that an undo takes out, and those that it leaves."""

    left: Shares[Parts]
    going: Parts
    kept: Parts
    """What was asked for and stays."""
    needed_by: tuple[str, ...]
    """The owners because of whom it stays."""


def taken_back(
    shares: Shares[Parts], context: Context, named: t.Callable[[], Parts], along: Parts | None = None
) -> Taken[Parts]:
    """The parts that a run takes back: all of its owner, or those that are named; of parts without an owner, the named.

    ``named`` is asked only if it matters, since the server may have to be asked for it.
    """
    unowned = bool(shares.unowned)
    parts = named() if unowned or not context.takes_all else shares.nothing
    asked = shares.of(context.owner) if context.takes_all else parts
    return shares.taken(context.owner, asked, parts, shares.nothing if along is None else along)


NO_NAMES: t.Final[frozenset[str]] = frozenset()


def ports_of(texts: t.Iterable[str]) -> PortSet:
    """The ports of an entry's parts."""
    return PortList(tuple(texts)).ports


def port_shares(entry: Entry | None) -> Shares[PortSet]:
    """The shares of an entry whose parts are ports: ``50389-50389``."""
    if entry is None:
        return Shares(NO_PORTS, {}, NO_PORTS)
    return Shares(ports_of(entry.added), {owner: ports_of(parts) for owner, parts in entry.owners.items()}, NO_PORTS)


def name_shares(entry: Entry | None) -> Shares[frozenset[str]]:
    """The shares of an entry whose parts are names."""
    if entry is None:
        return Shares(NO_NAMES, {}, NO_NAMES)
    owners = {owner: frozenset(parts) - {WHOLE} for owner, parts in entry.owners.items()}
    return Shares(frozenset(entry.added), owners, NO_NAMES)


def whole_owners(entry: Entry | None) -> frozenset[str]:
    """The owners that changed the thing in other ways than by adding parts."""
    return frozenset(owner for owner, parts in entry.owners.items() if WHOLE in parts) if entry else NO_NAMES


def owners_of(texts: t.Mapping[str, t.Iterable[str]], whole: t.Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The owners of an entry: each with its parts, and with the ``WHOLE``."""
    names = sorted({*texts, *whole})
    found = {name: (*([WHOLE] if name in whole else []), *texts.get(name, ())) for name in names}
    return {name: parts for name, parts in found.items() if parts}


def whole_after(known: Entry | None, owner: str) -> dict[str, tuple[str, ...]]:
    """The owners of a thing once one more has changed the whole of it."""
    return {**(known.owners if known else {}), **({owner: (WHOLE,)} if owner else {})}


def claimed_whole(known: Entry | None, now: State, owner: str) -> Entry | None:
    """The entry of a thing that is as one more owner wants it; ``None`` if there is nothing to note.

    What the server had before us has no owner, and what others have made of it since has none either.
    """
    is_ours = known is not None and known.written == now != known.original
    if known is None or not is_ours or not owner or WHOLE in known.owners.get(owner, ()):
        return None
    return known.with_owner(owner, (WHOLE, *known.owners.get(owner, ())))


def is_meant(entry: Entry, context: Context, *, is_named: bool) -> bool:
    """True if an undo is about a thing as a whole: its owner has it, or it is named and no owner is asked for."""
    return context.owner in entry.owners if context.takes_all and entry.owners else is_named


def stays(thing: str, owners: t.Sequence[str]) -> str:
    """The sentence for what an undo leaves because others need it."""
    *first, last = owners
    named = f"{', '.join(first)} and {last}" if first else last
    return f"{thing} stays, since {named} still need{'' if first else 's'} it."
