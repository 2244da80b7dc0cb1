# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The note of the grade lab: what it changes, written down before it is changed, and how it is taken back."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryFact, RegistryType
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import VERIFY_KEY, delayed_flag
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import CantTell
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_TCP, ACTIVE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_hands import Hands, code_of

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol

NOTE: t.Final = RegistryFact(VERIFY_KEY, lab_steps.NOTE, RegistryType.MULTI_STRING)
_BEGUN: t.Final = "begun"
_BOOT_LEFT: t.Final = (
    "The server still runs with what it read at its last boot ({names}): reboot it, so that this ends as well."
)
_POOL_LEFT: t.Final = (
    "The DNS server could not be restarted and may have a pool of the lab's settings: restart it by hand."
)


def _before(fact: RegistryFact) -> RegistryFact:
    """Where a setting is kept as it was."""
    return RegistryFact(VERIFY_KEY, f"Before {fact.name}", fact.type)


class Notes:
    """The note of one server."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self.lines: tuple[str, ...] = ()
        self._left: tuple[str, ...] = ()

    def begin(self) -> None:
        """Make the key and the note."""
        code = code_of(self._hands.call("CreateKey", VERIFY_KEY))
        if code:
            raise self._hands.error("write", rf"HKLM\{VERIFY_KEY}", "the note can't be written: nothing was done", code)
        self.add(_BEGUN)

    def add(self, *lines: str) -> None:
        """Note lines that are not there yet."""
        self._write(tuple(dict.fromkeys((*self.lines, *lines))))

    def drop(self, *lines: str) -> None:
        """Take out lines whose change is taken back."""
        self._write(tuple(line for line in self.lines if line not in lines))

    def _write(self, lines: tuple[str, ...]) -> None:
        if lines != self.lines:
            self._hands.write(NOTE, lines)
            self.lines = lines

    # --- settings

    def set(self, name: str, data: int | tuple[str, ...]) -> None:
        """Give a setting another value, after it was noted as it is; CantTell if it can't be kept as it is."""
        fact = lab_steps.SETTINGS[name]
        if lab_steps.setting_note(name) not in self.lines:
            now = self._hands.read(fact)
            if isinstance(now, tuple) and any(not entry or "?" in entry for entry in now):
                raise CantTell(f"{name} has entries that may not come back as they are")
            self._hands.write(_before(fact), now)
            self.add(lab_steps.setting_note(name))
        self._hands.write(fact, data)

    def restore(self, name: str) -> None:
        """Give a setting its value back."""
        fact = lab_steps.SETTINGS[name]
        if lab_steps.setting_note(name) in self.lines:
            self._hands.write(fact, self._hands.read(_before(fact)))
            self.drop(lab_steps.setting_note(name))

    # --- ranges

    def exclude(self, *blocks: tuple[Protocol, PortRange]) -> None:
        """Exclude ranges in the active store; netsh may refuse some."""
        self.add(*(lab_steps.block_note(*one) for one in blocks))
        self._hands.run(*lab_steps.block_lines("add", blocks))

    def release(self) -> None:
        """End the exclusion of every range that the note names."""
        blocks = lab_steps.noted_blocks(self.lines)
        if not blocks:
            return
        held = self._held(blocks)
        if held:
            self._hands.run(*lab_steps.block_lines("delete", held))
            if self._held(blocks):
                raise self._hands.error("take back", "excluded ranges", "they are still there after they were deleted")
        self.drop(*(lab_steps.block_note(*one) for one in blocks))

    def _held(self, blocks: t.Iterable[tuple[Protocol, PortRange]]) -> list[tuple[Protocol, PortRange]]:
        """Those of these ranges that are excluded now."""
        seen = self._hands.seen((ACTIVE_TCP, ACTIVE_UDP))
        tables = {"tcp": seen[ACTIVE_TCP].blocks or (), "udp": seen[ACTIVE_UDP].blocks or ()}
        shown = {(name, one.ports) for name, table in tables.items() for one in table if one.administered}
        return [one for one in blocks if one in shown]

    # --- the rest

    def take_back(self) -> tuple[str, ...]:
        """Take back everything that the note names, and the note; what remains, as sentences."""
        lines = self._hands.read(NOTE)
        if lines is None:
            return ()
        self.lines = lines if isinstance(lines, tuple) else ()
        self.undo()
        remains = self._remains()
        self.forget()
        return remains

    def undo(self) -> None:
        """Take back everything that the note names; the note stays."""
        settings = lab_steps.noted_settings(self.lines)
        for fact in settings:
            self.restore(fact.name)
        self.take_back_modes()
        self.release()
        self.take_back_own()
        self._revive_dns(changed=bool(settings))

    def take_back_modes(self) -> None:
        """Let services start as they did."""
        if lab_steps.DELAYED_DNS in self.lines:
            self._hands.run(Command(lab_steps.AUTO_DNS))
            if lab_steps.WITHOUT_FLAG in self.lines:
                self._hands.write(delayed_flag(DNS_SERVICE), None)
        if lab_steps.MANUAL_IPSEC in self.lines:
            self._hands.control("ChangeStartMode", IPSEC_SERVICE, {"StartMode": "Automatic"})
        self.drop(lab_steps.DELAYED_DNS, lab_steps.WITHOUT_FLAG, lab_steps.MANUAL_IPSEC)

    def take_back_own(self) -> None:
        """Delete our own services and files."""
        if lab_steps.OWN_SERVICES in self.lines:
            self._hands.run(*(Command(line) for line in lab_steps.DELETE_SERVICES))
        if lab_steps.FILES in self.lines:
            self._hands.run(Command(lab_steps.DELETE_FILES))
        self.drop(lab_steps.OWN_SERVICES, lab_steps.FILES)

    def _revive_dns(self, *, changed: bool) -> None:
        """Let the DNS server run, with its settings as they were."""
        if lab_steps.RUNS not in self.lines:
            return
        if self._hands.state(DNS_SERVICE) == "Stopped":
            self._hands.start(DNS_SERVICE)
        elif changed:
            with contextlib.suppress(CantTell):
                self._hands.restart_dns()
                return
            self._left = (_POOL_LEFT,)

    def _remains(self) -> tuple[str, ...]:
        if lab_steps.BOOT not in self.lines:
            return self._left
        names = ["MaxUserPort", *(["ReservedPorts"] if self._hands.server.is_old else [])]
        return (*self._left, _BOOT_LEFT.format(names=" and ".join(names)))

    def forget(self) -> None:
        """Delete the note and its key."""
        self._hands.call("DeleteKey", VERIFY_KEY)
        if code_of(self._hands.call("EnumValues", VERIFY_KEY)) != 2:
            raise self._hands.error("take back", rf"HKLM\{VERIFY_KEY}", "it is still there after it was deleted")
        self.lines = ()
