# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``static_rpc_port``: services that take a port of the dynamic range at each start get a fixed one.

The values are rows of ``rpc_ports``. The rules for choosing ports are KB194952's: in use by nobody, no two the same,
and not among the first of the ephemeral range, which go to the programs that start first. Nothing is restarted here.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import is_meant
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    DeleteEmptyKey,
    Effectiveness,
    OptionError,
    Plan,
    PlanError,
    Resource,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    belongs_to,
    connection_questions,
    holders_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.setting import Setting, reboot_wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import Part, plan_of, weakest
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    DynamicRangesFact,
    Fact,
    OperatingSystemFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    Service,
    ServiceFact,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import LSASS_IMAGE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    DEFAULT_POOL_RANGE,
    DOMAIN_CONTROLLER,
    Release,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import (
    DIRECTORY_PORTS,
    PORTS_BY_KEY,
    REBOOT,
    RPC_PORTS,
    RpcPort,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortRange, PortSet

NAME: t.Final = "static_rpc_port"
FIRST_GOOD_PORT_ON_NT5: t.Final = 1200
"""KB194952's own example of a port that is far enough above 1023."""
FIRST_PORTS: t.Final = 32
"""The number of ports at the start of a dynamic range that programs take at the start of Windows ([K] unverified)."""
NOT_FIXED: t.Final = "default"
"""The word that users write for no fixed port."""

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "ports": {"type": "dict", "required": True, "options": {row.key: {"type": "str"} for row in RPC_PORTS}},
}


class StaticRpcPorts(t.NamedTuple):
    """The state that the user wants: a port for each of these services; ``None``: its port is not fixed."""

    ports: tuple[tuple[RpcPort, int | None], ...]

    @property
    def numbers(self) -> dict[RpcPort, int]:
        """The ports that are asked for, by their rows."""
        return {row: number for row, number in self.ports if number is not None}


# --- options ---------------------------------------------------------------------------------------------------------


def options(arguments: t.Mapping[str, t.Any]) -> StaticRpcPorts:
    """Typed options; raises OptionError."""
    given = {key: text for key, text in arguments["ports"].items() if text is not None}
    if not given:
        raise OptionError("ports", f"it is empty; give a port for at least one of {', '.join(PORTS_BY_KEY)}")
    ports = tuple((PORTS_BY_KEY[key], port_number(f"ports.{key}", text)) for key, text in given.items())
    _refuse_same_ports({row: number for row, number in ports if number is not None})
    return StaticRpcPorts(ports)


def port_number(place: str, text: str) -> int | None:
    """A port from 1 to 65535, or ``None`` for ``default``; raises OptionError."""
    given = text.strip()
    if given.casefold() == NOT_FIXED:
        return None
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= HIGHEST_PORT:
        raise OptionError(place, f"{text!r} is neither a port from 1 to {HIGHEST_PORT} nor '{NOT_FIXED}'")
    return int(given)


def _refuse_same_ports(ports: t.Mapping[RpcPort, int]) -> None:
    for number in ports.values():
        same = [other.key for other, taken in ports.items() if taken == number]
        if len(same) > 1:
            reason = f"{' and '.join(same)} both have port {number}, and each service needs one of its own"
            raise OptionError("ports", reason + _event(same))


def _event(keys: t.Collection[str]) -> str:
    """The event that Windows logs for the one pair that an article names."""
    return " (Netlogon event 5809, KB224196)" if {"ntds", "netlogon"} <= set(keys) else ""


# --- plan ------------------------------------------------------------------------------------------------------------


def plan(wanted: StaticRpcPorts, context: Context) -> Plan:
    """The plan for all named services; nothing is changed for any if one of them can't be had.

    Raises:
        PlanError: a service is not installed, or a port can't be its own.
        FactsNeeded: as everywhere.
    """
    context.facts.require(*first(wanted, context.release))
    _refuse_missing(wanted, context)
    _refuse_unread(wanted, context)
    changing = tuple(
        (row, number) for row, number in wanted.ports if _setting(row).reading(context) != _target(row, number)
    )
    _refuse_bad_ports(wanted, changing, context)
    parts = [_part(row, number, context) for row, number in wanted.ports]
    verdicts = {
        row: _setting(row).effectiveness(part, context)
        for (row, _number), part in zip(wanted.ports, parts, strict=True)
    }
    return _shown_plan(parts, verdicts, wanted.numbers, context)


