# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots: how a server is asked, what is waited for, and what is said if it does not come back."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait, dump, load
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import server_reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    AccessDenied,
    AuthenticationFailed,
    ConnectionDropped,
    HostUnreachable,
    NotFound,
    ProtocolViolation,
    QuotaExceeded,
    TimedOut,
    WsmanError,
    WsmanFault,
)
from tests.simulator.windows.registry import ValueType
from tests.unit.plugins.module_utils._windows.rebooting_server import TRACKER, UPTIME, RebootingServer


@pytest.fixture
def server() -> RebootingServer:
    return RebootingServer()


WMI, COMMAND = TRACKER, "shutdown.exe"


def fault(kind: type[WsmanError], code: int | None = None) -> WsmanError:
    return kind(host="edge1", meaning="said no", code=code)


# --- the way it should be ---------------------------------------------------------------------------------------------


def test_a_reboot_without_a_shell(server: RebootingServer) -> None:
    report = server.run(pre_reboot_delay=5, msg="Patch day")
    assert server.boots == 1
    assert server.asked() == [WMI]
    assert server.called[0][2] == {"Timeout": 5, "Comment": "Patch day", "ReasonCode": 0x80020004, "Flags": 6}
    assert (report.rebooted, report.method) == (True, "wmi")
    assert 105 <= report.elapsed <= 110
    assert report.uptime_before == UPTIME
    assert report.uptime is not None
    assert report.uptime < 25
    assert not any(line.startswith("command") for line in server.log)


def test_check_mode_only_looks(server: RebootingServer) -> None:
    report = server.run(check_mode=True, journal=True)
    assert not report.rebooted
    assert server.asked() == []
    assert server.log == [
        "get Win32_OperatingSystem {}",
        "get Win32_Service {'Name': 'WinRM'}",
        "invoke GetStringValue",
    ]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_that_would_be_lost_is_left_alone(server: RebootingServer, *, check_mode: bool) -> None:
    server.act(do="set_start_mode", service="WinRM", mode="manual")
    with pytest.raises(PlanError, match="service WinRM"):
        server.run(check_mode=check_mode)
    assert server.asked() == []


def test_looks_are_gentle(server: RebootingServer) -> None:
    server.run()
    pauses = [later - earlier for earlier, later in zip(server.looks[1:], server.looks[2:], strict=False)]
    assert pauses[:5] == [1.0, 1.5, 2.25, 3.375, 5.0]
    assert set(pauses[5:]) == {5.0}


def test_a_server_that_is_back_before_it_was_missed(server: RebootingServer) -> None:
    server.server.machine.time_scale = 0.001
    server.run()
    assert server.boots == 1


def test_a_clock_that_jumps_during_the_boot(server: RebootingServer) -> None:
    server.on_boot = lambda: server.act(do="clock", offset=3600.0)
    assert server.run().rebooted


def test_the_delay_after_the_boot(server: RebootingServer) -> None:
    quick = server.run().elapsed
    slow = RebootingServer()
    assert slow.run(post_reboot_delay=30).elapsed == quick + 30


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [1314, 0x80041062, 5, fault(AccessDenied, 5), fault(NotFound, 0x8004102E), fault(WsmanFault, 0x80041062)],
    ids=str,
)
def test_without_the_privilege_shutdown_exe_is_asked(server: RebootingServer, answer: int | WsmanError) -> None:
    server.answer, server.answer_reboots = answer, False
    report = server.run(pre_reboot_delay=0)
    assert server.asked() == [WMI, COMMAND]
    assert report.method == COMMAND
    assert server.boots == 1
    assert [shell.closed for shell in server.shells[2:]] == [True]


@pytest.mark.parametrize("code", [1115, 1190])
def test_a_reboot_that_is_under_way_is_not_asked_for_again(server: RebootingServer, code: int) -> None:
    server.answer, server.answer_reboots = code, False
    server.go_down(20.0)
    assert server.run().rebooted
    assert server.asked() == [WMI]
    assert server.boots == 1


