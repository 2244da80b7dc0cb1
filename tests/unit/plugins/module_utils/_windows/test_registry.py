# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing registry values, with StdRegProv's return codes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import RegistryError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.registry import Registry
from tests.simulator.windows.registry import ValueType
from tests.unit.plugins.module_utils._windows.given_server import GivenClient

KEY = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters"
STRING, EXPAND, BINARY, DWORD, MULTI, QWORD = RegistryType

ROUND_TRIPS = [
    RegistryValue(STRING, ' {"a": 1} '),
    RegistryValue(STRING, ""),
    RegistryValue(MULTI, ("1645-1646", "3343-3343")),
    RegistryValue(MULTI, ("one",)),
    RegistryValue(MULTI, ()),
    RegistryValue(DWORD, 0),
    RegistryValue(DWORD, 2**32 - 1),
    RegistryValue(QWORD, 2**40),
]


@pytest.mark.parametrize("value", ROUND_TRIPS, ids=repr)
def test_what_is_written_is_read_again(client: GivenClient, value: RegistryValue) -> None:
    client.registry.create(KEY)
    registry = Registry(client)
    registry.write(KEY, "V", value)
    assert registry.read(KEY, "V", value.type) == value
    assert len(client.log) == 2


def test_a_missing_key_is_created_and_the_value_written_again(client: GivenClient) -> None:
    value = RegistryValue(STRING, "x")
    Registry(client).write(r"SOFTWARE\Portkeeper", "Journal", value)
    assert client.log == ["invoke SetStringValue", "invoke CreateKey", "invoke SetStringValue"]
    written = client.registry.get(r"SOFTWARE\Portkeeper", "Journal")
    assert written is not None
    assert (written.type, written.data) == (ValueType.SZ, "x")


def test_absence_of_value_and_key_differ(client: GivenClient) -> None:
    client.registry.create(KEY)
    registry = Registry(client)
    assert registry.read(KEY, "V", MULTI) is Absent.VALUE
    assert registry.read(r"SOFTWARE\Nothing", "V", MULTI) is Absent.KEY
    assert registry.names(r"SOFTWARE\Nothing") is Absent.KEY
    assert registry.subkeys(r"SOFTWARE\Nothing") is Absent.KEY


def test_the_names_and_types_of_a_key(client: GivenClient) -> None:
    client.registry.create(KEY)
    registry = Registry(client)
    assert registry.names(KEY) == ()
    for key, name, kind, data in ((KEY, "", 1, "default"), (KEY, "MaxUserPort", 4, 60000), ("other", "x", 1, "")):
        client.registry.set(key, name, ValueType(kind), data)
    assert registry.names(KEY) == (("", 1), ("MaxUserPort", 4))


OTHER_TYPES = [
    (STRING, (4, 7), RegistryValue(DWORD, 7)),
    (MULTI, (1, "1-1"), RegistryValue(STRING, "1-1")),
    (DWORD, (7, ("a", "b")), RegistryValue(MULTI, ("a", "b"))),
    (STRING, (3, b"\x00\xab\xff"), RegistryValue(BINARY, "00 ab ff")),
    (MULTI, (2, r"C:\Windows"), RegistryValue(EXPAND, r"C:\Windows")),
    (DWORD, (11, 5), RegistryValue(QWORD, 5)),
]


@pytest.mark.parametrize(("wanted", "stored", "reading"), OTHER_TYPES, ids=[row[2].type.name for row in OTHER_TYPES])
def test_a_value_of_another_type_is_read_as_what_it_is(
    client: GivenClient, wanted: RegistryType, stored: tuple[int, t.Any], reading: RegistryValue
) -> None:
    client.registry.create(KEY)
    client.registry.set(KEY, "v", ValueType(stored[0]), stored[1])
    client.registry.set(KEY, "V2", ValueType(1), "")
    assert Registry(client).read(KEY, "v", wanted) == reading
    assert len(client.log) == 3


def test_a_type_that_wmi_does_not_give_out_is_an_error(client: GivenClient) -> None:
    client.registry.create(KEY)
    client.registry.set(KEY, "V", t.cast("ValueType", 10), "")
    with pytest.raises(RegistryError, match="registry type 10"):
        Registry(client).read(KEY, "V", DWORD)


def test_a_value_that_goes_away_while_its_type_is_asked_is_absent(client: GivenClient) -> None:
    client.registry.create(KEY)
    client.codes["GetDWORDValue", "V"] = 0x80041005
    assert Registry(client).read(KEY, "V", DWORD) is Absent.VALUE


@pytest.mark.parametrize("code", [5, 0x80041003])
def test_access_denied_names_the_rights(client: GivenClient, code: int) -> None:
    client.codes["GetMultiStringValue", "ReservedPorts"] = code
    with pytest.raises(RegistryError, match="LocalAccountTokenFilterPolicy") as caught:
        Registry(client).read(KEY, "ReservedPorts", MULTI)
    error = caught.value
    assert (error.host, error.operation, error.code, error.meaning) == ("edge1", "read", code, "access denied")
    assert str(error).startswith(rf"edge1: can't read HKLM\{KEY}, value 'ReservedPorts': access denied (code ")


@pytest.mark.parametrize("method", ["SetDWORDValue", "DeleteValue"])
def test_a_refused_change_is_an_error(client: GivenClient, method: str) -> None:
    client.registry.create(KEY)
    client.codes[method, "V"] = 5
    registry = Registry(client)
    with pytest.raises(RegistryError, match="access denied"):
        registry.write(KEY, "V", RegistryValue(DWORD, 1)) if method == "SetDWORDValue" else registry.delete_value(
            KEY, "V"
        )


def test_an_unknown_code_is_said_as_a_number(client: GivenClient) -> None:
    client.codes["GetDWORDValue", "V"] = 0x80041FFF
    with pytest.raises(RegistryError, match=r"error 0x80041FFF \(code 0x80041FFF\)"):
        Registry(client).read(KEY, "V", DWORD)


UNSENT = [
    RegistryValue(MULTI, ("1-1", "", "2-2")),
    RegistryValue(STRING, "a\x01"),
    RegistryValue(DWORD, 2**32),
    RegistryValue(EXPAND, "%windir%"),
    RegistryValue(BINARY, "00"),
]


@pytest.mark.parametrize("value", UNSENT, ids=ascii)
def test_what_would_not_come_back_is_never_sent(client: GivenClient, value: RegistryValue) -> None:
    with pytest.raises(RegistryError, match="nothing was changed"):
        Registry(client).write(KEY, "V", value)
    assert client.log == []


def test_deleting_is_done_once_and_no_error_twice(client: GivenClient) -> None:
    client.registry.create(KEY)
    client.registry.set(KEY, "V", ValueType(4), 1)
    registry = Registry(client)
    registry.delete_value(KEY, "V")
    registry.delete_value(KEY, "V")
    assert client.registry.get(KEY, "V") is None
