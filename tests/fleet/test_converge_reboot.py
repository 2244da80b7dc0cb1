# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``converge`` with ``reboot: where_needed``: announced, done once, proved, and refused before anything changes.

With servers in this process. The roles reboot over real HTTP, in `test_role` and the other tests of roles.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import server_reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.server_reboot import RebootError, carry_out
from ansible_collections.portkeeper.windows.plugins.plugin_utils._results import many_results
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options
from tests.fleet.engine_tasks import ConvergeTask
from tests.fleet.host_cases import Json
from tests.fleet.killed_runs import DirectTarget
from tests.fleet.role_contract import content, standing

AD_LDS: t.Final = "ADAM_MSExchange"
OLD: t.Final[Json] = {"release": "2003", "broken": False, "time_scale": 0.3}
HIGH: t.Final[Json] = {**OLD, "max_user_port": 65534}
RESERVE: t.Final[Json] = {"resources": [{"reserved_ports": {"ports": ["50389", "50636"]}}]}
KEEP: t.Final[Json] = {
    **RESERVE,
    "victims": [{"service": AD_LDS, "ad_lds_instance": "MSExchange"}],
    "required_services": ["DNS"],
    "relieve": True,
    "restart_dns": True,
    "prove": True,
}
REBOOT: t.Final[Json] = {"reboot": "where_needed"}


@dataclasses.dataclass(frozen=True)
class Done:
    """The result of one task, and what it sent."""

    result: Json
    messages: int


def converge(target: DirectTarget, options: Json, *, check_mode: bool = False) -> Done:
    """One task with ``converge`` on this server."""
    checked = validated_options("converge", converge_options.ARGUMENT_SPEC, options)
    request = converge_options.request(checked, journal=True, validate=validated_options)
    with target.connection() as connection:
        outcome = carry_out(
            connection.client(),
            lambda: contextlib.nullcontext(connection.client()),
            request,
            check_mode=check_mode,
            clock=connection.clock,
        )
        return Done(many_results(outcome, host="server", check_mode=check_mode, diff=True), connection.sent)


def test_check_mode_says_that_it_would_reboot_and_what_then() -> None:
    target = DirectTarget(OLD)
    before = standing(target.look())
    result = converge(target, {**KEEP, **REBOOT}, check_mode=True).result
    assert standing(target.look()) == before
    assert (result["changed"], result["rebooted"], result["elapsed"]) == (True, False, 0.0)
    assert result["msg"].startswith("NOT DONE YET. Before the reboot: Would change reserved_ports")
    assert "would be rebooted. reserved_ports waits for it. After the reboot: everything would be" in result["msg"]


def test_one_task_changes_reboots_and_proves() -> None:
    target = DirectTarget(OLD)
    announced = converge(target, {**KEEP, **REBOOT}, check_mode=True).result
    boot = target.look().boot
    result = converge(target, {**KEEP, **REBOOT}).result
    assert target.look().boot == boot + 1
    assert (result["changed"], result["rebooted"], result["reboot_required"]) == (True, True, False)
    assert (result["effective"], result["reasons"]) == ("yes", [])
    assert result["elapsed"] > 0
    assert result["diff"] == announced["diff"] != []
    (resource,) = result["resources"]
    assert (resource["changed"], resource["effective"], resource["reboot_required"]) == (True, "yes", False)
    assert resource["before"] != resource["after"]
    assert all(victim["ok"] for victim in result["victims"])
    assert re.search(
        r"^OK, in force\. Before the reboot: Changed reserved_ports.*waits for a reboot.*rebooted and was back "
        r"after \d+ seconds\. In force since then: "
        r"reserved_ports\. After the reboot: Nothing to change; [A-Za-z_, ]+ "
        r"(runs and owns its|run and own their) ports\.$",
        result["msg"],
    )


def test_a_second_run_neither_changes_nor_reboots_and_asks_no_more() -> None:
    target = DirectTarget(OLD)
    converge(target, {**KEEP, **REBOOT})
    boot = target.look().boot
    again, without = converge(target, {**KEEP, **REBOOT}), converge(target, KEEP)
    assert target.look().boot == boot
    assert (again.result["changed"], again.result["rebooted"]) == (False, False)
    assert again.messages == without.messages


def test_what_an_earlier_run_left_waiting_is_a_reason() -> None:
    target = DirectTarget(OLD)
    assert converge(target, KEEP).result["reboot_required"] is True
    result = converge(target, {**KEEP, **REBOOT}).result
    assert (result["changed"], result["rebooted"], result["effective"]) == (True, True, "yes")
    assert (result["resources"][0]["changed"], result["diff"]) == (False, [])


@pytest.mark.parametrize("options", [{}, REBOOT], ids=["never", "where-needed"])
def test_a_run_for_which_nothing_is_wanted_has_nothing_to_change(options: Json) -> None:
    target = DirectTarget(OLD)
    before = standing(target.look())
    unwanted = {"resources": [{**item, "wanted": False} for item in RESERVE["resources"]], **options}
    result = converge(target, unwanted).result
    assert standing(target.look()) == before
    assert (result["changed"], result["rebooted"]) == (False, False)
    assert result["msg"] == "Nothing to do here. Nothing to change."


