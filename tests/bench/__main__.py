# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: requests, bytes and seconds per task on the simulated fleet, ours and a peer's; then the limits."""

from __future__ import annotations

import pathlib
import sys
import typing as t

from tests.bench import rows as bench_rows
from tests.bench import tasks
from tests.bench.ad_hoc import PAIRS, paired_calls
from tests.bench.limits import checks
from tests.bench.measuring import measure
from tests.bench.rows import Row
from tests.simulator.control import ControlFailure, RunningFleet, running_fleet
from tests.tooling.ansible_programs import AnsibleFailure, run_ansible
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible
from tests.tooling.text_tables import heading, verdicts

SCENARIO: t.Final = pathlib.Path(__file__).with_name("scenario.yml")
REPORT: t.Final = ROOT / "build" / "bench.json"

_FIRST_WORDS: t.Final = """\
What a task costs, counted by a fleet of simulated Windows servers; no real Windows is involved. Requests are HTTP
requests with Basic authentication, bytes include the HTTP headers, out means sent by the controller. The simulated
servers answer at once, so the seconds are those of the controller. They give the PowerShell of ansible.windows a
canned answer: its requests and bytes are real, what a server would need to run it is not in the figures. It is measured
on Windows Server 2022, since WinRM of 2003 refuses its messages as too big.

Bringing a server per release to where the role has nothing to do, then one task after the other (about a minute) ..."""


def converge(fleet: RunningFleet) -> None:
    """Bring the hosts of the role into a state in which it has nothing to do: fixed, and booted since."""
    arguments = (*tasks.EDGE_PLAYBOOK, "-i", str(fleet.inventory), "--limit", "converged", "-e", "edge_serial=100%")
    run_ansible((*arguments, "-e", "exchange_edge_dns_reboot=true")).checked()


def measured(fleet: RunningFleet) -> list[Row]:
    """Every row."""
    converge(fleet)
    converged = [host["name"] for host in fleet.control.hosts() if host["name"].startswith("role")]
    wanted = (*tasks.OURS, *tasks.PEERS, *map(tasks.role_on, converged))
    return [measure(fleet, measurement) for measurement in wanted]


def main() -> int:
    """Measure, print and write down; exit code 1 if a limit was exceeded, 2 if a task could not be measured."""
    print(_FIRST_WORDS, flush=True)
    try:
        with interruptible(), running_fleet(SCENARIO) as fleet:
            rows = measured(fleet)
            print(heading("Per task"))
            print(bench_rows.as_table(rows), flush=True)
            ad_hoc = paired_calls(fleet, tasks.AD_HOC_HOST, tasks.EDGE_PORTS)
            print(heading(f"Whole ad hoc calls, {PAIRS} in turn, seconds"))
            print(ad_hoc.as_table())
    except (AnsibleFailure, ControlFailure) as error:
        print(error, file=sys.stderr)
        return 2
    bench_rows.write(rows, REPORT)
    results = checks(rows, ad_hoc)
    print(heading("Limits"))
    print(verdicts(results))
    print(f"\nThe rows are in {REPORT.relative_to(ROOT)}.")
    return 0 if all(holds for holds, _text in results) else 1


if __name__ == "__main__":
    sys.exit(main())
