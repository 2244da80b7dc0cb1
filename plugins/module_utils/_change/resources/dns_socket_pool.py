# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dns_socket_pool``: how many UDP ports the DNS server draws at its start, and which it never draws.

``SocketPoolSize`` (KB953230) exists everywhere, ``SocketPoolExcludedPortRanges`` (MS-DNSP 3.1.1.1.4) from Windows
Server 2008 R2 on. dns.exe reads both at its start, so a change waits for a restart of DNS.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import dns_restart, journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    Effectiveness,
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
from ansible_collections.portkeeper.windows.plugins.module_utils._change.setting import Setting
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import Part, plan_of, weakest
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
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import (
    pool_range_questions,
    ports_of_next_pools,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    DEFAULT_POOL_SIZE,
    MAXIMUM_POOL_SIZE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    DEFAULT_POOL_RANGE,
    Release,
)
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
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet, union

POOL_PROTOCOLS: t.Final[tuple[Protocol, ...]] = ("udp",)
NAME: t.Final = "dns_socket_pool"
SIZE_ENTRY: t.Final = journal_entries.POOL_SIZE
LIST_ENTRY: t.Final = journal_entries.POOL_LIST

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "size": {"type": "str"},
    "excluded_ports": {"type": "list", "elements": "str"},
    **ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent", "pure"], "default": "present"},
    "restart": {"type": "bool", "default": False},
    "allow_unsafe_size": {"type": "bool", "default": False},
}


class DnsSocketPool(t.NamedTuple):
    """The state that the user wants; ``None`` leaves a part as it is."""

    size: int | t.Literal["default"] | None
    excluded: WantedPorts | None
    state: ListState
    restart: bool


def options(arguments: t.Mapping[str, t.Any]) -> DnsSocketPool:
    """Typed options; raises OptionError."""
    state = t.cast(ListState, arguments["state"])
    size = _size(arguments.get("size"))
    excluded = None
    if given(arguments, option="excluded_ports"):
        excluded = wanted_ports(arguments, option="excluded_ports", state=state, protocols=POOL_PROTOCOLS)
    if size is None and excluded is None and not arguments["restart"]:
        raise OptionError("size", "nothing to do: give size, excluded_ports, ad_lds_instances, services or restart")
    return DnsSocketPool(size, excluded, state, arguments["restart"])


def _size(text: str | None) -> int | t.Literal["default"] | None:
    if text is None:
        return None
    if text.strip().casefold() == "default":
        return "default"
    if not text.strip().isascii() or not text.strip().isdigit() or int(text) > MAXIMUM_POOL_SIZE:
        raise OptionError("size", f"{text!r} is neither a whole number from 0 to {MAXIMUM_POOL_SIZE} nor 'default'")
    return int(text)


def plan(wanted: DnsSocketPool, context: Context) -> Plan:
    """The plan for size and list together; raises PlanError, FactsNeeded."""
    _refuse_list_without_support(wanted, context)
    context.facts.require(*first(wanted, context.release))
    context.facts.require(*_second(wanted, context))
    _refuse_without_dns(context)
    if wanted.excluded:
        wanted.excluded.require_instances(context.facts)
    asked = wanted.excluded.on(context.facts, POOL_PROTOCOLS) if wanted.excluded else PortSet()
    context.facts.require(*_last(wanted, asked, context))
    parts = _parts(wanted, asked, context)
    made = _without_needless_restart(plan_of(NAME, parts, _effectiveness_of(parts, context)), asked, context)
    return made._replace(
        warnings=(*made.warnings, *_dead_value_warning(context)),
        guarded=asked if wanted.state != "absent" else PortSet(),
        effectiveness_if_taken=_IF_TAKEN,
    )


def _parts(wanted: DnsSocketPool, asked: PortSet, context: Context) -> list[Part]:
    parts: list[Part] = []
    if wanted.size is not None:
        part = _SIZE.part(_size_target(wanted), context)
        parts.append(part._replace(warnings=_size_warnings(wanted.size)))
    if wanted.excluded is not None:
        parts.append(_LIST.list_part(asked, wanted.state, context))
    return parts


def first(wanted: DnsSocketPool, release: Release) -> tuple[Fact[t.Any], ...]:
    """The facts that every server is asked for; none if the release lacks the list, since that is refused at once."""
    if wanted.excluded and not release.capabilities.dns_pool_exclusions:
        return ()
    # A value that should not be there is looked for among the names: asking for it would settle nothing.
    values: list[Fact[t.Any]] = (
        [DNS_NAMES_FACT] if wanted.size == "default" else [one.fact for one in _settings(wanted)]
    )
    return (ServiceFact(DNS_SERVICE), *values, *(wanted.excluded.questions() if wanted.excluded else ()))


def _second(wanted: DnsSocketPool, context: Context) -> list[Fact[t.Any]]:
    """The values that the names have shown; one that is there though it should not be is a change."""
    questions: list[Fact[t.Any]] = [*_questions(wanted, context)]
    if wanted.size == "default" and POOL_SIZE_FACT in questions:
        questions += dns_restart.questions_of_change(context)
    return questions


