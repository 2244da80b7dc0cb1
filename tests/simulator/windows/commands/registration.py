# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""regedit.exe and reg.exe on registration files: ``/e``, ``/a``, ``/s``, ``export``, ``import``."""

from __future__ import annotations

import codecs
import re
import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.disk import Disk
from tests.simulator.windows.registry import Key, Registry, RegistryData, RegistryValue, ValueType

VERSION_5: t.Final = "Windows Registry Editor Version 5.00"
VERSION_4: t.Final = "REGEDIT4"
_ROOT: t.Final = "HKEY_LOCAL_MACHINE"
_COLUMNS: t.Final = 77
"""A line of bytes is broken once it has so many characters (seen in exports of Windows and of Wine's regedit)."""
_ENTRY: t.Final = re.compile(r'"(?P<name>(?:\\.|[^"\\])*)"=(?P<data>.*)', re.DOTALL)


def regedit(invocation: Invocation) -> Output:
    """Export without a question (``/e`` in UTF-16, ``/a`` in single bytes), or import (``/s``); it says nothing."""
    switch, disk = invocation.arguments[0].casefold(), invocation.context.machine.files
    if switch == "/s":
        _import(invocation, invocation.arguments[1])
        return Output()
    path, shown = invocation.arguments[1:3]
    text = _exported(invocation.context.machine.registry, shown, wide=switch == "/e")
    if text is not None:
        _write(disk, path, text, wide=switch == "/e")
    return Output()


def reg(invocation: Invocation) -> Output:
    """Run ``reg export KEY FILE`` or ``reg import FILE``: exit code 0, or 1 with a sentence."""
    verb, *arguments = invocation.arguments
    if verb.casefold() == "import":
        return _said(ok=_import(invocation, arguments[0]))
    if verb.casefold() != "export":
        return Output(stderr=lines("ERROR: Invalid syntax."), code=1)
    text = _exported(invocation.context.machine.registry, arguments[0], wide=True)
    if text is None or (arguments[1] in invocation.context.machine.files and "/y" not in arguments):
        return _said(ok=False)
    _write(invocation.context.machine.files, arguments[1], text, wide=True)
    return _said(ok=True)


def _said(*, ok: bool) -> Output:
    if ok:
        return Output(lines("The operation completed successfully."))
    return Output(stderr=lines("ERROR: The system was unable to find the specified registry key or value."), code=1)


def _write(disk: Disk, path: str, text: str, *, wide: bool) -> None:
    disk[path] = codecs.BOM_UTF16_LE + text.encode("utf-16-le") if wide else text.encode("cp1252", "replace")


# --- export ---


def _exported(registry: Registry, shown: str, *, wide: bool) -> str | None:
    """The text of a key and of all keys below it; None when there is no such key."""
    root, _backslash, path = shown.partition("\\")
    if root.casefold() not in ("hklm", _ROOT.casefold()) or (key := registry.find(path)) is None:
        return None
    rows = [VERSION_5 if wide else VERSION_4, ""]
    _collect(key, f"{_ROOT}\\{_spelled(registry, path)}", rows, wide=wide)
    return lines(*rows)


def _spelled(registry: Registry, path: str) -> str:
    """A path as the keys on it are spelled."""
    parts = path.split("\\")
    found = (registry.find("\\".join(parts[: place + 1])) for place in range(len(parts)))
    return "\\".join(key.name for key in found if key)


def _collect(key: Key, path: str, rows: list[str], *, wide: bool) -> None:
    rows.append(f"[{path}]")
    for value in key.values.values():
        rows += _value_lines(value, wide=wide)
    rows.append("")
    for subkey in key.subkeys.values():
        _collect(subkey, f"{path}\\{subkey.name}", rows, wide=wide)


def _value_lines(value: RegistryValue, *, wide: bool) -> list[str]:
    name = f'"{_escaped(value.name)}"='
    if value.type is ValueType.SZ:
        return [f'{name}"{_escaped(str(value.data))}"']
    if value.type is ValueType.DWORD:
        return [f"{name}dword:{t.cast('int', value.data):08x}"]
    kind = "hex:" if value.type is ValueType.BINARY else f"hex({int(value.type):x}):"
    return _broken(name + kind, _bytes_of(value, "utf-16-le" if wide else "cp1252"))


def _bytes_of(value: RegistryValue, codec: str) -> bytes:
    if isinstance(value.data, bytes):
        return value.data
    if isinstance(value.data, int):
        return value.data.to_bytes(8, "little")
    texts = (*value.data, "") if isinstance(value.data, tuple) else (value.data,)
    return "".join(text + "\0" for text in texts).encode(codec, "replace")


def _broken(head: str, data: bytes) -> list[str]:
    rows, row = [], head
    for place, byte in enumerate(data, start=1):
        row += f"{byte:02x}" + ("," if place < len(data) else "")
        if len(row) >= _COLUMNS and place < len(data):
            rows.append(row + "\\")
            row = "  "
    return [*rows, row]


def _escaped(text: str) -> str:
    return re.sub(r'(["\\])', r"\\\1", text)


# --- import ---


def _import(invocation: Invocation, path: str) -> bool:
    """Take over a file; False when it is missing, is none, or the account may not write the registry."""
    machine, user = invocation.context.machine, invocation.context.user
    if path not in machine.files or not (user.elevated and user.may("registry")):
        return False
    data = machine.files[path]
    is_wide = data.startswith(codecs.BOM_UTF16_LE)
    text = data.decode("utf-16") if is_wide else data.decode("cp1252")
    if text.splitlines()[0] not in (VERSION_5, VERSION_4):
        return False
    key = ""
    for line in re.sub(r"\\\r?\n\s*", "", text).splitlines()[1:]:
        if line.startswith("[-"):
            _delete_tree(machine.registry, line.strip("[-]").partition("\\")[2])
        elif line.startswith("["):
            key = line.strip("[]").partition("\\")[2]
            machine.registry.create(key)
        elif entry := _ENTRY.fullmatch(line):
            name = re.sub(r"\\(.)", r"\1", entry["name"])
            _take(machine.registry, key, (name, entry["data"]), "utf-16-le" if text.startswith(VERSION_5) else "cp1252")
    return True


def _delete_tree(registry: Registry, path: str) -> None:
    key = registry.find(path)
    for subkey in list(key.subkeys.values()) if key else ():
        _delete_tree(registry, f"{path}\\{subkey.name}")
    registry.delete_key(path)


def _take(registry: Registry, key: str, entry: tuple[str, str], codec: str) -> None:
    name, shown = entry
    if shown == "-":
        registry.delete_value(key, name)
        return
    registry.set(key, name, *_read(shown, codec))


def _read(shown: str, codec: str) -> tuple[ValueType, RegistryData]:
    if shown.startswith('"'):
        return ValueType.SZ, re.sub(r"\\(.)", r"\1", shown[1:-1])
    if shown.startswith("dword:"):
        return ValueType.DWORD, int(shown[6:], 16)
    head, _colon, figures = shown.partition(":")
    kind = ValueType.BINARY if head == "hex" else ValueType(int(head[4:-1], 16))
    data = bytes.fromhex(figures.replace(",", " "))
    if kind is ValueType.BINARY:
        return kind, data
    if kind is ValueType.QWORD:
        return kind, int.from_bytes(data, "little")
    texts = data.decode(codec).removesuffix("\0").split("\0")
    return kind, tuple(texts[:-1]) if kind is ValueType.MULTI_SZ else texts[0]
