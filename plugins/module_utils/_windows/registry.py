# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry below HKEY_LOCAL_MACHINE, through WMI's StdRegProv: one request per value, no shell.

StdRegProv answers over WS-Management with a return value, not with a fault: 1 for a value that is absent from an
existing key (seen by clients in the field, not proven on every release), 2 for a key that is absent, 0x80041005 for a
value of another type.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    RegistryReading,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.registry_text import why_not_writable
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import (
    KEY_CREATE,
    KEY_DELETE,
    KEY_READ,
    KEY_WRITE,
    Right,
    lacks,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    ACCESS_DENIED,
    RegistryError,
    explained,
    win32_meaning,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    ProtocolViolation,
    UncarriableText,
    WsmanFault,
)

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance, Value

NAMESPACE: t.Final = "root/default"
"""Documented everywhere; that root/cimv2 holds StdRegProv too is not certain on Windows Server 2003."""
CLASS: t.Final = "StdRegProv"
LOCAL_MACHINE: t.Final = 2147483650
"""HKEY_LOCAL_MACHINE as a uint32."""

_OK: t.Final = 0
_VALUE_ABSENT: t.Final = 1
_KEY_ABSENT: t.Final = 2
_HAS_KEYS: t.Final = 5
"""Access denied; of DeleteKey also: another program has just put a key into it (RegDeleteKey's documentation)."""
_OTHER_TYPE: t.Final = 0x80041005
_ABSENT: t.Final[t.Mapping[int, Absent]] = {_VALUE_ABSENT: Absent.VALUE, _KEY_ABSENT: Absent.KEY}

_NEEDED: t.Final[t.Mapping[str, Right]] = {
    "create the key": KEY_CREATE,
    "write": KEY_WRITE,
    "delete": KEY_WRITE,
    "delete the key": KEY_DELETE,
}
"""By operation; all others read."""
_NAMED_VALUE: t.Final = ", value "

Data = t.Union[str, int, "tuple[str, ...]"]


class _Kind(t.NamedTuple):
    """StdRegProv's methods for one registry type."""

    getter: str
    setter: str | None
    """``None``: never written, since Windows stores something else than it shows (expanded, or a mere rendering)."""
    parameter: str
    data: t.Callable[[Instance], Data | None]


def _string(answer: Instance) -> str | None:
    return answer.text("sValue")


def _strings(answer: Instance) -> tuple[str, ...]:
    # An empty list comes back as no element at all.
    return answer.texts("sValue")


def _number(answer: Instance) -> int | None:
    return answer.integer("uValue")


def _octets(answer: Instance) -> str:
    return " ".join(f"{octet:02x}" for octet in answer.integers("uValue"))


_KINDS: t.Final[t.Mapping[RegistryType, _Kind]] = {
    RegistryType.STRING: _Kind("GetStringValue", "SetStringValue", "sValue", _string),
    RegistryType.EXPAND_STRING: _Kind("GetExpandedStringValue", None, "sValue", _string),
    RegistryType.BINARY: _Kind("GetBinaryValue", None, "uValue", _octets),
    RegistryType.DWORD: _Kind("GetDWORDValue", "SetDWORDValue", "uValue", _number),
    RegistryType.MULTI_STRING: _Kind("GetMultiStringValue", "SetMultiStringValue", "sValue", _strings),
    RegistryType.QWORD: _Kind("GetQWORDValue", "SetQWORDValue", "uValue", _number),
}


