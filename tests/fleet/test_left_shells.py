# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shells of runs that were killed, on servers that allow few: what the next run says, and when it works again."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import IDLE_TIMEOUT
from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import CaseRunner

OLD: t.Final[Json] = {"release": "2003", "winrm_stack": "1.1", "roles": ["dns"]}
"""WinRM 1.1 allows two shells for each user."""
SOCKETS: t.Final = Step(module="port_info", options={"gather_subset": ["sockets"]})
"""On a 2003 it takes a shell."""


class Killed(BaseException):
    """The controller is gone: not even its clean-up runs."""


class KilledStage(CaseRunner):
    """The controller dies before it can close its shell."""

    dies = False

    def send(self, envelope: bytes) -> bytes:
        if self.dies and b"/transfer/Delete" in envelope:
            raise Killed
        return super().send(envelope)


@pytest.fixture
def runner() -> KilledStage:
    """After two killed runs."""
    runner = KilledStage(HostCase(id="old", server=OLD, steps=()))
    runner.dies = True
    for _run in range(2):
        with pytest.raises(Killed):
            runner.run_step(SOCKETS)
    runner.dies = False
    return runner


def test_the_third_run_says_how_long_to_wait(runner: KilledStage) -> None:
    task_run = runner.run_step(SOCKETS)
    assert task_run.event == "failed"
    assert "too many shells of this user are open" in task_run.message
    assert "those that a killed run of this collection left end after 3 minutes" in task_run.message


def test_after_that_time_it_works(runner: KilledStage) -> None:
    runner.run_step(Step(module="port_info", options={"gather_subset": ["release"]}))
    runner.pass_time(IDLE_TIMEOUT + 1)
    assert runner.run_step(SOCKETS).event == "ok"
