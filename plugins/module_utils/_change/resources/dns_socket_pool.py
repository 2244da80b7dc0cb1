# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dns_socket_pool``: how many UDP ports the DNS server draws at its start, and which it never draws.

``SocketPoolSize`` (KB953230) exists everywhere, ``SocketPoolExcludedPortRanges`` (MS-DNSP 3.1.1.1.4) from Windows
Server 2008 R2 on. dns.exe reads both at its start, so a change waits for a restart of DNS.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import dns_restart
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    IN_FORCE,
    NO_PORTS,
    Context,
    Force,
    OptionError,
    Plan,
    PlanError,
    Resource,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_options import (
    ARGUMENTS,
    WantedPorts,
    given,
    wanted_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.undo import undone_list, undone_value
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import (
    Part,
    changed_part,
    confirm_absence,
    demand_type,
    entry_for,
    plan_of,
    unchanged_part,
    undone_part,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.catalogue import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Fact,
    Protocol,
    RegistryFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    ServiceFact,
    number,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    DEFAULT_POOL_SIZE,
    MAXIMUM_POOL_SIZE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DEAD_EXCLUSIONS_NAME,
    DNS_KEY,
    DNS_NAMES_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import (
    ListState,
    PortList,
    changed_list,
    list_warnings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

POOL_PROTOCOLS: t.Final[tuple[Protocol, ...]] = ("udp",)
SIZE_ENTRY: t.Final = "dns_socket_pool.size"
LIST_ENTRY: t.Final = "dns_socket_pool.excluded_ports"

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "size": {"type": "str"},
    "excluded_ports": {"type": "list", "elements": "str"},
    **ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent", "pure"], "default": "present"},
    "restart": {"type": "bool", "default": False},
    "allow_unsafe_size": {"type": "bool", "default": False},
}


@dataclasses.dataclass(frozen=True, slots=True)
class DnsSocketPool:
    """What the user wants; ``None`` leaves a part as it is."""

    size: int | t.Literal["default"] | None
    excluded: WantedPorts | None
    state: ListState
    restart: bool


def options(arguments: t.Mapping[str, t.Any]) -> DnsSocketPool:
    """Typed options; raises OptionError."""
    state = t.cast(ListState, arguments["state"])
    size = _size(arguments.get("size"), allow_unsafe=arguments["allow_unsafe_size"])
    excluded = None
    if given(arguments, option="excluded_ports"):
        excluded = wanted_ports(arguments, option="excluded_ports", state=state, protocols=POOL_PROTOCOLS)
    if size is None and excluded is None and not arguments["restart"]:
        raise OptionError("size", "nothing to do: give size, excluded_ports, ad_lds_instances, services or restart")
    return DnsSocketPool(size, excluded, state, arguments["restart"])


def _size(text: str | None, *, allow_unsafe: bool) -> int | t.Literal["default"] | None:
    if text is None:
        return None
    if text.strip().casefold() == "default":
        return "default"
    if not text.strip().isascii() or not text.strip().isdigit() or int(text) > MAXIMUM_POOL_SIZE:
        raise OptionError("size", f"{text!r} is neither a whole number from 0 to {MAXIMUM_POOL_SIZE} nor 'default'")
    if int(text) == 0 and not allow_unsafe:
        raise OptionError(
            "size",
            "0 makes every query leave from one port, which brings back the cache poisoning that MS08-037 closed; "
            "set allow_unsafe_size to accept that",
        )
    return int(text)


def plan(wanted: DnsSocketPool, context: Context) -> Plan:
    """The plan for size and list together; raises PlanError, FactsNeeded."""
    _refuse_list_without_support(wanted, context)
    context.facts.require(*first(wanted, context.release))
    context.facts.require(*_second(wanted, context))
    _refuse_without_dns(context)
    asked = wanted.excluded.on(context.facts, POOL_PROTOCOLS) if wanted.excluded else PortSet()
    context.facts.require(*_last(wanted, asked, context))
    parts = [part for part in (_size_part(wanted, context), _list_part(wanted, asked, context)) if part]
    changed = any(part.steps for part in parts)
    force = _pending_force(context) if changed else _force_of(parts, context)
    made = plan_of("dns_socket_pool", parts, force)
    return dataclasses.replace(
        made,
        warnings=(*made.warnings, *_dead_value_warning(context)),
        guarded=asked if wanted.state != "absent" else PortSet(),
    )


def first(wanted: DnsSocketPool, release: Release) -> tuple[Fact[t.Any], ...]:
    """What is asked of every server; a release without the list is refused before anything is asked."""
    if wanted.excluded and not release.capabilities.dns_pool_exclusions:
        return ()
    # A value that should not be there is looked for among the names: asking for it would settle nothing.
    values: list[Fact[t.Any]] = [DNS_NAMES_FACT] if wanted.size == "default" else [*_values(wanted)]
    return (ServiceFact(DNS_SERVICE), *values)


def _second(wanted: DnsSocketPool, context: Context) -> list[Fact[t.Any]]:
    """The values that the names have shown; one that is there though it should not be is a change."""
    questions: list[Fact[t.Any]] = [*_questions(wanted, context)]
    if wanted.size == "default" and POOL_SIZE_FACT in questions:
        questions += dns_restart.questions_of_change(context)
    return questions


def _last(wanted: DnsSocketPool, asked: PortSet, context: Context) -> list[Fact[t.Any]]:
    """What a change has to know, or a restart for the sake of an earlier one."""
    if _differs(wanted, asked, context):
        return [DNS_NAMES_FACT, *dns_restart.questions_of_change(context)]
    entries = (context.entry(name) for name in (SIZE_ENTRY, LIST_ENTRY))
    waits = [entry.wait for entry in entries if entry and entry.wait]
    return [question for wait in waits for question in dns_restart.questions_of_wait(wait, context)]


def _differs(wanted: DnsSocketPool, asked: PortSet, context: Context) -> bool:
    if wanted.size is not None and _number(_read(POOL_SIZE_FACT, context)) != _size_target(wanted):
        return True
    if wanted.excluded is None:
        return False
    current = _as_list(_read(POOL_EXCLUSIONS_FACT, context))
    return changed_list(current, wanted.state, asked, strict=False) != current


def undo(wanted: DnsSocketPool, context: Context) -> Plan:
    """Take back the size, where one is named, and our part of the named ports; raises PlanError, FactsNeeded."""
    context.facts.require(ServiceFact(DNS_SERVICE), *_questions(wanted, context))
    asked = wanted.excluded.on(context.facts, POOL_PROTOCOLS) if wanted.excluded else NO_PORTS
    parts = [part for part in (_size_undone(wanted, context), _list_undone(wanted, asked, context)) if part]
    force = _pending_force(context) if any(part.steps for part in parts) else IN_FORCE
    return plan_of("dns_socket_pool", parts, force)


def _size_undone(wanted: DnsSocketPool, context: Context) -> Part | None:
    entry = context.entry(SIZE_ENTRY)
    if entry is None or wanted.size is None:
        return None
    reading = _reading(POOL_SIZE_FACT, context)
    undone = undone_value(POOL_SIZE_FACT, reading, entry)
    return undone_part(POOL_SIZE_FACT, SIZE_ENTRY, reading, undone, _shown_size)


def _list_undone(wanted: DnsSocketPool, asked: PortSet, context: Context) -> Part | None:
    entry = context.entry(LIST_ENTRY)
    if entry is None or wanted.excluded is None:
        return None
    reading = _reading(POOL_EXCLUSIONS_FACT, context)
    undone = undone_list(POOL_EXCLUSIONS_FACT, reading, entry, asked)
    return undone_part(POOL_EXCLUSIONS_FACT, LIST_ENTRY, reading, undone, _shown_list)


def _refuse_list_without_support(wanted: DnsSocketPool, context: Context) -> None:
    if wanted.excluded and not context.capabilities.dns_pool_exclusions:
        raise PlanError(
            "excluded_ports",
            f"the DNS server of {context.release.name} has no list of excluded ports; that came with 2008 R2",
            "Reserve the ports with reserved_ports (Windows Server 2003), or set DNS to a delayed start with "
            "service_start_mode (2008)",
        )


def _refuse_without_dns(context: Context) -> None:
    if context.facts[ServiceFact(DNS_SERVICE)] is None:
        raise PlanError(
            "the DNS server service",
            "it is not installed on this server",
            "There is no socket pool to set here: take the host out of the play, or install the DNS role",
        )


def _exists(name: str, context: Context) -> bool:
    names = context.facts[DNS_NAMES_FACT]
    return not isinstance(names, Absent) and any(found.casefold() == name.casefold() for found, _type in names)


def _values(wanted: DnsSocketPool) -> list[RegistryFact]:
    return ([POOL_SIZE_FACT] if wanted.size is not None else []) + ([POOL_EXCLUSIONS_FACT] if wanted.excluded else [])


def _questions(wanted: DnsSocketPool, context: Context) -> list[RegistryFact]:
    """The values that count, less those that a list of the key's names, where it is known already, does not have."""
    return [fact for fact in _values(wanted) if DNS_NAMES_FACT not in context.facts or _exists(fact.name, context)]


def _read(fact: RegistryFact, context: Context) -> RegistryReading:
    """A value as it was read, unless the names have shown that it is absent."""
    if DNS_NAMES_FACT in context.facts and not _exists(fact.name, context):
        return Absent.VALUE
    return context.facts[fact]


def _reading(fact: RegistryFact, context: Context) -> RegistryReading:
    """A value that comes with its data is there for certain; that one is absent is settled by listing the key."""
    reading = _read(fact, context)
    if isinstance(reading, Absent):
        confirm_absence(fact, context)
    return reading


def _size_target(wanted: DnsSocketPool) -> int | None:
    return None if wanted.size == "default" else wanted.size


def _size_part(wanted: DnsSocketPool, context: Context) -> Part | None:
    if wanted.size is None:
        return None
    reading = _reading(POOL_SIZE_FACT, context)
    current = _number(reading)
    target = _size_target(wanted)
    warnings = _size_warnings(target)
    if current == target:
        return dataclasses.replace(unchanged_part(SIZE_ENTRY, reading, _shown_size), warnings=warnings)
    written: RegistryReading = Absent.VALUE if target is None else RegistryValue(RegistryType.DWORD, target)
    entry = entry_for(SIZE_ENTRY, reading, written, context, wait=dns_restart.wait(context))
    part = changed_part(POOL_SIZE_FACT, (SIZE_ENTRY, entry), reading, written, _shown_size)
    return dataclasses.replace(part, warnings=warnings)


def _list_part(wanted: DnsSocketPool, ports: PortSet, context: Context) -> Part | None:
    if wanted.excluded is None:
        return None
    reading = _reading(POOL_EXCLUSIONS_FACT, context)
    current = _as_list(reading)
    target = changed_list(current, wanted.state, ports, strict=False)
    warnings = list_warnings(POOL_EXCLUSIONS_FACT.name, current, target, wanted.state)
    if target == current:
        return dataclasses.replace(unchanged_part(LIST_ENTRY, reading, _shown_list), warnings=warnings)
    known = context.entry(LIST_ENTRY)
    gone = not target.entries and known is not None and known.original is None
    written: RegistryReading = Absent.VALUE if gone else RegistryValue(RegistryType.MULTI_STRING, target.entries)
    added = ((PortList(known.added).ports if known else PortSet()) | (target.ports - current.ports)) & target.ports
    entry = entry_for(LIST_ENTRY, reading, written, context, wait=dns_restart.wait(context), added=tuple(added.texts()))
    part = changed_part(POOL_EXCLUSIONS_FACT, (LIST_ENTRY, entry), reading, written, _shown_list)
    return dataclasses.replace(part, warnings=warnings)


def _number(reading: RegistryReading) -> int | None:
    return number(demand_type(POOL_SIZE_FACT, reading, "the DNS server reads"))


def _as_list(reading: RegistryReading) -> PortList:
    return PortList(texts(demand_type(POOL_EXCLUSIONS_FACT, reading, "the DNS server reads")))


def _shown_size(reading: RegistryReading) -> dict[str, t.Any]:
    return {"size": _size_shown(_number(reading))}


def _shown_list(reading: RegistryReading) -> dict[str, t.Any]:
    return {"excluded_ports": list(_as_list(reading).entries)}


def _size_shown(size: int | None) -> int | str:
    return "default" if size is None else size


def _size_warnings(size: int | None) -> tuple[str, ...]:
    if size is None or size >= DEFAULT_POOL_SIZE:
        return ()
    warning = (
        f"A socket pool of {size} makes the source port of DNS queries easier to guess than the default of "
        f"{DEFAULT_POOL_SIZE} (cache poisoning, MS08-037); exclude the ports that must stay free instead of shrinking "
        "it."
    )
    return (warning,)


def _dead_value_warning(context: Context) -> tuple[str, ...]:
    if DNS_NAMES_FACT not in context.facts or not _exists(DEAD_EXCLUSIONS_NAME, context):
        return ()
    warning = (
        f"HKLM\\{DNS_KEY} holds a value {DEAD_EXCLUSIONS_NAME}, which no Windows reads: the real name is "
        f"{POOL_EXCLUSIONS_FACT.name}. It is left as it is; move its ports to excluded_ports and delete it."
    )
    return (warning,)


# --- in force or not -------------------------------------------------------------------------------------------------


_WAITS: t.Final = Force(
    "no", "The DNS server reads its socket pool's settings at its start: restart DNS.", restart_required=True
)
_STOPPED: t.Final = Force("yes", "The DNS server is stopped; its next start reads the new settings.")
_FOREIGN: t.Final = Force(
    "unknown", "These settings were not last written by this collection: whether DNS has restarted since is not known."
)


def _pending_force(context: Context) -> Force:
    return _WAITS if dns_restart.running_process(context) else _STOPPED


def _force_of(parts: t.Sequence[Part], context: Context) -> Force:
    """The weakest of the parts; an older change of ours that waits counts even where nothing is asked (``restart``)."""
    names = [part.entry_name for part in parts] or [SIZE_ENTRY, LIST_ENTRY]
    entries = {name: context.entry(name) for name in names}
    if any(entry and entry.wait and dns_restart.still_waits(entry.wait, context) for entry in entries.values()):
        return _WAITS
    for part in parts:
        entry = entries[part.entry_name]
        if entry is None or entry.written != state_of(part.reading):
            return _FOREIGN
    return IN_FORCE


RESOURCE: t.Final = Resource("dns_socket_pool", ARGUMENT_SPEC, options, plan, undo, first=first)
