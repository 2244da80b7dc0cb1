# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of a page as values: written as HTML, or as JSON that the page's script makes elements of.

The JSON of an element is a list of its tag, its attributes and its children. A table is shorter: its kind, its caption
and its rows; the script gets the columns of each kind once. A child that is a text stays a text: no word of a server
becomes markup on either way.
"""

from __future__ import annotations

import collections.abc as c
import functools
import html
import json
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import printable

COLUMNS: t.Final[t.Mapping[str, tuple[tuple[str, str], ...]]] = {
    "needs": (
        ("Port", "port"),
        ("Needed by", ""),
        ("State", ""),
        ("Used by", ""),
        ("Reserved", ""),
        ("Risk at next boot", "number"),
    ),
    "waits": (("What", ""), ("In force", ""), ("Waits for", ""), ("Why", "")),
    "changes": (("Change", ""), ("Advised", ""), ("In force after", ""), ("Risk then", "number"), ("Note", "")),
    "ranges": (("What", ""), ("Protocol", ""), ("Ports", ""), ("Note", "")),
    "holders": (("Process", ""), ("Services", ""), ("TCP", "number"), ("UDP", "number"), ("Which", "")),
    "services": (("Service", ""), ("State", ""), ("Start", ""), ("Process", "number"), ("Last error", "number")),
}
"""The columns of each kind of table: the heading, and the class of its cells."""
_EMPTY: t.Final = frozenset({"path", "rect", "wbr"})
"""Elements that never have children."""


class Element(t.NamedTuple):
    """An element. Made by ``element``."""

    tag: str
    attributes: t.Mapping[str, str]
    children: t.Sequence[Node]


class Table(t.NamedTuple):
    """A table of a kind of ``COLUMNS``. Made by ``table``; a cell is a text, or several nodes."""

    kind: str
    caption: str
    rows: t.Sequence[t.Sequence[Cell]]


Node: t.TypeAlias = "str | Element | Table"
Cell: t.TypeAlias = "str | list[Node]"


def element(tag: str, *children: Node, **attributes: str) -> Element:
    """An element with its texts printable. ``data_host`` is the attribute ``data-host``, ``class_`` is ``class``."""
    named = {_name(word): printable(value) for word, value in attributes.items()}
    return Element(tag, named, [printable(child) if isinstance(child, str) else child for child in children])


@functools.cache
def _name(word: str) -> str:
    return word.rstrip("_").replace("_", "-")


def table(kind: str, caption: str, rows: c.Iterable[c.Iterable[Cell]]) -> Table:
    """A table with its texts printable."""
    return Table(kind, printable(caption), [[_cell(cell) for cell in row] for row in rows])


def _cell(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return printable(cell)
    return [printable(node) if isinstance(node, str) else node for node in cell]


def html_text(*nodes: Node) -> str:
    """The nodes as HTML; a picture is XML too."""
    parts: list[str] = []
    for node in nodes:
        _write(node, parts)
    return "".join(parts)


def _write(node: Node, parts: list[str]) -> None:
    if isinstance(node, str):
        parts.append(html.escape(node))
        return
    tag, attributes, children = _expanded(node) if isinstance(node, Table) else node
    own = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    if tag in _EMPTY:
        parts.append(f"<{tag}{own}/>")
        return
    parts.append(f"<{tag}{own}>")
    for child in children:
        _write(child, parts)
    parts.append(f"</{tag}>")


def _expanded(of: Table) -> Element:
    """The table as elements; the page's script does the same."""
    columns = COLUMNS[of.kind]
    heads = (element("th", head, scope="col", **_class(kind)) for head, kind in columns)
    rows = (
        element("tr", *(_cell_element(*cell) for cell in zip(row, columns, range(len(columns)), strict=True)))
        for row in of.rows
    )
    return element(
        "table",
        element("caption", of.caption),
        element("thead", element("tr", *heads)),
        element("tbody", *rows),
        class_=f"cards {of.kind}",
    )


def _cell_element(cell: Cell, column: tuple[str, str], place: int) -> Element:
    nodes = [cell] if isinstance(cell, str) else cell
    own = _class(column[1])
    return element("td", *nodes, **own) if place else element("th", *nodes, scope="row", **own)


def _class(kind: str) -> dict[str, str]:
    return {"class_": kind} if kind else {}


def script_text(value: t.Any) -> str:
    """Values and nodes as JSON for an element ``script``, which nothing in it ends."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
