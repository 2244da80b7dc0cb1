# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port map of one server: all ports from 1024 on, and enlarged those that the pool is drawn from.

Each panel has the same lanes with the same names, so that a reader learns them once: needed ports (a cross if another
process has one), who uses UDP and TCP ports, what is reserved, and who draws ports at random from where.
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
    Label,
    Scale,
    Tick,
    apart,
    bars,
    counts,
    labels,
    strips,
    ticks,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

WIDTH: t.Final = 1040
_PANEL_HEAD: t.Final = 26
_AXIS: t.Final = 30
_WORTH_ENLARGING: t.Final = 40000
"""A range of as many ports is not enlarged: it would be the same picture again."""
_ROOM: t.Final = 4096
_BAR: t.Final = 9
_ROW: t.Final = 12
"""From one strip of ports in a lane to the next."""
LANE_HEAD: t.Final = 20
"""Height of the words above a lane."""
_HEIGHTS: t.Final = {"needed": 52, "udp": 42, "tcp": 30}
_PADDING: t.Final = 8
MARK: t.Final = 12
"""Width of a mark with the room beside it."""
_MOST_MARKS: t.Final = 80
HEAD_LINE: t.Final = 21
_HEAD_PADDING: t.Final = 14
_WRAPPED: t.Final = 125
"""As many letters fit into a line of the head, in any font."""
_MOST_SENTENCE_LINES: t.Final = 3
_MOST_COLLISIONS: t.Final = 6
LEGEND: t.Final = "\u2715 needed port that another process uses; \u25bc used by its owner; \u25bd free."

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
    """Words above a lane, with the mark of what they speak of."""

    text: str
    kind: Side = "plain"


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """A needed port; ``x`` is the mark's place, ``port_x`` the port's, which differ if marks would overlap."""

    x: float
    port_x: float
    state: NeedState


@dataclasses.dataclass(frozen=True, slots=True)
class HeadLine:
    """A line of text above the panels."""

    text: str
    kind: t.Literal["name", "plain", "said", "bad"] = "plain"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One strip across the plot: y of its words and of its base, and what stands above and in it."""

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
    """One line of ports with its lanes; y counts from its own top."""

    title: str
    ports: PortRange
    height: int
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    collisions: tuple[float, ...]
    """x of the needed ports that other processes use."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The whole picture; ``description`` is what it says, for who can't see it."""

    width: int
    description: str
    head: tuple[HeadLine, ...]
    """The words of a picture without a page around it: its server, its time, and the collisions."""
    head_height: int
    """The head lies above y = 0, so that a page can leave it out of view."""
    panels: tuple[Panel, ...]

    @property
    def height(self) -> int:
        """The height of all panels, without the head."""
        return sum(panel.height for panel in self.panels)


def panels(host: Host) -> tuple[Panel, ...]:
    """The lines of ports of one server: the whole range, and an enlarged part of it if there is one worth it."""
    ranges = [_WHOLE, *filter(None, [_enlarged(host)])]
    return tuple(_panel(host, ports, title) for ports, title in ranges)


def drawing(host: Host, of: t.Sequence[Panel], *, read_at: str = "") -> Drawing:
    """The picture of one server for a file of its own; ``read_at`` says in words when it was read."""
    head = _head(host, read_at)
    return Drawing(
        width=WIDTH,
        description=_description(host),
        head=head,
        head_height=HEAD_LINE * len(head) + _HEAD_PADDING,
        panels=tuple(of),
    )


def page_drawings(host: Host, of: t.Sequence[Panel]) -> tuple[Drawing, ...]:
    """The pictures of one server for a page: the one that is shown, and another that is drawn on demand, if any.

    The enlarged part comes first if it holds all needed ports and the whole pool.
    """
    best_first = sorted(of, key=lambda panel: panel.ports.count if _holds_all(panel.ports, host) else MAPPED.count)
    return tuple(
        Drawing(width=WIDTH, description=_description(host), head=(), head_height=0, panels=(panel,))
        for panel in best_first
    )


_Part = tuple[PortRange, str]
_WHOLE: t.Final[_Part] = (MAPPED, f"Ports {MAPPED.first} to {MAPPED.last}")


