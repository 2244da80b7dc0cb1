# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_state``: services started, stopped or restarted, with everything that depends on them."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    NO_NAMES,
    Shares,
    name_shares,
    owners_of,
    stays,
    taken_back,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    OptionError,
    Plan,
    PlanError,
    Resource,
    StartServices,
    Step,
    StopServices,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.service_start_mode import (
    existing_services,
    service_names,
    still_installed,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.service_order import (
    distinct,
    start_order,
    stop_order,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DependenciesFact,
    Service,
    ServiceFact,
)

ENTRY: t.Final = journal_entries.STOPPED_SERVICES
DEFAULT_TIMEOUT: t.Final = 120

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "name": {"type": "list", "elements": "str", "required": True},
    "state": {"type": "str", "choices": ["started", "stopped", "restarted"], "required": True},
    "timeout": {"type": "int", "default": DEFAULT_TIMEOUT},
    "if_installed": {"type": "bool", "default": False},
}


class ServiceState(t.NamedTuple):
    """The state that the user wants; ``timeout`` in seconds for each service."""

    names: tuple[str, ...]
    state: t.Literal["started", "stopped", "restarted"]
    timeout: int
    if_installed: bool = False
    """Names that are not installed are passed over instead of being an error."""


def options(arguments: t.Mapping[str, t.Any]) -> ServiceState:
    """Typed options; raises OptionError."""
    if not 1 <= arguments["timeout"] <= 3600:
        raise OptionError("timeout", f"{arguments['timeout']} is not between 1 and 3600 seconds")
    return ServiceState(
        service_names(arguments), arguments["state"], arguments["timeout"], bool(arguments.get("if_installed"))
    )


def plan(wanted: ServiceState, context: Context) -> Plan:
    """The stops and starts; raises PlanError, FactsNeeded."""
    wanted = _on_this_server(wanted, context)
    services = existing_services(wanted.names, context)
    if wanted.state != "stopped":
        _refuse_disabled(services)
    return _PLANNERS[wanted.state](wanted, services, context)


def _on_this_server(wanted: ServiceState, context: Context) -> ServiceState:
    if not wanted.if_installed:
        return wanted
    context.facts.require(*(ServiceFact(name) for name in wanted.names))
    return wanted._replace(names=tuple(name for name in wanted.names if context.facts[ServiceFact(name)] is not None))


def undo(named: tuple[ServiceState, ...], context: Context) -> Plan:
    """Start again what a stop of ours stopped, for the owner or for none; raises PlanError, FactsNeeded."""
    entry = context.entry(ENTRY)
    shares = name_shares(entry)
    taken = taken_back(shares, context, lambda: shares.added if named else NO_NAMES)
    going = [name for name in (entry.added if entry else ()) if name in taken.going]
    services = still_installed(going, context)
    again = tuple(service.name for service in services if not service.runs and service.start_mode != "Disabled")
    timeout = max((wanted.timeout for wanted in named), default=DEFAULT_TIMEOUT)
    steps: tuple[Step, ...] = (StartServices(again, timeout),) if again else ()
    after = dict.fromkeys(again, "Running")
    journal = {ENTRY: _with_shares(entry, taken.left)} if entry else {}
    kept = (stays(f"The stop of {', '.join(sorted(taken.kept))}", taken.needed_by),) if taken.needed_by else ()
    return _plan(services, steps, after, journal, ran=())._replace(kept=kept)


def _with_shares(entry: Entry, shares: Shares[frozenset[str]]) -> Entry | None:
    """The entry with just these names, in their order; ``None`` if there are none."""
    owners = {owner: [name for name in entry.added if name in names] for owner, names in shares.owners.items()}
    left = tuple(name for name in entry.added if name in shares.added)
    return entry._replace(added=left, owners=owners_of(owners, ())) if left else None


def _refuse_disabled(services: t.Iterable[Service]) -> None:
    disabled = [service.name for service in services if service.start_mode == "Disabled"]
    if disabled:
        raise PlanError(
            f"service {', '.join(disabled)}",
            "it is disabled and can't be started (1058)",
            "Set its start_mode first with service_start_mode; nothing was changed for any service of the list",
        )


