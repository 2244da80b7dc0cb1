# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange services that wait for the Edge role's AD LDS instance: while it is down, they are too."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.failed_services import (
    FailedService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import service_evidence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixed_rpc_ports import EXCHANGE
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Service
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import EDGE_INSTANCE

DEPENDENCY_FAILED: t.Final = 1068
"""ERROR_SERVICE_DEPENDENCY_FAIL (winerror.h)."""


def with_waiting(found: Finding, victim: FailedService, view: PortInfoView) -> Finding:
    """The finding with the Exchange services that wait for its service; raises FactsNeeded."""
    waiting = _waiting(victim, view)
    if not waiting:
        return found
    names = ", ".join(service.name for service in waiting)
    return dataclasses.replace(
        found,
        cause=f"{found.cause} Exchange services that depend on it wait for it: {names}.",
        evidence=(*found.evidence, *map(service_evidence, waiting)),
    )


def _waiting(victim: FailedService, view: PortInfoView) -> list[Service]:
    """Their own error says that a service they depend on did not start; on an Edge server that is its AD LDS instance.

    The services are read anyway. The graph of dependencies, which says the same, would double what is read.
    """
    if victim.service.name.casefold() != EDGE_INSTANCE.casefold():
        return []
    down = [service for service in view.facts[EXCHANGE] if service.start_mode == "Auto" and not service.runs]
    return [service for service in down if service.error == DEPENDENCY_FAILED]
