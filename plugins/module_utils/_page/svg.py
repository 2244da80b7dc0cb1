# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port map as SVG text: what is painted where is decided in ``drawing``, how it looks by the style sheet.

Written here and not in a template of Ansible's: a page of hundreds of servers has a hundred thousand of these values,
and each value that a template reads costs more than drawing it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import (
    HEAD_LINE,
    LINE,
    Drawing,
    HeadLine,
    Lane,
    Mark,
    Panel,
    Said,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.markup import escaped
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_map import Label, Tick

_NAME_LEFT: t.Final = 0
_SAID_LEFT: t.Final = 98
_BEHIND_SYMBOL: t.Final = 112
STRIPES: t.Final = (
    '<defs><pattern id="stripes" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<path class="stripe" d="M0 0v5"/></pattern></defs>'
)
"""The pattern of ports that Windows keeps for itself: defined once in a page, and in each file of its own."""


def svg(drawing: Drawing, *, name: str, key: str, style: str = "") -> str:
    """The picture as one element.

    Args:
        drawing: what is painted where.
        name: the server's name, any text.
        key: what the identifiers in it begin with, letters and digits; unique in a page.
        style: the style sheet, for a file of its own; without it the page has style, paper and pattern.
    """
    title, width, top = escaped(name), drawing.width, drawing.head_height
    # In a page the head lies above what is shown: the page says the same in words, and who saves the picture gets both.
    shown = f"0 {-top} {width} {drawing.height + top}" if style else f"0 0 {width} {drawing.height}"
    size = f' width="{width}" height="{drawing.height + top}"' if style else ""
    parts = [
        f'<svg class="map" xmlns="http://www.w3.org/2000/svg" viewBox="{shown}"{size} data-head="{top}" role="img"',
        f'aria-labelledby="{key}-title" aria-describedby="{key}-text">',
        f'<title id="{key}-title">Port map of {title}</title>',
        f'<desc id="{key}-text">{escaped(drawing.description)}</desc>',
    ]
    if style:
        # A style sheet has no markup of XML in it, but its selectors may have a ">".
        parts.append(f"<style>{escaped(style)}</style>{STRIPES}")
        parts.append(f'<rect class="paper" y="{-top}" width="{width}" height="{drawing.height + top}"/>')
    parts += _head(drawing.head, top=-top)
    for panel in drawing.panels:
        parts.append(_text(panel.title, x=drawing.left, y=panel.top + 16, kind="title"))
        parts += _panel(panel, right=drawing.right)
    return "\n".join([*parts, "</svg>"])


def _head(lines: t.Iterable[HeadLine], *, top: int) -> t.Iterator[str]:
    for number, line in enumerate(lines, start=1):
        yield _text(line.text, x=_NAME_LEFT, y=top + HEAD_LINE * number, kind=line.kind)


def _panel(panel: Panel, *, right: int) -> t.Iterator[str]:
    for lane in panel.lanes:
        yield f'<path class="grid" d="M0 {lane.base}h{right}"/>'
        yield from _lane(lane)
    for x in panel.collisions:
        yield f'<path class="collision" d="M{x} {panel.lanes[0].base}V{panel.bottom - 30}"/>'
    for index, tick in enumerate(panel.ticks):
        anchor = "start" if not index else "end" if index == len(panel.ticks) - 1 else "middle"
        yield _tick(tick, y=panel.bottom - 14, anchor=anchor)


def _lane(lane: Lane) -> t.Iterator[str]:
    yield f'<text x="{_NAME_LEFT}" y="{lane.top + 16}">{escaped(lane.name)}</text>'
    for index, said in enumerate(lane.said):
        yield from _said(said, y=lane.top + 16 + LINE * index)
    for shape in lane.shapes:
        yield f'<path class="{shape.kind}" d="{shape.path}"/>'
    for label in lane.taken_labels:
        yield _label(label, y=lane.top + 14, kind="bad")
    for label in lane.labels:
        yield _label(label, y=lane.top + 30, kind="said")
    for mark in lane.marks:
        yield _mark(mark, base=lane.base)


def _said(said: Said, *, y: int) -> t.Iterator[str]:
    """A line of text behind the symbol of what it speaks of."""
    if said.kind == "plain":
        yield _text(said.text, x=_SAID_LEFT, y=y, kind="said")
    elif said.kind == "taken":
        yield f'<path class="cross" d="M{_SAID_LEFT} {y - 8}l8 8m0-8l-8 8"/>'
        yield _text(said.text, x=_BEHIND_SYMBOL, y=y, kind="bad")
    else:
        yield f'<rect class="{said.kind}" x="{_SAID_LEFT}" y="{y - 8}" width="8" height="8"/>'
        yield _text(said.text, x=_BEHIND_SYMBOL, y=y, kind="said")


def _mark(mark: Mark, *, base: int) -> str:
    """A cross where another process has the port; else a triangle, filled where the owner has it."""
    if mark.state == "taken":
        return f'<path class="cross" d="M{mark.x - 5:g} {base - 14}l10 10m0-10l-10 10"/>'
    kind = "well" if mark.state == "held" else "free"
    return f'<path class="{kind}" d="M{mark.x:g} {base - 4}l-5-9h10z"/>'


def _label(label: Label, *, y: int, kind: str) -> str:
    return f'<text class="{kind}" x="{label.x:g}" y="{y}" text-anchor="{label.anchor}">{label.text}</text>'


def _tick(tick: Tick, *, y: int, anchor: str) -> str:
    return f'<text class="tick" x="{tick.x:g}" y="{y}" text-anchor="{anchor}">{tick.text}</text>'


def _text(text: str, *, x: int, y: int, kind: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escaped(text)}</text>'
