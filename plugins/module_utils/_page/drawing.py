# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port map of one server: all ports from 1024 on, and below it, enlarged, those that the pool is drawn from.

Each panel has the same lanes with the same names, so that a reader learns them once: needed ports (a cross where
another process has one), UDP and TCP ports in use, what is kept from being drawn, and who draws from where.
"""

from __future__ import annotations

import dataclasses
import itertools
import textwrap
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.kept_ports import Kept
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.needed_ports import NeedState
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import RangeKind
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import (
    COLUMNS,
    MAPPED,
    PLOT_LEFT,
    PLOT_WIDTH,
    Label,
    Scale,
    Tick,
    bars,
    counts,
    labels,
    strips,
    ticks,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

WIDTH: t.Final = 1040
_PANEL_HEAD: t.Final = 26
_AXIS: t.Final = 34
_WORTH_ENLARGING: t.Final = 40000
"""A range of as many ports is not enlarged: it would be the same picture again."""
_ROOM: t.Final = 4096
_BAR: t.Final = 10
LINE: t.Final = 17
"""From one line of text beside a lane to the next."""
_LANE_HEIGHTS: t.Final = {"needed": 58, "udp": 60, "tcp": 44}
_PADDING: t.Final = 6
HEAD_LINE: t.Final = 21
_HEAD_PADDING: t.Final = 14
_WRAPPED: t.Final = 125
"""As many letters fit into a line of the head, in any font."""
_MOST_SENTENCE_LINES: t.Final = 3
_MOST_COLLISIONS: t.Final = 6
_LEGEND: t.Final = "\u2715 needed port held by another process; \u25bc with its owner; \u25bd free."

Shape = t.Literal["pool", "others", "reserved", "left_out_of_pool", "windows_block", "dns_pool", "programs", "any"]
Side = t.Literal[
    "plain", "pool", "others", "reserved", "left_out_of_pool", "windows_block", "dns_pool", "programs", "taken"
]


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """One path; ``kind`` says how it is painted."""

    kind: Shape
    path: str


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """A line of text beside a lane, with the mark of what it speaks of."""

    text: str
    kind: Side = "plain"


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A needed port."""

    x: float
    state: NeedState


@dataclasses.dataclass(frozen=True, slots=True)
class HeadLine:
    """A line of text above the panels."""

    text: str
    kind: t.Literal["name", "plain", "said", "bad"] = "plain"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One strip across the plot; y of its top and base, and what stands in it and beside it."""

    name: str
    top: int
    base: int
    said: tuple[Said, ...] = ()
    shapes: tuple[Drawn, ...] = ()
    marks: tuple[Mark, ...] = ()
    taken_labels: tuple[Label, ...] = ()
    labels: tuple[Label, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One line of ports with its lanes."""

    title: str
    top: int
    bottom: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    collisions: tuple[float, ...]
    """x of the needed ports in other hands."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The whole picture; ``description`` is what it says, for who can't see it."""

    width: int
    height: int
    left: int
    right: int
    description: str
    head: tuple[HeadLine, ...]
    """The words of a picture without a page around it: its server, its time, and the collisions."""
    head_height: int
    """The head lies above y = 0, so that a page can leave it out of view."""
    panels: tuple[Panel, ...]


def drawing(host: Host, *, read_at: str = "") -> Drawing:
    """The picture of one server; ``read_at`` says in words when it was read."""
    head = _head(host, read_at)
    panels = [_panel(host, MAPPED, f"Ports {MAPPED.first} to {MAPPED.last}", 0)]
    enlarged = _pool_range(host) or _needed_range(host)
    if enlarged:
        ports, why = enlarged
        title = f"Enlarged: {ports.first} to {ports.last}, {why}"
        panels.append(_panel(host, ports, title, panels[0].bottom + _PADDING))
    return Drawing(
        width=WIDTH,
        height=panels[-1].bottom,
        left=PLOT_LEFT,
        right=PLOT_LEFT + PLOT_WIDTH,
        description=_description(host),
        head=head,
        head_height=HEAD_LINE * len(head) + _HEAD_PADDING,
        panels=tuple(panels),
    )


def _pool_range(host: Host) -> tuple[PortRange, str] | None:
    pool = next((item.ports for item in host.drawn_from if item.kind == "dns_pool"), None)
    return (pool, "where the DNS pool is drawn from") if pool and pool.count < _WORTH_ENLARGING else None


