# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the grade lab on a server that may be spoilt: part by part, each with what it changes taken back."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import (
    ANSWERS,
    DELETE_ANSWERS,
    LINES,
    MAKE_INSTANCE,
    WRITE_ANSWERS,
    Feature,
    by_dism,
    is_service_of,
    missing,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    At,
    Command,
    LabStep,
    Query,
    Question,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Ran,
    Reading,
    Server,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import (
    ACTIVE_TCP,
    ACTIVE_UDP,
    RANGE_TCP,
    RANGE_UDP,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import NETSTAT
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

READS: t.Final = frozenset(one.line for one in (ACTIVE_TCP, ACTIVE_UDP, RANGE_TCP, RANGE_UDP, NETSTAT))
"""The commands of its looks."""
NAMES: t.Final = Query("SELECT Name FROM Win32_Service")
_INSTALLED: t.Final = (0, 3010)
_WANTS_REBOOT: t.Final = 3010
_NO_DISM: t.Final = -1


class Lab:
    """One run of the grade lab on one server, through its ``gate``; ``boots`` is ``None`` if it may not reboot."""

    def __init__(
        self, transport: Transport, server: Server, clock: Clock, *, boots: Boots | None = None, keeps: bool = False
    ) -> None:
        rules = LabRules(KEYS, reboots=boots is not None)
        if boots is not None:
            rules = dataclasses.replace(rules, lines=frozenset({boots.wanted.command}))
        self._rules = rules
        self._server = server
        self.gate = Gate(transport, READS, keeps=keeps, own=rules)
        self._hands = Hands(self.gate, server, clock)
        self._notes = Notes(self._hands)
        self._boots = boots

    def install(self, features: t.Collection[Feature]) -> tuple[str, ...]:
        """Install by dism.exe what the user allows and the server lacks; what stays or failed, as sentences."""
        lines = {by_dism(feature, self._server) for feature in features} - {""}
        self.gate.own = dataclasses.replace(self._rules, lines=self._rules.lines | lines | LINES)
        try:
            return tuple(filter(None, (self._install(feature) for feature in features)))
        finally:
            self.gate.own = self._rules

    def _install(self, feature: Feature) -> str:
        if self._names(feature):
            return ""
        line = by_dism(feature, self._server)
        code = self._run(line).code if line else _NO_DISM
        if feature == "AD LDS" and code in _INSTALLED:
            self._hands.run(Command(WRITE_ANSWERS, alone=True, stdin=ANSWERS))
            self._run(MAKE_INSTANCE)
            self._run(DELETE_ANSWERS)
        names = self._names(feature)
        for name in names:
            self._hands.settle(name)
        if names:
            return f"{feature} was installed and stays."
        if code == _WANTS_REBOOT:
            return f"{feature} wants a reboot before it runs: reboot the server and run this again."
        return f"{feature} could not be installed (code {code}); {missing(feature, self._server)}."

    def _run(self, line: str) -> Ran:
        command = Command(line)
        reading = self._hands.run(command).get(command)
        return (reading and reading.ran) or Ran(b"", _NO_DISM)

    def _names(self, feature: Feature) -> list[str]:
        """The services of a feature."""
        names = (text(row, "Name") for row in self._hands.seen((NAMES,))[NAMES].rows)
        return [name for name in names if is_service_of(feature, name)]

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
