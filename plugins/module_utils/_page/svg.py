# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port map as SVG text: what is painted where is decided in ``drawing``, how it looks by the style sheet.

Written here and not in a template: a page of hundreds of servers has a hundred thousand of these values, and each value
that a template reads costs more than drawing it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import (
    HEAD_LINE,
    Drawing,
    HeadLine,
    Lane,
    Mark,
    Panel,
    Side,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.markup import escaped
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import (
    COLUMNS,
    PLOT_LEFT,
    PLOT_WIDTH,
    Label,
    Tick,
)

STRIPES: t.Final = (
    '<defs><pattern id="stripes" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="stripe" d="M0 0v5"/></pattern></defs>'
)
"""The pattern of ports that Windows keeps for itself: defined once in a page, and in each file of its own."""
_SYMBOLS: t.Final[t.Mapping[Side, str]] = {
    "left_out_of_pool": "\u25a1",
    "programs": "\u25a1",
    "windows_block": "\u25a8",
    "taken": "\u2715",
}
_SQUARE: t.Final = "\u25a0"
"""The mark of words above a lane that have none of these."""
_ROOM: t.Final = "\u2003"


def svg(drawing: Drawing, *, name: str, key: str, style: str = "") -> str:
    """The picture as one element.

    Args:
        drawing: what is painted where.
        name: the server's name, any text.
        key: what the identifiers in it begin with, letters and digits; unique in a page.
        style: the style sheet, for a file of its own; without it the page has style, paper and pattern.
    """
    title, width, top = escaped(name), drawing.width, drawing.head_height
    shown = f'viewBox="0 {-top} {width} {drawing.height + top}"'
    own = f'xmlns="http://www.w3.org/2000/svg" {shown} width="{width}" height="{drawing.height + top}"'
    parts = [
        f'<svg class="map" {own if style else f"{shown} {_plot(drawing)}"} role="img"',
        f'aria-labelledby="{key}-title" aria-describedby="{key}-text">',
        f'<title id="{key}-title">Port map of {title}</title>',
        f'<desc id="{key}-text">{escaped(drawing.description)}</desc>',
    ]
    if style:
        # A style sheet has no markup of XML in it, but its selectors may have a ">".
        parts.append(f"<style>{escaped(style)}</style>{STRIPES}")
        parts.append(f'<rect class="paper" y="{-top}" width="{width}" height="{drawing.height + top}"/>')
    parts += _head(drawing.head, top=-top)
    y = 0
    for panel in drawing.panels:
        parts += [f'<g transform="translate(0 {y})">', *_panel(panel, width=width), "</g>"]
        y += panel.height
    return "\n".join([*parts, "</svg>"])


def _plot(drawing: Drawing) -> str:
    """The way in which a page shows it, and where its ports are, for the page's script."""
    ports = drawing.panels[0].ports
    plot = f"{ports.first} {ports.last} {PLOT_LEFT} {PLOT_WIDTH} {COLUMNS}"
    return f'preserveAspectRatio="none" data-plot="{plot}"'


def _head(lines: t.Iterable[HeadLine], *, top: int) -> t.Iterator[str]:
    for number, line in enumerate(lines, start=1):
        yield _text(line.text, y=top + HEAD_LINE * number, kind=line.kind)


def _panel(panel: Panel, *, width: int) -> t.Iterator[str]:
    yield _text(panel.title, y=16, kind="title")
    yield _lines("grid", (f"M0 {lane.base}h{width}" for lane in panel.lanes))
    for lane in panel.lanes:
        yield from _lane(lane)
    yield _lines("collision", (f"M{x:g} {panel.lanes[0].base}V{panel.height - 24}" for x in panel.collisions))
    yield f'<text class="ticks" y="{panel.height - 8}">{"".join(_ticks(panel.ticks))}</text>'


def _lines(kind: str, paths: t.Iterable[str]) -> str:
    path = "".join(paths)
    return f'<path class="{kind}" d="{path}"/>' if path else ""


def _ticks(ticks: t.Sequence[Tick]) -> t.Iterator[str]:
    for index, tick in enumerate(ticks):
        end = ' class="start"' if not index else ' class="end"' if index == len(ticks) - 1 else ""
        yield f'<tspan{end} x="{tick.x:g}">{tick.text}</tspan>'


def _lane(lane: Lane) -> t.Iterator[str]:
    said = "".join(_said(item.text, item.kind) for item in lane.said)
    yield f'<text class="words" y="{lane.top + 14}"><tspan class="lane">{escaped(lane.name)}</tspan>{said}</text>'
    for shape in lane.shapes:
        yield f'<path class="{shape.kind}" d="{shape.path}"/>'
    for label in lane.taken_labels:
        yield _label(label, y=lane.base - 38, kind="label bad")
    for label in lane.labels:
        yield _label(label, y=lane.base - 22, kind="label said")
    for mark in lane.marks:
        yield _mark(mark, base=lane.base)


def _said(text: str, kind: Side) -> str:
    """Words behind the symbol of what they speak of, and behind some room."""
    if kind == "plain":
        return f"{_ROOM}{escaped(text)}"
    words = f'<tspan class="bad">{escaped(text)}</tspan>' if kind == "taken" else escaped(text)
    return f'{_ROOM}<tspan class="{kind}">{_SYMBOLS.get(kind, _SQUARE)}</tspan> {words}'


def _mark(mark: Mark, *, base: int) -> str:
    """A cross if another process has the port, else a triangle, filled if the owner has it."""
    lead = f'<path class="lead" d="M{mark.x:g} {base - 5}L{mark.port_x:g} {base}"/>' if mark.x != mark.port_x else ""
    if mark.state == "taken":
        return f'{lead}<path class="cross" d="M{mark.x - 5:g} {base - 15}l10 10m0-10l-10 10"/>'
    kind = "well" if mark.state == "held" else "free"
    return f'{lead}<path class="{kind}" d="M{mark.x:g} {base - 5}l-5-9h10z"/>'


def _label(label: Label, *, y: int, kind: str) -> str:
    return f'<text class="{kind}" x="{label.x:g}" y="{y}" text-anchor="{label.anchor}">{label.text}</text>'


def _text(text: str, *, y: int, kind: str) -> str:
    return f'<text class="{kind}" y="{y}">{escaped(text)}</text>'
