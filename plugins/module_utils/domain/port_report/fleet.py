# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All servers of a play: the worst first, counted, with one sentence for who has ten seconds."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.host import WAITS, Host, host_row
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.rows import (
    STATES,
    State,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """All servers of a play, the worst first, and how many there are in each state."""

    hosts: tuple[Host, ...]
    total: int
    states: t.Mapping[State, int]
    headline: str
    waits_for: t.Mapping[str, int]
    """How many servers wait for what."""


def fleet(results: t.Mapping[str, t.Mapping[str, t.Any]]) -> Fleet:
    """The report about the servers whose reading ended with these results, by their names in the inventory."""
    hosts = sorted((host_row(name, result) for name, result in results.items()), key=_worst_first)
    states: dict[State, int] = {state: sum(host.state == state for host in hosts) for state in STATES}
    return Fleet(
        hosts=tuple(hosts),
        total=len(hosts),
        states=states,
        headline=_headline(states, len(hosts)),
        waits_for={name: sum(name in host.waits_for for host in hosts) for name in WAITS},
    )


def _worst_first(host: Host) -> tuple[int, int, float, str]:
    return STATES.index(host.state), -host.critical - host.taken, -(host.probability or 0.0), host.name.casefold()


def _headline(states: t.Mapping[State, int], total: int) -> str:
    if not total:
        return "There are no servers in this report."
    servers = f"{total} servers" if total > 1 else "1 server"
    said = [f"{states['critical']} of {servers} critical" if states["critical"] else f"None of {servers} is critical"]
    said += [f"{states['warning']} with a warning"] if states["warning"] else []
    said += [f"{states['waiting']} waiting for a restart or reboot"] if states["waiting"] else []
    said += [f"{states['well']} well"] if states["well"] else []
    said += [f"{states['not_read']} not read"] if states["not_read"] else []
    return f"{', '.join(said)}."
