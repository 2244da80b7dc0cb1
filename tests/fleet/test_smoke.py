# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short walk through everything, for other versions of Ansible and Python: ad hoc, the role, NTLM, psrp, errors."""

from __future__ import annotations

import collections.abc as c

import pytest

from tests.fleet.host_cases import DEFAULTS, FleetRun, playbook_run, recorded_run
from tests.simulator.control import RunningFleet, running_fleet

PSRP = {"ansible_connection": "psrp"}
HOSTS = {
    "edge2003": {"release": "2003", "broken": True},
    "edge2008r2": {"release": "2008r2", "broken": True, "language": "de", "wire": {"transport": "ntlm"}},
    "edge2022": {"release": "2022", "broken": True, "wire": {"transport": "ntlm"}},
    "edge2003p": {"release": "2003", "broken": True, "vars": PSRP},
    "edge2022p": {"release": "2022", "broken": True, "wire": {"transport": "ntlm"}, "vars": PSRP},
}


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as running:
        yield running


@pytest.fixture(scope="module")
def runs(fleet: RunningFleet) -> list[FleetRun]:
    """Check mode, the run, and the run again."""
    every = ("-e", "edge_serial=100%", "--diff")
    return [
        playbook_run(fleet.control, fleet.inventory, "portkeeper.windows.edge", *every, *more)
        for more in (("--check",), (), ())
    ]


def test_the_role_tells_fixes_and_then_finds_nothing_to_do(runs: list[FleetRun]) -> None:
    checked, done, again = runs
    for fleet_run in runs:
        assert fleet_run.exit_code == 0, fleet_run.output
        assert "Traceback" not in fleet_run.output
    for host in HOSTS:
        assert checked.task_runs[host][-1].after.data == checked.task_runs[host][0].before.data
        assert [fleet_run.recap[host]["changed"] for fleet_run in runs] == [1, 1, 0]
        final = again.task_runs[host][-1].after
        assert final.runs("ADAM_MSExchange", "MSExchangeTransport", "DNS")
        assert final.holders("tcp", 50636) == {"ADAM_MSExchange"}
    assert done.task_runs["edge2003"][-1].after.reserved == ["50389-50389", "50636-50636"]
    assert done.task_runs["edge2022"][-1].after.pool_exclusions == ["50389-50389", "50636-50636"]


def test_short_names_work_from_the_checkout(fleet: RunningFleet, runs: list[FleetRun]) -> None:
    del runs
    command = ["ansible", "-i", str(fleet.inventory), "all", "-m", "reserved_ports", "-a", "ports=5389,5400-5410"]
    fleet_run = recorded_run(fleet.control, [*command, "--limit", "edge2003*,edge2022*"])
    assert fleet_run.exit_code == 0, fleet_run.output
    for plugin in ("", "p"):
        assert fleet_run.task_runs[f"edge2022{plugin}"][0].after.excluded("udp") == ["5389-5389", "5400-5410"]
        assert fleet_run.task_runs[f"edge2003{plugin}"][0].result["reboot_required"] is True


@pytest.mark.parametrize("host", ["edge2022", "edge2022p"])
def test_an_error_is_one_sentence(fleet: RunningFleet, host: str) -> None:
    command = ["ansible", "-i", str(fleet.inventory), host, "-m", "portkeeper.windows.service_state"]
    fleet_run = recorded_run(fleet.control, [*command, "-a", "name=NoSuch state=restarted"])
    assert fleet_run.exit_code == 2
    assert "NoSuch: it does not exist on this server" in fleet_run.output
    assert "Traceback" not in fleet_run.output
