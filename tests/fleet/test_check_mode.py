# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode predicts the end of the run, restarts and the reboot included, for each module on each release.

The roles' own tables compare the same (tests/fleet/role_contract.py). Nobody else changes these servers meanwhile.
"""

from __future__ import annotations

import itertools
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner
from tests.simulator.windows.releases import RELEASES

PREDICTED: t.Final = ("effective", "reboot_required", "restart_required")
PORTS: t.Final = ["50389", "50636"]
CONTROLLER: t.Final[Json] = {"roles": ["domain_controller", "dns", "ias"]}

TASKS: t.Final[t.Mapping[str, tuple[Json, ...]]] = {
    "reserved_ports": ({"ports": PORTS}, {"ports": PORTS, "state": "absent"}),
    "dns_socket_pool": ({"size": "3000"}, {"restart": True}, {"size": "default", "restart": True}),
    "dns_socket_pool ": (
        {"excluded_ports": PORTS, "restart": True},
        {"excluded_ports": PORTS, "state": "absent", "restart": True},
    ),
    "dynamic_ports": ({"max_user_port": "60000"}, {"max_user_port": "default"}),
    "dynamic_ports ": ({"start": 50000, "number": 10000}, {"start": 49152, "number": 16384}),
    "service_start_mode": ({"name": ["DNS"], "start_mode": "delayed"}, {"name": ["DNS"], "start_mode": "auto"}),
    "service_state": ({"name": ["DNS"], "state": "stopped"}, {"name": ["DNS"], "state": "started"}),
    "static_rpc_port": ({"ports": {"ntds": 4901, "netlogon": 4902}}, {"ports": {"ntds": "default"}}),
    "services_file": (
        {"entries": ({"name": "portkeeper", "port": 50389, "protocol": "tcp"},)},
        {"entries": ({"name": "portkeeper", "port": 50389, "protocol": "tcp"},), "state": "absent"},
    ),
    "converge": (
        {"resources": [{"reserved_ports": {"ports": PORTS}}], "reboot": "where_needed"},
        {"resources": [{"reserved_ports": {"ports": PORTS}}], "state": "absent", "reboot": "where_needed"},
    ),
    "server_reboot": ({"pre_reboot_delay": 0},),
}
"""By module, in the order in which they are asked of a server; a blank behind the name tells two rows apart."""


@pytest.mark.parametrize(("module", "release"), list(itertools.product(TASKS, RELEASES)))
def test_the_end_of_the_run_is_predicted(module: str, release: str) -> None:
    server: Json = {"release": release, **CONTROLLER}
    runner = CaseRunner(HostCase(id=f"{module.strip()}-{release}".replace("_", "-"), server=server, steps=()))
    for options in TASKS[module]:
        checked, done = (
            runner.run_step(Step(module=module.strip(), options=options, check=check)) for check in (True, False)
        )
        assert checked.event == done.event, f"{checked.message}\n{done.message}"
        assert _predicted(checked) == _predicted(done), f"{checked.message}\n{done.message}"


def _predicted(task_run: TaskRun) -> list[Json]:
    """The values of the run, and of each of its resources."""
    results = (task_run.result, *task_run.result.get("resources", ()))
    return [{name: result.get(name) for name in ("resource", *PREDICTED)} for result in results]
