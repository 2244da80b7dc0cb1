# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a services file: what they say, and that an edit touches no other byte."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._change.services_file_lines import (
    ServiceLine,
    Wish,
    bare,
    edited,
    restored,
    service_of,
    shown,
    split_lines,
)

SAID: t.Final = [
    (b"echo                7/tcp\r\n", ServiceLine("echo", 7, "tcp")),
    (b"discard\t9/UDP\tsink null\n", ServiceLine("discard", 9, "udp", ("sink", "null"))),
    (b"  smtp 25/tcp mail #Simple Mail\r\n", ServiceLine("smtp", 25, "tcp", ("mail",), "Simple Mail")),
    (b"x 1/tcp#", ServiceLine("x", 1, "tcp", (), "")),
    (b"x 1/tcp # Dr\x81cker \xa0\r\n", ServiceLine("x", 1, "tcp", (), "Dr\x81cker \xa0")),
    (b"a\x85b 1/tcp", ServiceLine("a\x85b", 1, "tcp")),
    (b"x 65535/tcp", ServiceLine("x", 65535, "tcp")),
    (b"x 65536/tcp", None),
    (b"x 1/ddp", None),
    (b"x 1", None),
    (b"x 1-2/tcp", None),
    (b"# x 1/tcp", None),
    (b"", None),
    (b"\r\n", None),
    (b"\x00\xff\x1a", None),
]


@pytest.mark.parametrize(("line", "service"), SAID, ids=ascii)
def test_what_a_line_says(line: bytes, service: ServiceLine | None) -> None:
    assert service_of(line) == service


APP: t.Final = Wish("app", 5000, "tcp")
FULL: t.Final = Wish("app", 5000, "tcp", ("a1", "a2"), "our own")
PLAIN_LINE: t.Final = b"app              5000/tcp"
FULL_LINE: t.Final = b"app              5000/tcp   a1 a2                  #our own"

PUT: t.Final = [
    ("empty", b"", APP, PLAIN_LINE + b"\r\n"),
    ("crlf", b"x 1/tcp\r\n", APP, b"x 1/tcp\r\n" + PLAIN_LINE + b"\r\n"),
    ("lf", b"x 1/tcp\n", APP, b"x 1/tcp\n" + PLAIN_LINE + b"\n"),
    ("no-last-line-end", b"\r\nx 1/tcp", APP, b"\r\nx 1/tcp\r\n" + PLAIN_LINE + b"\r\n"),
    ("no-line-end-at-all", b"x 1/tcp", APP, b"x 1/tcp\r\n" + PLAIN_LINE + b"\r\n"),
    ("all-fields", b"", FULL, FULL_LINE + b"\r\n"),
    ("already-there", b"APP\t5000/TCP   alias # said\r\n", APP, b"APP\t5000/TCP   alias # said\r\n"),
    ("aliases-in-any-order", b"app 5000/tcp A2 a1 #our own\n", FULL, b"app 5000/tcp A2 a1 #our own\n"),
    ("other-protocol", b"app 5000/udp\n", APP, b"app 5000/udp\n" + PLAIN_LINE + b"\n"),
    (
        "other-port-keeps-the-rest",
        b"a 1/tcp\napp 4999/tcp z # \x81\xa0\r\nb 2/tcp\n",
        APP,
        b"a 1/tcp\napp              5000/tcp   z                      #\x81\xa0\r\nb 2/tcp\n",
    ),
    ("replaced-last-line-stays-without-end", b"app 1/tcp", APP, PLAIN_LINE),
    ("first-of-two-counts", b"app 5000/tcp\napp 1/tcp\n", APP, b"app 5000/tcp\napp 1/tcp\n"),
    ("comment-taken-away", b"app 5000/tcp #x\n", Wish("app", 5000, "tcp", comment=""), PLAIN_LINE + b"\n"),
    ("long-name", b"", Wish("a" * 20, 1, "udp"), b"a" * 20 + b" 1/udp\r\n"),
]


@pytest.mark.parametrize(("before", "wish", "after"), [row[1:] for row in PUT], ids=[row[0] for row in PUT])
def test_present(before: bytes, wish: Wish, after: bytes) -> None:
    content, changes = edited(before, [wish], present=True)
    assert content == after
    assert bool(changes) == (before != after)
    assert edited(content, [wish], present=True) == (content, {})


