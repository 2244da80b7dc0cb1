# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a run: no calm word that was not read, and the reboot named where one is needed."""

from __future__ import annotations

import types
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Effectiveness,
    Plan,
    StopServices,
    WriteJournal,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, run_verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import (
    LeftOver,
    VictimReport,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Report
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.verdicts import MEANINGS, Verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import RELEASES

RELEASE: t.Final = RELEASES[-1]
AFTER_REBOOT: t.Final = Effectiveness("no", "It waits for a reboot.", reboot_required=True)
AFTER_RESTART: t.Final = Effectiveness("no", "Restart DNS.", restart_required=True)
AFTER_STOP: t.Final = Effectiveness("no", "The exclusion waits until a.exe stops.")
AT_BOOT: t.Final = Effectiveness("no", "At the next boot.", by_itself=True)
UNKNOWN: t.Final = Effectiveness("unknown", "Somebody wrote it.")
DOWN: t.Final = LeftOver(service="IAS", exit_code=10048, exit_code_meaning="the port is already in use")


def victim(*, right: bool = True) -> VictimReport:
    return t.cast(VictimReport, types.SimpleNamespace(is_right=right))


def outcome(
    *waits: Effectiveness,
    victims: tuple[VictimReport, ...] = (),
    left_over: tuple[LeftOver, ...] = (),
    unprotected: str = "",
    **request: t.Any,
) -> Outcome:
    """A run that had nothing to do, whose plans are so effective."""
    details: dict[str, t.Any] = {"unprotected": {unprotected: ["1812/udp"]}} if unprotected else {}
    plans = tuple(Plan("reserved_ports", {}, {}, effectiveness, details=details) for effectiveness in waits)
    found = Convergence(RELEASE, plans=plans, victims=victims, left_over=left_over)
    return Outcome(Request(**{"items": (), **request}), found, found, applied=False)


def item(**options: str | bool) -> Item:
    return Item(t.cast(t.Any, None), types.SimpleNamespace(**options))


CASES: t.Final[dict[str, tuple[Outcome, Verdict]]] = {
    "in-force": (outcome(EFFECTIVE), "OK, in force"),
    "in-force-with-services": (outcome(EFFECTIVE, EFFECTIVE, victims=(victim(),)), "OK, in force"),
    "at-boot": (outcome(EFFECTIVE, AT_BOOT), "OK, in force with the next boot"),
    "restart": (outcome(EFFECTIVE, AFTER_RESTART, victims=(victim(),)), "NOT SAFE YET"),
    "stop": (outcome(AFTER_STOP), "NOT SAFE YET"),
    "reboot-and-services-seen": (outcome(AFTER_REBOOT, victims=(victim(),)), "OK until the next boot: REBOOT NEEDED"),
    "reboot-and-nothing-seen": (outcome(AFTER_REBOOT), "NOT SAFE YET: REBOOT NEEDED"),
    "reboot-and-service-down": (
        outcome(AFTER_REBOOT, victims=(victim(), victim(right=False))),
        "NOT SAFE YET: REBOOT NEEDED",
    ),
    "reboot-and-restart": (outcome(AFTER_REBOOT, AFTER_RESTART, victims=(victim(),)), "NOT SAFE YET: REBOOT NEEDED"),
    "reboot-and-left-over": (
        outcome(AFTER_REBOOT, victims=(victim(),), left_over=(DOWN,)),
        "NOT SAFE YET: REBOOT NEEDED",
    ),
    "reboot-and-at-boot": (
        outcome(AFTER_REBOOT, AT_BOOT, victims=(victim(),)),
        "OK until the next boot: REBOOT NEEDED",
    ),
    "port-in-wrong-hands": (outcome(EFFECTIVE, victims=(victim(right=False),)), "NOT SAFE YET"),
    "another-service-down": (outcome(EFFECTIVE, victims=(victim(),), left_over=(DOWN,)), "NOT SAFE YET"),
    "pool-can-take-it": (outcome(EFFECTIVE, unprotected="dns_pool"), "NOT SAFE YET"),
    "sources-disagree": (outcome(EFFECTIVE, unprotected="disputed"), "NOT SURELY SAFE"),
    "programs-can-take-it": (outcome(EFFECTIVE, unprotected="programs"), "OK, in force"),
    "programs-can-take-it-and-nothing-helps": (outcome(AFTER_STOP, unprotected="programs"), "NOT SURELY SAFE"),
    "pool-can-take-it-and-nothing-helps": (outcome(AFTER_STOP, unprotected="dns_pool"), "NOT SAFE YET"),
    "unknown": (outcome(EFFECTIVE, UNKNOWN), "NOT SURELY SAFE"),
    "unknown-and-missing": (outcome(UNKNOWN, AFTER_RESTART), "NOT SAFE YET"),
    "report-of-nothing": (outcome(EFFECTIVE, items=(item(report_only=True),)), "OK"),
    "report-of-programs": (
        outcome(EFFECTIVE, unprotected="programs", items=(item(report_only=True),)),
        "NOT SURELY SAFE",
    ),
    "report-beside-a-setting": (
        outcome(EFFECTIVE, EFFECTIVE, unprotected="programs", items=(item(), item(report_only=True))),
        "OK, in force",
    ),
    "services-alone": (outcome(victims=(victim(),)), "OK"),
    "nothing": (outcome(), "Nothing to do here"),
    "undone": (outcome(EFFECTIVE, undo=True), "OK, taken back"),
    "nothing-to-undo": (outcome(undo=True), "OK, taken back"),
    "undone-and-reboot": (outcome(AFTER_REBOOT, undo=True), "TAKEN BACK, NOT IN FORCE YET"),
    "absent": (outcome(EFFECTIVE, items=(item(state="absent"),)), "OK, taken back"),
    "absent-and-restart": (outcome(AFTER_RESTART, items=(item(state="absent"),)), "TAKEN BACK, NOT IN FORCE YET"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_rests_on_what_was_read(name: str) -> None:
    found, expected = CASES[name]
    assert run_verdict(found, check_mode=False) == expected
    assert run_verdict(found, check_mode=True) == expected, "nothing would change, and the same was read"


def test_a_change_that_is_only_planned_is_not_done() -> None:
    found = outcome(EFFECTIVE)
    planned = found.planned._replace(steps=(StopServices(("DNS",), 1),))
    assert run_verdict(found._replace(planned=planned), check_mode=True) == "NOT DONE YET"
    noted = found.planned._replace(steps=(WriteJournal(Journal()),))
    assert run_verdict(found._replace(planned=noted), check_mode=True) == "OK, in force"


def test_a_run_that_broke_off_failed() -> None:
    found = outcome(EFFECTIVE, victims=(victim(),))._replace(broken_off="It broke off.")
    assert run_verdict(found, check_mode=False) == "FAILED"


def test_a_server_that_is_not_meant_is_left_alone() -> None:
    found = outcome().planned._replace(missing_services=("IAS",))
    assert run_verdict(Outcome(Request(()), found, found, applied=False), check_mode=False) == "Nothing to do here"
    required = Outcome(Request((), require=True), found, found, applied=False)
    assert run_verdict(required, check_mode=False) == "FAILED"


def test_after_a_reboot_the_state_after_it_counts() -> None:
    before, after = outcome(AFTER_REBOOT, items=(item(),)), outcome(EFFECTIVE)
    run = before._replace(reboot=Report(100.0, uptime=5.0), proof=after)
    assert run_verdict(run, check_mode=False) == "OK, in force"
    alone = outcome()._replace(reboot=Report(100.0, uptime=5.0))
    assert run_verdict(alone, check_mode=False) == "OK, rebooted"


def test_each_verdict_is_explained() -> None:
    assert list(MEANINGS) == list(t.get_args(Verdict))
