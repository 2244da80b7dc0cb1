# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports, ranges and sets: tables for what is read and refused, properties for the algebra."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    ALL_PORTS,
    HIGHEST_PORT,
    PortRange,
    PortSet,
    PortSyntaxError,
    parse_ports,
    split_entries,
)

PORTS = st.one_of(st.integers(0, 40), st.integers(0, HIGHEST_PORT), st.sampled_from([0, 1, 65534, HIGHEST_PORT]))
RANGES = st.builds(lambda one, other: PortRange(min(one, other), max(one, other)), PORTS, PORTS)
SMALL_RANGES = st.builds(
    lambda first, count: PortRange(first, min(first + count, HIGHEST_PORT)), PORTS, st.integers(0, 20)
)
PORT_SETS = st.lists(SMALL_RANGES, max_size=8).map(lambda ranges: PortSet.of(*ranges))

READ: list[tuple[str, list[str | int], list[str]]] = [
    ("nothing", [], []),
    ("a number as text", ["1645"], ["1645-1645"]),
    ("a number", [4500], ["4500-4500"]),
    ("a range", ["50389-50636"], ["50389-50636"]),
    ("blanks around and inside", [" 7 ", "\t9 - 11 "], ["7-7", "9-11"]),
    ("leading zeros", ["0053", "00007-0009"], ["7-9", "53-53"]),
    ("the lowest and the highest", ["0", "65535"], ["0-0", "65535-65535"]),
    ("every port", ["0-65535"], ["0-65535"]),
    ("neighbours become one", ["1645", "1646"], ["1645-1646"]),
    ("a gap of one port stays", ["1645", "1647"], ["1645-1645", "1647-1647"]),
    ("overlaps become one", ["10-20", "15-30", "12"], ["10-30"]),
    ("order does not matter", ["9", "1-2"], ["1-2", "9-9"]),
    ("duplicates", [5, "5", "5-5"], ["5-5"]),
]