def test_where_nothing_waits_no_reboot_comes() -> None:
    target = DirectTarget({"release": "2022", "broken": True, "time_scale": 0.3})
    boot = target.look().boot
    excluded = {**KEEP, "resources": [{"dns_socket_pool": {"ad_lds_instances": ["MSExchange"]}}], **REBOOT}
    result = converge(target, excluded).result
    assert (result["changed"], result["rebooted"]) == (True, False)
    assert "elapsed" not in result
    assert target.look().boot == boot


def test_what_is_taken_back_waits_for_a_reboot_too() -> None:
    target = DirectTarget(OLD)
    original = target.look().reserved
    converge(target, {**RESERVE, **REBOOT})
    result = converge(target, {**RESERVE, **REBOOT, "state": "absent"}).result
    assert (result["changed"], result["rebooted"]) == (True, True)
    assert (target.look().reserved, target.look().journal) == (original, None)


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "run"])
@pytest.mark.parametrize(
    ("server", "options", "sentence"),
    [
        pytest.param({**OLD, "start_modes": {"WinRM": "manual"}}, KEEP, "service WinRM: its start mode is", id="winrm"),
        # Without victims nobody reserves 4500 along.
        pytest.param(HIGH, RESERVE, "UDP 4500 before IPSEC Services", id="block-mode"),
    ],
)
def test_a_reboot_that_must_not_be_is_refused_before_anything_changes(
    server: Json, options: Json, sentence: str, *, check_mode: bool
) -> None:
    target = DirectTarget(server)
    before = standing(target.look())
    with pytest.raises(PlanError, match=sentence):
        converge(target, {**options, **REBOOT}, check_mode=check_mode)
    assert standing(target.look()) == before


@pytest.mark.parametrize("check_mode", [True, False], ids=["check", "run"])
def test_a_port_that_the_same_run_reserves_is_no_risk(*, check_mode: bool) -> None:
    target = DirectTarget(HIGH)
    result = converge(target, {**KEEP, **REBOOT}, check_mode=check_mode).result
    assert result["rebooted"] is not check_mode
    assert not any("accept_risks" in warning for warning in result["warnings"])
    assert target.look().data["boot"]["block_mode"] is False


def test_the_risk_can_be_taken() -> None:
    result = converge(DirectTarget(HIGH), {**RESERVE, **REBOOT, "ignore_block_mode": True}, check_mode=True).result
    assert any(warning.startswith("accept_risks has block_mode") for warning in result["warnings"])


def _unlucky_boot(options: Json) -> tuple[DirectTarget, dict[str, t.Any]]:
    """A server on which DNS takes a port of AD LDS at the boot that this task brings."""
    for seed in range(40):
        target = DirectTarget({**OLD, "seed": seed})
        result = dict(converge(target, options).result)
        if result["relieved"] or result.get("failed"):
            return target, result
    raise AssertionError("each boot was lucky")


def test_a_service_that_loses_its_port_at_the_boot_is_relieved() -> None:
    """Another port than its own was reserved, so that the boot is a lottery. Nobody waits for what has failed."""
    reserve = {"resources": [{"reserved_ports": {"ports": ["6000"]}}], "reboot_timeout": 600}
    target, result = _unlucky_boot({**KEEP, **reserve, **REBOOT})
    assert (result["rebooted"], result["relieved"][0], result["dns_restarted"]) == (True, AD_LDS, True)
    assert result["elapsed"] < 600
    assert all(victim["ok"] for victim in result["victims"])
    assert target.look().runs(AD_LDS, "DNS")
    headers = [part["before_header"] for part in result["diff"]]
    assert headers == ["server: reserved_ports", "server: services"]


def test_another_required_service_that_stays_down_fails_the_task() -> None:
    reserve = {"resources": [{"reserved_ports": {"ports": ["6000"]}}], "victims": [], "required_services": [AD_LDS]}
    _place, result = _unlucky_boot({**KEEP, **reserve, **REBOOT})
    assert re.search(rf"600 seconds after it began service {AD_LDS} is Stopped", result["msg"]), result["msg"]


def test_what_was_changed_before_a_reboot_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> t.NoReturn:
        raise RebootError(host="server", operation="reboot", target="the server", meaning="it is refused")

    target = DirectTarget(OLD)
    announced = converge(target, {**KEEP, **REBOOT}, check_mode=True).result
    monkeypatch.setattr(server_reboot, "ask", refused)
    result = converge(target, {**KEEP, **REBOOT}).result
    assert (result["failed"], result["changed"], result["rebooted"]) == (True, True, False)
    assert (result["reboot_required"], result["diff"]) == (True, announced["diff"])
    assert re.search(
        "^FAILED. Changed reserved_ports.*can't reboot the server: it is refused.*run this again", result["msg"]
    )
    monkeypatch.undo()
    again = converge(target, {**KEEP, **REBOOT}).result
    assert (again["changed"], again["rebooted"], again["effective"]) == (True, True, "yes")


