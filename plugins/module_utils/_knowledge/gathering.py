# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many calls that ask for facts: what all of them still need is read in one round."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Fact, FactsNeeded

Result = t.TypeVar("Result")


def answered(calls: t.Iterable[t.Callable[[], Result]]) -> tuple[list[Result], frozenset[Fact[t.Any]]]:
    """Make all calls: the results of those that need nothing more, and what the others need."""
    results: list[Result] = []
    needed: frozenset[Fact[t.Any]] = frozenset()
    for call in calls:
        try:
            results.append(call())
        except FactsNeeded as question:
            needed |= question.facts
    return results, needed


def gathered(calls: t.Iterable[t.Callable[[], Result]]) -> list[Result]:
    """The results of all calls.

    Raises:
        FactsNeeded: what all of them still need, so that it is read in one round.
    """
    results, needed = answered(calls)
    if needed:
        raise FactsNeeded(needed)
    return results
