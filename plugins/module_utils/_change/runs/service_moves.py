# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that a run stops and starts: victims that are down or lack ports, owners of ports, and DNS."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS, NOTHING, Context, Plan
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import VictimReport
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.service_order import (
    automatic_dependents,
    distinct,
    start_order,
    stop_order,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DependenciesFact,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet


class ServiceMoves(t.NamedTuple):
    """The services that are stopped and started, and the victims that can't be helped, with the reasons."""

    stop: tuple[str, ...] = ()
    start_first: tuple[str, ...] = ()
    """Victims and what depends on them: they take their ports before DNS draws its pool."""
    start_last: tuple[str, ...] = ()
    """DNS and what depends on it."""
    relieved: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """Services that an earlier run may have stopped, and that this one has no business to start."""
    stops_dns: bool = False
    unrelieved: t.Mapping[str, str] = NOTHING


def service_moves_for(
    request: Request, context: Context, plans: tuple[Plan, ...], reports: tuple[VictimReport, ...]
) -> ServiceMoves:
    """The moves of one run; raises FactsNeeded."""
    interrupted, left = _interrupted(request, context, plans)
    down = tuple(report for report in reports if report.is_down) if request.relieve else ()
    without_ports = tuple(report for report in reports if _may_take_its_ports(report, request, plans))
    stops_dns = _must_stop_dns(request, context, plans, (*down, *without_ports))
    unrelieved = {
        report.service.name: reason
        for report in reports
        if report.is_down and (reason := _why_not_relieved(report, request, stops_dns))
    }
    relieved = _relief([report for report in down if report.service.name not in unrelieved], context)
    busy = (
        *_owners_to_stop(request, context, plans),
        *(report.service.name for report in without_ports if stops_dns or not _held_by_dns(report)),
        *_restarted_for_settings(plans, reports),
    )
    stop_dns = stop_order([DNS_SERVICE], context) if stops_dns else ()
    stop_busy = stop_order(distinct(busy), context) if busy else ()
    dns_side = {name.casefold() for name in stop_dns} | {DNS_SERVICE.casefold()}
    return ServiceMoves(
        stop=distinct([*stop_busy, *stop_dns]),
        start_first=distinct(
            [*(n for n in interrupted if n.casefold() not in dns_side), *relieved, *start_order(stop_busy)]
        ),
        start_last=distinct([*start_order(stop_dns), *(n for n in interrupted if n.casefold() in dns_side)]),
        relieved=distinct([*interrupted, *relieved]),
        interrupted=start_order(stop_busy),
        left=left,
        stops_dns=stops_dns,
        unrelieved=unrelieved,
    )


def _may_take_its_ports(report: VictimReport, request: Request, plans: tuple[Plan, ...]) -> bool:
    """True if a victim that runs lacks ports, and would have them after a restart that is allowed.

    A restart does not help if another process than the DNS server holds one of them, or if only a reboot frees them.
    """
    if not (request.relieve and report.victim.restart and report.service.runs) or request.undo:
        return False
    late = late_ports(plans)
    wrong = [port for port in report.ports if not port.is_right and not (port.standing == "free" and port.port in late)]
    return bool(wrong) and all(port.holder is None or port.is_held_by_dns for port in wrong)


def _held_by_dns(report: VictimReport) -> bool:
    return any(port.is_held_by_dns for port in report.intruders)


def _restarted_for_settings(plans: tuple[Plan, ...], reports: tuple[VictimReport, ...]) -> tuple[str, ...]:
    """Running victims that read a plan's settings only when they start, if they may be restarted."""
    waiting = {name.casefold() for plan in plans for name in plan.restarts}
    may = (report.service for report in reports if report.victim.restart and report.service.runs)
    return tuple(service.name for service in may if service.name.casefold() in waiting)


def late_ports(plans: t.Iterable[Plan]) -> PortSet:
    """Ports that no process listens on before a later event."""
    late = NO_PORTS
    for plan in plans:
        late |= plan.late
    return late


def _interrupted(
    request: Request, context: Context, plans: tuple[Plan, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Services that an earlier run stopped and, killed, did not start again; and those that another run has to start.

    The note is data from the server. Any run starts what the next boot would start too; what starts by hand alone is
    started by a run that could have stopped it.
    """
    stopped = context.journal.stopped if context.journal else ()
    context.facts.require(*(ServiceFact(name) for name in stopped))
    known = (context.facts[ServiceFact(name)] for name in stopped)
    down = [service for service in known if service and not service.runs and service.start_mode != "Disabled"]
    if all(service.start_mode == "Auto" for service in down):
        return tuple(service.name for service in down), ()
    own = _could_stop(request, context, plans)
    starting = [service.name for service in down if service.start_mode == "Auto" or service.name.casefold() in own]
    return tuple(starting), tuple(service.name for service in down if service.name not in starting)


def _could_stop(request: Request, context: Context, plans: tuple[Plan, ...]) -> set[str]:
    """The services that this run may stop, with what depends on them, in lower case."""
    victims = [name for victim in request.victims for name in (victim.service, *victim.dependents)]
    named = [*victims, *(name for plan in plans for name in plan.interrupts), *([DNS_SERVICE] * request.restart_dns)]
    graph = context.facts[DependenciesFact()]
    return {name.casefold() for own in named for name in (own, *graph.dependents(own))}


def _must_stop_dns(
    request: Request, context: Context, plans: tuple[Plan, ...], victims: tuple[VictimReport, ...]
) -> bool:
    if not request.restart_dns:
        return False
    dns = context.facts[ServiceFact(DNS_SERVICE)]
    if dns is None or not dns.runs:
        return False
    waits = any(plan.effectiveness.restart_required for plan in plans)
    robbed = any(_held_by_dns(report) or report.lost_unknown_port for report in victims)
    return waits or robbed or any(DNS_SERVICE in plan.needs_stopped for plan in plans)


def _why_not_relieved(report: VictimReport, request: Request, stops_dns: bool) -> str:
    """The reason why a victim that is down can't be started in this run; empty if it can."""
    if not request.relieve:
        return "relieve is false, so it was left as it is"
    disabled = [service.name for service in report.down_services if service.start_mode == "Disabled"]
    if disabled:
        return f"{', '.join(disabled)} is disabled; set its start_mode first"
    for port in report.intruders:
        if port.is_held_by_dns:
            if not stops_dns:
                return f"{port}, and restart_dns is false, so DNS was left running"
        else:
            remedy = port.holder.remedy if port.holder else "find out who has it"
            return f"{port}; {remedy}, and run this again"
    return ""


def _relief(helped: t.Sequence[VictimReport], context: Context) -> tuple[str, ...]:
    """The victims that are down and everything automatic that needs them, in start order."""
    if not helped:
        return ()
    victims = [report.service.name for report in helped if not report.service.runs]
    dependents = automatic_dependents([report.service.name for report in helped], context)
    beside = [service.name for report in helped for service in report.dependents_down]
    return distinct([*victims, *dependents, *beside])


def _owners_to_stop(request: Request, context: Context, plans: tuple[Plan, ...]) -> tuple[str, ...]:
    """Running victims that hold ports which are to be excluded, if they may be stopped for it."""
    needed = {name.casefold() for plan in plans for name in plan.needs_stopped}
    victims = [context.facts[ServiceFact(victim.service)] for victim in request.victims if request.stop_owners]
    return tuple(service.name for service in victims if service and service.runs and service.name.casefold() in needed)
