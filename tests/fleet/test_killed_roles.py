# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles, killed at every one of their messages: no value is between, no server is lost, the next run finishes.

With servers in this process; `test_interruption` has the same over real HTTP, and with the real program.
"""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.killed_runs import findings
from tests.fleet.role_cases import CASES, STATES, Case, State

WAYS: t.Final = [pytest.param(case, state, id=f"{case.id}-{state}") for case in CASES for state in STATES]
ONE_OF_EACH: t.Final = ("edge-2022", "sbs2003", "dc-2008", "exchange-2003", "exchange-2003-stopped")


@pytest.mark.parametrize(("case", "state"), WAYS)
def test_the_next_run_finishes_what_a_killed_one_began(case: Case, state: State) -> None:
    assert findings(case.target(state), case.kill_case(state), "killed") == {}


@pytest.mark.parametrize("case", [case for case in CASES if case.id in ONE_OF_EACH], ids=lambda case: case.id)
def test_what_a_killed_run_began_can_be_taken_back(case: Case) -> None:
    """Without finishing it first; so the second play of exchange_services starts what a dead first one stopped."""
    kill_case = dataclasses.replace(case.kill_case("present"), back=case.task("absent"))
    assert findings(case.target("present"), kill_case, "killed") == {}
