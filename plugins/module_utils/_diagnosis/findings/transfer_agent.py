# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange's message transfer agent, which says so when it can't listen: event 9321 with error 1720."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import events
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    event_evidence,
    of_kind,
    service_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixed_rpc_ports import EXCHANGE
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, ProcessFact, Service

MTA: t.Final = "MSExchangeMTA"
CODE: t.Final = 9321
ENDPOINT_ERROR: t.Final = re.compile(r"(?<!\d)1720(?!\d)", re.ASCII)
"""RPC_S_CANT_CREATE_ENDPOINT: the endpoint can't be created."""
_SHOWN_EVENTS: t.Final = 2


def transfer_agent(view: PortInfoView) -> list[Finding]:
    """The MTA that is there now complained; what an older process of it logged is past. Raises FactsNeeded."""
    service = next((found for found in view.facts[EXCHANGE] if found.name.casefold() == MTA.casefold()), None)
    if service is None:
        return []
    found = [event for event in events("Application", MTA, (CODE,), view) if _is_endpoint(event)]
    found = [event for event in found if not _is_past(event, service, view)]
    if not found:
        return []
    task = {
        "name": "Restart it, and look again",
        "portkeeper.windows.service_state": {"name": MTA, "state": "restarted"},
    }
    advice = "If it has a fixed port, see who holds that: ansible HOST -m portkeeper.windows.port_info -a ports=NUMBER"
    return [
        Finding(
            **of_kind("mta_endpoint_failed"),
            summary="Exchange's MTA does not listen for RPC over TCP (error 1720).",
            cause="The port that it wanted for its endpoint was taken, or is fixed to the same number as another one.",
            evidence=(*map(event_evidence, found[:_SHOWN_EVENTS]), service_evidence(service)),
            service=service.name,
            fix=tasks(task, comments=(advice,)),
        )
    ]


def _is_endpoint(event: Event) -> bool:
    return any(ENDPOINT_ERROR.search(text) for text in event.strings)


def _is_past(event: Event, service: Service, view: PortInfoView) -> bool:
    """True if the MTA was started again after the event."""
    if not service.runs:
        return False
    process = view.facts[ProcessFact(service.process_id)]
    return bool(process and process.created and process.created > event.time)
