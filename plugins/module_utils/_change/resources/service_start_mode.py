# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``service_start_mode``: how services start, delayed start included.

``Win32_Service.ChangeStartMode`` sets automatic, manual and disabled and leaves the delayed flag alone; only ``sc.exe
config NAME start= delayed-auto|auto`` sets or clears it (no WMI method can). Rules of the delayed flag:
SERVICE_DELAYED_AUTO_START_INFO (Windows Vista and Server 2008 on; not for a member of a load-order group).
"""

from __future__ import annotations

import functools
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry
from ansible_collections.portkeeper.windows.plugins.module_utils._change.ownership import (
    claimed_whole,
    is_meant,
    stays,
    whole_after,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    ChangeStartMode,
    Context,
    DeleteValue,
    Effectiveness,
    OptionError,
    Plan,
    PlanError,
    Resource,
    SetDelayedStart,
    StartMode,
    Step,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.service_order import dependents
from ansible_collections.portkeeper.windows.plugins.module_utils._change.setting import reboot_wait, still_waits
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import delayed_start
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    DependenciesFact,
    Fact,
    RegistryValue,
    Service,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    delayed_flag,
    load_order_group,
)

ENTRY_PREFIX: t.Final = journal_entries.START_MODE_PREFIX

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "name": {"type": "list", "elements": "str", "required": True},
    "start_mode": {"type": "str", "choices": ["auto", "delayed", "manual", "disabled"], "required": True},
}

_SERVICE_NAME: t.Final = re.compile(r"[A-Za-z0-9_.$ \-]{1,256}", re.ASCII)
"""Names that may go into sc.exe's command line: key names that Windows services have in practice."""
_WMI_MODES: t.Final[t.Mapping[StartMode, t.Literal["Automatic", "Manual", "Disabled"]]] = {
    "auto": "Automatic",
    "delayed": "Automatic",
    "manual": "Manual",
    "disabled": "Disabled",
}
_READ_MODES: t.Final[t.Mapping[str, str]] = {"Auto": "auto", "Manual": "manual", "Disabled": "disabled"}


class ServiceStartMode(t.NamedTuple):
    """The state that the user wants."""

    names: tuple[str, ...]
    mode: StartMode


