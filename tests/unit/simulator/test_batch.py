# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch files at the console of a simulated server, and the programs that they call."""

from __future__ import annotations

import codecs
import pathlib
import typing as t

import pytest

from tests.simulator.visit import Visit
from tests.simulator.windows.commands.batch import BatchError
from tests.simulator.windows.registry import ValueType

KEY: t.Final = "SOFTWARE\\Batch Test"
SHOWN: t.Final = f"HKEY_LOCAL_MACHINE\\{KEY}"
VALUES: t.Final[t.Mapping[str, tuple[ValueType, t.Any]]] = {
    "Text": (ValueType.SZ, 'C:\\a "quoted" path'),
    "Number": (ValueType.DWORD, 60000),
    "Large": (ValueType.QWORD, 2**40),
    "Path": (ValueType.EXPAND_SZ, "%SystemRoot%\\x"),
    "List": (ValueType.MULTI_SZ, ("1645-1646", "1812-1813", "3343-3343", "4500-4500")),
    "Empty list": (ValueType.MULTI_SZ, ()),
    "Bytes": (ValueType.BINARY, bytes(range(40))),
}


@pytest.fixture
def visit(tmp_path: pathlib.Path) -> Visit:
    """A member server."""
    return Visit(tmp_path, {"release": "2003", "roles": ["dns"], "broken": False, "time_scale": 0.01})


def ran(visit: Visit, *lines: str) -> tuple[int, list[str]]:
    """The exit code of a batch file, and what it wrote."""
    visit.folder.joinpath("test.cmd").write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    result = visit.run("test.cmd")
    return result.exit_code, result.stdout.decode("ascii").splitlines()


STATEMENTS: t.Final[t.Mapping[str, tuple[tuple[str, ...], int, list[str]]]] = {
    "a variable that is not set is nothing": (("set A=x", "echo [%A%][%B%]"), 0, ["[x][]"]),
    "quotes around set are no part of it": (('set "A=x y"', "echo %A%"), 0, ["x y"]),
    "a doubled percent sign is one": (("echo 5%%",), 0, ["5%"]),
    "the folder ends in a backslash": (("echo %~dp0",), 0, ["E:\\kit\\"]),
    "goto passes over lines": (("goto end", "echo no", ":end", "echo yes"), 0, ["yes"]),
    "labels have no case": (("goto END", "echo no", ":end"), 0, []),
    "errorlevel means at least": (("findstr", "if errorlevel 1 echo at least", "exit /b 0"), 0, ["at least"]),
    "a level that is reached": (("findstr x nothing.txt >nul", "if errorlevel 1 echo failed"), 1, ["failed"]),
    "not": (("if not errorlevel 1 echo fine",), 0, ["fine"]),
    "texts are compared with their case": (('if "a"=="A" echo same', 'if /i "a"=="A" echo alike'), 0, ["alike"]),
    "a file that is there": (('echo x >"%~dp0f"', 'if exist "%~dp0f" echo there'), 0, ["there"]),
    "a label is called and comes back": (
        ("call :part", "echo after", "exit /b 3", ":part", "echo in"),
        3,
        ["in", "after"],
    ),
    "exit ends a called label alone": (
        ("call :part", "echo %ERRORLEVEL%", "exit /b 0", ":part", "exit /b 7"),
        0,
        ["7"],
    ),
}


@pytest.mark.parametrize(("lines", "code", "written"), STATEMENTS.values(), ids=STATEMENTS)
def test_statements(visit: Visit, lines: tuple[str, ...], code: int, written: list[str]) -> None:
    assert ran(visit, "@echo off", "setlocal", *lines) == (code, written)


@pytest.mark.parametrize(
    "line", ["goto nowhere", "exit 1", "start regedit /s x", "if errorlevel x echo", ":a\r\ngoto a"]
)
def test_what_would_not_work_is_an_error(visit: Visit, line: str) -> None:
    with pytest.raises(BatchError):
        ran(visit, line)


def test_a_called_file_shares_the_variables(visit: Visit) -> None:
    visit.folder.joinpath("other.cmd").write_bytes(b"set A=set there\r\nexit /b 4\r\n")
    assert ran(visit, 'call "%~dp0other.cmd"', "echo %A% %ERRORLEVEL%", "exit /b 0") == (0, ["set there 4"])


@pytest.mark.parametrize("switch", ["/e", "/a"])
def test_an_export_is_imported_as_it_was(visit: Visit, switch: str) -> None:
    registry = visit.server.machine.registry
    for name, (kind, data) in VALUES.items():
        registry.set(KEY, name, kind, data)
    ran(visit, f'start /wait regedit {switch} "%~dp0x.reg" "{SHOWN}"')
    for name in VALUES:
        registry.delete_value(KEY, name)
    ran(visit, 'start /wait regedit /s "%~dp0x.reg"')
    found = {name: registry.get(KEY, name) for name in VALUES}
    assert {name: (value.type, value.data) for name, value in found.items() if value} == VALUES
    content = visit.folder.joinpath("x.reg").read_bytes()
    assert content.startswith(codecs.BOM_UTF16_LE if switch == "/e" else b"REGEDIT4\r\n")
    text = content.decode("utf-16" if switch == "/e" else "ascii")
    assert max(map(len, text.splitlines())) < 80


def test_reg_tells_by_its_exit_code(visit: Visit) -> None:
    assert ran(visit, 'reg export "HKLM\\SOFTWARE\\None" "%~dp0x.reg" >nul 2>nul')[0] == 1
    visit.folder.joinpath("y.reg").write_text("no such file")
    assert ran(visit, 'reg import "%~dp0y.reg" >nul 2>nul')[0] == 1
    assert ran(visit, 'reg export "HKLM\\SOFTWARE" "%~dp0x.reg" >nul')[0] == 0


def test_net_stops_starts_and_lists(visit: Visit) -> None:
    name = visit.server.session.services["dns"].config.display_name
    assert f"   {name}" in ran(visit, "net start")[1]
    assert ran(visit, 'net stop "DNS" >nul')[0] == 0
    assert f"   {name}" not in ran(visit, "net start")[1]
    assert ran(visit, 'net stop "DNS" >nul 2>nul')[0] == 2
    assert ran(visit, 'net start "DNS" >nul')[0] == 0


def test_since_when_it_runs_changes_with_a_boot(visit: Visit) -> None:
    since = 'net statistics workstation | findstr /r /c:"[0-9]:[0-9][0-9]"'
    before = ran(visit, since)
    assert len(before[1]) == 1
    assert ran(visit, since) == before
    visit.boot()
    assert ran(visit, since) != before


def test_windows_2000_lacks_the_later_programs(tmp_path: pathlib.Path) -> None:
    old = Visit(tmp_path, {"release": "2000"})
    for command in ("reg export HKLM\\SOFTWARE x", "sc query", "tasklist"):
        assert ran(old, command)[0] == 1
    assert "5.00.2195" in ran(old, "ver")[1][1]
