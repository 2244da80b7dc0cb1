# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings: what simulated servers answer to a task that has nothing to change, and the canned PowerShell."""

from __future__ import annotations

import typing as t
from unittest import mock

from winrm.protocol import Protocol
from winrm.transport import Transport

from tests.bench.conversation import Conversation, Exchange
from tests.bench.kinds import Kind
from tests.fleet.engine_tasks import CONVERGE
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner
from tests.fleet.role_arguments import task_arguments
from tests.simulator.direct import DirectServer
from tests.simulator.wire import powershell

_BOOT_SECONDS: t.Final = 2000.0
"""Simulated seconds after which everything that starts at a boot has started, delayed services too."""
_RUNS: t.Final = 3
"""Run, boot, run: then nothing waits any more, and the third run is that of a converged server."""

UNCHANGED: t.Final[Json] = {
    "changed": False,
    "exists": True,
    "services": [],
    "properties": {},
    "output": [],
    "result": {},
    "ansible_facts": {"tcp_listen": [], "udp_listen": []},
}
"""The answer of each PowerShell module: the shortest with which the peer's tasks succeed and change nothing."""


class NotConverged(RuntimeError):
    """A server on which the role has still something to do, or fails."""


class _Overheard(CaseRunner):
    """A server in this process that keeps every exchange."""

    def __init__(self, server: Json) -> None:
        super().__init__(HostCase(id="replayed", server=server, steps=()))
        self.exchanges: list[Exchange] = []

    def answer(self, envelope: bytes, server: DirectServer) -> bytes:
        answer = super().answer(envelope, server)
        self.exchanges.append(_exchange(envelope, answer))
        return answer


def _exchange(request: bytes, answer: bytes) -> Exchange:
    """Whatever is no fault was answered with status 200 (DSP0226 section 10.2)."""
    text = answer.decode()
    return Exchange(request.decode(), 500 if "<s:Fault" in text else 200, text)


def role_conversation(kind: Kind) -> Conversation:
    """What is said when the role has nothing to do; raises NotConverged."""
    return _settled(kind.server, _role_step(kind))


def first_role_run(kind: Kind) -> TaskRun:
    """The role's first run on its server."""
    return CaseRunner(HostCase(id="first", server=kind.server, steps=())).run_step(_role_step(kind))


def _role_step(kind: Kind) -> Step:
    options = {**task_arguments(kind.role, CONVERGE, kind.variables), "say": "nothing"}
    return Step(module="converge", options=options)


def information_conversation(server: Json, options: Json) -> Conversation:
    """What is said when ``port_info`` is asked on a server."""
    return _settled(server, Step(module="port_info", options=options))


def task_conversation(server: Json, module: str, options: Json) -> Conversation:
    """What is said when a task has nothing to change."""
    return _settled(server, Step(module=module, options=options))


def _settled(server: Json, step: Step) -> Conversation:
    runner = _Overheard(server)
    for _number in range(_RUNS):
        runner.exchanges.clear()
        run = runner.run_step(step)
        runner.boot()
        runner.pass_time(_BOOT_SECONDS)
    if run.event != "ok" or run.result["changed"]:
        raise NotConverged(f"{step.module} on {server}: {run.result}")
    return Conversation(runner.exchanges)


class _Overhearing:
    """The transport of a pywinrm client whose other end is a server in this process."""

    def __init__(self) -> None:
        self._server = DirectServer({"release": "2022", "roles": []})
        self.exchanges: list[Exchange] = []

    def send_message(self, message: str | bytes) -> bytes:
        request = message if isinstance(message, bytes) else message.encode()
        answer = self._server.answer(request)
        self.exchanges.append(_exchange(request, answer))
        return answer

    def close_session(self) -> None:
        """There is none."""


def powershell_conversation() -> Conversation:
    """The canned answers to PowerShell modules, found by the action alone: nothing to change."""
    protocol = Protocol("http://replayed:5985/wsman", username="nobody", password="none")
    transport = _Overhearing()
    protocol.transport = t.cast(Transport, transport)
    with mock.patch.dict(powershell.MODULE_RESULT, UNCHANGED, clear=True):
        shell = protocol.open_shell()
        command = protocol.run_command(shell, "PowerShell -EncodedCommand", ("JgA=",))
        protocol.send_command_input(shell, command, b"{}", end=True)
        protocol.get_command_output(shell, command)
        protocol.cleanup_command(shell, command)
        protocol.close_shell(shell)
    return Conversation((), transport.exchanges)