def service_names(arguments: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """The checked, distinct key names of the option ``name``, in their order; raises OptionError."""
    names = [str(name).strip() for name in arguments["name"]]
    for name in names:
        if not _SERVICE_NAME.fullmatch(name):
            raise OptionError("name", f"{name!r} is not the key name of a service (letters, digits, blank and _ . $ -)")
    if not names:
        raise OptionError("name", "it is empty")
    return tuple({name.casefold(): name for name in names}.values())


def options(arguments: t.Mapping[str, t.Any]) -> ServiceStartMode:
    """Typed options; raises OptionError."""
    return ServiceStartMode(service_names(arguments), arguments["start_mode"])


def existing_services(names: t.Iterable[str], context: Context) -> tuple[Service, ...]:
    """The named services.

    Raises:
        PlanError: some of them do not exist; all missing ones are named, before anything is changed for any.
    """
    questions = [ServiceFact(name) for name in names]
    context.facts.require(*questions)
    missing = [question.name for question in questions if context.facts[question] is None]
    if missing:
        raise PlanError(
            f"service {', '.join(missing)}",
            "it does not exist on this server",
            "Give the key name (sc.exe getkeyname shows it), not the display name",
        )
    return tuple(service for question in questions if (service := context.facts[question]))


def plan(wanted: ServiceStartMode, context: Context) -> Plan:
    """One plan for all named services; raises PlanError, FactsNeeded."""
    if wanted.mode == "delayed" and not context.capabilities.delayed_start:
        raise PlanError(
            "start_mode delayed",
            f"{context.release.name} has no delayed start; it came with Windows Vista and Server 2008",
            "Reserve the ports with reserved_ports instead",
        )
    services = existing_services(wanted.names, context)
    context.facts.require(*(question for service in services for question in _questions(service, wanted.mode, context)))
    if wanted.mode == "delayed":
        _refuse_grouped(services, context)
    before = {service.name: current_mode(service, context) for service in services}
    changing = [service for service in services if before[service.name] != wanted.mode]
    _refuse_drivers(changing, before)
    void = _void_delays(services, context) if wanted.mode == "delayed" else {}
    return Plan(
        "service_start_mode",
        before={"start_mode": before},
        after={"start_mode": dict.fromkeys(before, wanted.mode)},
        effectiveness=_void(void) if void else _effectiveness_of(services, changing, wanted.mode, context),
        steps=tuple(step for service in changing for step in _steps(service, wanted.mode, context)),
        journal=_claims(services, before, context)
        | {
            ENTRY_PREFIX + service.name: _entry(service, before[service.name], wanted.mode, context)
            for service in changing
        },
        warnings=tuple(_void_warning(name, pulled_by, context) for name, pulled_by in void.items()),
    )


def _void(void: t.Mapping[str, tuple[str, ...]]) -> Effectiveness:
    return Effectiveness("no", " ".join(delayed_start.why_void(name, pulled_by) for name, pulled_by in void.items()))


def _void_warning(name: str, pulled_by: tuple[str, ...], context: Context) -> str:
    advice = delayed_start.way_out(name, pulled_by, pool_exclusions=context.capabilities.dns_pool_exclusions)
    return f"{delayed_start.why_void(name, pulled_by)} {advice}"


def _claims(services: t.Iterable[Service], modes: t.Mapping[str, str], context: Context) -> dict[str, Entry | None]:
    """One more owner of the start modes that are as wanted and were set by us."""
    names = [service.name for service in services]
    claims = {
        ENTRY_PREFIX + name: claimed_whole(context.known(ENTRY_PREFIX + name), modes[name], context.owner)
        for name in names
    }
    return {name: claim for name, claim in claims.items() if claim}


def undo(named: tuple[ServiceStartMode, ...], context: Context) -> Plan:
    """Give the services that are named or that the owner has the start mode that they had before us.

    Raises PlanError, FactsNeeded.
    """
    entries = _entries_to_undo({name.casefold() for wanted in named for name in wanted.names}, context)
    services = still_installed(entries, context)
    context.facts.require(*(question for service in services for question in _questions(service, "auto", context)))
    before = {service.name: current_mode(service, context) for service in services}
    others = {name: needed for name in entries if (needed := entries[name].needed_by_others(context.owner))}
    going = [service for service in services if service.name not in others]
    original = {one.name: _original_mode(entries[one.name], before[one.name]) for one in going}
    changed_since = [one.name for one in going if entries[one.name].written != before[one.name]]
    left = {name: entries[name].with_owner(context.owner, ()) for name in others}
    return Plan(
        "service_start_mode",
        before={"start_mode": before},
        after={"start_mode": {**before, **original}},
        effectiveness=EFFECTIVE,
        steps=tuple(
            step
            for service in going
            for step in (
                *_steps(service, original[service.name], context),
                *_flag_removal(service, entries[service.name], original[service.name], context),
            )
        ),
        journal={ENTRY_PREFIX + name: left.get(name) for name in entries},
        warnings=tuple(
            f"The start mode of {name} was changed since by somebody else; it is left as it is."
            for name in changed_since
        ),
        kept=tuple(stays(f"The start mode of {name}", needed) for name, needed in others.items()),
    )


def _entries_to_undo(named: t.Container[str], context: Context) -> dict[str, Entry]:
    """By the names of the services; ``named`` are names in lower case."""
    known = context.journal.entries if context.journal else {}
    entries = {name[len(ENTRY_PREFIX) :]: entry for name, entry in known.items() if name.startswith(ENTRY_PREFIX)}
    return {
        name: entry for name, entry in entries.items() if is_meant(entry, context, is_named=name.casefold() in named)
    }


def still_installed(names: t.Iterable[str], context: Context) -> tuple[Service, ...]:
    """The services to take back: an owner's that are still installed; one that is named must be there."""
    if not context.takes_all:
        return existing_services(names, context)
    questions = [ServiceFact(name) for name in names]
    context.facts.require(*questions)
    return tuple(service for question in questions if (service := context.facts[question]))


def _flag_removal(service: Service, entry: Entry, mode: StartMode, context: Context) -> tuple[Step, ...]:
    """The value of the delayed flag is deleted if there was none before us: sc.exe leaves a 0."""
    flag = delayed_flag(service.name)
    there = flag in context.facts and not isinstance(context.facts[flag], Absent)
    return (DeleteValue(flag),) if there and flag.name in entry.added and mode != "delayed" else ()


def _original_mode(entry: Entry, current: str) -> StartMode:
    """The mode before us, where the present one is still ours; the journal's word must be a known mode."""
    mode = entry.original if entry.written == current else current
    return t.cast(StartMode, mode) if mode in t.get_args(StartMode) else t.cast(StartMode, current)


def _has_flag(service: Service, mode: StartMode, context: Context) -> bool:
    """True if the delayed flag matters: Windows ignores it unless the service starts automatically."""
    return context.capabilities.delayed_start and (service.start_mode == "Auto" or mode in ("auto", "delayed"))


def _questions(service: Service, mode: StartMode, context: Context) -> list[Fact[t.Any]]:
    return [delayed_flag(service.name)] if _has_flag(service, mode, context) else []


def _flag_is_set(service: Service, context: Context) -> bool:
    flag = delayed_flag(service.name)
    if flag not in context.facts:
        return False
    value = context.facts.optional(flag, Absent.VALUE)
    return isinstance(value, RegistryValue) and value.data == 1


def current_mode(service: Service, context: Context) -> str:
    """The start mode in the user's words: auto, delayed, manual, disabled (or boot, system for drivers)."""
    if service.start_mode == "Auto" and _flag_is_set(service, context):
        return "delayed"
    return _READ_MODES.get(service.start_mode, service.start_mode.casefold())


def pulled_forward_by(name: str, context: Context, *, along: t.Collection[str] = ()) -> tuple[str, ...]:
    """The automatic services that make a delayed start of this one void; raises FactsNeeded.

    ``along``: services that are set to start delayed in the same run.
    """
    needing = dependents([name], context)
    context.facts.require(*(delayed_flag(found.name) for found in needing if found.start_mode == "Auto"))
    late = {other.casefold() for other in along}
    modes = {found.name.casefold(): current_mode(found, context) for found in needing}
    return delayed_start.pulled_forward_by(
        name,
        context.facts[DependenciesFact()],
        {found: mode for found, mode in modes.items() if found not in late},
    )


def _void_delays(services: t.Sequence[Service], context: Context) -> dict[str, tuple[str, ...]]:
    """The services whose delayed start Windows does not keep, each with those that pull it forward."""
    names = [service.name for service in services]
    found = gathered(functools.partial(pulled_forward_by, name, context, along=names) for name in names)
    return {name: pulled_by for name, pulled_by in zip(names, found, strict=True) if pulled_by}


def _refuse_grouped(services: t.Iterable[Service], context: Context) -> None:
    questions = [load_order_group(s.name) for s in services if current_mode(s, context) != "delayed"]
    context.facts.require(*questions)
    grouped = {
        question.key.rpartition("\\")[2]: value.data
        for question in questions
        if isinstance(value := context.facts[question], RegistryValue) and value.data
    }
    if grouped:
        named = ", ".join(f"{name} (group {group})" for name, group in grouped.items())
        raise PlanError(
            f"service {named}",
            "a member of a load-order group can't start delayed",
            "Choose another start mode for it; nothing was changed for any service of the list",
        )


def _refuse_drivers(changing: t.Iterable[Service], before: t.Mapping[str, str]) -> None:
    drivers = [service.name for service in changing if before[service.name] in ("boot", "system")]
    if drivers:
        raise PlanError(
            f"service {', '.join(drivers)}",
            "it starts with Windows itself (start mode boot or system); changing that can keep Windows from starting",
            "This module changes only services that are auto, delayed, manual or disabled",
        )


def _steps(service: Service, mode: StartMode, context: Context) -> tuple[Step, ...]:
    steps: list[Step] = []
    if _WMI_MODES[mode] != ("Automatic" if service.start_mode == "Auto" else service.start_mode):
        steps.append(ChangeStartMode(service.name, _WMI_MODES[mode]))
    if mode in ("auto", "delayed") and _flag_is_set(service, context) != (mode == "delayed"):
        steps.append(SetDelayedStart(service.name, mode == "delayed", delayed_flag(service.name)))
    return tuple(steps)


def _entry(service: Service, before: str, mode: StartMode, context: Context) -> Entry:
    known = context.known(ENTRY_PREFIX + service.name)
    flag = delayed_flag(service.name)
    new_flag = mode == "delayed" and isinstance(context.facts[flag], Absent)
    return Entry(
        original=known.original if known else before,
        written=mode,
        added=(flag.name,) if new_flag else known.added if known else (),
        wait=reboot_wait(context) if mode == "delayed" else None,
        owners=whole_after(known, context.owner),
    )


_AT_BOOT: t.Final = Effectiveness(
    "no", "A delayed start shows at the next boot; nothing needs to be restarted for it.", by_itself=True
)
_FOREIGN: t.Final = Effectiveness(
    "unknown", "The delayed start was not set by this collection: whether a boot has followed is not known."
)


def _effectiveness_of(
    services: t.Sequence[Service], changing: t.Sequence[Service], mode: StartMode, context: Context
) -> Effectiveness:
    if mode != "delayed":
        return EFFECTIVE
    if changing:
        return _AT_BOOT
    entries = [context.entry(ENTRY_PREFIX + s.name) for s in services]
    if any(entry is None or entry.written != mode for entry in entries):
        return _FOREIGN
    waits = [entry.wait for entry in entries if entry and entry.wait]
    return _AT_BOOT if any(still_waits(wait, context) for wait in waits) else EFFECTIVE


RESOURCE: t.Final = Resource(
    "service_start_mode", ARGUMENT_SPEC, options, plan, undo, keeps=lambda name: name.startswith(ENTRY_PREFIX)
)
