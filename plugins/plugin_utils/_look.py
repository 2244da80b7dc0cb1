# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One line for each server: its verdict, the worst thing there, and what to do next."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import seen_of, verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import harmless
from ansible_collections.portkeeper.windows.plugins.plugin_utils._fixes import next_steps

NOT_READ: t.Final = "NOT READ"
Facts = t.Mapping[str, t.Any]
Groups = t.Mapping[str, t.Collection[str]]


def look_lines(results: t.Mapping[str, Facts], groups: Groups | None) -> list[str]:
    """A line for each server, the worst first; ``groups`` are the servers of each group of the inventory."""
    return [str(harmless(_line(host, results[host.name], groups))) for host in fleet(results).hosts]


def _line(host: Host, result: Facts, groups: Groups | None) -> str:
    own = None if groups is None else [name for name, members in groups.items() if host.name in members]
    parts = _of_read(host, result, own) if host.reading == "read" else (f"{NOT_READ}.", host.message)
    return " ".join([f"{host.name}:", *filter(None, parts)])


def _of_read(host: Host, result: Facts, groups: t.Collection[str] | None) -> tuple[str, ...]:
    facts = result.get("result")
    facts = facts if isinstance(facts, t.Mapping) else result
    info = from_plain(PortInfo, facts) or PortInfo()
    seen = seen_of(info, asked=facts)
    found = verdict(seen, facts) or "NOT ALL READ"
    steps = next_steps(info, seen, host.name, groups)
    return f"{found}.", host.headline, f"Next: {' ; '.join(steps)}" if steps else ""
