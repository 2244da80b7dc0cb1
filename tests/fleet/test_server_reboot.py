# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``server_reboot``: it reboots, it waits, and it never cuts the way back in."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, run_cases
from tests.fleet.in_process import run_in_process
from tests.fleet.task_checks import assert_refused

MODULE: t.Final = "server_reboot"
AD_LDS: t.Final = "ADAM_MSExchange"
NOW: t.Final[Json] = {"pre_reboot_delay": 0}
RESERVE: t.Final = Step(module="reserved_ports", options={"ports": ["50389", "50636"]})

Results: t.TypeAlias = dict[str, tuple[TaskRun, ...]]


def _reboots(name: str, release: str, **server: t.Any) -> HostCase:
    options = {**NOW, "services": ["WinRM", "DNS", "w32time"]}
    steps = (Step(module=MODULE, options=options, check=True), Step(module=MODULE, options=options))
    return HostCase(id=name, server={"release": release, "roles": ["dns"], **server}, steps=steps)


BY_PROGRAM: t.Final = (
    _reboots("2003-german-ntlm", "2003", language="de", wire={"transport": "ntlm"}),
    _reboots("2003-winrm-1.1", "2003", winrm_stack="1.1"),
    _reboots("2008r2-by-command-german", "2008r2", language="de", assumptions={"reboot_method_return": 1314}),
)
"""Over real HTTP, where connections, logons and shells break off; all others in this process."""
IN_PROCESS: t.Final = (
    _reboots("2003", "2003"),
    _reboots("2003-by-command", "2003", assumptions={"reboot_method_return": 1314}),
    _reboots("2008", "2008"),
    _reboots("2022", "2022"),
    _reboots("2022-german", "2022", language="de"),
    _reboots("2022-clock-wrong", "2022", clock_offset=-7200.0),
)
REBOOTS: t.Final = (*BY_PROGRAM, *IN_PROCESS)
SETTLED: t.Final = HostCase(
    id="what-waited-is-in-force",
    server={"release": "2003"},
    steps=(RESERVE, Step(module=MODULE, options=NOW), RESERVE),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Refusal:
    """A reboot that must not be, or can't."""

    id: str
    sentence: str
    server: Json = dataclasses.field(default_factory=dict)
    options: Json = dataclasses.field(default_factory=dict)
    acts: tuple[Json, ...] = ()

    @property
    def case(self) -> HostCase:
        """In check mode and without."""
        checked = Step(module=MODULE, options=self.options, check=True, acts=self.acts)
        server = {"release": "2022", "roles": ["dns"], **self.server}
        return HostCase(id=self.id, server=server, steps=(checked, Step(module=MODULE, options=self.options)))


BLOCKING: t.Final[Json] = {"release": "2003", "roles": ["dns"], "max_user_port": 65534, "broken": False}

REFUSALS: t.Final = (
    Refusal(
        id="no-way-back", server={"start_modes": {"WinRM": "manual"}}, sentence=r"service WinRM: .*start mode is Man"
    ),
    Refusal(
        id="way-back-disabled",
        acts=({"do": "set_start_mode", "service": "WinRM", "mode": "disabled"},),
        sentence=r"service WinRM: .*Disabled",
    ),
    Refusal(id="block-mode", server=BLOCKING, sentence=r"UDP 4500 .*block mode, KB912023.*ports=4500"),
    Refusal(
        id="no-such-service", options={"services": ["DNS", "NoSuch"]}, sentence=r"service NoSuch: it does not exist"
    ),
    Refusal(id="disabled-service", options={"services": ["RemoteAccess"]}, sentence=r"RemoteAccess: it is disabled"),
    Refusal(id="two-lines", options={"msg": "one\ntwo"}, sentence=r"msg: it has a line break"),
    Refusal(id="long-message", options={"msg": "x" * 128}, sentence=r"msg: it has 128 characters"),
    Refusal(id="no-time", options={"reboot_timeout": 5}, sentence=r"reboot_timeout: 5 is not between 10 and"),
)
INSISTED: t.Final = HostCase(
    id="block-mode-insisted",
    server=BLOCKING,
    steps=(Step(module=MODULE, options={**NOW, "ignore_block_mode": True}, check=True),),
)
RESERVED_4500: t.Final = HostCase(
    id="block-mode-reserved",
    server=BLOCKING,
    steps=(
        Step(module="reserved_ports", options={"ports": ["4500"]}),
        Step(module=MODULE, options={**NOW, "services": ["PolicyAgent"]}),
    ),
)
STAYS_DOWN: t.Final = HostCase(
    id="service-stays-down",
    server={"release": "2022", "broken": False},
    steps=(
        Step(
            module=MODULE,
            options={**NOW, "services": [AD_LDS], "reboot_timeout": 10},
            acts=({"do": "bind", "image": "thief.exe", "protocol": "tcp", "port": 50389, "stays": True},),
        ),
    ),
)


@pytest.fixture(scope="module")
def results() -> Results:
    refused = (refusal.case for refusal in REFUSALS)
    here = run_in_process([*IN_PROCESS, SETTLED, *refused, INSISTED, RESERVED_4500, STAYS_DOWN])
    return {**run_cases(BY_PROGRAM), **here}


@pytest.mark.parametrize("case", REBOOTS, ids=str)
def test_check_mode_says_changed_and_reboots_nothing(results: Results, case: HostCase) -> None:
    checked, _done = results[case.id]
    assert checked.event == "ok", checked.message
    assert (checked.result["changed"], checked.result["rebooted"]) == (True, False)
    assert checked.after.data == checked.before.data


@pytest.mark.parametrize("case", REBOOTS, ids=str)
def test_it_reboots_once_and_waits_for_the_services(results: Results, case: HostCase) -> None:
    _checked, done = results[case.id]
    assert done.event == "ok", done.message
    assert (done.result["changed"], done.result["rebooted"]) == (True, True)
    assert done.after.boot == done.before.boot + 1
    assert done.after.runs("WinRM", "DNS", "W32Time")
    assert done.result["elapsed"] >= 0
    assert done.after.configuration == done.before.configuration


@pytest.mark.parametrize("case", REBOOTS, ids=str)
def test_a_shell_is_opened_only_where_wmi_may_not(results: Results, case: HostCase) -> None:
    _checked, done = results[case.id]
    shells = [entry for entry in done.requests["log"] if entry["resource"] == "cmd"]
    assert bool(shells) == ("by-command" in case.id)


def test_what_waited_for_the_boot_is_in_force(results: Results) -> None:
    written, rebooted, again = results[SETTLED.id]
    assert written.result["reboot_required"] is True
    assert "reserved_ports" in rebooted.message
    assert again.result["changed"] is False
    assert (again.result["effective"], again.result["reboot_required"]) == ("yes", False)
    assert again.after.data["boot"]["effective_reserved"] == [50389, 50636]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.id)
def test_refusals_say_why_and_touch_nothing(results: Results, refusal: Refusal) -> None:
    for task_run in results[refusal.id]:
        assert_refused(task_run)
        assert re.search(refusal.sentence, task_run.message), task_run.message


def test_block_mode_can_be_insisted_on(results: Results) -> None:
    (task_run,) = results[INSISTED.id]
    assert task_run.event == "ok", task_run.message
    assert "accept_risks has block_mode" in task_run.warnings


def test_a_reservation_of_the_same_boot_lifts_the_refusal(results: Results) -> None:
    _reserved, rebooted = results[RESERVED_4500.id]
    assert rebooted.event == "ok", rebooted.message
    assert rebooted.after.runs("PolicyAgent")
    assert rebooted.after.data["boot"]["block_mode"] is False


def test_a_service_that_stays_down_is_named_with_its_error(results: Results) -> None:
    (task_run,) = results[STAYS_DOWN.id]
    assert task_run.event == "failed"
    assert task_run.after.boot == task_run.before.boot + 1
    assert re.search(rf"{AD_LDS} is Stopped, its exit code (10048|10013)", task_run.message), task_run.message
