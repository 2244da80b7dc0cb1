# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench-fleet`: what is chosen is measured, small fleets first, and nothing twice unless that is wanted."""

from __future__ import annotations

import collections.abc as c
import pathlib
from unittest import mock

import pytest

from tests.bench import fleet, sides, store
from tests.bench.cells import Cell, Figures, Traffic
from tests.bench.information import InformationRow, ReportRow
from tests.bench.kinds import KINDS
from tests.bench.meter import Taken
from tests.bench.store import Measured
from tests.bench.strategies import Spread, StrategyRow, spreads

TRAFFIC = Traffic(requests=11, bytes_out=1, bytes_in=1, connections=1, logons=11)
TAKEN = Taken(processor=1.0, wall=1.0)


def information(servers: int, forks: int) -> InformationRow:
    return InformationRow(servers=servers, forks=forks, traffic=TRAFFIC, taken=TAKEN)


def strategy(spread: Spread) -> StrategyRow:
    return StrategyRow(spread=spread, taken=TAKEN)


def report(servers: int) -> ReportRow:
    return ReportRow(servers=servers, page=1, files=1, taken=TAKEN, reading=0.5)


@pytest.fixture
def measuring() -> c.Iterator[dict[str, mock.Mock]]:
    """Nothing is started; what would be measured is in the mocks' calls, and the file is of this test."""
    with (
        mock.patch.object(Measured, "write", return_value=None),
        mock.patch.multiple(
            fleet,
            figures=mock.Mock(side_effect=lambda cell: Figures(cell=cell, traffic=TRAFFIC, taken=TAKEN)),
            information_row=mock.Mock(side_effect=information),
            report_row=mock.Mock(side_effect=report),
            strategy_row=mock.Mock(side_effect=strategy),
        ),
    ):
        yield {name: getattr(fleet, name) for name in ("figures", "information_row", "report_row", "strategy_row")}


def cells_of(*arguments: str) -> list[Cell]:
    return fleet.wanted(fleet.parser().parse_args(arguments))


def test_small_fleets_come_first_and_forks_beyond_the_hosts_are_left_out() -> None:
    cells = cells_of("--sides", "ours")
    assert [cell.hosts for cell in cells] == sorted(cell.hosts for cell in cells)
    forks = {hosts: [cell.forks for cell in cells if cell.hosts == hosts] for hosts in fleet.HOSTS}
    assert forks == {1: [5], 10: [5, 10], 50: [5, 10, 25], 100: [5, 10, 25], 200: [5, 10, 25], 1000: [5, 10, 25]}


def test_a_choice_is_what_it_says() -> None:
    (cell,) = cells_of("--hosts", "200", "--forks", "25", "--sides", "one_script", "--transports", "ntlm")
    assert (cell.hosts, cell.forks, cell.side, cell.transport) == (200, 25, "one_script", "ntlm")


BATCHES = {
    ("50", "1"): [5],
    ("50", "10"): [5, 10],
    ("50", "20%"): [5, 10],
    ("50", "100%"): [5, 10, 25],
    ("3", "10"): [5],
}


@pytest.mark.parametrize(("hosts", "serial"), BATCHES, ids="-".join)
def test_forks_beyond_a_batch_are_left_out(hosts: str, serial: str) -> None:
    found = spreads([int(hosts)], [serial], fleet.FORKS, ["linear"])
    assert [spread.forks for spread in found] == BATCHES[hosts, serial]


def test_what_is_written_down_is_not_measured_again(measuring: dict[str, mock.Mock]) -> None:
    measured = Measured(setting={})
    arguments = ["--hosts", "1", "10", "--forks", "5", "--sides", "ours", "--servers", "100"]
    arguments += ["--serials", "1", "50%", "--strategies", "free"]
    for again in ([], [], ["--again"]):
        fleet.measure(fleet.parser().parse_args([*arguments, *again]), measured)
    counts = {name: measurement.call_count for name, measurement in measuring.items()}
    assert counts == {"figures": 4, "information_row": 2, "report_row": 2, "strategy_row": 8}
    assert (len(measured.cells), len(measured.information), len(measured.reports)) == (2, 1, 1)
    assert len(measured.strategies) == 4


def test_one_part_alone(measuring: dict[str, mock.Mock]) -> None:
    measured = Measured(setting={})
    fleet.measure(fleet.parser().parse_args(["--parts", "report", "--servers", "300"]), measured)
    assert [name for name, measurement in measuring.items() if measurement.called] == ["report_row"]


def test_a_file_holds_everything_and_other_versions_begin_anew(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "measured.json"
    cell = Cell(role="dc_ias", transport="ntlm", hosts=1, forks=5, side="ours")
    figures = Figures(cell=cell, traffic=TRAFFIC, taken=TAKEN)
    measured = Measured(setting={"version": "1"}, cells=[figures], information=[information(1, 5)], reports=[report(1)])
    measured.strategies = [strategy(Spread(hosts=50, serial="10", forks=5, strategy="free"))]
    measured.write(path)
    assert store.read(path) == measured
    with mock.patch.object(store, "setting", return_value={"version": "1"}):
        assert store.stored(path) == measured
    with mock.patch.object(store, "setting", return_value={"version": "2"}):
        assert store.stored(path) == Measured(setting={"version": "2"})


@pytest.mark.parametrize("role", KINDS)
def test_each_peer_does_the_job_in_as_many_tasks_as_its_name_says(role: str) -> None:
    tasks = sides.peer_tasks()[role]
    assert {side: len(tasks[side]) for side in tasks} == {"as_written": 7, "hand_tuned": 4, "one_script": 1}
