# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the grade lab on a server that may be spoilt: part by part, each with what it changes taken back."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import At, Command, LabStep, Question
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import CantTell, Reading, Server
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_TCP, ACTIVE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.touch_steps import KEYS
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import Gate
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_boots import Booting, Boots
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_hands import Hands, name_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_notes import Notes
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_pool import (
    excluded_range,
    own_list,
    value_set,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_rules import LabRules
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_small import (
    own_files,
    own_services,
    ports_in_use,
    quotas,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Transport

Part: t.TypeAlias = "t.Callable[[Hands, Notes], None]"
NO_BOOT: t.Final = "the probes that reboot the server were left out (reboot: false)"


class Lab:
    """One run of the grade lab on one server, through its ``gate``; ``boots`` is ``None`` if it may not reboot."""

    def __init__(
        self, transport: Transport, server: Server, clock: Clock, *, boots: Boots | None = None, keeps: bool = False
    ) -> None:
        rules = LabRules(KEYS, reboots=boots is not None)
        if boots is not None:
            rules = dataclasses.replace(rules, lines=frozenset({boots.wanted.command}))
        self._rules = rules
        self.gate = Gate(transport, {ACTIVE_TCP.line, ACTIVE_UDP.line}, keeps=keeps, own=rules)
        self._hands = Hands(self.gate, server, clock)
        self._notes = Notes(self._hands)
        self._boots = boots

    def take_back(self) -> tuple[str, ...]:
        """Take back what a run left that broke off; what remains, as sentences."""
        return self._notes.take_back()

    def run(self, wanted: t.Iterable[Question]) -> tuple[dict[Question, Reading], tuple[str, ...]]:
        """The readings that the probes want, and what remains on the server.

        Raises:
            WindowsError: something of ours can't be taken back; the next run tries again.
            WsmanError: there is no connection any more; the next run takes back what the note names.
        """
        asked = tuple(one for one in wanted if isinstance(one, (LabStep, At)))
        reads = {one.question.line for one in asked if isinstance(one, At) and isinstance(one.question, Command)}
        self.gate.also_allow(reads)
        self._notes.begin()
        names = {name_of(one) for one in asked}
        for name, part in self._parts().items():
            if names.intersection(steps.PARTS[name]):
                self._do(name, part, asked)
        remains = self._notes.take_back()
        return self._hands.found, remains

    def _parts(self) -> dict[str, Part]:
        parts: dict[str, Part] = {
            "services": own_services,
            "files": own_files,
            "quotas": quotas,
            "ports in use": ports_in_use,
            "list": own_list,
            "range": excluded_range,
            "value": value_set,
        }
        if self._boots is None:
            return parts | dict.fromkeys(steps.OF_BOOTS, _left_out)
        booting = Booting(self._hands, self._notes, self._boots)
        return parts | {
            "boot": lambda _hands, _notes: booting.with_values(),
            "delayed boots": lambda _hands, _notes: booting.delayed(),
        }

    def _do(self, name: str, part: Part, asked: t.Collection[Question]) -> None:
        reason = "it was not seen"
        try:
            part(self._hands, self._notes)
        except CantTell as told:
            reason = str(told)
            self._notes.undo()
        self._hands.cant(name, reason, asked)


def _left_out(_hands: Hands, _notes: Notes) -> None:
    raise CantTell(NO_BOOT)
