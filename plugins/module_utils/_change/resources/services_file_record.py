# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's record of a ``services`` file: not the file, but digests to recognise it, and our lines in it.

The bytes before us lie on the server in a backup beside the file. The journal has the digests of those bytes and of
ours, the lines that we added, and those that we took away or replaced.
"""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    NO_NAMES,
    Shares,
    owners_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NOTHING
from ansible_collections.portkeeper.windows.plugins.module_utils._change.services_file_lines import (
    Change,
    bare,
)

Changes = t.Mapping[str, Change]


def digest(content: bytes | None) -> str:
    """SHA-256 in hexadecimal; empty for a file that is not there."""
    return "" if content is None else hashlib.sha256(content).hexdigest()


class Record(t.NamedTuple):
    """Our part in one services file."""

    original: str
    """Digest of the file before our first change; empty once another program has changed the file in between."""
    written: tuple[str, ...] = ()
    """Digests that the file may have if no one else has changed it: after our last change, and before it."""
    changes: Changes = NOTHING
    """By the wishes' keys."""
    owners: t.Mapping[str, t.Collection[str]] = NOTHING
    """Who needs which of them."""

    def knows(self, content: bytes) -> bool:
        """True if we left the file so; a run that was killed leaves it as it was before the change."""
        return digest(content) in (self.original, *self.written)

    def extended(self, old: bytes, new: bytes, changes: Changes) -> Record:
        """This record after one more change of ours."""
        return self._replace(
            original=self.original if self.knows(old) else "",
            written=(digest(new), digest(old)),
            changes=_merged(self.changes, changes),
        )

    def line(self, key: str) -> bytes | None:
        """The line that we wrote for an entry, without its end; ``None`` if we took its lines away."""
        written = self.changes[key].written
        return None if written is None else bare(written)

    def without(self, keys: t.Collection[str], old: bytes, new: bytes) -> Record:
        """This record after some changes were taken back."""
        left = {key: change for key, change in self.changes.items() if key not in keys}
        return self.extended(old, new, {})._replace(changes=left)

    def as_entry(self) -> Entry:
        """For the journal."""
        texts = {key: [_text(line) for line in change.original] for key, change in self.changes.items()}
        ours = {key: None if c.written is None else _text(c.written) for key, c in self.changes.items()}
        return Entry(
            original={"sha256": self.original, "lines": texts},
            written={"sha256": list(self.written), "lines": ours},
            added=tuple(sorted(self.changes)),
            owners=owners_of(
                {owner: sorted(keys & set(self.changes)) for owner, keys in self.shares.owners.items()}, ()
            ),
        )

    @property
    def shares(self) -> Shares[frozenset[str]]:
        """The changes by their owners."""
        owners = {owner: frozenset(keys) & frozenset(self.changes) for owner, keys in self.owners.items()}
        return Shares(frozenset(self.changes), owners, NO_NAMES)

    def with_claims(self, owner: str, *, claimed: t.Collection[str], released: t.Collection[str]) -> Record:
        """This record where an owner needs more, or less."""
        shares = self.shares
        changed = shares.changed(shares.added, owner, claimed=frozenset(claimed), released=frozenset(released))
        return self._replace(owners=changed.owners)


def _merged(known: Changes, new: Changes) -> dict[str, Change]:
    """All changes of ours: the first lines that went are the original; a line that is as it was before is dropped."""
    merged = dict(known)
    for key, change in new.items():
        original = known[key].original if key in known else change.original
        merged[key] = Change(original, change.written)
    return {key: change for key, change in merged.items() if not _is_nothing(change)}


def _is_nothing(change: Change) -> bool:
    now = () if change.written is None else (bare(change.written),)
    return tuple(map(bare, change.original)) == now


def record_of(entry: Entry | None) -> Record | None:
    """The record from the journal, whose form was checked when it was read."""
    if entry is None:
        return None
    original, written = t.cast(t.Mapping[str, t.Any], entry.original), t.cast(t.Mapping[str, t.Any], entry.written)
    changes = {
        key: Change(tuple(map(_bytes, lines)), None if (ours := written["lines"][key]) is None else _bytes(ours))
        for key, lines in original["lines"].items()
    }
    return Record(original["sha256"], tuple(written["sha256"]), changes, entry.owners)


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _text(line: bytes) -> str:
    return line.decode("latin-1")
