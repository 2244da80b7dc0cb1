# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All servers of a play: the worst first, counted, with one sentence for who has ten seconds."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import STATES, State
from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import (
    SCHEMA,
    SCHEMA_VERSION,
    Comparison,
    EarlierReport,
    with_earlier,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host, host_row
from ansible_collections.portkeeper.windows.plugins.module_utils._page.network import compared

WORDS: t.Final[t.Mapping[State, str]] = {
    "critical": "critical",
    "warning": "with a warning",
    "waiting": "waiting for a restart or reboot",
    "not_read": "not fully read",
    "well": "well",
}
"""Behind a number of servers."""
READ_AT: t.Final = "%Y-%m-%d %H:%M UTC"
"""The form of the time at which servers were read, unless the user gives another one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a report comes from: all that is not read off the servers."""

    product: str = "portkeeper.windows"
    product_version: str = ""
    read_at: str = ""
    """When the servers were read, in words."""
    inventory: tuple[str, ...] = ()
    """The sources of the inventory."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All servers of a play, the worst first, and how many there are in each state."""

    schema: str = SCHEMA
    version: int = SCHEMA_VERSION
    product: str
    product_version: str
    read_at: str
    inventory: tuple[str, ...]
    headline: str
    total: int
    states: t.Mapping[State, int]
    waits_for: t.Mapping[str, int]
    """The number of servers that wait for each event, by the keys of ``waits.AWAITED``."""
    by_itself: int
    """The number of servers that the next boot completes without an action."""
    events: t.Mapping[str, str]
    """The events that servers wait for, in words."""
    before: Comparison | None
    """The comparison with an earlier report, if there is one."""
    hosts: tuple[Host, ...]


def fleet(
    results: t.Mapping[str, t.Mapping[str, t.Any]],
    *,
    origin: Origin = Origin(),
    earlier: EarlierReport | None = None,
) -> Fleet:
    """The report about the servers whose reading ended with these results, by their names in the inventory."""
    hosts: t.Sequence[Host] = compared([host_row(name, result) for name, result in results.items()])
    hosts, before = with_earlier(hosts, earlier) if earlier else (hosts, None)
    hosts = sorted(hosts, key=_worst_first)
    states: dict[State, int] = {state: sum(host.state == state for host in hosts) for state in STATES}
    return Fleet(
        product=origin.product,
        product_version=origin.product_version,
        read_at=origin.read_at,
        inventory=origin.inventory,
        headline=_headline(states, len(hosts)),
        total=len(hosts),
        states=states,
        waits_for={name: sum(name in host.waits_for for host in hosts) for name in AWAITED},
        by_itself=sum(bool(host.by_itself) for host in hosts),
        events={name: awaited.event for name, awaited in AWAITED.items()},
        before=before,
        hosts=tuple(hosts),
    )


def _worst_first(host: Host) -> tuple[int, int, float, str]:
    return STATES.index(host.state), -host.critical - host.taken, -(host.probability or 0.0), host.name.casefold()


def _headline(states: t.Mapping[State, int], total: int) -> str:
    if not total:
        return "There are no servers in this report."
    if total == 1:
        return f"1 server: {WORDS[next(state for state in STATES if states[state])]}."
    said = [f"{states['critical']} of {total} servers critical"]
    said = said if states["critical"] else [f"None of {total} servers is critical"]
    said += [f"{states[state]} {words}" for state, words in WORDS.items() if states[state] and state != "critical"]
    return f"{', '.join(said)}."
