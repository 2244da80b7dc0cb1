# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""StdRegProv: the registry through WMI, with the return values that its clients have seen.

0 ok, 2 key absent (also the value for DeleteValue), 1 value absent in an existing key (Get...), 0x80041005 wrong type,
5 access denied, 0x80041008 invalid parameter. All of them are results, not faults.
"""

from __future__ import annotations

import functools
import re
import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.registry import HIVES, HKLM, RegistryData, ValueType, split_path
from tests.simulator.windows.wmi.base import CIMV2, DEFAULT, CimClass, Method, Parameters, Row, fixed

WRONG_TYPE: t.Final = 0x80041005
INVALID_PARAMETER: t.Final = 0x80041008
ACCESS_DENIED: t.Final = 5
NO_KEY: t.Final = 2

KEY_QUERY_VALUE: t.Final = 0x1
KEY_READ_ONLY: t.Final = 0x20019
_WRITING_RIGHTS: t.Final = 0x10000 | 0x40000 | 0x80000 | 0x2 | 0x4

TypeSet: t.TypeAlias = t.Literal["String", "ExpandedString", "DWORD", "QWORD", "MultiString", "Binary"]

TYPES: t.Final[t.Mapping[TypeSet, tuple[ValueType, str]]] = {
    "String": (ValueType.SZ, "sValue"),
    "ExpandedString": (ValueType.EXPAND_SZ, "sValue"),
    "DWORD": (ValueType.DWORD, "uValue"),
    "QWORD": (ValueType.QWORD, "uValue"),
    "MultiString": (ValueType.MULTI_SZ, "sValue"),
    "Binary": (ValueType.BINARY, "uValue"),
}
_LIMITS: t.Final = {ValueType.DWORD: 2**32, ValueType.QWORD: 2**64}


def _result(code: int, **output: t.Any) -> Row:
    return {**output, "ReturnValue": code}


def _place(parameters: Parameters) -> tuple[int, str]:
    return parameters.integer("hDefKey", HKLM), parameters.text("sSubKeyName")


def _refused(context: Context, hive: int, path: str) -> bool:
    """Whether the account may not write there."""
    is_denied = context.machine.registry.is_denied(path, hive=hive)
    return is_denied or not context.user.elevated or _lacks(context, "registry", path)


def _lacks(context: Context, right: str, path: str) -> bool:
    """Whether the account lacks a right on this key, or on one above it."""
    parts = split_path(path)
    return not all(context.user.may(right, "\\".join(parts[:depth])) for depth in range(1, len(parts) + 1))


# -- reading
def _get(kind: TypeSet, context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    registry = context.machine.registry
    if hive not in HIVES:
        return _result(INVALID_PARAMETER)
    if registry.find(path, hive=hive) is None:
        return _result(NO_KEY)
    if _lacks(context, "read", path):
        return _result(ACCESS_DENIED)
    value = registry.get(path, parameters.text("sValueName", ""), hive=hive)
    if value is None:
        return _result(context.machine.assumptions.registry_absent_value)
    type_, output = TYPES[kind]
    if value.type is not type_:
        return _result(WRONG_TYPE)
    return _result(0, **{output: _expanded(context, value.data) if kind == "ExpandedString" else _outgoing(value.data)})


def _expanded(context: Context, data: RegistryData) -> str:
    """GetExpandedStringValue replaces variables of the environment; of these there is one here."""
    return re.sub("%systemroot%", lambda _match: context.machine.release.windows_directory, str(data), flags=re.I)


def _outgoing(data: RegistryData) -> t.Any:
    return list(data) if isinstance(data, (tuple, bytes)) else data


def _enum_key(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    key = context.machine.registry.find(path, hive=hive)
    if key is None:
        return _result(NO_KEY)
    if _lacks(context, "read", path):
        return _result(ACCESS_DENIED)
    names = sorted((subkey.name for subkey in key.subkeys.values()), key=str.casefold)
    return _result(0, sNames=t.cast("t.Any", names))


def _enum_values(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    key = context.machine.registry.find(path, hive=hive)
    if key is None:
        return _result(NO_KEY)
    if _lacks(context, "read", path):
        return _result(ACCESS_DENIED)
    values = list(key.values.values())
    return _result(0, sNames=[value.name for value in values], Types=[int(value.type) for value in values])


def _check_access(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    if context.machine.registry.find(path, hive=hive) is None:
        return _result(NO_KEY, bGranted=False)
    required = parameters.integer("uRequired", KEY_QUERY_VALUE | 0x2)
    granted = not (required & _WRITING_RIGHTS and _refused(context, hive, path))
    return _result(0 if granted else ACCESS_DENIED, bGranted=granted)


# -- writing
def _set(kind: TypeSet, context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    if hive not in HIVES:
        return _result(INVALID_PARAMETER)
    type_, name = TYPES[kind]
    data = _incoming(type_, parameters, name)
    if data is None:
        return _result(INVALID_PARAMETER)
    if context.machine.registry.find(path, hive=hive) is not None and _refused(context, hive, path):
        return _result(ACCESS_DENIED)
    value_name = parameters.text("sValueName", "")
    return _result(context.machine.registry.set_existing(path, value_name, type_, data, hive=hive))


def _incoming(type_: ValueType, parameters: Parameters, name: str) -> RegistryData | None:
    """Return the data to write; None when it does not fit the type. No element at all is an empty list of strings."""
    texts = parameters.texts(name)
    if type_ is ValueType.MULTI_SZ:
        return _until_empty(texts)
    if type_ in (ValueType.SZ, ValueType.EXPAND_SZ):
        return texts[0] if texts else ""
    try:
        numbers = [int(text) for text in texts]
    except ValueError:
        return None
    if type_ is ValueType.BINARY:
        return bytes(numbers) if all(0 <= number < 256 for number in numbers) else None
    return numbers[0] if len(numbers) == 1 and 0 <= numbers[0] < _LIMITS[type_] else None


def _until_empty(texts: tuple[str, ...]) -> tuple[str, ...]:
    """An empty string ends a REG_MULTI_SZ early."""
    return texts[: texts.index("")] if "" in texts else texts


def _create_key(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    if hive not in HIVES:
        return _result(INVALID_PARAMETER)
    if _refused(context, hive, path):
        return _result(ACCESS_DENIED)
    context.machine.registry.create(path, hive=hive)
    return _result(0)


def _delete_key(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    if context.machine.registry.find(path, hive=hive) is not None and _refused(context, hive, path):
        return _result(ACCESS_DENIED)
    return _result(context.machine.registry.delete_key(path, hive=hive))


def _delete_value(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    hive, path = _place(parameters)
    if context.machine.registry.find(path, hive=hive) is not None and _refused(context, hive, path):
        return _result(ACCESS_DENIED)
    return _result(context.machine.registry.delete_value(path, parameters.text("sValueName", ""), hive=hive))


def _in_namespace(machine: Machine) -> bool:
    return machine.assumptions.registry_in_cimv2


_METHODS: t.Final[dict[str, Method]] = {
    **{f"Get{kind}Value": functools.partial(_get, kind) for kind in TYPES},
    **{f"Set{kind}Value": functools.partial(_set, kind) for kind in TYPES},
    "EnumKey": _enum_key,
    "EnumValues": _enum_values,
    "CheckAccess": _check_access,
    "CreateKey": _create_key,
    "DeleteKey": _delete_key,
    "DeleteValue": _delete_value,
}


def _no_instances(_context: Context) -> list[Row]:
    return []


CLASSES: t.Final = (
    CimClass("StdRegProv", (DEFAULT,), (), fixed(), _no_instances, _METHODS),
    CimClass("StdRegProv", (CIMV2,), (), fixed(), _no_instances, _METHODS, available=_in_namespace),
)
