# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The boots of the demonstration beside the closed form that the page gave."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from tests.demo.boots import Boots, as_table, compared
from tests.demo.page import Page

PAGE = Page(
    path=pathlib.Path("index.html"),
    headline="",
    states={"sbs": "critical"},
    sentences={"sbs": "IAS is down."},
    risks={"sbs": {"drawn": 2500, "drawable": 10000, "probability": 0.25}},
    services={"sbs": frozenset({"IAS", "W3SVC", "Router"})},
    tcp_only={"sbs": frozenset({"Router"})},
)
NONE_LOST: t.Final = {"victim_failures": 0, "by_service": {}}


def boots(lost: int, *, to_connections: int = 0) -> Boots:
    """Boots of one server, of which so many were lost to the pool."""
    counts = {"AUTD": 40, "Dependent": lost, "IAS": lost} | ({"Router": to_connections} if to_connections else {})
    before = {"victim_failures": lost + to_connections, "by_service": counts}
    (found,) = compared(PAGE, {"sbs": before}, {"sbs": NONE_LOST})
    return found


@pytest.mark.parametrize(("lost", "agrees"), [(250, True), (291, True), (292, False), (209, True), (208, False)])
def test_boots_agree_with_the_closed_form_within_three_standard_errors(lost: int, agrees: bool) -> None:
    assert boots(lost).agrees is agrees


def test_the_closed_form_speaks_of_the_pool_alone() -> None:
    found = boots(250, to_connections=700)
    assert (found.lost_before, found.lost_to_pool, found.agrees) == (950, 250, True)


def test_those_who_lost_are_named_without_those_who_fell_with_them() -> None:
    assert boots(250).losers == {"IAS": 250, "AUTD": 40}
    assert " ".join(as_table([boots(250)]).split()).endswith("sbs 2,500 of 10,000 25.0% 250 0 IAS 250, AUTD 40")
