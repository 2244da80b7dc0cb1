# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed rows as mappings, lists, texts and numbers, and back: both ways are read off the fields of their classes.

A row is a frozen dataclass. Its fields are, in this order, the fields of the mapping that it becomes. What is read back
may come from another version of the collection, from a file, or from a server by way of a result: a field that is
missing, or is not what it should be, takes its default or the blank of its type, and never breaks anything.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import math
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    HIGHEST_PORT,
    LOWEST_PORT,
    PortRange,
    PortSyntaxError,
)

RowT = t.TypeVar("RowT")
_NO_SAMPLE: t.Final = object()


_LEAVES: t.Final = (str, int, float, type(None))
_Reader = t.Callable[[t.Any], t.Any]
"""Reads a value as one type; ``_UNREADABLE`` if it is not of it."""


class _Unreadable:
    """The mark for a value that can't be read as the wanted type."""


_UNREADABLE: t.Final = _Unreadable()


class Bounds(t.NamedTuple):
    """A number outside of these is not read; both belong to what is."""

    least: float
    most: float


class Open:
    """On a set of words: a row that was read may hold another one, since a newer version has more of them.

    Such a field may be compared and shown. Who looks it up in a table must reckon with a word that is not there.
    """


OPEN: t.Final = Open()
Port: t.TypeAlias = t.Annotated[int, Bounds(LOWEST_PORT, HIGHEST_PORT)]
Probability: t.TypeAlias = t.Annotated[float, Bounds(0, 1)]


def told(
    description: str | tuple[str, ...],
    sample: t.Any = _NO_SAMPLE,
    *,
    key: bool = False,
    missing: str = "",
    returned: str = "",
) -> dict[str, t.Any]:
    """The metadata of a field, for the documentation and for the reader.

    Args:
        description: what it is, in the markup of Ansible's documentation; several texts are paragraphs.
        sample: a value of it, as the user sees it.
        key: a row without it is none.
        missing: what it is read as if it is missing.
        returned: when it is returned, if not only when it was gathered.
    """
    found: dict[str, t.Any] = {"description": description}
    found |= {} if sample is _NO_SAMPLE else {"sample": sample}
    found |= {"key": True} if key else {}
    found |= {"returned": returned} if returned else {}
    return found | ({"missing": missing} if missing else {})


def one_of(words: c.Iterable[str]) -> str:
    """A set of words in the markup of Ansible's documentation: ``V(a), V(b) or V(c)``."""
    *first, last = (f"V({word})" for word in words)
    return f"{', '.join(first)} or {last}"


def as_plain(value: t.Any) -> t.Any:
    """A row, or rows in mappings and sequences, as the user gets them: mappings, lists, texts, numbers."""
    if isinstance(value, _LEAVES):
        return value
    if isinstance(value, PortRange):
        return {"first": value.first, "last": value.last, "count": value.count}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: as_plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if isinstance(value, c.Mapping):
        return {name: as_plain(item) for name, item in value.items()}
    return value


def from_plain(cls: type[RowT], value: t.Any) -> RowT | None:
    """A row out of a mapping; ``None`` if it is no mapping, or lacks something without which a row means nothing.

    These are fields that are marked as keys, and those whose type has no blank: closed sets of words, bounded numbers,
    ranges of ports.
    """
    if not isinstance(value, c.Mapping):
        return None
    found: dict[str, t.Any] = {}
    for field in _fields(t.cast("t.Any", cls)):
        read = field.read(value[field.name]) if field.name in value else _UNREADABLE
        found[field.name] = field.blank if read is _UNREADABLE else read
        if found[field.name] is _UNREADABLE:
            return None
    return cls(**found)


def rows_from_plain(cls: type[RowT], value: t.Any) -> tuple[RowT, ...]:
    """The rows of a list, without those that can't be read; none if it is no list."""
    found = (from_plain(cls, item) for item in value) if isinstance(value, (list, tuple)) else ()
    return tuple(row for row in found if row is not None)


def widened(cls: type[RowT], row: t.Any, **more: t.Any) -> RowT:
    """The row of a class that has the fields of another row's class, and ``more``."""
    return cls(**{field.name: getattr(row, field.name) for field in dataclasses.fields(row)}, **more)


def is_one_value(cls: t.Any, name: str) -> bool:
    """True if a field holds a text, a number or a flag, or none of these; and not rows, lists or mappings."""
    hints = (field.hint for field in _fields(cls) if field.name == name)
    return all(
        _ground(one) in _SINGLE for hint in hints for one in (t.get_args(hint) if _is_optional(hint) else (hint,))
    )


def _ground(hint: t.Any) -> t.Any:
    """The type below a type with bounds, or below a set of words."""
    return _ground(t.get_args(hint)[0]) if t.get_origin(hint) is t.Annotated else t.get_origin(hint) or hint


_SINGLE: t.Final = (str, bool, int, float, t.Literal, type(None))


def is_text_or_none(cls: t.Any, name: str) -> bool:
    """True if a field holds a text that may be missing."""
    hints = (
        one
        for field in _fields(cls)
        if field.name == name and _is_optional(field.hint)
        for one in t.get_args(field.hint)
    )
    return any(one is str or OPEN in t.get_args(one) for one in hints)


