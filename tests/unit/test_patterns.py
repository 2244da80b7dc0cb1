# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No pattern of the collection takes longer than linear time on a text of a hostile server, by the pattern's structure.

A regular expression that backtracks is slow if two of its repeats can share a text: either two that stand next to each
other, or the end and the beginning of the body of a repeat. Each pattern is parsed, and its neighbours are compared.
"""

from __future__ import annotations

import ast
import collections.abc as c
import dataclasses
import importlib
import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import authentication_failures
from tests.tooling.sources import Source, sources

COLLECTION: t.Final = "ansible_collections.portkeeper.windows"
SHORT: t.Final = 16
"""A repeat that ends after so many turns costs no more than a constant."""
SAMPLE: t.Final = [*map(chr, range(256)), "\u2028", "\ud800", "\ufeff", "\uffff", "\u0663"]
"""Characters by which two sets are compared."""

_parser: t.Any = importlib.import_module("re._parser")

Characters: t.TypeAlias = frozenset[str]


@dataclasses.dataclass(frozen=True)
class Shape:
    """A part of a pattern: its first and last characters, what long repeats at both ends take, if it can be empty."""

    first: Characters = frozenset()
    last: Characters = frozenset()
    begins: tuple[Characters, ...] = ()
    ends: tuple[Characters, ...] = ()
    can_be_empty: bool = True


class Overlapping(Exception):
    """Two repeats can share a text."""


def _matching(node: t.Any, *, is_text: bool) -> Characters:
    """The characters of the sample that a node of one character takes."""
    tree = _parser.parse("" if is_text else b"")
    tree.data = [node]
    compiled = importlib.import_module("re._compiler").compile(tree)
    return frozenset(one for one in SAMPLE if _matches(compiled, one, is_text=is_text))


def _matches(compiled: re.Pattern[t.Any], one: str, *, is_text: bool) -> bool:
    if is_text:
        return compiled.fullmatch(one) is not None
    return ord(one) < 256 and compiled.fullmatch(one.encode("latin-1")) is not None


def shape_of(nodes: c.Iterable[t.Any], *, is_text: bool) -> Shape:
    """The shape of a sequence of nodes; raises Overlapping."""
    first, last = Characters(), Characters()
    begins, ends, can_be_empty = list[Characters](), list[Characters](), True
    for node in nodes:
        shape = _shape(node, is_text=is_text)
        _demand_apart(ends, shape.begins)
        first |= shape.first if can_be_empty else Characters()
        last = shape.last | (last if shape.can_be_empty else Characters())
        begins += shape.begins if can_be_empty else ()
        ends = [*(ends if shape.can_be_empty else ()), *shape.ends]
        can_be_empty = can_be_empty and shape.can_be_empty
    return Shape(first, last, tuple(begins), tuple(ends), can_be_empty)


def _shape(node: t.Any, *, is_text: bool) -> Shape:
    kind, value = str(node[0]), node[1]
    if kind in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
        characters = _matching(node, is_text=is_text)
        return Shape(characters, characters, can_be_empty=False)
    if kind in ("AT", "ASSERT", "ASSERT_NOT"):
        return Shape()
    if kind == "SUBPATTERN":
        return shape_of(value[-1], is_text=is_text)
    if kind == "BRANCH":
        return _any_of([shape_of(branch, is_text=is_text) for branch in value[1]])
    if kind in ("MAX_REPEAT", "MIN_REPEAT"):
        return _repeated(value[0], value[1], value[2], is_text=is_text)
    raise AssertionError(f"this test does not know {kind}")


def _any_of(shapes: c.Sequence[Shape]) -> Shape:
    return Shape(
        Characters().union(*(shape.first for shape in shapes)),
        Characters().union(*(shape.last for shape in shapes)),
        tuple(one for shape in shapes for one in shape.begins),
        tuple(one for shape in shapes for one in shape.ends),
        any(shape.can_be_empty for shape in shapes),
    )


def _repeated(least: int, most: t.Any, body: t.Any, *, is_text: bool) -> Shape:
    shape = shape_of(body, is_text=is_text)
    if most <= SHORT:
        return dataclasses.replace(shape, can_be_empty=least == 0 or shape.can_be_empty)
    if shape.can_be_empty:
        raise Overlapping("what is repeated can be empty")
    _demand_apart(shape.ends, shape.begins)
    return Shape(shape.first, shape.last, (*shape.begins, shape.first), (*shape.ends, shape.last), least == 0)


def _demand_apart(ends: c.Iterable[Characters], begins: c.Sequence[Characters]) -> None:
    shared = next((one & other for one in ends for other in begins if one & other), None)
    if shared:
        raise Overlapping(f"two repeats can share {sorted(shared)[:5]}")


FOLDERS: t.Final = ("plugins/module_utils", "plugins/plugin_utils", "plugins/action", "plugins/filter")
FLAGS: t.Final = {
    "compile": 1, "match": 2, "fullmatch": 2, "search": 2, "findall": 2, "finditer": 2, "split": 3, "sub": 4, "subn": 4
}  # fmt: skip
"""The functions of re whose first argument is a pattern, and the place of their flags."""
IN_TABLES: t.Final = {
    "cause.words": [cause.words for table in authentication_failures.TABLES.values() for cause in table],
}
"""Patterns that a call reads out of a table."""


def _calls(source: Source) -> c.Iterator[ast.Call]:
    uses = {f"re.{name}" for name in FLAGS}
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and ast.unparse(node.func) in uses)


def _of_call(call: ast.Call, known: dict[str, t.Any]) -> list[re.Pattern[t.Any]]:
    """The patterns of a call; NameError if it makes one of more than its module's constants."""
    place = FLAGS[ast.unparse(call.func).removeprefix("re.")]
    flags = [*call.args[place : place + 1], *(keyword.value for keyword in call.keywords if keyword.arg == "flags")]
    pattern, *given = map(ast.unparse, (call.args[0], *flags))
    texts = IN_TABLES[pattern] if pattern in IN_TABLES else [eval(pattern, known)]  # noqa: S307 - our own code
    return [re.compile(text, *(eval(flag, known) for flag in given)) for text in texts]  # noqa: S307 - our own code


