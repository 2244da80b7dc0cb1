# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on files of the simulated cmd.exe: bytes in, bytes out, and refusals."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.windows.interface import User
from tests.unit.simulator.windows_host import Host

ODD: t.Final = b"one\r\n\ttwo \x81\xff\x00\x1a\nlast"
ETC: t.Final = r"C:\Windows\System32\drivers\etc"
FILE: t.Final = rf"{ETC}\services"


def host(content: bytes = ODD, **options: t.Any) -> Host:
    made = Host("2022", **options)
    made.server.machine.files["C:\\d\\a"] = content
    return made


ROADS: t.Final = [
    ('type "C:\\d\\a" > "C:\\d\\b"', b"", ODD),
    ('copy /y /b "C:\\d\\a" "C:\\d\\b"', b"", ODD),
    ('copy /y "C:\\d\\a" /a "C:\\d\\b" /b', b"", ODD.partition(b"\x1a")[0]),
    ('copy /y /b "C:\\d\\a" "C:\\d\\b" /a', b"", ODD + b"\x1a"),
    ('move /y "C:\\d\\a" "C:\\d\\b"', b"", ODD),
    ('findstr "^" > "C:\\d\\b"', ODD, ODD + b"\r\n"),
    ('findstr "^" > "C:\\d\\b"', b"x\n\r\ny\r\n", b"x\n\r\ny\r\n"),
    ('findstr "^" > "C:\\d\\b"', b"x" * 9000 + b"\n", b"x" * 8189 + b"\r\n"),
]


@pytest.mark.parametrize(("line", "stdin", "written"), ROADS)
def test_bytes_come_through(line: str, stdin: bytes, written: bytes) -> None:
    made = host()
    assert made.run(line, stdin=stdin).exit_code == 0
    assert made.server.machine.files["c:\\D\\B"] == written


def test_type_gives_every_byte_to_a_pipe() -> None:
    assert host().run('type "C:\\d\\a"').stdout == ODD
    assert host(assumptions={"type_stops_at_ctrl_z": True}).run('type "C:\\d\\a"').stdout == ODD.partition(b"\x1a")[0]


@pytest.mark.parametrize(
    ("other", "code", "row"),
    [(ODD, 0, b""), (b"One" + ODD[3:], 1, b"00000000: 6F 4F\r\n"), (ODD + b"x", 1, b"longer than"), (None, 2, b"open")],
)
def test_fc(other: bytes | None, code: int, row: bytes) -> None:
    made = host()
    if other is not None:
        made.server.machine.files["C:\\d\\b"] = other
    result = made.run('fc /b "C:\\d\\a" "C:\\d\\b"')
    assert result.exit_code == code
    assert row in result.stdout


@pytest.mark.parametrize(("language", "separated"), [("en", b" 12,345 a\r\n"), ("de", b" 12.345 a\r\n")])
def test_dir(language: str, separated: bytes) -> None:
    made = host(b"x" * 12345, language=language)
    assert separated in made.run('dir /a-d "C:\\d\\*"').stdout
    assert b" 12345 a\r\n" in made.run('dir /-c /a-d "C:\\d\\a*"').stdout
    assert made.run('dir "C:\\e\\*"').exit_code == 1
    assert made.run('dir /b /ar "C:\\d\\a"').exit_code == 1
    made.server.machine.files.read_only.add("c:\\d\\a")
    assert made.run('dir /b /ar "C:\\d\\a"').stdout == b"a\r\n"


DENIED: t.Final = [
    ({"services_file": ["read_only"]}, f'move /y "C:\\d\\a" "{FILE}"', b"Access is denied."),
    ({"services_file": ["read_only"]}, f'del "{FILE}"', b"Access is denied."),
    ({"services_file": ["denied"]}, f'echo x> "{ETC}\\new"', b"Access is denied."),
    ({"services_file": ["in_use"]}, f'move /y "C:\\d\\a" "{FILE}"', b"used by another process"),
    ({}, f'copy /y /b "C:\\nowhere" "{FILE}"', b"cannot find the file"),
]


@pytest.mark.parametrize(("options", "line", "sentence"), DENIED)
def test_refusals_change_nothing(options: dict[str, t.Any], line: str, sentence: bytes) -> None:
    made = host(**options)
    before = dict(made.server.machine.files)
    result = made.run(line)
    assert (result.exit_code, sentence in result.stderr) == (1, True)
    assert dict(made.server.machine.files) == before


def test_a_plain_user_writes_nothing() -> None:
    made = host()
    made.user = User("reader", "secret", is_administrator=False)
    assert made.run(f'copy /y /b "C:\\d\\a" "{FILE}"').exit_code == 1


def test_deleting_what_is_not_there_is_no_failure() -> None:
    made = host()
    result = made.run('del "C:\\d\\b" "C:\\d\\a"')
    assert (result.exit_code, b"Could Not Find" in result.stderr) == (0, True)
    assert "C:\\d\\a" not in made.server.machine.files
