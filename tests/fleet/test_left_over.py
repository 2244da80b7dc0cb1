# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says of services: whom it looked at, who came back, and who is down beside that."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner

RADIUS: t.Final[Json] = {"service": "IAS", "ports": ["1645-1646/udp", "1812-1813/udp"]}
EDGE: t.Final[Json] = {"service": "ADAM_MSExchange", "image": "dsamain.exe", "ad_lds_instance": "MSExchange"}
BOTH: t.Final[Json] = {
    "release": "2003",
    "roles": ["dns", "ias", "exchange_edge"],
    "max_user_port": 65534,
    "broken": ["IAS", "ADAM_MSExchange"],
}
"""The pool has a port of RADIUS and one of AD LDS, on which Exchange's transport depends."""
DEPENDENT: t.Final = "MSExchangeTransport"


def _runner(server: Json | None = None) -> CaseRunner:
    return CaseRunner(HostCase(id="server", server=server or BOTH, steps=()))


def _converge(runner: CaseRunner, *victims: Json, check: bool = False, **options: t.Any) -> TaskRun:
    asked = {"victims": list(victims), "relieve": True, "restart_dns": True, "prove": True, **options}
    return runner.run_step(Step(module="converge", options=asked, check=check))


def _left(task_run: TaskRun) -> dict[str, int]:
    return {row["service"]: row["exit_code"] for row in task_run.result["left_over"]}


def test_what_is_down_and_not_covered_is_named_at_the_end() -> None:
    """What is not a victim may come back with the same stop of DNS; here it stays as it is."""
    runner = _runner()
    for task_run in (_converge(runner, RADIUS, check=True), _converge(runner, RADIUS), _converge(runner, RADIUS)):
        assert task_run.event == "ok", task_run.message
        assert _left(task_run).keys() >= {"ADAM_MSExchange", DEPENDENT}
        assert _left(task_run)["ADAM_MSExchange"] in (10013, 10048)
        assert _left(task_run)[DEPENDENT] == 1068
        assert "Left over, and not covered here: ADAM_MSExchange (error 100" in task_run.message
        assert f"{DEPENDENT} (error 1068: a service that it depends on failed to start)" in task_run.message


def test_what_is_covered_is_not_left_over() -> None:
    runner = _runner()
    for task_run in (_converge(runner, RADIUS, EDGE, check=True), _converge(runner, RADIUS, EDGE)):
        assert (_left(task_run), "Left over" in task_run.message) == ({}, False)
        assert {"IAS", "ADAM_MSExchange", DEPENDENT} <= set(task_run.result["relieved"])


def test_what_was_switched_off_is_not_left_over() -> None:
    runner = _runner({**BOTH, "broken": ["IAS"]})
    stop = {"do": "set_start_mode", "service": "ADAM_MSExchange", "mode": "manual"}
    kill = {"do": "stop_service", "service": "ADAM_MSExchange"}
    asked = {"victims": [RADIUS], "relieve": True, "restart_dns": True, "prove": True}
    task_run = runner.run_step(Step(module="converge", options=asked, acts=(kill, stop)))
    assert _left(task_run) == {}


def test_it_costs_no_request() -> None:
    """It rides in the query for services, before and after."""
    healthy = _runner({**BOTH, "broken": False})
    task_run = _converge(healthy, RADIUS)
    queries = [row["brief"] for row in task_run.requests["log"] if "FROM Win32_Service" in row["brief"]]
    assert len(queries) == 1
    assert "ExitCode = 1068" in queries[0]


def test_the_proof_names_the_services_it_looked_at() -> None:
    server = {**BOTH, "broken": False}
    assert _converge(_runner(server), RADIUS).message == "OK. Nothing to change; IAS runs and owns its ports."
    both = _converge(_runner(server), RADIUS, EDGE).message
    assert both == "OK. Nothing to change; IAS and ADAM_MSExchange run and own their ports."
    unknown = _converge(_runner(server), RADIUS, {"service": "Dhcp"}).message
    assert unknown == "OK. Nothing to change; IAS runs and owns its ports; Dhcp runs, no port of it is known here."


def test_the_baseline_names_what_no_role_is_for() -> None:
    looked = _runner().run_step(Step(module="port_info", options={"detail": "full", "gather_subset": ["roles"]}))
    assert {row["service"] for row in looked.result["roles"]["left_over"]} >= {"IAS", "ADAM_MSExchange", DEPENDENT}
    assert "Down for the sake of a port: " in looked.message


# --- relief ----------------------------------------------------------------------------------------------------------

UNKNOWN: t.Final[Json] = {"service": "IAS"}
"""The same service, whose ports nobody named."""
ROBBED: t.Final[Json] = {**BOTH, "roles": ["dns", "ias"], "broken": ["IAS"]}


def test_dns_is_out_of_the_way_of_a_service_whose_ports_are_not_known() -> None:
    runner = _runner(ROBBED)
    checked, done = _converge(runner, UNKNOWN, check=True), _converge(runner, UNKNOWN)
    assert "would restart DNS" in checked.message
    assert done.event == "ok", done.message
    assert done.result["dns_restarted"]
    assert done.result["relieved"] == checked.result["relieved"] == ["IAS"]
    assert done.after.runs("IAS")
    assert done.after.runs("DNS")


def test_without_leave_to_stop_dns_the_message_says_what_to_do_next() -> None:
    task_run = _converge(_runner(ROBBED), UNKNOWN, restart_dns=False)
    assert task_run.event == "failed"
    assert task_run.before.service("DNS")["pid"] == task_run.after.service("DNS")["pid"]
    assert "IAS is down" in task_run.message
    assert "set restart_dns to true" in task_run.message
    assert "name its ports" in task_run.message


def test_a_service_that_is_down_for_another_reason_is_no_reason_to_stop_dns() -> None:
    runner = _runner({**ROBBED, "broken": False})
    kill = {"do": "kill_service", "service": "IAS"}
    asked = {"victims": [UNKNOWN], "relieve": True, "restart_dns": True, "prove": True}
    task_run = runner.run_step(Step(module="converge", options=asked, acts=(kill,)))
    assert task_run.event == "ok", task_run.message
    assert (task_run.result["relieved"], task_run.result["dns_restarted"]) == (["IAS"], False)


@pytest.mark.parametrize("restart_dns", [True, False])
def test_what_does_not_come_up_is_not_relieved(restart_dns: bool) -> None:
    server = {**ROBBED, "broken": False}
    kill = {"do": "kill_service", "service": "IAS"}
    bind = {"do": "bind", "protocol": "udp", "port": 1812, "image": "other.exe", "stays": True}
    asked = {"victims": [UNKNOWN], "relieve": True, "restart_dns": restart_dns, "prove": True}
    task_run = _runner(server).run_step(Step(module="converge", options=asked, acts=(kill, bind)))
    assert task_run.event == "failed"
    assert task_run.result["relieved"] == []
    assert "started IAS" not in task_run.message
