# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: the cost of tasks and of whole roles, ours beside the newest ansible.windows; then the limits."""

from __future__ import annotations

import pathlib
import sys
import typing as t

from tests.bench import tables, tasks
from tests.bench.ad_hoc import paired_calls
from tests.bench.cells import Cell, figures
from tests.bench.domain import left_out
from tests.bench.kinds import EDGE
from tests.bench.limits import Check, checks
from tests.bench.measuring import measure
from tests.bench.replaying import ReplayFailure
from tests.bench.roles import role_rows
from tests.bench.rows import Row
from tests.bench.sides import SIDES
from tests.bench.store import MEASURED, Measured, stored
from tests.simulator.control import ControlFailure, running_fleet
from tests.tooling.ansible_programs import AnsibleFailure
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible
from tests.tooling.text_tables import heading, verdicts

SCENARIO: t.Final = pathlib.Path(__file__).with_name("scenario.yml")
CELLS: t.Final = tuple(Cell(role=EDGE, transport="basic", hosts=50, forks=10, side=side) for side in SIDES)
"""Enough hosts that the start of Ansible weighs little, and few enough for five minutes in all."""

_FIRST_WORDS: t.Final = """\
What tasks and roles cost. No real Windows is involved: simulated servers, and a light server that replays their
answers, count requests and bytes (with the HTTP headers; out means sent by the controller). They answer at once, so
seconds are those of the controller. Logons are how often a server checks a password or a proof: with Basic at each
request, with NTLM and Kerberos once for each connection.

The peer is the newest ansible.windows. Its PowerShell gets canned answers, as short as can be, that nothing is to be
changed. That favours the peer: its requests and bytes are real, but what a server would need to run PowerShell is not
in the figures, nor is anything that it would answer. On Windows Server 2003 and 2008 the peer can't run at all; its
figures there are what it would send."""


def task_rows() -> list[Row]:
    """Single tasks, on simulated servers that they change."""
    with running_fleet(SCENARIO) as fleet:
        return [measure(fleet, measurement) for measurement in (*tasks.OURS, *tasks.PEERS)]


def take(measured: Measured) -> list[Check]:
    """Measure all that this command is for, show it as it comes, write it down, and hold it against the limits."""
    measured.tasks = task_rows()
    _show(measured, "tasks")
    measured.roles = list(role_rows())
    _show(measured, "traffic")
    for cell in CELLS:
        measured.cells = [*(old for old in measured.cells if old.cell != cell), figures(cell)]
    _show(measured, "seconds", "ratios", "memory")
    measured.calls = calls = paired_calls()
    _show(measured, "calls")
    measured.write()
    return checks(measured.tasks, measured.roles, [row for row in measured.cells if row.cell in CELLS], calls)


def _show(measured: Measured, *names: str) -> None:
    for title, text in tables.texts(measured, *names):
        print(f"{heading(title)}\n{text}", flush=True)


def main() -> int:
    """Measure, print and write down; exit code 1 if a limit was exceeded, 2 if something could not be measured."""
    measured = stored()
    print("\n\n".join(filter(None, (_FIRST_WORDS, left_out(), tables.setting_line(measured)))), flush=True)
    try:
        with interruptible():
            results = take(measured)
    except (AnsibleFailure, ControlFailure, ReplayFailure) as error:
        print(error, file=sys.stderr)
        return 2
    print(heading("Limits"))
    print(verdicts(results))
    print(f"\nThe figures are in {MEASURED.relative_to(ROOT)}; `make bench-fleet` measures more of them.")
    return 0 if all(holds for holds, _text in results) else 1


if __name__ == "__main__":
    sys.exit(main())
