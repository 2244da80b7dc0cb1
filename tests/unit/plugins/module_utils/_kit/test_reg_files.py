# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration files, held against what the simulated regedit writes and reads."""

from __future__ import annotations

import codecs
import pathlib
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._kit.reg_files import (
    HEAD,
    NoRegFile,
    RawValue,
    document,
    exported_lines,
    read,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType, RegistryValue
from tests.simulator.visit import Visit
from tests.simulator.windows.registry import ValueType

KEY: t.Final = "SOFTWARE\\A [b] c"
VALUES: t.Final[t.Mapping[str, tuple[RegistryType, t.Any]]] = {
    "Text": (RegistryType.STRING, 'C:\\a "quoted" path'),
    "No text": (RegistryType.STRING, ""),
    'A "name" \\': (RegistryType.STRING, "x"),
    "Number": (RegistryType.DWORD, 60000),
    "Large": (RegistryType.QWORD, 2**40),
    "Path": (RegistryType.EXPAND_STRING, "%SystemRoot%\\x"),
    "List": (RegistryType.MULTI_STRING, ("1645-1646", "1812-1813", "3343-3343", "4500-4500", "5000-6000")),
    "One": (RegistryType.MULTI_STRING, ("1-1",)),
    "Empty list": (RegistryType.MULTI_STRING, ()),
}


@pytest.fixture
def visit(tmp_path: pathlib.Path) -> Visit:
    """A server with these values."""
    visit = Visit(tmp_path, {"release": "2003"})
    for name, (kind, data) in VALUES.items():
        visit.server.machine.registry.set(KEY, name, ValueType(int(kind)), data)
    return visit


def exported(visit: Visit, switch: str) -> bytes:
    """What regedit writes."""
    user = visit.server.users[0]
    command = f'regedit {switch} C:\\x.reg "HKEY_LOCAL_MACHINE\\{KEY}"'
    visit.server.run_command(command, b"", codepage=437, user=user)
    return visit.server.machine.files["C:\\x.reg"]


def test_an_export_is_read(visit: Visit) -> None:
    key = next(iter(read(exported(visit, "/e")).values()))
    assert key.path == KEY
    assert {value.name: (value.value.type, value.value.data) for value in key.values.values()} == VALUES


def test_the_lines_of_a_narrow_export(visit: Visit) -> None:
    lines = exported(visit, "/a").decode("ascii").splitlines()
    for name, (kind, data) in VALUES.items():
        if kind is not RegistryType.QWORD:
            shown = exported_lines(RawValue.of(name, RegistryValue(kind, data)))
            assert "\n".join(shown) in "\n".join(lines)


@pytest.mark.parametrize("name", VALUES)
def test_a_document_is_imported(visit: Visit, name: str) -> None:
    registry, user = visit.server.machine.registry, visit.server.users[0]
    kind, data = VALUES[name]
    registry.delete_value(KEY, name)
    for value, expected in ((RawValue.of(name, RegistryValue(kind, data)), data), (None, None)):
        visit.server.machine.files["C:\\y.reg"] = document(KEY, name, value)
        assert visit.server.run_command("reg import C:\\y.reg", b"", codepage=437, user=user).exit_code == 0
        assert visit.value(KEY, name) == expected


def test_a_text_may_hold_ends_of_lines() -> None:
    text = f'{HEAD}\r\n\r\n[HKEY_LOCAL_MACHINE\\A]\r\n"X"="one\r\n[two]\r\nthree"\r\n"Y"=dword:00000001\r\n'
    key = next(iter(read(codecs.BOM_UTF16_LE + text.encode("utf-16-le")).values()))
    assert [value.value.data for value in key.values.values()] == ["one\r\n[two]\r\nthree", 1]


@pytest.mark.parametrize(
    "content", [b"", b"REGEDIT4\r\n", codecs.BOM_UTF16_LE, "\ufeffx".encode("utf-16-le")], ids=repr
)
def test_other_files_are_none(content: bytes) -> None:
    with pytest.raises(NoRegFile):
        read(content)


def test_values_that_are_none_are_left_out() -> None:
    text = f'{HEAD}\r\n[HKEY_LOCAL_MACHINE\\A]\r\n"X"=dword:xyz\r\n"Y"=hex(x):00\r\n@="z"\r\n"Z"=dword:0000000a\r\n'
    key = next(iter(read(codecs.BOM_UTF16_LE + text.encode("utf-16-le")).values()))
    assert [value.value.data for value in key.values.values()] == [10]


def test_other_letters_have_no_narrow_lines() -> None:
    with pytest.raises(ValueError, match="ascii"):
        exported_lines(RawValue.of("X", RegistryValue(RegistryType.MULTI_STRING, ("\u00fc",))))