# --- the types of fields, and what each reads ---------------------------------------------------------------------


class _Field(t.NamedTuple):
    """A field of a row.

    ``blank`` is what it takes if it can't be read, ``_UNREADABLE`` if nothing will do.
    """

    name: str
    hint: t.Any
    blank: t.Any
    read: _Reader


@functools.cache
def _fields(cls: t.Any) -> tuple[_Field, ...]:
    hints = t.get_type_hints(cls, include_extras=True)
    return tuple(
        _Field(field.name, hints[field.name], _blank(field, hints[field.name]), _reader(hints[field.name]))
        for field in dataclasses.fields(cls)
    )


@functools.cache
def _names(cls: t.Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


def _blank(field: dataclasses.Field[t.Any], hint: t.Any) -> t.Any:
    if field.metadata.get("key"):
        return _UNREADABLE
    if "missing" in field.metadata:
        return field.metadata["missing"]
    if field.default is not dataclasses.MISSING:
        return field.default
    if _is_optional(hint) or hint is t.Any:
        return None
    if OPEN in t.get_args(hint):
        return ""
    return next((blank for kind, blank in _BLANKS if (t.get_origin(hint) or hint) is kind), _UNREADABLE)


_BLANKS: t.Final[tuple[tuple[t.Any, t.Any], ...]] = (
    (str, ""),
    (bool, False),
    (int, 0),
    (float, 0.0),
    (tuple, ()),
    (c.Mapping, types.MappingProxyType({})),
)


def _is_optional(hint: t.Any) -> bool:
    return type(None) in t.get_args(hint)


@functools.cache
def _reader(hint: t.Any) -> _Reader:
    """The reader of values of this type; made once for each type, since rows come by the thousand."""
    if hint in _READERS:
        return _READERS[hint]
    make = _MAKERS.get(t.get_origin(hint))
    return make(t.get_args(hint)) if make else functools.partial(_of_class, hint)


def _of_class(cls: type[t.Any], value: t.Any) -> t.Any:
    found = from_plain(cls, value)
    return _UNREADABLE if found is None else found


def _union(hints: tuple[t.Any, ...]) -> _Reader:
    """The first of several types that fits; what fits none of them is nothing, if nothing will do."""
    readers = [_reader(hint) for hint in hints if hint is not type(None)]
    missing = None if type(None) in hints else _UNREADABLE

    def read(value: t.Any) -> t.Any:
        return next((found for reader in readers if (found := reader(value)) is not _UNREADABLE), missing)

    return read


def _sequence(hints: tuple[t.Any, ...]) -> _Reader:
    item = _reader(hints[0])

    def read(value: t.Any) -> t.Any:
        if not isinstance(value, (list, tuple)):
            return _UNREADABLE
        return tuple(found for one in value if (found := item(one)) is not _UNREADABLE)

    return read


def _mapping(hints: tuple[t.Any, ...]) -> _Reader:
    item = _reader(hints[1])

    def read(value: t.Any) -> t.Any:
        if not isinstance(value, c.Mapping):
            return _UNREADABLE
        return {str(name): found for name, one in value.items() if (found := item(one)) is not _UNREADABLE}

    return read


def _words(words: tuple[t.Any, ...]) -> _Reader:
    known = {word: word for word in words}
    return lambda value: known.get(value, _UNREADABLE) if isinstance(value, str) else _UNREADABLE


def _annotated(hints: tuple[t.Any, ...]) -> _Reader:
    """Words that may be others, or a number with bounds."""
    reader, mark = _reader(hints[0]), hints[1]
    if mark is OPEN:
        return _text

    def read(value: t.Any) -> t.Any:
        found = reader(value)
        return found if found is not _UNREADABLE and mark.least <= found <= mark.most else _UNREADABLE

    return read


def _text(value: t.Any) -> t.Any:
    """A text; what else is there is put into words, since somebody may want to see it."""
    return _UNREADABLE if value is None else str(value)


def _flag(value: t.Any) -> t.Any:
    return value if isinstance(value, bool) else _UNREADABLE


def _whole(value: t.Any) -> t.Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else _UNREADABLE


def _number(value: t.Any) -> t.Any:
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return float(value) if good and math.isfinite(value) else _UNREADABLE
    except OverflowError:
        return _UNREADABLE


def _range(value: t.Any) -> t.Any:
    if not isinstance(value, c.Mapping):
        return _UNREADABLE
    first, last = (_whole(value.get(name)) for name in ("first", "last"))
    try:
        return PortRange(first, last) if _UNREADABLE not in (first, last) else _UNREADABLE
    except PortSyntaxError:
        return _UNREADABLE


_READERS: t.Final[t.Mapping[t.Any, _Reader]] = {
    str: _text,
    bool: _flag,
    int: _whole,
    float: _number,
    PortRange: _range,
    t.Any: lambda value: value,
}
_MAKERS: t.Final[t.Mapping[t.Any, t.Callable[[tuple[t.Any, ...]], _Reader]]] = {
    t.Union: _union,
    types.UnionType: _union,
    t.Annotated: _annotated,
    t.Literal: _words,
    tuple: _sequence,
    c.Mapping: _mapping,
}
