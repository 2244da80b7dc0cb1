# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reboots of a server in memory, on a clock that runs only during a sleep."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait, dump, load
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import reboot as rules
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import server_reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Instance, Value
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
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput
from tests.unit.plugins.module_utils._windows.fake_client import FakeClient, FakeShell

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
DOWN_AFTER, UP_AFTER = 10.0, 60.0
"""Seconds from the end of the delay to silence, and from silence to the first answer."""


def _returned(answer: int | WsmanError | None) -> Instance:
    """The answer of the reboot method, or the fault in its place."""
    if isinstance(answer, WsmanError):
        raise answer
    return Instance.of("OUTPUT", {} if answer is None else {"ReturnValue": answer})


class RebootShell(FakeShell):
    """cmd.exe with shutdown.exe alone: exit codes are scripted, 0 reboots."""

    def run(self, command_line: str, *, stdin: bytes = b"", deadline: float = 120.0) -> CommandOutput:
        assert isinstance(self.client, Server)
        assert not stdin
        assert deadline <= 60
        self.client.log.append(f"command {command_line}")
        if self.client.command_error:
            raise self.client.command_error
        code = self.client.command_code
        if code == 0:
            self.client.go_down(2.0)
        return CommandOutput(b"", b"" if code == 0 else b"Fehler.(%d)\r\n" % code, code)


class Server(FakeClient):
    """A server with a clock: it goes down and comes back when asked, and a session does not survive a boot."""

    def __init__(self, version: str = "10.0.20348") -> None:
        super().__init__()
        self.now = 0.0
        self.booted_at = -500_000.0
        self.version = version
        self.outage: tuple[float, float] | None = None
        self.boots = 0
        self.clock_jump = 0.0
        self.session: float | None = None
        self.answer: int | WsmanError | None = 0
        self.answer_reboots = True
        self.command_code = 0
        self.command_error: WsmanError | None = None
        self.failures: list[WsmanError] = []
        self.looks: list[float] = []
        self.agenda: list[tuple[float, t.Callable[[], None]]] = []
        self.service("WinRM")
        self.service("DNS", process_id=1200)
        self.on_boot: t.Callable[[], None] = lambda: None

    def service(self, name: str, *, start_mode: str = "Auto", state: str = "Running", process_id: int = 9) -> None:
        row = {"Name": name, "State": state, "StartMode": start_mode, "ProcessId": process_id, "ExitCode": 0}
        self.rows.setdefault("Win32_Service", []).append(row)

    def row(self, name: str) -> dict[str, t.Any]:
        return next(row for row in self.rows["Win32_Service"] if row["Name"] == name)

    def go_down(self, delay: float) -> None:
        silent = self.now + delay + DOWN_AFTER
        self.outage = (silent, silent + UP_AFTER)

    def clock(self) -> Clock:
        return Clock(now=lambda: 1e9 + self.now, monotonic=lambda: self.now, sleep=self._sleep)

    def at(self, moment: float, action: t.Callable[[], None]) -> None:
        self.agenda.append((moment, action))

    def _sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds
        due = [action for moment, action in self.agenda if moment <= self.now]
        self.agenda = [(moment, action) for moment, action in self.agenda if moment > self.now]
        for action in due:
            action()

    def reset(self) -> None:
        self.session = None

    def _reach(self) -> None:
        """Fail as long as the server is away, and where the session is one of an earlier boot."""
        if self.outage and self.now >= self.outage[1]:
            self.boots, self.booted_at, self.outage = self.boots + 1, self.outage[1], None
            self.on_boot()
        if self.outage and self.now >= self.outage[0]:
            raise HostUnreachable(host=self.host, meaning="no connection (Connection refused)")
        if self.failures and self.boots:
            raise self.failures.pop(0)
        assert self.session in (None, self.booted_at), "a session of an earlier boot was used"
        self.session = self.booted_at

    def get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str] | None = None) -> Instance:
        if class_name == "Win32_OperatingSystem":
            self.looks.append(self.now)
        self._reach()
        if class_name != "Win32_OperatingSystem":
            return super().get(namespace, class_name, selectors)
        self.log.append("get Win32_OperatingSystem")
        clock = self.clock_jump if self.boots else 0.0
        row: dict[str, Value] = {
            "Version": self.version,
            "Caption": "Windows",
            "ProductType": 3,
            "LocalDateTime": EPOCH + datetime.timedelta(seconds=self.now + clock),
            "LastBootUpTime": EPOCH + datetime.timedelta(seconds=self.booted_at),
        }
        return Instance.of(class_name, row)

    def query(self, namespace: str, wql: str, *, most: int | None = None) -> list[Instance]:
        self._reach()
        return super().query(namespace, wql, most=most)

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        parameters: t.Mapping[str, Value],
        selectors: t.Mapping[str, str] | None = None,
    ) -> Instance:
        self._reach()
        if method != "Win32ShutdownTracker":
            return super().invoke(namespace, class_name, method, parameters, selectors)
        self.log.append(f"invoke {method}")
        self.called.append((method, class_name, dict(parameters)))
        if self.answer_reboots:
            self.go_down(float(t.cast(int, parameters["Timeout"])))
        return _returned(self.answer)

    def shell(self, *, codepage: int) -> FakeShell:
        self.shells.append(RebootShell(self, codepage))
        return self.shells[-1]

    def asked(self) -> list[str]:
        """How often and by what road a reboot was asked for."""
        return [line.split()[1] for line in self.log if line.startswith(("invoke Win32Shut", "command shutdown"))]

    def run(self, *, journal: bool = False, check_mode: bool = False, **options: t.Any) -> rules.Report:
        defaults = {name: spec["default"] for name, spec in rules.ARGUMENT_SPEC.items()}
        wanted = rules.options({**defaults, **options}, always=True, journal=journal)
        outcome = server_reboot.carry_out(
            self,
            lambda: contextlib.nullcontext(self),
            Request(items=(), reboot=wanted, journal=False),
            check_mode=check_mode,
            clock=self.clock(),
        )
        assert outcome.reboot
        return outcome.reboot


