# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of cases without the program: the real actions, over a server in this process, in simulated time.

For what a module does on each kind of server. A run of the program adds the playbook, the processes and the network;
tests/fleet/test_in_process.py compares both for each module.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import importlib
import json
import types
import typing as t
from unittest import mock

from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NoConnection
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY, Patience
from ansible_collections.portkeeper.windows.plugins.plugin_utils import (
    _action_base,
    _port_info,
    _reboot,
    _verify,
)
from tests.fleet.host_cases import COLLECTION, DEFAULTS, Event, HostCase, Json, Step, TaskRun
from tests.fleet.snapshot import Snapshot
from tests.simulator.direct import DirectServer
from tests.simulator.wire.counters import Counters

MESSAGE_SECONDS: t.Final = 0.02
"""What one message takes in simulated time."""
TASK_SECONDS: t.Final = 2.0
"""From one task to the next. With the time scale of these servers, everything that began is over by then."""

_WITH_A_CLOCK: t.Final = (_action_base, _port_info, _reboot, _verify)
_ACTIONS: t.Final = f"ansible_collections.{COLLECTION}.plugins.action"


def run_in_process(cases: c.Sequence[HostCase]) -> dict[str, tuple[TaskRun, ...]]:
    """Run each case on a server of its own, and give what happened by case."""
    return {case.id: CaseRunner(case).results() for case in cases}


class CaseRunner:
    """A case, its server, and the server's time; also the transport of the clients that talk to it."""

    host = "server"

    def __init__(self, case: HostCase) -> None:
        self._case = case
        self._counters = Counters()
        self._server = DirectServer({**DEFAULTS, "name": case.id, **case.server}, counters=self._counters)
        self._clock = Clock(now=self._now, monotonic=self._now, sleep=self._server.pass_time)

    def _now(self) -> float:
        return self._server.now

    def results(self) -> tuple[TaskRun, ...]:
        """The whole case."""
        return tuple(self.run_step(step) for step in self._case.steps)

    def lottery(self, boots: int) -> Json:
        """Boot that many twins of the present server, and count the services that lose a port."""
        return self._server.lottery(boots)

    def boot(self) -> None:
        """Boot the server at once."""
        self._server.act({"do": "boot"})

    def act(self, act: Json) -> t.Any:
        """Do what others do to the server."""
        return self._server.act(act)

    def pass_time(self, seconds: float) -> None:
        """Let simulated time pass."""
        self._server.pass_time(seconds)

    def run_step(self, step: Step) -> TaskRun:
        """One step more than the case has, or the next one."""
        for act in step.acts:
            self._server.act(act)
        self._server.pass_time(TASK_SECONDS)
        self._counters.reset()
        before = self._look()
        result = as_json(self._result(step))
        self._server.pass_time(TASK_SECONDS)
        requests = as_json(self._counters.as_json())
        return TaskRun(event_of(result), step.module, result, before, self._look(), requests)

    def _look(self) -> Snapshot:
        return Snapshot(as_json(self._server.state()))

    def _result(self, step: Step) -> Json:
        variables = {**self._case.variables, "inventory_hostname": self._case.id}
        with self._connected():
            return action(step, self._server.winrm_port).run(None, variables)

    @contextlib.contextmanager
    def _connected(self) -> c.Iterator[None]:
        """Where an action would connect, it gets this server; and the server's time instead of the time of day."""
        patches = (
            *(mock.patch.object(module, "Clock", return_value=self._clock) for module in _WITH_A_CLOCK),
            mock.patch.object(_action_base, "open_client", side_effect=self._client_in_context),
            mock.patch.object(_reboot, "looking_client", side_effect=self._client_in_context),
            mock.patch.object(_verify, "looking_client", side_effect=self._client_in_context),
        )
        with contextlib.ExitStack() as stack:
            for patch in patches:
                stack.enter_context(patch)
            yield

    def _client_in_context(
        self, _connection: t.Any, _host: str, patience: Patience = ONE_TRY
    ) -> contextlib.AbstractContextManager[Client]:
        client = Client(self, patience=patience, clock=self._clock.monotonic, sleep=self._clock.sleep)
        return contextlib.nullcontext(client)

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        self._server.pass_time(MESSAGE_SECONDS)
        if not self._server.is_listening:
            raise NoConnection(host=self.host, meaning="no connection")
        return self.answer(envelope, self._server)

    def answer(self, envelope: bytes, server: DirectServer) -> bytes:
        """What comes back; a class of its own may spoil it."""
        return server.answer(envelope)

    def reset(self) -> None:
        """There is no connection."""


def action(step: Step, port: int) -> ActionBase:
    """The action of the step's module, as a task makes it; ``port`` is that of its connection."""
    task = Task()
    task.action = f"{COLLECTION}.{step.module}"
    task.args = as_json(step.options)
    task.check_mode = step.check
    task.diff = True
    shell = types.SimpleNamespace(tmpdir="")
    connection = types.SimpleNamespace(transport="winrm", _shell=shell, get_option={"port": port}.get)
    context = types.SimpleNamespace(remote_addr="")
    plugin = importlib.import_module(f"{_ACTIONS}.{step.module}")
    return t.cast(ActionBase, plugin.ActionModule(task, connection, context, None, None, None))


def event_of(result: Json) -> Event:
    if result.get("unreachable"):
        return "unreachable"
    return "failed" if result.get("failed") else "ok"


def as_json(value: t.Any) -> t.Any:
    """The same without Python's own types, as it comes out of the program."""
    return json.loads(json.dumps(value, default=str))
