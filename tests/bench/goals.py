# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be reached on a quiet machine. Goals are told and never fail: seconds are those of a machine."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from tests.bench.cells import Cell
from tests.bench.information import ReportRow
from tests.bench.kinds import EDGE
from tests.bench.meter import Taken
from tests.bench.sides import SIDES, Side
from tests.bench.store import Measured

_TO_PEER: t.Final[tuple[tuple[Side, str, float], ...]] = (
    ("as_written", "processor", 0.20),
    ("as_written", "wall", 0.20),
    ("hand_tuned", "processor", 0.35),
    ("hand_tuned", "wall", 0.35),
    ("one_script", "processor", 0.90),
    ("one_script", "wall", 0.90),
)
_MANY: t.Final = 1000
_FORKS: t.Final = 10
_MOST_FORKS: t.Final = 25


@dataclasses.dataclass(frozen=True)
class Goal:
    """A figure, at most so much; ``measured`` is None if it was not."""

    text: str
    most: float
    measured: float | None


def goals(measured: Measured) -> list[Goal]:
    """All of them."""
    return [*_to_peers(measured), *_growth(measured), *_calls(measured), *_reports(measured.reports)]


def _taken(measured: Measured, hosts: int, *, forks: int = _FORKS, side: Side = "ours") -> Taken | None:
    cell = Cell(role=EDGE, transport="basic", hosts=hosts, forks=forks, side=side)
    return next((figures.taken for figures in measured.cells if figures.cell == cell), None)


def _to_peers(measured: Measured) -> c.Iterator[Goal]:
    ours = _taken(measured, 200)
    for side, what, most in _TO_PEER:
        peer = _taken(measured, 200, side=side)
        ratio = getattr(ours, what) / getattr(peer, what) if ours and peer else None
        yield Goal(f"{EDGE}, 200 hosts: {what} time, ours to {SIDES[side]}", most, ratio)


def _growth(measured: Measured) -> c.Iterator[Goal]:
    few, many = _taken(measured, 100), _taken(measured, _MANY)
    processor = many.processor / few.processor if few and many else None
    memory = many.worker_memory / few.worker_memory if few and many and few.worker_memory else None
    yield Goal(f"{EDGE}, 100 to 1,000 hosts: times the processor time", 10.5, processor)
    yield Goal(f"{EDGE}, 100 to 1,000 hosts: times the memory of a worker", 1.2, memory)
    most = _taken(measured, _MANY, forks=_MOST_FORKS)
    megabytes = most.worker_memory / 1e6 if most else None
    yield Goal(f"{EDGE}, 1,000 hosts, 25 forks: MB of the largest worker", 90, megabytes)


def _calls(measured: Measured) -> c.Iterator[Goal]:
    above = measured.calls.above if measured.calls else None
    yield Goal("ad hoc call: seconds of processor above debug", 0.12, above)


def _reports(reports: c.Sequence[ReportRow]) -> c.Iterator[Goal]:
    row = next((row for row in reports if row.servers == _MANY), None)
    yield Goal("report, 1,000 servers: seconds of processor", 30, row.taken.processor if row else None)
    yield Goal("report, 1,000 servers: MB of the page", 10, row.page / 1e6 if row else None)
