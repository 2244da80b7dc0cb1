# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands for the services file, and what is read off their outputs; tests/fleet has the whole road."""

from __future__ import annotations

import dataclasses
import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import WriteServicesFile
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.services_file_contents import ServicesFile
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import services_file
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Console, Output
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    CommandError,
    Untouched,
    WindowsError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import Unsendable
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import check_command_line
from tests.unit.plugins.module_utils._windows.given_server import GivenClient

CAPABILITIES: t.Final = release_of("5.2.3790", 3).capabilities
FOLDER: t.Final = r"C:\WINDOWS\System32\drivers\etc"
PATH: t.Final = rf"{FOLDER}\services"

LISTINGS: t.Final = {
    "english": (
        b" Volume in drive C has no label.\r\n Volume Serial Number is 1234-5678\r\n\r\n"
        b" Directory of C:\\WINDOWS\\system32\\drivers\\etc\r\n\r\n"
        b"03/25/2003  12:00 PM                 7 services\r\n"
        b"03/25/2003  12:00 PM             17463 services.portkeeper-backup\r\n"
        b"               2 File(s)          17470 bytes\r\n"
        b"               0 Dir(s)     10485760000 bytes free\r\n"
    ),
    "german": (
        b" Datentr\x84ger in Laufwerk C: ist System\r\n\r\n Verzeichnis von C:\\WINDOWS\\system32\\drivers\\etc\r\n\r\n"
        b"25.03.2003  12:00                 7 SERVICES\r\n"
        b"25.03.2003  12:00             17463 services.portkeeper-backup"
    ),
}


def ok(raw: bytes = b"") -> Output:
    return Output(raw, succeeded=True)


def failed(errors: bytes = b"") -> Output:
    return Output(b"", succeeded=False, errors=errors)


@pytest.mark.parametrize("listing", LISTINGS.values(), ids=list(LISTINGS))
def test_the_file_as_it_is_read(listing: bytes) -> None:
    outputs = [ok(b"x 1/tcp"), ok(listing), failed()]
    file = services_file.file_of("edge1", FOLDER, outputs)
    assert file == ServicesFile(b"x 1/tcp", False, frozenset({"services.portkeeper-backup"}))


def test_an_exit_code_says_that_it_is_read_only() -> None:
    assert services_file.file_of("edge1", FOLDER, [ok(b"x 1/tcp"), ok(LISTINGS["english"]), ok(b"services")]).read_only


def test_no_file_is_no_error() -> None:
    outputs = [failed(b"The system cannot find the file specified."), failed(b"File Not Found"), failed()]
    assert services_file.file_of("edge1", FOLDER, outputs) == ServicesFile(None)


UNREADABLE: t.Final = [
    (
        [ok(b"x"), ok(LISTINGS["english"]), failed()],
        r"edge1: can't read .*etc\\services: 1 bytes came.* 7 bytes; .*ANSI",
    ),
    ([ok(b"x 1/tcp"), ok(b"something else"), failed()], "7 bytes came, and dir shows no such file"),
    ([failed(b"Access is denied.\r\n"), ok(LISTINGS["english"]), failed()], "Windows said: Access is denied"),
]


