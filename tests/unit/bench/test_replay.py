# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of recordings beside the simulated fleet: a role's run gets the same results for the same requests."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import typing as t

import pytest

from tests.bench.budgets import HANDSHAKE
from tests.bench.cells import host_of
from tests.bench.domain import domain, transports
from tests.bench.kinds import EDGE, KINDS
from tests.bench.recording import powershell_conversation, role_conversation
from tests.bench.replay import Counts
from tests.bench.replaying import Host, ReplayFailure, replayed
from tests.fleet.host_cases import DEFAULTS, Json
from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import AnsibleRun, run_ansible

KIND = KINDS[EDGE]


@dataclasses.dataclass(frozen=True)
class Both:
    """One run of the role on a simulated host, and on others that replay its recording, one for each way to log on."""

    run: AnsibleRun
    fleet: Json
    replay: c.Mapping[str, Counts]

    def results(self, host: str) -> list[Json]:
        """What the role's tasks returned for it, but for what may differ."""
        return [_reduced(item.result) for item in self.run.results if item.host == host]


def _reduced(value: t.Any) -> t.Any:
    """Windows draws the numbers of processes at each boot, and of Basic there is a warning."""
    if isinstance(value, c.Mapping):
        return {name: _reduced(item) for name, item in value.items() if name not in ("process_id", "warnings")}
    return [_reduced(item) for item in value] if isinstance(value, list) else value


@contextlib.contextmanager
def both() -> c.Iterator[Both]:
    hosts: dict[str, Host] = {way: host_of(KIND, EDGE, way) for way in transports()}
    scenario = {"defaults": dict(DEFAULTS), "hosts": {"simulated": dict(KIND.server)}}
    with domain(transports()) as realm, running_fleet(scenario) as fleet:
        run_ansible((*KIND.arguments, "-i", str(fleet.inventory))).checked()
        fleet.control.host("simulated").reset_requests()
        with replayed({EDGE: role_conversation(KIND)}, hosts, realm) as server:
            inventories = ("-i", str(fleet.inventory), "-i", str(server.inventory))
            run = run_ansible((*KIND.arguments, *inventories), settings=server.environment).checked()
            yield Both(run, fleet.control.host("simulated").requests(), server.counts())


def test_one_run_has_the_same_results_for_the_same_requests_by_every_way_to_log_on() -> None:
    with both() as seen:
        simulated = seen.results("simulated")
        assert simulated
        assert {way for way in seen.replay if seen.results(way) == simulated} == set(transports())
        asked = {way: (counts.requests, counts.connections, counts.logons) for way, counts in seen.replay.items()}
        requests, connections = seen.fleet["requests"], seen.fleet["connections"]
        assert asked["basic"] == (requests, connections, requests)
        more = {way: (requests + rounds, connections, 1) for way, rounds in HANDSHAKE.items() if rounds}
        assert {way: more[way] for way in asked if way in more} == {way: asked[way] for way in asked if way != "basic"}


def test_a_question_that_nobody_recorded_is_told_with_its_text() -> None:
    with replayed({"none": powershell_conversation()}, {"host": Host(conversation="none")}) as server:
        run = run_ansible(("ansible", "all", "-m", "reserved_ports", "-a", "ports=5389", "-i", str(server.inventory)))
        assert run.exit_code
        with pytest.raises(ReplayFailure, match="Win32_OperatingSystem"):
            server.counts()
