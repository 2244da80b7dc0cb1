# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's own rows: all that its templates print, as texts and numbers, with nothing left to decide.

Texts are as servers gave them: the templates' engine escapes them and replaces control characters.
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
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.svg import svg

MOST_RANGES: t.Final = 6
"""Of the ports of a process so many ranges are written out."""
MOST_LETTERS: t.Final = 3_000_000
"""Letters of a page for the single ports of processes. If there are more, processes with few ports come first."""
LARGE: t.Final = 500
"""A page about more servers shows one map of each, and leaves the tables of all ports, processes and services to its
JSON, so that it stays under 10 MB for 1,000 servers."""
Fixes = t.Callable[[Host], t.Sequence[Fix]]
Row = dict[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A page."""

    report: Row
    """The fleet without its servers."""
    large: bool
    """Whether it shows less of each server, since there are so many."""
    overview: Overview
    hosts: tuple[Row, ...]
    sockets: tuple[Row, ...]
    """For the script, for each server: the processes and their ports, as ``port_code`` has them."""


def shown(report: Fleet, fixes: Fixes, drawn: t.Mapping[str, t.Sequence[Panel]]) -> Shown:
    """The page about a fleet; ``drawn`` has the panels of some servers that were drawn already."""
    divided = overview(report)
    read = sum(host.reading == "read" for host in report.hosts)
    letters = MOST_LETTERS // max(read, 1)
    return Shown(
        report=plain(dataclasses.replace(report, hosts=())),
        large=len(report.hosts) > LARGE,
        overview=divided,
        hosts=tuple(
            _host(host, number, keys, fixes(host), drawn.get(host.name))
            for number, (host, keys) in enumerate(zip(report.hosts, divided.keys, strict=True), start=1)
        ),
        sockets=tuple(_sockets(host, letters) for host in report.hosts),
    )


def _host(
    host: Host, number: int, keys: t.Sequence[str], fixes: t.Sequence[Fix], drawn: t.Sequence[Panel] | None
) -> Row:
    row: Row = plain(host, most_ranges=MOST_RANGES)
    for finding, fix in zip(row["findings"], fixes, strict=True):
        finding["fix"] = dataclasses.asdict(fix)
    return {
        **row,
        "number": number,
        "divided": " ".join(keys),
        "state_words": STATE_WORDS[host.state],
        "before_words": STATE_WORDS[host.before.state] if host.before else "",
        "change_words": CHANGE_WORDS[host.change] if host.change else "",
        "order": " ".join(f"{number:.6g}" for number in _order(host)),
        "maps": _maps(host, number, drawn),
    }


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


def _maps(host: Host, number: int, drawn: t.Sequence[Panel] | None) -> list[Row]:
    drawings = page_drawings(host, drawn or panels(host)) if host.reading == "read" else ()
    return [_map(host, one, f"map-{number}-{place}") for place, one in enumerate(drawings, start=1)]


def _map(host: Host, drawing: Drawing, key: str) -> Row:
    (panel,) = drawing.panels
    return {
        "svg": svg(drawing, name=host.name, key=key),
        "title": panel.title,
        "first": panel.ports.first,
        "last": panel.ports.last,
    }


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