@pytest.mark.parametrize("code", [1115, 1190])
def test_shutdown_exe_finds_a_reboot_under_way(server: RebootingServer, code: int) -> None:
    server.answer, server.answer_reboots = 1314, False
    server.shutdown_says(code)
    server.go_down(20.0)
    assert server.run().rebooted


@pytest.mark.parametrize(
    "answer",
    [
        fault(ConnectionDropped),
        fault(HostUnreachable),
        fault(TimedOut),
        fault(ProtocolViolation),
        fault(WsmanFault, 0x80041033),
        None,
        21,
    ],
    ids=str,
)
def test_an_odd_answer_is_followed_by_a_look_and_not_by_a_second_request(
    server: RebootingServer, answer: int | WsmanError | None
) -> None:
    server.answer = answer
    assert server.run().rebooted
    assert server.asked() == [WMI]
    assert server.boots == 1


def test_an_odd_answer_of_a_server_that_stays_up(server: RebootingServer) -> None:
    server.answer, server.answer_reboots = fault(ConnectionDropped), False
    with pytest.raises(
        server_reboot.RebootError, match=r"never went down in 12\d seconds, and whether it took .* \(said no\)"
    ):
        server.run()
    assert server.asked() == [WMI]


def test_a_lost_answer_of_shutdown_exe_is_not_followed_by_a_second_request(server: RebootingServer) -> None:
    server.answer, server.answer_reboots = 1314, False
    server.command_error = fault(ConnectionDropped)
    server.go_down(1.0)
    assert server.run().rebooted
    assert server.asked() == [WMI, COMMAND]


def test_both_roads_refused(server: RebootingServer) -> None:
    server.answer, server.answer_reboots = 1314, False
    server.shutdown_says(5)
    with pytest.raises(server_reboot.RebootError) as refusal:
        server.run()
    said = str(refusal.value)
    assert said.startswith("edge1: can't reboot the server: shutdown.exe says that access denied")
    assert "the account lacks a privilege" in said
    assert refusal.value.code == 5


@pytest.mark.parametrize("kind", [AuthenticationFailed, QuotaExceeded])
def test_what_was_not_asked_is_an_error_at_once(server: RebootingServer, kind: type[WsmanError]) -> None:
    server.answer, server.answer_reboots = fault(kind), False
    with pytest.raises(kind):
        server.run()
    assert server.now == 0


# --- waiting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [HostUnreachable, ConnectionDropped, TimedOut, QuotaExceeded, WsmanFault, AccessDenied]
)
def test_a_server_that_boots_may_answer_anything(server: RebootingServer, kind: type[WsmanError]) -> None:
    server.failures = [fault(kind) for _index in range(4)]
    assert server.run().rebooted


def test_rejected_credentials_are_tried_again_once_a_minute_at_most(server: RebootingServer) -> None:
    server.failures = [fault(AuthenticationFailed) for _index in range(3)]
    assert server.run().rebooted
    pauses = [later - earlier for earlier, later in zip(server.looks, server.looks[1:], strict=False)]
    assert pauses[-3:] == [60.0, 120.0, 240.0]


def test_rejected_credentials_get_no_last_look(server: RebootingServer) -> None:
    server.failures = [fault(AuthenticationFailed) for _index in range(99)]
    with pytest.raises(server_reboot.RebootError, match=r"not back after .* \(last: said no\)"):
        server.run(reboot_timeout=200)
    assert 99 - len(server.failures) == 2


def test_a_server_that_never_goes_down(server: RebootingServer) -> None:
    server.answer_reboots = False
    with pytest.raises(server_reboot.RebootError, match="it never went down in 302 seconds; look for a program"):
        server.run(reboot_timeout=300)


def test_a_server_that_has_a_shutdown_scheduled_for_later(server: RebootingServer) -> None:
    server.answer, server.answer_reboots = 1190, False
    with pytest.raises(server_reboot.RebootError, match="somebody had asked for a shutdown before"):
        server.run()


