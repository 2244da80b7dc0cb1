# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fields and ports that a JMESPath expression uses, by its syntax tree: the server is asked for nothing else.

The tree is that of the Python package jmespath (``compile(...).parsed``): nodes with ``type``, ``children`` and
sometimes ``value``. A part that is not understood counts as about every port.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, LOWEST_PORT, PortSet

Node = t.Mapping[str, t.Any]

_SOCKETS: t.Final = "sockets"
_ON_WHOLE: t.Final = frozenset(
    {
        "multi_select_list",
        "multi_select_dict",
        "key_val_pair",
        "or_expression",
        "and_expression",
        "not_expression",
        "comparator",
        "function_expression",
    }
)
"""Each child of these nodes is evaluated on what the node itself is evaluated on."""
_FIRST_ON_WHOLE: t.Final = frozenset(
    {"subexpression", "index_expression", "projection", "value_projection", "flatten", "pipe", "filter_projection"}
)
"""Only the first child of these is; the others see the first one's result."""
_ON_NOTHING: t.Final = frozenset({"literal", "expref"})
"""Nodes that look at nothing, or at the elements of another argument."""


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """The names of the top-level fields (``None``: any of them), and the ports that alone matter among the sockets."""

    names: frozenset[str] | None
    ports: PortSet | None = None


def scope_of(tree: Node) -> Scope:
    """The fields that the expression uses, and the ports among the sockets.

    The ports are given only where sockets alone are looked at, and each time through a filter such as
    ``sockets[?port==`50636`]``: then reading only those gives the same answer.
    """
    uses = list(_uses(tree))
    if any(name is None for name, _ports in uses):
        return Scope(None)
    names = frozenset(name for name, _ports in uses if name)
    if names != {_SOCKETS}:
        return Scope(names)
    ports = _union(ports for _name, ports in uses)
    return Scope(names, ports)


_Use: t.TypeAlias = "tuple[str | None, PortSet | None]"


def _uses(node: Node) -> t.Iterator[_Use]:
    """Every look at the whole result: the field's name (``None``: the whole itself), and the ports that filter it."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        yield node["value"], None
    elif kind == "filter_projection" and _is_field(children[0], _SOCKETS):
        yield _SOCKETS, _ports_of_condition(children[2])
    elif kind in _FIRST_ON_WHOLE:
        yield from _uses(children[0])
    elif kind in _ON_WHOLE:
        for child in children:
            yield from _uses(child)
    elif kind not in _ON_NOTHING:
        yield None, None


def _ports_of_condition(node: Node) -> PortSet | None:
    """The ports without which the condition can't hold; ``None`` if it does not name them."""
    kind, children = node["type"], node["children"]
    if kind == "comparator" and node["value"] == "eq":
        return _ports_of_equation(*children)
    if kind == "and_expression":
        sides = [ports for child in children if (ports := _ports_of_condition(child)) is not None]
        return sides[0] if sides else None
    if kind == "or_expression":
        return _union(_ports_of_condition(child) for child in children)
    return None


def _ports_of_equation(left: Node, right: Node) -> PortSet | None:
    field, literal = (left, right) if left["type"] == "field" else (right, left)
    if not _is_field(field, "port") or literal["type"] != "literal":
        return None
    value = literal["value"]
    is_port = isinstance(value, int) and not isinstance(value, bool) and LOWEST_PORT <= value <= HIGHEST_PORT
    return PortSet.of(value) if is_port else None


def _is_field(node: Node, name: str) -> bool:
    return bool(node["type"] == "field" and node["value"] == name)


def _union(sets: t.Iterable[PortSet | None]) -> PortSet | None:
    """All ports of all sets; ``None`` if one of them is unknown."""
    union = PortSet()
    for ports in sets:
        if ports is None:
            return None
        union |= ports
    return union