def undo(named: tuple[StaticRpcPorts, ...], context: Context) -> Plan:
    """Take back what we did for the services that are named or that the owner has; raises PlanError, FactsNeeded."""
    keys = {row.key for wanted in named for row, _number in wanted.ports}
    rows = [
        row
        for row in RPC_PORTS
        if (entry := context.entry(row.entry_name)) and is_meant(entry, context, is_named=row.key in keys)
    ]
    services = [ServiceFact(row.service) for row in rows if row.service]
    context.facts.require(OperatingSystemFact(), *(row.fact for row in rows), *services)
    undone = {row: part for row in rows if (part := _setting(row).undone(context))}
    parts = {row: _with_key_removed(row, part, context) for row, part in undone.items()}
    verdicts = {row: _pending_effectiveness(row, context) for row, part in parts.items() if part.is_due}
    return _shown_plan(tuple(parts.values()), verdicts, {}, context)


def _shown_plan(
    parts: t.Sequence[Part],
    verdicts: t.Mapping[RpcPort, Effectiveness],
    numbers: t.Mapping[RpcPort, int],
    context: Context,
) -> Plan:
    made = plan_of(NAME, parts, weakest(tuple(verdicts.values())))
    waiting = [row for row, effectiveness in verdicts.items() if effectiveness.effective == "no"]
    restarts = tuple(dict.fromkeys(row.restart for row in waiting if row.restart != REBOOT))
    return made._replace(
        before={"ports": made.before},
        after={"ports": made.after},
        restarts=restarts,
        effectiveness_after_restart=weakest(
            [effectiveness for row, effectiveness in verdicts.items() if row.restart == REBOOT]
        ),
        late=PortSet.of(*(number for row in waiting if (number := numbers.get(row)))),
        details={
            "restart_services": list(restarts),
            "to_reserve": (PortSet.of(*numbers.values()) - _NEVER_DRAWN).texts(),
            "dfsr_port": _dfsr_port(context),
        },
    )


_NEVER_DRAWN: t.Final = PortSet.of(PortRange(0, LOWEST_DRAWN_PORT - 1))


def first(wanted: StaticRpcPorts, _release: Release) -> tuple[Fact[t.Any], ...]:
    """The facts that every server is asked for."""
    rows = [row for row, _number in wanted.ports]
    names = dict.fromkeys(name for row in rows for name in (row.service, row.replaced_by) if name)
    return (OperatingSystemFact(), *(row.fact for row in rows), *map(ServiceFact, names))


def _refuse_missing(wanted: StaticRpcPorts, context: Context) -> None:
    rows = [row for row, _number in wanted.ports]
    elsewhere = [row.key for row in rows if row.needs_domain_controller and not _is_domain_controller(context)]
    if elsewhere:
        raise PlanError(
            f"ports of {', '.join(elsewhere)}",
            "this server is no domain controller, and only there these ports mean something",
            "Take them out of ports here; nothing was changed for any service",
        )
    missing = [f"{row.key} (service {row.service})" for row in rows if not _is_installed(row, context)]
    if missing:
        raise PlanError(
            f"ports of {', '.join(missing)}",
            "the service is not installed on this server",
            "Take it out of ports here; nothing was changed for any service",
        )


def _refuse_unread(wanted: StaticRpcPorts, context: Context) -> None:
    """Taking such a value away stays possible."""
    unread = [row for row, number in wanted.ports if number is not None and _is_unread(row, context)]
    if unread:
        raise PlanError(
            f"ports of {', '.join(row.key for row in unread)}",
            f"this server has {unread[0].replaced_by}, so it has Exchange 2010 or later, which does not read these "
            "values of earlier versions",
            "Take them out of ports here (Exchange 2010 reads exchange_rpc and exchange_ab); nothing was changed for "
            "any service",
        )


def _is_unread(row: RpcPort, context: Context) -> bool:
    return bool(row.replaced_by) and context.facts[ServiceFact(row.replaced_by)] is not None


def _is_domain_controller(context: Context) -> bool:
    return context.facts[OperatingSystemFact()].product_type == DOMAIN_CONTROLLER


def _is_installed(row: RpcPort, context: Context) -> bool:
    if row.needs_domain_controller and not _is_domain_controller(context):
        return False
    return not row.service or context.facts[ServiceFact(row.service)] is not None


