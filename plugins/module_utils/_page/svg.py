# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port map as elements of SVG: what is painted where is decided in ``drawing``, how it looks by the style sheet."""

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
from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import Element, Node, element
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import (
    COLUMNS,
    PLOT_LEFT,
    PLOT_WIDTH,
    Label,
    Tick,
)

_STRIPES: t.Final = element(
    "defs",
    element(
        "pattern",
        element("path", class_="stripe", d="M0 0v5"),
        id="stripes",
        width="5",
        height="5",
        patternUnits="userSpaceOnUse",
        patternTransform="rotate(45)",
    ),
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


def svg(drawing: Drawing, *, name: str, key: str, style: str = "") -> Element:
    """The picture as one element.

    Args:
        drawing: what is painted where.
        name: the server's name, any text.
        key: what the identifiers in it begin with, letters and digits; unique in a page.
        style: the style sheet, for a file of its own; without it the page has style, paper and pattern.
    """
    width, height, top = drawing.width, drawing.height + drawing.head_height, drawing.head_height
    size = {"width": f"{width}", "height": f"{height}"}
    parts: list[Node] = [
        element("title", f"Port map of {name}", id=f"{key}-title"),
        element("desc", drawing.description, id=f"{key}-text"),
    ]
    if style:
        parts += [element("style", style), _STRIPES, element("rect", class_="paper", y=f"{-top}", **size)]
    parts += _head(drawing.head, top=-top)
    y = 0
    for panel in drawing.panels:
        parts.append(element("g", *_panel(panel, width=width), transform=f"translate(0 {y})"))
        y += panel.height
    own = {"viewBox": f"0 {-top} {width} {height}", "role": "img"}
    own |= {"xmlns": "http://www.w3.org/2000/svg", **size} if style else _in_a_page(drawing)
    return element("svg", *parts, class_="map", **own, aria_labelledby=f"{key}-title", aria_describedby=f"{key}-text")


def _in_a_page(drawing: Drawing) -> dict[str, str]:
    """The way in which a page shows it, and where its ports are, for the page's script."""
    ports = drawing.panels[0].ports
    plot = f"{ports.first} {ports.last} {PLOT_LEFT} {PLOT_WIDTH} {COLUMNS}"
    return {"preserveAspectRatio": "none", "data_plot": plot}


def _head(lines: t.Iterable[HeadLine], *, top: int) -> t.Iterator[Element]:
    for number, line in enumerate(lines, start=1):
        yield _text(line.text, y=top + HEAD_LINE * number, kind=line.kind)


def _panel(panel: Panel, *, width: int) -> t.Iterator[Element]:
    yield _text(panel.title, y=16, kind="title")
    yield from _lines("grid", (f"M0 {lane.base}h{width}" for lane in panel.lanes))
    for lane in panel.lanes:
        yield from _lane(lane)
    yield from _lines("collision", (f"M{x:g} {panel.lanes[0].base}V{panel.height - 24}" for x in panel.collisions))
    yield element("text", *_ticks(panel.ticks), class_="ticks", y=f"{panel.height - 8}")


def _lines(kind: str, paths: t.Iterable[str]) -> t.Iterator[Element]:
    path = "".join(paths)
    if path:
        yield element("path", class_=kind, d=path)


def _ticks(ticks: t.Sequence[Tick]) -> t.Iterator[Element]:
    for index, tick in enumerate(ticks):
        end = "start" if not index else "end" if index == len(ticks) - 1 else ""
        yield element("tspan", tick.text, **({"class_": end} if end else {}), x=f"{tick.x:g}")


def _lane(lane: Lane) -> t.Iterator[Element]:
    said = (node for item in lane.said for node in _said(item.text, item.kind))
    yield element("text", element("tspan", lane.name, class_="lane"), *said, class_="words", y=f"{lane.top + 14}")
    for shape in lane.shapes:
        yield element("path", class_=shape.kind, d=shape.path)
    for label in lane.taken_labels:
        yield _label(label, y=lane.base - 38, kind="label bad")
    for label in lane.labels:
        yield _label(label, y=lane.base - 22, kind="label said")
    for mark in lane.marks:
        yield from _mark(mark, base=lane.base)


def _said(text: str, kind: Side) -> tuple[Node, ...]:
    """Words behind the symbol of what they speak of, and behind some room."""
    if kind == "plain":
        return (f"{_ROOM}{text}",)
    symbol = element("tspan", _SYMBOLS.get(kind, _SQUARE), class_=kind)
    if kind == "taken":
        return _ROOM, symbol, " ", element("tspan", text, class_="bad")
    return _ROOM, symbol, f" {text}"


def _mark(mark: Mark, *, base: int) -> t.Iterator[Element]:
    """A cross if another process has the port, else a triangle, filled if the owner has it."""
    if mark.x != mark.port_x:
        yield element("path", class_="lead", d=f"M{mark.x:g} {base - 5}L{mark.port_x:g} {base}")
    if mark.state == "taken":
        yield element("path", class_="cross", d=f"M{mark.x - 5:g} {base - 15}l10 10m0-10l-10 10")
        return
    kind = "well" if mark.state == "held" else "free"
    yield element("path", class_=kind, d=f"M{mark.x:g} {base - 5}l-5-9h10z")


def _label(label: Label, *, y: int, kind: str) -> Element:
    return element("text", label.text, class_=kind, x=f"{label.x:g}", y=f"{y}", text_anchor=label.anchor)


def _text(text: str, *, y: int, kind: str) -> Element:
    return element("text", text, class_=kind, y=f"{y}")
