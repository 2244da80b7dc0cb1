# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration says while it works."""

from __future__ import annotations

import io
import typing as t

from tests.demo.progress import WIDTH, Answered, change
from tests.tooling.ansible_programs import TaskResult


def result(message: str, **more: t.Any) -> TaskResult:
    """A result of `converge` on the server sbs."""
    return TaskResult("sbs", "Fix", "portkeeper.windows.converge", "ok", 1.0, {"msg": message, **more})


def test_each_server_is_named_once_in_lines_that_fit() -> None:
    stream = io.StringIO()
    answered = Answered(stream)
    names = [f"server{number:03}" for number in range(30)]
    for name in [*names, "server000"]:
        answered.name(name)
    answered.end()
    lines = stream.getvalue().splitlines()
    assert " ".join(lines).split() == names
    assert len(lines) == 3
    assert max(map(len, lines)) <= WIDTH
    assert stream.getvalue().endswith("\n")


def test_nothing_is_written_if_no_server_answers() -> None:
    stream = io.StringIO()
    Answered(stream).end()
    assert stream.getvalue() == ""


def test_a_change_is_told_by_the_first_sentence() -> None:
    message = "OK, in force. Before the reboot: Changed reserved_ports. It waits for a reboot."
    told = change(result(message, verdict="OK, in force", rebooted=True), width=5)
    assert told == "  sbs    Changed reserved_ports; rebooted."


def test_a_long_sentence_goes_on_below_its_beginning() -> None:
    first, second = change(result(f"Started {'IAS, ' * 25}DNS"), width=3).splitlines()
    assert len(first) <= WIDTH
    assert second.startswith(" " * 7 + "IAS")
