# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configured is not effective: each configured setting, whether it is in force, and the event that it waits for.

The planners decide: each gets the present state as its wish, so that its plan changes nothing and has the
effectiveness of that state.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import (
    Journal,
    JournalError,
    JournalTooNew,
    load_reading,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    NO_PORTS,
    Context,
    Effectiveness,
    OptionError,
    Plan,
    PlanError,
    StartMode,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    Holder,
    connection_questions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_options import WantedPorts
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import (
    dns_socket_pool,
    dynamic_ports,
    excluded_port_ranges,
    exclusion_effectiveness,
    reserved_ports_value,
    service_start_mode,
    static_rpc_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.observed_effectiveness import (
    observed_effectiveness,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import EffectiveRow, Resource
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import (
    DNS_PORT,
    Gap,
    PortInfoView,
    SubsetAnswer,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Absent,
    DynamicRangesFact,
    ExclusionsFact,
    Fact,
    FactUnread,
    RegistryValue,
    ServiceFact,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import pool_settings
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import RPC_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DNS_NAMES_FACT,
    JOURNAL_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import rows_from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_Part: t.TypeAlias = t.Callable[[PortInfoView, Context], t.Iterable[EffectiveRow]]
_NAME: t.Final = "configured_versus_effective"
_START_MODES: t.Final[tuple[StartMode, ...]] = t.get_args(StartMode)


def _row(
    resource: Resource, part: str, configured: t.Any, effectiveness: Effectiveness, waits_for: WaitsFor | None = None
) -> EffectiveRow:
    """One thing that is configured; a reboot or restart that it requires comes before any other event."""
    required: WaitsFor | None = (
        "reboot" if effectiveness.reboot_required else "dns_restart" if effectiveness.restart_required else None
    )
    return EffectiveRow(
        resource=resource,
        part=part,
        configured=configured,
        effective=effectiveness.effective,
        reason=effectiveness.reason,
        waits_for=required or waits_for,
        reboot_required=effectiveness.reboot_required,
        restart_required=effectiveness.restart_required,
    )


def configured_versus_effective(view: PortInfoView) -> SubsetAnswer:
    """A row for each thing that is configured or journalled. Raises FactsNeeded, and PlanError for a newer journal."""
    view.facts.require(*_first_questions(view))
    journal, warnings = _journal(view)
    context = view.context._replace(journal=journal)
    parts = gathered(functools.partial(_rows, part, view, context) for part in _PARTS)
    gaps = tuple(rows for rows in parts if isinstance(rows, Gap))
    if len(gaps) == len(_PARTS):
        return SubsetAnswer(None, warnings, (Gap(gaps[0].fact, _NAME),))
    return SubsetAnswer(tuple(row for rows in parts if not isinstance(rows, Gap) for row in rows), warnings, gaps)


def _rows(part: _Part, view: PortInfoView, context: Context) -> list[EffectiveRow] | Gap:
    """The rows of one part, or what is not known for want of an answer."""
    try:
        return list(part(view, context))
    except FactUnread as gap:
        return Gap(gap.fact, _NAME, (_PARTS[part],))


def _first_questions(view: PortInfoView) -> list[Fact[t.Any]]:
    """The questions that do not depend on the journal: all in one round, so that commands share a shell."""
    capabilities = view.context.capabilities
    questions: list[Fact[t.Any]] = [RESERVED_PORTS_FACT, ServiceFact(DNS_SERVICE), DNS_NAMES_FACT]
    questions += [JOURNAL_FACT] if view.inquiry.journal else []
    questions += [ExclusionsFact()] if capabilities.excluded_port_ranges != "no" else []
    questions += [SocketsFact(view.inquiry.ports)] if "sockets" in view.inquiry.subsets else []
    questions += connection_questions(view.inquiry.connection_ports)
    return questions


def _journal(view: PortInfoView) -> tuple[Journal | None, tuple[str, ...]]:
    if not view.inquiry.journal:
        return None, ()
    if not view.facts.is_read(JOURNAL_FACT):
        return Journal(), ()
    try:
        return load_reading(view.facts[JOURNAL_FACT]), ()
    except JournalTooNew as error:
        raise PlanError(
            "the journal of portkeeper.windows on this server", str(error), "Update the collection"
        ) from error
    except JournalError as error:
        said = f"The journal on this server can't be read ({error}): what earlier runs changed is not known."
        return Journal(), (said,)


def _has_entry(name: str, context: Context) -> bool:
    return bool(context.journal and name in context.journal.entries)


def _settled(
    resource: Resource, part: str, key: str, planner: t.Callable[[], Plan], held: PortSet = NO_PORTS
) -> EffectiveRow:
    """The planner's judgement of the present state; ``key`` picks the setting from the plan's view."""
    try:
        plan = planner()
    except PlanError as error:
        return _row(resource, part, None, Effectiveness("no", str(error)))
    return _row(resource, part, plan.before[key], observed_effectiveness(plan, _forbidden(plan) & held))


# --- reserved ports ----------------------------------------------------------------------------------------------


def _reserved_ports_value(view: PortInfoView, context: Context) -> t.Iterator[EffectiveRow]:
    reading = context.facts[RESERVED_PORTS_FACT]
    if isinstance(reading, Absent) and not _has_entry(reserved_ports_value.ENTRY, context):
        return
    if not context.capabilities.reserved_ports_value:
        ignored = Effectiveness("no", f"{context.release.name} ignores the ReservedPorts value (KB812873).")
        entries = reading.data if isinstance(reading, RegistryValue) else ()
        shown = list(entries) if isinstance(entries, tuple) else entries
        yield _row("reserved_ports", reserved_ports_value.NAME, shown, ignored)
        return
    planner = functools.partial(reserved_ports_value.plan, NO_PORTS, "present", "both", context)
    yield _settled("reserved_ports", reserved_ports_value.NAME, "reserved_ports", planner, _held_by_dns(view))


def _netsh(_view: PortInfoView, context: Context) -> t.Iterator[EffectiveRow]:
    exclusions = context.facts[ExclusionsFact()] if context.capabilities.excluded_port_ranges != "no" else None
    if exclusions is None:
        return
    late = {protocol: exclusions.from_boot(protocol) for protocol in PROTOCOLS}
    try:
        plan = excluded_port_ranges.plan(dict.fromkeys(PROTOCOLS, NO_PORTS), "present", context)
    except PlanError as error:
        yield _row("reserved_ports", "netsh", None, Effectiveness("no", str(error)))
        return
    configured = {protocol: plan.before[f"excluded_{protocol}"] for protocol in ("tcp", "udp")}
    if plan.waiting_for:
        strange = exclusion_effectiveness.strangers_among(rows_from_plain(Holder, plan.waiting_for), context)
        yield _row("reserved_ports", "netsh", configured, plan.effectiveness, "holder" if strange else "owner")
    elif plan.changed:
        cut_short = (
            "A run was interrupted between taking blocks away and adding the rest again; run reserved_ports again."
        )
        yield _row("reserved_ports", "netsh", configured, Effectiveness("no", cut_short))
    elif any(late.values()):
        yield _row("reserved_ports", "netsh", configured, exclusion_effectiveness.from_boot(late))
    elif any(configured.values()) or _has_entry(excluded_port_ranges.ENTRY, context):
        yield _row("reserved_ports", "netsh", configured, plan.effectiveness)


# --- the DNS server's pool ---------------------------------------------------------------------------------------


def _pool(view: PortInfoView, context: Context) -> t.Iterator[EffectiveRow]:
    context.facts.require(ServiceFact(DNS_SERVICE), DNS_NAMES_FACT)
    if context.facts[ServiceFact(DNS_SERVICE)] is None:
        return
    found = pool_settings(view.facts)
    if isinstance(found.size, RegistryValue) or _has_entry(dns_socket_pool.SIZE_ENTRY, context):
        configured = found.configured_size
        size: int | t.Literal["default"] = "default" if configured is None else configured
        as_it_is = dns_socket_pool.DnsSocketPool(size, None, "present", restart=False)
        yield _settled("dns_socket_pool", "size", "size", functools.partial(dns_socket_pool.plan, as_it_is, context))
    if isinstance(found.excluded, RegistryValue) or _has_entry(dns_socket_pool.LIST_ENTRY, context):
        as_it_is = dns_socket_pool.DnsSocketPool(None, WantedPorts(NO_PORTS), "present", restart=False)
        planner = functools.partial(dns_socket_pool.plan, as_it_is, context)
        yield _settled("dns_socket_pool", "excluded_ports", "excluded_ports", planner, _held_by_dns(view))


# --- dynamic ranges and fixed RPC ports: what we changed, others' settings are in other subsets -------------------


def _dynamic_ports(_view: PortInfoView, context: Context) -> t.Iterator[EffectiveRow]:
    if _has_entry(dynamic_ports.VALUE_ENTRY, context):
        highest = max_user_port(context.facts)
        as_it_is = dynamic_ports.DynamicPorts("default" if highest is None else highest, None, PROTOCOLS)
        planner = functools.partial(dynamic_ports.plan, as_it_is, context)
        yield _settled("dynamic_ports", "max_user_port", "max_user_port", planner)
    journalled = [protocol for protocol, name in dynamic_ports.RANGE_ENTRIES.items() if _has_entry(name, context)]
    ranges = context.facts[DynamicRangesFact()] if journalled else None
    for protocol in journalled if ranges else []:
        as_it_is = dynamic_ports.DynamicPorts(None, ranges.of("ipv4", protocol) if ranges else None, (protocol,))
        planner = functools.partial(dynamic_ports.plan, as_it_is, context)
        yield _settled("dynamic_ports", protocol, protocol, planner)


def _static_rpc_ports(_view: PortInfoView, context: Context) -> t.Iterator[EffectiveRow]:
    rows = [row for row in RPC_PORTS if _has_entry(row.entry_name, context)]
    context.facts.require(*(row.fact for row in rows))
    for row in rows:
        as_it_is = static_rpc_port.StaticRpcPorts(((row, static_rpc_port.configured(context.facts[row.fact])),))
        try:
            plan = static_rpc_port.plan(as_it_is, context)
        except PlanError as error:
            yield _row("static_rpc_port", row.key, None, Effectiveness("no", str(error)))
            continue
        waits_for: WaitsFor | None = "service_restart" if plan.details["restart_services"] else None
        yield _row("static_rpc_port", row.key, plan.before["ports"][row.key], plan.effectiveness, waits_for)


# --- start modes -------------------------------------------------------------------------------------------------


def _start_modes(_view: PortInfoView, context: Context) -> t.Iterator[EffectiveRow]:
    names = {DNS_SERVICE.casefold(): DNS_SERVICE}
    names |= {name.casefold(): name for name in _journalled_services(context)}
    context.facts.require(*(ServiceFact(name) for name in names.values()))
    installed = [service.name for name in names.values() if (service := context.facts[ServiceFact(name)])]
    if context.capabilities.delayed_start:
        context.facts.require(*(delayed_flag(name) for name in installed))
    for name in installed:
        (service,) = service_start_mode.existing_services((name,), context)
        mode = service_start_mode.current_mode(service, context)
        journalled = _has_entry(service_start_mode.ENTRY_PREFIX + service.name, context)
        if mode in _START_MODES and (journalled or mode == "delayed"):
            yield _start_mode(name, mode, context)


def _journalled_services(context: Context) -> t.Iterator[str]:
    """The services whose start mode we changed, as far as their names can be names of services."""
    prefix = service_start_mode.ENTRY_PREFIX
    for entry in context.journal.entries if context.journal else ():
        if entry.startswith(prefix):
            try:
                yield from service_start_mode.service_names({"name": [entry[len(prefix) :]]})
            except OptionError:
                continue


def _start_mode(name: str, mode: StartMode, context: Context) -> EffectiveRow:
    as_it_is = service_start_mode.ServiceStartMode((name,), mode)
    plan = service_start_mode.plan(as_it_is, context)
    is_void = bool(plan.warnings)
    waits_for: WaitsFor | None = "boot" if plan.effectiveness.effective == "no" and not is_void else None
    return _row("service_start_mode", name, mode, plan.effectiveness, waits_for)


_PARTS: t.Final[t.Mapping[_Part, Resource]] = {
    _reserved_ports_value: "reserved_ports",
    _netsh: "reserved_ports",
    _pool: "dns_socket_pool",
    _dynamic_ports: "dynamic_ports",
    _static_rpc_ports: "static_rpc_port",
    _start_modes: "service_start_mode",
}
"""Each with the resource that it tells of."""


# --- what the sockets say ----------------------------------------------------------------------------------------


def _forbidden(plan: Plan) -> PortSet:
    """The ports that a plan's settings keep from dns.exe."""
    names = plan.before.get("reserved_ports") or plan.before.get("excluded_ports") or ()
    return PortList(tuple(names)).ports


def _held_by_dns(view: PortInfoView) -> PortSet:
    """UDP ports that dns.exe holds, as far as sockets are read anyway."""
    if "sockets" not in view.inquiry.subsets:
        return NO_PORTS
    question = SocketsFact(view.inquiry.ports)
    if not view.facts.is_read(question):
        return NO_PORTS
    dns = view.dns_service()
    process_id = dns.process_id if dns else 0
    ports = {
        socket.port
        for socket in view.facts[question]
        if process_id and socket.process_id == process_id and socket.protocol == "udp" and socket.port != DNS_PORT
    }
    return PortSet.of(*ports)