def _last(wanted: DnsSocketPool, asked: PortSet, context: Context) -> list[Fact[t.Any]]:
    """The facts that a change needs, or a restart for the sake of an earlier change."""
    if _differs(wanted, asked, context):
        return [*_confirmations(wanted, context), *_questions_of_restart(wanted, asked, context)]
    entries = (context.entry(name) for name in (SIZE_ENTRY, LIST_ENTRY))
    waits = [entry.wait for entry in entries if entry and entry.wait]
    return [question for wait in waits for question in dns_restart.questions_of_wait(wait, context)]


def _questions_of_restart(wanted: DnsSocketPool, asked: PortSet, context: Context) -> list[Fact[t.Any]]:
    """What stops with DNS; the pool's range comes first if it may tell that a change of the list needs no restart."""
    if _may_spare(asked, context):
        ranges = pool_range_questions(context.capabilities)
        if not all(fact in context.facts for fact in ranges):
            return ranges
        if wanted.size is None and _is_out_of_reach(asked, context):
            return []
    return [*dns_restart.questions_of_change(context)]


def _confirmations(wanted: DnsSocketPool, context: Context) -> list[Fact[t.Any]]:
    """The names of the key, if a value is absent: one error code stands for too much."""
    absent = any(isinstance(one.unconfirmed.reading(context), Absent) for one in _settings(wanted))
    return [DNS_NAMES_FACT] if absent else []


def _differs(wanted: DnsSocketPool, asked: PortSet, context: Context) -> bool:
    """True if anything changes, before the absence of a value is confirmed."""
    if wanted.size is not None and _SIZE.unconfirmed.reading(context) != _size_target(wanted):
        return True
    if wanted.excluded is None:
        return False
    found = _LIST.unconfirmed
    return found.wanted_list(asked, wanted.state, context) != found.as_list(context)


def undo(named: tuple[DnsSocketPool, ...], context: Context) -> Plan:
    """Take back the size and our part of the list, as far as they are named or the owner has them.

    Raises PlanError, FactsNeeded.
    """
    settings = [one for one in (_SIZE, _LIST) if context.entry(one.entry_name)]
    if settings:
        context.facts.require(ServiceFact(DNS_SERVICE), *_as_far_as_listed(settings, context))
    lists = tuple(one.excluded for one in named if one.excluded)
    undone = (
        _SIZE.undone(context, is_named=any(one.size is not None for one in named)),
        _LIST.list_undone(_named(lists, context), context),
    )
    parts = [part for part in undone if part]
    effectiveness = _pending_effectiveness(context) if any(part.steps for part in parts) else EFFECTIVE
    return _without_needless_restart(plan_of(NAME, parts, effectiveness), _moved(undone[1]), context)


def _moved(part: Part | None) -> PortSet:
    """The ports that come into the list or go out of it."""
    before, after = (PortList(texts(one)).ports for one in (part.reading, part.target)) if part else (PortSet(),) * 2
    return (before - after) | (after - before)


def _refuse_list_without_support(wanted: DnsSocketPool, context: Context) -> None:
    if wanted.excluded and not context.capabilities.dns_pool_exclusions:
        raise PlanError(
            "excluded_ports",
            f"the DNS server of {context.release.name} has no list of excluded ports; that came with 2008 R2",
            _WITHOUT_LIST[context.capabilities.reserved_ports_value],
        )


_WITHOUT_LIST: t.Final = {
    True: "Reserve the ports with reserved_ports, which this release keeps from everybody, DNS included",
    False: "Let DNS start delayed (service_start_mode), so that the others have their ports before it, or draw from a "
    "range without these ports (dynamic_ports)",
}
"""By whether the release reads ReservedPorts: of 2003 and 2008, the one that does, and the one that does not."""


def _refuse_without_dns(context: Context) -> None:
    if context.facts[ServiceFact(DNS_SERVICE)] is None:
        raise PlanError(
            "the DNS server service",
            "it is not installed on this server",
            "There is no socket pool to set here: take the host out of the play, or install the DNS role",
        )


def _settings(wanted: DnsSocketPool) -> list[Setting]:
    return ([_SIZE] if wanted.size is not None else []) + ([_LIST] if wanted.excluded else [])


def _questions(wanted: DnsSocketPool, context: Context) -> list[RegistryFact]:
    """The values that count, less those that a list of the key's names, where it is known already, does not have."""
    return _as_far_as_listed(_settings(wanted), context)


def _as_far_as_listed(settings: t.Iterable[Setting], context: Context) -> list[RegistryFact]:
    names_known = DNS_NAMES_FACT in context.facts
    return [one.fact for one in settings if not names_known or one.is_listed(context)]


def _named(lists: tuple[WantedPorts, ...], context: Context) -> t.Callable[[], PortSet] | None:
    if not lists:
        return None
    return lambda: union(ports.on(context.facts, POOL_PROTOCOLS) for ports in lists)


def _size_target(wanted: DnsSocketPool) -> RegistryReading:
    return RegistryValue(RegistryType.DWORD, wanted.size) if isinstance(wanted.size, int) else Absent.VALUE


