# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's own rows: all that its templates print, as texts and numbers, with nothing left to decide.

Texts are as servers gave them: the templates' engine and ``elements`` escape them and replace control characters.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import STATES
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import printable
from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import CHANGES
from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import (
    Drawing,
    Panel,
    page_drawings,
    panels,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import Node, html_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fixes import Fix
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.module_utils._page.overview import (
    CHANGE_WORDS,
    STATE_WORDS,
    Overview,
    overview,
    release_order,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.port_code import coded
from ansible_collections.portkeeper.windows.plugins.module_utils._page.server_parts import (
    Map,
    Server,
    later_parts,
    opened,
    parts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.svg import svg

MOST_LETTERS: t.Final = 3_000_000
"""Letters of a page for the single ports of processes. If there are more, processes with few ports come first."""
LARGE: t.Final = 500
"""A page about more servers shows one map of each, and leaves the tables of all ports, processes and services to its
JSON, so that it stays under 10 MB for 1,000 servers."""
Fixes = t.Callable[[Host], t.Sequence[Fix]]
Row = dict[str, t.Any]
Drawn = t.Mapping[str, t.Sequence[Panel]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page."""

    report: Row
    """The fleet without its servers."""
    large: bool
    """Whether it shows less of each server, since there are so many."""
    overview: Overview
    hosts: tuple[Row, ...]
    parts: tuple[t.Sequence[Node], ...]
    """For the script: the parts that are drawn when they are opened, by the places that the servers name."""
    sockets: tuple[Row, ...]
    """For the script, for each server: the processes and their ports, as ``port_code`` has them."""


def shown(report: Fleet, rows: Row, fixes: Fixes, drawn: Drawn) -> Shown:
    """The page about a fleet; ``rows`` is the same by ``rows.plain``, ``drawn`` has panels that were drawn before."""
    divided = overview(report)
    read = sum(host.reading == "read" for host in report.hosts)
    letters = MOST_LETTERS // max(read, 1)
    large = len(report.hosts) > LARGE
    found: list[t.Sequence[Node]] = []
    hosts: list[Row] = []
    for number, (host, row, keys) in enumerate(zip(report.hosts, rows["hosts"], divided.keys, strict=True), start=1):
        hosts.append({**row, **_line(host, number, keys)})
        if host.reading == "read":
            server = Server(
                row=row,
                number=number,
                fixes=fixes(host),
                maps=_maps(host, number, drawn.get(host.name), most=1 if large else 2),
                events=rows["events"],
                large=large,
            )
            hosts[-1].update(_looked_at(host, server, found))
    return Shown(
        report={name: value for name, value in rows.items() if name != "hosts"},
        large=large,
        overview=divided,
        hosts=tuple(hosts),
        parts=tuple(found),
        sockets=tuple(_sockets(host, letters) for host in report.hosts),
    )


def _line(host: Host, number: int, keys: t.Sequence[str]) -> Row:
    return {
        "number": number,
        "divided": " ".join(keys),
        "state_words": STATE_WORDS[host.state],
        "before_words": STATE_WORDS[host.before.state] if host.before else "",
        "change_words": CHANGE_WORDS[host.change] if host.change else "",
        "order": " ".join(f"{number:.6g}" for number in _order(host)),
    }


def _looked_at(host: Host, server: Server, found: list[t.Sequence[Node]]) -> Row:
    """What is seen at once of a server, as HTML, and the places of the rest, which is added to ``found``.

    Of a server that is well all is drawn when it is opened.
    """
    later = later_parts(server)
    place = len(found)
    if host.state == "well":
        found.append([*parts(server), *map(opened, later)])
        return {"place": place}
    found.extend(part.parts for part in later)
    summaries = [(place + index, part.summary) for index, part in enumerate(later)]
    return {"html": html_text(*parts(server)), "later": summaries}


ORDERS: t.Final = ("state", "change", "risk", "findings", "waits", "release")
"""The columns that a table can be sorted by, in the order of a row's numbers for them."""


def _order(host: Host) -> tuple[float, ...]:
    """A number for each of the columns; the worst has the greatest."""
    unread = host.reading != "read"
    waits = 2 if host.waits_for else 1 if host.by_itself else 0
    return (
        -STATES.index(host.state),
        0 if host.change is None else -CHANGES.index(host.change),
        -1 if host.probability is None else host.probability,
        -1 if unread else (min(host.critical, 99) * 100 + min(host.warning, 99)) * 100 + min(host.information, 99),
        -1 if unread else waits,
        # The older the worse; behind all others if it is not known.
        -release_order(host) or -(10**9),
    )


def _maps(host: Host, number: int, drawn: t.Sequence[Panel] | None, *, most: int) -> list[Map]:
    drawings = page_drawings(host, drawn or panels(host))[:most]
    return [_map(host, one, f"map-{number}-{place}") for place, one in enumerate(drawings, start=1)]


def _map(host: Host, drawing: Drawing, key: str) -> Map:
    (panel,) = drawing.panels
    return Map(svg(drawing, name=host.name, key=key), panel.title, panel.ports.first, panel.ports.last)


def _sockets(host: Host, most_letters: int) -> Row:
    """The processes of a server with their ports, those with the fewest ports first, as far as there is room."""
    rows: list[tuple[str, str, str]] = []
    left = most_letters
    holders = sorted(host.holders, key=lambda holder: holder.tcp_count + holder.udp_count)
    for holder in holders:
        text = f"the DNS server's pool, {holder.text}" if holder.pool else holder.text
        row = (printable(text), coded(holder.tcp), coded(holder.udp))
        left -= sum(map(len, row))
        if left < 0:
            break
        rows.append(row)
    return {"processes": rows, "missing": len(holders) - len(rows)}
