# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A setting: what is asked before a value counts as absent, and what is in force."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    DeleteValue,
    Effectiveness,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.setting import Setting, reboot_wait
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Facts,
    FactsNeeded,
    OperatingSystemFact,
    RegistryFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
)
from tests.unit.plugins.module_utils._change.world import NOW, World

FACT: t.Final = RegistryFact(r"SYSTEM\Test", "Value", RegistryType.DWORD)
NAMES: t.Final = RegistryNamesFact(FACT.key)
PENDING: t.Final = Effectiveness("no", "It waits.", reboot_required=True)
FOREIGN: t.Final = Effectiveness("unknown", "Somebody else wrote it.")
SEVEN: t.Final = RegistryValue(RegistryType.DWORD, 7)
EIGHT: t.Final = RegistryValue(RegistryType.DWORD, 8)

SETTING: t.Final = Setting(
    FACT,
    "test",
    "Windows reads",
    shown=lambda reading: {"value": None if isinstance(reading, Absent) else reading.data},
    wait=reboot_wait,
    pending=lambda _context: PENDING,
    foreign=FOREIGN,
)


def context(*, journal: Journal | None = None, uptime: float = 10_000.0, **answers: t.Any) -> Context:
    """A view of a server of which ``reading`` and ``names`` may be known."""
    world = World(uptime=uptime)
    known: dict[t.Any, t.Any] = {OperatingSystemFact(): world.answer(OperatingSystemFact())}
    known |= {question: answers[name] for name, question in (("reading", FACT), ("names", NAMES)) if name in answers}
    return world.context(Facts(known), journal)


def test_a_list_of_names_without_it_spares_the_question() -> None:
    assert SETTING.reading(context(names=(("Other", 4),))) is Absent.VALUE
    with pytest.raises(FactsNeeded):
        SETTING.reading(context(names=(("VALUE", 4),)))


def test_what_is_planned_to_be_written_counts_more_than_names_of_before() -> None:
    assert SETTING.reading(context(reading=SEVEN, names=())) == SEVEN


def test_absence_is_confirmed_before_the_first_change() -> None:
    with pytest.raises(FactsNeeded) as asked:
        SETTING.part(SEVEN, context(reading=Absent.VALUE))
    assert asked.value.facts == {NAMES}
    assert SETTING.part(SEVEN, context(reading=Absent.KEY)).steps, "without its key nothing is left to ask"
    with pytest.raises(PlanError, match="lists the value but does not give its content"):
        SETTING.part(SEVEN, context(reading=Absent.VALUE, names=(("value", 4),)))


def test_a_value_of_another_type_is_left_alone() -> None:
    text = RegistryValue(RegistryType.STRING, "7")
    with pytest.raises(PlanError, match="its type is REG_SZ, Windows reads only REG_DWORD"):
        SETTING.part(SEVEN, context(reading=text))


@pytest.mark.parametrize(
    ("reading", "uptime", "force"),
    [(SEVEN, 10_000.0, PENDING), (SEVEN, 100.0, EFFECTIVE), (EIGHT, 10_000.0, FOREIGN)],
    ids=["not-rebooted", "rebooted", "written-by-somebody-else"],
)
def test_what_is_in_force(reading: RegistryReading, uptime: float, force: Effectiveness) -> None:
    wait = Wait("reboot", since=NOW - 1000.0, age=9_000.0)
    journal = Journal({"test": Entry(None, state_of(SEVEN), wait=wait)})
    seen = context(journal=journal, uptime=uptime, reading=reading, names=())
    assert SETTING.effectiveness(SETTING.part(reading, seen), seen) == force


def test_the_first_original_comes_back() -> None:
    first = SETTING.part(SEVEN, context(reading=Absent.VALUE, names=()))
    entry = first.journal["test"]
    assert entry is not None
    assert entry.original is None
    journal = Journal({"test": entry})
    second = SETTING.part(EIGHT, context(journal=journal, reading=SEVEN)).journal["test"]
    assert second is not None
    assert (second.original, second.written) == (None, state_of(EIGHT))
    back = SETTING.undone(context(journal=Journal({"test": second}), reading=EIGHT))
    assert back is not None
    assert (back.steps, back.journal) == ((DeleteValue(FACT),), {"test": None})
