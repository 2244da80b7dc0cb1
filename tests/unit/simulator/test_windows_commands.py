# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""WinRS commands: cmd.exe's syntax, and the programs in English and German."""

from __future__ import annotations

import time
import typing as t

import pytest

from tests.simulator.windows.commands import syntax
from tests.simulator.windows.interface import CommandResult, User
from tests.unit.simulator.windows_host import Host

OUTER_QUOTES: t.Final = [
    ("ver", "ver"),
    ('"netsh int ipv4 show"', "netsh int ipv4 show"),
    ('""C:\\Program Files\\x.exe" /a"', '"C:\\Program Files\\x.exe" /a'),
    ('"C:\\Program Files\\x.exe"', '"C:\\Program Files\\x.exe"'),
    ('"echo a & echo b"', "echo a & echo b"),
    ('"sc query "DNS""', 'sc query "DNS"'),
]


@pytest.mark.parametrize(("line", "expected"), OUTER_QUOTES)
def test_outer_quotes(line: str, expected: str) -> None:
    assert syntax.strip_outer_quotes(line) == expected


def test_splitting() -> None:
    commands = syntax.split_commands('a "x & y" 2>&1 | b && c >nul 2>nul || d ^& e & f')
    assert [(command.operator, command.text.strip()) for command in commands] == [
        ("", 'a "x & y"'),
        ("|", "b"),
        ("&&", "c"),
        ("||", "d & e"),
        ("&", "f"),
    ]
    assert [redirection.target for redirection in commands[2].redirections] == ["nul", "nul"]
    with pytest.raises(ValueError, match="unexpected"):
        syntax.split_commands("a & & b")


LINES: t.Final = [
    ("echo hello", "hello\r\n", 0),
    ("echo.", "\r\n", 0),
    ("echo %COMPUTERNAME% %nope%", "EDGE1 %nope%\r\n", 0),
    ("exit 5", "", 5),
    ("exit /b 7 & echo no", "", 7),
    ("sc query nope >nul || echo failed", "failed\r\n", 1060),
    ("sc query nope >nul && echo yes", "", 1060),
    ("sc query nope >nul & echo %errorlevel%", "0\r\n", 1060),
    ('cmd /v:on /c "sc query nope >nul & echo !errorlevel!"', "1060\r\n", 1060),
    ("cmd /c echo inner", "inner\r\n", 0),
    ('"echo a & echo b"', "a \r\nb\r\n", 0),
    ("echo one two| findstr two", "one two\r\n", 0),
    ("echo one| findstr two", "", 1),
    ("%windir%\\system32\\hostname.exe", "EDGE1\r\n", 0),
    ("whoami", "edge1\\administrator\r\n", 0),
    ("cd", "C:\\Windows\r\n", 0),
    ("rem nothing", "", 0),
]


@pytest.mark.parametrize(("line", "stdout", "code"), LINES)
def test_lines(line: str, stdout: str, code: int) -> None:
    result = Host("2022").run(line)
    assert (result.stdout.decode(), result.stderr, result.exit_code) == (stdout, b"", code)


def test_unknown_command() -> None:
    result = Host("2022").run("frobnicate /x")
    assert result.exit_code == 1
    assert result.stderr.startswith(b"'frobnicate' is not recognized")


def test_foreign_programs_and_files() -> None:
    host = Host("2022")
    host.server.programs["powershell"] = lambda tail, stdin: CommandResult(stdin + tail.encode(), b"", 3)
    result = host.run("powershell.exe -NoProfile -", stdin=b"input")
    assert (result.stdout, result.exit_code) == (b"input -NoProfile -", 3)
    host.run("echo kept > C:\\x.txt & echo more>>C:\\x.txt")
    assert host.server.machine.files["C:\\x.txt"] == b"kept  \r\nmore\r\n"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("abc", ["abc 1", "xabc"]),
        ('"1 2"', ["abc 1", "def 2"]),
        ('/c:"abc 1"', ["abc 1"]),
        ("/i ABC", ["abc 1", "xabc"]),
        ("/v abc", ["def 2", ":53 ", "a.c"]),
        ("/b abc", ["abc 1"]),
        ("/e abc", ["xabc"]),
        ('/c:":53 "', [":53 "]),
        ("/l a.c", ["a.c"]),
        ("a.c", ["abc 1", "xabc", "a.c"]),
        ('/r /c:"^a.c *1$"', ["abc 1"]),
        ("/x abc", []),
    ],
)
def test_findstr(pattern: str, expected: list[str]) -> None:
    text = "abc 1\r\nxabc\r\ndef 2\r\n:53 \r\na.c\r\n"
    result = Host("2022").run(f"findstr {pattern}", stdin=text.encode())
    assert result.stdout.decode().split("\r\n")[:-1] == expected
    assert result.exit_code == (0 if expected else 1)


