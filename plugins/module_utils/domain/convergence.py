# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One plan for everything that a run does: resources, relief of services that are down, one stop of DNS, the proof.

A pure function from facts and a request to an ordered list of steps. It is called again after the steps, with fresh
facts: then it must find nothing left to do, and its view of the victims is the proof.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import ipsec
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import (
    Absent,
    Facts,
    FactsNeeded,
    RegistryValue,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.journal import (
    JOURNAL_FACT,
    Journal,
    JournalError,
    JournalTooNew,
    load,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.observed_force import observed_force
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import (
    AwaitDns,
    Context,
    Plan,
    PlanError,
    Resource,
    StartServices,
    Step,
    StopServices,
    WriteJournal,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.registry_text import why_not_writable
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.releases import Release
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.resources import reserved_ports
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.service_order import (
    automatic_dependents,
    distinct,
    start_order,
    stop_order,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.victims import Victim, VictimReport, report_on

SERVICE_TIMEOUT: t.Final = 120.0
"""Seconds that one service may take to stop or to start within a convergence."""

Result = t.TypeVar("Result")


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One resource that is wanted, on releases that have all of ``when_capable`` and none of ``unless_capable``."""

    resource: Resource
    options: t.Any
    when_capable: tuple[str, ...] = ()
    unless_capable: tuple[str, ...] = ()

    def applies(self, release: Release) -> bool:
        """Whether this item is meant for a release."""
        has = {name: _has(release, name) for name in (*self.when_capable, *self.unless_capable)}
        return all(has[name] for name in self.when_capable) and not any(has[name] for name in self.unless_capable)


def _has(release: Release, capability: str) -> bool:
    return getattr(release.capabilities, capability) not in (False, "no", None)


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What a run is to reach, and what it may do for it."""

    items: tuple[Item, ...]
    victims: tuple[Victim, ...] = ()
    required_services: tuple[str, ...] = ()
    """Where one of them is not installed, nothing is done."""
    require: bool = False
    """That is then an error."""
    relieve: bool = False
    """Start victims that are down, and what depends on them."""
    restart_dns: bool = False
    """DNS may be stopped and started, where that is needed."""
    stop_owners: bool = False
    """Victims may be stopped, where their ports can't be excluded otherwise."""
    prove: bool = False
    undo: bool = False
    """Take back what earlier runs changed for these items, instead of reaching them."""
    journal: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Convergence:
    """What is to be done, in order, and how things stand before it."""

    release: Release
    plans: tuple[Plan, ...] = ()
    victims: tuple[VictimReport, ...] = ()
    steps: tuple[Step, ...] = ()
    recovery: tuple[Step, ...] = ()
    """What brings stopped services back when a step before them fails."""
    missing_services: tuple[str, ...] = ()
    """Required services that are not installed: the request does not apply to this server."""
    relieved: tuple[str, ...] = ()
    """Services that are started because they, or what they depend on, were down."""
    interrupted: tuple[str, ...] = ()
    """Services that ran, are stopped for the change and started again; DNS and its dependents apart."""
    restarts_dns: bool = False
    unrelieved: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Victims that stay down, each with the reason."""

    @property
    def changed(self) -> bool:
        """Whether anything is done besides book-keeping."""
        return any(not isinstance(step, WriteJournal) for step in self.steps)

    @property
    def unfinished(self) -> tuple[Plan, ...]:
        """Plans that still want something; after the steps there must be none."""
        return tuple(plan for plan in self.plans if plan.changed and not plan.is_event)


def converge(request: Request, facts: Facts, release: Release, now: float) -> Convergence:
    """The whole run as one plan; raises FactsNeeded and PlanError.

    ``now`` is the controller's clock, seconds since the epoch (UTC).
    """
    ledger = _read_ledger(facts) if request.journal else _Ledger(None)
    _refuse_undo_without_journal(request)
    facts.require(*(ServiceFact(name) for name in _named_services(request)))
    missing = tuple(name for name in request.required_services if facts[ServiceFact(name)] is None)
    if missing:
        return Convergence(release, missing_services=missing)
    request = dataclasses.replace(request, victims=_located(request.victims, facts))
    context = Context(
        facts=facts,
        release=release,
        journal=ledger.journal,
        now=now,
        owners=tuple(victim.as_owner() for victim in request.victims),
        may_stop_owners=request.stop_owners,
        dns_will_stop=request.restart_dns and bool(request.victims),
    )
    plans, reports = _plans_and_reports(request, context)
    plans = tuple(_as_observed(plan, reports) for plan in plans)
    _refuse_unwritable(plans)
    return _ordered(request, context, ledger, plans, reports)


# --- the journal -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Ledger:
    """The journal as read: ``None`` when it is switched off."""

    journal: Journal | None
    key_exists: bool = True


def _read_ledger(facts: Facts) -> _Ledger:
    reading = facts[JOURNAL_FACT]
    if isinstance(reading, Absent):
        return _Ledger(Journal(), key_exists=reading is not Absent.KEY)
    text = reading.data if isinstance(reading, RegistryValue) and isinstance(reading.data, str) else repr(reading.data)
    try:
        return _Ledger(load(text))
    except JournalTooNew as error:
        raise PlanError(_JOURNAL, str(error), "Update the collection") from error
    except JournalError as error:
        raise PlanError(_JOURNAL, f"it can't be read: {error}", RESET_ADVICE) from error


_JOURNAL: t.Final = rf"the journal of portkeeper.windows on this server (HKLM\{JOURNAL_FACT.key}, {JOURNAL_FACT.name})"
RESET_ADVICE: t.Final = (
    rf"Nothing was changed. Reset it with: reg delete HKLM\{JOURNAL_FACT.key} /v {JOURNAL_FACT.name} /f (what earlier "
    "runs changed is then forgotten), or set portkeeper_journal: false to work without it"
)
"""What helps where the journal is damaged: somebody else has written it."""


# --- plans and victims -----------------------------------------------------------------------------------------------


def _named_services(request: Request) -> tuple[str, ...]:
    """Every service that is surely asked about, so that one query reads them all."""
    named = [name for victim in request.victims for name in (victim.service, *victim.dependents)]
    dns = [DNS_SERVICE] if request.victims or request.restart_dns else []
    return distinct([*request.required_services, *named, *dns])


def _refuse_undo_without_journal(request: Request) -> None:
    if request.undo and not request.journal:
        raise PlanError(
            "state absent",
            "without the journal it is not known what was there before",
            "Remove portkeeper_journal: false, or set the former values by hand",
        )


def _located(victims: tuple[Victim, ...], facts: Facts) -> tuple[Victim, ...]:
    """The victims that count on this server, with their ports there."""
    located = _Gathering[Victim]()
    for victim in victims:
        if victim.if_installed and facts[ServiceFact(victim.service)] is None:
            continue
        located.add(functools.partial(victim.on, facts))
    if located.needed:
        raise FactsNeeded(located.needed)
    return tuple(located.results)


def _plans_and_reports(request: Request, context: Context) -> tuple[tuple[Plan, ...], tuple[VictimReport, ...]]:
    """All plans and reports; the questions of all of them are asked together."""
    items = [item for item in request.items if item.applies(context.release)]
    plans = _Gathering[Plan]()
    for item in items:
        plans.add(functools.partial(_guarded_plan, item, request, context))
    reports = _Gathering[tuple[VictimReport, ...]]()
    reports.add(lambda: report_on(request.victims, context) if request.victims else ())
    needed = plans.needed | reports.needed
    if needed:
        raise FactsNeeded(needed)
    return tuple(plans.results), reports.results[0]


def _refuse_unwritable(plans: tuple[Plan, ...]) -> None:
    """Values that could not be written whole are refused before anything is written, the journal included."""
    advice = "Mend that entry on the server, then run this again"
    for step in (step for plan in plans for step in plan.steps if isinstance(step, WriteValue)):
        reason = why_not_writable(step.value)
        if reason:
            raise PlanError(rf"HKLM\{step.key}\{step.name}", reason, advice)


class _Gathering(t.Generic[Result]):
    """Calls planners one after another and collects what all of them still need."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.needed: frozenset[t.Any] = frozenset()

    def add(self, call: t.Callable[[], Result]) -> None:
        try:
            self.results.append(call())
        except FactsNeeded as question:
            self.needed |= question.facts


def _guarded_plan(item: Item, request: Request, context: Context) -> Plan:
    """The item's plan; a reservation on NT 5.x takes UDP 4500 along where the next boot could block the server."""
    if request.undo:
        return item.resource.undo(item.options, context)
    plan = item.resource.plan(item.options, context)
    wanted = item.options
    if not (request.victims and plan.changed and isinstance(wanted, reserved_ports.ReservedPorts)):
        return plan
    if wanted.state == "absent" or not ipsec.next_boot_may_block(context):
        return plan
    ports = dataclasses.replace(wanted.ports, ports=wanted.ports.ports | ipsec.NAT_TRAVERSAL)
    guarded = item.resource.plan(dataclasses.replace(wanted, ports=ports), context)
    reason = (
        "UDP 4500 is reserved too: IPSEC Services starts by itself here, and without its port this server would block "
        "all network traffic after a reboot (KB912023)."
    )
    return dataclasses.replace(guarded, warnings=(*guarded.warnings, reason))


def _as_observed(plan: Plan, reports: t.Iterable[VictimReport]) -> Plan:
    if plan.changed:
        return plan
    return dataclasses.replace(plan, force=observed_force(plan, _held_by_dns(reports) & plan.guarded))


def _held_by_dns(reports: t.Iterable[VictimReport]) -> PortSet:
    ports = (
        standing.port
        for report in reports
        for standing in report.intruders
        if standing.protocol == "udp" and standing.holder and DNS_SERVICE in standing.holder.services
    )
    return PortSet.of(*ports)


# --- the order -------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Moves:
    """Which services are stopped and started, and why some victims can't be helped."""

    stop: tuple[str, ...] = ()
    start_first: tuple[str, ...] = ()
    """Victims and what depends on them: they take their ports before DNS draws its pool."""
    start_last: tuple[str, ...] = ()
    """DNS and what depends on it."""
    relieved: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()
    stops_dns: bool = False
    unrelieved: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def _ordered(
    request: Request, context: Context, ledger: _Ledger, plans: tuple[Plan, ...], reports: tuple[VictimReport, ...]
) -> Convergence:
    moves = _moves(request, context, plans, reports)
    writes = tuple(step for plan in plans for step in plan.steps)
    # Ports that a stop was to free stay as they are where the stop does not come.
    when_free = tuple(step for plan in plans for step in plan.steps_when_free) if moves.stop else ()
    stop = (StopServices(moves.stop, SERVICE_TIMEOUT),) if moves.stop else ()
    ports_first = bool(moves.start_first or when_free)
    body = (*stop, *writes, *when_free) if ports_first else (*writes, *stop)
    recovery = _starts(moves)
    acts = bool(body or recovery) or request.undo
    journal_first, journal_last = _journal_steps(request, plans, ledger, moves) if acts else ((), ())
    return Convergence(
        release=context.release,
        plans=plans,
        victims=reports,
        steps=(*journal_first, *body, *recovery, *journal_last),
        recovery=(*recovery, *journal_last) if stop else (),
        relieved=moves.relieved,
        interrupted=moves.interrupted,
        restarts_dns=moves.stops_dns,
        unrelieved=moves.unrelieved,
    )


def _starts(moves: _Moves) -> tuple[Step, ...]:
    steps: list[Step] = []
    if moves.start_first:
        steps.append(StartServices(moves.start_first, SERVICE_TIMEOUT, essential=False))
    if moves.start_last:
        steps.append(StartServices(moves.start_last, SERVICE_TIMEOUT))
    if DNS_SERVICE in moves.start_last:
        steps.append(AwaitDns(SERVICE_TIMEOUT))
    return tuple(steps)


def _journal_steps(
    request: Request, plans: tuple[Plan, ...], ledger: _Ledger, moves: _Moves
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """The journal before the first change, and after the last where that settled something.

    An undo forgets only after the values are back: killed in between, it still knows what was there before.
    """
    journal = ledger.journal
    if journal is None:
        return (), ()
    interrupts = distinct([*(n for plan in plans for n in plan.interrupts), *moves.start_first, *moves.start_last])
    changes = {name: entry for plan in plans for name, entry in plan.journal.items()}
    changed = journal.changed(changes)
    first = dataclasses.replace(journal if request.undo else changed, stopped=interrupts)
    last = dataclasses.replace(_settled(changed, moves), stopped=())
    before = (WriteJournal(first, ledger.key_exists),) if first != journal else ()
    after = (WriteJournal(last, ledger.key_exists or bool(before)),) if last != first else ()
    return before, after


def _settled(journal: Journal, moves: _Moves) -> Journal:
    """What waits for nothing any more once all steps are done."""
    entries = {
        name: dataclasses.replace(entry, pending=()) if entry.pending else entry
        for name, entry in journal.entries.items()
    }
    settled = dataclasses.replace(journal, entries=entries)
    return settled.without_waits("dns_restart") if moves.stops_dns else settled


def _moves(request: Request, context: Context, plans: tuple[Plan, ...], reports: tuple[VictimReport, ...]) -> _Moves:
    interrupted = _interrupted(context)
    down = tuple(report for report in reports if report.is_down) if request.relieve else ()
    stops_dns = _must_stop_dns(request, context, plans, down)
    unrelieved = {
        report.service.name: reason
        for report in reports
        if report.is_down and (reason := _why_not_relieved(report, request, stops_dns))
    }
    helped = [report for report in down if report.service.name not in unrelieved]
    relieved = _relief(helped, context)
    busy = _owners_to_stop(request, context, plans)
    stop_dns = stop_order([DNS_SERVICE], context) if stops_dns else ()
    stop_busy = stop_order(busy, context) if busy else ()
    dns_side = {name.casefold() for name in stop_dns} | {DNS_SERVICE.casefold()}
    return _Moves(
        stop=distinct([*stop_busy, *stop_dns]),
        start_first=distinct(
            [*(n for n in interrupted if n.casefold() not in dns_side), *relieved, *start_order(stop_busy)]
        ),
        start_last=distinct([*start_order(stop_dns), *(n for n in interrupted if n.casefold() in dns_side)]),
        relieved=distinct([*interrupted, *relieved]),
        interrupted=start_order(stop_busy),
        stops_dns=stops_dns,
        unrelieved=unrelieved,
    )


def _interrupted(context: Context) -> tuple[str, ...]:
    """Services that an earlier run stopped and, killed, did not start again."""
    stopped = context.journal.stopped if context.journal else ()
    context.facts.require(*(ServiceFact(name) for name in stopped))
    known = (context.facts[ServiceFact(name)] for name in stopped)
    return tuple(service.name for service in known if service and not service.runs and service.start_mode != "Disabled")


def _must_stop_dns(request: Request, context: Context, plans: tuple[Plan, ...], down: tuple[VictimReport, ...]) -> bool:
    if not request.restart_dns:
        return False
    dns = context.facts[ServiceFact(DNS_SERVICE)]
    if dns is None or not dns.runs:
        return False
    waits = any(plan.force.restart_required for plan in plans)
    robbed = any(DNS_SERVICE in port.holder.services for r in down for port in r.intruders if port.holder)
    return waits or robbed or any(DNS_SERVICE in plan.needs_stopped for plan in plans)


def _why_not_relieved(report: VictimReport, request: Request, stops_dns: bool) -> str:
    """Why a victim that is down can't be started in this run; empty where it can."""
    if not request.relieve:
        return "relieve is false, so it was left as it is"
    disabled = [service.name for service in report.down_services if service.start_mode == "Disabled"]
    if disabled:
        return f"{', '.join(disabled)} is disabled; set its start_mode first"
    for port in report.intruders:
        if port.holder and DNS_SERVICE in port.holder.services:
            if not stops_dns:
                return f"{port}, and restart_dns is false, so DNS was left running"
        else:
            return f"{port}; stop that process, or move it to another port, and run this again"
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
    """Running victims that hold ports which are to be excluded, where they may be stopped for it."""
    needed = {name.casefold() for plan in plans for name in plan.needs_stopped}
    victims = [context.facts[ServiceFact(victim.service)] for victim in request.victims if request.stop_owners]
    return tuple(service.name for service in victims if service and service.runs and service.name.casefold() in needed)
