# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet at a glance: by state, cause, kind of server and release, and by what became of each server."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import STATES, State
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import RELEASES
from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import CHANGES
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Change, Host

STATE_WORDS: t.Final[t.Mapping[State, str]] = {
    "critical": "\u2715 Critical",
    "warning": "\u25b2 Warning",
    "waiting": "\u25cf Waiting",
    "not_read": "? Not read",
    "well": "\u2713 Well",
}
CHANGE_WORDS: t.Final[t.Mapping[Change, str]] = {
    "worse": "\u2198 Worse",
    "better": "\u2197 Better",
    "same": "= As before",
    "unknown": "Not to be compared",
}
_SHORT: t.Final = "Windows Server "
_RISK: t.Final = "the next boot may take a port"
_UNREAD: t.Final = "not, or not all, was read"
_NO_ROLE: t.Final = "another kind"
_NAMES: t.Final[t.Mapping[str, str]] = {
    "dns": "DNS",
    "rpc": "RPC",
    "mta": "MTA",
    "ipsec": "IPsec",
    "activesync": "ActiveSync",
    "dotnet": ".NET",
    "autodiscover": "Autodiscover",
    "exchange": "Exchange",
    "windows": "Windows",
    "2008r2": "2008 R2",
}
"""Words of a kind of finding that are names; its other words are plain English as they stand."""


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """Servers that have something in common; ``key`` is unique on the page."""

    key: str
    label: str
    count: int


@dataclasses.dataclass(frozen=True, slots=True)
class Facet:
    """One way to divide the fleet; a server may be counted under several values, or under none."""

    name: str
    label: str
    values: tuple[Value, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """The facets, and for each server in the report's order the keys of its values."""

    facets: tuple[Facet, ...]
    keys: tuple[tuple[str, ...], ...]


def overview(report: Fleet) -> Overview:
    """The fleet divided in each way in which it has something to divide."""
    found: list[Facet] = []
    keys: list[list[str]] = [[] for _host in report.hosts]
    for name, label, read, order in _FACETS:
        seen = [tuple(dict.fromkeys(read(host))) for host in report.hosts]
        labels = sorted({item for items in seen for item in items}, key=order)
        numbered = {item: f"{name}-{number}" for number, item in enumerate(labels)}
        for own, items in zip(keys, seen, strict=True):
            own += [numbered[item] for item in items]
        values = (Value(key, item, sum(item in items for items in seen)) for item, key in numbered.items())
        found += [Facet(name, label, tuple(values))] if numbered else []
    return Overview(tuple(found), tuple(map(tuple, keys)))


def cause(kind: str) -> str:
    """A kind of finding in words: ``port taken by DNS pool``."""
    return " ".join(_NAMES.get(word, word) for word in kind.split("_"))


def release_order(host: Host) -> int:
    """A number that is the greater the newer the server's Windows is; 0 if that is not known."""
    numbers = [int(part) for part in host.version.split(".")[:3] if part.isdecimal()]
    if len(numbers) < 3:
        listed = next((row for row in RELEASES if row.name == host.release), None)
        numbers = [listed.major, listed.minor, listed.build] if listed else [0, 0, 0]
    return sum((row.major, row.minor, row.build) <= tuple(numbers) for row in RELEASES)


def _states(host: Host) -> t.Iterator[str]:
    yield STATE_WORDS[host.state]


def _causes(host: Host) -> t.Iterator[str]:
    yield from (cause(finding.kind) for finding in host.findings if finding.kind)
    if host.probability:
        yield _RISK
    yield from (f"waits for {AWAITED[name].event}" for name in AWAITED if name in host.waits_for)
    if host.state == "not_read":
        yield _UNREAD


def _roles(host: Host) -> t.Iterator[str]:
    if host.reading == "read":
        yield from host.roles or (_NO_ROLE,)


def _releases(host: Host) -> t.Iterator[str]:
    if host.release:
        yield host.release.removeprefix(_SHORT)


def _changes(host: Host) -> t.Iterator[str]:
    if host.change:
        yield CHANGE_WORDS[host.change]


_CAUSES_IN_ORDER: t.Final = (
    *map(cause, KINDS),
    _RISK,
    *(f"waits for {awaited.event}" for awaited in AWAITED.values()),
    _UNREAD,
)
_RELEASES_IN_ORDER: t.Final = tuple(dict.fromkeys(row.name.removeprefix(_SHORT) for row in RELEASES))


def _listed_first(order: t.Sequence[str]) -> t.Callable[[str], tuple[int, str]]:
    places = {name: place for place, name in enumerate(order)}
    return lambda name: (places.get(name, len(places)), name)


_FACETS: t.Final[tuple[tuple[str, str, t.Callable[[Host], t.Iterable[str]], t.Callable[[str], t.Any]], ...]] = (
    ("state", "State", _states, _listed_first([STATE_WORDS[state] for state in STATES])),
    ("change", "Since then", _changes, _listed_first([CHANGE_WORDS[change] for change in CHANGES])),
    ("cause", "Cause", _causes, _listed_first(_CAUSES_IN_ORDER)),
    ("role", "What it is", _roles, lambda name: (name == _NO_ROLE, name)),
    ("release", "Windows", _releases, _listed_first(_RELEASES_IN_ORDER)),
)
