# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command shell against scripted answers."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors, shell
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY
from tests.unit.plugins.module_utils._wsman import answers

OPERATION_QUOTA = answers.fault("w:InternalError", answers.wsman_fault(2150859174))
SHELL_QUOTA = answers.fault("w:QuotaLimit", answers.wmi_error("<p:error_Code>2150859173</p:error_Code>"))
DONE = answers.received(answers.stream("stdout", "b3V0DQo="), exit_code=0)


CONCURRENCY = answers.fault("w:Concurrency", answers.wsman_fault(2150858802))


def shell_over(*replies: answers.Reply, signals: bool = True) -> tuple[shell.Shell, answers.ScriptedTransport]:
    transport = answers.ScriptedTransport(*replies)
    return Client(transport).shell(codepage=437, signals=signals), transport


def test_one_command_costs_four_requests() -> None:
    session, transport = shell_over(answers.shell_created(), answers.command_started(), DONE, "")
    with session:
        assert session.run("ver") == shell.CommandOutput(b"out\r\n", b"", 0)
    assert transport.actions == ["Create", "Command", "Receive", "Delete"]
    assert '<w:Option Name="WINRS_CODEPAGE">437</w:Option>' in transport.sent[0]
    assert '<w:Option Name="WINRS_NOPROFILE">TRUE</w:Option>' in transport.sent[0]
    assert '<w:Option Name="WINRS_SKIP_CMD_SHELL">FALSE</w:Option>' in transport.sent[1]
    assert '<w:Option Name="WINRS_CONSOLEMODE_STDIN">TRUE</w:Option>' in transport.sent[1]
    assert "<rsp:Command>ver</rsp:Command>" in transport.sent[1]
    for sent in transport.sent[1:]:
        assert '<w:Selector Name="ShellId">11111111-AAAA-BBBB-CCCC-222222222222</w:Selector>' in sent


GONE = answers.fault("w:InvalidSelectors", answers.wsman_fault(0x8033805B))
SCHEMA = answers.fault("w:SchemaValidationError", answers.wsman_fault(0x80338041))


def test_a_shell_ends_by_itself_if_this_controller_dies() -> None:
    session, transport = shell_over(answers.shell_created(), answers.command_started(), DONE, "")
    with session:
        session.run("ver")
    assert f"<rsp:IdleTimeOut>PT{shell.IDLE_TIMEOUT}.000S</rsp:IdleTimeOut>" in transport.sent[0]


def test_a_server_that_refuses_the_idle_timeout_gets_a_shell_without() -> None:
    session, transport = shell_over(SCHEMA, answers.shell_created(), answers.command_started(), DONE, "")
    with session:
        session.run("ver")
    assert transport.actions == ["Create", "Create", "Command", "Receive", "Delete"]
    assert "IdleTimeOut" not in transport.sent[1]


def test_a_shell_that_the_server_has_ended_meanwhile_is_replaced() -> None:
    session, transport = shell_over(
        answers.shell_created(),
        answers.command_started(),
        DONE,
        GONE,
        GONE,
        answers.shell_created("33333333-AAAA-BBBB-CCCC-222222222222"),
        answers.command_started(),
        DONE,
        "",
    )
    with session:
        session.run("first")
        session.run("second")
    assert transport.actions[3:] == ["Signal", "Command", "Create", "Command", "Receive", "Delete"]
    assert "33333333" in transport.sent[-1]


