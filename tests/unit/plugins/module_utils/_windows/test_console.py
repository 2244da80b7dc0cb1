# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several commands in one shell and one request each, and what may be run at all."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, parse_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh, sc
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import LONGEST_LINE, Console
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import CommandError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.sockets import netstat_command
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import Unsendable
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput, check_command_line
from tests.unit.plugins.module_utils._windows.given_server import GivenClient

OLD, NEW = release_of("6.0.6002", 3).capabilities, release_of("10.0.20348", 3).capabilities
SHOW = netsh.show_exclusions("ipv4", "tcp")
ADD = netsh.add_exclusion("udp", PortRange(51820, 51820))

LINES = [
    (SHOW, "netsh interface ipv4 show excludedportrange protocol=tcp store=active"),
    (
        netsh.add_exclusion("udp", PortRange(50389, 50636)),
        "netsh interface ipv4 add excludedportrange protocol=udp startport=50389 numberofports=248 store=persistent",
    ),
    (
        netsh.delete_exclusion("tcp", PortRange(5, 5)),
        "netsh interface ipv4 delete excludedportrange protocol=tcp startport=5 numberofports=1 store=persistent",
    ),
    (
        netsh.show_dynamic_range("ipv6", "udp"),
        "netsh interface ipv6 show dynamicport protocol=udp store=active",
    ),
    (sc.set_delayed_start("DNS", delayed=True), "sc.exe config DNS start= delayed-auto"),
    (sc.set_delayed_start("My Service", delayed=False), 'sc.exe config "My Service" start= auto'),
    (
        netstat_command(parse_ports(["50389", "53-54"])),
        'netstat -ano | findstr /l /c:":53 " /c:":54 " /c:":50389 "',
    ),
    (netstat_command(None), 'netstat -ano | findstr /l /c:":0 " /c:"*:*"'),
    (netstat_command(parse_ports(["1024-65535"])), 'netstat -ano | findstr /l /c:":0 " /c:"*:*"'),
]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_the_command_lines_and_that_both_allow_lists_let_them_pass(
    client: GivenClient, line: str, expected: str
) -> None:
    assert line == expected
    Console(client, NEW).run([line])
    check_command_line(client.log[0].removeprefix("command "))


def test_commands_go_together_and_their_outputs_come_apart(client: GivenClient) -> None:
    client.commands = {SHOW: (b"table\r\n", 0), ADD: (b"no line end", 1)}
    first, second, third = Console(client, NEW).run([SHOW, ADD, SHOW])
    assert (first.raw, first.succeeded) == (b"table\r\n", True)
    assert (second.raw, second.succeeded) == (b"no line end", False)
    assert third == first
    assert len(client.log) == 1


def test_no_command_is_no_request(client: GivenClient) -> None:
    console = Console(client, NEW)
    assert console.run([]) == []
    assert (client.log, console.was_used) == ([], False)


def test_one_shell_serves_all_and_is_closed(client: GivenClient) -> None:
    with Target(client, OLD) as target:
        target.console.run([SHOW])
        target.console.run([ADD])
        assert target.console.was_used
        assert not client.shells[0].closed
    assert [(shell.codepage, shell.closed) for shell in client.shells] == [(437, True)]
    assert Console(client, NEW)._shell is client.shells[1]
    assert client.shells[1].codepage == 65001


def test_too_many_commands_for_one_line_go_in_several(client: GivenClient) -> None:
    lines = [netsh.add_exclusion("udp", PortRange(port, port)) for port in range(2000, 2100)]
    client.commands = {line: (line[-4:].encode(), 0) for line in lines}
    assert len(Console(client, NEW).run(lines)) == 100
    assert len(client.log) == 2
    assert all(len(line) <= LONGEST_LINE + len("command ") for line in client.log)


FORBIDDEN = [
    "",
    "cmd /c dir",
    "netsh show & del x",
    "netsh show && del x",
    "netsh show | more",
    "netsh show > x",
    "netsh show %windir%",
    "netsh show ^",
    "netsh show !x!",
    'netsh show "a & b"',
    'netsh show "unpaired',
    "netsh show\nnetsh",
    "netsh show é",
    "powershell -Command x",
    "netstat -ano | findstr x | cmd",
]


@pytest.mark.parametrize("line", FORBIDDEN, ids=ascii)
def test_nothing_else_is_run(client: GivenClient, line: str) -> None:
    with pytest.raises(CommandError, match="not on the list"):
        Console(client, NEW).run([SHOW, line])
    assert client.log == []


@pytest.mark.parametrize("name", ['x" start= disabled', "a&b", "%PATH%", "é", ""])
def test_a_strange_service_name_makes_no_command(name: str) -> None:
    with pytest.raises(Unsendable):
        sc.set_delayed_start(name, delayed=True)


BROKEN = [
    (CommandOutput(b"", b"Zugriff verweigert.\r\n", 5), "exit code 5.*Zugriff verweigert"),
    (CommandOutput(b"a portkeeper-1-ok \r\nb", b"", 1), "exit code 1"),
    (CommandOutput(b"portkeeper-2-ok\r\nportkeeper-1-ok\r\n", b"", 0), "incomplete"),
    (CommandOutput(b"", b"", 0), "it said nothing"),
    (CommandOutput(b"", b"\xff" * 9000, 1), "\\.\\.\\.\\.$"),
]


@pytest.mark.parametrize(("output", "sentence"), BROKEN)
def test_an_incomplete_output_is_an_error_that_shows_it(
    client: GivenClient, output: CommandOutput, sentence: str
) -> None:
    client.broken_output = output
    with pytest.raises(CommandError, match=sentence) as caught:
        Console(client, NEW).run([SHOW, ADD])
    assert len(str(caught.value)) < 600


def test_the_input_goes_to_the_first_of_several_lines(client: GivenClient) -> None:
    lines = [netsh.add_exclusion("udp", PortRange(port, port)) for port in range(2000, 2090)]
    console = Console(client, NEW)
    console.take_along([r'findstr "^" > "C:\x"'], stdin=b"line\r\n")
    assert len(console.run(lines)) == 90
    assert client.inputs == [b"line\r\n"]
    assert ["findstr" in line for line in client.log] == [True, False]
    assert client.server.machine.files[r"C:\x"] == b"line\r\n"