def _dfsr_port(context: Context) -> int | None:
    """The fixed port of DFS Replication, for information: it is not set here."""
    return context.capabilities.dfsr_port if _is_domain_controller(context) else None


# --- one value -------------------------------------------------------------------------------------------------------


def _target(row: RpcPort, number: int | None) -> RegistryReading:
    if number is None:
        return Absent.VALUE
    return RegistryValue(row.type, str(number) if row.type is RegistryType.STRING else number)


def configured(reading: RegistryReading) -> int | None:
    """The port that a value names; ``None`` if it names none."""
    if isinstance(reading, Absent) or not str(reading.data).isdigit():
        return None
    return int(str(reading.data)) or None


def _shown(row: RpcPort, reading: RegistryReading) -> dict[str, t.Any]:
    if isinstance(reading, Absent):
        return {row.key: "default"}
    number = configured(reading)
    return {row.key: reading.data if number is None else number}


def _setting(row: RpcPort) -> Setting:
    return Setting(
        row.fact,
        row.entry_name,
        f"{row.name} reads",
        shown=functools.partial(_shown, row),
        wait=functools.partial(_wait, row),
        pending=functools.partial(_pending_effectiveness, row),
        foreign=_foreign(row),
        still_waits=functools.partial(_still_waits, row),
    )


def _part(row: RpcPort, number: int | None, context: Context) -> Part:
    return _setting(row).part(_target(row, number), context, added=_created_key(row, context))


def _created_key(row: RpcPort, context: Context) -> tuple[str, ...]:
    """A note in the journal where writing the value makes its key."""
    known = context.known(row.entry_name)
    if known:
        return known.added
    return (journal_entries.CREATED_KEY,) if context.facts[row.fact] is Absent.KEY else ()


def _with_key_removed(row: RpcPort, part: Part, context: Context) -> Part:
    entry = context.entry(row.entry_name)
    # Also if the value is gone already: a run that was killed in between leaves the empty key.
    made_key = entry is not None and journal_entries.CREATED_KEY in entry.added
    if made_key and context.facts[row.fact] is not Absent.KEY and part.target is Absent.VALUE:
        return part._replace(steps=(*part.steps, DeleteEmptyKey(row.fact.key)))
    return part


# --- which ports will do ---------------------------------------------------------------------------------------------


def _refuse_bad_ports(
    wanted: StaticRpcPorts, changing: tuple[tuple[RpcPort, int | None], ...], context: Context
) -> None:
    """Checked only if a port is to be changed: configured ports are not judged again."""
    ports = {row: number for row, number in changing if number is not None}
    if not ports:
        return
    numbers = PortSet.of(*ports.values())
    absent = [row.fact for row in ports if context.facts[row.fact] is Absent.VALUE]
    context.facts.require(
        *(ServiceFact(row.service) for row in RPC_PORTS if row.service),
        SocketsFact(numbers),
        *connection_questions(numbers),
        *([DynamicRangesFact()] if context.capabilities.dynamic_port_ranges else []),
        *(RegistryNamesFact(fact.key) for fact in absent),
    )
    _refuse_directory(ports)
    _refuse_dfsr(ports, context)
    _refuseconfigured(wanted, ports, context)
    _refuse_first_ports(ports, context)
    _refuse_used(ports, numbers, context)


def _refuse_directory(ports: t.Mapping[RpcPort, int]) -> None:
    """By number: who holds them can't tell, since the same process listens on both."""
    for row, number in ports.items():
        if row.image == LSASS_IMAGE and number in DIRECTORY_PORTS:
            raise PlanError(
                f"port {number} for {row.key}",
                f"every domain controller has {DIRECTORY_PORTS[number]} there (KB832017)",
                "Choose another port",
            )


def _refuse_dfsr(ports: t.Mapping[RpcPort, int], context: Context) -> None:
    for row, number in ports.items():
        if number == _dfsr_port(context):
            raise PlanError(
                f"port {number} for {row.key}",
                f"DFS Replication has it on domain controllers of {context.release.name}, always",
                "Choose another port",
            )