def test_a_command_that_is_gone_already_needs_no_signal() -> None:
    session, transport = shell_over(
        answers.shell_created(), answers.command_started(), DONE, GONE, answers.command_started(), DONE, ""
    )
    with session:
        session.run("first")
        session.run("second")
    assert transport.actions[3:] == ["Signal", "Command", "Receive", "Delete"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_goodbye_that_is_refused_is_said_again_once(times: int) -> None:
    internal = answers.fault("w:InternalError", answers.wsman_fault(1359))
    session, transport = shell_over(
        answers.shell_created(), answers.command_started(), DONE, *[internal] * times, *[""] * (2 - times)
    )
    with session:
        session.run("ver")
    assert transport.actions[3:] == ["Delete", "Delete"]
    assert (session.leaked is None) == (times == 1)


def test_a_new_shell_that_is_gone_at_once_is_an_error() -> None:
    session, transport = shell_over(answers.shell_created(), GONE, GONE)
    with session, pytest.raises(errors.NotFound):
        session.run("ver")
    assert transport.actions == ["Create", "Command", "Delete"]


def test_a_lost_goodbye_is_said_again() -> None:
    lost = errors.ConnectionDropped(host="edge1", meaning="cut")
    session, transport = shell_over(answers.shell_created(), answers.command_started(), DONE, lost, GONE)
    with session:
        session.run("ver")
    assert transport.actions == ["Create", "Command", "Receive", "Delete", "Delete"]
    assert session.leaked is None


def test_a_goodbye_that_somebody_else_answered_is_said_again() -> None:
    session, transport = shell_over(answers.shell_created(), answers.command_started(), DONE, b"<html/>", "")
    with session:
        session.run("ver")
    assert transport.actions == ["Create", "Command", "Receive", "Delete", "Delete"]
    assert session.leaked is None


def test_nothing_is_sent_without_a_command() -> None:
    session, transport = shell_over()
    with session:
        pass
    assert transport.sent == []


def test_signal_only_before_the_next_command() -> None:
    session, transport = shell_over(
        answers.shell_created(),
        answers.command_started("C1"),
        DONE,
        "<rsp:SignalResponse/>",
        answers.command_started("C2"),
        answers.received(answers.stream("stderr", "ZXJy", command_id="c2"), command_id="c2", exit_code=3),
        "",
    )
    with session:
        session.run("first")
        assert session.run("second") == shell.CommandOutput(b"", b"err", 3)
    assert transport.actions == ["Create", "Command", "Receive", "Signal", "Command", "Receive", "Delete"]
    assert 'CommandId="C1"' in transport.sent[3]


def test_no_signal_where_the_next_command_needs_none() -> None:
    one = [answers.command_started(), DONE]
    session, transport = shell_over(answers.shell_created(), *one, *one, "", signals=False)
    with session:
        session.run("first")
        session.run("second")
    assert transport.actions == ["Create", "Command", "Receive", "Command", "Receive", "Delete"]


def test_a_server_that_refuses_a_second_command_gets_its_signals() -> None:
    one = [answers.command_started("C1"), DONE]
    signal = "<rsp:SignalResponse/>"
    session, transport = shell_over(
        answers.shell_created(), *one, CONCURRENCY, signal, *one, signal, *one, "", signals=False
    )
    with session:
        for _number in range(3):
            session.run("one")
    again = ["Command", "Signal", "Command", "Receive", "Signal", "Command", "Receive", "Delete"]
    assert transport.actions[3:] == again


def test_a_first_command_that_is_refused_as_a_second_one_is_an_error() -> None:
    session, transport = shell_over(answers.shell_created(), CONCURRENCY, "", signals=False)
    with session, pytest.raises(errors.QuotaExceeded, match="busy"):
        session.run("one")
    assert transport.actions == ["Create", "Command", "Delete"]


def test_output_in_pieces_and_timeouts_between() -> None:
    session, transport = shell_over(
        answers.shell_created(),
        answers.command_started(),
        answers.received(answers.stream("stdout", "YQ==") + answers.stream("stderr", "eA==")),
        answers.TIMED_OUT,
        answers.received(answers.stream("stdout", "Yg==") + answers.stream("stdout", "Yw==")),
        answers.received(answers.stream("stdout", "", end=True) + answers.stream("stderr", "", end=True), exit_code=1),
        "",
    )
    with session:
        assert session.run("x") == shell.CommandOutput(b"abc", b"x", 1)
    assert transport.actions.count("Receive") == 4


def test_streams_of_other_commands_are_left_out() -> None:
    mixed = answers.received(
        answers.stream("stdout", "YQ==", command_id="OLD") + answers.stream("stdout", "Yg==") + "<rsp:Odd/>",
        exit_code=0,
    )
    session, _transport = shell_over(answers.shell_created(), answers.command_started(), mixed, "")
    with session:
        assert session.run("x").stdout == b"b"


def test_stdin_is_sent_whole() -> None:
    session, transport = shell_over(answers.shell_created(), answers.command_started(), "<rsp:SendResponse/>", DONE, "")
    with session:
        session.run("sort", stdin=b"b\r\na\r\n")
    assert transport.actions == ["Create", "Command", "Send", "Receive", "Delete"]
    assert '<w:Option Name="WINRS_CONSOLEMODE_STDIN">FALSE</w:Option>' in transport.sent[1]
    assert 'Name="stdin" CommandId="C1" End="true">Yg0KYQ0K</rsp:Stream>' in transport.sent[2]


def test_line_that_begins_with_a_quote_is_quoted_once_more() -> None:
    session, transport = shell_over(answers.shell_created(), answers.command_started(), DONE, "")
    with session:
        session.run('"C:\\Program Files\\x.exe" "a b"')
    assert '<rsp:Command>""C:\\Program Files\\x.exe" "a b""</rsp:Command>' in transport.sent[1]


def test_deadline() -> None:
    ticks = itertools.count(0.0, 50.0)
    transport = answers.ScriptedTransport(
        answers.shell_created(), answers.command_started(), answers.TIMED_OUT, answers.received(""), ""
    )
    session = Client(transport, clock=lambda: next(ticks)).shell(codepage=437)
    with session, pytest.raises(errors.TimedOut, match="Command of ping on edge1 failed: the command did not end"):
        session.run("ping -n 500 edge2", deadline=60)
    assert transport.actions == ["Create", "Command", "Receive", "Receive", "Delete"]


@pytest.mark.parametrize(
    "line", ["echo %PATH%", "a\nb", "a\r", "a\x00", "caret^", "tick`", "ä", "", "x" * 8192], ids=ascii
)
def test_unsafe_lines_are_not_sent(line: str) -> None:
    session, transport = shell_over()
    with session, pytest.raises(errors.Unsendable, match=r"on edge1 failed: .*nothing was sent"):
        session.run(line)
    assert transport.sent == []


@pytest.mark.parametrize(
    "line",
    [
        "netsh int ipv4 add excludedportrange protocol=tcp startport=50389 numberofports=1 store=persistent",
        'netstat -ano | findstr ":50636 "',
        "sc.exe config MSExchange$EDGE start= delayed-auto & sc.exe qc DNS",
        "cmd /v:on /c echo !errorlevel!",
        "x" * 8191,
    ],
)
def test_lines_that_are_sent(line: str) -> None:
    assert shell.check_command_line(line) == line


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("DNS", "DNS"),
        ("MSSQL$EDGE", "MSSQL$EDGE"),
        ("two words", '"two words"'),
        ("C:\\x\\", "C:\\x\\"),
        ("a,b;", None),
    ],
)
def test_arguments(text: str, argument: str | None) -> None:
    if argument is None:
        with pytest.raises(errors.Unsendable):
            shell.quoted_argument(text)
    else:
        assert shell.quoted_argument(text) == argument