# -- netsh
@pytest.mark.parametrize(
    ("release", "options", "code"),
    [
        ("2003", {}, 1),
        ("2008", {}, 1),
        ("2008", {"netsh_hotfix": True}, 0),
        ("2008r2", {}, 1),
        ("2008r2", {"netsh_hotfix": True}, 0),
        ("2012r2", {}, 0),
        ("2025", {}, 0),
    ],
)
def test_where_netsh_knows_exclusions(release: str, options: dict[str, t.Any], code: int) -> None:
    host = Host(release, **options)
    assert host.run("netsh int ipv4 show excludedportrange udp").exit_code == code
    assert host.run("netsh int ipv4 show dynamicport udp").exit_code == (1 if release == "2003" else 0)


EXCLUSION_LINES: t.Final = [
    ("add excludedportrange protocol=udp startport=40000 numberofports=10 store=persistent", 0),
    ("add excludedportrange udp 40000 10 persistent", 0),
    ("add excludedportrange udp 40000 10", 0),
    ("add excludedportrange udp start=40000 number=10 store=active", 0),
    ("add excludedportrange udp 53 1", 1),
    ("add excludedportrange udp 65530 10", 1),
    ("add excludedportrange udp 0 10", 1),
    ("add excludedportrange icmp 1 10", 1),
    ("add excludedportrange udp x 10", 1),
    ("add excludedportrange udp", 1),
    ("add excludedportrange udp 40000 10 forever", 1),
    ("add excludedportrange colour=red", 1),
    ("delete excludedportrange udp 40000 10", 1),
    ("nonsense", 1),
]


@pytest.mark.parametrize(("tail", "code"), EXCLUSION_LINES)
def test_adding_exclusions(tail: str, code: int) -> None:
    host = Host("2022", dns_pool_size=50)
    assert host.run(f"netsh int ipv4 {tail}").exit_code == code
    blocks = [block.range for block in host.server.machine.exclusions.blocks("udp")]
    assert blocks == ([] if code else [(40000, 40009)])


