# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Excluded port ranges, but only of those wanted ports that can be drawn on this server.

From Windows Server 2008 on nothing below 49152 is drawn unless the dynamic range was widened, as the setup of
Exchange 2007 does (KB929851). The DNS server's pool counts if the server has no list of its own for it (2008).
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    NO_PORTS,
    Context,
    Effectiveness,
    Plan,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import excluded_port_ranges
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.service_start_mode import (
    current_mode,
    pulled_forward_by,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import weakest
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import why_void
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import (
    drawn_by_programs,
    range_by_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    DynamicRangesFact,
    ExclusionsFact,
    Protocol,
    Service,
    ServiceFact,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import (
    max_user_port,
    pool_range,
    range_by_the_other_reading,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import CONTESTED
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

Ports = t.Mapping[Protocol, PortSet]

_RANGE: t.Final = "set a dynamic range that misses these ports (dynamic_ports, such as start 49152, number 16384)"
_OTHER_PORTS: t.Final = "give their service other ports"
_CHOICE: t.Final = f"The choices: {_RANGE}, or {_OTHER_PORTS}"
_CHOICES: t.Final = f"The choices: let DNS start delayed (service_start_mode), {_RANGE}, or {_OTHER_PORTS}"
_REMOVE: t.Final = "The choice: remove MaxUserPort (dynamic_ports, max_user_port: default), which only DNS reads here"


class _RandomDraws(t.NamedTuple):
    """The ports that can be drawn at random on a server, by the programs that draw them."""

    programs: Ports
    """By programs that ask for any free port."""
    pool: PortSet = NO_PORTS
    """By the DNS server, UDP, if it has no list of its own of excluded ports."""
    disputed: PortSet = NO_PORTS
    """By the DNS server, too, if MaxUserPort means what other sources say."""
    highest: int | None = None
    """MaxUserPort."""

    @property
    def all(self) -> Ports:
        """By any program."""
        return {"tcp": self.programs["tcp"], "udp": self.programs["udp"] | self.pool}


def plan(wanted: Ports, context: Context) -> Plan:
    """Exclude what can be drawn; raises PlanError, FactsNeeded."""
    draws = _random_draws(context)
    reachable = {protocol: ports & draws.all[protocol] for protocol, ports in wanted.items()}
    exposed, disputed = (wanted.get("udp", NO_PORTS) & ports for ports in (draws.pool, draws.disputed))
    if not any(reachable.values()):
        made = _nothing(wanted, draws, context)
    elif context.facts[ExclusionsFact()] is None:
        made = _without_verb(reachable, exposed, context)
    else:
        made = _with_pool(excluded_port_ranges.plan(reachable, "present", context, patient=True), exposed, context)
    return _with_dispute(made, disputed - exposed, draws)


def report(wanted: Ports, context: Context) -> Plan:
    """Change nothing, and name the ports that can be taken at random as the server is; raises FactsNeeded."""
    draws, kept = (_random_draws(context), _excluded(context)) if _has_ranges(context) else _of_nt5(context)
    programs = {protocol: (ports & draws.programs[protocol]) - kept[protocol] for protocol, ports in wanted.items()}
    # The DNS server is taken not to honour netsh's exclusions; ReservedPorts it honours.
    honoured = NO_PORTS if _has_ranges(context) else kept["udp"]
    pool, disputed = ((wanted.get("udp", NO_PORTS) & ports) - honoured for ports in (draws.pool, draws.disputed))
    by_programs, by_dns = _shown(programs), _shown({"udp": pool})
    taken = [
        *([f"{by_programs} by programs that ask for any free port"] if by_programs else []),
        *([f"{by_dns} by the DNS server at each of its starts"] if by_dns else []),
    ]
    reason = (
        f"While no service holds them, ports can be taken at random: {'; '.join(taken)}."
        if taken
        else f"None of {_shown(wanted)} can be taken at random here."
    )
    details = _left_open(programs=programs, pool=pool)
    details["unprotected"]["disputed"] = _texts({"udp": disputed - pool})
    return _unchanged(Effectiveness("yes", reason), details)


def _has_ranges(context: Context) -> bool:
    return context.capabilities.dynamic_port_ranges


def _excluded(context: Context) -> dict[Protocol, PortSet]:
    exclusions = context.facts[ExclusionsFact()]
    return {protocol: PortSet(exclusions.administered(protocol)) if exclusions else NO_PORTS for protocol in PROTOCOLS}


def _of_nt5(context: Context) -> tuple[_RandomDraws, dict[Protocol, PortSet]]:
    """Of Windows Server 2003, where ReservedPorts keeps ports from everybody."""
    context.facts.require(MAX_USER_PORT_FACT, RESERVED_PORTS_FACT, ServiceFact(DNS_SERVICE))
    highest = max_user_port(context.facts)
    programs = dict.fromkeys(PROTOCOLS, PortSet.of(range_by_max_user_port(highest)))
    pool = PortSet.of(pool_range(context.capabilities, highest, None).ports)
    draws = _RandomDraws(programs, pool if context.facts[ServiceFact(DNS_SERVICE)] else NO_PORTS)
    return draws, dict.fromkeys(PROTOCOLS, PortList(texts(context.facts[RESERVED_PORTS_FACT])).reliable)


def _random_draws(context: Context) -> _RandomDraws:
    # One command line answers both; asked one after the other, they would be two.
    netsh = (DynamicRangesFact(), ExclusionsFact())
    context.facts.require(*netsh, *(_POOL_QUESTIONS if _pool_is_open(context) else ()))
    ranges = context.facts[DynamicRangesFact()]
    programs = {protocol: drawn_by_programs(ranges, protocol) for protocol in PROTOCOLS}
    dns = context.facts[ServiceFact(DNS_SERVICE)] if _pool_is_open(context) else None
    if dns is None or _keeps_its_delay(dns, context):
        return _RandomDraws(programs)
    highest = max_user_port(context.facts)
    pool = pool_range(context.capabilities, highest, ranges.udp if ranges else None).ports
    other = range_by_the_other_reading(context.capabilities, highest)
    return _RandomDraws(programs, PortSet.of(pool), PortSet.of(*([other] if other else [])), highest)


def _keeps_its_delay(dns: Service, context: Context) -> bool:
    """True if DNS draws its pool after the services that start at the boot."""
    return current_mode(dns, context) == "delayed" and not pulled_forward_by(dns.name, context)


def _choices(context: Context) -> str:
    """The choices that are left for ports that DNS draws; a delay that Windows would not keep is none."""
    can_delay = context.capabilities.delayed_start
    pulled_by = pulled_forward_by(DNS_SERVICE, context) if can_delay else ()
    return f"{why_void(DNS_SERVICE, pulled_by)} {_CHOICE}".strip() if pulled_by else _CHOICES


_POOL_QUESTIONS: t.Final = (ServiceFact(DNS_SERVICE), MAX_USER_PORT_FACT, delayed_flag(DNS_SERVICE))


def _pool_is_open(context: Context) -> bool:
    """True if the DNS server has no list of ports that it leaves alone; if it has, that list is another resource."""
    return not context.capabilities.dns_pool_exclusions


def _left_open(*, programs: Ports, pool: PortSet) -> dict[str, t.Any]:
    """The returned value that names what stays in danger, by who can take it."""
    found: dict[str, Ports] = {"programs": programs, "dns_pool": {"udp": pool}, "disputed": {}}
    return {"unprotected": {taker: _texts(ports) for taker, ports in found.items()}}


def _texts(ports: Ports) -> list[str]:
    return [f"{block.text}/{protocol}" for protocol, found in ports.items() for block in found.ranges]


def _nothing(wanted: Ports, draws: _RandomDraws, context: Context) -> Plan:
    where = "here" if _pool_is_open(context) else "by programs here"
    reason = f"None of {_shown(wanted)} is ever drawn at random {where} ({_shown(draws.all)} are)."
    return _unchanged(Effectiveness("yes", reason), _left_open(programs={}, pool=NO_PORTS))


def _unchanged(effectiveness: Effectiveness, details: t.Mapping[str, t.Any], warnings: tuple[str, ...] = ()) -> Plan:
    shown = {"mechanism": "netsh"}
    return Plan("reserved_ports", shown, shown, effectiveness, warnings=warnings, details=details)


def _without_verb(reachable: Ports, exposed: PortSet, context: Context) -> Plan:
    """Nothing can be excluded here: no error, since what else the run does still helps, but never 'in force'."""
    programs = "programs that ask for any free port"
    draws = f"{programs}, and by the DNS server at each of its starts" if exposed else programs
    reason = (
        f"{_shown(reachable)} can be taken at random by {draws}: netsh of this {context.release.name} can't exclude "
        "ports without the hotfix KB2665809."
    )
    choices = f"{_choices(context) if exposed else _CHOICE}."
    return _unchanged(
        Effectiveness("no", reason), _left_open(programs=reachable, pool=exposed), (f"{reason} {choices}",)
    )


def _with_pool(made: Plan, exposed: PortSet, context: Context) -> Plan:
    """The plan with a warning of ``exposed``: netsh keeps them from programs, but the DNS server may draw them."""
    details = {**made.details, **_left_open(programs={}, pool=exposed)}
    if not exposed:
        return made._replace(details=details)
    reason = (
        f"UDP {exposed} can be taken by the DNS server at each of its starts: that DNS honours excluded port ranges is "
        "not documented (assumed: it does not)."
    )
    effectiveness, warnings = (
        weakest([made.effectiveness, Effectiveness("no", reason)]),
        (*made.warnings, f"{reason} {_choices(context)}."),
    )
    return made._replace(effectiveness=effectiveness, warnings=warnings, details=details)


def _with_dispute(made: Plan, disputed: PortSet, draws: _RandomDraws) -> Plan:
    if not disputed:
        return made
    reason = (
        f"Whether the DNS server can take UDP {disputed} is not known: MaxUserPort is {draws.highest}, and "
        f"{CONTESTED['dns_pool_range']}."
    )
    effectiveness, warnings = (
        weakest([made.effectiveness, Effectiveness("unknown", reason)]),
        (*made.warnings, f"{reason} {_REMOVE}."),
    )
    open_ports = {**made.details["unprotected"], "disputed": _texts({"udp": disputed})}
    details = {**made.details, "unprotected": open_ports}
    return made._replace(effectiveness=effectiveness, warnings=warnings, details=details)


def _shown(ports: Ports) -> str:
    return ", ".join(f"{protocol.upper()} {found}" for protocol, found in ports.items() if found)
