# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grade touch: what it writes, in our own registry key and on a few UDP ports of our own, and how it is taken back.

A note in the key comes before anything else is touched. A run that breaks off leaves the note, and the next run takes
back what it names before it begins.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import VERIFY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command

Data: t.TypeAlias = "str | int | tuple[str, ...] | None"
NOTE: t.Final = "Note"
ABSENT_KEY: t.Final = rf"{VERIFY_KEY}\Absent"
"""Never made: a value is written there to see the refusal. Taken back all the same, if Windows made it."""
KEYS: t.Final = (VERIFY_KEY, ABSENT_KEY)
LETTERS: t.Final = "\u00e4\u03bb\u65e5"
BLANKS: t.Final = "  a  "
LARGEST_NUMBER: t.Final = 4_294_967_295
LONG_NUMBER: t.Final = 4_294_967_297
OWN_PORTS: t.Final = "choose ports"
"""The step that has the ports of this run."""
COUNT: t.Final = 4
"""How many ports are needed, next to each other."""
CHOICE: t.Final = PortRange(65100, 65499)
"""From where the ports are taken: above the ranges of all known services, and out of the way of the lowest dynamic
ports, which Windows hands out first."""
_NOTE: t.Final = re.compile(r"udp ([0-9]{5})-([0-9]{5})", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryStep:
    """A call of StdRegProv on one of our own keys."""

    step: str
    method: str
    value: str | None = None
    parameter: str = ""
    data: Data = None
    key: str = VERIFY_KEY


def _set(step: str, kind: str, value: str, data: Data, key: str = VERIFY_KEY) -> RegistryStep:
    parameter = "uValue" if isinstance(data, int) else "sValue"
    return RegistryStep(step, f"Set{kind}Value", value, parameter, data, key)


def _get(step: str, kind: str, value: str) -> RegistryStep:
    return RegistryStep(step, f"Get{kind}Value", value)


REGISTRY_STEPS: t.Final = (
    RegistryStep("create the key again", "CreateKey"),
    _set("write an empty list", "MultiString", "Empty", ()),
    _get("read the empty list", "MultiString", "Empty"),
    _set("write a list of one", "MultiString", "One", ("4500-4500",)),
    _get("read the list of one", "MultiString", "One"),
    _set("write a list of two", "MultiString", "Two", ("1645-1646", "1812-1813")),
    _get("read the list of two", "MultiString", "Two"),
    _set("write the largest number", "DWORD", "Number", LARGEST_NUMBER),
    _get("read the largest number", "DWORD", "Number"),
    _set("write a long number", "QWORD", "Long", LONG_NUMBER),
    _get("read the long number", "QWORD", "Long"),
    _set("write an empty text", "String", "Nothing", ""),
    _get("read the empty text", "String", "Nothing"),
    _set("write blanks", "String", "Blanks", BLANKS),
    _get("read the blanks", "String", "Blanks"),
    _set("write letters", "String", "Letters", LETTERS),
    _get("read the letters", "String", "Letters"),
    RegistryStep("list the values", "EnumValues"),
    _set("write into an absent key", "String", "Text", "a", ABSENT_KEY),
    RegistryStep("delete an absent value", "DeleteValue", "portkeeper-no-such-name"),
    RegistryStep("delete an absent key", "DeleteKey", key=ABSENT_KEY),
)


def note_text(ports: PortRange | None) -> str:
    """The note about ports that will be touched."""
    return "none" if ports is None else f"udp {ports.first}-{ports.last}"


def noted_ports(text: str) -> PortRange | None:
    """The ports of a note; ``None`` if it names none that could be ours."""
    match = _NOTE.fullmatch(text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    inside = CHOICE.first <= first and last <= CHOICE.last
    ours = inside and last - first + 1 == COUNT and (first - CHOICE.first) % COUNT == 0
    return PortRange(first, last) if ours else None


def free_ports(taken: PortSet) -> PortRange | None:
    """The first ports of the choice that nobody has or keeps back."""
    for first in range(CHOICE.first, CHOICE.last - COUNT + 2, COUNT):
        ports = PortRange(first, first + COUNT - 1)
        if not taken.overlaps(ports):
            return ports
    return None


# --- netsh ------------------------------------------------------------------------------------------------------------

_VERB: t.Final = re.compile(
    r"netsh interface ipv4 (?:add|delete) excludedportrange protocol=udp startport=([0-9]{5}) numberofports=([0-9])"
    r"(?: store=(?:active|persistent))?",
    re.ASCII,
)


def is_on_own_ports(line: str, ports: PortRange) -> bool:
    """True for a command of netsh that adds or deletes a block within these ports."""
    match = _VERB.fullmatch(line)
    if match is None:
        return False
    first, count = int(match[1]), int(match[2])
    return count > 0 and ports.first <= first and first + count - 1 <= ports.last


def _change(verb: str, first: int, count: int, store: str) -> str:
    named = f" store={store}" if store else ""
    return f"netsh interface ipv4 {verb} excludedportrange protocol=udp startport={first} numberofports={count}{named}"


def _show(family: str, store: str) -> str:
    return f"netsh interface {family} show excludedportrange protocol=udp store={store}"


SHOWS: t.Final = frozenset({_show("ipv4", "active"), _show("ipv4", "persistent"), _show("ipv6", "active")})
"""The commands that only show."""


def _shows(step: str) -> tuple[Command, Command]:
    """Both stores after a step."""
    return (
        Command(_show("ipv4", "active"), reads="exclusions", step=f"active after {step}"),
        Command(_show("ipv4", "persistent"), reads="exclusions", step=f"persistent after {step}"),
    )


def netsh_steps(ports: PortRange) -> tuple[Command, ...]:
    """The commands, in order; each ends with nothing of ours excluded."""
    first = ports.first

    def change(step: str, verb: str, offset: int, count: int = 1, store: str = "") -> Command:
        return Command(_change(verb, first + offset, count, store), step=step)

    return (
        change("add without a store", "add", 0),
        *_shows("an add without a store"),
        change("delete from the persistent store", "delete", 0, store="persistent"),
        change("delete from the active store", "delete", 0, store="active"),
        change("add to the persistent store", "add", 0, store="persistent"),
        *_shows("an add to the persistent store"),
        Command(_show("ipv6", "active"), reads="exclusions", step="ipv6 after an add"),
        change("add the same again", "add", 0, store="persistent"),
        change("delete what is persistent", "delete", 0, store="persistent"),
        *_shows("a delete from the persistent store"),
        change("delete the rest", "delete", 0, store="active"),
        change("add to the active store", "add", 0, store="active"),
        *_shows("an add to the active store"),
        change("delete what is active", "delete", 0, store="active"),
        change("add a port", "add", 0, store="persistent"),
        change("add its neighbour", "add", 1, store="persistent"),
        change("add two ports", "add", 2, 2, store="persistent"),
        change("delete a part of the two", "delete", 2, 1, store="persistent"),
        *_shows("three adds"),
        *(Command(line, step=f"take back {number}") for number, line in enumerate(removal(ports))),
        *_shows("all of it"),
    )


def removal(ports: PortRange, blocks: t.Iterable[ExclusionBlock] | None = None) -> tuple[str, ...]:
    """The commands that take back these blocks, by default each that the steps can have left within these ports."""
    first = ports.first
    usual = (PortRange(first, first), PortRange(first + 1, first + 1), PortRange(first + 2, first + 3))
    wanted = usual if blocks is None else tuple(dict.fromkeys(block.ports for block in blocks))
    within = [one for one in wanted if ports.first <= one.first and one.last <= ports.last]
    return tuple(_change("delete", one.first, one.count, store) for one in within for store in ("persistent", "active"))


def shows_both(step: str) -> tuple[Command, Command]:
    """Show both stores."""
    return _shows(step)
