# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The geometry of port maps: with any ports the picture stays in its frame and hides none of them."""

from __future__ import annotations

import itertools
import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import (
    COLUMNS,
    MAPPED,
    PLOT_LEFT,
    PLOT_WIDTH,
    Scale,
    apart,
    bars,
    counts,
    labels,
    run_texts,
    strips,
    ticks,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, parse_ports

RIGHT: t.Final = PLOT_LEFT + PLOT_WIDTH
PORTS: t.Final = st.integers(0, 65535)
RANGES: t.Final = st.tuples(PORTS, PORTS).map(lambda ends: PortRange(min(ends), max(ends)))
_BOX: t.Final = re.compile(r"M([\d.]+) \d+h([\d.]+)v\d+h-[\d.]+z")


@pytest.mark.parametrize(
    ("ports", "texts"),
    [
        ([], []),
        ([0], ["0"]),
        ([65535], ["65535"]),
        ([80, 80, 81], ["80-81"]),
        ([3, 1, 2, 5], ["1-3", "5"]),
        ([0, 65535], ["0", "65535"]),
    ],
)
def test_run_texts(ports: list[int], texts: list[str]) -> None:
    assert run_texts(ports) == texts


@given(st.sets(PORTS, max_size=200))
def test_runs_are_the_set_of_ports(ports: set[int]) -> None:
    assert parse_ports(run_texts(ports)) == PortSet.of(*ports)


@given(st.sets(PORTS, max_size=300), RANGES)
def test_no_port_is_lost_in_the_columns(ports: set[int], shown: PortRange) -> None:
    columns = counts(ports, Scale(shown))
    assert len(columns) == COLUMNS
    assert sum(columns) == sum(port in shown for port in ports)


@given(st.lists(st.integers(0, 500), min_size=COLUMNS, max_size=COLUMNS))
def test_each_column_that_is_not_empty_is_seen(columns: list[int]) -> None:
    found = heights(bars(columns, base=100, height=40, fullest=max(*columns, 1)))
    assert [height > 0 for height in found] == [count > 0 for count in columns]
    assert all(2 <= height <= 40 for height in found if height)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=COLUMNS, max_size=COLUMNS))
def test_columns_stand_on_others(columns: list[tuple[int, int]]) -> None:
    lower, upper = [low for low, _high in columns], [high for _low, high in columns]
    below = heights(bars(lower, base=100, height=40, fullest=18))
    found = heights(bars(upper, base=100, height=40, fullest=18, below=lower))
    for low, high, foot, count in zip(below, found, lower, upper, strict=True):
        assert (high > low) == (count > 0)
        assert (low > 0) == (foot > 0)


def heights(path: str) -> list[int]:
    """The height of each column that an outline draws, read as a browser does."""
    found = [0] * COLUMNS
    x = y = 0
    for command, numbers in re.findall(r"([MvhVz])([^MvhVz]*)", path):
        if command == "M":
            x, y = (int(number) for number in numbers.split())
            assert y == 100
        elif command == "v":
            y += int(numbers)
        elif command == "V":
            y = int(numbers)
        elif command == "h":
            for place in range(x, x + int(numbers), PLOT_WIDTH // COLUMNS):
                found[(place - PLOT_LEFT) * COLUMNS // PLOT_WIDTH] = 100 - y
            x += int(numbers)
    return found


@given(st.lists(st.floats(PLOT_LEFT, RIGHT), max_size=120).map(sorted), st.sampled_from([6.0, 12.0, 30.0]))
def test_marks_stand_apart_in_their_order_on_the_line(places: list[float], gap: float) -> None:
    found = apart(places, gap)
    assert len(found) == len(places)
    room = min(gap, (PLOT_WIDTH - gap) / max(len(places) - 1, 1))
    assert all(second - first >= room - 0.2 for first, second in itertools.pairwise(found))
    assert all(PLOT_LEFT <= place <= RIGHT for place in found)


def test_marks_with_room_stay_where_they_are() -> None:
    assert apart([100, 200, 300], 12) == [100, 200, 300]
    assert apart([100, 101], 12) == [94.5, 106.5]
    assert apart([], 12) == []


@given(st.lists(RANGES, max_size=20), RANGES)
def test_each_range_on_the_line_is_seen_and_stays_within(ranges: list[PortRange], shown: PortRange) -> None:
    boxes = [(float(left), float(width)) for left, width in _BOX.findall(strips(ranges, Scale(shown), top=5, height=9))]
    assert len(boxes) == sum(item.overlaps(shown) for item in ranges)
    for left, width in boxes:
        assert width >= 2
        assert left >= PLOT_LEFT
        assert left + width <= RIGHT + 0.15


@given(st.sets(PORTS, max_size=60), RANGES)
def test_labels_never_overlap_and_name_every_port(ports: set[int], shown: PortRange) -> None:
    found = labels(ports, Scale(shown))
    on_line = sorted(port for port in ports if port in shown)
    told = 0
    for label in found:
        several = re.search(r"\((\d+)\)$", label.text)
        told += int(several[1]) if several else len(label.text.split(", "))
    assert told == len(on_line)
    ends = [_span(label.x, label.text, label.anchor) for label in found]
    assert [pair for pair in itertools.pairwise(ends) if pair[0][1] > pair[1][0]] == []


def _span(x: float, text: str, anchor: str) -> tuple[float, float]:
    width = len(text) * 6.5
    start = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return start, start + width


@pytest.mark.parametrize("shown", [MAPPED, PortRange(49152, 65535), PortRange(1025, 5000), PortRange(50000, 50000)])
def test_ticks_begin_and_end_with_the_line(shown: PortRange) -> None:
    found = ticks(shown)
    assert (found[0].text, found[-1].text) == (str(shown.first), str(shown.last))
    assert [tick.x for tick in found] == sorted(tick.x for tick in found)
    assert len(found) <= 12


def test_a_port_stands_where_it_belongs() -> None:
    scale = Scale(MAPPED)
    assert scale.x(MAPPED.first) == PLOT_LEFT
    assert scale.x(MAPPED.last + 1) == RIGHT
    assert scale.column(MAPPED.first) == 0
    assert scale.column(MAPPED.last) == COLUMNS - 1