class Registry:
    """Read and write values below HKEY_LOCAL_MACHINE; keys are written without that root, ``SYSTEM\\...``."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def host(self) -> str:
        """The server's name as the connection has it."""
        return self._client.host

    def read(self, key: str, name: str, value_type: RegistryType) -> RegistryReading:
        """One value, which should be of this type: 1 request; 3 if it has another type, as which it is then read.

        REG_EXPAND_SZ comes back expanded, REG_BINARY as hexadecimal octets: both for reports only.

        Raises:
            RegistryError: access is denied, or the type can't be read.
        """
        reading = self._read_as(key, name, value_type)
        return reading if reading is not None else self._read_as_it_is(key, name, value_type)

    def names(self, key: str) -> tuple[tuple[str, int], ...] | Absent:
        """The names and type numbers of a key's values; the default value's name is empty. 1 request."""
        answer, code = self._call("EnumValues", key)
        if code == _KEY_ABSENT:
            return Absent.KEY
        self._demand_ok(code, "list the values of", key)
        names, types = answer.texts("sNames"), answer.integers("Types")
        if len(names) != len(types):
            raise self._error("list the values of", key, f"the answer has {len(names)} names for {len(types)} types")
        return tuple(zip(names, types, strict=True))

    def subkeys(self, key: str) -> tuple[str, ...] | Absent:
        """The names of a key's subkeys. 1 request."""
        answer, code = self._call("EnumKey", key)
        if code == _KEY_ABSENT:
            return Absent.KEY
        self._demand_ok(code, "list the keys in", key)
        return answer.texts("sNames")

    def may(self, key: str, mask: int) -> bool | None:
        """True if the account has these rights on a key; ``None`` if that can't be said, as of an absent key.

        Asked without changing anything: 1 request (CheckAccess, documented for every release).
        """
        answer, code = self._call("CheckAccess", key, uRequired=mask)
        if code in ACCESS_DENIED:
            return False
        return answer.boolean("bGranted") if code == _OK else None

    def create_key(self, key: str) -> None:
        """Create a key with all its parents; nothing happens if it exists."""
        _answer, code = self._call("CreateKey", key)
        self._demand_ok(code, "create the key", key)

    def write(self, key: str, name: str, value: RegistryValue) -> None:
        """Write one value: 1 request, and 2 more where the key must be created first.

        Raises:
            RegistryError: Windows refused, or the value would not come back as it was given (then nothing was sent).
        """
        kind = _KINDS[value.type]
        self._demand_writable(kind, key, name, value)
        if self._write_once(kind, key, name, value) == _KEY_ABSENT:
            self.create_key(key)
            self._demand_ok(self._write_once(kind, key, name, value), "write", _path(key, name))

    def delete_value(self, key: str, name: str) -> None:
        """Delete one value; nothing happens if it is absent."""
        _answer, code = self._call("DeleteValue", key, sValueName=name)
        if code not in _ABSENT:
            self._demand_ok(code, "delete", _path(key, name))

    def delete_key(self, key: str) -> None:
        """Delete one key without subkeys, and its values; nothing happens if it is absent."""
        _answer, code = self._call("DeleteKey", key)
        if code not in _ABSENT:
            self._demand_ok(code, "delete the key", key)

    def delete_key_if_empty(self, key: str) -> None:
        """Delete a key that holds nothing, neither values nor other keys."""
        if self.names(key) or self.subkeys(key):
            return
        _answer, code = self._call("DeleteKey", key)
        if code not in (*_ABSENT, _HAS_KEYS):
            self._demand_ok(code, "delete the key", key)

    def _read_as(self, key: str, name: str, value_type: RegistryType) -> RegistryReading | None:
        """The value, or why it is absent; ``None``: it is of another type."""
        kind = _KINDS[value_type]
        answer, code = self._answer_of(kind.getter, key, name)
        if code == _OTHER_TYPE:
            return None
        if code in _ABSENT:
            return _ABSENT[code]
        self._demand_ok(code, "read", _path(key, name))
        data = kind.data(answer)
        if data is None:
            raise self._error("read", _path(key, name), "the answer has no data")
        return RegistryValue(value_type, data)

    def _answer_of(self, getter: str, key: str, name: str) -> tuple[Instance, int]:
        """Ask for a value; where the conversation itself can't carry it, the error names the value."""
        try:
            return self._call(getter, key, sValueName=name)
        except UncarriableText as error:
            meaning = f"it may hold characters that XML can't carry ({error.meaning})"
            advice = "look at it with regedit and take them out; nothing was changed"
            raise self._error("read", _path(key, name), meaning, advice=advice) from error
        except (ProtocolViolation, WsmanFault) as error:
            meaning, advice = error.meaning, explained(error).advice
            raise self._error("read", _path(key, name), meaning, code=error.code, advice=advice) from error

    def _read_as_it_is(self, key: str, name: str, wanted: RegistryType) -> RegistryReading:
        names = self.names(key)
        if isinstance(names, Absent):
            return names
        number = next((number for existing, number in names if existing.casefold() == name.casefold()), None)
        if number is None:
            return Absent.VALUE
        if number == wanted or number not in _KINDS:
            raise self._error("read", _path(key, name), f"it is of registry type {number}, which WMI does not give out")
        reading = self._read_as(key, name, RegistryType(number))
        if reading is None:
            raise self._error("read", _path(key, name), "its type changed while it was read", advice="run this again")
        return reading

    def _write_once(self, kind: _Kind, key: str, name: str, value: RegistryValue) -> int:
        """Write and return the code: 0, or 2 where the key is absent."""
        # An empty list is sent as no element: the field-proven way to write an empty REG_MULTI_SZ.
        parameters: dict[str, Value] = {"sValueName": name, kind.parameter: value.data}
        _answer, code = self._call(t.cast(str, kind.setter), key, **parameters)
        if code != _KEY_ABSENT:
            self._demand_ok(code, "write", _path(key, name))
        return code

    def _call(self, method: str, key: str, **parameters: Value) -> tuple[Instance, int]:
        sent: dict[str, Value] = {"hDefKey": LOCAL_MACHINE, "sSubKeyName": key, **parameters}
        answer = self._client.invoke(NAMESPACE, CLASS, method, sent)
        code = answer.integer("ReturnValue")
        if code is None:
            raise self._error(f"call {method} for", key, "the answer has no return value")
        return answer, code

    def _demand_ok(self, code: int, operation: str, target: str) -> None:
        if code != _OK:
            meaning = win32_meaning(code)
            advice = _missing_right(operation, target) if code in ACCESS_DENIED else meaning.advice
            raise self._error(operation, target, meaning.text, code=code, advice=advice)

    def _demand_writable(self, kind: _Kind, key: str, name: str, value: RegistryValue) -> None:
        problem = why_not_writable(value)
        if kind.setter is None:
            problem = f"values of type {value.type.name} are never written"
        if problem is not None:
            raise self._error("write", _path(key, name), problem, advice="nothing was changed")

    def _error(
        self, operation: str, target: str, meaning: str, *, code: int | None = None, advice: str = ""
    ) -> RegistryError:
        return RegistryError(
            host=self._client.host,
            operation=operation,
            target=rf"HKLM\{target}",
            code=code,
            meaning=meaning,
            advice=advice,
        )


def _path(key: str, name: str) -> str:
    return f"{key}{_NAMED_VALUE}{name!r}"


def _missing_right(operation: str, target: str) -> str:
    key = target.partition(_NAMED_VALUE)[0]
    right = _NEEDED.get(operation, KEY_READ)
    return lacks(right, rf"the nearest key above HKLM\{key} that exists" if right is KEY_CREATE else rf"HKLM\{key}")