@pytest.mark.parametrize(
    "text", ["", "a&b", "a|b", "a>b", 'a"b', "%x%", "a^b", "(a)", "!x!", "a\n", "two words\\", "ä"]
)
def test_arguments_refused(text: str) -> None:
    with pytest.raises(errors.Unsendable, match="cannot be an argument"):
        shell.quoted_argument(text)


def test_operation_quota_opens_a_new_shell_once() -> None:
    session, transport = shell_over(
        answers.shell_created("S1"),
        answers.command_started(),
        DONE,
        "<rsp:SignalResponse/>",
        OPERATION_QUOTA,
        "",
        answers.shell_created("S2"),
        answers.command_started(),
        DONE,
        "",
    )
    with session:
        session.run("one")
        assert session.run("two").exit_code == 0
    assert transport.actions == (
        ["Create", "Command", "Receive", "Signal", "Command", "Delete", "Create", "Command", "Receive", "Delete"]
    )
    assert ">S2<" in transport.sent[-1]


def test_a_shell_is_left_before_its_commands_use_up_the_quota() -> None:
    one = [answers.command_started(), DONE, "<rsp:SignalResponse/>"]
    last = [answers.command_started(), DONE, ""]
    session, transport = shell_over(
        answers.shell_created("S1"), *one * (shell.MAX_COMMANDS - 1), *last, answers.shell_created("S2"), *last
    )
    with session:
        for _number in range(shell.MAX_COMMANDS + 1):
            session.run("one")
    assert transport.actions[-7:] == ["Command", "Receive", "Delete", "Create", "Command", "Receive", "Delete"]
    assert transport.actions.count("Create") == 2


def test_operation_quota_twice_is_an_error() -> None:
    session, transport = shell_over(
        answers.shell_created("S1"),
        OPERATION_QUOTA,
        OPERATION_QUOTA,
        "",
        answers.shell_created("S2"),
        OPERATION_QUOTA,
        "",
    )
    with session, pytest.raises(errors.QuotaExceeded, match="MaxConcurrentOperationsPerUser"):
        session.run("one")
    assert transport.actions == ["Create", "Command", "Delete", "Delete", "Create", "Command", "Delete"]


