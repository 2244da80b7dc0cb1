# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of ``make faults``: some faults at some messages of every module."""

from __future__ import annotations

import pytest

from tests.fleet.fault_sweep import FAULTS, PAGE, SUBJECTS, Subject, Sweep
from tests.fleet.http_door import PLUGINS

SAMPLE = {"winrm": 97, "psrp": 199}
"""Of so many pairs of a fault and a message one is tried."""


@pytest.mark.parametrize("plugin", PLUGINS)
@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_a_fault_leaves_nothing_wrong_behind(subject: Subject, plugin: str) -> None:
    sweep = Sweep(subject, plugin)
    pairs, step = sweep.pairs(share=1), SAMPLE[plugin]
    # Another part of them for each module, so that together they meet each kind of message.
    sample = pairs[SUBJECTS.index(subject) * 7 % step % len(pairs) :: step]
    found = list(sweep.findings(sample))
    assert [(one.fault, one.position, one.problems) for one in found if one.problems] == []
    assert found


def test_the_page_has_a_row_for_each_fault_and_at_least_4000_of_them() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    told = {row[0].removeprefix("| "): row[1:] for row in rows}
    assert {fault.told for fault in FAULTS.values()} <= told.keys()
    injected, *_ends, wrong = told["**all**"]
    assert int(injected) >= 4000
    assert wrong.strip(" |") == "0"
