# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module by the real program over HTTP, and in this process: equal results, equal messages, equal servers."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet import host_cases, in_process
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, three_runs

PORTS: t.Final = ["50389", "50636"]
DNS: t.Final[Json] = {"release": "2022", "roles": ["dns"]}
CONTROLLER: t.Final[Json] = {"release": "2022", "roles": ["domain_controller", "dns"]}
ENTRIES: t.Final = ({"name": "portkeeper", "port": 50389, "protocol": "tcp"},)
MEMBER: t.Final[Json] = {"release": "2003", "roles": ["member"]}
OLD: t.Final[Json] = {"release": "2003", "broken": False}


def _four(name: str, server: Json, options: Json, **undo: t.Any) -> HostCase:
    """The case of one module, which is named before the first blank of ``name``."""
    module = name.partition(" ")[0]
    return HostCase(
        id=name.replace(" ", "-"), server=server, steps=three_runs(module, options, undo={**options, **undo})
    )


CASES: t.Final = (
    _four("reserved_ports 2003", {**OLD, "language": "de"}, {"ports": PORTS}, state="absent"),
    _four("reserved_ports 2022", {"release": "2022"}, {"ports": PORTS}, state="absent"),
    _four("dns_socket_pool", DNS, {"excluded_ports": PORTS, "restart": True}, state="absent"),
    _four(
        "dynamic_ports 2003",
        {"release": "2003", "roles": ["member"]},
        {"max_user_port": "5000"},
        max_user_port="default",
    ),
    _four("dynamic_ports 2022", DNS, {"start": 50000, "number": 10000}, start=49152, number=16384),
    _four("service_start_mode", DNS, {"name": ["DNS"], "start_mode": "delayed"}, start_mode="auto"),
    _four("service_state", DNS, {"name": ["DNS"], "state": "stopped"}, state="started"),
    _four("static_rpc_port", CONTROLLER, {"ports": {"ntds": 49200, "netlogon": 49201}}, ports={"ntds": "default"}),
    _four("services_file", OLD, {"entries": ENTRIES}, state="absent"),
    _four("converge", {"release": "2022"}, {"resources": [{"reserved_ports": {"ports": ["5389"]}}]}, state="absent"),
    HostCase(
        id="port_info",
        server={"release": "2022", "broken": True},
        steps=(
            Step(module="port_info", options={"ports": PORTS}),
            Step(module="port_info", options={"query": "failed_services["}),
            Step(module="port_info", options={"ports": ["many"]}),
        ),
    ),
)
Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


@pytest.fixture(scope="module")
def by_program() -> Results:
    return host_cases.run_cases(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_both_ways_are_the_same(by_program: Results, case: HostCase) -> None:
    here = in_process.run_in_process([case])[case.id]
    assert [_comparable(task_run) for task_run in here] == [_comparable(task_run) for task_run in by_program[case.id]]


def _comparable(task_run: TaskRun) -> Json:
    """Without times and what Ansible adds to results. Each message once: how often a wait asks depends on the time."""
    added_by_ansible = {"_ansible_no_log", "exception", "failed"}
    result = {"warnings": [], "changed": False, **task_run.result}
    return {
        "event": task_run.event,
        "result": {name: value for name, value in result.items() if name not in added_by_ansible},
        "messages": list(dict.fromkeys(map(_comparable_message, task_run.requests["log"]))),
        "configuration": task_run.after.configuration,
        "services": {name: service["state"] for name, service in task_run.after.data["services"].items()},
        "sockets": task_run.after.data["sockets"],
    }


def _comparable_message(entry: Json) -> tuple[str, ...]:
    about = entry["brief"] if entry["method"] in ("Enumerate", "Command", "StartService", "StopService") else ""
    return entry["method"], entry["resource"], about, str(entry["status"])
