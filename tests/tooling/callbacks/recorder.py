# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A callback plugin for demo and bench: what a run of Ansible did, as lines of JSON in a file.

The environment variable PORTKEEPER_RECORD names the file; tests.tooling.ansible_programs switches it on and reads it.
"""

from __future__ import annotations

import json
import os
import pathlib
import time
import typing as t

from ansible.plugins.callback import CallbackBase

if t.TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook.task import Task

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Write results as lines of JSON
description: For the demonstration and the benchmark of this checkout.
"""


class CallbackModule(CallbackBase):
    """Writes a line per result, and one with the recap at the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = pathlib.Path(os.environ["PORTKEEPER_RECORD"])
        self._began: dict[tuple[str, str], float] = {}

    def _write(self, line: dict[str, t.Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def _record(self, status: str, result: CallbackTaskResult) -> None:
        host = result.host.get_name()
        began = self._began.pop((host, result.task._uuid), None)
        self._write(
            {
                "event": "result",
                "host": host,
                "task": result.task.get_name(),
                "action": result.task.resolved_action or result.task.action,
                "status": status,
                "seconds": 0.0 if began is None else time.monotonic() - began,
                "result": dict(result.result),
            }
        )

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        self._began[host.get_name(), task._uuid] = time.monotonic()

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        self._record("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        self._record("unreachable", result)

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        self._record("skipped", result)

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        self._write({"event": "recap", "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)}})
