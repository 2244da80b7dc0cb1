# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan's steps as changes that scripts make: how each is made, taken back and recognized, before it and after it."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    AwaitDns,
    ChangeExclusions,
    ChangeStartMode,
    DeleteValue,
    Plan,
    PlanError,
    SetDelayedStart,
    SetDynamicRanges,
    StartServices,
    Step,
    StopServices,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.answers import answer
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.look import Look
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.reg_files import (
    RawValue,
    exported_lines,
    name_prefix,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DynamicRanges,
    DynamicRangesFact,
    Family,
    Protocol,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY, delayed_flag
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh

Wait = t.Literal["", "reboot", "dns"]
"""The event after which a change is in force: none, a reboot, a restart of the DNS server."""
_SERVICE: t.Final = re.compile(r"[A-Za-z0-9_.$ -]{1,256}", re.ASCII)
_COMPARABLE: t.Final = re.compile(r"[A-Za-z0-9 \"=:,()/\\._-]*", re.ASCII)
"""A line that may stand in a command: nothing in it means something to cmd.exe, in quotes or without."""
_LONGEST_CONTENT: t.Final = 400
"""Characters of a value that are shown; a line of a batch file on Windows 2000 has room for 2,047."""
_START: t.Final = "Start"
_START_NUMBERS: t.Final = {"Automatic": 2, "Manual": 3, "Disabled": 4}
_START_WORDS: t.Final = {2: "auto", 3: "demand", 4: "disabled"}
"""The value Start in the words of sc.exe."""


@dataclasses.dataclass(frozen=True, slots=True)
class Signs:
    """The lines by which a script recognizes a state; ``present`` are searched one by one, in any order.

    As a plain text: whole lines, but one that ends in a backslash is the beginning of its line. With
    ``are_expressions``: regular expressions of findstr, of which each may have alternatives.
    """

    present: tuple[tuple[str, ...], ...] = ()
    absent: tuple[str, ...] = ()
    """Beginnings of lines; as expressions: alternatives."""
    are_expressions: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Something that scripts look at: a registry key, or the output of a command."""

    key: str = ""
    command: str = ""
    may_be_missing: bool = False
    """The key was not there when the server was looked at."""


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One setting: from ``was`` to ``is_``."""

    title: str
    """With the state that it gets, in words for the screen."""
    place: Place
    was: Signs
    is_: Signs
    wait: Wait = ""
    key: str = ""
    name: str = ""
    before: RawValue | None = None
    after: RawValue | None = None
    """The value, if it is written by a registration file."""
    apply: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    """Command lines, if it is made by those."""

    @property
    def by_file(self) -> bool:
        """True if a registration file makes it."""
        return not self.apply

    @property
    def makes_key(self) -> bool:
        """True if the key of its value is made along with it."""
        return self.by_file and self.place.may_be_missing and self.after is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Course:
    """All that the scripts of one server do, in order: stops, changes, starts."""

    changes: tuple[Change, ...] = ()
    stops: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    ports_first: bool = False
    """The services stop before the first change, and not after the last one."""
    awaits_dns: bool = False


def course_of(planned: Convergence, look: Look) -> Course:
    """The course of a plan; raises PlanError for a step that no script of the kit can take."""
    changes = [change for step in planned.steps for change in _changes(step, _wait(step, planned), look)]
    stops = [name for step in planned.steps if isinstance(step, StopServices) for name in step.names]
    starts = [name for step in planned.steps if isinstance(step, StartServices) for name in step.names]
    return Course(
        changes=tuple(changes),
        stops=tuple(map(_safe, stops)),
        starts=tuple(map(_safe, starts)),
        ports_first=bool(planned.steps) and isinstance(planned.steps[0], StopServices),
        awaits_dns=any(isinstance(step, AwaitDns) for step in planned.steps),
    )


def _wait(step: Step, planned: Convergence) -> Wait:
    plan = next((one for one in planned.plans if step in (*one.steps, *one.steps_when_free)), None)
    if plan is None or _is_made_at_once(step, plan):
        return ""
    if plan.effectiveness.reboot_required:
        return "reboot"
    return "dns" if plan.effectiveness.restart_required and not planned.restarts_dns else ""


def _is_made_at_once(step: Step, plan: Plan) -> bool:
    return plan.effectiveness.effective == "yes" or isinstance(step, (ChangeExclusions, SetDynamicRanges))


def _changes(step: Step, wait: Wait, look: Look) -> list[Change]:
    if isinstance(step, (StopServices, StartServices, AwaitDns)):
        return []
    maker = _MAKERS.get(type(step))
    if maker is None:
        raise PlanError("offline kit", f"no script of it does this step ({type(step).__name__})", "Ask for less")
    return [dataclasses.replace(change, wait=change.wait or wait) for change in maker(step, look)]


# --- values ----------------------------------------------------------------------------------------------------------


def _written_value(step: t.Any, look: Look) -> list[Change]:
    before = look.raw(step.key, step.name)
    return [_value_change(step.key, _spelled(step.name, before), before, step.value, look)]


def _deleted_value(step: t.Any, look: Look) -> list[Change]:
    before = look.raw(step.fact.key, step.fact.name)
    return [_value_change(step.fact.key, _spelled(step.fact.name, before), before, None, look)]


def _spelled(name: str, before: RawValue | None) -> str:
    """The name as the registry has it, since an export shows it so."""
    return before.name if before and before.name.isascii() else name


def _value_change(key: str, name: str, before: RawValue | None, value: RegistryValue | None, look: Look) -> Change:
    after = None if value is None else RawValue.of(name, value)
    return Change(
        title=f"{key[len(SERVICES_KEY) + 1 :]} {name}: {shown(after)}",
        place=_key_place(key, look),
        was=_signs(key, name, before),
        is_=_signs(key, name, after),
        key=key,
        name=name,
        before=before,
        after=after,
    )


def _key_place(key: str, look: Look) -> Place:
    return Place(key=key, may_be_missing=not look.has_key(key))


def _signs(key: str, name: str, value: RawValue | None) -> Signs:
    if value is None:
        return Signs(absent=(name_prefix(name),))
    try:
        lines = exported_lines(value)
    except ValueError:
        lines = ("%",)
    if not all(map(_COMPARABLE.fullmatch, lines)):
        raise PlanError(
            rf"HKLM\{key}\{name}",
            "it holds characters that a script can't compare",
            "Note what it holds, correct it with regedit, and look again",
        )
    return Signs(present=tuple((line,) for line in lines))


def shown(value: RawValue | None) -> str:
    """A value's content in words for the screen."""
    if value is None:
        return "not set"
    data = value.value.data
    text = (", ".join(data) or "empty") if isinstance(data, tuple) else str(data)
    return text if len(text) <= _LONGEST_CONTENT else f"{text[:_LONGEST_CONTENT]} ..."


# --- start modes -----------------------------------------------------------------------------------------------------


def _start_mode(step: t.Any, look: Look) -> list[Change]:
    key, number = rf"{SERVICES_KEY}\{step.service}", _START_NUMBERS[step.mode]
    made = _value_change(key, _START, look.raw(key, _START), RegistryValue(RegistryType.DWORD, number), look)
    made = dataclasses.replace(made, title=f"start mode of {step.service}: {step.mode}")
    if not look.kit.has_sc:
        # The service manager reads the value at boot.
        return [dataclasses.replace(made, wait="reboot")]
    return [dataclasses.replace(made, apply=(_sc(step.service, _START_WORDS[number]),), undo=(_back(step, look),))]


def _delayed_start(step: t.Any, look: Look) -> list[Change]:
    key, flag = rf"{SERVICES_KEY}\{step.service}", delayed_flag(step.service)
    place, on = _key_place(key, look), f"{name_prefix(flag.name)}dword:00000001"
    delayed, undelayed = Signs(present=((on,),)), Signs(absent=(on,))
    word, title = ("delayed-auto", "delayed") if step.delayed else ("auto", "not delayed")
    return [
        Change(
            title=f"start of {step.service}: {title}",
            place=place,
            was=undelayed if step.delayed else delayed,
            is_=delayed if step.delayed else undelayed,
            wait="reboot",
            apply=(_sc(step.service, word),),
            undo=(_back(step, look),),
        )
    ]


def _back(step: t.Any, look: Look) -> str:
    """The command that brings back the start mode which the server was looked at with."""
    key, flag = rf"{SERVICES_KEY}\{step.service}", delayed_flag(step.service)
    start, delayed = look.raw(key, _START), look.raw(key, flag.name)
    number = start.value.data if start else None
    word = _START_WORDS.get(number) if isinstance(number, int) else None
    if word is None:
        raise PlanError(f"service {step.service}", "its start mode is that of a driver", "Leave it alone")
    return _sc(step.service, "delayed-auto" if word == "auto" and delayed and delayed.value.data == 1 else word)


def _sc(service: str, word: str) -> str:
    return f'sc.exe config "{_safe(service)}" start= {word}'


def _safe(service: str) -> str:
    """A service's name that may go into a script."""
    if not _SERVICE.fullmatch(service):
        raise PlanError(f"service {service}", "its name has characters that can't go into a script")
    return service


# --- ranges of ports -------------------------------------------------------------------------------------------------


def _exclusions(step: t.Any, _look: Look) -> list[Change]:
    if step.delete_active or step.add_active:
        raise PlanError(
            "netsh excludedportrange",
            "some of these ports are excluded until the next boot only, and no script of the kit mends that",
            "Reboot the server, and look again",
        )
    gone = [_block(protocol, ports, adds=False) for protocol, ports in step.delete]
    return gone + [_block(protocol, ports, adds=True) for protocol, ports in step.add]


def _block(protocol: Protocol, ports: PortRange, *, adds: bool) -> Change:
    row = (f"^ *{ports.first}  *{ports.last} ", f"^ *{ports.first}  *{ports.last}$")
    there = Signs(present=(row,), are_expressions=True)
    gone = Signs(absent=row, are_expressions=True)
    add, delete = netsh.add_exclusion(protocol, ports), netsh.delete_exclusion(protocol, ports)
    return Change(
        title=f"{protocol.upper()} {ports}: {'excluded' if adds else 'no longer excluded'}",
        place=Place(command=netsh.show_exclusions("ipv4", protocol, "persistent")),
        was=gone if adds else there,
        is_=there if adds else gone,
        apply=(add if adds else delete,),
        undo=(delete if adds else add,),
    )


def _dynamic_ranges(step: t.Any, look: Look) -> list[Change]:
    before: DynamicRanges = answer(look, DynamicRangesFact())
    return [_range(family, protocol, before.of(family, protocol), ports) for family, protocol, ports in step.changes]


def _range(family: Family, protocol: Protocol, before: PortRange, after: PortRange) -> Change:
    return Change(
        title=f"dynamic ports of {protocol.upper()} over {family}: {after}",
        place=Place(command=netsh.show_dynamic_range(family, protocol)),
        was=_range_signs(before),
        is_=_range_signs(after),
        apply=(netsh.set_dynamic_range(family, protocol, after),),
        undo=(netsh.set_dynamic_range(family, protocol, before),),
    )


def _range_signs(ports: PortRange) -> Signs:
    numbers = (ports.first, ports.count)
    return Signs(present=tuple((f"[^0-9]{one} *$",) for one in numbers), are_expressions=True)


_MAKERS: t.Final[t.Mapping[type[Step], t.Callable[[t.Any, Look], list[Change]]]] = {
    WriteValue: _written_value,
    DeleteValue: _deleted_value,
    ChangeStartMode: _start_mode,
    SetDelayedStart: _delayed_start,
    ChangeExclusions: _exclusions,
    SetDynamicRanges: _dynamic_ranges,
}
