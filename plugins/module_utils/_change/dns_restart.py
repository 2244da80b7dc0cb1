# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that dns.exe reads at its start: what they wait for, and whether DNS has restarted since."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.catalogue import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    OperatingSystemFact,
    ProcessFact,
    ServiceFact,
)


def running_process(context: Context) -> int:
    """The id of the DNS server's process; 0 where it is stopped or not installed. Raises FactsNeeded."""
    service = context.facts[ServiceFact(DNS_SERVICE)]
    return service.process_id if service and service.runs else 0


def wait(context: Context) -> Wait | None:
    """What a change of now waits for: nothing while DNS is stopped, since its next start reads the new values."""
    process_id = running_process(context)
    if not process_id:
        return None
    return Wait("dns_restart", since=context.now, age=_age(process_id, context), process_id=process_id)


def still_waits(wait: Wait, context: Context) -> bool:
    """Whether DNS runs and has not restarted since; raises FactsNeeded."""
    process_id = running_process(context)
    if not process_id:
        return False
    if wait.process_id and wait.process_id != process_id:
        return False
    return not wait.is_over(now=context.now, age=_age(process_id, context), process_id=process_id)


def _age(process_id: int, context: Context) -> float:
    """Seconds since the process was created; both clocks are the server's."""
    process = context.facts[ProcessFact(process_id)]
    system = context.facts[OperatingSystemFact()]
    if process is None or process.created is None:
        return 0.0
    return (system.local_time - process.created).total_seconds()
