# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dependencies between services, as the service manager knows them."""

from __future__ import annotations

import typing as t


class Dependencies(t.NamedTuple):
    """Dependencies (Win32_DependentService) as (dependent, antecedent) pairs of service key names."""

    pairs: frozenset[tuple[str, str]]

    def dependents(self, name: str) -> tuple[str, ...]:
        """All services that need ``name``, directly or through others, dependents first: a safe order to stop them."""
        order: list[str] = []
        self._visit(name, order, {name.casefold()})
        return tuple(order)

    def independent_groups(self, names: t.Iterable[str], *, alone: str) -> tuple[tuple[str, ...], ...]:
        """The names in their order, in groups; no service of a group needs another one of it, directly or not.

        ``alone`` is in a group by itself.
        """
        groups: list[tuple[str, ...]] = []
        for name in names:
            if groups and not any(self._are_tied(name, other, alone) for other in groups[-1]):
                groups[-1] += (name,)
            else:
                groups.append((name,))
        return tuple(groups)

    def _are_tied(self, one: str, other: str, alone: str) -> bool:
        if alone.casefold() in (one.casefold(), other.casefold()):
            return True
        needing = {name.casefold() for name in (*self.dependents(one), *self.dependents(other))}
        return one.casefold() in needing or other.casefold() in needing

    def _visit(self, name: str, order: list[str], seen: set[str]) -> None:
        for dependent, antecedent in sorted(self.pairs):
            if antecedent.casefold() == name.casefold() and dependent.casefold() not in seen:
                seen.add(dependent.casefold())
                self._visit(dependent, order, seen)
                order.append(dependent)
