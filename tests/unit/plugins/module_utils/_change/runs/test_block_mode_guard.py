# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Block mode on NT 5.x: a run is judged by the values that the next boot will read."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import DeleteValue, PlanError, WriteValue
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    RegistryType,
    RegistryValue,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
from tests.unit.plugins.module_utils._change.runs.planning import Item, carried_out, plan, said
from tests.unit.plugins.module_utils._change.world import World, multi, service

RAISE: Item = {"dynamic_ports": {"max_user_port": "60000"}}
LOWER: Item = {"dynamic_ports": {"max_user_port": "default"}}
RADIUS: Item = {"reserved_ports": {"services": ["ias"]}}
ONLY_RADIUS: Item = {"reserved_ports": {"services": ["ias"], "state": "pure"}}
GIVE_UP: Item = {"reserved_ports": {"ports": ["4500"], "state": "absent"}}
VICTIM: Item = {"service": "IAS"}
PORTS = ("1645-1646", "1812-1813")
WITH_4500 = (*PORTS, "4500-4500")


def server(highest: int | None = None, *reserved: str, release: str = "2003", **changes: t.Any) -> World:
    """DNS and IPSEC Services start by themselves; ``changes`` are of IPSEC Services."""
    world = World(release, services=[service("DNS"), service("IAS"), service("PolicyAgent", **changes)])
    if highest is not None:
        world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, highest))
    if reserved:
        world.set(RESERVED_PORTS_FACT, multi(*reserved))
    return world


def writes(planned: Convergence) -> list[tuple[str, t.Any]]:
    """The values in the order in which they are written; ``None``: it goes."""
    found: list[tuple[str, t.Any]] = []
    for step in planned.steps:
        if isinstance(step, WriteValue):
            found.append((step.name, step.value.data))
        if isinstance(step, DeleteValue):
            found.append((step.fact.name, None))
    return [row for row in found if row[0] != "Journal"]


@pytest.mark.parametrize("items", [(RAISE, RADIUS), (RADIUS, RAISE)])
@pytest.mark.parametrize("victims", [(), (VICTIM,)])
def test_a_run_that_brings_the_danger_reserves_4500_first(items: tuple[Item, ...], victims: tuple[Item, ...]) -> None:
    """Killed between the two writes, it leaves a reservation that is not needed, and no trap."""
    planned = plan(server(), *items, victims=victims)
    assert writes(planned) == [("ReservedPorts", WITH_4500), ("MaxUserPort", 60000)]
    assert "UDP 4500 is reserved too" in said(planned)
    assert "not reserved then" not in said(planned)


def test_it_stays_reserved_in_the_next_run() -> None:
    world = carried_out(server(), plan(server(), RAISE, RADIUS))
    assert writes(plan(world, RAISE, RADIUS)) == []
    assert writes(plan(world, RAISE, ONLY_RADIUS)) == []


@pytest.mark.parametrize(
    "items", [(RAISE,), (RAISE, GIVE_UP), (RAISE, {"reserved_ports": {"ports": ["1645"], "state": "absent"}})]
)
def test_where_nothing_is_reserved_beside_it_is_refused(items: tuple[Item, ...]) -> None:
    with pytest.raises(PlanError) as refusal:
        plan(server(None, "1645-1646"), *items)
    for word in ("MaxUserPort 60000", "UDP 4500", "KB912023", "services: ipsec", "nothing was changed"):
        assert word in str(refusal.value)


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(server(None, "4500-4500"), id="reserved"),
        pytest.param(server(start_mode="Manual"), id="ipsec-by-hand"),
        pytest.param(server(start_mode="Disabled"), id="ipsec-off"),
    ],
)
def test_without_danger_the_number_is_set(world: World) -> None:
    planned = plan(world, RAISE)
    assert writes(planned) == [("MaxUserPort", 60000)]
    assert "KB912023" not in said(planned)


@pytest.mark.parametrize("reserved", [("4500",), ("4500-4500", "4501-4501")])
def test_a_reservation_that_windows_does_not_keep_is_none(reserved: tuple[str, ...]) -> None:
    with pytest.raises(PlanError, match="MaxUserPort 60000"):
        plan(server(None, *reserved), RAISE)


def test_an_old_danger_is_told_and_does_not_fail_the_run() -> None:
    """The number stands there already, or only changes within the danger."""
    for highest, expected in ((60000, []), (50000, [("MaxUserPort", 60000)])):
        planned = plan(server(highest), RAISE)
        assert writes(planned) == expected
        assert "UDP 4500, which is not reserved then" in said(planned)


def test_a_run_that_ends_the_danger_reserves_nothing_needlessly() -> None:
    planned = plan(server(60000), RADIUS, LOWER, victims=(VICTIM,))
    assert writes(planned) == [("ReservedPorts", PORTS), ("MaxUserPort", None)]
    assert "KB912023" not in said(planned)


@pytest.mark.parametrize("items", [(GIVE_UP,), (ONLY_RADIUS,)])
def test_who_gives_the_reservation_up_is_told(items: tuple[Item, ...]) -> None:
    assert "UDP 4500, which is not reserved then" in said(plan(server(60000, "4500-4500"), *items))
    assert "KB912023" not in said(plan(server(None, "4500-4500"), *items))


def test_taking_it_back_may_bring_the_danger_back_and_says_so() -> None:
    """The undo restores what was there, and no more; it does not refuse."""
    world = carried_out(server(60000), plan(server(60000), LOWER))
    undone = plan(world, LOWER, state="absent")
    assert writes(undone) == [("MaxUserPort", 60000)]
    assert "UDP 4500, which is not reserved then" in said(undone)


def test_taking_a_raise_back_takes_the_number_first() -> None:
    world = carried_out(server(), plan(server(), RADIUS, RAISE))
    undone = plan(world, RADIUS, RAISE, state="absent")
    assert writes(undone) == [("MaxUserPort", None), ("ReservedPorts", None)]
    assert "KB912023" not in said(undone)


@pytest.mark.parametrize("release", ["2008", "2022"])
def test_later_releases_are_not_even_asked(release: str) -> None:
    world = server(60000, release=release)
    plan(world, {"reserved_ports": {"ports": ["4500"]}})
    assert ServiceFact("PolicyAgent") not in world.asked


def test_a_plain_reservation_asks_nothing_more() -> None:
    world = server(60000)
    assert "KB912023" not in said(plan(world, RADIUS))
    assert not {ServiceFact("PolicyAgent"), MAX_USER_PORT_FACT} & set(world.asked)
