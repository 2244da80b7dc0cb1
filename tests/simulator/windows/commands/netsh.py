# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""netsh.exe: excluded port ranges and dynamic port ranges, in every spelling that is in use.

It exits with 0 or 1, never with the Win32 code [K]; its words are those of the server's language.
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.context import Context
from tests.simulator.windows.exclusions import Block, Store
from tests.simulator.windows.releases import Language
from tests.simulator.windows.sockets import Family, Protocol
from tests.simulator.windows.texts import win32_message

_LEAST_DYNAMIC_START: t.Final = 1025
_LEAST_DYNAMIC_COUNT: t.Final = 255


@dataclasses.dataclass(frozen=True, slots=True)
class _Words:
    """netsh's words in one language."""

    ok: str
    not_found: str
    bad_syntax: str
    elevation: str
    exclusions_title: str
    exclusions_heading: str
    exclusions_note: str
    dynamic_title: str
    dynamic_start: str
    dynamic_count: str


_WORDS: t.Final[t.Mapping[Language, _Words]] = {
    "en": _Words(
        ok="Ok.",
        not_found="The following command was not found: {command}.",
        bad_syntax="The syntax supplied for this command is not valid. Check help for the correct syntax.",
        elevation="The requested operation requires elevation (Run as administrator).",
        exclusions_title="Protocol {protocol} Port Exclusion Ranges",
        exclusions_heading="Start Port    End Port      ",
        exclusions_note="* - Administered port exclusions.",
        dynamic_title="Protocol {protocol} Dynamic Port Range",
        dynamic_start="Start Port     ",
        dynamic_count="Number of Ports",
    ),
    "de": _Words(
        ok="OK.",
        not_found="Folgender Befehl wurde nicht gefunden: {command}.",
        bad_syntax="Die Syntax dieses Befehls ist ung\u00fcltig. Zeigen Sie in der Hilfe die richtige Syntax an.",
        elevation="Der angeforderte Vorgang erfordert erh\u00f6hte Rechte (Als Administrator ausf\u00fchren).",
        exclusions_title='Portausschlussbereiche f\u00fcr das Protokoll "{protocol}"',
        exclusions_heading="Startport     Endport       ",
        exclusions_note="* - Verwaltete Portausschl\u00fcsse.",
        dynamic_title='Dynamischer Portbereich f\u00fcr das Protokoll "{protocol}"',
        dynamic_start="Startport         ",
        dynamic_count="Anzahl von Ports  ",
    ),
}

_FAMILIES: t.Final[t.Mapping[str, Family]] = {"ipv4": 4, "ip": 4, "ipv6": 6}
_PORT_NAMES: t.Final = ("protocol", "startport", "numberofports", "store")


class _Refused(Exception):
    """netsh refuses; the text is what it prints."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Call:
    """One call, understood as far as the command's name."""

    context: Context
    family: Family
    arguments: tuple[str, ...]

    @property
    def words(self) -> _Words:
        return _WORDS[self.context.machine.language]

    def named(self, names: tuple[str, ...]) -> dict[str, str]:
        """Bring positional and named arguments together; a short form of a name does (start=, num=)."""
        given: dict[str, str] = {}
        for position, argument in enumerate(self.arguments):
            name, separator, value = argument.partition("=")
            if not separator:
                if position >= len(names):
                    raise _Refused(self.words.bad_syntax)
                given[names[position]] = argument
                continue
            matching = [full for full in names if full.startswith(name.casefold())]
            if len(matching) != 1 or matching[0] in given:
                raise _Refused(self.words.bad_syntax)
            given[matching[0]] = value
        return given

    def protocol(self, given: t.Mapping[str, str]) -> Protocol:
        value = given.get("protocol", "").casefold()
        if value not in ("tcp", "udp"):
            raise _Refused(self.words.bad_syntax)
        return t.cast("Protocol", value)

    def number(self, given: t.Mapping[str, str], name: str) -> int:
        value = given.get(name, "")
        if not (value.isascii() and value.isdigit()):
            raise _Refused(self.words.bad_syntax)
        return int(value)

    def store(self, given: t.Mapping[str, str], default: str) -> str:
        value = given.get("store", default).casefold()
        if value not in ("active", "persistent"):
            raise _Refused(self.words.bad_syntax)
        return value

    def refuse(self, code: int) -> _Refused:
        return _Refused(win32_message(code, self.context.machine.language))

    def need_elevation(self) -> None:
        if not (self.context.user.elevated and self.context.user.may("network")):
            raise _Refused(self.words.elevation)


