# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench-fleet`: processor, time and memory of the controller by number of hosts and forks; forks, serial and
strategies; port_info; the report.

Each figure is written down at once. What is written down is not measured again, unless --again says so.
"""

from __future__ import annotations

import argparse
import collections.abc as c
import itertools
import sys
import typing as t

from tests.bench import strategies, tables
from tests.bench.cells import Cell, figures
from tests.bench.domain import left_out, transports
from tests.bench.information import information_row, report_row
from tests.bench.kinds import EDGE, KINDS
from tests.bench.limits import fleet_checks
from tests.bench.replaying import ReplayFailure
from tests.bench.sides import SIDES
from tests.bench.store import MEASURED, Measured, stored
from tests.bench.strategies import SERIALS, STRATEGIES, spreads, strategy_row
from tests.tooling.ansible_programs import AnsibleFailure
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible
from tests.tooling.text_tables import heading, verdicts

HOSTS: t.Final = (1, 10, 50, 100, 200, 1000)
FORKS: t.Final = (5, 10, 25)
SERVERS: t.Final = (100, 300, 1000)
"""For port_info and the report; 100 for the ratio."""
PARTS: t.Final = ("roles", "strategies", "port_info", "report")

_FIRST_WORDS: t.Final = """\
What a controller needs for a fleet that is converged: processor time with all its workers, wall time, memory. One light
process answers as all hosts from recordings, at once. The peers' answers are canned to 'unchanged' and as short as can
be, which favours the peers: what PowerShell would need on a server, and what it would answer, is not in the figures.
Seconds are those of this machine: they mean something only while nothing else runs on it."""


def parser() -> argparse.ArgumentParser:
    """The command line's parser."""
    made = argparse.ArgumentParser(prog="python -m tests.bench.fleet", description=__doc__)
    made.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    made.add_argument("--roles", nargs="+", choices=tuple(KINDS), default=(EDGE,))
    made.add_argument("--sides", nargs="+", choices=tuple(SIDES), default=tuple(SIDES))
    made.add_argument("--transports", nargs="+", choices=transports(), default=("basic",), help=left_out())
    made.add_argument("--hosts", nargs="+", type=int, help="of all parts that have hosts; each has its own usual ones")
    made.add_argument("--forks", nargs="+", type=int, default=FORKS)
    made.add_argument("--servers", nargs="+", type=int, default=SERVERS, help="for port_info and the report")
    made.add_argument("--serials", nargs="+", default=SERIALS, help="for the strategies")
    made.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=STRATEGIES)
    made.add_argument("--again", action="store_true", help="measure again what is written down")
    return made


def wanted(options: argparse.Namespace) -> list[Cell]:
    """The cells, small ones first. Forks beyond the number of hosts change nothing: such cells are left out."""
    grid = itertools.product(options.roles, options.transports, options.hosts or HOSTS, options.forks, options.sides)
    cells = (
        Cell(role=role, transport=way, hosts=hosts, forks=forks, side=side) for role, way, hosts, forks, side in grid
    )
    least = min(options.forks)
    return sorted((cell for cell in cells if cell.forks in (least,) or cell.forks <= cell.hosts), key=_effort)


def _effort(cell: Cell) -> tuple[int, Cell]:
    return (cell.hosts, cell)


def measure(options: argparse.Namespace, measured: Measured) -> None:
    """Everything that is wanted and not there yet, one after another, each written down."""
    if "roles" in options.parts:
        _measure_cells(options, measured)
    if "strategies" in options.parts:
        _measure_strategies(options, measured)
    forks = 10 if 10 in options.forks else options.forks[0]
    if "port_info" in options.parts:
        for servers in _missing(options, (row.servers for row in measured.information)):
            row = information_row(servers, forks)
            measured.information = [*(old for old in measured.information if old.servers != servers), row]
            _noted(measured, f"port_info, {servers} servers", row.taken.processor, row.taken.wall)
    if "report" in options.parts:
        for servers in _missing(options, (row.servers for row in measured.reports)):
            page = report_row(servers)
            measured.reports = [*(old for old in measured.reports if old.servers != servers), page]
            _noted(measured, f"report, {servers} servers", page.taken.processor, page.taken.wall)


def _measure_cells(options: argparse.Namespace, measured: Measured) -> None:
    for cell in wanted(options):
        if options.again or not measured.has(cell):
            result = figures(cell)
            measured.cells = [*(old for old in measured.cells if old.cell != cell), result]
            _noted(measured, str(cell), result.taken.processor, result.taken.wall)


def _measure_strategies(options: argparse.Namespace, measured: Measured) -> None:
    hosts = options.hosts or strategies.HOSTS
    for spread in spreads(hosts, options.serials, options.forks, options.strategies):
        if options.again or spread not in (row.spread for row in measured.strategies):
            row = strategy_row(spread)
            measured.strategies = [*(old for old in measured.strategies if old.spread != spread), row]
            _noted(measured, str(spread), row.taken.processor, row.taken.wall)


def _missing(options: argparse.Namespace, there: c.Iterable[int]) -> list[int]:
    known = set() if options.again else set(there)
    return [servers for servers in sorted(options.servers) if servers not in known]


def _noted(measured: Measured, name: str, processor: float, wall: float) -> None:
    measured.write()
    print(f"  {name}: {processor:.1f} s of processor, {wall:.1f} s", flush=True)


def main(arguments: c.Sequence[str] | None = None) -> int:
    """Measure, print; exit code 1 if a limit was exceeded, 2 if something could not be measured."""
    options = parser().parse_args(arguments)
    print(_FIRST_WORDS)
    measured = stored()
    print(f"\n{tables.setting_line(measured)}\n", flush=True)
    try:
        with interruptible():
            measure(options, measured)
    except (AnsibleFailure, ReplayFailure) as error:
        print(error, file=sys.stderr)
        return 2
    for title, text in tables.texts(
        measured, "seconds", "ratios", "memory", "strategies", "port-info", "report", "goals"
    ):
        print(heading(title))
        print(text)
    results = fleet_checks(measured.reports)
    if results:
        print(f"{heading('Limits')}\n{verdicts(results)}")
    print(f"\nThe figures are in {MEASURED.relative_to(ROOT)}; `make bench-page` makes docs/benchmark.md of them.")
    return 0 if all(holds for holds, _text in results) else 1


if __name__ == "__main__":
    sys.exit(main())