def test_a_server_that_does_not_come_back(server: RebootingServer) -> None:
    server.at(15.0, server.stay_down)
    with pytest.raises(server_reboot.RebootError, match=r"not back after 602 seconds \(last: no connection"):
        server.run()
    assert server.now == 602


def test_a_network_that_was_gone_is_no_reboot(server: RebootingServer) -> None:
    server.answer_reboots = False
    server.at(5.0, lambda: server.act(do="network", on=False))
    server.at(15.0, lambda: server.act(do="network", on=True))
    with pytest.raises(server_reboot.RebootError, match="says that it has not rebooted"):
        server.run(reboot_timeout=60)


# --- services ---------------------------------------------------------------------------------------------------------


def test_services_are_waited_for(server: RebootingServer) -> None:
    server.at(200.0, lambda: server.act(do="start_service", service="Late"))
    report = server.run(services=["dns", "Late"])
    assert report.services == {"dns": "Running", "Late": "Running"}
    assert 200 <= report.elapsed <= 205


def test_a_service_that_fails_is_named_with_its_error(server: RebootingServer) -> None:
    server.act(do="bind", protocol="udp", port=1812, stays=True)
    with pytest.raises(server_reboot.RebootError) as failure:
        server.run(services=["IAS"], reboot_timeout=200)
    assert "the server is back, but 200 seconds after it began service IAS is Stopped" in str(failure.value)
    assert "10048" in str(failure.value)
    assert server.now == 202


# --- the journal ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class JournalOf:
    """The journal's text on a server."""

    server: RebootingServer

    def write(self, text: str) -> None:
        self.server.registry.set(JOURNAL_FACT.key, JOURNAL_FACT.name, ValueType.SZ, text)

    def read(self) -> str:
        return str(self.server.registry.text(JOURNAL_FACT.key, JOURNAL_FACT.name))


WAITING = Journal({"reserved_ports": Entry(None, None, wait=Wait("reboot", 1.0, 2.0))})


def test_the_reboot_clears_what_waited_for_it(server: RebootingServer) -> None:
    JournalOf(server).write(dump(WAITING))
    report = server.run(journal=True)
    assert report.settled == ("reserved_ports",)
    assert load(JournalOf(server).read()).entries["reserved_ports"].wait is None


def test_the_journal_is_read_again_since_others_write_too(server: RebootingServer) -> None:
    JournalOf(server).write(dump(WAITING))
    both = WAITING.changed({"service_start_mode.DNS": Entry("auto", "delayed")})
    server.on_boot = lambda: JournalOf(server).write(dump(both))
    server.run(journal=True)
    assert set(load(JournalOf(server).read()).entries) == {"reserved_ports", "service_start_mode.DNS"}


@pytest.mark.parametrize(
    ("text", "journal", "warnings"),
    [
        pytest.param(dump(Journal()), True, 0, id="nothing-waits"),
        pytest.param(dump(WAITING), False, 0, id="switched-off"),
        pytest.param("{", True, 1, id="unreadable"),
    ],
)
def test_otherwise_the_journal_stays_as_it_is(
    server: RebootingServer, text: str, *, journal: bool, warnings: int
) -> None:
    JournalOf(server).write(text)
    report = server.run(journal=journal)
    assert JournalOf(server).read() == text
    assert len(report.warnings) == warnings
    assert "invoke SetStringValue" not in server.log


def test_a_journal_that_can_not_be_written_is_a_warning(server: RebootingServer) -> None:
    JournalOf(server).write(dump(WAITING))
    server.codes["SetStringValue", JOURNAL_FACT.name] = 5
    report = server.run(journal=True)
    assert report.rebooted
    assert "reserved_ports waits for this reboot" in report.warnings[0]


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "requests"), [("10.0.20348", 4), ("5.2.3790", 6)])
def test_requests_until_the_server_is_asked(version: str, requests: int) -> None:
    server = RebootingServer(version)
    server.run(journal=True)
    assert server.log.index(f"invoke {WMI}") == requests - 1
