# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grade lab: its stages, what it changes, and the commands that it may send, each whole.

A note in our own registry key names every change before it is made. A run that breaks off leaves the note, and the next
run of the grade touch or lab takes back what it names before it begins.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol, RegistryFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command

NOTE: t.Final = "Lab"
"""The value of our own key with the note; ``Before NAME`` beside it keeps a setting as it was."""
SETTINGS: t.Final[t.Mapping[str, RegistryFact]] = {
    fact.name: fact for fact in (MAX_USER_PORT_FACT, RESERVED_PORTS_FACT, POOL_EXCLUSIONS_FACT)
}
"""The settings of Windows that lab changes, by the names that the note has for them."""

# --- stages: when the questions of a look are asked again -------------------------------------------------------------

BEFORE: t.Final = "before anything is changed"
IN_USE: t.Final = "with ports in use excluded"
WRITTEN: t.Final = "with half of the pool on its list, before a restart"
LISTED: t.Final = "with half of the pool on its list, after a restart"
STOPPED: t.Final = "while the DNS server stands still"
EXCLUDED: t.Final = "with half of the pool's range excluded by netsh"
SECOND_DRAW: t.Final = "with the range excluded, after another restart"
THIRD_DRAW: t.Final = "with the range excluded, after a third restart"
RESERVED: t.Final = "with ReservedPorts, before a boot"
VALUE_SET: t.Final = "with MaxUserPort, after a restart of the DNS server"
UNTIL_BOOT: t.Final = "with a port in the active store"
BOOTED: t.Final = "after a boot with these settings"
DELAYED: t.Final = "after a boot with a delayed DNS server"
NEEDED: t.Final = "after a boot with a delayed DNS server that an automatic service needs"

# --- steps: what a change gave back -----------------------------------------------------------------------------------

USED_UDP: t.Final = "exclude a UDP port that is in use"
CONNECTED: t.Final = "exclude the local port of an outgoing connection"
WAITING: t.Final = "exclude the local port of a connection that has ended and waits"
STOP_STOPPED: t.Final = "stop a service that does not run"
START_FAILING: t.Final = "start a service that needs one which can't start"
START_DISABLED: t.Final = "start a service that is disabled"
READ_MODE: t.Final = "read a start type that was written into the registry"
DELAY_IN_GROUP: t.Final = "delay a service of a load-order group"
WRITE_FILE: t.Final = "write a file with a Ctrl-Z in it"
TYPE_FILE: t.Final = "type that file"
COPY_FILE: t.Final = "copy that file with /a"
TYPE_COPY: t.Final = "type the copy"
ONE_SHELL_MORE: t.Final = "open shells until one is refused"
ONE_COMMAND_MORE: t.Final = "run more commands in one shell than operations are allowed"
ONE_QUERY_MORE: t.Final = "leave more enumerations open than operations are allowed"
PORT_UNTIL_BOOT: t.Final = "exclude a port in the active store"
REBOOT: t.Final = "reboot"

PARTS: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "services": (STOP_STOPPED, START_FAILING, START_DISABLED, READ_MODE, DELAY_IN_GROUP),
    "files": (WRITE_FILE, TYPE_FILE, COPY_FILE, TYPE_COPY),
    "quotas": (ONE_SHELL_MORE, ONE_COMMAND_MORE, ONE_QUERY_MORE),
    "ports in use": (USED_UDP, CONNECTED, WAITING, IN_USE),
    "list": (WRITTEN, LISTED),
    "range": (STOPPED, EXCLUDED, SECOND_DRAW, THIRD_DRAW),
    "value": (VALUE_SET, RESERVED),
    "boot": (REBOOT, PORT_UNTIL_BOOT, UNTIL_BOOT, BOOTED),
    "delayed boots": (DELAYED, NEEDED),
}
"""The stages and steps of each part. A part that can't be done gives its reason to all of its own that are missing."""
OF_BOOTS: t.Final = ("boot", "delayed boots")
"""The parts that reboot the server."""

# --- numbers ----------------------------------------------------------------------------------------------------------

NEW_VALUE: t.Final = 6000
"""MaxUserPort on 2008 and later: so small that each rule gives a range of its own."""
OLD_VALUE: t.Final = 20000
"""MaxUserPort on 2003: the pool takes an eighth of these ports."""
PLAIN: t.Final = PortRange(4000, 6999)
TOUCHING: t.Final = (PortRange(8000, 8999), PortRange(9000, 9999))
BARE: t.Final = range(12000, 12400, 2)
RESERVED_ENTRIES: t.Final = ("1025-1124", str(PLAIN), *map(str, TOUCHING), *map(str, BARE))
"""ReservedPorts on 2003: the first dynamic ports; a range with UDP 4500, which IPSEC Services need; two that touch; and
numbers without a hyphen. In each of the last three parts some 25 or more sockets of the pool must lie if it ignores
them."""
LEFT_FOR_PROGRAMS: t.Final = 512
"""Dynamic TCP ports that stay free: one of three draws falls among them by chance once in 32,768."""
_LARGEST_BLOCK: t.Final = 1024
_MOST_BLOCKS: t.Final = 40
MANY: t.Final = 20
"""Commands and enumerations: more than WinRM 1.1 and 2.0 allow at once (15)."""
MANY_SHELLS: t.Final = 40
"""More than any stack allows (2, 5, 30)."""


