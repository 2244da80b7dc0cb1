# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of plans, before anything is written."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Plan, PlanError, WriteValue
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.registry_text import why_not_writable


def refuse_impossible(plans: tuple[Plan, ...]) -> None:
    """Refuse a plan that found itself to be impossible."""
    for plan in plans:
        if plan.refusal:
            raise plan.refusal


def refuse_unwritable(plans: tuple[Plan, ...]) -> None:
    """Refuse values that could not be written whole, before anything is written, the journal included."""
    advice = "Mend that entry on the server, then run this again"
    for step in (step for plan in plans for step in plan.steps if isinstance(step, WriteValue)):
        reason = why_not_writable(step.value)
        if reason:
            raise PlanError(rf"HKLM\{step.key}\{step.name}", reason, advice)


def refuse_two_for_one(plans: tuple[Plan, ...]) -> None:
    """Each plan knows what it found and nothing of the others: two for one value would undo each other's change."""
    seen: set[str] = set()
    for plan in plans:
        twice = seen & plan.journal.keys()
        if twice:
            raise PlanError(
                "resources",
                f"two items of {plan.resource} change the same thing ({', '.join(sorted(twice))})",
                "Put what they name into one item",
            )
        seen |= plan.journal.keys()
