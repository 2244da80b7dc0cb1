# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports on a line: the geometry of a picture that shows tens of thousands of ports with a few hundred strokes.

A panel shows a range of ports by lanes. What is many becomes columns (how many ports of each are in use), what is
single becomes a mark with its number, and numbers that would overlap are written as one. Everything here is numbers and
short texts of digits; who writes them into SVG has nothing to escape. Lengths are in the picture's own unit, the pixel
of a picture that is 1040 wide; y grows downwards.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

MAPPED: t.Final = PortRange(1024, 65535)
"""Below 1024 Windows draws nothing at random."""
PLOT_LEFT: t.Final = 10
PLOT_WIDTH: t.Final = 1020
COLUMNS: t.Final = 170
_COLUMN: t.Final = PLOT_WIDTH // COLUMNS
_THINNEST: t.Final = 2.0
_LOWEST: t.Final = 2
"""A column with a single port must still be seen."""
_DIGIT: t.Final = 8.0
_TICKS: t.Final = (1, 2, 5)
_MOST_TICKS: t.Final = 9
_LISTED: t.Final = 2
"""As many numbers stand in one label; of more, the first and the last."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """The line of a map: it gives each port of a range its place."""

    ports: PortRange

    def x(self, port: float) -> float:
        """The left edge of a port; that of the port behind the last one is the end of the line."""
        return PLOT_LEFT + (port - self.ports.first) * PLOT_WIDTH / self.ports.count

    def middle(self, port: int) -> float:
        """The middle of a port, rounded to a tenth."""
        return round(self.x(port + 0.5), 1)

    def column(self, port: int) -> int:
        """The column, 0 to COLUMNS - 1, that a port of the range falls into."""
        return (port - self.ports.first) * COLUMNS // self.ports.count

    def shows(self, ports: PortRange) -> bool:
        """True if any of these ports is on the line."""
        return ports.overlaps(self.ports)


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A number below the line."""

    x: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """One label for one port or for several whose own labels would overlap; ``anchor`` as in SVG."""

    x: float
    text: str
    anchor: t.Literal["start", "middle", "end"]


def run_texts(ports: t.Iterable[int]) -> list[str]:
    """Neighbouring ports merged into ``n-m``, single ones as ``n``, sorted; quick, for thousands of ports."""
    found = set(ports)
    firsts = sorted(port for port in found if port - 1 not in found)
    lasts = sorted(port for port in found if port + 1 not in found)
    return [str(first) if first == last else f"{first}-{last}" for first, last in zip(firsts, lasts, strict=True)]


