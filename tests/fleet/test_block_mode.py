# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Server 2003 and UDP 4500: no run leads a server into block mode, with any change of MaxUserPort."""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, play
from tests.fleet.in_process import run_in_process
from tests.fleet.snapshot import TCPIP
from tests.fleet.task_checks import assert_refused
from tests.simulator.control import running_fleet

OLD: t.Final[Json] = {"release": "2003", "roles": ["dns", "ias"], "broken": False}
HIGH: t.Final[Json] = {**OLD, "max_user_port": 60000}
RAISE: t.Final[Json] = {"dynamic_ports": {"max_user_port": 60000}}
LOWER: t.Final[Json] = {"dynamic_ports": {"max_user_port": "default"}}
RADIUS: t.Final[Json] = {"reserved_ports": {"services": ["ias"]}}
DANGER: t.Final = "UDP 4500, which is not reserved then"

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


def _run(*resources: Json, undo: bool = False) -> Step:
    return Step(module="converge", options={"resources": list(resources), "state": "absent" if undo else "present"})


def _reboot(*acts: Json) -> Step:
    return Step(module="server_reboot", options={"pre_reboot_delay": 0}, acts=acts)


REBOOT: t.Final = _reboot()
SOMEBODY_RAISES: t.Final[Json] = {
    "do": "set_value",
    "path": TCPIP,
    "name": "MaxUserPort",
    "type": "DWORD",
    "data": 60000,
}

CASES: t.Final = (
    HostCase(id="raised-beside-a-reservation", server=OLD, steps=(_run(RAISE, RADIUS), _run(RAISE, RADIUS), REBOOT)),
    HostCase(id="raised-alone", server=OLD, steps=(Step(module="dynamic_ports", options=RAISE["dynamic_ports"]),)),
    HostCase(
        id="reserved-first",
        server=OLD,
        steps=(
            Step(module="reserved_ports", options={"services": ["ipsec"]}),
            Step(module="dynamic_ports", options=RAISE["dynamic_ports"]),
            REBOOT,
        ),
    ),
    # It booted with 60000; the next boot reads another value.
    HostCase(id="lowered", server=HIGH, steps=(_run(LOWER, RADIUS), REBOOT)),
    # It booted without; the next boot reads another value.
    HostCase(id="raised-by-somebody", server=OLD, steps=(_reboot(SOMEBODY_RAISES),)),
    HostCase(id="taken-back", server=HIGH, steps=(_run(LOWER), _run(LOWER, undo=True), REBOOT)),
    HostCase(
        id="given-up",
        server={**HIGH, "reserved_ports": ["4500-4500"]},
        steps=(Step(module="reserved_ports", options={"services": ["ias"], "state": "pure"}), REBOOT),
    ),
)


@pytest.fixture(scope="module")
def results() -> Results:
    return run_in_process(CASES)


def test_a_raise_reserves_the_port_in_the_same_run(results: Results) -> None:
    done, again, rebooted = results["raised-beside-a-reservation"]
    assert done.event == "ok", done.message
    assert done.after.reserved == ["1645-1646", "1812-1813", "4500-4500"]
    assert "UDP 4500 is reserved too" in done.warnings
    assert (again.result["changed"], rebooted.event) == (False, "ok")
    assert rebooted.after.runs("PolicyAgent")


def test_a_raise_alone_is_refused(results: Results) -> None:
    (task_run,) = results["raised-alone"]
    assert_refused(task_run)
    assert "MaxUserPort 60000: at the next boot the DNS server's pool could take UDP 4500" in task_run.message
    assert "reserved_ports (services: ipsec)" in task_run.message


def test_with_the_port_reserved_the_raise_is_done(results: Results) -> None:
    _reserved, raised, rebooted = results["reserved-first"]
    assert (raised.event, rebooted.event) == ("ok", "ok")
    assert "KB912023" not in raised.warnings
    assert rebooted.after.value(TCPIP, "MaxUserPort") == 60000
    assert rebooted.after.data["boot"]["block_mode"] is False


def test_what_ends_the_danger_needs_no_reservation(results: Results) -> None:
    done, rebooted = results["lowered"]
    assert done.after.reserved == ["1645-1646", "1812-1813"]
    assert "KB912023" not in done.warnings
    assert rebooted.event == "ok", rebooted.message
    assert rebooted.after.runs("PolicyAgent")


@pytest.mark.parametrize("name", ["raised-by-somebody", "taken-back", "given-up"])
def test_a_reboot_is_judged_by_what_it_will_read(results: Results, name: str) -> None:
    task_run = results[name][-1]
    assert_refused(task_run)
    assert "KB912023" in task_run.message


@pytest.mark.parametrize("name", ["taken-back", "given-up"])
def test_who_brings_the_danger_back_is_told(results: Results, name: str) -> None:
    task_run = results[name][-2]
    assert task_run.event == "ok", task_run.message
    assert DANGER in task_run.warnings


@pytest.fixture(scope="module")
def lost() -> c.Iterator[dict[str, int]]:
    """Boots that end in block mode, of 200."""
    hosts = {"raised": dict(OLD), "raised-by-hand": {**HIGH}}
    with running_fleet({"defaults": {"time_scale": 0.005, "wire": {"transport": "basic"}}, "hosts": hosts}) as fleet:
        task = {"name": "Raise", "portkeeper.windows.converge": {"resources": [RAISE, RADIUS]}}
        play(fleet.control, fleet.inventory, [task], "--limit", "raised")
        yield {host: fleet.control.host(host).lottery(200)["block_modes"] for host in hosts}


def test_no_boot_ends_in_block_mode(lost: dict[str, int]) -> None:
    assert lost["raised"] == 0
    assert lost["raised-by-hand"] > 0
