# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement: run Ansible against one host of the fleet, and let the fleet count."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from tests.bench.rows import Row, Side
from tests.simulator.control import RunningFleet
from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, run_ansible

_ROUNDED_TO: t.Final = 4


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The program to run, and the result that it must have for the figures to be valid.

    ``arguments`` are the program and its arguments up to the host; ``changed`` is what Ansible must report.
    """

    task: str
    host: str
    arguments: tuple[str, ...]
    changed: bool
    side: Side = "ours"
    settings: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def ad_hoc(module: str, arguments: str, host: str) -> tuple[str, ...]:
    """The command line of an ad hoc call, without the inventory."""
    return ("ansible", host, "-m", module, "-a", arguments)


def measure(fleet: RunningFleet, measurement: Measurement) -> Row:
    """Run it with the fleet's counters at zero; raises AnsibleFailure if the run had another result than expected."""
    host = fleet.control.host(measurement.host)
    host.reset_requests()
    run = run_ansible((*measurement.arguments, "-i", str(fleet.inventory)), settings=measurement.settings).checked()
    counters = host.requests()
    _check(measurement, run)
    return Row(
        task=measurement.task,
        side=measurement.side,
        release=host.summary()["release"],
        requests=counters["requests"],
        bytes_out=counters["bytes_in_total"],
        bytes_in=counters["bytes_out_total"],
        seconds=round(sum(result.seconds for result in run.results), _ROUNDED_TO),
    )


def _check(measurement: Measurement, run: AnsibleRun) -> None:
    changed = any(result.result.get("changed") for result in run.results)
    if not run.results or changed is not measurement.changed:
        expected = "a change" if measurement.changed else "no change"
        raise AnsibleFailure(f"{measurement.task} on {measurement.host} was to make {expected}:\n{run.output}")


def seconds_of(arguments: c.Sequence[str], fleet: RunningFleet) -> float:
    """The seconds of a whole call, from the shell's prompt to the next."""
    return run_ansible((*arguments, "-i", str(fleet.inventory)), recorded=False).checked().seconds