def _enlarged(host: Host) -> _Part | None:
    found = _pool_range(host) or _needed_range(host)
    if found is None:
        return None
    ports, why = found
    return ports, f"Enlarged: {ports.first} to {ports.last}, {why}"


def _holds_all(ports: PortRange, host: Host) -> bool:
    pool = [item.ports for item in host.drawn_from if item.kind == "dns_pool"]
    needed = [PortRange(need.first, need.last) for need in host.needs if need.first in MAPPED]
    return bool(needed) and all(item.first in ports and item.last in ports for item in (*needed, *pool))


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


def _panel(host: Host, ports: PortRange, title: str) -> Panel:
    scale = Scale(ports)
    makers: tuple[t.Callable[[Host, Scale, int], Lane], ...] = (_needed, _udp, _tcp, _kept, _drawn_from)
    lanes: list[Lane] = []
    y = _PANEL_HEAD
    for make in makers:
        lanes.append(make(host, scale, y))
        y = lanes[-1].base + _PADDING
    taken = {need.first for need in host.needs if need.state == "taken" and need.first in ports}
    return Panel(
        title=title,
        ports=ports,
        height=y + _AXIS,
        lanes=tuple(lanes),
        ticks=ticks(ports),
        collisions=tuple(scale.middle(port) for port in sorted(taken)),
    )


def _needed(host: Host, scale: Scale, top: int) -> Lane:
    states: dict[int, NeedState] = {}
    for need in host.needs:
        if not need.any_will_do and need.first in scale.ports:
            states[need.first] = min(states.get(need.first, "free"), need.state, key=_WORST.index)
    taken = [port for port, state in states.items() if state == "taken"]
    choices = tuple(PortRange(need.first, need.last) for need in host.needs if need.any_will_do)
    base = top + LANE_HEAD + _HEIGHTS["needed"]
    count = len({need.first for need in host.needs if not need.any_will_do})
    said = [Said(f"{count} port{'s' if count != 1 else ''}" if count else "none is known")]
    said += [Said(f"{host.taken} used by others", "taken")] if host.taken else []
    return Lane(
        name="Needed by services",
        top=top,
        base=base,
        said=tuple(said),
        shapes=_shapes(("any", strips(choices, scale, top=base - 4, height=4))),
        marks=_marks(states, scale),
        taken_labels=labels(taken, scale),
        labels=labels((port for port in states if port not in taken), scale),
    )


_WORST: t.Final[tuple[NeedState, ...]] = ("taken", "held", "free")


def _marks(states: t.Mapping[int, NeedState], scale: Scale) -> tuple[Mark, ...]:
    """A mark for each port, side by side; of very many, one for those that share a place."""
    found: dict[float, NeedState] = {}
    for port, state in sorted(states.items()):
        x = scale.middle(port)
        x = x if len(states) <= _MOST_MARKS else x // MARK * MARK + MARK / 2
        found[x] = min(found.get(x, "free"), state, key=_WORST.index)
    places = apart(list(found), MARK)
    return tuple(Mark(x, port_x, state) for x, (port_x, state) in zip(places, found.items(), strict=True))


def _udp(host: Host, scale: Scale, top: int) -> Lane:
    base = top + LANE_HEAD + _HEIGHTS["udp"]
    pool = counts(_ports(host, "udp", pool=True), scale)
    others = counts(_ports(host, "udp", pool=False), scale)
    highest = max(map(sum, zip(pool, others, strict=True)), default=0)
    in_pool = sum(row.udp_count for row in host.holders if row.pool)
    in_others = sum(row.udp_count for row in host.holders if not row.pool)
    height = _HEIGHTS["udp"] - 4
    return Lane(
        name="UDP used by",
        top=top,
        base=base,
        said=(
            Said(f"the DNS server's pool {in_pool:,}", "pool"),
            Said(f"others {in_others:,}", "others"),
            _highest(highest, scale),
        ),
        shapes=_shapes(
            ("others", bars(others, base=base, height=height, fullest=highest or 1, below=pool)),
            ("pool", bars(pool, base=base, height=height, fullest=highest or 1)),
        ),
    )


