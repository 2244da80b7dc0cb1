# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles, with one message or its answer lost: at every position, of one role for each mechanism.

A question is asked again; anything else ends the play, and the run still brings back what it stopped.
"""

from __future__ import annotations

import typing as t

import pytest

from tests.fleet.killed_runs import Ending, findings
from tests.fleet.role_cases import CASES, STATES, Case, State

MECHANISMS: t.Final = ("edge-2003-rebooted", "edge-2008", "edge-2022")
"""The registry and a reboot; the start mode; the list of DNS and netsh. The services file: `test_services_file`."""
LOST: t.Final[tuple[Ending, ...]] = ("drop_before", "drop_after")
WAYS: t.Final = [
    pytest.param(case, state, ending, id=f"{case.id}-{state}-{ending}")
    for case in CASES
    if case.id in MECHANISMS
    for state in STATES
    for ending in LOST
]


@pytest.mark.parametrize(("case", "state", "ending"), WAYS)
def test_the_next_run_finishes_what_a_lost_message_ended(case: Case, state: State, ending: Ending) -> None:
    assert findings(case.target(state), case.kill_case(state), ending) == {}
