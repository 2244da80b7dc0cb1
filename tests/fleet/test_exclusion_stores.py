# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excluded ranges of one store alone: lost at the next boot, or not in force before it."""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner

PORTS: t.Final = "50389-50390"
SERVERS: t.Final[dict[str, Json]] = {
    "2008-hotfix": {"release": "2008", "netsh_hotfix": True},
    "2008r2-hotfix-german": {"release": "2008r2", "netsh_hotfix": True, "language": "de"},
    "2012r2": {"release": "2012r2"},
    "2025": {"release": "2025"},
}
UNTIL_BOOT: t.Final = "active"
FROM_BOOT: t.Final = "persistent"


def _exclude(store: str, ports: str = PORTS, protocol: str = "udp") -> Json:
    return {"do": "exclude", "protocol": protocol, "ports": ports, "store": store}


def _runner(name: str) -> CaseRunner:
    server = {**SERVERS[name], "roles": ["dns"], "start_modes": {"DNS": "manual"}}
    return CaseRunner(HostCase(id=name, server=server, steps=()))


def _reserve(runner: CaseRunner, *acts: Json, check: bool = False, **options: t.Any) -> TaskRun:
    asked = {"ports": [PORTS], "protocol": "udp", **options}
    return runner.run_step(Step(module="reserved_ports", options=asked, check=check, acts=acts))


def _blocks(task_run: TaskRun, protocol: str = "udp") -> dict[str, str]:
    """The administered blocks after a task, each with its stores."""
    rows = task_run.after.data["exclusions"][protocol]
    return {
        f"{row['first']}-{row['last']}": {(1, 1): "both", (1, 0): "active", (0, 1): "persistent"}[
            row["active"], row["persistent"]
        ]
        for row in rows
        if row["administered"]
    }


@pytest.mark.parametrize("name", SERVERS)
def test_a_block_until_the_boot_is_not_reserved_and_is_made_to_last(name: str) -> None:
    runner = _runner(name)
    checked = _reserve(runner, _exclude(UNTIL_BOOT), check=True)
    done, again = _reserve(runner), _reserve(runner)
    assert checked.result["before"]["excluded_udp"] == []
    assert (checked.result["changed"], done.result["changed"], again.result["changed"]) == (True, True, False)
    assert (_blocks(checked), _blocks(done)) == ({PORTS: "active"}, {PORTS: "both"})
    assert {task_run.result["effective"] for task_run in (checked, done, again)} == {"yes"}
    runner.boot()
    after = _reserve(runner)
    assert (after.result["changed"], _blocks(after)) == (False, {PORTS: "both"})


def test_a_part_of_such_a_block_is_made_to_last_and_the_rest_stays() -> None:
    done = _reserve(_runner("2025"), _exclude(UNTIL_BOOT, "50380-50399"))
    assert _blocks(done) == {"50380-50388": "active", PORTS: "both", "50391-50399": "active"}


def test_what_is_taken_back_is_what_was_there() -> None:
    runner = _runner("2025")
    _reserve(runner, _exclude(UNTIL_BOOT))
    undo = {"resources": [{"reserved_ports": {"ports": [PORTS], "protocol": "udp"}}], "state": "absent"}
    undone = runner.run_step(Step(module="converge", options=undo))
    assert _blocks(undone) == {PORTS: "active"}
    assert "Portkeeper" not in str(undone.after.data["registry"])


@pytest.mark.parametrize("state", ["absent", "pure"])
def test_what_is_released_is_released_from_its_store(state: str) -> None:
    runner = _runner("2025")
    acts = (_exclude(UNTIL_BOOT), _exclude(FROM_BOOT, "50400-50400"), _exclude("both", "50500-50500"))
    ports = ["1024-65535"] if state == "absent" else ["50500"]
    done = _reserve(runner, *acts, ports=ports, state=state)
    assert done.event == "ok", done.message
    assert _blocks(done) == ({} if state == "absent" else {"50500-50500": "both"})
    assert _reserve(runner, ports=ports, state=state).result["changed"] is False


@pytest.mark.parametrize("name", SERVERS)
def test_a_block_from_the_boot_on_is_reserved_and_not_in_force(name: str) -> None:
    runner = _runner(name)
    found = _reserve(runner, _exclude(FROM_BOOT))
    assert (found.result["changed"], found.result["effective"]) == (False, "no")
    assert found.result["reboot_required"]
    assert "in netsh's persistent store alone" in found.message
    runner.boot()
    after = _reserve(runner)
    assert (after.result["changed"], after.result["effective"], after.result["reboot_required"]) == (
        False,
        "yes",
        False,
    )


def test_a_block_until_the_boot_whose_port_is_held_waits() -> None:
    runner = _runner("2025")
    bind = {"do": "bind", "protocol": "udp", "port": 50390, "image": "other.exe"}
    found = _reserve(runner, _exclude(UNTIL_BOOT), bind)
    assert found.event == "failed"
    assert "UDP 50390" in found.message
    assert _blocks(found) == {PORTS: "active"}


@pytest.mark.parametrize("name", SERVERS)
def test_port_info_tells_the_stores_apart(name: str) -> None:
    acts = (_exclude(UNTIL_BOOT), _exclude(FROM_BOOT, "50400-50400"), _exclude("both", "50500-50500"))
    looked = _runner(name).run_step(Step(module="port_info", options={"detail": "full"}, acts=acts))
    found = looked.result["reservations"]
    assert found["udp"] == ["50400-50400", "50500-50500"]
    stores = {row["first"]: row["store"] for row in found["blocks"] if row["administered"]}
    assert stores == {50389: "active", 50400: "persistent", 50500: "both"}
    (finding,) = looked.result["findings"]
    assert finding["kind"] == "exclusion_until_boot"
    assert "UDP 50389-50390 is excluded until the next boot only" in finding["summary"]
    (row,) = (row for row in looked.result["configured_versus_effective"] if row["part"] == "netsh")
    assert (row["effective"], row["waits_for"]) == ("no", "reboot")
    assert "50400" in row["reason"]


def test_a_reservation_that_the_boot_ends_protects_no_lost_port() -> None:
    """A finding says that a fix is configured only if the next boot does not undo it."""
    server = {"release": "2022", "roles": ["exchange_edge", "dns"], "broken": False}
    act = {"do": "kill_service", "service": "ADAM_MSExchange"}
    runner = CaseRunner(HostCase(id="held", server=server, steps=()))
    bind = {"do": "bind", "protocol": "tcp", "port": 50389, "image": "other.exe"}
    passing = _exclude(UNTIL_BOOT, "50389-50389", "tcp")
    start = {"do": "start_service", "service": "ADAM_MSExchange"}
    looked = runner.run_step(Step(module="port_info", options={"detail": "full"}, acts=(act, passing, bind, start)))
    (finding,) = (row for row in looked.result["findings"] if row["service"] == "ADAM_MSExchange")
    assert finding["kind"] == "port_taken_by_process"
    assert finding["configured"] is False
