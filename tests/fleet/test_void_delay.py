# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delayed start of DNS that Windows does not keep: every answer says so, with the service that pulls DNS forward."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner

SERVICES: t.Final = r"SYSTEM\CurrentControlSet\Services"
PULLER: t.Final = "CryptSvc"
DELAY: t.Final = {"name": ["DNS"], "start_mode": "delayed"}
REASON: t.Final = f"{PULLER} starts automatically and depends on it"
VICTIM: t.Final[Json] = {"service": "ADAM_MSExchange", "image": "dsamain.exe", "ad_lds_instance": "MSExchange"}
ROLE: t.Final[Json] = {
    "resources": [{"service_start_mode": DELAY}],
    "victims": [VICTIM],
    "relieve": True,
    "restart_dns": True,
    "prove": True,
}
"""What the role for Exchange Edge does on Windows Server 2008."""
RELEASES: t.Final = ("2008", "2008r2", "2022")


def _needs(*services: str) -> Json:
    value = {"path": rf"{SERVICES}\{PULLER}", "name": "DependOnService", "type": "MULTI_SZ", "data": list(services)}
    return {"registry": [value]}


def _runner(release: str, **more: t.Any) -> CaseRunner:
    server = {"release": release, "broken": False, **_needs("RpcSs", "DNS"), **more}
    return CaseRunner(HostCase(id=release, server=server, steps=()))


def _row(task_run: TaskRun, subset: str, **fields: str) -> Json:
    (row,) = (row for row in task_run.result[subset] if all(row[name] == value for name, value in fields.items()))
    return t.cast("Json", row)


def _looked(runner: CaseRunner) -> TaskRun:
    return runner.run_step(Step(module="port_info", options={"detail": "full"}))


@pytest.mark.parametrize("release", RELEASES)
def test_the_module_says_it_before_and_after_the_boot(release: str) -> None:
    runner = _runner(release)
    checked = runner.run_step(Step(module="service_start_mode", options=DELAY, check=True))
    done = runner.run_step(Step(module="service_start_mode", options=DELAY))
    runner.boot()
    again = runner.run_step(Step(module="service_start_mode", options=DELAY))
    for task_run in (checked, done, again):
        assert task_run.result["effective"] == "no"
        assert REASON in task_run.message
        assert f"Let {PULLER} start delayed too" in task_run.warnings
    assert (done.result["changed"], again.result["changed"]) == (True, False)


def test_the_way_out_is_one() -> None:
    """With the other service delayed too, Windows keeps the delay of both."""
    runner = _runner("2008")
    both = {"name": ["DNS", PULLER], "start_mode": "delayed"}
    done = runner.run_step(Step(module="service_start_mode", options=both))
    assert (done.result["effective"], done.result["warnings"]) == ("no", [])
    assert "shows at the next boot" in done.message
    runner.boot()
    assert runner.run_step(Step(module="service_start_mode", options=both)).result["effective"] == "yes"
    looked = _looked(runner)
    assert looked.result["risk"]["dns_start"] == "delayed"
    assert looked.result["findings"] == []


@pytest.mark.parametrize("release", RELEASES)
def test_port_info_says_it_everywhere(release: str) -> None:
    runner = _runner(release)
    runner.run_step(Step(module="service_start_mode", options=DELAY))
    looked = _looked(runner)
    risk = looked.result["risk"]
    assert risk["dns_start"] == "auto"
    assert risk["probability"] > 0
    assert REASON in risk["reason"]
    finding = _row(looked, "findings", kind="delayed_start_void")
    assert REASON in finding["summary"]
    row = _row(looked, "configured_versus_effective", resource="service_start_mode")
    assert (row["effective"], row["waits_for"]) == ("no", None)
    assert REASON in row["reason"]
    assert "In force with the next boot" not in looked.message


def test_what_would_be_void_is_no_advice() -> None:
    """On Windows Server 2008 the delayed start is the fix; where it would be void, nothing sends there."""
    looked = _looked(_runner("2008"))
    (candidate,) = (row for row in looked.result["risk"]["candidates"] if row["name"] == "delayed_dns")
    assert not candidate["advised"]
    assert candidate["probability"] == looked.result["risk"]["probability"]
    assert REASON in candidate["note"]


def test_the_fix_of_a_lost_port_does_not_send_to_a_void_delay() -> None:
    looked = _looked(_runner("2008", broken=True))
    (finding,) = looked.result["findings"]
    assert finding["kind"] == "port_taken_by_dns_pool"
    assert REASON in finding["fix"]
    assert "start_mode: delayed" not in finding["fix"]


def test_a_converged_server_is_not_called_well() -> None:
    runner = _runner("2008", broken=True)
    checked = runner.run_step(Step(module="converge", options=ROLE, check=True))
    done = runner.run_step(Step(module="converge", options=ROLE))
    runner.boot()
    again = runner.run_step(Step(module="converge", options=ROLE))
    for task_run in (checked, done, again):
        assert task_run.result["effective"] == "no"
        assert REASON in task_run.warnings


def test_a_reboot_does_not_claim_to_bring_it() -> None:
    runner = _runner("2008")
    runner.run_step(Step(module="service_start_mode", options=DELAY))
    checked = runner.run_step(Step(module="server_reboot", options={}, check=True))
    done = runner.run_step(Step(module="server_reboot", options={}))
    for task_run in (checked, done):
        assert REASON in task_run.warnings
        assert "service_start_mode" not in task_run.message


def test_a_delay_that_windows_keeps_is_in_force_after_the_reboot() -> None:
    runner = _runner("2008", **_needs("RpcSs"))
    runner.run_step(Step(module="service_start_mode", options=DELAY))
    done = runner.run_step(Step(module="server_reboot", options={}))
    assert "In force since then: service_start_mode.DNS" in done.message
    assert _looked(runner).result["risk"]["dns_start"] == "delayed"
