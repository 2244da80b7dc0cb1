# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the writers of documentation share: a place in a file, and YAML in the form that the modules' texts have."""

from __future__ import annotations

import dataclasses
import json
import textwrap
import typing as t

import yaml

WIDTH: t.Final = 120
STEP: t.Final = 2
"""Columns by which each level is indented."""

Value: t.TypeAlias = "str | bool | int | float | t.Sequence[Value] | t.Mapping[str, Value]"


class Shared(dict[str, t.Any]):
    """A mapping that stands at several places below keys: written once, with an anchor, and named at the others."""

    def __init__(self, name: str, content: t.Mapping[str, Value]) -> None:
        super().__init__(content)
        self.name = name


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A part of a file that a tool writes: from and to which character, and what must stand there."""

    name: str
    start: int
    end: int
    text: str

    def differs(self, file_text: str) -> bool:
        """Whether the file has something else there."""
        return file_text[self.start : self.end] != self.text


def filled(file_text: str, places: t.Iterable[Place]) -> str:
    """A file's text with all places as they must be; places must not overlap."""
    # From the end, so that the numbers of the rest stay right; an empty place stands before what begins there.
    for place in sorted(places, key=lambda place: (place.start, place.end), reverse=True):
        file_text = file_text[: place.start] + place.text + file_text[place.end :]
    return file_text


def block(value: Value, indent: int) -> str:
    """A list or a mapping as YAML in block style, wrapped to ``WIDTH`` columns.

    Samples, and lists of plain values below a key, stand in one line if they fit; descriptions never do.
    """
    text = "".join(f"{line}\n" for line in _lines(value, " " * indent, set()))
    assert yaml.safe_load(text) == value, f"{value!r} did not survive"
    return text


def _lines(value: Value, pad: str, anchors: set[str]) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        for key, inner in value.items():
            yield from _entry(f"{pad}{key}:", inner, pad, anchors)
    elif isinstance(value, t.Sequence) and not isinstance(value, str):
        for item in value:
            yield from _wrapped(f"{pad}- ", item, pad)


def _entry(head: str, value: Value, pad: str, anchors: set[str]) -> t.Iterator[str]:
    if isinstance(value, (str, bool, int, float)):
        yield from _wrapped(f"{head} ", value, pad)
    elif isinstance(value, Shared) and value.name in anchors:
        yield f"{head} *{value.name}"
    elif _fits(head, value):
        yield f"{head} {_flow(value)}"
    else:
        yield f"{head} &{value.name}" if isinstance(value, Shared) else head
        anchors |= {value.name} if isinstance(value, Shared) else set()
        yield from _lines(value, pad + " " * STEP, anchors)


def _fits(head: str, value: Value) -> bool:
    if head.endswith("description:") or (isinstance(value, t.Mapping) and not head.endswith("sample:")):
        return False
    return len(f"{head} {_flow(value)}") <= WIDTH


def _wrapped(head: str, value: Value, pad: str) -> list[str]:
    text = _scalar(value) if isinstance(value, str) else _flow(value)
    wrapper = textwrap.TextWrapper(WIDTH, break_long_words=False, break_on_hyphens=False)
    wrapper.subsequent_indent = pad + " " * STEP
    return wrapper.wrap(head + text)


def _scalar(text: str) -> str:
    """Plain if YAML reads it as this very text, otherwise in double quotes."""
    try:
        plain = yaml.safe_load(f"key: {text}") == {"key": text} and yaml.safe_load(f"- {text}") == [text]
    except yaml.YAMLError:
        plain = False
    return text if plain else json.dumps(text, ensure_ascii=False)


def _flow(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
