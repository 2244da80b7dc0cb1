# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration files (.reg) of version 5.00: read as regedit exports them, written as it imports them.

Windows 2000 and later read and write this version, in UTF-16 with a mark at the beginning (KB310516; JSI tip 8615).
REGEDIT4, its forerunner, has single bytes: regedit writes it with ``/a``, and ``findstr`` can look into it.
"""

from __future__ import annotations

import codecs
import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    RegistryType,
    RegistryValue,
)

ROOT: t.Final = "HKEY_LOCAL_MACHINE"
HEAD: t.Final = "Windows Registry Editor Version 5.00"
NARROW_HEAD: t.Final = "REGEDIT4"
_LINE_END: t.Final = 77
"""Columns after which regedit breaks a line of bytes, before the backslash (seen in exports of regedit and of Wine)."""
_VALUE: t.Final = re.compile(r'"((?:[^"\\]|\\.)*)"=(.*)', re.DOTALL)
_DWORD: t.Final = re.compile(r"dword:([0-9a-f]{1,8})", re.IGNORECASE)
_HEX: t.Final = re.compile(r"hex(?:\(([0-9a-f]{1,8})\))?:([0-9a-f,\s\\]*)", re.IGNORECASE)
_CLOSED: t.Final = re.compile(r'"?(?:[^"\\]|\\.)*"')
"""A line of a text that ends with it."""
_ESCAPED: t.Final = re.compile(r"\\(.)", re.DOTALL)
_TYPES: t.Final = {int(kind) for kind in RegistryType}


class NoRegFile(Exception):
    """The bytes are no registration file of version 5.00."""


@dataclasses.dataclass(frozen=True, slots=True)
class RawValue:
    """A value byte for byte: its name as the registry spells it, the number of its type, its data."""

    name: str
    kind: int
    data: bytes

    @classmethod
    def of(cls, name: str, value: RegistryValue) -> RawValue:
        """A value as Windows stores it."""
        return cls(name, int(value.type), _stored(value))

    @property
    def value(self) -> RegistryValue:
        """The value as planners see it; a type that they don't know counts as BINARY, without its data."""
        if self.kind in (RegistryType.DWORD, RegistryType.QWORD):
            return RegistryValue(RegistryType(self.kind), int.from_bytes(self.data, "little"))
        if self.kind not in _TYPES or self.kind == RegistryType.BINARY:
            return RegistryValue(RegistryType.BINARY, "")
        text = self.data.decode("utf-16-le", "replace")
        if self.kind == RegistryType.MULTI_STRING:
            return RegistryValue(RegistryType.MULTI_STRING, tuple(filter(None, text.split("\0"))))
        return RegistryValue(RegistryType(self.kind), text.partition("\0")[0])


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """A key: its path below HKEY_LOCAL_MACHINE as the registry spells it, and its values by folded name."""

    path: str
    values: dict[str, RawValue] = dataclasses.field(default_factory=dict)


Keys = t.Mapping[str, Key]
"""Keys by their folded paths."""


def read(content: bytes) -> Keys:
    """The keys of an export; raises NoRegFile."""
    if not content.startswith(codecs.BOM_UTF16_LE):
        raise NoRegFile("it is not in UTF-16, as regedit writes it")
    lines = content.decode("utf-16").replace("\r\n", "\n").split("\n")
    if lines[0].strip() != HEAD:
        raise NoRegFile(f"its first line is not {HEAD!r}")
    keys: dict[str, Key] = {}
    key = Key("")
    for line in _whole_lines(lines[1:]):
        if line.startswith("["):
            key = Key(_below_root(line))
            keys[key.path.casefold()] = key
        elif (found := _VALUE.fullmatch(line)) and (value := _value(_ESCAPED.sub(r"\1", found[1]), found[2])):
            key.values[value.name.casefold()] = value
    return keys


def document(key: str, name: str, value: RawValue | None) -> bytes:
    """A file that writes one value below HKEY_LOCAL_MACHINE, or deletes it (``None``)."""
    shown = f"{_quoted(name)}=-" if value is None else "\n".join(_wide_lines(value))
    text = f"{HEAD}\n\n[{ROOT}\\{key}]\n{shown}\n\n"
    return codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le")


