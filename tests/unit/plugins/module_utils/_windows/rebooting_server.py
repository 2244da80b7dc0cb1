# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated server that reboots, on a clock that runs only during a sleep, and a wire that fails as a test says."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import reboot as rules
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Service
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import server_reboot
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance, Value
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import HostUnreachable, WsmanError
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput
from tests.unit.plugins.module_utils._windows.given_server import BARE, GivenClient, GivenShell, Line

TRACKER: t.Final = "Win32ShutdownTracker"
TIME_SCALE: t.Final = 4.0
"""It is silent 8 seconds after the delay, and answers again after more than a minute."""
UPTIME: t.Final = 500_000.0


def _service(name: str, process_id: int, start_mode: str = "Auto") -> Service:
    state = "Running" if process_id else "Stopped"
    return Service(name, name, state, start_mode, process_id, 0, 0, rf"C:\Windows\{name}.exe")


class _Wire(Line):
    """What the tests say of the way to the server: a session that must be new after a boot, and failures."""

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        client = t.cast("RebootingServer", self._client)
        if not self.direct.is_listening:
            raise HostUnreachable(host=self.host, meaning="no connection (Connection refused)")
        if client.failures and client.boots:
            raise client.failures.pop(0)
        boot = client.server.boot_id
        assert client.session in (None, boot), "a session of an earlier boot was used"
        client.session = boot
        return super().send(envelope)

    def reset(self) -> None:
        """Drop the session."""
        t.cast("RebootingServer", self._client).session = None


class _Shell(GivenShell):
    """A shell whose commands may end in a failure of the wire."""

    def run(self, command_line: str, *, stdin: bytes = b"", name: str = "", deadline: float = 120.0) -> CommandOutput:
        """Run a command line."""
        assert deadline <= 60
        error = t.cast("RebootingServer", self.client).command_error
        if error:
            self.client.log.append(f"command {command_line}")
            raise error
        return super().run(command_line, stdin=stdin, name=name, deadline=deadline)


class RebootingServer(GivenClient):
    """The client of a server that goes down and comes back when it is asked.

    ``answer`` is what the reboot method answers, or the failure in its place; ``answer_reboots``: whether it was heard.
    """

    def __init__(self, version: str = "10.0.20348") -> None:
        services = (_service("DNS", 1200), _service("IAS", 1300), _service("Late", 0, "Manual"))
        super().__init__(dataclasses.replace(BARE, version=version, uptime=UPTIME, services=services))
        self.server.machine.time_scale = TIME_SCALE
        self.line = _Wire(self)
        self._transport = self.line
        self._began = self.server.now
        self.boots = 0
        self.session: int | None = None
        self.answer: int | WsmanError | None = 0
        self.answer_reboots = True
        self.command_error: WsmanError | None = None
        self.failures: list[WsmanError] = []
        self.looks: list[float] = []
        self.agenda: list[tuple[float, t.Callable[[], object]]] = []
        self.on_boot: t.Callable[[], object] = lambda: None

    @property
    def now(self) -> float:
        """Seconds since the test began."""
        return self.line.direct.now - self._began

    def act(self, **action: t.Any) -> object:
        """Do what others do to the server."""
        return self.line.direct.act(action)

    def shutdown_says(self, code: int) -> None:
        """Let shutdown.exe refuse with this code."""
        self.broken_output = CommandOutput(b"", b"Fehler.(%d)\r\n" % code, code)

    def go_down(self, delay: float) -> None:
        """Let somebody else have asked for a reboot."""
        self.server.power.order(at=self.server.now + delay, restart=True)

    def stay_down(self) -> None:
        """Let no boot follow."""
        self.server.power.agenda.clear()

    def clock(self) -> Clock:
        """The controller's."""
        return Clock(now=lambda: 1e9 + self.now, monotonic=lambda: self.now, sleep=self._pass)

    def at(self, moment: float, action: t.Callable[[], object]) -> None:
        """Let something happen at a moment."""
        self.agenda.append((moment, action))

    def _pass(self, seconds: float) -> None:
        assert seconds >= 0
        boot = self.server.boot_id
        self.line.direct.pass_time(seconds)
        if self.server.boot_id != boot:
            self.boots += 1
            self.on_boot()
        due = [action for moment, action in self.agenda if moment <= self.now]
        self.agenda = [(moment, action) for moment, action in self.agenda if moment > self.now]
        for action in due:
            action()

    def get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str] | None = None) -> Instance:
        """One object; each look at the operating system is noted."""
        if class_name == "Win32_OperatingSystem":
            self.looks.append(self.now)
        return super().get(namespace, class_name, selectors)

    def invoke(
        self,
        namespace: str,
        class_name: str,
        method: str,
        parameters: t.Mapping[str, Value],
        selectors: t.Mapping[str, str] | None = None,
    ) -> Instance:
        """The output of a method; of the one that reboots what the test says."""
        if method != TRACKER or (self.answer == 0 and self.answer_reboots):
            return super().invoke(namespace, class_name, method, parameters, selectors)
        self.log.append(f"invoke {method}")
        self.called.append((method, class_name, dict(parameters)))
        if self.answer_reboots:
            Client.invoke(self, namespace, class_name, method, parameters, selectors)
        return _output(self.answer)

    def shell(self, *, codepage: int, signals: bool = True) -> GivenShell:
        """A shell."""
        made = _Shell(self._exchange_for_shell, codepage=codepage, host=self.host, clock=self._clock, signals=signals)
        self.shells.append(made.observed(self, codepage))
        return made

    def asked(self) -> list[str]:
        """How often and by what road a reboot was asked for."""
        return [line.split()[1] for line in self.log if line.startswith((f"invoke {TRACKER}", "command shutdown"))]

    def run(self, *, journal: bool = False, check_mode: bool = False, **options: t.Any) -> rules.Report:
        """Reboot it, as the module does."""
        defaults = {name: spec["default"] for name, spec in rules.ARGUMENT_SPEC.items()}
        wanted = rules.options({**defaults, **options}, always=True, journal=journal)
        outcome = server_reboot.carry_out(
            self,
            lambda: contextlib.nullcontext(self),
            Request(items=(), reboot=wanted, journal=False),
            check_mode=check_mode,
            clock=self.clock(),
        )
        assert outcome.reboot
        return outcome.reboot


def _output(answer: int | WsmanError | None) -> Instance:
    """The output with this return value, or without one; raises what is to be raised."""
    if isinstance(answer, WsmanError):
        raise answer
    return Instance.of("OUTPUT", {} if answer is None else {"ReturnValue": answer})