def blocks_within(wanted: PortRange, taken: PortSet) -> tuple[PortRange, ...]:
    """The largest runs of ports that nobody has or keeps back, cut into pieces: a port that is in use unseen, so that
    netsh refuses its block, costs one piece alone."""
    free = (PortSet.of(wanted) - taken).ranges
    pieces = [
        PortRange(first, min(first + _LARGEST_BLOCK - 1, one.last))
        for one in free
        for first in range(one.first, one.last + 1, _LARGEST_BLOCK)
    ]
    return tuple(sorted(sorted(pieces, key=lambda one: -one.count)[:_MOST_BLOCKS]))


# --- commands ---------------------------------------------------------------------------------------------------------

SERVICES: t.Final = ("PortkeeperVerify1", "PortkeeperVerify2", "PortkeeperVerify3")
"""Services of our own, whose program does not exist."""
_NO_PROGRAM: t.Final = r"%windir%\temp\portkeeper-verify-none.exe"
CREATE_FIRST: t.Final = f"sc.exe create {SERVICES[0]} binPath= {_NO_PROGRAM} start= demand"
CREATE_SECOND: t.Final = f"sc.exe create {SERVICES[1]} binPath= {_NO_PROGRAM} start= demand depend= {SERVICES[0]}"
CREATE_THIRD: t.Final = f"sc.exe create {SERVICES[2]} binPath= {_NO_PROGRAM} start= auto depend= DNS"
GROUP_FIRST: t.Final = f"sc.exe config {SERVICES[0]} group= {SERVICES[0]}"
DELAY_FIRST: t.Final = f"sc.exe config {SERVICES[0]} start= delayed-auto"
DELAY_DNS: t.Final = "sc.exe config DNS start= delayed-auto"
AUTO_DNS: t.Final = "sc.exe config DNS start= auto"
DELETE_SERVICES: t.Final = tuple(f"sc.exe delete {name}" for name in SERVICES)
_FILE: t.Final = r"%windir%\temp\portkeeper-verify.txt"
_COPY: t.Final = r"%windir%\temp\portkeeper-verify-copy.txt"
WRITE: t.Final = f'findstr "^" > {_FILE}'
CONTENT: t.Final = b"first\r\nsecond\x1athird\r\nfourth\r\n"
LAST_WORD: t.Final = b"fourth"
TYPE: t.Final = f"type {_FILE}"
COPY: t.Final = f"copy /y {_FILE} /a {_COPY} /b"
SHOW_COPY: t.Final = f"type {_COPY}"
DELETE_FILES: t.Final = f"del {_FILE} {_COPY}"
HARMLESS: t.Final = "ver"
LINES: t.Final = frozenset(
    {CREATE_FIRST, CREATE_SECOND, CREATE_THIRD, GROUP_FIRST, DELAY_FIRST, DELAY_DNS, AUTO_DNS, *DELETE_SERVICES}
    | {WRITE, TYPE, COPY, SHOW_COPY, DELETE_FILES, HARMLESS}
)
"""All command lines of lab but those of netsh, of dism and of the reboot."""
_BLOCK: t.Final = re.compile(
    r"netsh interface ipv4 (?:add|delete) excludedportrange protocol=(?:tcp|udp) startport=[0-9]{1,5} "
    r"numberofports=[0-9]{1,5} store=active",
    re.ASCII,
)


def is_block(line: str) -> bool:
    """True for a command that excludes a range, or ends that, in the active store: a boot ends it in any case."""
    return _BLOCK.fullmatch(line) is not None


def block_lines(verb: t.Literal["add", "delete"], blocks: t.Iterable[tuple[Protocol, PortRange]]) -> list[Command]:
    """The commands for some ranges; no two are the same question."""
    return [
        Command(
            f"netsh interface ipv4 {verb} excludedportrange protocol={protocol} startport={ports.first} "
            f"numberofports={ports.count} store=active",
            step=f"{verb} {protocol} {ports}",
        )
        for protocol, ports in blocks
    ]


# --- the note ---------------------------------------------------------------------------------------------------------

RUNS: t.Final = "runs DNS"
DELAYED_DNS: t.Final = "mode DNS"
WITHOUT_FLAG: t.Final = "mode DNS without a flag"
"""The DNS server had no flag of a delayed start, neither set nor cleared."""
MANUAL_IPSEC: t.Final = "mode PolicyAgent"
OWN_SERVICES: t.Final = "services"
FILES: t.Final = "files"
BOOT: t.Final = "boot"
"""The server booted with settings of ours, and has not booted since."""
_NOTED_BLOCK: t.Final = re.compile(r"block (tcp|udp) ([0-9]{1,5})-([0-9]{1,5})", re.ASCII)


def block_note(protocol: Protocol, ports: PortRange) -> str:
    """The line of the note about a range."""
    return f"block {protocol} {ports}"


def noted_blocks(lines: t.Iterable[str]) -> list[tuple[Protocol, PortRange]]:
    """The ranges that a note names; what is no line of ours is left alone."""
    found: list[tuple[Protocol, PortRange]] = []
    for line in lines:
        match = _NOTED_BLOCK.fullmatch(line)
        if match is not None and int(match[2]) <= int(match[3]) <= 65535:
            found.append((t.cast("Protocol", match[1]), PortRange(int(match[2]), int(match[3]))))
    return found


def setting_note(name: str) -> str:
    """The line of the note about a setting."""
    return f"value {name}"


def noted_settings(lines: t.Iterable[str]) -> list[RegistryFact]:
    """The settings that a note names."""
    return [fact for name, fact in SETTINGS.items() if setting_note(name) in lines]
