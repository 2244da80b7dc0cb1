# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ranges that programs or the DNS server's pool draw from, and that have too few ports left; with their users."""

from __future__ import annotations

import collections
import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder, named, process_text
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import of_kind
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import report_only
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Facts,
    ProcessFact,
    ServicesOfProcessFact,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.free_ports import (
    DrawnRange,
    pool_ranges,
    program_ranges,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import answered, gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import configured_pool_range
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import pool_settings
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPort, UsedPortsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_NEARLY: t.Final = 10
"""A dynamic range of which less than one part in ten is free is nearly used up [K], our choice."""
_LONG_LIST: t.Final = 1000
"""Ports; shorter lists starve no range that Windows comes with."""
_SHOWN_USERS: t.Final = 3
_WAITING: t.Final = 0
"""The process of connections that wait for their end (TIME_WAIT)."""


def used_up_program_ranges(view: PortInfoView) -> list[Finding]:
    """The dynamic ranges with too few free ports; raises FactsNeeded."""
    return _used_up(program_ranges, _reserved(view), view)


def used_up_pool_range(view: PortInfoView) -> list[Finding]:
    """The same for the DNS server's pool: what can't be read of it costs nothing of the others. Raises FactsNeeded."""
    listed = pool_settings(view.facts).exclusions.ports if view.dns_service() else PortSet()
    return _used_up(_sure_pool_ranges, _reserved(view) + listed.count, view)


def _used_up(
    look: t.Callable[[Facts, Capabilities], tuple[DrawnRange, ...]], listed: int, view: PortInfoView
) -> list[Finding]:
    """A finding for each of the ranges with too few free ports; ``listed`` ports are kept from them by lists.

    Ports in use count if every socket is read anyway, or if few ports are left without them: a look at all connections
    takes a long answer. Ranges that no subset reads are looked at only if long lists of ports are kept from them.
    """
    facts = view.facts
    ranges_of = functools.partial(look, facts, view.context.capabilities)
    used: list[t.Callable[[], t.Any]] = (
        [functools.partial(facts.require, UsedPortsFact())] if view.inquiry.sees_all_sockets else []
    )
    if used or listed > _LONG_LIST:
        calls: list[t.Callable[[], t.Any]] = [*used, ranges_of]
        gathered(calls)
    ranges = [one for several in answered([ranges_of])[0] for one in several]
    if not used and not any(map(_may_be_used_up, ranges)):
        return []
    dns, rows = view.dns_service(), facts[UsedPortsFact()]
    counted = [one.with_used(rows, dns.process_id if dns else 0) for one in ranges]
    return gathered([functools.partial(_finding, one, rows, view) for one in counted if _is_used_up(one)])


def _reserved(view: PortInfoView) -> int:
    """The number of ports in a list of the registry that other findings read anyway."""
    return PortList(texts(view.facts[RESERVED_PORTS_FACT])).ports.count


def _may_be_used_up(one: DrawnRange) -> bool:
    return one.free < one.needed + one.ports.count // 2


def _sure_pool_ranges(facts: Facts, capabilities: Capabilities) -> tuple[DrawnRange, ...]:
    """The pool's range, unless it follows from a reading of MaxUserPort that the sources dispute."""
    ranges = pool_ranges(facts, capabilities)
    return () if ranges and configured_pool_range(facts, capabilities).rule == "count_from_start" else ranges


def _is_used_up(one: DrawnRange) -> bool:
    return one.free < one.needed or (one.drawer == "programs" and one.free * _NEARLY < one.ports.count)


def _finding(one: DrawnRange, rows: t.Collection[UsedPort], view: PortInfoView) -> Finding:
    users = _users(one, rows, view)
    most = f", most of them by {users[0][0]}" if users else ""
    return Finding(
        **of_kind("range_nearly_used_up", "critical" if one.free < one.needed else None),
        summary=f"{one.name[0].upper()}{one.name[1:]} is nearly used up: {one.free} of its {one.ports.count} ports are "
        "free.",
        cause=f"{one.kept_back} of them are reserved or excluded and {one.used} others are in use{most}. "
        f"{_COMES_OF_IT[one.drawer]}",
        evidence=(
            Evidence("socket", f"{one.used} in use, {one.kept_back} kept back, {one.free} free, {one.needed} needed"),
            *(Evidence("socket", f"{name} holds {count} of its ports") for name, count in users),
        ),
        service="DNS" if one.drawer == "dns_pool" else "",
        fix=report_only(_FIX[one.drawer]),
    )


_COMES_OF_IT: t.Final = {
    "programs": "Without a free port no outgoing connection opens: logon, DNS and backups fail, now and then at first.",
    "dns_pool": "The DNS server draws its pool from what is left, and again and again if that is too little.",
}
_FIX: t.Final = {
    "programs": "Report only. Look why its users need so many ports, keep fewer ports back (reserved_ports), or take a "
    "larger range (dynamic_ports).",
    "dns_pool": "Report only. Keep fewer ports from the pool (dns_socket_pool, reserved_ports), or take a larger range "
    "(dynamic_ports).",
}


def _users(one: DrawnRange, rows: t.Collection[UsedPort], view: PortInfoView) -> list[tuple[str, int]]:
    """The processes with most ports of a range, each with their number; raises FactsNeeded."""
    inside = {row for row in rows if row.protocol == one.protocol and row.port in one.ports}
    count = collections.Counter(row.process_id for row in inside)
    most = sorted(count.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_USERS]
    names = gathered([functools.partial(_name, process_id, one, view) for process_id, _ports in most])
    return [(name, ports) for name, (_process_id, ports) in zip(names, most, strict=True)]


def _name(process_id: int, one: DrawnRange, view: PortInfoView) -> str:
    if process_id == _WAITING:
        return "connections that wait for their end"
    view.facts.require(ServicesOfProcessFact(process_id), ProcessFact(process_id))
    found = named(Holder(one.protocol, one.ports.first, process_id, "", ()), view.context)
    return process_text(found.image, process_id, found.services)
