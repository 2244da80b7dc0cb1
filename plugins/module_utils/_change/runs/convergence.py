# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One plan for everything that a run does: resources, relief of services that are down, one stop of DNS, the proof.

A pure function from facts and a request to an ordered list of steps. It is called again after the steps, with fresh
facts: then it must find nothing left to do, and its view of the victims is the proof.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    NOTHING,
    AwaitDns,
    Context,
    Plan,
    PlanError,
    StartServices,
    Step,
    StopServices,
    WriteJournal,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import block_mode_guard, guards, refusals
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.journal_steps import (
    JournalSteps,
    Ledger,
    entries_of,
    journal_steps,
    read_ledger,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.known_service_victims import victims_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.observed_effectiveness import (
    observed_effectiveness,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.predicted_facts import facts_after
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import (
    LEFT_OVER,
    LeftOver,
    Victim,
    VictimReport,
    left_over,
    report_on,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Permission, permission_after
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.service_moves import (
    ServiceMoves,
    service_moves_for,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.service_order import distinct
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    Facts,
    FactsNeeded,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import answered, gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.installed_known_services import (
    installed,
    lacking_names,
    questions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release, offers
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

SERVICE_TIMEOUT: t.Final = 120.0
"""Seconds that one service may take to stop or to start within a convergence."""


class Convergence(t.NamedTuple):
    """The steps to do, in their order, and the state before them."""

    release: Release
    plans: tuple[Plan, ...] = ()
    victims: tuple[VictimReport, ...] = ()
    steps: tuple[Step, ...] = ()
    recovery: tuple[Step, ...] = ()
    """The steps that start stopped services again if a step before them fails."""
    missing_services: tuple[str, ...] = ()
    """Required services that are not installed: the request does not apply to this server."""
    missing_choice: tuple[str, ...] = ()
    """The same for services of which one is required, if none is installed."""
    missing_capabilities: tuple[str, ...] = ()
    """Required capabilities that this release lacks: the same."""
    relieved: tuple[str, ...] = ()
    """Services that are started because they, or what they depend on, were down."""
    interrupted: tuple[str, ...] = ()
    """Services that ran, are stopped for the change and started again; DNS and its dependents apart."""
    restarts_dns: bool = False
    unrelieved: t.Mapping[str, str] = NOTHING
    """Victims that stay down, each with the reason."""
    left_over: tuple[LeftOver, ...] = ()
    """Automatic services that are down for the sake of a port, and that the request does not cover."""
    reboot: Permission | None = None
    """The server is to be rebooted after the steps, and may be."""
    warnings: tuple[str, ...] = ()
    """Warnings that belong to no single plan: the reason why an undo leaves the reboot out."""

    @property
    def applicable(self) -> bool:
        """True if the request is meant for this server at all."""
        return not (self.missing_services or self.missing_choice or self.missing_capabilities)

    @property
    def changed(self) -> bool:
        """True if anything is done besides book-keeping."""
        return any(not isinstance(step, WriteJournal) for step in self.steps)

    @property
    def unfinished(self) -> tuple[Plan, ...]:
        """Plans that still want something; after the steps there must be none."""
        return tuple(plan for plan in self.plans if plan.changed and not plan.is_event)


def converge(request: Request, facts: Facts, release: Release, now: float) -> Convergence:
    """The whole run as one plan; raises FactsNeeded and PlanError.

    ``now`` is the controller's clock, seconds since the epoch (UTC).
    """
    lacking = tuple(name for name in request.required_capabilities if not offers(release, name))
    if lacking:
        return Convergence(release, missing_capabilities=lacking)
    facts.require(*_first_questions(request, release))
    ledger = read_ledger(facts) if request.journal else Ledger(None)
    _refuse_undo_without_journal(request)
    early = [fact for item in request.items if item.condition.holds(release) for fact in item.resource.early]
    facts.require(*_service_questions(request, release), *early)
    missing, choice = _missing_services(request, facts, release)
    if (missing or choice) and not _has_something(request, ledger):
        return Convergence(release, missing_services=missing, missing_choice=choice)
    victims = (*_victims(request), *victims_of(request.known_services, facts, release))
    request = request._replace(victims=_located(victims, facts, release))
    context = _context(request, facts, release, ledger.journal, now)
    plans, reports = _plans_and_reports(request, context)
    plans = tuple(_as_observed(plan, reports) for plan in plans)
    refusals.refuse_unwritable(plans)
    refusals.refuse_two_for_one(plans)
    reboot, refusal = _permission(request, context, plans, reports)
    service_moves = service_moves_for(request, context, plans, reports)
    body = _body(request, plans, service_moves)
    judged = guards.judged_run(PlannedRun(request, _counting(request, context), plans, context, body))
    refusals.refuse_impossible(plans)
    ordered = _ordered(request, context, ledger, _Course(plans, reports, service_moves, body))
    return ordered._replace(
        reboot=reboot,
        warnings=(*([refusal] if refusal else []), *judged),
        left_over=_left_over(request, ordered, context),
    )


def _context(request: Request, facts: Facts, release: Release, journal: Journal | None, now: float) -> Context:
    """The context of this request's planners."""
    return Context(
        facts=facts,
        release=release,
        journal=journal,
        now=now,
        owners=tuple(victim.as_owner() for victim in request.victims),
        may_stop_owners=request.stop_owners,
        restarts_dns=request.restart_dns,
        spares_dns=bool(request.victims),
        dns_will_stop=request.restart_dns and bool(request.victims),
        owner=request.owner,
        takes_all=request.takes_all,
        may_reboot=request.reboot is not None,
    )


def _service_questions(request: Request, release: Release) -> list[Fact[t.Any]]:
    """All that is surely asked about services: one query."""
    known = questions(request.known_services, release.capabilities)
    beside = [LEFT_OVER] if request.looks_after_services else []
    asked = [*(ServiceFact(name) for name in _named_services(request)), *known, *beside]
    # One service alone is not queried but got, which is cheaper.
    riders = [fact for item in request.items if item.condition.holds(release) for fact in item.resource.beside(release)]
    return [*asked, *({*guards.beside(asked), *riders} if len(asked) > 1 else ())]


def _left_over(request: Request, ordered: Convergence, context: Context) -> tuple[LeftOver, ...]:
    """Services that are down, beside those that this run is about or brings back."""
    if not request.looks_after_services:
        return ()
    about = [name for victim in request.victims for name in (victim.service, *victim.dependents)]
    return left_over(context.facts, (*about, *ordered.relieved, *ordered.interrupted))


def _permission(
    request: Request, context: Context, plans: tuple[Plan, ...], reports: tuple[VictimReport, ...]
) -> tuple[Permission | None, str]:
    """The permission, or why an undo goes without: what is taken back must not depend on a reboot."""
    if request.reboot is None:
        return None, ""
    services = [*request.required_services, *(report.victim.service for report in reports)]
    try:
        return permission_after(plans, request.reboot, context, services), ""
    except PlanError as error:
        if not request.undo:
            raise
        return None, f"The server is not rebooted: {error.reason}. What is taken back waits for its next boot."


def _first_questions(request: Request, release: Release) -> list[Fact[t.Any]]:
    """The journal, and what the planners surely ask: nothing of theirs where the server may not be meant at all."""
    journal: list[Fact[t.Any]] = [JOURNAL_FACT] if request.journal else []
    if request.is_conditional or request.undo:
        return journal
    items = [item for item in request.items if item.condition.holds(release) and not item.when_installed]
    return journal + [question for item in items for question in item.resource.first(item.options, release)]


# --- the journal -----------------------------------------------------------------------------------------------------


def _has_something(request: Request, ledger: Ledger) -> bool:
    """True if an owner has changes on this server: they are taken back even if the product is gone."""
    return request.takes_all and any(request.owner in entry.owners for entry in entries_of(ledger.journal).values())


# --- plans and victims -----------------------------------------------------------------------------------------------


def _victims(request: Request) -> tuple[Victim, ...]:
    """The victims of the run; an undo for an owner does not depend on services that are gone by now."""
    if not request.takes_all:
        return request.victims
    return tuple(victim._replace(if_installed=True) for victim in request.victims)


def _named_services(request: Request) -> tuple[str, ...]:
    """Every service that is surely asked about, so that one query reads them all."""
    named = [name for victim in request.victims for name in (victim.service, *victim.dependents)]
    dns = [DNS_SERVICE] if request.victims or request.known_services or request.restart_dns else []
    beside = [name for item in request.items for name in item.when_installed]
    return distinct([*request.required_services, *request.required_one_of, *named, *beside, *dns])


def _missing_services(request: Request, facts: Facts, release: Release) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The required services that are missing, and those of which none is there though one is required."""
    missing = tuple(name for name in request.required_services if facts[ServiceFact(name)] is None)
    has_one = any(facts[ServiceFact(name)] for name in request.required_one_of)
    return missing, (*(() if has_one else request.required_one_of), *_missing_known(request, facts, release))


def _missing_known(request: Request, facts: Facts, release: Release) -> tuple[str, ...]:
    """The names of the known services, if none of them is installed."""
    rows = request.known_services
    if installed(rows, facts, release.capabilities):
        return ()
    return distinct([name for row in rows for name in lacking_names(row, release.capabilities)])


def _refuse_undo_without_journal(request: Request) -> None:
    if request.undo and not request.journal:
        raise PlanError(
            "state absent",
            "without the journal it is not known what was there before",
            "Remove portkeeper_journal: false, or set the former values by hand",
        )


def _located(victims: tuple[Victim, ...], facts: Facts, release: Release) -> tuple[Victim, ...]:
    """The victims that count on this server, with their ports there."""
    return tuple(gathered(functools.partial(v.on, facts) for v in victims if v.counts_on(facts, release)))


def _plans_and_reports(request: Request, context: Context) -> tuple[tuple[Plan, ...], tuple[VictimReport, ...]]:
    """All plans and reports; the questions of all of them are asked together."""
    items = _counting(request, context)
    planner = _undone if request.undo else _plans
    plans, needed = answered([functools.partial(planner, items, request, context)])
    reports, more = answered([lambda: report_on(request.victims, context) if request.victims else ()])
    if needed | more:
        raise FactsNeeded(needed | more | guards.beside(needed | more))
    return plans[0], reports[0]


def _counting(request: Request, context: Context) -> tuple[Item, ...]:
    """The items that are meant on this server."""
    return tuple(item for item in request.items if item.counts_on(context.facts, context.release))


def _plans(items: tuple[Item, ...], request: Request, context: Context) -> tuple[Plan, ...]:
    """One plan for each item. Reservations come last, since what they protect from is what the others leave."""
    first, last = ([item for item in items if item.resource.plans_last is late] for late in (False, True))
    others, needed = answered(functools.partial(_plan, item, context) for item in first)
    steps = [step for plan in others for step in plan.steps]
    outlook = context._replace(facts=facts_after(context.facts, steps))
    reservations, more = answered(functools.partial(_plan, item, outlook) for item in last)
    if needed | more:
        raise FactsNeeded(needed | more)
    made = {True: iter(reservations), False: iter(others)}
    return block_mode_guard.mended(
        request, items, tuple(next(made[item.resource.plans_last]) for item in items), context
    )


def _plan(item: Item, context: Context) -> Plan:
    return item.resource.plan(item.options, context.owned(item.resource))


def _undone(items: tuple[Item, ...], request: Request, context: Context) -> tuple[Plan, ...]:
    """One plan for each resource that an item names or of which the owner has something.

    Several items of one resource are one: the journal may have one entry for what they name.
    """
    named = {item.resource.name: item.resource for item in items}
    owned = [name for name, entry in entries_of(context.journal).items() if request.owner in entry.owners]
    kinds = {kind.name: kind for kind in request.kinds if request.takes_all and any(map(kind.keeps, owned))}
    plans = gathered(
        functools.partial(
            resource.undo,
            tuple(item.options for item in items if item.resource.name == name),
            context.owned(resource),
        )
        for name, resource in {**named, **kinds}.items()
    )
    return tuple(plans)


def _as_observed(plan: Plan, reports: t.Iterable[VictimReport]) -> Plan:
    # A change that waits for a restart brings one anyway, where that is allowed.
    if plan.changed and plan.effectiveness.effective != "yes":
        return plan
    return plan._replace(effectiveness=observed_effectiveness(plan, _held_by_dns(reports) & plan.guarded))


def _held_by_dns(reports: t.Iterable[VictimReport]) -> PortSet:
    ports = (
        standing.port
        for report in reports
        for standing in report.intruders
        if standing.protocol == "udp" and standing.is_held_by_dns
    )
    return PortSet.of(*ports)


# --- the order -------------------------------------------------------------------------------------------------------


class _Course(t.NamedTuple):
    """The changes of a run to the server, without its book-keeping."""

    plans: tuple[Plan, ...]
    reports: tuple[VictimReport, ...]
    service_moves: ServiceMoves
    body: tuple[Step, ...]


def _body(request: Request, plans: tuple[Plan, ...], service_moves: ServiceMoves) -> tuple[Step, ...]:
    """The changes and the stops, in their order."""
    writes = tuple(step for plan in block_mode_guard.safe_order(plans, undo=request.undo) for step in plan.steps)
    # Ports that a stop was to free stay as they are where the stop does not come.
    when_free = tuple(step for plan in plans for step in plan.steps_when_free) if service_moves.stop else ()
    stop = (StopServices(service_moves.stop, SERVICE_TIMEOUT),) if service_moves.stop else ()
    ports_first = bool(service_moves.start_first or when_free)
    return (*stop, *writes, *when_free) if ports_first else (*writes, *stop)


def _ordered(request: Request, context: Context, ledger: Ledger, course: _Course) -> Convergence:
    plans, service_moves, body = course.plans, course.service_moves, course.body
    recovery = _starts(service_moves)
    # A run that was killed after its last start left a note that nothing needs any more.
    noted = ledger.journal is not None and bool(ledger.journal.stopped)
    known = entries_of(ledger.journal)
    claims = any(known.get(name) != entry for plan in plans for name, entry in plan.journal.items())
    acts = bool(body or recovery) or noted or request.undo or claims
    journal = journal_steps(request, plans, ledger, service_moves) if acts else JournalSteps()
    return Convergence(
        release=context.release,
        plans=plans,
        victims=course.reports,
        steps=(*journal.first, *body, *recovery, *journal.last),
        recovery=(*recovery, *journal.recovered) if service_moves.stop else (),
        relieved=service_moves.relieved,
        interrupted=service_moves.interrupted,
        restarts_dns=service_moves.stops_dns,
        unrelieved=service_moves.unrelieved,
    )


def _starts(service_moves: ServiceMoves) -> tuple[Step, ...]:
    steps: list[Step] = []
    if service_moves.start_first:
        steps.append(StartServices(service_moves.start_first, SERVICE_TIMEOUT, essential=False))
    if service_moves.start_last:
        steps.append(StartServices(service_moves.start_last, SERVICE_TIMEOUT))
    if DNS_SERVICE in service_moves.start_last:
        steps.append(AwaitDns(SERVICE_TIMEOUT))
    return tuple(steps)