def _needed_range(host: Host) -> tuple[PortRange, str] | None:
    """The range of the needed ports, with some room around them."""
    needed = [need.first for need in host.needs if need.first in MAPPED]
    if not needed or max(needed) - min(needed) >= _WORTH_ENLARGING:
        return None
    room = max((_ROOM - max(needed) + min(needed)) // 2, 0)
    first = max(min(needed) - room, MAPPED.first)
    return PortRange(first, min(max(max(needed) + room, first + _ROOM), MAPPED.last)), "where the needed ports are"


def _panel(host: Host, ports: PortRange, title: str, top: int) -> Panel:
    scale = Scale(ports)
    makers: tuple[t.Callable[[Host, Scale, int], Lane], ...] = (_needed, _udp, _tcp, _kept, _drawn_from)
    lanes: list[Lane] = []
    y = top + _PANEL_HEAD
    for make in makers:
        lanes.append(make(host, scale, y))
        y = lanes[-1].base + _PADDING
    taken = {need.first for need in host.needs if need.state == "taken" and need.first in ports}
    return Panel(
        title=title,
        top=top,
        bottom=y + _AXIS,
        lanes=tuple(lanes),
        ticks=ticks(ports),
        collisions=tuple(scale.middle(port) for port in sorted(taken)),
    )


def _needed(host: Host, scale: Scale, top: int) -> Lane:
    states: dict[int, NeedState] = {}
    for need in host.needs:
        if not need.any_will_do and need.first in scale.ports:
            worst: tuple[NeedState, ...] = ("taken", "held", "free")
            states[need.first] = min(states.get(need.first, "free"), need.state, key=worst.index)
    taken = [port for port, state in states.items() if state == "taken"]
    choices = tuple(PortRange(need.first, need.last) for need in host.needs if need.any_will_do)
    base = top + _LANE_HEIGHTS["needed"]
    count = len({need.first for need in host.needs if not need.any_will_do})
    said = [Said(f"{count} port{'s' if count != 1 else ''}" if count else "none known here")]
    said += [Said(f"{host.taken} taken by others", "taken")] if host.taken else []
    return Lane(
        name="Needed",
        top=top,
        base=base,
        said=tuple(said),
        shapes=_shapes(("any", strips(choices, scale, top=base - 4, height=4))),
        marks=tuple(Mark(scale.middle(port), state) for port, state in sorted(states.items(), key=_crosses_last)),
        taken_labels=labels(taken, scale),
        labels=labels((port for port in states if port not in taken), scale),
    )


def _crosses_last(item: tuple[int, NeedState]) -> tuple[bool, int]:
    """The order of drawing: the mark that is drawn last lies above its neighbours."""
    port, state = item
    return state == "taken", port


def _udp(host: Host, scale: Scale, top: int) -> Lane:
    base = top + _LANE_HEIGHTS["udp"]
    pool = counts(_ports(host, "udp", pool=True), scale)
    others = counts(_ports(host, "udp", pool=False), scale)
    fullest = max(map(sum, zip(pool, others, strict=True)), default=0) or 1
    in_pool = sum(row.udp_count for row in host.holders if row.pool)
    in_others = sum(row.udp_count for row in host.holders if not row.pool)
    height = base - top - 4
    return Lane(
        name="UDP in use",
        top=top,
        base=base,
        said=(
            Said(f"DNS pool {in_pool:,}", "pool"),
            Said(f"others {in_others:,}", "others"),
            _highest(max(map(sum, zip(pool, others, strict=True))), scale),
        ),
        shapes=_shapes(
            ("pool", bars(pool, base=base, height=height, fullest=fullest)),
            ("others", bars(others, base=base, height=height, fullest=fullest, below=pool)),
        ),
    )


def _tcp(host: Host, scale: Scale, top: int) -> Lane:
    base = top + _LANE_HEIGHTS["tcp"]
    columns = counts(_ports(host, "tcp", pool=False), scale)
    listening = sum(row.tcp_count for row in host.holders if not row.outgoing)
    return Lane(
        name="TCP in use",
        top=top,
        base=base,
        said=(Said(f"listening {listening:,}", "others"), _highest(max(columns), scale)),
        shapes=_shapes(("others", bars(columns, base=base, height=base - top - 4, fullest=max(*columns, 1)))),
    )


def _highest(count: int, scale: Scale) -> Said:
    """The label for the height of the bars, which differs from lane to lane."""
    return Said(f"highest bar {count} of {-(-scale.ports.count // COLUMNS)}" if count else "none here")


def _kept(host: Host, scale: Scale, top: int) -> Lane:
    said: list[Said] = []
    shapes: list[tuple[Shape, str]] = []
    for kind, name in _KEPT_NAMES.items():
        rows = [row for row in host.kept if row.kind == kind]
        if rows:
            ranges = (item for row in rows for item in row.ports)
            shapes.append((kind, strips(ranges, scale, top=top + 7 + len(said) * LINE, height=_BAR)))
            said.append(Said(f"{name} {sum(row.count for row in rows):,}", kind))
    return Lane(
        name="Kept back",
        top=top,
        base=top + _lines(len(said)),
        said=tuple(said) or (Said("nothing"),),
        shapes=_shapes(*shapes),
    )


def _drawn_from(host: Host, scale: Scale, top: int) -> Lane:
    rows: list[tuple[RangeKind, str, PortRange]] = []
    for item in host.drawn_from:
        named = "DNS pool" if item.kind == "dns_pool" else f"programs, {item.protocol.upper()}"
        if rows and rows[-1][0] == item.kind and rows[-1][2] == item.ports:
            rows[-1] = (item.kind, "programs", item.ports)
        else:
            rows.append((item.kind, named, item.ports))
    tops = (top + 7 + index * LINE for index in range(len(rows)))
    return Lane(
        name="Drawn from",
        top=top,
        base=top + _lines(len(rows)),
        said=tuple(Said(f"{name} {ports}", kind) for kind, name, ports in rows) or (Said("not known"),),
        shapes=_shapes(
            *((row[0], strips((row[2],), scale, top=y, height=_BAR)) for row, y in zip(rows, tops, strict=True))
        ),
    )


def _lines(count: int) -> int:
    """The height of a lane with so many lines of text."""
    return 10 + LINE * max(count, 1)


def _shapes(*drawn: tuple[Shape, str]) -> tuple[Drawn, ...]:
    return tuple(Drawn(kind, path) for kind, path in drawn if path)


def _ports(host: Host, protocol: Protocol, *, pool: bool) -> t.Iterator[int]:
    holders = (holder for holder in host.holders if holder.pool == pool)
    return itertools.chain.from_iterable(holder.ports(protocol) for holder in holders)


def _head(host: Host, read_at: str) -> tuple[HeadLine, ...]:
    about = ", ".join(filter(None, (host.state.replace("_", " "), host.release, read_at and f"read {read_at}")))
    sentence = textwrap.wrap(host.headline, _WRAPPED, max_lines=_MOST_SENTENCE_LINES, placeholder=" \u2026")
    collisions = _collisions(host)
    more = len(collisions) - _MOST_COLLISIONS
    shown = [
        textwrap.shorten(f"\u2715 {text}", _WRAPPED, placeholder=" \u2026") for text in collisions[:_MOST_COLLISIONS]
    ]
    return (
        HeadLine(host.name, "name"),
        HeadLine(about[0].upper() + about[1:], "said"),
        *(HeadLine(text) for text in sentence if collisions != [host.headline]),
        *(HeadLine(text, "bad") for text in shown),
        *(HeadLine(text, "bad") for text in (f"and {more} more needed ports in other hands",) if more > 0),
        HeadLine(_LEGEND, "said"),
    )


def _collisions(host: Host) -> list[str]:
    return [
        f"{need.protocol.upper()} {need.first} of {need.service} is held by {', '.join(need.held_by)}."
        for need in host.needs
        if need.state == "taken"
    ]


def _description(host: Host) -> str:
    """The picture in sentences: what is in use, kept and drawn from, and above all what collides."""
    said = _collisions(host) or ["No needed port is in other hands."]
    pool = next((row for row in host.holders if row.pool), None)
    said += [f"The DNS server's pool holds {pool.udp_count} UDP ports."] if pool else []
    said += [f"{_SAID_RANGES[item.kind]} {item.protocol.upper()} {item.ports}." for item in host.drawn_from]
    said += [f"{_SAID_KEPT[row.kind]} {row.protocol.upper()}: {_listed(row.ports)}." for row in host.kept]
    return " ".join(said)


_SAID_RANGES: t.Final[t.Mapping[RangeKind, str]] = {
    "dns_pool": "The DNS server's pool is drawn from",
    "programs": "Programs get ports from",
}
_SAID_KEPT: t.Final[t.Mapping[Kept, str]] = {
    "reserved": "Reserved",
    "left_out_of_pool": "Left out of the pool",
    "windows_block": "Kept by Windows itself",
}
_KEPT_NAMES: t.Final[t.Mapping[Kept, str]] = {
    "reserved": "reserved",
    "left_out_of_pool": "left out of pool",
    "windows_block": "by Windows itself",
}
_MOST_LISTED: t.Final = 8


def _listed(ranges: tuple[PortRange, ...]) -> str:
    shown = ", ".join(item.text for item in ranges[:_MOST_LISTED])
    more = len(ranges) - _MOST_LISTED
    return f"{shown} and {more} more ranges" if more > 0 else shown
