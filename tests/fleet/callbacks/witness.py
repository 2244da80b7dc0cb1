# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin for tests: each result, with the simulated server's state and requests right after it.

Ansible's linear strategy begins a task only when the one before is over on all hosts, so the state that is read while a
result is reported is the state that this task left. Lines of JSON in the file that FLEET_WITNESS names.
"""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

from ansible.plugins.callback import CallbackBase

from tests.simulator.control import ControlClient

DOCUMENTATION = r"""
name: witness
type: notification
short_description: Write results with the state of the simulated server
description: For the tests of this checkout.
"""


class CallbackModule(CallbackBase):
    """Writes a line per host at the start, a line per result, and one with the recap at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "witness"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = pathlib.Path(os.environ["FLEET_WITNESS"])
        self._fleet = ControlClient(os.environ["FLEET_CONTROL"])

    def _write(self, line: dict[str, t.Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _record(self, status: str, result: t.Any) -> None:
        # ansible-core 2.19 made the fields public; before, they have these names only.
        host, task, data = (
            getattr(result, name, None) or getattr(result, f"_{name}") for name in ("host", "task", "result")
        )
        server = self._fleet.host(host.get_name())
        line = {"event": status, "host": host.get_name(), "task": task.get_name(), "result": dict(data)}
        self._write({**line, "state": server.state(), "requests": server.requests()})
        server.reset_requests()

    def v2_playbook_on_start(self, _playbook: t.Any) -> None:
        for host in self._fleet.hosts():
            server = self._fleet.host(host["name"])
            server.reset_requests()
            self._write({"event": "start", "host": host["name"], "state": server.state()})

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        del ignore_errors
        self._record("failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._record("unreachable", result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._write({"event": "recap", "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)}})
