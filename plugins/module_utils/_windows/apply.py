# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps carried out on a server: one function per kind of step, found through a table."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal as journal_rules
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    AwaitDns,
    ChangeExclusions,
    ChangeStartMode,
    DeleteBesideServicesFile,
    DeleteEmptyKey,
    DeleteValue,
    SetDelayedStart,
    SetDynamicRanges,
    StartServices,
    Step,
    StopServices,
    WriteJournal,
    WriteServicesFile,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Absent,
    DependenciesFact,
    DynamicRangesFact,
    ExclusionsFact,
    Facts,
    Protocol,
    RegistryFact,
    RegistryType,
    RegistryValue,
    Service,
    ServiceFact,
    ServicesFileFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import NETWORK, lacks
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import JOURNAL_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh, sc, services_file
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Output
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    CommandError,
    ServiceError,
    WindowsError,
    win32_meaning,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import (
    Answers,
    read_bound_udp,
    read_facts,
    run_and_list_dynamic_ranges,
    run_and_list_exclusions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target

DNS_PORT: t.Final = PortSet.of(53)
FIRST_PAUSE: t.Final = 1.0
LONGEST_PAUSE: t.Final = 10.0
GROWTH: t.Final = 1.5
"""Seconds between two looks at DNS, growing: it takes its port within a few seconds or not for long."""
_NETSH_RIGHT: t.Final = lacks(NETWORK, "the TCP/IP settings")
"""netsh says so in the server's language, without a number."""
_OF_ONE_LINE: t.Final = (ChangeExclusions, SetDelayedStart, SetDynamicRanges)
"""Steps that are one command line."""
USUAL_WAIT: t.Final = 1.5
"""Seconds before the first look at a service that was told to start or to stop: one that hurries (DNS, AD LDS) takes a
second or more, and each look that comes too early is a request."""


class Clock(t.NamedTuple):
    """Time, injected: ``now`` in seconds since the epoch (UTC), ``monotonic`` for deadlines."""

    now: t.Callable[[], float] = time.time
    monotonic: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep


def apply(
    target: Target, step: Step, clock: Clock, known: Facts | None = None, following: Step | None = None
) -> Answers:
    """Carry out one step and return what it learnt on the way; ``known`` are the facts that hold before it.

    ``following`` is the step after it: its first commands may go in the same line.

    Raises:
        WindowsError: Windows refused, or did not do it.
        WsmanError: the conversation failed.
    """
    if isinstance(following, WriteServicesFile) and isinstance(step, _OF_ONE_LINE):
        with services_file.begun_along(target.console, target.host, following):
            return _APPLIERS[type(step)](target, step, clock, known or Facts())
    return _APPLIERS[type(step)](target, step, clock, known or Facts())


def _write_value(target: Target, step: t.Any, _clock: Clock, known: Facts) -> Answers:
    fact = RegistryFact(step.key, step.name, step.value.type)
    if fact in known and known[fact] is Absent.KEY:
        # To be refused first would cost one request more.
        target.registry.create_key(step.key)
    target.registry.write(step.key, step.name, step.value)
    return {}


def _delete_value(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    target.registry.delete_value(step.fact.key, step.fact.name)
    return {}


def _write_journal(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    fact = JOURNAL_FACT
    if step.journal.is_empty:
        target.registry.delete_value(fact.key, fact.name)
        return {fact: Absent.VALUE}
    value = RegistryValue(RegistryType.STRING, journal_rules.dump(step.journal))
    target.registry.write(fact.key, fact.name, value)
    return {fact: value}


def _delete_empty_key(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    target.registry.delete_key_if_empty(step.key)
    return {}


def _change_start_mode(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    target.services.change_start_mode(step.service, step.mode)
    return {}


def _set_delayed_start(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    """By command; whether it worked is seen when the flag is read again, its words only explain a failure."""
    (output,) = target.console.run([sc.set_delayed_start(step.service, delayed=step.delayed)])
    if not output.succeeded:
        raise CommandError(
            host=target.host,
            operation="set the delayed start of",
            target=f"service {step.service}",
            meaning=f"sc.exe answered: {output.text or 'nothing'}",
            advice=sc.advice_for(step.service, output.raw),
        )
    return {}


# --- services --------------------------------------------------------------------------------------------------------


def _together(names: t.Sequence[str], known: Facts) -> tuple[tuple[str, ...], ...]:
    """Services in groups that can stop or start at the same time; DNS is by itself, since its reading is needed."""
    if DependenciesFact() not in known:
        return tuple((name,) for name in names)
    return known[DependenciesFact()].independent_groups(names, alone=DNS_SERVICE)


def _stop_services(target: Target, step: t.Any, clock: Clock, known: Facts) -> Answers:
    for names in _together(step.names, known):
        for name in names:
            if not target.services.stop(name):
                # Another program starts it, or a run that died has.
                _wait(target, [name], "Running", step.timeout, clock)
                target.services.stop(name)
        for service in _wait(target, names, "Stopped", step.timeout, clock, first_pause=USUAL_WAIT):
            if service.state != "Stopped":
                raise _not_reached(target, "stop", service, step.timeout)
    return {}


def _start_services(target: Target, step: t.Any, clock: Clock, known: Facts) -> Answers:
    learnt: Answers = {}
    for names in _together(step.names, known):
        try:
            services = _start(target, names, step, clock)
        except ServiceError:
            if step.essential:
                raise
        else:
            learnt |= {ServiceFact(service.name): service for service in services}
    # Others must be looked at again: that one has come up does not prove that it stays. DNS is watched further.
    return {fact: service for fact, service in learnt.items() if fact == ServiceFact(DNS_SERVICE)}


def _start(target: Target, names: t.Sequence[str], step: t.Any, clock: Clock) -> tuple[Service, ...]:
    asked = _asked_to_start(target, names, step)
    pause = USUAL_WAIT if any(asked.values()) else 0.0
    services = _wait(target, tuple(asked), "Running", step.timeout, clock, first_pause=pause)
    again = [service.name for service in services if service.state == "Stopped" and not asked[service.name]]
    if again:
        # They were still stopping, for another program or for a run that died.
        for name in again:
            target.services.start(name)
        services = _wait(target, tuple(asked), "Running", step.timeout, clock, first_pause=USUAL_WAIT)
    down = next((service for service in services if not service.runs), None)
    if down is not None:
        raise _not_reached(target, "start", down, step.timeout)
    return services


def _asked_to_start(target: Target, names: t.Sequence[str], step: t.Any) -> dict[str, bool]:
    """Of each service that was told to start, whether it had to be told; raises ServiceError for essential ones."""
    asked: dict[str, bool] = {}
    for name in names:
        try:
            asked[name] = target.services.start(name)
        except ServiceError:
            if step.essential or len(names) == 1:
                raise
    return asked


def _wait(
    target: Target,
    names: t.Sequence[str],
    state: t.Literal["Running", "Stopped"],
    timeout: float,
    clock: Clock,
    *,
    first_pause: float = 0.0,
) -> tuple[Service, ...]:
    """A single service at the end; of several those that are in another state than they should reach."""
    if not names:
        return ()
    with target.client.allowing(first_pause):
        clock.sleep(min(first_pause, timeout))
    readings = target.services.wait(
        names,
        state,
        deadline=clock.monotonic() + timeout,
        clock=clock.monotonic,
        sleep=clock.sleep,
        hopeless=("Stopped",),
    )
    return tuple(filter(None, readings.values()))


def _not_reached(target: Target, operation: str, service: Service, timeout: float) -> ServiceError:
    if service.state == "Stopped":
        code = service.exit_code
        meaning = win32_meaning(code)
        return ServiceError(
            host=target.host,
            operation=operation,
            target=f"service {service.name}",
            code=code,
            meaning=f"it ended at once, {meaning.text}",
            advice=meaning.advice,
        )
    return ServiceError(
        host=target.host,
        operation=operation,
        target=f"service {service.name}",
        meaning=f"its state is still '{service.state}' after {timeout:.0f} seconds",
        advice="look at its entries in the event log, and run this again when it has settled",
    )


def _await_dns(target: Target, step: t.Any, clock: Clock, known: Facts) -> Answers:
    with target.client.allowing(step.timeout):
        return _awaited_dns(target, step, clock, known)


def _awaited_dns(target: Target, step: t.Any, clock: Clock, known: Facts) -> Answers:
    deadline = clock.monotonic() + step.timeout
    pause = FIRST_PAUSE
    dns = ServiceFact(DNS_SERVICE)
    answers: Answers = {dns: known[dns]} if dns in known else read_facts(target, [dns])
    while not _holds_dns_port(target, answers[dns]):
        left = deadline - clock.monotonic()
        if left <= 0:
            raise WindowsError(
                host=target.host,
                operation="see",
                target="the DNS server on UDP 53",
                meaning=f"the service runs, but does not hold its port {step.timeout:.0f} seconds after its start",
                advice="look at the DNS Server event log (404, 407, 408) and at who holds port 53",
            )
        clock.sleep(min(pause, left))
        pause = min(pause * GROWTH, LONGEST_PAUSE)
        answers = read_facts(target, [dns])
    return answers


def _holds_dns_port(target: Target, service: Service | None) -> bool:
    return service is None or any(
        socket.protocol == "udp" and socket.process_id == service.process_id
        for socket in read_bound_udp(target, DNS_PORT)
    )


# --- excluded port ranges --------------------------------------------------------------------------------------------


def _change_exclusions(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    deletions = [netsh.delete_exclusion(protocol, ports) for protocol, ports in step.delete]
    deletions += [netsh.delete_exclusion(protocol, ports, "active") for protocol, ports in step.delete_active]
    additions = [netsh.add_exclusion(protocol, ports) for protocol, ports in step.add]
    additions += [netsh.add_exclusion(protocol, ports, "active") for protocol, ports in step.add_active]
    outputs, exclusions = run_and_list_exclusions(target, [*deletions, *additions])
    if exclusions is not None:
        _demand_added(target, step, outputs[len(deletions) :], exclusions)
        _demand_deleted(target, step, outputs, exclusions)
    return {ExclusionsFact(): exclusions}


def _demand_added(target: Target, step: t.Any, outputs: t.Sequence[Output], exclusions: Exclusions) -> None:
    kept = {protocol: exclusions.reserved(protocol) for protocol in PROTOCOLS}
    held = {protocol: PortSet(exclusions.administered(protocol)) for protocol in PROTOCOLS}
    there = [*((block, kept) for block in step.add), *((block, held) for block in step.add_active)]
    for ((protocol, ports), found), output in zip(there, outputs, strict=True):
        if PortSet.of(ports) - found[protocol]:
            raise _netsh_error(target, "exclude", protocol, ports, output)


def _demand_deleted(target: Target, step: t.Any, outputs: t.Sequence[Output], exclusions: Exclusions) -> None:
    added = {*step.add, *step.add_active}
    there = [*((block, exclusions.persistent) for block in step.delete)]
    there += [*((block, exclusions.until_boot) for block in step.delete_active)]
    for ((protocol, ports), store), output in zip(there, outputs, strict=False):
        if ports in store(protocol) and (protocol, ports) not in added:
            raise _netsh_error(target, "release", protocol, ports, output)


def _netsh_error(target: Target, operation: str, protocol: Protocol, ports: PortRange, output: Output) -> CommandError:
    return CommandError(
        host=target.host,
        operation=operation,
        target=f"{protocol.upper()} {ports}",
        meaning=f"netsh answered: {output.text or 'nothing'}",
        advice=f"see with port_info who holds these ports now; if no process does, {_NETSH_RIGHT}",
    )


# --- dynamic port ranges ---------------------------------------------------------------------------------------------


def _set_dynamic_ranges(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    changes = [netsh.set_dynamic_range(family, protocol, ports) for family, protocol, ports in step.changes]
    outputs, ranges = run_and_list_dynamic_ranges(target, changes)
    for (family, protocol, ports), output in zip(step.changes, outputs, strict=True):
        if ranges is not None and ranges.of(family, protocol) != ports:
            raise _netsh_error(target, f"set the dynamic {family} range to", protocol, ports, output)
    return {DynamicRangesFact(): ranges}


# --- the services file -----------------------------------------------------------------------------------------------


def _write_services_file(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    return {ServicesFileFact(step.folder): services_file.replace(target.console, target.host, step)}


def _delete_beside_services_file(target: Target, step: t.Any, _clock: Clock, _known: Facts) -> Answers:
    return {ServicesFileFact(step.folder): services_file.delete(target.console, target.host, step.folder, step.names)}


_APPLIERS: t.Final[t.Mapping[type[Step], t.Callable[[Target, t.Any, Clock, Facts], Answers]]] = {
    WriteValue: _write_value,
    DeleteValue: _delete_value,
    DeleteEmptyKey: _delete_empty_key,
    WriteJournal: _write_journal,
    ChangeStartMode: _change_start_mode,
    SetDelayedStart: _set_delayed_start,
    StopServices: _stop_services,
    StartServices: _start_services,
    AwaitDns: _await_dns,
    ChangeExclusions: _change_exclusions,
    WriteServicesFile: _write_services_file,
    DeleteBesideServicesFile: _delete_beside_services_file,
    SetDynamicRanges: _set_dynamic_ranges,
}
