# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/benchmark.md and its tables: of the figures beside it, every table in its place, goals told as they are."""

from __future__ import annotations

import dataclasses

import pytest

from tests.bench import page, tables
from tests.bench.ad_hoc import AdHoc
from tests.bench.cells import Cell, Figures, Traffic
from tests.bench.goals import goals
from tests.bench.information import ReportRow
from tests.bench.kinds import EDGE
from tests.bench.meter import Taken
from tests.bench.replay import Transport
from tests.bench.roles import RoleRow
from tests.bench.sides import Side
from tests.bench.store import Measured, read
from tests.bench.strategies import Spread, Strategy, StrategyRow

TRAFFIC = Traffic(requests=11, bytes_out=21_492, bytes_in=1_300, connections=1, logons=11)
TEXT = page.PAGE.read_text(encoding="utf-8")


def figures(side: Side, *, hosts: int = 200, forks: int = 10, processor: float = 1.0) -> Figures:
    cell = Cell(role=EDGE, transport="basic", hosts=hosts, forks=forks, side=side)
    taken = Taken(processor=processor, wall=processor / 2, parent_memory=90_000_000, worker_memory=hosts * 1_000_000)
    return Figures(cell=cell, traffic=TRAFFIC, taken=taken)


def role_row(transport: Transport, traffic: Traffic) -> RoleRow:
    return RoleRow(role=EDGE, release="2022", side="ours", transport=transport, traffic=traffic)


def test_the_page_is_of_the_figures_beside_it() -> None:
    assert page.filled(TEXT, read(page.FIGURES)) == TEXT, "run make bench-page"


def test_every_table_has_its_place() -> None:
    assert sorted(page.names(TEXT)) == sorted(["setting", *tables.all_tables(Measured(setting={}))])


def test_what_is_not_measured_says_so_and_a_table_that_is_not_known_is_an_error() -> None:
    text = "<!-- figures: {} -->\n<!-- end of figures -->"
    assert page.NOTHING in page.filled(text.format("memory"), Measured(setting={}))
    with pytest.raises(KeyError):
        page.filled(text.format("nothing"), Measured(setting={}))


def test_both_ways_to_log_on_stand_in_one_row() -> None:
    ntlm = dataclasses.replace(TRAFFIC, requests=14, logons=1)
    _head, row = tables.traffic_rows([role_row("basic", TRAFFIC), role_row("ntlm", ntlm)])
    assert row == (EDGE, "2022", "ours, the role", "11 / 14", "21 / 21", "1 / 1", "1 / 1", "11 / 1")


def test_sides_of_one_cell_stand_in_one_row_small_fleets_first() -> None:
    many = figures("ours", hosts=1000, processor=30)
    cells = [many, figures("as_written", processor=8), figures("ours", processor=2)]
    _head, small, large = tables.seconds_rows(cells)
    assert small == (EDGE, "Basic", "200", "10", "2.0 / 1.0", "8.0 / 4.0", "-", "-")
    assert large == (EDGE, "Basic", "1,000", "10", "30.0 / 15.0", "-", "-", "-")
    _head, ratio = tables.ratio_rows(cells)
    assert ratio == (EDGE, "Basic", "200", "10", "0.25 / 0.25", "-", "-")


def test_strategies_of_one_spread_stand_in_one_row_small_batches_first() -> None:
    def row(strategy: Strategy, serial: str, forks: int, processor: float) -> StrategyRow:
        spread = Spread(hosts=200, serial=serial, forks=forks, strategy=strategy)
        return StrategyRow(spread=spread, taken=Taken(processor=processor, wall=processor / 2))

    rows = [
        row("linear", "100%", 25, 9),
        row("free", "100%", 5, 8),
        row("linear", "100%", 5, 7),
        row("free", "10", 5, 6),
    ]
    assert tables.strategy_rows(rows)[1:] == [
        ("200", "10", "5", "-", "6.0 / 3.0", "-"),
        ("200", "100%", "5", "7.0 / 3.5", "8.0 / 4.0", "-"),
        ("200", "100%", "25", "9.0 / 4.5", "-", "-"),
    ]


def test_goals_are_told_with_what_was_measured() -> None:
    measured = Measured(
        setting={},
        cells=[
            figures("ours", processor=2),
            figures("as_written", processor=8),
            figures("ours", hosts=100, processor=1),
            figures("ours", hosts=1000, processor=9),
        ],
        calls=AdHoc(ours=(1.2, 1.4, 1.3), debug=(1.0, 1.0, 1.0)),
        reports=[ReportRow(servers=1000, page=16_000_000, files=1, taken=Taken(processor=25), reading=20)],
    )
    found = {goal.text: goal.measured for goal in goals(measured) if goal.measured is not None}
    assert found == {
        f"{EDGE}, 200 hosts: processor time, ours to peer, 7 tasks as users write them": 0.25,
        f"{EDGE}, 200 hosts: wall time, ours to peer, 7 tasks as users write them": 0.25,
        f"{EDGE}, 100 to 1,000 hosts: times the processor time": 9,
        f"{EDGE}, 100 to 1,000 hosts: times the memory of a worker": 10,
        "ad hoc call: seconds of processor above debug": pytest.approx(0.3),
        "report, 1,000 servers: seconds of processor": 25,
        "report, 1,000 servers: MB of the page": 16,
    }
    reached = {row[0]: row[3] for row in tables.goal_rows(measured)}
    assert reached["report, 1,000 servers: seconds of processor"] == "yes"
    assert reached["report, 1,000 servers: MB of the page"] == "no"
    assert reached[f"{EDGE}, 1,000 hosts, 25 forks: MB of the largest worker"] == "-"
