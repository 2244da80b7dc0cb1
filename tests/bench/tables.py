# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures in tables, for the terminal and for docs/benchmark.md alike."""

from __future__ import annotations

import collections.abc as c
import itertools
import typing as t

from tests.bench.ad_hoc import PAIRS
from tests.bench.cells import Figures, Traffic
from tests.bench.goals import Goal, goals
from tests.bench.meter import Taken
from tests.bench.replay import Transport
from tests.bench.roles import RoleRow
from tests.bench.rows import Row
from tests.bench.sides import SIDES, Side
from tests.bench.store import Measured
from tests.bench.strategies import STRATEGIES, StrategyRow
from tests.tooling.text_tables import table

Rows: t.TypeAlias = list[tuple[str, ...]]
"""The headings first."""
MISSING: t.Final = "-"
_SHORT: t.Final[t.Mapping[Side, str]] = {
    "ours": "ours",
    "as_written": "peer, 7 tasks",
    "hand_tuned": "peer, 4 tasks",
    "one_script": "peer, script",
}
_TRANSPORTS: t.Final[t.Mapping[Transport, str]] = {"basic": "Basic", "ntlm": "NTLM", "kerberos": "Kerberos"}


def setting_line(measured: Measured) -> str:
    """The versions and the machine, as one sentence."""
    return "Measured with " + ", ".join(f"{name} {value}" for name, value in measured.setting.items()) + "."


def task_rows(rows: c.Iterable[Row]) -> Rows:
    """Single tasks."""
    head = ("task", "side", "release", "requests", "bytes out", "bytes in")
    return [
        head,
        *(
            (row.task, row.owner, row.release, str(row.requests), f"{row.bytes_out:,}", f"{row.bytes_in:,}")
            for row in rows
        ),
    ]


def traffic_rows(rows: c.Sequence[RoleRow]) -> Rows:
    """One row for each role, release and side; the ways to log on stand together in a cell."""
    ways = [way for way in _TRANSPORTS if any(row.transport == way for row in rows)]
    names = " / ".join(_TRANSPORTS[way] for way in ways)
    head = ("role", "release", "side", f"requests ({names})", "KB out", "KB in", "connections", "logons")
    found = {(row.role, row.release, row.side, row.transport): row.traffic for row in rows}
    keys = dict.fromkeys(key[:3] for key in found)
    return [head, *((*_names(key), *_joined([found[(*key, way)] for way in ways])) for key in keys)]


def _names(key: tuple[str, str, Side]) -> tuple[str, ...]:
    return (key[0], key[1], SIDES[key[2]])


def _joined(ways: c.Sequence[Traffic]) -> tuple[str, ...]:
    columns: tuple[c.Callable[[Traffic], int], ...] = (
        lambda way: way.requests,
        lambda way: round(way.bytes_out / 1000),
        lambda way: round(way.bytes_in / 1000),
        lambda way: way.connections,
        lambda way: way.logons,
    )
    return tuple(" / ".join(f"{column(way):,}" for way in ways) for column in columns)


def _groups(cells: c.Iterable[Figures]) -> dict[tuple[str, Transport, int, int], dict[Side, Figures]]:
    """The cells that differ in the side alone, small ones first."""
    groups: dict[tuple[str, Transport, int, int], dict[Side, Figures]] = {}
    for figures in sorted(cells, key=lambda figures: figures.cell):
        cell = figures.cell
        groups.setdefault((cell.role, cell.transport, cell.hosts, cell.forks), {})[cell.side] = figures
    return groups


def seconds_rows(cells: c.Iterable[Figures]) -> Rows:
    """Processor and wall time of each side, in seconds."""
    head = ("role", "by", "hosts", "forks", *(f"{name}: processor / wall, s" for name in _SHORT.values()))
    return [head, *((*_cell_names(key), *_seconds(sides)) for key, sides in _groups(cells).items())]


def _cell_names(key: tuple[str, Transport, int, int]) -> tuple[str, ...]:
    role, transport, hosts, forks = key
    return (role, _TRANSPORTS[transport], f"{hosts:,}", str(forks))


def _seconds(sides: c.Mapping[Side, Figures]) -> c.Iterator[str]:
    for side in SIDES:
        yield _taken(sides[side].taken if side in sides else None)


def ratio_rows(cells: c.Iterable[Figures]) -> Rows:
    """Ours to each peer, processor and wall time."""
    peers = [side for side in SIDES if side != "ours"]
    head = ("role", "by", "hosts", "forks", *(f"ours to {_SHORT[side]}: processor / wall" for side in peers))
    groups = {key: sides for key, sides in _groups(cells).items() if "ours" in sides and len(sides) > 1}
    return [head, *((*_cell_names(key), *(_ratio(sides, peer) for peer in peers)) for key, sides in groups.items())]


def _ratio(sides: c.Mapping[Side, Figures], peer: Side) -> str:
    if peer not in sides:
        return MISSING
    ours, other = sides["ours"].taken, sides[peer].taken
    return f"{ours.processor / other.processor:.2f} / {ours.wall / other.wall:.2f}"


