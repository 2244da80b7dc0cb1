# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of the tasks of every module: check mode, the run, the run again."""

from __future__ import annotations

from tests.fleet.host_cases import TaskRun
from tests.fleet.snapshot import shown

SAID_BEFOREHAND = ("changed", "before", "after", "diff", "effective", "reboot_required", "restart_required")


def assert_only_announced(checked: TaskRun, done: TaskRun) -> None:
    """Check mode announces what the run then does, and changes nothing."""
    assert (checked.event, done.event) == ("ok", "ok"), (checked.message, done.message)
    assert checked.after.data == checked.before.data
    assert {name: checked.result[name] for name in SAID_BEFOREHAND} == {
        name: done.result[name] for name in SAID_BEFOREHAND
    }


def assert_done_as_said(module: str, task_run: TaskRun) -> None:
    """The result speaks of the server as it was before and as it is now, and the diff says the same."""
    assert task_run.event == "ok", task_run.message
    for name, snapshot in (("before", task_run.before), ("after", task_run.after)):
        assert task_run.result[name] == shown(module, snapshot, task_run.result[name]), name
        assert task_run.result["diff"][name] == task_run.result[name], name
    assert task_run.result["changed"] == (task_run.result["before"] != task_run.result["after"])


def assert_nothing_to_do(task_run: TaskRun) -> None:
    """The run found everything as it should be, and sent nothing that writes."""
    assert task_run.event == "ok", task_run.message
    assert task_run.result["changed"] is False
    assert task_run.result["before"] == task_run.result["after"]
    assert task_run.after.data == task_run.before.data


def assert_refused(task_run: TaskRun) -> None:
    """One sentence, and no trace on the server."""
    assert task_run.event == "failed", task_run.result
    assert "Traceback" not in str(task_run.result)
    assert "\n" not in task_run.message
    assert task_run.after.data == task_run.before.data
