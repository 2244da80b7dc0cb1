# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server of recordings beside the simulated fleet: a role's run gets the same results for the same requests."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import pytest

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
    """One run of the role on three hosts: a simulated one, and two that replay its recording."""

    run: AnsibleRun
    fleet: Json
    replay: c.Mapping[str, Counts]

    def results(self, host: str) -> list[Json]:
        """What the role's tasks returned for it, but for the numbers of processes, which Windows draws at each boot."""
        return [_without_process_ids(item.result) for item in self.run.results if item.host == host]


def _without_process_ids(value: t.Any) -> t.Any:
    if isinstance(value, c.Mapping):
        return {name: _without_process_ids(item) for name, item in value.items() if name != "process_id"}
    return [_without_process_ids(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def both() -> c.Iterator[Both]:
    hosts = {name: Host(conversation=EDGE, transport=name, group=KIND.group) for name in ("basic", "ntlm")}
    scenario = {"defaults": dict(DEFAULTS), "hosts": {"simulated": dict(KIND.server)}}
    with running_fleet(scenario) as fleet, replayed({EDGE: role_conversation(KIND)}, hosts) as server:
        run_ansible((*KIND.arguments, "-i", str(fleet.inventory))).checked()
        fleet.control.host("simulated").reset_requests()
        run = run_ansible((*KIND.arguments, "-i", str(fleet.inventory), "-i", str(server.inventory))).checked()
        yield Both(run, fleet.control.host("simulated").requests(), server.counts())


def test_every_result_is_that_of_the_simulated_server(both: Both) -> None:
    simulated = both.results("simulated")
    assert len(simulated) >= 2
    assert both.results("basic") == simulated


def test_the_controller_asks_and_connects_as_often(both: Both) -> None:
    counts = both.replay["basic"]
    assert (counts.requests, counts.connections) == (both.fleet["requests"], both.fleet["connections"])
    assert counts.requests == counts.logons


def test_ntlm_costs_its_handshake_and_one_logon(both: Both) -> None:
    counts = both.replay["ntlm"]
    assert (counts.requests, counts.logons) == (both.replay["basic"].requests + 3, 1)
    assert counts.bytes_in > both.replay["basic"].bytes_in


def test_a_question_that_nobody_recorded_is_told_with_its_text() -> None:
    with replayed({"none": powershell_conversation()}, {"host": Host(conversation="none")}) as server:
        run = run_ansible(("ansible", "all", "-m", "reserved_ports", "-a", "ports=5389", "-i", str(server.inventory)))
        assert run.exit_code
        with pytest.raises(ReplayFailure, match="Win32_OperatingSystem"):
            server.counts()
