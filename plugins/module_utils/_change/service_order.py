# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders in which services are stopped and started, from the service manager's own dependencies."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DependenciesFact,
    Service,
    ServiceFact,
)


def distinct(names: t.Iterable[str]) -> tuple[str, ...]:
    """Each name once, case-insensitively, at its first place."""
    kept: dict[str, str] = {}
    for name in names:
        kept.setdefault(name.casefold(), name)
    return tuple(kept.values())


def dependents(names: t.Iterable[str], context: Context) -> tuple[Service, ...]:
    """All services that need one of ``names``, the ones that depend most first; raises FactsNeeded."""
    graph = context.facts[DependenciesFact()]
    found = distinct(dependent for name in names for dependent in graph.dependents(name))
    context.facts.require(*(ServiceFact(name) for name in found))
    return tuple(service for name in found if (service := context.facts[ServiceFact(name)]))


def stop_order(names: t.Iterable[str], context: Context) -> tuple[str, ...]:
    """The running ones of ``names`` and of all that depend on them, those first that depend most."""
    order: list[str] = []
    for name in names:
        order += [service.name for service in dependents([name], context) if service.state != "Stopped"]
        service = context.facts[ServiceFact(name)]
        if service and service.state != "Stopped":
            order.append(service.name)
    return distinct(order)


def start_order(stopped: t.Iterable[str]) -> tuple[str, ...]:
    """The reverse of a stop order."""
    return tuple(reversed(tuple(stopped)))


def automatic_dependents(names: t.Iterable[str], context: Context) -> tuple[str, ...]:
    """Services that depend on ``names``, start automatically and don't run, in start order."""
    found = dependents(names, context)
    return start_order(service.name for service in found if service.start_mode == "Auto" and not service.runs)
