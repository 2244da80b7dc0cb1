# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin for tests, demo and bench: the results of a run of Ansible, as lines of JSON in a file.

The environment variable PORTKEEPER_RECORD names the file; tests.tooling.ansible_programs switches it on and reads it.
FLEET_CONTROL, if it is set, is the control address of a simulated fleet: then each line also has the server's state
right after the task, and the requests that the task made. Ansible's linear strategy begins a task only when the one
before is over on all hosts, so the state that is read while a result is reported is the state that this task left.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
import typing as t

from ansible.plugins.callback import CallbackBase

from tests.simulator.control import ControlClient

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.inventory.host import Host
    from ansible.playbook.task import Task

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Write results as lines of JSON
description: For the tests, the demonstration and the benchmark of this checkout.
"""


class CallbackModule(CallbackBase):
    """Writes a line per host of the fleet at the start, a line per result, and one with the recap at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = pathlib.Path(os.environ["PORTKEEPER_RECORD"])
        address = os.environ.get("FLEET_CONTROL")
        self._fleet = ControlClient(address) if address else None
        self._began: dict[tuple[str, str], float] = {}

    def _write(self, line: dict[str, t.Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _record(self, status: str, result: t.Any) -> None:
        # ansible-core 2.19 made the fields public; before, they have these names only.
        host, task, data = (
            getattr(result, name, None) or getattr(result, f"_{name}") for name in ("host", "task", "result")
        )
        name = host.get_name()
        began = self._began.pop((name, task._uuid), None)
        line = {
            "event": "result",
            "host": name,
            "task": task.get_name(),
            "action": task.resolved_action or task.action,
            "status": status,
            "seconds": 0.0 if began is None else time.monotonic() - began,
            "result": dict(data),
        }
        # A skipped task asked the server nothing.
        self._write({**line, **(self._of_server(name) if status != "skipped" else {})})

    def _of_server(self, name: str) -> dict[str, t.Any]:
        """The simulated server's state and requests, which are counted from zero from here on."""
        if self._fleet is None:
            return {}
        server = self._fleet.host(name)
        seen = {"state": server.state(), "requests": server.requests()}
        server.reset_requests()
        return seen

    def v2_playbook_on_start(self, _playbook: t.Any) -> None:
        for host in self._fleet.hosts() if self._fleet else ():
            self._write({"event": "start", "host": host["name"], **self._of_server(host["name"])})

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        self._began[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._record("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        self._record("skipped", result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self._write({"event": "recap", "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)}})
