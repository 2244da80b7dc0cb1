# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed rows as return values are documented: type, description and sample of each field, read off its class."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.tooling.documentation_text import Shared, Value

Entry: t.TypeAlias = "dict[str, Value]"

_PLAIN: t.Final[t.Mapping[t.Any, str]] = {str: "str", bool: "bool", int: "int", float: "float", t.Any: "raw"}
_RANGE: t.Final = Shared(
    "range",
    {
        "first": {"description": "The lowest port.", "type": "int", "sample": 49152},
        "last": {"description": "The highest port.", "type": "int", "sample": 65535},
        "count": {"description": "How many ports these are.", "type": "int", "sample": 16384},
    },
)


def contents(cls: t.Any, **samples: Value) -> dict[str, Entry]:
    """What a row of a class contains, with these samples instead of the class's own.

    KeyError if a field is of a type that can't be documented, or lacks its description or sample.
    """
    hints = t.get_type_hints(cls)
    return {
        field.name: _entry(hints[field.name], {**field.metadata, **_sample(field.name, samples)})
        for field in dataclasses.fields(cls)
    }


def _sample(name: str, samples: t.Mapping[str, Value]) -> dict[str, Value]:
    return {"sample": samples[name]} if name in samples else {}


def subsets(cls: t.Any) -> dict[str, Entry]:
    """The same of a class whose fields are returned by themselves: if asked for, or when they say themselves."""
    returned = {field.name: field.metadata.get("returned", "when gathered") for field in dataclasses.fields(cls)}
    return {
        name: {"description": entry.pop("description"), "returned": returned[name], **entry}
        for name, entry in contents(cls).items()
    }


def _entry(hint: t.Any, metadata: t.Mapping[str, t.Any]) -> Entry:
    told = metadata["description"]
    entry: Entry = {"description": told if isinstance(told, str) else list(told), **_typed(hint)}
    return entry if "contains" in entry else {**entry, "sample": metadata["sample"]}


def _typed(hint: t.Any) -> Entry:
    """``type``, ``elements`` and ``contains`` of what has this type; nothing else than it may be missing too."""
    kinds = _alternatives(hint)
    origins = {t.get_origin(kind) or kind for kind in kinds}
    if origins == {tuple}:
        item = _typed(t.get_args(kinds[0])[0])
        return {"type": "list", "elements": item.pop("type"), **item}
    if origins == {c.Mapping}:
        return {"type": "dict"}
    if origins == {PortRange}:
        return {"type": "dict", "contains": _RANGE}
    if all(map(dataclasses.is_dataclass, kinds)):
        return {"type": "dict", "contains": _joined(kinds)}
    (kind,) = (str if t.get_origin(kind) is t.Literal else kind for kind in kinds)
    return {"type": _PLAIN[kind]}


def _alternatives(hint: t.Any) -> list[t.Any]:
    if t.get_origin(hint) not in (t.Union, types.UnionType):
        return [hint]
    return [kind for kind in t.get_args(hint) if kind is not type(None)]


def _joined(classes: t.Iterable[t.Any]) -> dict[str, Entry]:
    """The fields of rows of several forms, each once."""
    found: dict[str, Entry] = {}
    for cls in classes:
        found |= {name: entry for name, entry in contents(cls).items() if name not in found}
    return found
