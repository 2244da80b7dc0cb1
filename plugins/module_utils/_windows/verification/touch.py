# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the grade touch: takes back what an earlier run left, notes, touches, reads, takes back."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import VERIFY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import touch_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    LOCAL_MACHINE,
    Command,
    Own,
    Question,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Reading,
    Readings,
    number,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import bound
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.asker import called
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.conversation import Conversation
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import Gate, OwnRules
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.shell_talk import ShellTalk
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Transport

_OK: t.Final = 0
_NO_KEY: t.Final = 2
_NO_NETSH: t.Final[t.Mapping[Question, Reading]] = {
    Own(command.step): Reading(problem="netsh can't exclude ports here, or has none for it")
    for command in steps.netsh_steps(steps.CHOICE)
}


class Touch:
    """One run of the grade touch on one server, through its ``gate``."""

    def __init__(self, transport: Transport, found: Readings, *, keeps: bool = False) -> None:
        self.gate = Gate(transport, steps.SHOWS, keeps=keeps, own=OwnRules(steps.KEYS))
        self._conversation = Conversation(self.gate)
        self._found = found
        self._codepage = found.server.release.capabilities.shell_codepage

    def take_back(self) -> None:
        """Take back what a run left that broke off; nothing happens if there is none.

        Raises:
            WindowsError: something of ours is still there.
        """
        noted = self._call(steps.RegistryStep("", "GetStringValue", steps.NOTE))
        code = _code(noted)
        if code == _NO_KEY:
            return
        if code == _OK:
            ports = steps.noted_ports(text(noted.rows[0], "sValue"))
            if ports is not None:
                self._free(ports)
        for key in reversed(steps.KEYS):
            self._call(steps.RegistryStep("", "DeleteKey", key=key))
        if _code(self._call(steps.RegistryStep("", "EnumValues"))) != _NO_KEY:
            raise self._left(f"the registry key {VERIFY_KEY}")

    def run(self) -> dict[Question, Reading]:
        """Every step's reading. Whatever happens, the next run takes back what this one could not."""
        self.take_back()
        ports = self._ports()
        self._demand(steps.RegistryStep("", "CreateKey"))
        self._demand(steps.RegistryStep("", "SetStringValue", steps.NOTE, "sValue", steps.note_text(ports)))
        found: dict[Question, Reading] = {Own(one.step): self._call(one) for one in steps.REGISTRY_STEPS}
        found[Own(steps.OWN_PORTS)] = Reading(ports=ports)
        found |= _NO_NETSH if ports is None else self._ask(ports, steps.netsh_steps(ports))
        self.take_back()
        return found

    def _ports(self) -> PortRange | None:
        """Free ports for netsh, or ``None`` if it can't exclude any here."""
        try:
            kept = [block.ports for block in self._found.blocks(ACTIVE_UDP)]
            taken = PortSet.of(*kept, *(one.port for one in bound(self._found)))
        except CantTell:
            return None
        return steps.free_ports(taken)

    def _ask(self, ports: PortRange, commands: t.Sequence[Command]) -> dict[Question, Reading]:
        """Run commands one after another, on these ports of our own alone."""
        self.gate.own = OwnRules(steps.KEYS, ports)
        readings = ShellTalk(self._conversation, self._codepage).readings(commands)
        return {Own(one.step): readings[one] for one in commands if one in readings}

    def _free(self, ports: PortRange) -> None:
        """Delete every block of ours within these ports, from both stores."""
        blocks = self._blocks(ports)
        if blocks:
            lines = steps.removal(ports, blocks)
            self._ask(ports, [Command(line, step=f"take back {number}") for number, line in enumerate(lines)])
            if self._blocks(ports):
                raise self._left(f"excluded UDP ports among {ports}")

    def _blocks(self, ports: PortRange) -> list[ExclusionBlock]:
        shown = self._ask(ports, steps.shows_both("a break"))
        blocks = [block for reading in shown.values() for block in reading.blocks or ()]
        return [block for block in blocks if block.administered and ports.overlaps(block.ports)]

    def _call(self, step: steps.RegistryStep) -> Reading:
        parameters: dict[str, wmi.Value] = {"hDefKey": int(LOCAL_MACHINE), "sSubKeyName": step.key}
        if step.value is not None:
            parameters["sValueName"] = step.value
        if step.parameter:
            parameters[step.parameter] = step.data
        return called(self._conversation, step.method, parameters)

    def _demand(self, step: steps.RegistryStep) -> None:
        """A step without which nothing may be touched."""
        code = _code(self._call(step))
        if code != _OK:
            meaning = "the note could not be written, so nothing was touched"
            raise WindowsError(
                host=self.gate.host, operation="write", target=rf"HKLM\{VERIFY_KEY}", meaning=meaning, code=code
            )

    def _left(self, what: str) -> WindowsError:
        meaning = "it is still there after it was deleted"
        return WindowsError(
            host=self.gate.host, operation="take back", target=what, meaning=meaning, advice="look at it by hand"
        )


def _code(reading: Reading) -> int:
    try:
        return number(reading.rows[0], "ReturnValue") if reading.rows else -1
    except CantTell:
        return -1
