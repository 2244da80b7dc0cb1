# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the grade lab does with a server, one thing at a time: write a setting, stop a service, run commands, look."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryFact, RegistryType
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import VERIFY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    LOCAL_MACHINE,
    At,
    Command,
    Get,
    LabStep,
    Question,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Reading,
    Readings,
    Row,
    Server,
    number,
    text,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import NETSTAT, bound, process_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.sockets import has_classes
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.asker import ask, called, invoked
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.conversation import Conversation
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import Gate
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.shell_talk import ShellTalk
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import wmi

Data: t.TypeAlias = "int | tuple[str, ...]"
_OK: t.Final = 0
_ABSENT: t.Final = 1
_NO_KEY: t.Final = 2
PAUSE: t.Final = 2.0
"""Seconds between two looks at what changes."""
LONGEST_WAIT: t.Final = 300.0
"""Seconds for a service to start or to stop."""
MOST_LOOKS: t.Final = 30
_FORMS: t.Final = {RegistryType.DWORD: ("DWORD", "uValue"), RegistryType.MULTI_STRING: ("MultiString", "sValue")}


class Hands:
    """One server in the hands of the lab, through its ``gate``; ``found`` collects what the probes asked for."""

    def __init__(self, gate: Gate, server: Server, clock: Clock) -> None:
        self.gate = gate
        self.server = server
        self.clock = clock
        self.conversation = Conversation(gate)
        self.found: dict[Question, Reading] = {}
        self._has_restarted = False

    # --- the registry

    def call(self, method: str, key: str, name: str | None = None, data: wmi.Value = None, form: str = "") -> Reading:
        """One call of StdRegProv."""
        parameters: dict[str, wmi.Value] = {"hDefKey": int(LOCAL_MACHINE), "sSubKeyName": key}
        if name is not None:
            parameters["sValueName"] = name
        if form:
            parameters[form] = data
        return called(self.conversation, method, parameters)

    def read(self, fact: RegistryFact) -> Data | None:
        """A value, ``None`` if it is absent; CantTell if it can't be read as what it should be."""
        kind, form = _FORMS[fact.type]
        reading = self.call(f"Get{kind}Value", fact.key, fact.name)
        code = code_of(reading)
        if code in (_ABSENT, _NO_KEY):
            return None
        if code != _OK:
            raise CantTell(f"{fact.name} is there, and can't be read")
        row = reading.rows[0]
        return number(row, form) if fact.type is RegistryType.DWORD else texts(row, form)

    def write(self, fact: RegistryFact, data: Data | None) -> None:
        """Write a value, or delete it, if it is not so already; WindowsError if Windows refuses."""
        if self.read(fact) == data:
            return
        kind, form = _FORMS[fact.type]
        if data is None:
            reading = self.call("DeleteValue", fact.key, fact.name)
        else:
            reading = self.call(f"Set{kind}Value", fact.key, fact.name, data, form)
        if code_of(reading) != _OK:
            raise self.error("write", rf"HKLM\{fact.key}\{fact.name}", "Windows refuses", code_of(reading))

    # --- services

    def service(self, name: str) -> Row | None:
        """A service as it is now, or ``None``."""
        reading = self._now(Get("Win32_Service", (("Name", name),)))
        return None if reading.fault is not None or reading.problem else reading.rows[0]

    def state(self, name: str) -> str:
        """Its state; empty if there is no such service."""
        row = self.service(name)
        return "" if row is None else text(row, "State")

    def control(self, method: str, name: str, parameters: t.Mapping[str, wmi.Value] | None = None) -> Reading:
        """Call a method of a service."""
        return invoked(self.conversation, "Win32_Service", method, parameters or {}, {"Name": name})

    def start(self, name: str) -> None:
        """Start a service and wait until it runs, or has failed."""
        self.control("StartService", name)
        self._wait_for(name, ("Running", "Stopped"))

    def settle(self, name: str) -> None:
        """Wait until a service that starts runs and has its ports, or has failed."""
        self._wait_for(name, ("Running", "Stopped"))
        self.clock.sleep(PAUSE)

    def stop(self, name: str) -> None:
        """Stop a service; CantTell if it does not stop."""
        code = code_of(self.control("StopService", name))
        state = self._wait_for(name, ("Stopped",)) if code == _OK else self.state(name)
        if state != "Stopped":
            raise CantTell(f"the service {name} could not be stopped (code {code})")

    def restart_dns(self) -> None:
        """Stop the DNS server and start it again."""
        self.stop(DNS_SERVICE)
        self.start(DNS_SERVICE)
        self._has_restarted = True

    def demand_restarts(self) -> None:
        """See once that the DNS server can be restarted, before anything of its is changed; CantTell if it can't."""
        if not self._has_restarted:
            self.restart_dns()

    def _wait_for(self, name: str, states: t.Collection[str]) -> str:
        end = self.clock.monotonic() + LONGEST_WAIT
        while True:
            state = self.state(name)
            if state in states or not state or self.clock.monotonic() > end:
                return state
            self.clock.sleep(PAUSE)

    # --- commands

    def run(self, *commands: Command) -> dict[Question, Reading]:
        """Run commands in one shell."""
        codepage = self.server.release.capabilities.shell_codepage
        return ShellTalk(self.conversation, codepage).readings(commands)

    def note_run(self, step: str, line: str, stdin: bytes = b"") -> Reading:
        """Run one command as a step that a probe asks for."""
        question = Command(line, alone=bool(stdin), stdin=stdin, step=step)
        reading = self.run(question).get(question, Reading(problem="it was not run"))
        self.found[LabStep(step)] = reading
        return reading

    # --- looks

    def _now(self, question: Question) -> Reading:
        return ask(self.conversation, (question,), codepage=0)[question]

    def look(self, stage: str, questions: t.Iterable[Question]) -> Readings:
        """Ask questions again, and keep what came as that of a stage."""
        here = self.seen(questions)
        self.found |= {At(stage, one): reading for one, reading in here.items()}
        return Readings(here, self.server)

    def seen(self, questions: t.Iterable[Question]) -> dict[Question, Reading]:
        """Ask questions again."""
        wanted = tuple(one for one in questions if one != NETSTAT or not has_classes(self.server))
        came = ask(self.conversation, wanted, codepage=self.server.release.capabilities.shell_codepage)
        return {one: came[one] for one in wanted if one in came}

    def look_at_pool(self, stage: str, questions: t.Iterable[Question], sockets: t.Collection[Question]) -> Readings:
        """The same as soon as two looks in a row show the same UDP ports of the DNS server, which takes its time."""
        before: frozenset[int] | None = None
        for _number in range(MOST_LOOKS):
            ports = _ports_of_dns(Readings(self.seen(sockets), self.server))
            if ports and ports == before:
                break
            before = ports
            self.clock.sleep(PAUSE)
        return self.look(stage, questions)

    # --- ends

    def cant(self, part: str, reason: str, wanted: t.Iterable[Question]) -> None:
        """Give a reason to everything of a part that is still missing."""
        own = lab_steps.PARTS[part]
        missing = (one for one in wanted if name_of(one) in own and one not in self.found)
        self.found |= {one: Reading(problem=reason) for one in missing}

    def error(self, operation: str, target: str, meaning: str, code: int | None = None) -> WindowsError:
        """The error that ends the run; the next one takes back what the note names."""
        advice = f"the next run with grade touch or lab takes back what the note in HKLM\\{VERIFY_KEY} names"
        return WindowsError(
            host=self.gate.host, operation=operation, target=target, meaning=meaning, code=code, advice=advice
        )


def _ports_of_dns(found: Readings) -> frozenset[int]:
    try:
        process = process_of(found, DNS_SERVICE)
        return frozenset(one.port for one in bound(found) if one.process_id == process and one.protocol == "udp")
    except CantTell:
        return frozenset()


def name_of(question: Question) -> str:
    """The stage or step of a question of lab; empty for another."""
    if isinstance(question, At):
        return question.stage
    return question.step if isinstance(question, LabStep) else ""


def code_of(reading: Reading) -> int:
    """The ReturnValue, or -1 if there is none."""
    try:
        return number(reading.rows[0], "ReturnValue") if reading.rows else -1
    except CantTell:
        return -1