def key_removal(key: str) -> bytes:
    """A file that deletes a key below HKEY_LOCAL_MACHINE with all that it holds."""
    return codecs.BOM_UTF16_LE + f"{HEAD}\r\n\r\n[-{ROOT}\\{key}]\r\n\r\n".encode("utf-16-le")


def exported_lines(value: RawValue) -> tuple[str, ...]:
    """The lines by which ``regedit /a`` shows a value; raises ValueError if its name or text is not ASCII."""
    value.name.encode("ascii")
    if value.kind in (RegistryType.MULTI_STRING, RegistryType.EXPAND_STRING):
        narrow = value.data.decode("utf-16-le").encode("ascii")
        return tuple(_hex_lines(_quoted(value.name), value.kind, narrow))
    if value.kind == RegistryType.STRING and not _is_plain(value):
        raise ValueError("not a plain text in ascii")
    return tuple(_wide_lines(value))


def name_prefix(name: str) -> str:
    """The beginning of the line by which regedit shows a value."""
    return f"{_quoted(name)}="


def _wide_lines(value: RawValue) -> t.Iterable[str]:
    if value.kind == RegistryType.DWORD and len(value.data) == 4:
        return [f"{_quoted(value.name)}=dword:{int.from_bytes(value.data, 'little'):08x}"]
    if value.kind == RegistryType.STRING and _is_plain(value):
        return [f"{_quoted(value.name)}={_quoted(str(value.value.data))}"]
    return _hex_lines(_quoted(value.name), value.kind, value.data)


def _is_plain(value: RawValue) -> bool:
    """True if a text is ASCII without control characters, and ends as texts do."""
    text = str(value.value.data)
    return _stored(value.value) == value.data and text.isascii() and text.isprintable()


def _hex_lines(name: str, kind: int, data: bytes) -> t.Iterator[str]:
    line = f"{name}=hex:" if kind == RegistryType.BINARY else f"{name}=hex({kind:x}):"
    for place, byte in enumerate(data):
        line += f"{byte:02x}"
        if place == len(data) - 1:
            break
        line += ","
        if len(line) >= _LINE_END:
            yield line + "\\"
            line = "  "
    yield line


def _stored(value: RegistryValue) -> bytes:
    data = value.data
    if isinstance(data, int):
        return data.to_bytes(8 if value.type is RegistryType.QWORD else 4, "little")
    text = "".join(f"{one}\0" for one in data) + "\0" if isinstance(data, tuple) else f"{data}\0"
    return text.encode("utf-16-le")


def _whole_lines(lines: t.Iterable[str]) -> t.Iterator[str]:
    """Lines with what follows them: bytes after a backslash, and texts that hold ends of lines."""
    parts: list[str] = []
    goes_on: t.Callable[[str], bool] = _never
    for line in lines:
        is_first = not parts
        goes_on = _continuation(line) if is_first else goes_on
        parts.append(line)
        if not goes_on(_data_of(line) if is_first else line):
            yield "\n".join(parts)
            parts = []


def _continuation(line: str) -> t.Callable[[str], bool]:
    """How a line of the value that begins here shows that another one follows."""
    data = _data_of(line)
    if data.startswith('"'):
        return lambda part: _CLOSED.fullmatch(part) is None
    return (lambda part: part.endswith("\\")) if data.startswith("hex") else _never


def _data_of(line: str) -> str:
    found = _VALUE.fullmatch(line)
    return found[2] if found else ""


def _never(_line: str) -> bool:
    return False


def _below_root(line: str) -> str:
    return line.strip()[1:-1].partition("\\")[2]


def _value(name: str, shown: str) -> RawValue | None:
    if shown.startswith('"'):
        text = _ESCAPED.sub(r"\1", shown[1:-1]).replace("\n", "\r\n")
        return RawValue(name, RegistryType.STRING, _stored(RegistryValue(RegistryType.STRING, text)))
    if dword := _DWORD.fullmatch(shown):
        return RawValue(name, RegistryType.DWORD, int(dword[1], 16).to_bytes(4, "little"))
    found = _HEX.fullmatch(shown)
    if found is None:
        return None
    kind = int(found[1], 16) if found[1] else int(RegistryType.BINARY)
    return RawValue(name, kind, bytes.fromhex("".join(re.findall("[0-9A-Fa-f]{2}", found[2]))))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