@pytest.mark.parametrize(("outputs", "sentence"), UNREADABLE)
def test_a_file_that_does_not_come_whole_is_an_error(outputs: list[Output], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        services_file.file_of("edge1", FOLDER, outputs)


def step(before: bytes, after: bytes, *, drop_backup: bool = False) -> WriteServicesFile:
    return WriteServicesFile(FOLDER, before, after, keep_before=not drop_backup, drop_backup=drop_backup, number=3)


@pytest.mark.parametrize("before", [b"x 1/tcp\r\n", b"x 1/tcp"], ids=["ended", "without-end"])
@pytest.mark.parametrize("drop_backup", [False, True])
def test_every_command_line_passes_both_allow_lists(client: GivenClient, before: bytes, drop_backup: bool) -> None:
    files = client.server.machine.files
    files[PATH] = before
    if drop_backup:
        files[f"{PATH}.portkeeper-backup"] = before
    services_file.replace(Console(client, CAPABILITIES), "edge1", step(before, b"new\n", drop_backup=drop_backup))
    beside = {} if drop_backup else {f"{PATH}.portkeeper-backup": before}
    assert dict(files) == {PATH: b"new\n", **beside}
    files[f"{FOLDER}\\services.portkeeper-3-old"] = b"left by a killed run"
    services_file.delete(Console(client, CAPABILITIES), "edge1", FOLDER, ["services.portkeeper-3-old"])
    assert dict(files) == {PATH: b"new\n", **beside}
    lines = [line.removeprefix("command ") for line in client.log]
    assert len(lines) == 3
    for line in lines:
        check_command_line(line)
    assert client.inputs[0] == b"new\n"
    assert client.inputs[1] == (before if before.endswith(b"\n") else before + b"\x1a\r\n")
    line = next(line for line in lines if "move /y" in line)
    # What must not happen unless the comparison holds stands behind && in one chain.
    (chain,) = (part for part in re.split(r" & | && echo | \|\| echo ", line) if "move /y" in part)
    verbs = ["fc", "move", "del"] if drop_backup else ["fc", "copy", "move"]
    assert [part.split()[0] for part in chain.split(" && ")] == verbs


def test_nothing_is_moved_where_the_new_file_reads_differently(client: GivenClient) -> None:
    client.server.machine.files[PATH] = b"old\n"
    client.commands[f'type "{FOLDER}\\services.portkeeper-3-new"'] = (b"n?w\n", 0)
    with pytest.raises(Untouched, match="does not read as it was sent; nothing was changed"):
        services_file.replace(Console(client, CAPABILITIES), "edge1", step(b"old\n", b"new\n"))
    assert not any("move" in line for line in client.log)
    assert client.log[-1].startswith(f'command del "{FOLDER}\\services.portkeeper-3-new"')
    assert dict(client.server.machine.files) == {PATH: b"old\n"}


@pytest.mark.parametrize("silent", [False, True], ids=["fc-tells", "fc-silent"])
def test_nothing_is_moved_where_the_file_was_read_differently(client: GivenClient, silent: bool) -> None:
    client.server.machine.assumptions = dataclasses.replace(
        client.server.machine.assumptions, fc_exit_code_tells=not silent
    )
    client.server.machine.files[PATH] = b"\xe4 1/tcp\n"
    with pytest.raises(Untouched, match=r"what was read does not come back unchanged, .*nothing was changed"):
        services_file.replace(Console(client, CAPABILITIES), "edge1", step(b"? 1/tcp\n", b"? 1/tcp\nnew 2/tcp\n"))
    assert dict(client.server.machine.files) == {PATH: b"\xe4 1/tcp\n"}


def test_a_comparison_whose_exit_code_says_nothing_is_read_before_the_move(client: GivenClient) -> None:
    client.server.machine.assumptions = dataclasses.replace(client.server.machine.assumptions, fc_exit_code_tells=False)
    client.server.machine.files[PATH] = b"old\n"
    services_file.replace(Console(client, CAPABILITIES), "edge1", step(b"old\n", b"new\n"))
    assert client.inputs == [b"new\n", b"old\n", b"old\n"]
    assert client.server.machine.files[PATH] == b"new\n"


TOO_MUCH: t.Final = [(b"x" * 100_001 + b"\n", "more than the 100000"), (b"a\x1ab", "holds a Ctrl-Z")]


@pytest.mark.parametrize(("before", "sentence"), TOO_MUCH)
def test_what_no_command_can_write_is_refused_first(client: GivenClient, before: bytes, sentence: str) -> None:
    client.server.machine.files[PATH] = before
    with pytest.raises(Untouched, match=sentence):
        services_file.replace(Console(client, CAPABILITIES), "edge1", step(before, b"new\n"))
    assert not any("findstr" in line for line in client.log)


FORBIDDEN: t.Final = [
    "type services",
    f'type "{PATH}" && shutdown.exe /r',
    f'del "{PATH}" & del x',
    f'findstr "^" > {PATH}',
    f'findstr "x" > "{PATH}"',
    'findstr "^" > "C:\\%TEMP%"',
    f'copy /y "{PATH}" "{PATH}"',
    f'move /y "{PATH}" "\\\\server\\share"',
    f'del /s "{FOLDER}"',
    f'type "{PATH}"\ndel x',
]


@pytest.mark.parametrize("line", FORBIDDEN)
def test_no_other_command_on_files_is_run(client: GivenClient, line: str) -> None:
    with pytest.raises(WindowsError, match="not on the list"):
        Console(client, CAPABILITIES).run([line])
    assert client.log == []


@pytest.mark.parametrize("line", ['echo ^"', 'echo "^^"', 'echo "a^"', "echo ^"])
def test_a_caret_may_stand_only_as_the_whole_expression(line: str) -> None:
    check_command_line('findstr "^"')
    with pytest.raises(Unsendable):
        check_command_line(line)
