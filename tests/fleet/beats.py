# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of the beats of every module: check mode, the run, the run again."""

from __future__ import annotations

from tests.fleet.snapshot import shown
from tests.fleet.stories import TaskRun

SAID_BEFOREHAND = ("changed", "before", "after", "diff", "effective", "reboot_required", "restart_required")


def assert_only_told(checked: TaskRun, done: TaskRun) -> None:
    """Check mode tells what the run then does, and changes nothing."""
    assert (checked.event, done.event) == ("ok", "ok"), (checked.message, done.message)
    assert checked.after.data == checked.before.data
    assert {name: checked.result[name] for name in SAID_BEFOREHAND} == {
        name: done.result[name] for name in SAID_BEFOREHAND
    }


def assert_done_as_said(module: str, beat: TaskRun) -> None:
    """The result speaks of the server as it was before and as it is now, and the diff says the same."""
    assert beat.event == "ok", beat.message
    for name, snapshot in (("before", beat.before), ("after", beat.after)):
        assert beat.result[name] == shown(module, snapshot, beat.result[name]), name
        assert beat.result["diff"][name] == beat.result[name], name
    assert beat.result["changed"] == (beat.result["before"] != beat.result["after"])


def assert_nothing_to_do(beat: TaskRun) -> None:
    """The run found everything as it should be, and sent nothing that writes."""
    assert beat.event == "ok", beat.message
    assert beat.result["changed"] is False
    assert beat.result["before"] == beat.result["after"]
    assert beat.after.data == beat.before.data


def assert_refused(beat: TaskRun) -> None:
    """One sentence, and no trace on the server."""
    assert beat.event == "failed", beat.result
    assert "Traceback" not in str(beat.result)
    assert "\n" not in beat.message
    assert beat.after.data == beat.before.data