TAKEN: t.Final = [
    ("by-name", b"x 1/tcp\r\nAPP 2/tcp\r\ny 3/tcp", Wish("app", 0, "tcp"), b"x 1/tcp\r\ny 3/tcp"),
    ("by-port", b"x 1/tcp\ny 1/udp\nz 1/tcp\n", Wish("", 1, "tcp"), b"y 1/udp\n"),
    ("by-both", b"x 1/tcp\nx 2/tcp\n", Wish("x", 2, "tcp"), b"x 1/tcp\n"),
    ("alias-is-no-name", b"y 1/tcp x\n", Wish("x", 0, "tcp"), b"y 1/tcp x\n"),
    ("last-without-end", b"y 1/tcp\r\nx 2/tcp", Wish("x", 0, "tcp"), b"y 1/tcp\r\n"),
    ("everything", b"x 2/tcp", Wish("x", 0, "tcp"), b""),
    ("nothing", b"", Wish("x", 0, "tcp"), b""),
]


@pytest.mark.parametrize(("before", "wish", "after"), [row[1:] for row in TAKEN], ids=[row[0] for row in TAKEN])
def test_absent(before: bytes, wish: Wish, after: bytes) -> None:
    content, changes = edited(before, [wish], present=False)
    assert content == after
    assert bool(changes) == (before != after)


def test_bytes_of_unknown_meaning_are_shown_as_escapes() -> None:
    assert shown(b"x\t1/tcp # \x81\r\n") == "x       1/tcp # \\x81"


NAMES: t.Final = ["app", "APP", "x", "y", "a1"]
LINE: t.Final = st.one_of(
    st.binary(max_size=12),
    st.builds(
        lambda name, port, protocol, tail: f"{name}\t{port}/{protocol}".encode() + tail,
        st.sampled_from(NAMES),
        st.integers(1, 6),
        st.sampled_from(["tcp", "udp", "TCP"]),
        st.sampled_from([b"", b" a1", b" # \x81\xa0", b"\x85", b"\t#", b" \x1a"]),
    ),
)
ENDING: t.Final = st.sampled_from([b"\r\n", b"\n", b"\r\r\n", b""])
FILE: t.Final = st.lists(st.tuples(LINE, ENDING), max_size=8).map(
    lambda rows: b"".join(line + ending for line, ending in rows)
)
WISH: t.Final = st.builds(
    Wish,
    st.sampled_from(["app", "x", "new"]),
    st.integers(1, 6),
    st.sampled_from(["tcp", "udp"]),
    st.sampled_from([None, (), ("a1",)]),
    st.sampled_from([None, "", "said"]),
)
WISHES: t.Final = st.lists(WISH, min_size=1, max_size=3, unique_by=lambda wish: wish.key)


def _others(content: bytes, wishes: list[Wish]) -> bytes:
    """The lines that no wish is about, with their ends."""
    lines = split_lines(content)
    return b"".join(line for line in lines if not any(wish.means(service_of(line), any_port=True) for wish in wishes))


@given(FILE)
def test_joined_lines_are_the_file(content: bytes) -> None:
    assert b"".join(split_lines(content)) == content


@given(FILE, WISHES, st.booleans())
def test_an_edit_touches_no_other_line(content: bytes, wishes: list[Wish], present: bool) -> None:
    after, changes = edited(content, wishes, present=present)
    # A last line without an end gets one where another line comes after it.
    others = _others(content, wishes)
    assert _others(after, wishes) in (others, others + b"\r\n", others + b"\n")
    if content.endswith(b"\n") or not present:
        assert _others(after, wishes) == others
    assert edited(after, wishes, present=present) == (after, {})
    if not changes:
        assert after == content
    # A last line may have got its end from the wish before.
    gone = {bare(line) for change in changes.values() for line in change.original}
    assert gone <= set(map(bare, split_lines(content)))


@given(FILE, WISHES)
def test_what_is_added_goes_again_and_only_that(content: bytes, wishes: list[Wish]) -> None:
    after, changes = edited(content, wishes, present=True)
    back, foreign = restored(after, changes)
    # A last line without an end got one; that alone may stay, since only the backup knows it.
    assert back in (content, content + b"\r\n", content + b"\n")
    assert foreign == ()


@given(FILE, WISHES)
def test_what_was_taken_away_comes_back_once(content: bytes, wishes: list[Wish]) -> None:
    after, changes = edited(content, wishes, present=False)
    back, foreign = restored(after, changes)
    assert foreign == ()
    kept = {line.strip() for line in split_lines(back)}
    taken = [line.strip() for change in changes.values() for line in change.original]
    assert kept.issuperset(taken)
    again, unchanged = restored(back, changes)
    assert again == back
    assert set(unchanged) == set(changes)