def test_shell_quota_is_an_error_at_once() -> None:
    session, transport = shell_over(SHELL_QUOTA)
    with (
        session,
        pytest.raises(errors.QuotaExceeded, match=r"Create of the command shell on edge1 failed.*MaxShellsPerUser"),
    ):
        session.run("one")
    assert transport.actions == ["Create"]


def test_delete_after_an_error() -> None:
    session, transport = shell_over(answers.shell_created(), answers.fault("w:AccessDenied"), "")
    with session, pytest.raises(errors.AccessDenied):
        session.run("one")
    assert transport.actions[-1] == "Delete"


def test_failing_delete_hides_nothing() -> None:
    denied = answers.fault("w:AccessDenied")
    session, _transport = shell_over(answers.shell_created(), denied, answers.TIMED_OUT, answers.TIMED_OUT)
    with pytest.raises(errors.AccessDenied), session:
        session.run("one")
    assert isinstance(session.leaked, errors.TimedOut)


def test_failing_delete_does_not_undo_a_success() -> None:
    lost = errors.HostUnreachable(host="edge1", meaning="gone")
    session, _transport = shell_over(answers.shell_created(), answers.command_started(), DONE, lost, lost)
    with session:
        assert session.run("shutdown.exe -r -t 5").exit_code == 0
    assert session.leaked is lost


def test_shell_that_is_already_gone_is_no_leak() -> None:
    gone = answers.fault("w:InvalidSelectors", answers.wsman_fault(2150858843))
    session, _transport = shell_over(answers.shell_created(), answers.command_started(), DONE, gone)
    with session:
        session.run("ver")
    assert session.leaked is None


@pytest.mark.parametrize(
    ("error", "deleted"),
    [
        (errors.NoConnection(host="edge1", meaning="off"), False),
        (errors.NotTaken(host="edge1", meaning="503"), True),
        (errors.HostUnreachable(host="edge1", meaning="web page"), True),
        (errors.ProtocolViolation(host="edge1", meaning="garbage"), True),
        (errors.ConnectionDropped(host="edge1", meaning="cut"), True),
    ],
)
def test_no_goodbye_to_a_host_that_is_gone(error: errors.WsmanError, deleted: bool) -> None:
    transport = answers.ScriptedTransport(answers.shell_created(), error, "")
    session = Client(transport, patience=ONE_TRY).shell(codepage=437)
    with pytest.raises(type(error)), session:
        session.run("one")
    assert (transport.actions[-1] == "Delete") is deleted


def test_after_a_drop_the_next_command_gets_a_new_shell() -> None:
    cut = errors.ConnectionDropped(host="edge1", meaning="cut")
    session, transport = shell_over(
        answers.shell_created("S1"), cut, "", answers.shell_created("S2"), answers.command_started(), DONE, ""
    )
    with session:
        with pytest.raises(errors.ConnectionDropped):
            session.run("one")
        assert session.run("two").exit_code == 0
    assert transport.actions == ["Create", "Command", "Delete", "Create", "Command", "Receive", "Delete"]


BAD_ANSWERS = {
    "no shell": (["<x:ResourceCreated/>"], "no SelectorSet"),
    "empty id": ([answers.shell_created("")], "names no shell"),
    "no command": ([answers.shell_created(), "<rsp:CommandResponse/>", ""], "no CommandId"),
    "no receive": ([answers.shell_created(), answers.command_started(), "<x:A/>", ""], "no ReceiveResponse"),
    "not base64": (
        [answers.shell_created(), answers.command_started(), answers.received(answers.stream("stdout", "a*b")), ""],
        "not base64",
    ),
    "no exit code": (
        [
            answers.shell_created(),
            answers.command_started(),
            answers.received("", exit_code=0).replace("<rsp:ExitCode>0</rsp:ExitCode>", ""),
            "",
        ],
        "without an exit code",
    ),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_answers_refused(case: str) -> None:
    replies, reason = BAD_ANSWERS[case]
    session, _transport = shell_over(*replies)
    with session, pytest.raises(errors.ProtocolViolation, match=f"on edge1 failed: .*{reason}"):
        session.run("x")


def test_output_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "MAX_OUTPUT", 4)
    session, _transport = shell_over(answers.shell_created(), answers.command_started(), DONE, "")
    with session, pytest.raises(errors.ProtocolViolation, match="wrote more than 4 bytes"):
        session.run("x")


def test_exit_codes_are_unsigned() -> None:
    done = answers.received("", exit_code=-1073741510)
    session, _transport = shell_over(answers.shell_created(), answers.command_started(), done, "")
    with session:
        assert session.run("x").exit_code == 0xC000013A
