# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A look at a server: the commands that write it into files, and the facts that these files hold.

The files are texts of a server, so each reader takes rows by their shape, and none trusts a word in them.
"""

from __future__ import annotations

import codecs
import dataclasses
import functools
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import reg_files
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import KitRelease
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.services import (
    running_names,
    services_of,
    states_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    Family,
    Protocol,
    Service,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import netsh

LOOK_AGAIN: t.Final = "Run 0-look.cmd on the server again, and bring the whole folder look back"
MOST_BYTES: t.Final = 64 * 1024 * 1024
"""Of one file; the key of all services has a few million bytes."""
COMPUTER, VERSION, CODE_PAGE, KEYS, SOCKETS, COMPLETE = (
    "computer.txt",
    "version.txt",
    "codepage.txt",
    "services.reg",
    "netstat.txt",
    "complete.txt",
)
STATES, RUNNING, PROCESSES = "states.txt", "running.txt", "processes.txt"
_COMPUTER: t.Final = re.compile(r"[A-Za-z0-9_-]{1,15}", re.ASCII)
"""Names that may go into a script; Windows allows some others, which nobody should have."""
_NUMBERS: t.Final = re.compile(rb"([0-9]{1,3})\.([0-9]{1,3})\.[0-9]{1,6}")


def commands(kit: KitRelease) -> dict[str, str]:
    """The command for each file of a look, by the file's name; its output is the file, but for ``KEYS``."""
    found = {COMPUTER: "echo %COMPUTERNAME%", VERSION: "ver", CODE_PAGE: "chcp", SOCKETS: kit.netstat}
    if kit.has_sc:
        # By default its buffer is small; 64 KB is the most that 2003 takes (documentation of EnumServicesStatusEx).
        found[STATES] = "sc queryex state= all bufsize= 65536"
        found[PROCESSES] = "tasklist /nh /fo csv"
    else:
        found[RUNNING] = "net start"
    capabilities = kit.release.capabilities
    if capabilities.dynamic_port_ranges:
        found |= {f"dynamic-{f}-{p}.txt": netsh.show_dynamic_range(f, p) for f, p in _LISTS}
    if capabilities.excluded_port_ranges != "no":
        found |= {f"active-{f}-{p}.txt": netsh.show_exclusions(f, p) for f, p in _LISTS}
        found |= {f"persistent-{f}-{p}.txt": netsh.show_exclusions(f, p, "persistent") for f, p in _LISTS}
    return found


def names(kit: KitRelease) -> tuple[str, ...]:
    """The names of all files of a look."""
    return (*commands(kit), KEYS, COMPLETE)


_LISTS: t.Final[tuple[tuple[Family, Protocol], ...]] = tuple((f, p) for p in PROTOCOLS for f in FAMILIES)


@dataclasses.dataclass(frozen=True)
class Look:
    """The files of a look by their names; every reading raises PlanError if its file is no such."""

    files: t.Mapping[str, bytes]
    kit: KitRelease

    def refuse_foreign(self) -> None:
        """Raise PlanError if the look is not complete, or of another release than the inventory says."""
        missing = [name for name in names(self.kit) if name not in self.files]
        if missing:
            raise PlanError("look", f"the files {', '.join(missing)} are missing", LOOK_AGAIN)
        found = _NUMBERS.search(self.files[VERSION])
        if found is None or (int(found[1]), int(found[2])) != self.kit.numbers:
            said = found[0].decode() if found else "no version"
            raise PlanError(
                "look",
                f"it is of a server with Windows {said}, and the inventory says {self.kit.release.name}",
                "Correct the release in the inventory, or bring the look of the right server",
            )

    @property
    def computer(self) -> str:
        """The computer's name, fit for a script."""
        name = self.files[COMPUTER].decode("ascii", "replace").strip()
        if not _COMPUTER.fullmatch(name):
            raise PlanError("look", f"{COMPUTER} holds no name of a computer", LOOK_AGAIN)
        return name

    @functools.cached_property
    def keys(self) -> reg_files.Keys:
        """The exported keys."""
        try:
            return reg_files.read(self.files[KEYS])
        except (reg_files.NoRegFile, ValueError) as error:
            raise PlanError("look", f"{KEYS} can't be read: {error}", LOOK_AGAIN) from error

    def raw(self, key: str, name: str) -> reg_files.RawValue | None:
        """A value byte for byte."""
        found = self.keys.get(key.casefold())
        return found.values.get(name.casefold()) if found else None

    def has_key(self, key: str) -> bool:
        """True if the server has this key below HKEY_LOCAL_MACHINE."""
        return key.casefold() in self.keys

    @functools.cached_property
    def services(self) -> tuple[Service, ...]:
        """The services, sorted by name."""
        if self.kit.has_sc:
            return services_of(self.keys, states_of(self.files[STATES]))
        encoding = _code_page(self.files[CODE_PAGE])
        return services_of(self.keys, None, running_names(self.files[RUNNING].decode(encoding, "replace")))

    @functools.cached_property
    def netstat(self) -> bytes:
        """The rows of sockets, each with a process; 0, which is no process, where netstat does not show it."""
        raw = self.files[SOCKETS]
        return raw if self.kit.has_sc else b"\n".join(line.rstrip() + b" 0" for line in raw.split(b"\n"))


def _code_page(shown: bytes) -> str:
    """The codec of the code page that ``chcp`` shows; its words are in the server's language."""
    digits = re.findall(rb"[0-9]{3,5}", shown)
    name = f"cp{digits[-1].decode()}" if digits else "cp437"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp437"