@pytest.fixture
def server() -> Server:
    return Server()


WMI, COMMAND = "Win32ShutdownTracker", "shutdown.exe"


def fault(kind: type[WsmanError], code: int | None = None) -> WsmanError:
    return kind(host="edge1", meaning="said no", code=code)


# --- the way it should be ---------------------------------------------------------------------------------------------


def test_a_reboot_without_a_shell(server: Server) -> None:
    report = server.run(pre_reboot_delay=5, msg="Patch day")
    assert server.boots == 1
    assert server.asked() == [WMI]
    assert server.called[0][2] == {"Timeout": 5, "Comment": "Patch day", "ReasonCode": 0x80020004, "Flags": 6}
    assert (report.rebooted, report.method) == (True, "wmi")
    assert 75 <= report.elapsed <= 80
    assert report.uptime_before == 500_000
    assert report.uptime is not None
    assert report.uptime < 6
    assert not any(line.startswith("command") for line in server.log)


def test_check_mode_only_looks(server: Server) -> None:
    report = server.run(check_mode=True, journal=True)
    assert not report.rebooted
    assert server.asked() == []
    assert server.log == ["get Win32_OperatingSystem", "get Win32_Service {'Name': 'WinRM'}", "invoke GetStringValue"]


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_server_that_would_be_lost_is_left_alone(server: Server, *, check_mode: bool) -> None:
    server.row("WinRM")["StartMode"] = "Manual"
    with pytest.raises(PlanError, match="service WinRM"):
        server.run(check_mode=check_mode)
    assert server.asked() == []


def test_looks_are_gentle(server: Server) -> None:
    server.run()
    pauses = [later - earlier for earlier, later in zip(server.looks[1:], server.looks[2:], strict=False)]
    assert pauses[:5] == [1.0, 1.5, 2.25, 3.375, 5.0]
    assert set(pauses[5:]) == {5.0}