def _plan_started(wanted: ServiceState, services: tuple[Service, ...], context: Context) -> Plan:
    starting = tuple(service.name for service in services if not service.runs)
    steps: tuple[Step, ...] = (StartServices(starting, wanted.timeout),) if starting else ()
    return _plan(services, steps, dict.fromkeys(starting, "Running"), _forget(starting, context), ran=())


def _plan_stopped(wanted: ServiceState, services: tuple[Service, ...], context: Context) -> Plan:
    running = [service.name for service in services if service.state != "Stopped"]
    stopping = stop_order(wanted.names, context) if running else ()
    steps: tuple[Step, ...] = (StopServices(stopping, wanted.timeout),) if stopping else ()
    journal = _remember(wanted, stopping, context)
    return _plan(services, steps, dict.fromkeys(stopping, "Stopped"), journal, ran=start_order(stopping))


def _plan_restarted(wanted: ServiceState, services: tuple[Service, ...], context: Context) -> Plan:
    stopping = stop_order(wanted.names, context)
    starting = distinct((*start_order(stopping), *(service.name for service in services)))
    steps: tuple[Step, ...] = (StopServices(stopping, wanted.timeout),) if stopping else ()
    steps += (StartServices(starting, wanted.timeout),)
    after = dict.fromkeys(starting, "Running")
    restarting = _plan(services, steps, after, _forget(starting, context), ran=start_order(stopping))
    return restarting._replace(interrupts=starting, is_event=True)


_PLANNERS: t.Final = {"started": _plan_started, "stopped": _plan_stopped, "restarted": _plan_restarted}


def _plan(
    services: tuple[Service, ...],
    steps: tuple[Step, ...],
    after: t.Mapping[str, str],
    journal: t.Mapping[str, Entry | None],
    *,
    ran: tuple[str, ...],
) -> Plan:
    before = {service.name: service.state for service in services}
    states = {**before, **after}
    running = [name for name, state in states.items() if state == "Running"] if steps and not ran else []
    return Plan(
        "service_state",
        before={"state": before},
        after={"state": states},
        effectiveness=EFFECTIVE,
        steps=steps,
        journal=journal,
        details={"ran": list(ran)},
        notes=(
            *([f"Stopped, in this order: {', '.join(reversed(ran))}."] if ran else []),
            *([f"Running again: {', '.join(running)}."] if running else []),
        ),
    )


def _remember(wanted: ServiceState, stopping: tuple[str, ...], context: Context) -> dict[str, Entry | None]:
    """The journal's note of the services that ran, with the owner of the stop; none if the journal has it already."""
    known = context.entry(ENTRY)
    if known is None and not stopping:
        return {}
    entry = known or Entry(original=None, written="stopped")
    entry = entry._replace(added=distinct((*entry.added, *start_order(stopping))))
    shares = name_shares(entry)
    claimed = frozenset(stopping) | _stopped_before(wanted, shares, context)
    shares = shares.changed(shares.added, context.owner, claimed=claimed, released=NO_NAMES)
    entry = _with_shares(entry, shares) or entry
    return {} if entry == known else {ENTRY: entry}


def _stopped_before(wanted: ServiceState, shares: Shares[frozenset[str]], context: Context) -> frozenset[str]:
    """Services that we stopped before and that are to be stopped now too, with their dependents: for another owner."""
    open_names = shares.added - shares.of(context.owner)
    if not context.owner or not open_names:
        return NO_NAMES
    named = {name.casefold() for name in wanted.names}
    if not {name.casefold() for name in open_names} <= named:
        graph = context.facts[DependenciesFact()]
        named |= {other.casefold() for name in wanted.names for other in graph.dependents(name)}
    return frozenset(name for name in open_names if name.casefold() in named)


def _forget(starting: tuple[str, ...], context: Context) -> dict[str, Entry | None]:
    known = context.entry(ENTRY)
    started = {name.casefold() for name in starting}
    if known is None or not any(name.casefold() in started for name in known.added):
        return {}
    shares = name_shares(known)
    left = frozenset(name for name in shares.added if name.casefold() not in started)
    return {ENTRY: _with_shares(known, shares.changed(left, "", claimed=NO_NAMES, released=NO_NAMES))}


RESOURCE: t.Final = Resource("service_state", ARGUMENT_SPEC, options, plan, undo, keeps=lambda name: name == ENTRY)
