# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dynamic_ports``: the range that Windows hands out ephemeral ports from, and with it the DNS server's pool.

On NT 5.x the registry value MaxUserPort sets its end (Microsoft cc758002) and is read at boot. From 6.0 on netsh sets
start and number for each family and protocol (KB929851), which counts at once ([K] unverified: read back after the
change). dns.exe draws its pool when it starts, from a range that follows from these settings; see ``pool_range``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import dns_restart, journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, State, Wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    claimed_whole,
    is_meant,
    stays,
    whole_after,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    Effectiveness,
    OptionError,
    Plan,
    PlanError,
    Resource,
    SetDynamicRanges,
    Step,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.setting import (
    Setting,
    reboot_wait,
    still_waits,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import Part, plan_of, weakest
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import (
    range_by_max_user_port,
    why_no_dynamic_range,
    why_no_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    Absent,
    DynamicRanges,
    DynamicRangesFact,
    Fact,
    Family,
    Protocol,
    RegistryFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    ServiceFact,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.installed_known_services import (
    installed,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    services_within,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import PoolRange, pool_range
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    CONTESTED,
    DEFAULT_POOL_RANGE,
    Release,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import MAX_USER_PORT_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    PortRange,
    split_entries,
)

NAME: t.Final = "dynamic_ports"
VALUE_ENTRY: t.Final = journal_entries.MAX_USER_PORT
RANGE_ENTRIES: t.Final[t.Mapping[Protocol, str]] = {
    "tcp": journal_entries.TCP_RANGE,
    "udp": journal_entries.UDP_RANGE,
}

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "max_user_port": {"type": "str"},
    "start": {"type": "int"},
    "number": {"type": "int"},
    "protocol": {"type": "str", "choices": ["tcp", "udp", "both"], "default": "both"},
}


class DynamicPorts(t.NamedTuple):
    """The state that the user wants; ``None`` leaves a part as it is."""

    max_user_port: int | t.Literal["default"] | None
    ports: PortRange | None
    protocols: tuple[Protocol, ...]

    @property
    def ranges(self) -> tuple[Protocol, ...]:
        """The protocols whose dynamic range is asked for."""
        return self.protocols if self.ports else ()


# --- options ---------------------------------------------------------------------------------------------------------


def options(arguments: t.Mapping[str, t.Any]) -> DynamicPorts:
    """Typed options; raises OptionError."""
    highest = _max_user_port(arguments.get("max_user_port"))
    ports = _range(arguments.get("start"), arguments.get("number"))
    if highest is None and ports is None:
        raise OptionError("max_user_port", "nothing to do: give max_user_port, or start and number")
    protocol = arguments["protocol"]
    return DynamicPorts(highest, ports, PROTOCOLS if protocol == "both" else (protocol,))


def _max_user_port(text: str | None) -> int | t.Literal["default"] | None:
    if text is None:
        return None
    given = text.strip()
    if given.casefold() == "default":
        return "default"
    if not given.isascii() or not given.isdigit():
        raise OptionError("max_user_port", f"{text!r} is neither a whole number nor 'default'")
    reason = why_no_max_user_port(int(given[:9]))
    if reason:
        raise OptionError("max_user_port", f"{given}: {reason}")
    return int(given)


def _range(start: int | None, number: int | None) -> PortRange | None:
    if start is None and number is None:
        return None
    if start is None or number is None:
        missing = "start" if start is None else "number"
        raise OptionError(missing, "it is missing: start and number are given together")
    wrong = why_no_dynamic_range(start, number)
    if wrong:
        option, reason = wrong
        raise OptionError(option, f"{start if option == 'start' else number}: {reason}")
    return PortRange(start, start + number - 1)


# --- plan ------------------------------------------------------------------------------------------------------------


def plan(wanted: DynamicPorts, context: Context) -> Plan:
    """The plan for MaxUserPort and for the ranges; raises PlanError, FactsNeeded."""
    if refusal := _why_ignored(wanted, context.release):
        raise refusal
    context.facts.require(*first(wanted, context.release))
    parts = _value_parts(wanted, context) + _range_parts(wanted, context)
    verdicts = [_effectiveness_of(part, context) for part in parts]
    changes = any(part.steps for part in parts)
    warnings = (*_protocol_warning(wanted, context), *_range_warnings(wanted, context, changes=changes))
    return plan_of(NAME, parts, weakest(verdicts))._replace(warnings=warnings)


def undo(named: tuple[DynamicPorts, ...], context: Context) -> Plan:
    """Take back what we did to the settings that are named or that the owner has; raises PlanError, FactsNeeded."""
    has_value = any(one.max_user_port is not None for one in named)
    entries = _range_entries({protocol for one in named for protocol in one.ranges}, context)
    context.facts.require(
        *([MAX_USER_PORT_FACT] if context.entry(VALUE_ENTRY) else []),
        *([DynamicRangesFact()] if entries else []),
        *([ServiceFact(DNS_SERVICE)] if entries or context.entry(VALUE_ENTRY) else []),
    )
    value = _MAX_USER_PORT.undone(context, is_named=has_value)
    ranges = (_range_undone(protocol, entry, context) for protocol, entry in entries.items())
    parts = (*([value] if value else []), *ranges)
    return plan_of(NAME, parts, weakest([_pending(part, context) for part in parts if part.is_due]))


def _range_entries(named: t.Container[Protocol], context: Context) -> dict[Protocol, Entry]:
    """The entries of ranges that an undo is about."""
    if not context.capabilities.dynamic_port_ranges:
        return {}
    entries = {protocol: context.entry(RANGE_ENTRIES[protocol]) for protocol in PROTOCOLS}
    return {
        protocol: entry
        for protocol, entry in entries.items()
        if entry and is_meant(entry, context, is_named=protocol in named)
    }


def first(wanted: DynamicPorts, release: Release) -> tuple[Fact[t.Any], ...]:
    """The facts that every server of a release is asked for; none if the release ignores the wanted settings."""
    if _why_ignored(wanted, release):
        return ()
    return _questions(wanted, release)


def _questions(wanted: DynamicPorts, release: Release) -> tuple[Fact[t.Any], ...]:
    ranges = [DynamicRangesFact()] if wanted.ranges and release.capabilities.dynamic_port_ranges else []
    return (MAX_USER_PORT_FACT, ServiceFact(DNS_SERVICE), *ranges)


def _why_ignored(wanted: DynamicPorts, release: Release) -> PlanError | None:
    by_netsh, name = release.capabilities.dynamic_port_ranges, release.name
    if wanted.ports and not by_netsh:
        return PlanError(
            "start and number",
            f"{name} has no dynamic range that can be set: ephemeral ports go from 1025 to MaxUserPort",
            "Use max_user_port",
        )
    if isinstance(wanted.max_user_port, int) and by_netsh:
        return PlanError(
            "max_user_port",
            f"the TCP/IP stack of {name} does not read MaxUserPort, and {CONTESTED['dns_pool_range']}",
            "Use start and number; max_user_port: default removes the value where somebody has set it",
        )
    return None


def _value_parts(wanted: DynamicPorts, context: Context) -> tuple[Part, ...]:
    if wanted.max_user_port is None:
        return ()
    target: RegistryReading = Absent.VALUE
    if wanted.max_user_port != "default":
        target = RegistryValue(RegistryType.DWORD, wanted.max_user_port)
    return (_MAX_USER_PORT.part(target, context),)


def _shown_value(reading: RegistryReading) -> dict[str, t.Any]:
    return {"max_user_port": "default" if isinstance(reading, Absent) else reading.data}


def _value_wait(context: Context) -> Wait | None:
    """NT 5.x reads the value at boot; later only dns.exe does, when it starts."""
    return dns_restart.wait(context) if context.capabilities.dynamic_port_ranges else reboot_wait(context)


# --- ranges ----------------------------------------------------------------------------------------------------------


def _ranges(context: Context) -> DynamicRanges:
    ranges = context.facts[DynamicRangesFact()]
    if ranges is None:
        raise PlanError("the dynamic port ranges", f"netsh of this {context.release.name} does not show them")
    return ranges


def _range_parts(wanted: DynamicPorts, context: Context) -> tuple[Part, ...]:
    if wanted.ports is None:
        return ()
    ranges, target = _ranges(context), dict.fromkeys(FAMILIES, wanted.ports)
    return tuple(_range_part(protocol, ranges, target, context) for protocol in wanted.protocols)


def _range_part(
    protocol: Protocol, ranges: DynamicRanges, target: t.Mapping[Family, PortRange], context: Context
) -> Part:
    name, now = RANGE_ENTRIES[protocol], _state(protocol, ranges)
    before, after = _shown_range(protocol, now), _shown_range(protocol, _texts(target))
    steps = _steps(protocol, ranges, target)
    known = context.known(name)
    if not steps:
        claimed = claimed_whole(known, now, context.owner)
        return Part(name, before, before, journal={name: claimed} if claimed else {})
    wait = dns_restart.wait(context) if protocol == "udp" else None
    entry = Entry(
        original=known.original if known else now,
        written=_texts(target),
        wait=wait,
        owners=whole_after(known, context.owner),
    )
    return Part(name, before, after, steps, {name: entry})


def _steps(protocol: Protocol, ranges: DynamicRanges, target: t.Mapping[Family, PortRange]) -> tuple[Step, ...]:
    changes = [(family, protocol, ports) for family, ports in target.items() if ranges.of(family, protocol) != ports]
    return (SetDynamicRanges(tuple(changes)),) if changes else ()


def _range_undone(protocol: Protocol, entry: Entry, context: Context) -> Part:
    name, ranges = RANGE_ENTRIES[protocol], _ranges(context)
    now = _state(protocol, ranges)
    before = _shown_range(protocol, now)
    if others := entry.needed_by_others(context.owner):
        left = entry.with_owner(context.owner, ())
        kept = (stays(f"The dynamic {protocol} range", others),)
        return Part(name, before, before, journal={name: left}, kept=kept)
    if now != entry.written:
        warning = f"The dynamic {protocol} range was changed since by somebody else; it is left as it is."
        warnings = () if now == entry.original else (warning,)
        return Part(name, before, before, journal={name: None}, warnings=warnings)
    original = _recorded(protocol, entry.original)
    after = _shown_range(protocol, _texts(original))
    return Part(name, before, after, _steps(protocol, ranges, original), {name: None})


def _recorded(protocol: Protocol, state: State) -> dict[Family, PortRange]:
    """The ranges that a journal state stands for; it is data from the server, so the limits are checked again."""
    texts = [str(state.get(family, "")) for family in FAMILIES] if isinstance(state, t.Mapping) else []
    readable, unreadable = split_entries(texts)
    ranges = [ports for _text, ports in readable]
    if unreadable or len(ranges) != len(FAMILIES) or any(why_no_dynamic_range(r.first, r.count) for r in ranges):
        raise PlanError(
            f"the journal's original of the dynamic {protocol} range",
            "it can't be put back: it is no dynamic range",
            "Somebody has changed the journal; set the range by hand and remove its entry",
        )
    return dict(zip(FAMILIES, ranges, strict=True))


def _state(protocol: Protocol, ranges: DynamicRanges) -> dict[str, str]:
    return _texts({family: ranges.of(family, protocol) for family in FAMILIES})


def _texts(ranges: t.Mapping[Family, PortRange]) -> dict[str, str]:
    return {family: str(ports) for family, ports in ranges.items()}


def _shown_range(protocol: Protocol, state: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {protocol: state["ipv4"], f"{protocol}6": state["ipv6"]}


# --- in force or not -------------------------------------------------------------------------------------------------

_AFTER_REBOOT: t.Final = Effectiveness(
    "no", "Windows reads MaxUserPort at boot: it waits for a reboot.", reboot_required=True
)
_DNS_FOLLOWS: t.Final = Effectiveness(
    "no",
    "Programs get ports of the new range at once; the DNS server draws its pool when it starts: restart DNS.",
    restart_required=True,
)
_FOREIGN: t.Final = Effectiveness(
    "unknown", "MaxUserPort was not last written by this collection: whether what reads it has restarted is not known."
)


def _pending_value(context: Context) -> Effectiveness:
    return _pending_udp(context) if context.capabilities.dynamic_port_ranges else _AFTER_REBOOT


def _pending_udp(context: Context) -> Effectiveness:
    return _DNS_FOLLOWS if dns_restart.running_process(context) else EFFECTIVE


_MAX_USER_PORT: t.Final = Setting(
    MAX_USER_PORT_FACT,
    VALUE_ENTRY,
    "Windows reads",
    shown=_shown_value,
    wait=_value_wait,
    pending=_pending_value,
    foreign=_FOREIGN,
)


def _effectiveness_of(part: Part, context: Context) -> Effectiveness:
    if part.entry_name == VALUE_ENTRY:
        return _MAX_USER_PORT.effectiveness(part, context)
    entry = context.entry(part.entry_name)
    waits = bool(part.steps) or bool(entry and entry.wait and still_waits(entry.wait, context))
    return _pending(part, context) if waits else EFFECTIVE


def _pending(part: Part, context: Context) -> Effectiveness:
    """The effectiveness right after a change; only the DNS server keeps ports of an earlier range."""
    if part.entry_name == RANGE_ENTRIES["tcp"]:
        return EFFECTIVE
    return _pending_value(context) if part.entry_name == VALUE_ENTRY else _pending_udp(context)


# --- what the choice means -------------------------------------------------------------------------------------------


def _protocol_warning(wanted: DynamicPorts, context: Context) -> tuple[str, ...]:
    if context.capabilities.dynamic_port_ranges or wanted.protocols == PROTOCOLS:
        return ()
    return ("MaxUserPort has no protocol: it counts for TCP and UDP alike.",)


def _range_warnings(wanted: DynamicPorts, context: Context, *, changes: bool) -> tuple[str, ...]:
    """What the chosen ranges mean to installed services, if they change; a settled server's are port_info's to find."""
    highest, tcp, udp = _as_wanted(wanted, context)
    warnings: list[str] = []
    if changes and tcp is not None and tcp != DEFAULT_POOL_RANGE:
        warnings += _at_risk("tcp", tcp, f"Windows draws TCP ports from {tcp}", context)
    if context.facts[ServiceFact(DNS_SERVICE)] is not None and (wanted.max_user_port is not None or udp is not None):
        pool = pool_range(context.capabilities, highest, udp)
        is_usual = pool.rule == "default" and context.capabilities.dynamic_port_ranges
        at_risk = _at_risk("udp", pool.ports, _of_pool(pool, context), context) if changes and not is_usual else []
        warnings += at_risk or ([f"{_of_pool(pool, context)}."] if pool.contested else [])
    return tuple(warnings)


def _as_wanted(wanted: DynamicPorts, context: Context) -> tuple[int | None, PortRange | None, PortRange | None]:
    """MaxUserPort, and the ranges for TCP and UDP that are asked for; ``None`` if a range is not changed."""
    highest = number(_MAX_USER_PORT.reading(context))
    if wanted.max_user_port is not None:
        highest = None if wanted.max_user_port == "default" else wanted.max_user_port
    if not context.capabilities.dynamic_port_ranges:
        return highest, range_by_max_user_port(highest), None
    tcp, udp = (wanted.ports if protocol in wanted.ranges else None for protocol in PROTOCOLS)
    return highest, tcp, udp


def _of_pool(pool: PoolRange, context: Context) -> str:
    said = f"From its next start the DNS server's pool comes from {pool.ports}. {pool.reason}"
    if not context.capabilities.dynamic_port_ranges:
        said += " That rule is told by users who quote Microsoft's text for the update 953230."
    return said.rstrip(".")


def _at_risk(protocol: Protocol, ports: PortRange, said: str, context: Context) -> list[str]:
    """The sentence, if a service of this server needs one of the ports; raises FactsNeeded."""
    there = installed(services_within(protocol, ports), context.facts, context.capabilities)
    keys = ", ".join(dict.fromkeys(one.product.key for one in there))
    return [f"{said}. In it lie {protocol.upper()} ports of {keys}: keep them free."] if keys else []


def _values(wanted: DynamicPorts) -> dict[RegistryFact, t.Any]:
    return {MAX_USER_PORT_FACT: wanted.max_user_port} if wanted.max_user_port is not None else {}


RESOURCE: t.Final = Resource(
    NAME,
    ARGUMENT_SPEC,
    options,
    plan,
    undo,
    keeps=lambda name: name in (VALUE_ENTRY, *RANGE_ENTRIES.values()),
    first=first,
    values=_values,
)
