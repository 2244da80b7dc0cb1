# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal within a run: how it is read, and what is written of it before the first change and after the last."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    JOURNAL_NAME,
    MAXIMUM_SIZE,
    RESET_ADVICE,
    Entry,
    Journal,
    JournalError,
    JournalTooNew,
    dump,
    load_reading,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    Plan,
    PlanError,
    Step,
    WriteJournal,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.service_moves import ServiceMoves
from ansible_collections.portkeeper.windows.plugins.module_utils._change.service_order import distinct
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Facts,
    RegistryReading,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT


class Ledger(t.NamedTuple):
    """The journal as read: ``None`` when it is switched off."""

    journal: Journal | None
    key_exists: bool = True


def read_ledger(facts: Facts) -> Ledger:
    """The journal of this server; raises PlanError for one that can't be used, and FactsNeeded."""
    reading = facts[JOURNAL_FACT]
    return Ledger(journal_of(reading), key_exists=reading is not Absent.KEY)


def journal_of(reading: RegistryReading) -> Journal:
    """The journal of a reading; raises PlanError for one that can't be used."""
    try:
        return load_reading(reading)
    except JournalTooNew as error:
        raise PlanError(JOURNAL_NAME, str(error), "Update the collection") from error
    except JournalError as error:
        raise PlanError(JOURNAL_NAME, f"it can't be read: {error}", RESET_ADVICE) from error


def entries_of(journal: Journal | None) -> t.Mapping[str, Entry]:
    """The entries by name; none without a journal."""
    return journal.entries if journal else {}


class JournalSteps(t.NamedTuple):
    """The journal before the first change, after the last one, and after a failed step between them."""

    first: tuple[Step, ...] = ()
    last: tuple[Step, ...] = ()
    recovered: tuple[Step, ...] = ()


def journal_steps(
    request: Request, plans: tuple[Plan, ...], ledger: Ledger, service_moves: ServiceMoves
) -> JournalSteps:
    """The journal before the first change, and after the last if that settled something.

    Nothing is forgotten before the values are back, in an undo or otherwise: killed in between, a run still knows
    what was there before. So does one that failed in between: only what was stopped runs again then.
    """
    journal = ledger.journal
    if journal is None:
        return JournalSteps()
    interrupts = distinct(
        [*(n for plan in plans for n in plan.interrupts), *service_moves.start_first, *service_moves.start_last]
    )
    changes = {name: entry for plan in plans for name, entry in plan.journal.items()}
    journal = dataclasses.replace(journal, writes=journal.writes + 1)
    changed = journal.changed(changes)
    noted = journal.changed({name: entry for name, entry in changes.items() if entry is not None})
    first = dataclasses.replace(
        _with_waits(journal, changes) if request.undo else noted, stopped=(*interrupts, *service_moves.left)
    )
    last = dataclasses.replace(_settled(changed, service_moves, written=changes), stopped=service_moves.left)
    refuse_oversize(first, last)
    before = (WriteJournal(first, ledger.key_exists),) if first != journal else ()
    after = (WriteJournal(last, ledger.key_exists or bool(before)),) if last != first else ()
    recovered = dataclasses.replace(first, stopped=service_moves.left)
    return JournalSteps(before, after, (WriteJournal(recovered),))


def _with_waits(journal: Journal, changes: t.Mapping[str, Entry | None]) -> Journal:
    """The journal with what an undo is going to wait for: killed in between, the next run knows that too."""
    waits = {name: entry.wait for name, entry in changes.items() if entry and entry.is_taken_back}
    known = {name: journal.entries[name] for name in waits if name in journal.entries}
    return journal.changed({name: entry._replace(wait=waits[name]) for name, entry in known.items()})


def refuse_oversize(*journals: Journal) -> None:
    """Refuse a journal that could be written but not be read again, before anything is written."""
    size = max(len(dump(journal)) for journal in journals)
    if size > MAXIMUM_SIZE:
        raise PlanError(
            JOURNAL_NAME,
            f"with this change it would have {size} characters, more than {MAXIMUM_SIZE}",
            "Nothing was changed. Take back first what is no longer needed (converge with state absent), or set "
            "portkeeper_journal: false to make this change without a way back",
        )


def _settled(journal: Journal, service_moves: ServiceMoves, *, written: t.Container[str]) -> Journal:
    """The journal once all steps are done: no entry waits for them; a run ends only entries ``written`` by itself."""
    entries = {
        name: entry._replace(pending=()) if entry.pending and name in written else entry
        for name, entry in journal.entries.items()
    }
    settled = dataclasses.replace(journal, entries=entries)
    return settled.without_waits("dns_restart") if service_moves.stops_dns else settled
