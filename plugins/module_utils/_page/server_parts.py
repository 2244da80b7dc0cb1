# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a page about one server: its findings, who needs which port, its map, its risk, its processes."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import percent
from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import (
    Cell,
    Element,
    Node,
    element,
    table,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fixes import Fix

MOST_RANGES: t.Final = 6
"""Of the ports of a process so many ranges are written out."""
_MOST_PROCESSES: t.Final = 12
_MOST_PORTS: t.Final = 12
_MOST_HELD_BY: t.Final = 6
_MOST_KEPT: t.Final = 8
_NONE: t.Final = "\u2013"
_SEVERITY_WORDS: t.Final[t.Mapping[str, str]] = {
    "critical": "\u2715 Critical",
    "warning": "\u25b2 Warning",
    "information": "i Note",
}
_SEEN_WORDS: t.Final = {
    "service": "Service",
    "event": "Event",
    "socket": "Socket",
    "registry": "Registry",
    "netsh": "netsh",
    "counter": "Counter",
    "adapter": "Adapter",
    "update": "Update",
}
_KEPT_WORDS: t.Final = {
    "reserved": "Reserved",
    "left_out_of_pool": "Left out of the DNS pool",
    "windows_block": "Reserved by Windows itself",
}
_DRAWN_WORDS: t.Final = {
    "dns_pool": "The DNS server's pool is drawn at random from",
    "programs": "Programs get ports drawn at random from",
}
_MARKS: t.Final = "\u2715 needed port that another process uses; \u25bc used by its owner; \u25bd free. "
_CHOICES: t.Final = ", where C(n, k) counts the choices of k out of n."
Row = t.Mapping[str, t.Any]
Events = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Map:
    """A picture of ports, its title, and the first and the last port in it."""

    picture: Element
    title: str
    first: int
    last: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that was read, and what its parts are made of."""

    row: Row
    """As ``rows.plain`` makes it."""
    number: int
    """Its place on the page, from 1; identifiers have it."""
    fixes: t.Sequence[Fix]
    """Of its findings."""
    maps: t.Sequence[Map]
    events: Events
    large: bool
    """Whether the page shows less of each server."""


@dataclasses.dataclass(frozen=True, slots=True)
class Later:
    """What is drawn when its line is opened."""

    summary: str
    parts: tuple[Node, ...]


def percentage(probability: float | None) -> str:
    """A probability for people; a dash if it is not known."""
    return _NONE if probability is None else percent(probability)


def parts(server: Server) -> list[Node]:
    """What is seen at once of a server that is looked at."""
    row = server.row
    found: list[Node] = [
        _finding(finding, fix, f"fix-{server.number}-{place}", server.events)
        for place, (finding, fix) in enumerate(zip(row["findings"], server.fixes, strict=True), start=1)
    ]
    if row["waiting"]:
        found.append(_waiting(row, server.events))
    found += [element("p", note, class_="soft") for note in row["notes"]]
    if row["needs"]:
        found.append(_needs(row))
    return [*found, _figure(server, 0)]


def later_parts(server: Server) -> list[Later]:
    """The rest, each part behind a line of its own."""
    row = server.row
    found: list[Later] = []
    if len(server.maps) > 1 and not server.large:
        found.append(Later(server.maps[1].title, (_figure(server, 1),)))
    if row["risk"]:
        summary = f"Risk at the next boot: {percentage(row['probability'])}"
        found.append(Later(summary, tuple(_risk(row["risk"], server.events))))
    if not server.large:
        found.append(Later("The map as text, processes and services", tuple(_numbers(row))))
    return found


def opened(later: Later) -> Element:
    """Such a part with its line, inside what is drawn on demand already."""
    return element("details", element("summary", later.summary), *later.parts, class_="later")


# --- findings and fixes ----------------------------------------------------------------------------------------------


def _finding(finding: Row, fix: Fix, key: str, events: Events) -> Element:
    severity = str(finding["severity"])
    word = element("span", _SEVERITY_WORDS.get(severity, severity), class_=f"state {severity}")
    return element(
        "div",
        element("p", word, " ", element("strong", finding["summary"])),
        *_paragraphs(finding["cause"], _configured(finding, events)),
        *_fix(fix, key),
        element("details", element("summary", "Evidence and source"), element("dl", *_evidence(finding))),
        class_=f"finding is-{severity}",
    )


def _paragraphs(*texts: str) -> c.Iterator[Element]:
    return (element("p", text) for text in texts if text)


def _configured(finding: Row, events: Events) -> str:
    if finding["configured"] is None:
        return ""
    if not finding["configured"]:
        return "What is configured does not fix it."
    event = finding["waits_for"]
    return f"The fix is configured and waits for {events.get(event, event)}." if event else "The fix is configured."


def _evidence(finding: Row) -> c.Iterator[Element]:
    for item in finding["evidence"]:
        time = f" ({item['time']})" if item["time"] else ""
        yield from _pair(_SEEN_WORDS.get(item["seen_in"], item["seen_in"]), f"{item['text']}{time}")
    ports = [f"{row['protocol'].upper()} {row['port']}" for row in finding["ports"]]
    if ports:
        more = f" and {len(ports) - _MOST_PORTS} more" if len(ports) > _MOST_PORTS else ""
        owner = f" of {finding['service']}" if finding["service"] else ""
        yield from _pair("Ports", f"{', '.join(ports[:_MOST_PORTS])}{more}{owner}")
    for text in finding["held_by"][:_MOST_HELD_BY]:
        yield from _pair("Used by", text)
    if finding["source"]:
        yield from _pair("Source", finding["source"])


def _pair(name: str, text: str) -> tuple[Element, Element]:
    return element("dt", name), element("dd", text)


def _fix(fix: Fix, key: str) -> c.Iterator[Element]:
    yield from _paragraphs(*fix.advice)
    for place, command in enumerate(fix.commands, start=1):
        yield from _to_paste(f"{key}-{place}", command, "and then:" if place > 1 else "Fix it by this command:")
    if fix.tasks and fix.commands:
        own = _to_paste(f"{key}-task", fix.tasks, "To paste into a list of tasks:")
        yield element("details", element("summary", "The same as a task"), *own, class_="task")
    elif fix.tasks:
        yield from _to_paste(f"{key}-task", fix.tasks, "Fix it by this task, to paste into a list of tasks:")


def _to_paste(key: str, text: str, lead: str) -> tuple[Element, Element]:
    about = {"type": "button", "data_copies": key, "aria_describedby": key}
    button = element("button", "Copy", **about, data_script="", hidden="")
    return element("p", f"{lead} ", button, class_="lead"), element("pre", text, id=key, tabindex="0")


# --- tables ----------------------------------------------------------------------------------------------------------


def _needs(row: Row) -> Node:
    named: set[str] = set()
    rows: list[list[Cell]] = []
    for need in row["needs"]:
        service, product = need["service"], need["product"]
        first = product and service not in named
        named |= {service} if first else set()
        kept = (need["reserved"] and "reserved", need["left_out_of_pool"] and "left out of the DNS pool")
        rows.append(
            [
                f"{need['protocol'].upper()} {_span(need['first'], need['last'])}",
                _with_soft(service, product) if first else service,
                _state(need),
                "; ".join(need["held_by"]) or "nobody",
                ", ".join(filter(None, kept)) or "no",
                percentage(need["probability"]),
            ]
        )
    return table("needs", "Who needs which port, and who uses it", rows)


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}-{last}"


def _with_soft(text: str, more: str) -> list[Node]:
    return [f"{text} ", element("span", more, class_="soft")]


def _state(need: Row) -> Cell:
    if need["any_will_do"]:
        return "any of them will do"
    if need["state"] == "taken":
        return [element("span", "\u2715 used by another", class_="taken")]
    return "\u2713 used by its owner" if need["state"] == "held" else "free"


def _waiting(row: Row, events: Events) -> Node:
    rows = (
        (
            item["what"],
            "from the next boot on" if item["by_itself"] else item["effective"],
            events.get(item["waits_for"], _NONE) + (", by itself" if item["by_itself"] else ""),
            item["reason"] or _NONE,
        )
        for item in row["waiting"]
    )
    return table("waits", "Configured, and not (or not for sure) in force", rows)


def _risk(risk: Row, events: Events) -> c.Iterator[Node]:
    drawn = f" {risk['drawn']:,} of {risk['drawable']:,} ports are drawn." if risk["drawn"] else ""
    formula: list[Node] = []
    if risk["formula"]:
        formula = [" As a formula: ", element("code", risk["formula"]), _CHOICES]
    yield element("p", f"{risk['reason']}{drawn}", *formula)
    if risk["candidates"]:
        yield table("changes", "What a change would make of the risk", _changes(risk, events))
    for doubt in risk["doubts"]:
        than = percentage(doubt["probability"])
        yield element("p", f"Not certain: {doubt['sentence']} If it is otherwise, the risk is {than}.")


def _changes(risk: Row, events: Events) -> c.Iterator[tuple[str, ...]]:
    for change in risk["candidates"]:
        advised = "yes" if change["advised"] else "no"
        after = events.get(change["takes_effect"], "nothing, at once")
        yield change["how"], advised, after, percentage(change["probability"]), change["note"]


def _numbers(row: Row) -> c.Iterator[Node]:
    yield table("ranges", "What ports are drawn at random from, and what is reserved", _ranges(row))
    holders = row["holders"]
    caption = f"Who uses ports: {len(holders)} processes"
    yield table("holders", caption, map(_holder, holders[:_MOST_PROCESSES]))
    more = len(holders) - _MOST_PROCESSES
    if more > 0:
        yield element("p", f"{more} more processes stand in report.json.", class_="soft")
    yield table("services", "Services", map(_service, row["services"]))


def _ranges(row: Row) -> c.Iterator[tuple[str, ...]]:
    for item in row["drawn_from"]:
        yield _DRAWN_WORDS[item["kind"]], item["protocol"].upper(), item["ports"], item["note"]
    for item in row["kept"]:
        ports = _first(item["ports"], _MOST_KEPT, at_least=1) or _NONE
        yield _KEPT_WORDS[item["kind"]], item["protocol"].upper(), ports, f"{item['count']:,} ports"


def _first(ranges: t.Sequence[str], most: int, *, at_least: int) -> str:
    """The first of some ranges, and how many more there are if these are ``at_least`` so many."""
    more = len(ranges) - most
    return ", ".join(ranges) if more < at_least else f"{', '.join(ranges[:most])} and {more:,} more ranges"


def _holder(row: Row) -> tuple[str, ...]:
    kinds = f"{', socket pool' if row['pool'] else ''}{', outgoing connections' if row['outgoing'] else ''}"
    ports = ((name.upper(), row[name]) for name in ("tcp", "udp"))
    return (
        f"{row['image'] or 'gone'} {row['process_id']}{kinds}",
        ", ".join(row["services"]) or _NONE,
        f"{row['tcp_count']:,}",
        f"{row['udp_count']:,}",
        "; ".join(f"{name} {_first(text.split(', '), MOST_RANGES, at_least=2)}" for name, text in ports if text),
    )


def _service(row: Row) -> tuple[Cell, ...]:
    name = _with_soft(row["service"], row["display_name"])
    return name, row["state"], row["start_mode"], str(row["process_id"] or _NONE), str(row["exit_code"])


# --- maps ------------------------------------------------------------------------------------------------------------


def _figure(server: Server, place: int) -> Element:
    shown = server.maps[place]
    ends = (element("span", f"{port}") for port in (shown.first, shown.last))
    return element(
        "figure",
        shown.picture,
        element("p", *ends, class_="ends soft", aria_hidden="true"),
        *([] if place else [_legend(server.row["name"])]),
        data_host=f"{server.number}",
    )


def _legend(name: str) -> Element:
    own = {"type": "button", "data_saves": "", "data_name": name, "aria_label": f"Save the map of {name}"}
    return element("figcaption", _MARKS, element("button", "Save as SVG", **own, data_script="", hidden=""))