def test_a_server_that_is_back_before_it_was_missed(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.DOWN_AFTER", 0.1)
    monkeypatch.setattr(f"{__name__}.UP_AFTER", 0.1)
    server.run()
    assert server.boots == 1


def test_a_clock_that_jumps_during_the_boot(server: Server) -> None:
    server.clock_jump = 3600.0
    assert server.run().rebooted


def test_the_delay_after_the_boot(server: Server) -> None:
    quick = server.run().elapsed
    slow = Server()
    assert slow.run(post_reboot_delay=30).elapsed == quick + 30


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [1314, 0x80041062, 5, fault(AccessDenied, 5), fault(NotFound, 0x8004102E), fault(WsmanFault, 0x80041062)],
    ids=str,
)
def test_without_the_privilege_shutdown_exe_is_asked(server: Server, answer: int | WsmanError) -> None:
    server.answer, server.answer_reboots = answer, False
    report = server.run(pre_reboot_delay=0)
    assert server.asked() == [WMI, COMMAND]
    assert report.method == COMMAND
    assert server.boots == 1
    assert [shell.closed for shell in server.shells[2:]] == [True]


@pytest.mark.parametrize("code", [1115, 1190])
def test_a_reboot_that_is_under_way_is_not_asked_for_again(server: Server, code: int) -> None:
    server.answer, server.answer_reboots = code, False
    server.go_down(20.0)
    assert server.run().rebooted
    assert server.asked() == [WMI]
    assert server.boots == 1


@pytest.mark.parametrize("code", [1115, 1190])
def test_shutdown_exe_finds_a_reboot_under_way(server: Server, code: int) -> None:
    server.answer, server.answer_reboots, server.command_code = 1314, False, code
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
    server: Server, answer: int | WsmanError | None
) -> None:
    server.answer = answer
    assert server.run().rebooted
    assert server.asked() == [WMI]
    assert server.boots == 1


def test_an_odd_answer_of_a_server_that_stays_up(server: Server) -> None:
    server.answer, server.answer_reboots = fault(ConnectionDropped), False
    with pytest.raises(
        server_reboot.RebootError, match=r"never went down in 12\d seconds, and whether it took .* \(said no\)"
    ):
        server.run()
    assert server.asked() == [WMI]


def test_a_lost_answer_of_shutdown_exe_is_not_followed_by_a_second_request(server: Server) -> None:
    server.answer, server.answer_reboots = 1314, False
    server.command_error = fault(ConnectionDropped)
    server.go_down(1.0)
    assert server.run().rebooted
    assert server.asked() == [WMI, COMMAND]


def test_both_roads_refused(server: Server) -> None:
    server.answer, server.answer_reboots, server.command_code = 1314, False, 5
    with pytest.raises(server_reboot.RebootError) as refusal:
        server.run()
    said = str(refusal.value)
    assert said.startswith("edge1: can't reboot the server: shutdown.exe says that access denied")
    assert "the account lacks a privilege" in said
    assert refusal.value.code == 5


@pytest.mark.parametrize("kind", [AuthenticationFailed, QuotaExceeded])
def test_what_was_not_asked_is_an_error_at_once(server: Server, kind: type[WsmanError]) -> None:
    server.answer, server.answer_reboots = fault(kind), False
    with pytest.raises(kind):
        server.run()
    assert server.now == 0


# --- waiting ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [HostUnreachable, ConnectionDropped, TimedOut, QuotaExceeded, WsmanFault, AccessDenied]
)
def test_a_server_that_boots_may_answer_anything(server: Server, kind: type[WsmanError]) -> None:
    server.failures = [fault(kind) for _index in range(4)]
    assert server.run().rebooted


def test_rejected_credentials_are_tried_again_once_a_minute_at_most(server: Server) -> None:
    server.failures = [fault(AuthenticationFailed) for _index in range(3)]
    assert server.run().rebooted
    pauses = [later - earlier for earlier, later in zip(server.looks, server.looks[1:], strict=False)]
    assert pauses[-3:] == [60.0, 120.0, 240.0]


