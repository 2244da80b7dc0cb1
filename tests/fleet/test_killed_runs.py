# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruptions over real HTTP, and of the real program: the server stays whole, and the next run finishes.

`test_roles_interruption` and `test_roles_lost_messages` try every message of the roles, without a network.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest

from tests.fleet.engine_tasks import ConvergeTask
from tests.fleet.host_cases import DEFAULTS, Json, playbook_run
from tests.fleet.killed_runs import ENDINGS, Ending, FleetTarget, KillCase, findings, kill_playbook
from tests.fleet.snapshot import Snapshot
from tests.simulator.control import RunningFleet, running_fleet

EDGE: t.Final = ("ADAM_MSExchange", "MSExchangeEdgeCredential", "MSExchangeTransport", "DNS")
SERVER: t.Final[Json] = {
    "release": "2022",
    "roles": ["dns"],
    "exclusions": [{"protocol": "tcp", "ports": "5000-5059"}],
}
PART_OF_A_BLOCK: t.Final = KillCase(
    task=ConvergeTask({"resources": [{"reserved_ports": {"ports": ["5010-5019"], "state": "absent"}}]}),
    services=("DNS",),
)
"""Short, and with all kinds of messages: questions, values and commands."""


@pytest.fixture(scope="module")
def target() -> c.Iterator[FleetTarget]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": {"server": SERVER}}) as running:
        yield FleetTarget(running.control.host("server"))


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_next_run_finishes_wherever_this_one_ended(target: FleetTarget, ending: Ending) -> None:
    assert findings(target, PART_OF_A_BLOCK, ending) == {}


# --- the real program


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    hosts = {"old": {"release": "2003", "broken": True}, "new": {"release": "2022", "broken": True}}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as running:
        yield running


@pytest.mark.parametrize(
    ("host", "action"),
    [("old", "SetMultiStringValue"), ("new", "StartService"), ("new", "StopService")],
    ids=["2003, before the value", "2022, everything stopped", "2022, before the stop"],
)
def test_a_killed_playbook_is_finished_by_the_next(fleet: RunningFleet, host: str, action: str) -> None:
    control = fleet.control.host(host)
    control.reset()
    control.inject("hang", action=action)
    kill_playbook(fleet, host, "portkeeper.windows.edge", "--limit", host)
    control.clear_faults()
    assert not Snapshot(control.state()).runs("ADAM_MSExchange")
    fleet_run = playbook_run(fleet.control, fleet.inventory, "portkeeper.windows.edge", "--limit", host)
    assert fleet_run.exit_code == 0, fleet_run.output
    final = fleet_run.task_runs[host][-1].after
    assert final.runs(*EDGE)
    assert not (final.journal or {}).get("stopped")
    entries = final.reserved if host == "old" else final.pool_exclusions
    assert entries == ["50389-50389", "50636-50636"]