@pytest.mark.parametrize(("values", "texts"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_lists_of_ports_are_read_and_written(values: list[str | int], texts: list[str]) -> None:
    ports = parse_ports(values)
    assert ports.texts() == texts
    assert parse_ports(ports.texts()) == ports


NOT_A_PORT = "a port is a whole number such as 4500 and a range is written 4500-4510"
OUTSIDE = "ports go from 0 to 65535"
REFUSED: list[tuple[t.Any, str]] = [
    ("abc", NOT_A_PORT),
    ("5-3", "the lower number of a range comes first"),
    ("70000", OUTSIDE),
    (70000, OUTSIDE),
    ("65536", OUTSIDE),
    ("1-65536", OUTSIDE),
    ("70000-5", OUTSIDE),
    ("9" * 9000, OUTSIDE),
    ("-5", OUTSIDE),
    (" - 5", OUTSIDE),
    (-5, OUTSIDE),
    ("1-2-3", NOT_A_PORT),
    ("5-", NOT_A_PORT),
    ("5--6", NOT_A_PORT),
    ("1,2", NOT_A_PORT),
    ("0x50", NOT_A_PORT),
    ("+5", NOT_A_PORT),
    ("5.0", NOT_A_PORT),
    ("\u0663", NOT_A_PORT),
    ("", "it is empty"),
    ("  ", "it is empty"),
    (True, NOT_A_PORT),
    (False, NOT_A_PORT),
    (4500.0, NOT_A_PORT),
    (None, NOT_A_PORT),
    (["1"], NOT_A_PORT),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED, ids=[repr(row[0])[:20] for row in REFUSED])
def test_what_is_no_port_is_refused_with_the_value_and_the_reason(value: t.Any, reason: str) -> None:
    with pytest.raises(PortSyntaxError) as caught:
        parse_ports([1, value])
    assert (caught.value.value, caught.value.reason) == (value, reason)
    assert str(caught.value).endswith(f" is not a port or range of ports: {reason}")
    assert len(str(caught.value)) < 200


def test_a_text_is_one_value_and_no_list_of_letters() -> None:
    assert parse_ports("1645") == PortSet.of(1645)


@pytest.mark.parametrize(("first", "last"), [(5, 3), (-1, 3), (0, 65536), (65536, 65536)])
def test_a_range_that_can_not_be_is_never_made(first: int, last: int) -> None:
    with pytest.raises(PortSyntaxError):
        PortRange(first, last)


NEIGHBOURS: list[tuple[str, str, bool, bool]] = [
    ("1-3", "1-3", True, True),
    ("1-3", "3-5", True, True),
    ("1-9", "4-5", True, True),
    ("1-3", "4-5", False, True),
    ("1-3", "5-6", False, False),
    ("0-0", "65535-65535", False, False),
    ("0-65534", "65535-65535", False, True),
]


@pytest.mark.parametrize(("one", "other", "overlaps", "touches"), NEIGHBOURS)
def test_ranges_overlap_or_touch_both_ways(one: str, other: str, overlaps: bool, touches: bool) -> None:
    first, second = parse_ports([one]).ranges[0], parse_ports([other]).ranges[0]
    assert (first.overlaps(second), second.overlaps(first)) == (overlaps, overlaps)
    assert (first.touches(second), second.touches(first)) == (touches, touches)


def test_texts_for_windows_and_for_people() -> None:
    ports = parse_ports(["1645-1646", "4500"])
    assert [str(item) for item in ports.ranges] == ["1645-1646", "4500-4500"]
    assert (str(ports), str(PortSet())) == ("1645-1646, 4500", "none")


def test_foreign_lists_are_split_leniently_and_in_order() -> None:
    values = ["3343-3343", "51820", " 7 - 9 ", "abc", "", "9-7", "70000-70001", "1801-1801", "5,6"]
    readable, unreadable = split_entries(values)
    assert [(text, str(ports)) for text, ports in readable] == [
        ("3343-3343", "3343-3343"),
        ("51820", "51820-51820"),
        (" 7 - 9 ", "7-9"),
        ("1801-1801", "1801-1801"),
    ]
    assert unreadable == ("abc", "", "9-7", "70000-70001", "5,6")


@given(st.lists(st.text(max_size=12)))
def test_no_foreign_text_breaks_the_split_and_none_is_lost(values: list[str]) -> None:
    readable, unreadable = split_entries(values)
    assert sorted([*(text for text, _ports in readable), *unreadable]) == sorted(values)


@given(RANGES)
def test_a_range_survives_its_text(ports: PortRange) -> None:
    assert parse_ports([str(ports)]).ranges == (ports,) == parse_ports([ports.text]).ranges
    assert ports.first in ports
    assert ports.last in ports
    assert ports.count == PortSet.of(ports).count


@given(st.lists(SMALL_RANGES, max_size=8))
def test_a_set_is_coalesced_whatever_it_was_made_of(ranges: list[PortRange]) -> None:
    ports = PortSet.of(*ranges)
    members = {port for item in ranges for port in range(item.first, item.last + 1)}
    assert list(ports) == sorted(members)
    assert (ports.count, bool(ports)) == (len(members), bool(members))
    assert all(not one.touches(other) for one in ports.ranges for other in ports.ranges if one is not other)
    assert ports == PortSet.of(*reversed(ranges))
    assert hash(ports) == hash(PortSet.of(*sorted(members)))
    assert parse_ports(ports.texts()) == ports


@given(PORT_SETS, PORT_SETS)
def test_the_algebra_is_that_of_sets(one: PortSet, other: PortSet) -> None:
    first, second = set(one), set(other)
    assert set(one | other) == first | second
    assert set(one & other) == first & second
    assert set(one - other) == first - second
    assert (one >= other, one <= other) == (first >= second, first <= second)
    assert one.isdisjoint(other) == first.isdisjoint(second)
    assert (one - other) | (one & other) == one


@given(PORT_SETS, PORT_SETS)
def test_what_two_sets_make_is_coalesced(one: PortSet, other: PortSet) -> None:
    for made in (one & other, one - other, one | other):
        assert made == PortSet(made.ranges)


@given(PORT_SETS, PORTS)
def test_membership(ports: PortSet, port: int) -> None:
    assert (port in ports) == (port in set(ports)) == (ports >= PortSet.of(port))


def test_the_ends_of_the_number_line() -> None:
    assert ALL_PORTS.count == HIGHEST_PORT + 1
    assert PortSet() == ALL_PORTS - ALL_PORTS
    assert (ALL_PORTS - PortSet.of(0, HIGHEST_PORT)).texts() == ["1-65534"]
    assert PortSet() - ALL_PORTS == PortSet()
    assert "4500" not in PortSet.of(4500)
