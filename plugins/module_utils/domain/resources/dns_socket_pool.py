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

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import dns_restart
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import (
    Absent,
    Protocol,
    RegistryFact,
    RegistryNamesFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.journal import Entry, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import (
    IN_FORCE,
    NO_PORTS,
    Context,
    DeleteValue,
    Force,
    OptionError,
    Plan,
    PlanError,
    Resource,
    Step,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_lists import (
    ListState,
    PortList,
    changed_list,
    list_warnings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_options import (
    ARGUMENTS,
    WantedPorts,
    given,
    wanted_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.undo import Undo, undone_list, undone_value

DNS_PARAMETERS: t.Final = r"SYSTEM\CurrentControlSet\Services\DNS\Parameters"
SIZE_FACT: t.Final = RegistryFact(DNS_PARAMETERS, "SocketPoolSize", RegistryType.DWORD)
LIST_FACT: t.Final = RegistryFact(DNS_PARAMETERS, "SocketPoolExcludedPortRanges", RegistryType.MULTI_STRING)
NAMES_FACT: t.Final = RegistryNamesFact(DNS_PARAMETERS)
DEAD_NAME: t.Final = "SocketPoolPortExclusionList"
"""Named by one article of 2009; no Windows ever read it."""
POOL_PROTOCOLS: t.Final[tuple[Protocol, ...]] = ("udp",)
DEFAULT_SIZE: t.Final = 2500
MAXIMUM_SIZE: t.Final = 10_000
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
    if not text.strip().isascii() or not text.strip().isdigit() or int(text) > MAXIMUM_SIZE:
        raise OptionError("size", f"{text!r} is neither a whole number from 0 to {MAXIMUM_SIZE} nor 'default'")
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
    context.facts.require(NAMES_FACT, ServiceFact(DNS_SERVICE))
    _refuse_without_dns(context)
    asked = wanted.excluded.on(context.facts, POOL_PROTOCOLS) if wanted.excluded else PortSet()
    context.facts.require(*_questions(wanted, context))
    parts = [part for part in (_size_part(wanted, context), _list_part(wanted, asked, context)) if part]
    changed = any(part.steps for part in parts)
    force = _pending_force(context) if changed else _force_of(parts, context)
    return Plan(
        "dns_socket_pool",
        before={key: value for part in parts for key, value in part.before.items()},
        after={key: value for part in parts for key, value in part.after.items()},
        force=force,
        steps=tuple(step for part in parts for step in part.steps),
        journal={name: entry for part in parts for name, entry in part.journal.items()},
        warnings=(*(warning for part in parts for warning in part.warnings), *_dead_value_warning(context)),
        guarded=asked if wanted.state != "absent" else PortSet(),
    )


def undo(wanted: DnsSocketPool, context: Context) -> Plan:
    """Take back the size, where one is named, and our part of the named ports; raises PlanError, FactsNeeded."""
    context.facts.require(NAMES_FACT, ServiceFact(DNS_SERVICE))
    asked = wanted.excluded.on(context.facts, POOL_PROTOCOLS) if wanted.excluded else NO_PORTS
    context.facts.require(*_questions(wanted, context))
    parts = [part for part in (_size_undone(wanted, context), _list_undone(wanted, asked, context)) if part]
    return Plan(
        "dns_socket_pool",
        before={key: value for part in parts for key, value in part.before.items()},
        after={key: value for part in parts for key, value in part.after.items()},
        force=_pending_force(context) if any(part.steps for part in parts) else IN_FORCE,
        steps=tuple(step for part in parts for step in part.steps),
        journal={name: entry for part in parts for name, entry in part.journal.items()},
        warnings=tuple(warning for part in parts for warning in part.warnings),
    )


def _size_undone(wanted: DnsSocketPool, context: Context) -> _Part | None:
    entry = context.entry(SIZE_ENTRY)
    if entry is None or wanted.size is None:
        return None
    reading = _reading(SIZE_FACT, context)
    undone = undone_value(SIZE_FACT, reading, entry)
    return _undone_part(SIZE_FACT, SIZE_ENTRY, reading, undone, lambda value: {"size": _size_shown(_number(value))})


def _list_undone(wanted: DnsSocketPool, asked: PortSet, context: Context) -> _Part | None:
    entry = context.entry(LIST_ENTRY)
    if entry is None or wanted.excluded is None:
        return None
    reading = _reading(LIST_FACT, context)
    undone = undone_list(LIST_FACT, reading, entry, asked)
    return _undone_part(
        LIST_FACT, LIST_ENTRY, reading, undone, lambda value: {"excluded_ports": list(_as_list(value).entries)}
    )


def _undone_part(
    fact: RegistryFact,
    entry_name: str,
    reading: RegistryReading,
    undone: Undo,
    shown: t.Callable[[RegistryReading], t.Mapping[str, t.Any]],
) -> _Part:
    step: Step = DeleteValue(fact) if isinstance(undone.target, Absent) else _write(fact, undone.target)
    return _Part(
        entry_name,
        reading,
        before=shown(reading),
        after=shown(undone.target),
        steps=(step,) if undone.target != reading else (),
        journal={entry_name: undone.entry},
        warnings=undone.warnings,
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Part:
    """The size or the list: one registry value."""

    entry_name: str
    reading: RegistryReading
    before: t.Mapping[str, t.Any]
    after: t.Mapping[str, t.Any]
    steps: tuple[Step, ...] = ()
    journal: t.Mapping[str, Entry | None] = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()


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
    names = context.facts[NAMES_FACT]
    return not isinstance(names, Absent) and any(found.casefold() == name.casefold() for found, _type in names)


def _questions(wanted: DnsSocketPool, context: Context) -> list[RegistryFact]:
    """Only values that exist are read: the names of the key are known already."""
    asked = ([SIZE_FACT] if wanted.size is not None else []) + ([LIST_FACT] if wanted.excluded else [])
    return [fact for fact in asked if _exists(fact.name, context)]


def _reading(fact: RegistryFact, context: Context) -> RegistryReading:
    return context.facts[fact] if _exists(fact.name, context) else Absent.VALUE


def _size_part(wanted: DnsSocketPool, context: Context) -> _Part | None:
    if wanted.size is None:
        return None
    reading = _reading(SIZE_FACT, context)
    current = _number(reading)
    target = None if wanted.size == "default" else wanted.size
    warnings = _size_warnings(target)
    if current == target:
        return _Part(
            SIZE_ENTRY, reading, {"size": _size_shown(current)}, {"size": _size_shown(current)}, warnings=warnings
        )
    written: RegistryReading = Absent.VALUE if target is None else RegistryValue(RegistryType.DWORD, target)
    step: Step = DeleteValue(SIZE_FACT) if target is None else _write(SIZE_FACT, written)
    return _Part(
        SIZE_ENTRY,
        reading,
        before={"size": _size_shown(current)},
        after={"size": _size_shown(target)},
        steps=(step,),
        journal={SIZE_ENTRY: _entry(SIZE_ENTRY, reading, written, (), context)},
        warnings=warnings,
    )


def _list_part(wanted: DnsSocketPool, ports: PortSet, context: Context) -> _Part | None:
    if wanted.excluded is None:
        return None
    reading = _reading(LIST_FACT, context)
    current = _as_list(reading)
    target = changed_list(current, wanted.state, ports, strict=False)
    warnings = list_warnings(LIST_FACT.name, current, target, wanted.state)
    before = {"excluded_ports": list(current.entries)}
    if target == current:
        return _Part(LIST_ENTRY, reading, before, before, warnings=warnings)
    known = context.entry(LIST_ENTRY)
    gone = not target.entries and known is not None and known.original is None
    written: RegistryReading = Absent.VALUE if gone else RegistryValue(RegistryType.MULTI_STRING, target.entries)
    added = ((PortList(known.added).ports if known else PortSet()) | (target.ports - current.ports)) & target.ports
    return _Part(
        LIST_ENTRY,
        reading,
        before=before,
        after={"excluded_ports": list(target.entries)},
        steps=(DeleteValue(LIST_FACT) if gone else _write(LIST_FACT, written),),
        journal={LIST_ENTRY: _entry(LIST_ENTRY, reading, written, tuple(added.texts()), context)},
        warnings=warnings,
    )


def _write(fact: RegistryFact, written: RegistryReading) -> Step:
    return WriteValue(fact.key, fact.name, t.cast(RegistryValue, written))


def _number(reading: RegistryReading) -> int | None:
    if isinstance(reading, Absent):
        return None
    if not isinstance(reading.data, int):
        raise _wrong_type(SIZE_FACT, reading, "REG_DWORD")
    return reading.data


def _as_list(reading: RegistryReading) -> PortList:
    if isinstance(reading, Absent):
        return PortList()
    if not isinstance(reading.data, tuple):
        raise _wrong_type(LIST_FACT, reading, "REG_MULTI_SZ")
    return PortList(reading.data)


def _wrong_type(fact: RegistryFact, reading: RegistryValue, expected: str) -> PlanError:
    return PlanError(
        rf"HKLM\{fact.key}\{fact.name}",
        f"its type is {reading.type.name}, the DNS server reads {expected}",
        "Somebody wrote it by mistake: note what it holds, delete it and run again",
    )


def _size_shown(size: int | None) -> int | str:
    return "default" if size is None else size


def _size_warnings(size: int | None) -> tuple[str, ...]:
    if size is None or size >= DEFAULT_SIZE:
        return ()
    warning = (
        f"A socket pool of {size} makes the source port of DNS queries easier to guess than the default of "
        f"{DEFAULT_SIZE} (cache poisoning, MS08-037); exclude the ports that must stay free instead of shrinking it."
    )
    return (warning,)


def _dead_value_warning(context: Context) -> tuple[str, ...]:
    if not _exists(DEAD_NAME, context):
        return ()
    warning = (
        f"HKLM\\{DNS_PARAMETERS} holds a value {DEAD_NAME}, which no Windows reads: the real name is {LIST_FACT.name}. "
        "It is left as it is; move its ports to excluded_ports and delete it."
    )
    return (warning,)


# --- in force or not -------------------------------------------------------------------------------------------------


def _entry(
    name: str, reading: RegistryReading, written: RegistryReading, added: tuple[str, ...], context: Context
) -> Entry:
    known = context.entry(name)
    return Entry(
        original=known.original if known else state_of(reading),
        written=state_of(written),
        added=added,
        wait=dns_restart.wait(context),
    )


_WAITS: t.Final = Force(
    "no", "The DNS server reads its socket pool's settings at its start: restart DNS.", restart_required=True
)
_STOPPED: t.Final = Force("yes", "The DNS server is stopped; its next start reads the new settings.")
_FOREIGN: t.Final = Force(
    "unknown", "These settings were not last written by this collection: whether DNS has restarted since is not known."
)


def _pending_force(context: Context) -> Force:
    return _WAITS if dns_restart.running_process(context) else _STOPPED


def _force_of(parts: t.Sequence[_Part], context: Context) -> Force:
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


RESOURCE: t.Final = Resource("dns_socket_pool", ARGUMENT_SPEC, options, plan, undo)
