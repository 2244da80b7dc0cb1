# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans made of parts: registry values, and other things with an entry of their own in the journal."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NOTHING,
    Effective,
    Effectiveness,
    Plan,
    Step,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryReading,
)

_WEAKEST_FIRST: t.Final[tuple[Effective, ...]] = ("no", "unknown", "yes")


class Part(t.NamedTuple):
    """One value, or another thing with an entry of its own in the journal."""

    entry_name: str
    before: t.Mapping[str, t.Any]
    after: t.Mapping[str, t.Any]
    steps: tuple[Step, ...] = ()
    journal: t.Mapping[str, Entry | None] = NOTHING
    warnings: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Sentences about what stays because others need it."""
    reading: RegistryReading = Absent.VALUE
    """The value as it reads now; absent if the part is no registry value."""
    target: RegistryReading = Absent.VALUE
    """The value as it reads after the steps."""

    @property
    def is_due(self) -> bool:
        """True if a step is done, or was done by an undo and still waits for its event."""
        return bool(self.steps) or any(entry and entry.is_taken_back for entry in self.journal.values())


def plan_of(resource: str, parts: t.Iterable[Part], effectiveness: Effectiveness) -> Plan:
    """The plan that all parts make together."""
    parts = tuple(parts)
    return Plan(
        resource,
        before={key: value for part in parts for key, value in part.before.items()},
        after={key: value for part in parts for key, value in part.after.items()},
        effectiveness=effectiveness,
        steps=tuple(step for part in parts for step in part.steps),
        journal={name: entry for part in parts for name, entry in part.journal.items()},
        warnings=tuple(warning for part in parts for warning in part.warnings),
        kept=tuple(sentence for part in parts for sentence in part.kept),
    )


def weakest(verdicts: t.Sequence[Effectiveness]) -> Effectiveness:
    """The weakest of all; what any of them needs is needed."""
    if not verdicts:
        return EFFECTIVE
    first = min(verdicts, key=lambda effectiveness: _WEAKEST_FIRST.index(effectiveness.effective))
    reasons = dict.fromkeys(
        effectiveness.reason
        for effectiveness in verdicts
        if effectiveness.effective == first.effective and effectiveness.reason
    )
    return first._replace(
        reason=" ".join(reasons),
        reboot_required=any(effectiveness.reboot_required for effectiveness in verdicts),
        restart_required=any(effectiveness.restart_required for effectiveness in verdicts),
    )
