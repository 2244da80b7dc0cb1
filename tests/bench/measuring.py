# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measurement: run Ansible against one host of the fleet, and let the fleet count."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.bench.rows import Owner, Row
from tests.simulator.control import RunningFleet
from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, run_ansible


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The program to run, and the result that it must have for the figures to be valid.

    ``arguments`` are the program and its arguments up to the host; ``changed`` is what Ansible must report.
    """

    task: str
    host: str
    arguments: tuple[str, ...]
    changed: bool
    owner: Owner = "ours"
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
        owner=measurement.owner,
        release=host.summary()["release"],
        requests=counters["requests"],
        bytes_out=counters["bytes_in_total"],
        bytes_in=counters["bytes_out_total"],
    )


def _check(measurement: Measurement, run: AnsibleRun) -> None:
    changed = any(result.result.get("changed") for result in run.results)
    if not run.results or changed is not measurement.changed:
        expected = "a change" if measurement.changed else "no change"
        raise AnsibleFailure(f"{measurement.task} on {measurement.host} was to make {expected}:\n{run.output}")
