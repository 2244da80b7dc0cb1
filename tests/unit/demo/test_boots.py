# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The closed form that the demonstration holds its boots against."""

from __future__ import annotations

import dataclasses

import pytest

from tests.demo.boots import BOOTS, NO_POOL, POOL, Boots, Draw

CHANCES = {
    "both ports in reach, drawn one after the other": (POOL, 1 - (1 - 2500 / 16384) * (1 - 2500 / 16383)),
    "no port in reach": (NO_POOL, 0.0),
    "one port in reach": (Draw(100, 50389, 50588), 0.5),
    "everything is drawn": (Draw(1000, 50000, 50999), 1.0),
}


@pytest.mark.parametrize(("draw", "chance"), CHANCES.values(), ids=CHANCES)
def test_the_chance_that_a_port_is_drawn(draw: Draw, chance: float) -> None:
    assert draw.chance == pytest.approx(chance)


def test_boots_agree_with_the_closed_form_within_three_standard_errors() -> None:
    expected = Boots("edge", POOL, lost_before=round(BOOTS * POOL.chance), lost_after=0)
    assert expected.agrees
    assert not dataclasses.replace(expected, lost_before=expected.lost_before + 43).agrees


def test_without_a_chance_no_boot_may_be_lost() -> None:
    assert Boots("edge", NO_POOL, lost_before=0, lost_after=0).agrees
    assert not Boots("edge", NO_POOL, lost_before=1, lost_after=0).agrees
