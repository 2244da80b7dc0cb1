# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that holds a port of another is never called its owner: not by the module, nor by the page's rows."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import CaseRunner

SERVERS: t.Final[dict[str, Json]] = {
    "2008-hotfix": {"release": "2008", "netsh_hotfix": True},
    "2022": {"release": "2022"},
}
EDGE: t.Final[Json] = {"ports": ["50389", "50636"], "protocol": "udp", "only_reachable": True}
STRANGER: t.Final = "not known as the owner"


def _runner(name: str) -> CaseRunner:
    return CaseRunner(HostCase(id=name, server={**SERVERS[name], "broken": True}, steps=()))


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_a_thief_is_waited_for_and_not_called_the_owner(name: str, check: bool) -> None:
    task_run = _runner(name).run_step(Step(module="reserved_ports", options=EDGE, check=check))
    assert task_run.event == "ok", task_run.message
    assert [row["image"] for row in task_run.result["waiting_for"]] == ["dns.exe"]
    assert task_run.result["effective"] == "no"
    assert STRANGER in task_run.message
    assert "until the port is free, and this runs again" in task_run.message
    assert "nobody else can take them" not in task_run.message


def test_the_owner_is_still_called_so() -> None:
    server = {"release": "2022", "broken": False}
    runner = CaseRunner(HostCase(id="owned", server=server, steps=()))
    task_run = runner.run_step(Step(module="reserved_ports", options={**EDGE, "protocol": "tcp"}))
    assert {row["image"] for row in task_run.result["waiting_for"]} == {"dsamain.exe"}
    assert STRANGER not in task_run.message
    assert "while it holds its ports, nobody else can take them" in task_run.message


def test_a_finding_waits_for_the_holder_and_not_for_an_owner() -> None:
    server = {"release": "2022", "roles": ["exchange_edge", "dns"], "broken": False}
    acts = (
        {"do": "kill_service", "service": "ADAM_MSExchange"},
        {"do": "exclude", "protocol": "tcp", "ports": "50389-50389"},
        {"do": "bind", "protocol": "tcp", "port": 50389, "image": "other.exe"},
        {"do": "start_service", "service": "ADAM_MSExchange"},
    )
    runner = CaseRunner(HostCase(id="held", server=server, steps=()))
    looked = runner.run_step(Step(module="port_info", options={"detail": "full"}, acts=acts))
    (finding,) = (row for row in looked.result["findings"] if row["service"] == "ADAM_MSExchange")
    assert (finding["configured"], finding["waits_for"]) == (True, "holder")