def _refuseconfigured(wanted: StaticRpcPorts, ports: t.Mapping[RpcPort, int], context: Context) -> None:
    """Against the fixed ports of services that the user did not name."""
    named = {row.key for row, _number in wanted.ports}
    others = [
        row
        for row in RPC_PORTS
        if row.key not in named and _is_installed(row, context) and not _is_unread(row, context)
    ]
    context.facts.require(*(row.fact for row in others))
    for row, number in ports.items():
        same = [other for other in others if configured(context.facts[other.fact]) == number]
        if same:
            other = same[0]
            raise PlanError(
                f"port {number} for {row.key}",
                rf"it is configured for {other.key} (HKLM\{other.fact.key}\{other.value})"
                + _event((row.key, other.key)),
                "Choose another port, or give the other service another in the same task",
            )


def _refuse_first_ports(ports: t.Mapping[RpcPort, int], context: Context) -> None:
    first = _first_ports(context)
    for row, number in ports.items():
        if number in first:
            raise PlanError(
                f"port {number} for {row.key}",
                f"it is one of the first ports that Windows hands out ({first}), so another program may well have it "
                "when the service starts (KB194952)",
                f"Choose a port above {first.last}, or a free one below {LOWEST_DRAWN_PORT}",
            )


def _first_ports(context: Context) -> PortRange:
    if not context.capabilities.dynamic_port_ranges:
        return PortRange(LOWEST_DRAWN_PORT, FIRST_GOOD_PORT_ON_NT5 - 1)
    ranges = context.facts[DynamicRangesFact()]
    start = ranges.tcp.first if ranges else DEFAULT_POOL_RANGE.first
    return PortRange(start, min(start + FIRST_PORTS - 1, HIGHEST_PORT))


def _refuse_used(ports: t.Mapping[RpcPort, int], numbers: PortSet, context: Context) -> None:
    held = [holder for holder in holders_of(numbers, context, tcp=numbers) if holder.protocol == "tcp"]
    for row, number in ports.items():
        for holder in held:
            if holder.port == number and not belongs_to(holder, row.service, row.image):
                raise PlanError(
                    f"TCP {number} for {row.key}",
                    f"{holder} holds it",
                    f"Choose another port, or {holder.remedy}",
                )


# --- in force or not -------------------------------------------------------------------------------------------------


def _service(row: RpcPort, context: Context) -> Service | None:
    return context.facts[ServiceFact(row.service)] if row.service else None


def _wait(row: RpcPort, context: Context) -> Wait | None:
    if row.restart == REBOOT:
        return reboot_wait(context)
    service = _service(row, context)
    if service is None or not service.runs:
        return None
    uptime = context.facts[OperatingSystemFact()].uptime
    return Wait("service_restart", since=context.now, age=uptime, process_id=service.process_id)


def _still_waits(row: RpcPort, wait: Wait, context: Context) -> bool:
    """True if neither a boot nor a restart has come; a service in a shared process is known by its listening port."""
    uptime = context.facts[OperatingSystemFact()].uptime
    service = _service(row, context)
    if wait.event == "reboot" or service is None:
        return not wait.is_over(now=context.now, age=uptime)
    if not service.runs or wait.is_over(now=context.now, age=uptime, process_id=service.process_id):
        return False
    number = configured(_setting(row).reading(context))
    if number is None:
        return True
    sockets = context.facts[SocketsFact(PortSet.of(number))]
    return not any(socket.protocol == "tcp" and socket.process_id == service.process_id for socket in sockets)


def _pending_effectiveness(row: RpcPort, context: Context) -> Effectiveness:
    if row.restart == REBOOT:
        return Effectiveness("no", f"{row.name} reads its port at boot: it waits for a reboot.", reboot_required=True)
    service = _service(row, context)
    if service is None or not service.runs:
        return EFFECTIVE
    return Effectiveness("no", f"{row.name} reads its port when it starts: restart the service {row.restart}.")


def _foreign(row: RpcPort) -> Effectiveness:
    return Effectiveness(
        "unknown",
        f"The port of {row.key} was not last set by this collection: whether it has started since is not known.",
    )


_OF_WINDOWS: t.Final = tuple(
    ServiceFact(row.service) for row in RPC_PORTS if row.service and not row.key.startswith("exchange_")
)
"""Services of Windows itself, not of Exchange: few, and asked for on every server whose Exchange gets fixed ports."""

RESOURCE: t.Final = Resource(
    NAME,
    ARGUMENT_SPEC,
    options,
    plan,
    undo,
    keeps=lambda name: name in {row.entry_name for row in RPC_PORTS},
    beside=lambda _release: _OF_WINDOWS,
    first=first,
)
