# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dependencies between services, by WMI's Win32_DependentService, else by each service's own key in the registry.

The class lists all pairs in one query. A server whose WMI repository is damaged refuses that query, or answers it with
nothing, though every Windows has services that depend on others.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import texts
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import needed_services
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import AnswerError, WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import UncarriableText, WsmanFault

REFUSALS: t.Final = (WindowsError, WsmanFault, UncarriableText)
_GROUP: t.Final = "+"
"""Begins the name of a load-order group in DependOnService; what depends on a whole group is left out here."""


def read_dependencies(target: Target) -> Dependencies:
    """The dependencies of all services: 1 request or more by WMI's class; without it one for each service that is not
    disabled, and 1 or more for their names.

    Raises:
        WindowsError: neither way leads to an answer.
        WsmanError: the same, or the conversation failed.
    """
    try:
        found = target.services.dependencies()
    except REFUSALS as error:
        return _by_registry(target, error)
    return found if found.pairs else _by_registry(target, _nothing(target))


def _by_registry(target: Target, reason: Exception) -> Dependencies:
    """The pairs by each service's key; if there is no way to them either, the first reason says more."""
    try:
        names = target.services.not_disabled()
        needed = {name: texts(target.registry.read(*_place(name))) for name in names}
    except REFUSALS:
        raise reason from None
    if not any(needed.values()):
        raise reason
    pairs = ((name, other) for name, others in needed.items() for other in others)
    return Dependencies(frozenset(pair for pair in pairs if not pair[1].startswith(_GROUP)))


def _place(service: str) -> tuple[str, str, t.Any]:
    fact = needed_services(service)
    return fact.key, fact.name, fact.type


def _nothing(target: Target) -> AnswerError:
    return AnswerError(
        host=target.host,
        operation="read",
        target="Win32_DependentService",
        meaning="WMI lists no dependency of any service",
    )