def test_rejected_credentials_get_no_last_look(server: Server) -> None:
    server.failures = [fault(AuthenticationFailed) for _index in range(99)]
    with pytest.raises(server_reboot.RebootError, match=r"not back after .* \(last: said no\)"):
        server.run(reboot_timeout=200)
    assert 99 - len(server.failures) == 2


def test_a_server_that_never_goes_down(server: Server) -> None:
    server.answer_reboots = False
    with pytest.raises(server_reboot.RebootError, match="it never went down in 302 seconds; look for a program"):
        server.run(reboot_timeout=300)


def test_a_server_that_has_a_shutdown_scheduled_for_later(server: Server) -> None:
    server.answer, server.answer_reboots = 1190, False
    with pytest.raises(server_reboot.RebootError, match="somebody had asked for a shutdown before"):
        server.run()


def test_a_server_that_does_not_come_back(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.UP_AFTER", 1e6)
    with pytest.raises(server_reboot.RebootError, match=r"not back after 602 seconds \(last: no connection"):
        server.run()
    assert server.now == 602


def test_a_network_that_was_gone_is_no_reboot(server: Server) -> None:
    server.answer_reboots = False
    server.outage = (5.0, 15.0)
    born, server.on_boot = server.booted_at, lambda: setattr(server, "booted_at", born)
    with pytest.raises(server_reboot.RebootError, match="says that it has not rebooted"):
        server.run(reboot_timeout=60)


# --- services ---------------------------------------------------------------------------------------------------------


def test_services_are_waited_for(server: Server) -> None:
    server.service("Late", state="Stopped")
    server.at(100.0, lambda: server.row("Late").update(State="Running"))
    report = server.run(services=["dns", "Late"])
    assert report.services == {"dns": "Running", "Late": "Running"}
    assert 100 <= report.elapsed <= 105


def test_a_service_that_fails_is_named_with_its_error(server: Server) -> None:
    server.on_boot = lambda: server.row("DNS").update(State="Stopped", ExitCode=10013)
    with pytest.raises(server_reboot.RebootError) as failure:
        server.run(services=["DNS"], reboot_timeout=100)
    assert "the server is back, but 100 seconds after it began service DNS is Stopped" in str(failure.value)
    assert "10013" in str(failure.value)
    assert server.now == 102


# --- the journal ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class JournalOf:
    """The journal's text on a server in memory."""

    server: Server

    def write(self, text: str) -> None:
        self.server.keys.add(JOURNAL_FACT.key)
        self.server.values[JOURNAL_FACT.key, JOURNAL_FACT.name] = (1, text)

    def read(self) -> str:
        return str(self.server.values[JOURNAL_FACT.key, JOURNAL_FACT.name][1])


WAITING = Journal({"reserved_ports": Entry(None, None, wait=Wait("reboot", 1.0, 2.0))})


def test_the_reboot_clears_what_waited_for_it(server: Server) -> None:
    JournalOf(server).write(dump(WAITING))
    report = server.run(journal=True)
    assert report.settled == ("reserved_ports",)
    assert load(JournalOf(server).read()).entries["reserved_ports"].wait is None


def test_the_journal_is_read_again_since_others_write_too(server: Server) -> None:
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
def test_otherwise_the_journal_stays_as_it_is(server: Server, text: str, *, journal: bool, warnings: int) -> None:
    JournalOf(server).write(text)
    report = server.run(journal=journal)
    assert JournalOf(server).read() == text
    assert len(report.warnings) == warnings
    assert "invoke SetStringValue" not in server.log


def test_a_journal_that_can_not_be_written_is_a_warning(server: Server) -> None:
    JournalOf(server).write(dump(WAITING))
    server.codes["SetStringValue", JOURNAL_FACT.name] = 5
    report = server.run(journal=True)
    assert report.rebooted
    assert "reserved_ports waits for this reboot" in report.warnings[0]


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "requests"), [("10.0.20348", 4), ("5.2.3790", 6)])
def test_requests_until_the_server_is_asked(version: str, requests: int) -> None:
    server = Server(version)
    server.run(journal=True)
    assert server.log.index(f"invoke {WMI}") == requests - 1
