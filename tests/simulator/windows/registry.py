# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry: keys and values without regard to case, types, and the return codes of StdRegProv."""

from __future__ import annotations

import base64
import dataclasses
import enum
import typing as t

HKLM: t.Final = 0x80000002

HIVES: t.Final[t.Mapping[int, str]] = {
    0x80000000: "HKEY_CLASSES_ROOT",
    0x80000001: "HKEY_CURRENT_USER",
    0x80000002: "HKEY_LOCAL_MACHINE",
    0x80000003: "HKEY_USERS",
    0x80000005: "HKEY_CURRENT_CONFIG",
}

SERVICES: t.Final = "SYSTEM\\CurrentControlSet\\Services"


class ValueType(enum.IntEnum):
    """Registry value types, by their numbers in EnumValues."""

    SZ = 1
    EXPAND_SZ = 2
    BINARY = 3
    DWORD = 4
    MULTI_SZ = 7
    QWORD = 11


RegistryData: t.TypeAlias = "str | int | bytes | tuple[str, ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryValue:
    """One value: its name as it was first written, its type and its data."""

    name: str
    type: ValueType
    data: RegistryData

    def as_json(self) -> dict[str, t.Any]:
        """Return the value for a snapshot; binary data in base64."""
        data: t.Any = self.data
        if isinstance(data, bytes):
            data = base64.b64encode(data).decode("ascii")
        elif isinstance(data, tuple):
            data = list(data)
        return {"type": self.type.name, "data": data}


@dataclasses.dataclass(slots=True)
class Key:
    """One key: its name as it was first written, its values and its subkeys, both by folded name."""

    name: str
    values: dict[str, RegistryValue] = dataclasses.field(default_factory=dict)
    subkeys: dict[str, Key] = dataclasses.field(default_factory=dict)


def split_path(path: str) -> list[str]:
    """Split a key path at its backslashes; leading, trailing and doubled ones do not matter."""
    return [part for part in path.split("\\") if part]


class Registry:
    """All hives of one server. ``generation`` grows with each change, so that readers may keep derived values."""

    def __init__(self) -> None:
        """Begin with the hives alone."""
        self._roots: dict[int, Key] = {number: Key(name) for number, name in HIVES.items()}
        self.generation = 0
        self.denied: set[str] = set()

    # -- keys
    def find(self, path: str, *, hive: int = HKLM) -> Key | None:
        """Return a key, or None."""
        key = self._roots.get(hive)
        for part in split_path(path):
            if key is None:
                return None
            key = key.subkeys.get(part.casefold())
        return key

    def create(self, path: str, *, hive: int = HKLM) -> Key:
        """Return a key; if it was absent, it is made with all of its parents."""
        key = self._roots[hive]
        for part in split_path(path):
            folded = part.casefold()
            if folded not in key.subkeys:
                key.subkeys[folded] = Key(part)
                self.generation += 1
            key = key.subkeys[folded]
        return key

    def delete_key(self, path: str, *, hive: int = HKLM) -> int:
        """Delete a key without subkeys; 0, 2 (absent) or 5 (it has subkeys)."""
        parts = split_path(path)
        parent = self.find("\\".join(parts[:-1]), hive=hive)
        if not parts or parent is None or parts[-1].casefold() not in parent.subkeys:
            return 2
        if parent.subkeys[parts[-1].casefold()].subkeys:
            return 5
        del parent.subkeys[parts[-1].casefold()]
        self.generation += 1
        return 0

    def is_denied(self, path: str, *, hive: int = HKLM) -> bool:
        """Whether the key's access list (a scenario's choice) forbids writing, here or above."""
        folded = "\\".join(split_path(path)).casefold()
        return hive == HKLM and any(folded == name or folded.startswith(name + "\\") for name in self.denied)

    # -- values
    def get(self, path: str, name: str, *, hive: int = HKLM) -> RegistryValue | None:
        """Return a value, or None."""
        key = self.find(path, hive=hive)
        return None if key is None else key.values.get(name.casefold())

    def set(self, path: str, name: str, type_: ValueType, data: RegistryData, *, hive: int = HKLM) -> None:
        """Write a value, making its key; the name keeps the spelling of the first writer."""
        self._store(self.create(path, hive=hive), name, type_, data)

    def set_existing(self, path: str, name: str, type_: ValueType, data: RegistryData, *, hive: int = HKLM) -> int:
        """Write a value into an existing key; 0, or 2 when the key is absent."""
        key = self.find(path, hive=hive)
        if key is None:
            return 2
        self._store(key, name, type_, data)
        return 0

    def delete_value(self, path: str, name: str, *, hive: int = HKLM) -> int:
        """Delete a value; 0, or 2 when the key or the value is absent."""
        key = self.find(path, hive=hive)
        if key is None or name.casefold() not in key.values:
            return 2
        del key.values[name.casefold()]
        self.generation += 1
        return 0

    def _store(self, key: Key, name: str, type_: ValueType, data: RegistryData) -> None:
        old = key.values.get(name.casefold())
        key.values[name.casefold()] = RegistryValue(old.name if old else name, type_, data)
        self.generation += 1

    # -- typed shortcuts for the simulated programs, which read HKLM only
    def text(self, path: str, name: str) -> str | None:
        """Return a string value, or None when it is absent or of another type."""
        value = self.get(path, name)
        return value.data if value is not None and isinstance(value.data, str) else None

    def number(self, path: str, name: str) -> int | None:
        """Return a DWORD or QWORD value, or None when it is absent or of another type."""
        value = self.get(path, name)
        return value.data if value is not None and isinstance(value.data, int) else None

    def texts(self, path: str, name: str) -> tuple[str, ...]:
        """Return the strings of a multi-string value; none when it is absent or of another type."""
        value = self.get(path, name)
        return value.data if value is not None and isinstance(value.data, tuple) else ()

    # -- snapshot
    def as_json(self) -> dict[str, t.Any]:
        """Return all keys by path, each with its values by name."""
        rows: dict[str, t.Any] = {}
        for root in self._roots.values():
            _collect(root, root.name, rows)
        return rows


def _collect(key: Key, path: str, rows: dict[str, t.Any]) -> None:
    rows[path] = {value.name: value.as_json() for value in sorted(key.values.values(), key=lambda value: value.name)}
    for folded in sorted(key.subkeys):
        subkey = key.subkeys[folded]
        _collect(subkey, f"{path}\\{subkey.name}", rows)