def _patterns() -> dict[str, re.Pattern[t.Any]]:
    """Every pattern that is compiled or used anywhere, by its place."""
    found: dict[str, re.Pattern[t.Any]] = {}
    for source in sources(*FOLDERS):
        calls = list(_calls(source))
        known = vars(importlib.import_module(_module(source))) if calls else {}
        for call in calls:
            found |= {f"{source}:{call.lineno}:{number}": one for number, one in enumerate(_of_call(call, known))}
    return found


def _module(source: Source) -> str:
    return f"{COLLECTION}.{str(source).removesuffix('.py').replace('/', '.')}"


PATTERNS: t.Final = _patterns()


@pytest.mark.parametrize("name", PATTERNS)
def test_no_two_repeats_of_a_pattern_share_a_text(name: str) -> None:
    pattern = PATTERNS[name]
    shape_of(_parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), is_text=isinstance(pattern.pattern, str))


@pytest.mark.parametrize(
    "pattern", [r"\s+(\S+)?\s+x", "[ab]*[bc]*", "(?:a+)+", "(?:a|b+)*b+", "(?:a?)*", r".*?,.*?\d+", "(a*)b?(?:a*)c"]
)
def test_slow_patterns_are_found(pattern: str) -> None:
    with pytest.raises(Overlapping):
        shape_of(_parser.parse(pattern), is_text=True)


@pytest.mark.parametrize("pattern", [r"\d+-\d+", "(?:/[a-z]+)+", r"\s*(\d+)\s*", "a{1,5}a{1,5}", "[^x]*x[^x]*"])
def test_linear_patterns_pass(pattern: str) -> None:
    shape_of(_parser.parse(pattern), is_text=True)