def counts(ports: t.Iterable[int], scale: Scale) -> list[int]:
    """The number of these ports in each column; ports that are not on the line are left out."""
    first, last, width = scale.ports.first, scale.ports.last, scale.ports.count
    found = collections.Counter((port - first) * COLUMNS // width for port in ports if first <= port <= last)
    return [found[column] for column in range(COLUMNS)]


def bars(
    columns: t.Sequence[int], *, base: int, height: int, fullest: int, below: t.Sequence[int] | None = None
) -> str:
    """The columns as the outline of one SVG path; empty if there are none.

    Args:
        columns: how many ports each column has.
        base: y of the line that they stand on.
        height: how high a column of ``fullest`` ports is.
        fullest: the largest number of ports in a column, 1 or more.
        below: other columns on which these stand. The outline goes around both: draw those over it.
    """
    feet = below or [0] * len(columns)
    highs = [
        _high(foot, height, fullest) + _high(count, height, fullest) if count else 0
        for foot, count in zip(feet, columns, strict=True)
    ]
    parts: list[str] = []
    level, left = 0, PLOT_LEFT
    for high, run in itertools.groupby(highs):
        width = sum(1 for _column in run) * _COLUMN
        if high:
            parts.append(f"v{level - high}h{width}" if level else f"M{left} {base}v-{high}h{width}")
        elif level:
            parts.append(f"V{base}z")
        level, left = high, left + width
    return "".join([*parts, f"V{base}z"]) if level else "".join(parts)


def strips(ranges: t.Iterable[PortRange], scale: Scale, *, top: int, height: int) -> str:
    """Ranges of ports as one SVG path of boxes, each wide enough to be seen."""
    parts: list[str] = []
    for item in ranges:
        if scale.shows(item):
            left = scale.x(max(item.first, scale.ports.first))
            right = scale.x(min(item.last, scale.ports.last) + 1)
            left, width = _visible(left, right)
            parts.append(f"M{left:g} {top}h{width:g}v{height}h-{width:g}z")
    return "".join(parts)


def ticks(ports: PortRange) -> tuple[Tick, ...]:
    """The first and the last port, and round numbers between them that don't touch those."""
    scale = Scale(ports)
    step = next(
        step
        for power in range(5)
        for step in (digit * 10**power for digit in _TICKS)
        if ports.count / step <= _MOST_TICKS or power == 4
    )
    ends = (Tick(PLOT_LEFT, str(ports.first)), Tick(PLOT_LEFT + PLOT_WIDTH, str(ports.last)))
    room = 8 * _DIGIT
    between = (
        Tick(scale.middle(port), str(port))
        for port in range(-(-ports.first // step) * step, ports.last, step)
        if port > ports.first
    )
    return (ends[0], *(tick for tick in between if ends[0].x + room < tick.x < ends[1].x - room), ends[1])


def apart(places: t.Sequence[float], gap: float) -> list[float]:
    """Sorted places on the line, moved as little as possible until neighbours lie ``gap`` apart or more.

    More than the line has room for lie closer together, evenly.
    """
    gap = min(gap, (PLOT_WIDTH - gap) / max(len(places) - 1, 1))
    left, right = PLOT_LEFT + gap / 2, PLOT_LEFT + PLOT_WIDTH - gap / 2
    clusters: list[tuple[float, int]] = []
    for place in places:
        middle, count = place, 1
        clusters.append((_within(middle, count, gap, left, right), count))
        while len(clusters) > 1 and _touch(clusters[-2], clusters[-1], gap):
            (second, many), (first, few) = clusters.pop(), clusters.pop()
            middle = (first * few + second * many) / (few + many)
            clusters.append((_within(middle, few + many, gap, left, right), few + many))
    return [round(middle + (index - (count - 1) / 2) * gap, 1) for middle, count in clusters for index in range(count)]


def _within(middle: float, count: int, gap: float, left: float, right: float) -> float:
    half = (count - 1) * gap / 2
    return min(max(middle, left + half), right - half)


def _touch(first: tuple[float, int], second: tuple[float, int], gap: float) -> bool:
    room = ((first[1] - 1) + (second[1] - 1)) * gap / 2 + gap
    return second[0] - first[0] < room - 1e-6


def labels(ports: t.Iterable[int], scale: Scale) -> tuple[Label, ...]:
    """The numbers of single ports; those that would overlap are joined until none does."""
    groups: list[tuple[int, ...]] = [(port,) for port in sorted(set(ports)) if port in scale.ports]
    joined = True
    while joined:
        joined = False
        for index in range(len(groups) - 1):
            if _end(_label(groups[index], scale)) + _DIGIT > _start(_label(groups[index + 1], scale)):
                groups[index : index + 2] = [groups[index] + groups[index + 1]]
                joined = True
                break
    return tuple(_label(group, scale) for group in groups)


def _label(group: tuple[int, ...], scale: Scale) -> Label:
    text = ", ".join(map(str, group))
    if len(group) > _LISTED:
        text = f"{group[0]} \u2026 {group[-1]} ({len(group)})"
    x = round((scale.middle(group[0]) + scale.middle(group[-1])) / 2, 1)
    half = len(text) * _DIGIT / 2
    if x - half < PLOT_LEFT:
        return Label(PLOT_LEFT, text, "start")
    if x + half > PLOT_LEFT + PLOT_WIDTH:
        return Label(PLOT_LEFT + PLOT_WIDTH, text, "end")
    return Label(x, text, "middle")


def _start(label: Label) -> float:
    width = len(label.text) * _DIGIT
    return label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]


def _end(label: Label) -> float:
    return _start(label) + len(label.text) * _DIGIT


def _high(count: int, height: int, fullest: int) -> int:
    return max(round(count * height / fullest), _LOWEST) if count else 0


def _visible(left: float, right: float) -> tuple[float, float]:
    width = max(right - left, _THINNEST)
    start = min((left + right - width) / 2, PLOT_LEFT + PLOT_WIDTH - width)
    return round(max(start, PLOT_LEFT), 1), round(width, 1)