def _shown_size(reading: RegistryReading) -> dict[str, t.Any]:
    size = number(reading)
    return {"size": "default" if size is None else size}


def _shown_list(reading: RegistryReading) -> dict[str, t.Any]:
    return {"excluded_ports": list(PortList(texts(reading)).entries)}


def _size_warnings(size: int | t.Literal["default"]) -> tuple[str, ...]:
    if size == "default" or size >= DEFAULT_POOL_SIZE:
        return ()
    warning = (
        f"A socket pool of {size} makes the source port of DNS queries easier to guess than the default of "
        f"{DEFAULT_POOL_SIZE} (cache poisoning, MS08-037); exclude the ports that must stay free instead of shrinking "
        "it."
    )
    return (warning,)


def _dead_value_warning(context: Context) -> tuple[str, ...]:
    if DNS_NAMES_FACT not in context.facts:
        return ()
    names = context.facts[DNS_NAMES_FACT]
    if isinstance(names, Absent) or DEAD_EXCLUSIONS_NAME.casefold() not in {name.casefold() for name, _type in names}:
        return ()
    warning = (
        f"HKLM\\{DNS_KEY} holds a value {DEAD_EXCLUSIONS_NAME}, which no Windows reads: the real name is "
        f"{POOL_EXCLUSIONS_FACT.name}. It is left as it is; move its ports to excluded_ports and delete it."
    )
    return (warning,)


# --- in force or not -------------------------------------------------------------------------------------------------


_WAITS: t.Final = Effectiveness(
    "no", "The DNS server reads its socket pool's settings at its start: restart DNS.", restart_required=True
)
_IF_TAKEN: t.Final = Effectiveness("no", "it waits for a restart of DNS.", restart_required=True)
_STOPPED: t.Final = Effectiveness("yes", "The DNS server is stopped; its next start reads the new settings.")
_OUT_OF_REACH: t.Final = (
    "DNS needs no restart for its list of excluded ports: they lie outside of the range that it draws from, and its "
    "next start reads the list."
)
_FOREIGN: t.Final = Effectiveness(
    "unknown", "These settings were not last written by this collection: whether DNS has restarted since is not known."
)


def _pending_effectiveness(context: Context) -> Effectiveness:
    return _WAITS if dns_restart.running_process(context) else _STOPPED


_SIZE, _LIST = (
    Setting(
        fact,
        entry_name,
        "the DNS server reads",
        shown=shown,
        wait=dns_restart.wait,
        pending=_pending_effectiveness,
        foreign=_FOREIGN,
        is_always_confirmed=True,
    )
    for fact, entry_name, shown in (
        (POOL_SIZE_FACT, SIZE_ENTRY, _shown_size),
        (POOL_EXCLUSIONS_FACT, LIST_ENTRY, _shown_list),
    )
)


def _effectiveness_of(parts: t.Sequence[Part], context: Context) -> Effectiveness:
    """The weakest of the parts; an older change of ours that waits counts even if nothing is asked (``restart``)."""
    if any(part.steps for part in parts):
        return _pending_effectiveness(context)
    settings = [one for one in (_SIZE, _LIST) if one.entry_name in {part.entry_name for part in parts} or not parts]
    if any(one.waits(context) for one in settings):
        return _WAITS
    return weakest([one.effectiveness(part, context) for one, part in zip(settings, parts, strict=False)])


def _may_spare(asked: PortSet, context: Context) -> bool:
    """True if it is worth asking if a pool can hold these ports. The default range has them, or they are below it."""
    return context.spares_dns and bool(asked) and asked.isdisjoint(PortSet.of(DEFAULT_POOL_RANGE))


def _is_out_of_reach(asked: PortSet, context: Context) -> bool:
    """True if no pool of this server can hold any of these ports; raises FactsNeeded."""
    return asked.isdisjoint(ports_of_next_pools(context.facts, context.capabilities))


def _without_needless_restart(made: Plan, asked: PortSet, context: Context) -> Plan:
    """A change of the list alone waits for nothing if no pool of this server can hold the ports; raises FactsNeeded.

    The list is read at the next start of DNS, and until then the pool is the one that was drawn already. That it holds
    none of these ports is looked at apart from this.
    """
    is_list_alone = bool(made.steps) and made.journal.keys() == {LIST_ENTRY}
    if not (is_list_alone and made.effectiveness.restart_required and _may_spare(asked, context)):
        return made
    if not _is_out_of_reach(asked, context):
        return made
    entries = {name: entry and entry._replace(wait=None) for name, entry in made.journal.items()}
    return made._replace(effectiveness=EFFECTIVE, journal=entries, notes=(*made.notes, _OUT_OF_REACH))


RESOURCE: t.Final = Resource(
    NAME,
    ARGUMENT_SPEC,
    options,
    plan,
    undo,
    keeps=lambda name: name in (SIZE_ENTRY, LIST_ENTRY),
    first=first,
    restarts_dns=lambda wanted: bool(wanted.restart),
)
