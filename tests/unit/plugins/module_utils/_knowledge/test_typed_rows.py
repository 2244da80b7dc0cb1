# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows to mappings and back: what is given comes again, and nothing that is read breaks anything."""

from __future__ import annotations

import json
import math
import typing as t
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import (
    OPEN,
    Port,
    Probability,
    as_plain,
    from_plain,
    is_one_value,
    is_text_or_none,
    rows_from_plain,
    told,
    widened,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange


@dataclass(frozen=True, slots=True)
class Inner:
    """A row in a row; without its protocol it is none."""

    protocol: t.Literal["tcp", "udp"]
    port: Port = field(default=0, metadata=told("The port.", 80))


@dataclass(frozen=True, slots=True)
class Other:
    """The other row of a union."""

    ports: str = field(metadata=told("The ports.", key=True))


@dataclass(frozen=True, slots=True)
class Row:
    """Every kind of field."""

    text: str
    flag: bool
    number: int
    share: float
    word: t.Annotated[t.Literal["yes", "no"], OPEN]
    said: str = field(metadata=told("A sentence.", missing="Nothing was said."))
    name: str | None = None
    waits_for: t.Annotated[t.Literal["boot"], OPEN] | None = None
    chance: Probability | None = None
    ports: PortRange | None = None
    texts: tuple[str, ...] = ()
    inner: Inner | None = None
    rows: tuple[Other | Inner, ...] = ()
    after: t.Mapping[str, Probability] = field(default_factory=dict)
    anything: t.Any = None
    size: int = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wider(Inner):
    """A row with one field more."""

    pool: bool


FULL: t.Final = Row(
    text="a",
    flag=True,
    number=-3,
    share=0.5,
    word="yes",
    said="b",
    name="c",
    waits_for="boot",
    chance=1.0,
    ports=PortRange(5, 7),
    texts=("d",),
    inner=Inner("udp", 53),
    rows=(Other("80, 90-91"), Inner("tcp")),
    after={"small_pool": 0.25},
    anything=["e", {"f": 1}],
    size=0,
)
PLAIN: t.Final[dict[str, t.Any]] = {
    "text": "a",
    "flag": True,
    "number": -3,
    "share": 0.5,
    "word": "yes",
    "said": "b",
    "name": "c",
    "waits_for": "boot",
    "chance": 1.0,
    "ports": {"first": 5, "last": 7, "count": 3},
    "texts": ["d"],
    "inner": {"protocol": "udp", "port": 53},
    "rows": [{"ports": "80, 90-91"}, {"protocol": "tcp", "port": 0}],
    "after": {"small_pool": 0.25},
    "anything": ["e", {"f": 1}],
    "size": 0,
}
BLANK: t.Final = Row(text="", flag=False, number=0, share=0.0, word=t.cast("t.Any", ""), said="Nothing was said.")


def test_there_and_back() -> None:
    assert as_plain(FULL) == PLAIN
    assert list(as_plain(FULL)) == list(PLAIN)
    assert from_plain(Row, json.loads(json.dumps(PLAIN))) == FULL


def test_what_is_missing_takes_its_default_or_the_blank_of_its_type() -> None:
    assert from_plain(Row, {}) == BLANK


ODD: t.Final[list[tuple[str, t.Any, t.Any]]] = [
    ("text", None, ""),
    ("text", 5, "5"),
    ("flag", "yes", False),
    ("flag", 1, False),
    ("number", True, 0),
    ("number", "5", 0),
    ("number", 1.5, 0),
    ("share", 1, 1.0),
    ("share", math.inf, 0.0),
    ("share", 10**400, 0.0),
    ("word", "perhaps", "perhaps"),
    ("said", None, "Nothing was said."),
    ("name", None, None),
    ("waits_for", "a newer event", "a newer event"),
    ("chance", 1.01, None),
    ("chance", math.nan, None),
    ("ports", {"first": 7, "last": 5}, None),
    ("ports", {"first": 0, "last": 65536}, None),
    ("ports", {"first": "5", "last": 7}, None),
    ("ports", [5, 7], None),
    ("texts", "abc", ()),
    ("texts", [1, None, "a"], ("1", "a")),
    ("inner", {"port": 5}, None),
    ("inner", {"protocol": "icmp"}, None),
    ("inner", {"protocol": "udp", "port": 65536}, Inner("udp")),
    ("rows", [{}, None, {"protocol": "udp"}, {"ports": ""}], (Inner("udp"), Other(""))),
    ("after", {"a": 2, "b": 1, 3: 0}, {"b": 1.0, "3": 0.0}),
    ("after", [], {}),
    ("size", "many", 2500),
]


@pytest.mark.parametrize(("name", "value", "found"), ODD, ids=[f"{row[0]} {row[1]!r}"[:40] for row in ODD])
def test_what_is_not_as_it_should_be_breaks_nothing(name: str, value: t.Any, found: t.Any) -> None:
    row = from_plain(Row, {name: value})
    assert getattr(row, name) == found


def test_what_is_no_row_is_none() -> None:
    odd: list[t.Any] = [None, [], "text", {}, {"protocol": None}]
    assert [from_plain(Inner, value) for value in odd] == [None] * 5
    assert rows_from_plain(Inner, [{"protocol": "tcp"}, {}, 5]) == (Inner("tcp"),)
    assert rows_from_plain(Inner, {"protocol": "tcp"}) == ()


JSON_VALUES: t.Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(list(PLAIN)), JSON_VALUES))
def test_whatever_is_read_can_be_written_and_read_again(given_row: dict[str, t.Any]) -> None:
    row = from_plain(Row, {**given_row, "anything": None})
    assert row is not None
    assert from_plain(Row, as_plain(row)) == row


def test_a_row_can_be_widened() -> None:
    assert widened(Wider, Inner("udp", 5), pool=True) == Wider("udp", 5, pool=True)
    assert as_plain(Wider("udp", 5, pool=True)) == {"protocol": "udp", "port": 5, "pool": True}


def test_what_fits_into_a_cell_is_known() -> None:
    assert [name for name in PLAIN if is_one_value(Row, name)] == [
        *("text", "flag", "number", "share", "word", "said", "name", "waits_for", "chance", "size"),
    ]


def test_texts_that_may_be_missing_are_known() -> None:
    assert [name for name in PLAIN if is_text_or_none(Row, name)] == ["name", "waits_for"]