# -- excluded port ranges
def _show_exclusions(call: _Call) -> str:
    given = call.named(("protocol", "store"))
    protocol = call.protocol(given)
    persistent_only = call.store(given, "active") == "persistent"
    rows = [
        f"{block.first:>10}    {block.last:>8}    {' *' if block.administered else ''}".rstrip()
        for block in call.context.machine.exclusions.blocks(protocol)
        if (block.administered and block.persistent if persistent_only else block.active)
    ]
    words = call.words
    return lines(
        "",
        words.exclusions_title.format(protocol=protocol),
        "",
        words.exclusions_heading,
        "----------    --------      ",
        *rows,
        "",
        words.exclusions_note,
        "",
    )


def _block_of(call: _Call) -> tuple[Protocol, int, int, bool]:
    given = call.named(_PORT_NAMES)
    protocol = call.protocol(given)
    first, count = call.number(given, "startport"), call.number(given, "numberofports")
    persistent = call.store(given, call.context.machine.assumptions.netsh_default_store) == "persistent"
    call.need_elevation()
    return protocol, first, first + count - 1, persistent


def _add_exclusion(call: _Call) -> str:
    protocol, first, last, persistent = _block_of(call)
    machine, sockets = call.context.machine, call.context.session.sockets
    needs_free = machine.assumptions.netsh_needs_free_ports
    used = sockets.used_ports(protocol, clients=machine.assumptions.connections_hold_ports) if needs_free else set()
    code = machine.exclusions.add(protocol, Block(first, last, persistent=persistent), is_used=used.__contains__)
    if code:
        raise call.refuse(code)
    return lines(call.words.ok, "")


def _delete_exclusion(call: _Call) -> str:
    protocol, first, last, persistent = _block_of(call)
    store: Store = "persistent" if persistent else "active"
    code = call.context.machine.exclusions.delete(protocol, (first, last), store=store)
    if code:
        raise call.refuse(code)
    return lines(call.words.ok, "")


# -- dynamic port ranges
def _show_dynamic(call: _Call) -> str:
    given = call.named(("protocol", "store"))
    protocol = call.protocol(given)
    call.store(given, "active")
    first, last = call.context.machine.dynamic_range(protocol, call.family)
    words = call.words
    return lines(
        "",
        words.dynamic_title.format(protocol=protocol),
        "---------------------------------",
        f"{words.dynamic_start} : {first}",
        f"{words.dynamic_count} : {last - first + 1}",
        "",
    )


def _set_dynamic(call: _Call) -> str:
    given = call.named(_PORT_NAMES)
    protocol = call.protocol(given)
    first, count = call.number(given, "startport"), call.number(given, "numberofports")
    call.need_elevation()
    if first < _LEAST_DYNAMIC_START or count < _LEAST_DYNAMIC_COUNT or first + count - 1 > 65535:
        raise call.refuse(87)
    call.context.machine.dynamic_ranges[call.family, protocol] = (first, first + count - 1)
    return lines(call.words.ok, "")


_EXCLUSION_COMMANDS: t.Final = {"show": _show_exclusions, "add": _add_exclusion, "delete": _delete_exclusion}
_DYNAMIC_COMMANDS: t.Final = {"show": _show_dynamic, "set": _set_dynamic}


def _handler(context: Context, verb: str, noun: str) -> t.Callable[[_Call], str] | None:
    if noun.startswith("excl") and "excludedportrange".startswith(noun) and context.machine.has_netsh_exclusions:
        return _EXCLUSION_COMMANDS.get(verb)
    if noun.startswith("dyn") and "dynamicportrange".startswith(noun) and context.machine.release.dynamic_port_command:
        return _DYNAMIC_COMMANDS.get(verb)
    return None


def run(invocation: Invocation) -> Output:
    """Run one netsh command."""
    context, arguments = invocation.context, [argument.casefold() for argument in invocation.arguments]
    failure = context.machine.assumptions.netsh_failure_exit_code
    words = _WORDS[context.machine.language]
    known = len(arguments) >= 4 and "interface".startswith(arguments[0]) and arguments[1] in _FAMILIES
    handler = _handler(context, arguments[2], arguments[3]) if known and not context.machine.release.nt5 else None
    if handler is None:
        return Output(lines(words.not_found.format(command=" ".join(invocation.arguments)), ""), code=failure)
    try:
        return Output(handler(_Call(context, _FAMILIES[arguments[1]], invocation.arguments[4:])))
    except _Refused as refusal:
        return Output(lines(str(refusal), ""), code=failure)