def test_exclusions_are_shown_by_store_and_family_and_deleted_whole() -> None:
    host = Host("2022", runtime_blocks=[{"protocol": "tcp", "ports": "5357-5357"}])
    host.run("netsh int ipv4 add excludedportrange tcp 50000 60 persistent")
    host.run("netsh int ipv4 add excludedportrange tcp 51000 1 active")
    shown = host.text("netsh interface ipv6 show excludedportrange protocol=tcp")
    rows = [line.split() for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert rows == [["5357", "5357"], ["50000", "50059", "*"], ["51000", "51000", "*"]]
    persistent = host.text("netsh int ipv4 show excludedportrange tcp store=persistent")
    assert ("50059" in persistent, "51000" in persistent, "5357" in persistent) == (True, False, False)
    assert host.run("netsh int ipv4 delete excludedportrange tcp 50000 10").exit_code == 1
    assert host.run("netsh int ipv4 delete excludedportrange tcp 5357 1").exit_code == 1
    assert host.run("netsh int ipv6 delete excludedportrange tcp 50000 60").exit_code == 0
    host.server.boot_now()
    assert [block.range for block in host.server.machine.exclusions.blocks("tcp")] == [(5357, 5357)]


def test_an_exclusion_needs_free_ports_and_rights() -> None:
    host = Host("2022", broken=True)
    dns_port = next(port for port in (50389, 50636) if host.holder("udp", port) == "dns.exe")
    assert "used by another process" in host.text(f"netsh int ipv4 add excludedportrange udp {dns_port} 1")
    host.user = User("reader", "x", is_administrator=False, remote_wmi=True)
    assert "requires elevation" in host.text("netsh int ipv4 add excludedportrange udp 40000 1")


def test_dynamic_ranges() -> None:
    host = Host("2022")
    assert host.run("netsh int ipv4 set dynamicport udp start=1025 num=58976").exit_code == 0
    assert host.run("netsh int ipv4 set dynamicport udp start=1025 num=254").exit_code == 1
    assert host.run("netsh int ipv4 set dynamicport udp start=1024 num=1000").exit_code == 1
    assert host.run("netsh int ipv4 set dynamicport udp start=60000 num=6000").exit_code == 1
    shown = host.text("netsh int ipv4 show dynamicport udp")
    assert "Start Port      : 1025" in shown
    assert "Number of Ports : 58976" in shown
    assert ": 49152" in host.text("netsh int ipv6 show dynamicport udp")


def test_german_words_and_oem_bytes() -> None:
    host = Host("2022", language="de", dns_pool_size=50)
    raw = host.run("netsh int ipv4 show excludedportrange udp", codepage=850).stdout
    assert b"Portausschlussbereiche f\x81r das Protokoll" in raw
    assert b"ABH\x99REN" in host.run("netstat -ano", codepage=850).stdout
    assert b"ABH\x99REN" in host.run("netstat -ano", codepage=65001).stdout
    assert "für".encode() in host.run("echo für".replace("ü", "\u00fc"), codepage=65001).stdout
    utf8 = Host("2022", language="de", assumptions={"utf8_for_programs": True}, dns_pool_size=50)
    assert "ABHÖREN".encode() in utf8.run("netstat -ano", codepage=65001).stdout
    assert host.run("sc query nope").exit_code == 1060
    assert "kein installierter Dienst" in host.text("sc query nope", codepage=850)


# -- sc
def test_sc_config_and_qc() -> None:
    host = Host("2008")
    assert "START_TYPE         : 2   AUTO_START\r\n" in host.text("sc.exe qc DNS")
    assert host.run("sc.exe config DNS start= delayed-auto").exit_code == 0
    assert "START_TYPE         : 2   AUTO_START  (DELAYED)" in host.text("sc qc dns")
    assert host.run("sc config DNS start= auto").exit_code == 0
    assert "(DELAYED)" not in host.text("sc qc dns")


SC_CODES: t.Final = [
    ("2022", "sc config DNS start= delayed-auto", 0),
    ("2022", "sc config DNS start=delayed-auto", 1639),
    ("2022", "sc config DNS start= later", 1639),
    ("2022", "sc config DNS", 1639),
    ("2022", "sc config nope start= auto", 1060),
    ("2022", "sc config Spooler start= delayed-auto", 87),
    ("2003", "sc config DNS start= delayed-auto", 1639),
    ("2003", "sc config DNS start= demand", 0),
    ("2022", "sc qc nope", 1060),
    ("2022", "sc stop ADAM_MSExchange", 1051),
    ("2022", "sc start DNS", 1056),
    ("2022", "sc stop Messenger", 1060),
    ("2022", "sc stop RemoteAccess", 1062),
    ("2022", "sc start RemoteAccess", 1058),
    ("2022", "sc", 1639),
    ("2022", "sc dance DNS", 1639),
]


@pytest.mark.parametrize(("release", "line", "code"), SC_CODES)
def test_sc_exit_codes(release: str, line: str, code: int) -> None:
    assert Host(release, broken=False).run(line).exit_code == code


def test_sc_lists() -> None:
    host = Host("2022", broken=False)
    dependents = host.text("sc enumdepend ADAM_MSExchange")
    assert "entriesRead = 2" in dependents
    assert "SERVICE_NAME: MSExchangeTransport" in dependents
    assert f"PID                : {host.service('DNS')['ProcessId']}" in host.text("sc queryex DNS")
    assert "SERVICE_NAME: DNS" in host.text("sc query")
    assert "SERVICE_NAME: RemoteAccess" in host.text("sc query state= all")
    host.user = User("reader", "x", is_administrator=False, remote_wmi=True)
    assert host.run("sc stop DNS").exit_code == 5


# -- netstat, shutdown, ver
def test_netstat_shapes() -> None:
    host = Host("2022", broken=False)
    rows = [
        line.split() for line in host.text("netstat -ano").splitlines() if line.startswith("  TCP") or "UDP" in line
    ]
    pid = str(host.service("DNS")["ProcessId"])
    assert ["TCP", "0.0.0.0:53", "0.0.0.0:0", "LISTENING", pid] in rows
    assert ["TCP", "[::]:53", "[::]:0", "LISTENING", pid] in rows
    assert ["UDP", "0.0.0.0:53", "*:*", pid] in rows
    assert sum(row[0] == "UDP" and row[-1] == pid for row in rows) == 5002
    assert [row[3] for row in rows if row[1] == "192.0.2.10:445"] == ["ESTABLISHED"]
    udp = host.text("netstat -ano -p udp | findstr UDP")
    assert "[::]" not in udp
    assert udp.count("UDP") > 2500
    assert host.run("netstat -x").exit_code == 1


def test_ten_thousand_sockets_are_cheap() -> None:
    host = Host("2022", dns_pool_size=5000)
    began = time.process_time()
    result = host.run('netstat -ano | findstr /c:":50636 "')
    assert time.process_time() - began < 0.5
    assert len(result.stdout) < 2000


@pytest.mark.parametrize(
    ("release", "line", "code"),
    [
        ("2003", "shutdown -r -f -t 600", 0),
        ("2003", "shutdown /r /f /t 601", 1),
        ("2022", "shutdown /r /f /t 601", 0),
        ("2003", f'shutdown /r /c "{"x" * 128}"', 1),
        ("2022", f'shutdown /r /c "{"x" * 128}" /d p:2:4', 0),
        ("2022", "shutdown /r /s", 1),
        ("2022", "shutdown", 1),
        ("2022", "shutdown /r /t x", 1),
    ],
)
def test_shutdown(release: str, line: str, code: int) -> None:
    assert Host(release).run(line).exit_code == code


@pytest.mark.parametrize(
    ("release", "version"), [("2003", "5.2.3790"), ("2008r2", "6.1.7601"), ("2022", "10.0.20348.2402")]
)
def test_ver(release: str, version: str) -> None:
    assert Host(release).text("ver") == f"\r\nMicrosoft Windows [Version {version}]\r\n"


def test_tasklist() -> None:
    text = Host("2022", broken=False).text("tasklist /svc /fo csv /nh")
    assert '"dsamain.exe"' in text
    assert text.rstrip().endswith('"')
