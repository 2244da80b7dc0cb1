# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo: what a value becomes when our changes are taken back.

A value that is exactly as we last wrote it gets its original back, byte for byte. If others have changed it since,
only what we added is taken out, and a warning says so: nothing of anybody else's is lost.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    Entry,
    reading_of,
    state_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet


class Undo(t.NamedTuple):
    """The value after an undo, the journal's entry (``None``: it is removed), and warnings for the user."""

    target: RegistryReading
    entry: Entry | None
    warnings: tuple[str, ...] = ()


def undone_value(fact: RegistryFact, reading: RegistryReading, entry: Entry) -> Undo:
    """A value that is ours as a whole: the original comes back, unless others have changed it since."""
    if _is_ours(reading, entry):
        return Undo(reading_of(entry.original), None)
    if state_of(reading) == entry.original:
        return Undo(reading, None)
    return Undo(reading, None, (f"{fact.name} was changed since by somebody else; it is left as it is.",))


def undone_list(fact: RegistryFact, reading: RegistryReading, entry: Entry, going: PortSet, left: Entry | None) -> Undo:
    """A list of ports that others share: ``going`` goes. ``left`` is the entry without it, ``None`` if that was all."""
    if left is None and _is_ours(reading, entry):
        return Undo(reading_of(entry.original), None)
    if state_of(reading) == entry.original:
        return Undo(reading, left)
    current = PortList(texts(reading))
    target = current.without_ports(going)
    value = reading if target == current else _value(target, entry)
    kept = left._replace(written=state_of(value)) if left else None
    changed = not _is_ours(reading, entry)
    warning = (
        f"{fact.name} was changed since by somebody else; only the ports that were added here are taken out of it."
    )
    return Undo(value, kept, (warning,) if changed else ())


def _is_ours(reading: RegistryReading, entry: Entry) -> bool:
    return state_of(reading) == entry.written


def _value(target: PortList, entry: Entry) -> RegistryReading:
    """The list as a value: absent if there was none before us and nothing is left in it."""
    if not target.entries and entry.original is None:
        return Absent.VALUE
    return RegistryValue(RegistryType.MULTI_STRING, target.entries)