def memory_rows(cells: c.Iterable[Figures]) -> Rows:
    """Memory of the parent, of a worker and of all together, in megabytes."""
    head = ("role", "by", "hosts", "forks", *(f"{name}: parent / worker / all, MB" for name in _SHORT.values()))
    return [head, *((*_cell_names(key), *_memory(sides)) for key, sides in _groups(cells).items())]


def _memory(sides: c.Mapping[Side, Figures]) -> c.Iterator[str]:
    for side in SIDES:
        taken = sides[side].taken if side in sides else None
        sizes = (taken.parent_memory, taken.worker_memory, taken.all_memory) if taken else ()
        yield " / ".join(_megabytes(size) if size else MISSING for size in sizes) or MISSING


def strategy_rows(rows: c.Iterable[StrategyRow]) -> Rows:
    """Processor and wall time of each strategy, in seconds; fleets, batches and forks in the order of their sizes."""
    found = {
        (row.spread.hosts, row.spread.batch, row.spread.forks, row.spread.serial, row.spread.strategy): row.taken
        for row in rows
    }
    keys = sorted({key[:4] for key in found})
    head = ("hosts", "`serial`", "forks", *(f"{strategy}: processor / wall, s" for strategy in STRATEGIES))
    return [
        head,
        *(
            (f"{key[0]:,}", key[3], str(key[2]), *(_taken(found.get((*key, strategy))) for strategy in STRATEGIES))
            for key in keys
        ),
    ]


def _taken(taken: Taken | None) -> str:
    return f"{taken.processor:.1f} / {taken.wall:.1f}" if taken else MISSING


def information_rows(measured: Measured) -> Rows:
    """`port_info`: what it takes on so many servers."""
    head = ("servers", "forks", "requests", "KB out", "KB in", "processor, s", "wall, s", "worker, MB", "all, MB")
    return [
        head,
        *(
            (
                f"{row.servers:,}",
                str(row.forks),
                str(row.traffic.requests),
                f"{row.traffic.bytes_out / 1000:.0f}",
                f"{row.traffic.bytes_in / 1000:.0f}",
                f"{row.taken.processor:.1f}",
                f"{row.taken.wall:.1f}",
                _megabytes(row.taken.worker_memory),
                _megabytes(row.taken.all_memory),
            )
            for row in sorted(measured.information, key=lambda row: row.servers)
        ),
    ]


def report_rows(measured: Measured) -> Rows:
    """The report: what writing it takes, and how large it is."""
    head = ("servers", "page, MB", "all files, MB", "processor, s", "wall, s", "ansible-inventory: processor, s")
    return [
        head,
        *(
            (
                f"{row.servers:,}",
                f"{row.page / 1e6:.1f}",
                f"{row.files / 1e6:.1f}",
                f"{row.taken.processor:.1f}",
                f"{row.taken.wall:.1f}",
                f"{row.reading:.1f}",
            )
            for row in sorted(measured.reports, key=lambda row: row.servers)
        ),
    ]


def calls_rows(measured: Measured) -> Rows:
    """Ad hoc calls."""
    head = ("call", "processor, s: median", "least", "most")
    return [head, *(measured.calls.rows() if measured.calls else ())]


def goal_rows(measured: Measured) -> Rows:
    """What is to be reached, and what was measured."""
    return [("goal", "at most", "measured", "reached"), *map(_goal, goals(measured))]


def _goal(goal: Goal) -> tuple[str, ...]:
    if goal.measured is None:
        return (goal.text, f"{goal.most:g}", MISSING, MISSING)
    return (goal.text, f"{goal.most:g}", f"{goal.measured:.3g}", "yes" if goal.measured <= goal.most else "no")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f}"


def all_tables(measured: Measured) -> dict[str, tuple[str, Rows]]:
    """Title and rows of each table, by the name that docs/benchmark.md calls it by."""
    return {
        "tasks": ("Single tasks, with Basic", task_rows(measured.tasks)),
        "traffic": ("Traffic of one converged host", traffic_rows(measured.roles)),
        "seconds": ("Processor and wall time of the controller", seconds_rows(measured.cells)),
        "ratios": ("Ours to the peers", ratio_rows(measured.cells)),
        "memory": ("Memory of the controller", memory_rows(measured.cells)),
        "strategies": ("Forks, serial and strategies", strategy_rows(measured.strategies)),
        "calls": (f"Ad hoc calls, {PAIRS} pairs in turn", calls_rows(measured)),
        "port-info": ("port_info with all subsets", information_rows(measured)),
        "report": ("The report", report_rows(measured)),
        "goals": ("Goals, on a quiet machine", goal_rows(measured)),
    }


def texts(measured: Measured, *names: str) -> c.Iterator[tuple[str, str]]:
    """Title and text of those of these tables that have rows."""
    every = all_tables(measured)
    for title, (head, *rows) in (every[name] for name in names):
        if rows:
            yield title, table(head, rows)


def markdown(rows: Rows) -> str:
    """A table in Markdown."""
    head, *others = rows
    ruler = ["---"] * len(head)
    return "".join(f"| {' | '.join(row)} |\n" for row in itertools.chain([head, ruler], others))
