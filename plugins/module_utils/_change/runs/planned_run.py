# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as it is planned, for the guards: what it does in order, and how the server reads before and after it."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, Plan, Step
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.predicted_facts import facts_after
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request

Kind = t.TypeVar("Kind", bound=Step)


class PlannedRun(t.NamedTuple):
    """All that a guard may look at."""

    request: Request
    items: tuple[Item, ...]
    """Those that are meant on this server."""
    plans: tuple[Plan, ...]
    """One for each of them."""
    context: Context
    steps: tuple[Step, ...]
    """Everything that the run does, in order."""

    @property
    def after(self) -> Context:
        """The context as it is once the steps are done."""
        return self.context._replace(facts=facts_after(self.context.facts, self.steps))

    def steps_of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """The steps of one kind."""
        return tuple(step for step in self.steps if isinstance(step, kind))