def _tcp(host: Host, scale: Scale, top: int) -> Lane:
    base = top + LANE_HEAD + _HEIGHTS["tcp"]
    columns = counts(_ports(host, "tcp", pool=False), scale)
    listening = sum(row.tcp_count for row in host.holders if not row.outgoing)
    outgoing = sum(row.tcp_count for row in host.holders if row.outgoing)
    return Lane(
        name="TCP used by",
        top=top,
        base=base,
        said=(
            Said(f"listeners {listening:,}", "others"),
            *([Said(f"outgoing connections {outgoing:,}", "others")] if outgoing else []),
            _highest(max(columns), scale),
        ),
        shapes=_shapes(
            ("others", bars(columns, base=base, height=_HEIGHTS["tcp"] - 4, fullest=max(*columns, 1))),
        ),
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
            shapes.append((kind, strips(ranges, scale, top=top + LANE_HEAD + len(said) * _ROW, height=_BAR)))
            said.append(Said(f"{name} {sum(row.count for row in rows):,}", kind))
    return Lane(
        name="Reserved",
        top=top,
        base=top + LANE_HEAD + _ROW * max(len(said), 1),
        said=tuple(said) or (Said("nothing"),),
        shapes=_shapes(*shapes),
    )


def _drawn_from(host: Host, scale: Scale, top: int) -> Lane:
    rows: list[tuple[RangeKind, str, PortRange]] = []
    for item in host.drawn_from:
        named = "the DNS server's pool" if item.kind == "dns_pool" else f"programs, {item.protocol.upper()}"
        if rows and rows[-1][0] == item.kind and rows[-1][2] == item.ports:
            rows[-1] = (item.kind, "programs", item.ports)
        else:
            rows.append((item.kind, named, item.ports))
    tops = (top + LANE_HEAD + index * _ROW for index in range(len(rows)))
    return Lane(
        name="Drawn at random from",
        top=top,
        base=top + LANE_HEAD + _ROW * max(len(rows), 1),
        said=tuple(Said(f"{ports} {name}", kind) for kind, name, ports in rows) or (Said("not known"),),
        shapes=_shapes(
            *((row[0], strips((row[2],), scale, top=y, height=_BAR)) for row, y in zip(rows, tops, strict=True))
        ),
    )


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
        *(HeadLine(text, "bad") for text in (f"and {more} more needed ports that others use",) if more > 0),
        HeadLine(LEGEND, "said"),
    )


def _collisions(host: Host) -> list[str]:
    return [
        f"{need.protocol.upper()} {need.first} of {need.service} is used by {', '.join(need.held_by)}."
        for need in host.needs
        if need.state == "taken"
    ]


def _description(host: Host) -> str:
    """The picture in sentences: what is in use, kept and drawn from, and above all what collides."""
    said = _collisions(host) or ["No needed port is used by another process."]
    pool = next((row for row in host.holders if row.pool), None)
    said += [f"The DNS server's pool holds {pool.udp_count} UDP ports."] if pool else []
    drawn: dict[tuple[RangeKind, PortRange], list[str]] = {}
    for item in host.drawn_from:
        drawn.setdefault((item.kind, item.ports), []).append(item.protocol.upper())
    said += [f"{_SAID_RANGES[kind]} {' and '.join(names)} {ports}." for (kind, ports), names in drawn.items()]
    said += [f"{_SAID_KEPT[row.kind]} {row.protocol.upper()}: {_listed(row.ports)}." for row in host.kept]
    return " ".join(said)


_SAID_RANGES: t.Final[t.Mapping[RangeKind, str]] = {
    "dns_pool": "The DNS server's pool is drawn at random from",
    "programs": "Programs get ports that are drawn at random from",
}
_SAID_KEPT: t.Final[t.Mapping[Kept, str]] = {
    "reserved": "Reserved",
    "left_out_of_pool": "Left out of the pool",
    "windows_block": "Reserved by Windows itself",
}
_KEPT_NAMES: t.Final[t.Mapping[Kept, str]] = {
    "reserved": "reserved",
    "left_out_of_pool": "left out of the DNS pool",
    "windows_block": "by Windows itself",
}
_MOST_LISTED: t.Final = 8


def _listed(ranges: tuple[PortRange, ...]) -> str:
    shown = ", ".join(item.text for item in ranges[:_MOST_LISTED])
    more = len(ranges) - _MOST_LISTED
    return f"{shown} and {more} more ranges" if more > 0 else shown