def test_an_undo_is_done_without_a_reboot_that_must_not_be() -> None:
    target = DirectTarget(HIGH)
    original = target.look().reserved
    converge(target, {**KEEP, **REBOOT})
    result = converge(target, {**KEEP, **REBOOT, "state": "absent", "prove": False}).result
    assert (result["changed"], result["rebooted"], target.look().reserved) == (True, False, original)
    assert any("The server is not rebooted: at the next boot" in warning for warning in result["warnings"])


def _meanwhile(target: DirectTarget, act: Json, options: Json) -> Json:
    """The result of a run during which something else happens: as soon as the value is written."""

    def after_answer(envelope: bytes) -> None:
        if b"SetMultiStringValue" in envelope:
            target.act(act)

    with target.witnessed(after_answer):
        return converge(target, options).result


MANUAL: t.Final[Json] = {"service_start_mode": {"name": ["Spooler"], "start_mode": "manual"}}


@pytest.mark.parametrize(
    "options",
    [{**KEEP, **REBOOT}, {**REBOOT, "resources": [MANUAL, *RESERVE["resources"]]}],
    ids=["services-are-started", "a-start-mode-is-set"],
)
def test_a_refusal_after_the_steps_tells_what_was_done(options: Json) -> None:
    """The permission to reboot was given in the plan; meanwhile somebody has taken the way back in."""
    target = DirectTarget({**OLD, "broken": True})
    result = _meanwhile(target, {"do": "set_start_mode", "service": "WinRM", "mode": "manual"}, options)
    assert target.look().reserved == ["50389-50389", "50636-50636"]
    assert (result["failed"], result["changed"], result["rebooted"], result["victims"]) == (True, True, False, [])
    assert re.search(
        r"^FAILED\. Changed .*reserved_ports.*service WinRM: its start mode is Manual, so it would not start by "
        r"itself .*"
        r"What was changed before stays: mend this, and run it again\.$",
        result["msg"],
    )
    assert "nothing was changed" not in result["msg"]
    assert "own their ports" not in result["msg"]
    assert result["failures"] == [result["msg"][result["msg"].index("server: service WinRM") :]]


TAKEN_BACK: t.Final[t.Mapping[str, tuple[Json, Json]]] = {
    "ports": (OLD, RESERVE),
    "ports-by-owner": (OLD, {**RESERVE, "owner": "somebody"}),
    "ports-among-others": ({**OLD, "reserved_ports": ["3343-3343"]}, KEEP),
    "max-user-port": (
        OLD,
        {"resources": [{"dynamic_ports": {"max_user_port": "61000"}}, {"reserved_ports": {"services": ["ipsec"]}}]},
    ),
    "directory": (
        {**OLD, "roles": ["domain_controller", "dns"]},
        {"resources": [{"static_rpc_port": {"ports": {"ntds": "4901"}}}]},
    ),
}


@pytest.mark.parametrize("name", TAKEN_BACK)
def test_an_undo_that_was_killed_before_its_reboot_is_finished_by_the_next(name: str) -> None:
    server, options = TAKEN_BACK[name]
    undo = ConvergeTask({**options, **REBOOT, "prove": False, "state": "absent"})
    target = DirectTarget(server, first=ConvergeTask({**options, **REBOOT, "prove": False}))
    target.begin()
    boot, original = target.look().boot, content(DirectTarget(server).look())
    assert content(target.look()) != original
    failures, messages = target.done(undo)
    assert (failures, target.look().boot, target.look().journal) == ((), boot + 1, None)
    for position in target.interruptions(undo, "killed", messages):
        assert target.is_reachable()
        assert target.done(undo)[0] == ()
        assert (target.look().boot, content(target.look()), target.look().journal) == (boot + 1, original, None), (
            position
        )


def test_a_reboot_that_an_undo_goes_without_is_known_until_it_comes() -> None:
    target = DirectTarget(HIGH)
    converge(target, {**KEEP, **REBOOT})
    undo = {**KEEP, **REBOOT, "prove": False, "state": "absent"}
    for _run in range(2):
        assert converge(target, undo).result["reboot_required"] is True
    assert converge(target, {**undo, "reboot": "never"}).result["reboot_required"] is True
    target.settle()
    target.act({"do": "boot"})
    result = converge(target, undo).result
    assert (result["changed"], result["reboot_required"], target.look().journal) == (False, False, None)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("reboot_timeout", 5, "reboot_timeout: 5 is not between 10 and 86400 seconds"),
        ("reboot_message", "one\ntwo", "reboot_message: it has a line break"),
    ],
)
def test_a_wrong_option_is_called_by_its_name(option: str, value: t.Any, sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        converge(DirectTarget(OLD), {**KEEP, **REBOOT, option: value})
