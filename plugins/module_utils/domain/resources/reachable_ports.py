# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excluded port ranges only where they mean something: of the ports that are asked for, those that can be drawn here.

From Windows Server 2008 on nothing below 49152 is drawn unless somebody has widened the dynamic range, as the setup of
Exchange 2007 does (KB929851). The DNS server's pool counts where the server has no list of its own for it (2008).
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import (
    FAMILIES,
    PROTOCOLS,
    DynamicRanges,
    DynamicRangesFact,
    ExclusionsFact,
    Protocol,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ipsec import MAX_USER_PORT_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import NO_PORTS, Context, Force, Plan
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.pool_range import max_user_port, pool_range
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.releases import DEFAULT_POOL_RANGE
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.resources import excluded_port_ranges
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.resources.service_start_mode import (
    current_mode,
    delayed_flag,
)

Ports = t.Mapping[Protocol, PortSet]

_CHOICE: t.Final = "The choice: set the dynamic range back (dynamic_ports, start 49152, number 16384)"
_CHOICES: t.Final = (
    "The choices: set the dynamic range back (dynamic_ports, start 49152, number 16384), remove MaxUserPort, or let "
    "DNS start delayed (service_start_mode)"
)


def plan(wanted: Ports, context: Context) -> Plan:
    """Exclude what can be drawn; raises PlanError, FactsNeeded."""
    by_programs, by_pool = _drawn_by_programs(context), _drawn_by_pool(context)
    drawn = {protocol: by_programs[protocol] | by_pool.get(protocol, NO_PORTS) for protocol in PROTOCOLS}
    reachable = {protocol: ports & drawn[protocol] for protocol, ports in wanted.items()}
    if not any(reachable.values()):
        return _nothing(Force("yes", f"None of {_shown(wanted)} is ever drawn at random here ({_shown(drawn)} are)."))
    robbed = {protocol: ports & by_pool.get(protocol, NO_PORTS) for protocol, ports in wanted.items()}
    if context.facts[ExclusionsFact()] is None:
        return _without_verb(reachable, any(robbed.values()), context)
    made = excluded_port_ranges.plan(reachable, "present", context, patient=True)
    return dataclasses.replace(made, warnings=(*made.warnings, *_pool_warning(robbed)))


def _drawn_by_programs(context: Context) -> dict[Protocol, PortSet]:
    """What programs get that ask for any free port, over IPv4 or IPv6."""
    # One command line answers both; asked one after the other, they would be two.
    netsh = (DynamicRangesFact(), ExclusionsFact())
    context.facts.require(*netsh, *(_POOL_QUESTIONS if _pool_is_open(context) else ()))
    ranges = context.facts[DynamicRangesFact()]
    return {protocol: _range_of(protocol, ranges) for protocol in PROTOCOLS}


def _range_of(protocol: Protocol, ranges: DynamicRanges | None) -> PortSet:
    if ranges is None:
        return PortSet.of(DEFAULT_POOL_RANGE)
    return PortSet.of(*(ranges.of(family, protocol) for family in FAMILIES))


def _drawn_by_pool(context: Context) -> dict[Protocol, PortSet]:
    dns = context.facts[ServiceFact(DNS_SERVICE)] if _pool_is_open(context) else None
    if dns is None or current_mode(dns, context) == "delayed":
        return {}
    ranges = context.facts[DynamicRangesFact()]
    dynamic: PortRange | None = ranges.udp if ranges else None
    return {"udp": PortSet.of(pool_range(context.capabilities, max_user_port(context.facts), dynamic).ports)}


_POOL_QUESTIONS: t.Final = (ServiceFact(DNS_SERVICE), MAX_USER_PORT_FACT, delayed_flag(DNS_SERVICE))


def _pool_is_open(context: Context) -> bool:
    """Whether the DNS server has no list of ports that it leaves alone; where it has, that is another resource."""
    return not context.capabilities.dns_pool_exclusions


def _nothing(force: Force, warnings: tuple[str, ...] = ()) -> Plan:
    shown = {"mechanism": "netsh"}
    return Plan("reserved_ports", shown, shown, force, warnings=warnings)


def _without_verb(reachable: Ports, by_pool: bool, context: Context) -> Plan:
    """Nothing can be excluded here: no error, since what else the run does still helps, but never 'in force'."""
    takers = "programs and the DNS server's pool" if by_pool else "programs that ask for any free port"
    reason = (
        f"{_shown(reachable)} can be drawn at random by {takers}, and netsh of this {context.release.name} can't "
        "exclude them without the hotfix KB2665809."
    )
    return _nothing(Force("no", reason), (f"{reason} {_CHOICES if by_pool else _CHOICE}.",))


def _pool_warning(robbed: Ports) -> tuple[str, ...]:
    if not any(robbed.values()):
        return ()
    warning = (
        f"{_shown(robbed)} can be in the DNS server's pool too, and that DNS honours excluded port ranges is not "
        f"documented (assumed: it does not). {_CHOICES}."
    )
    return (warning,)


def _shown(ports: Ports) -> str:
    return ", ".join(f"{protocol.upper()} {found}" for protocol, found in ports.items() if found)
