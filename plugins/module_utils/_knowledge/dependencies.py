# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dependencies between services, as the service manager knows them."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Dependencies:
    """Dependencies (Win32_DependentService) as (dependent, antecedent) pairs of service key names."""

    pairs: frozenset[tuple[str, str]]

    def dependents(self, name: str) -> tuple[str, ...]:
        """All services that need ``name``, directly or through others, dependents first: a safe order to stop them."""
        order: list[str] = []
        self._visit(name, order, {name.casefold()})
        return tuple(order)

    def _visit(self, name: str, order: list[str], seen: set[str]) -> None:
        for dependent, antecedent in sorted(self.pairs):
            if antecedent.casefold() == name.casefold() and dependent.casefold() not in seen:
                seen.add(dependent.casefold())
                self._visit(dependent, order, seen)
                order.append(dependent)
