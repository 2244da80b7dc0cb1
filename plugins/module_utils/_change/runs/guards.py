# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards: each looks at a plan, of a module, of ``converge`` or of a role alike, and names the dangers in it.

A new guard is a function and a row of ``GUARDS``. What a task may accept, and how that is said, is in ``risks``.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import (
    block_mode_guard,
    cluster_guard,
    pool_size_guard,
    range_guard,
    start_mode_warnings,
    way_in_guard,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Danger, judged
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Fact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import gathered

GUARDS: t.Final[tuple[t.Callable[[PlannedRun], t.Sequence[Danger]], ...]] = (
    way_in_guard.dangers,
    block_mode_guard.dangers,
    cluster_guard.dangers,
    range_guard.dangers,
    pool_size_guard.dangers,
)
"""In the order in which they refuse: what can't be mended from afar comes first."""

_RIDERS: t.Final[tuple[t.Callable[[Fact[t.Any]], tuple[Fact[t.Any], ...]], ...]] = (
    cluster_guard.beside,
    range_guard.beside,
)


def judged_run(run: PlannedRun) -> tuple[str, ...]:
    """The warnings of a run.

    Raises:
        FactsNeeded: facts that the guards still need, so that they are read in one round.
        PlanError: the run brings a danger, and its task does not accept the risk.
    """
    found = gathered([functools.partial(guard, run) for guard in GUARDS])
    dangers = [danger for dangers in found for danger in dangers]
    warnings = judged(dangers, run.request.accepted, undo=run.request.undo)
    return (*warnings, *start_mode_warnings.warnings(run))


def beside(asked: t.Iterable[Fact[t.Any]]) -> frozenset[Fact[t.Any]]:
    """The facts that guards ask for along with the planners' questions, if that costs no request of its own."""
    return frozenset(fact for one in asked for rider in _RIDERS for fact in rider(one))
