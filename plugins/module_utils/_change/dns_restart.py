# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that dns.exe reads at its start: what they wait for, and whether DNS has restarted since."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DependenciesFact,
    Fact,
    OperatingSystemFact,
    ProcessFact,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE


def running_process(context: Context) -> int:
    """The id of the DNS server's process; 0 if it is stopped or not installed. Raises FactsNeeded."""
    service = context.facts[ServiceFact(DNS_SERVICE)]
    return service.process_id if service and service.runs else 0


def questions_of_change(context: Context) -> tuple[Fact[t.Any], ...]:
    """Facts about DNS that a change needs: if DNS restarts, the services that stop too."""
    return (DependenciesFact(),) if context.restarts_dns and running_process(context) else ()


def questions_of_wait(wait: Wait, context: Context) -> tuple[Fact[t.Any], ...]:
    """The same of an earlier change that may still wait."""
    process_id = running_process(context)
    if not process_id or process_id != wait.process_id:
        return ()
    process = [ProcessFact(process_id)] if _can_be_over(wait, context) else []
    return (*process, *questions_of_change(context))


def _can_be_over(wait: Wait, context: Context) -> bool:
    """False if the process that the note was made of still runs, whatever its age: too little time has passed."""
    return wait.is_over(now=context.now, age=0.0, process_id=wait.process_id)


def wait(context: Context) -> Wait | None:
    """The restart of DNS that a new change waits for; ``None`` while DNS is stopped: its next start reads the values.

    The age of its process is not asked for: an age of 0 says enough. A process older than the note is the one that ran
    when the note was made; a younger one with the same id, which Windows seldom gives again at once, is another one.
    """
    process_id = running_process(context)
    return Wait("dns_restart", since=context.now, age=0.0, process_id=process_id) if process_id else None


def still_waits(wait: Wait, context: Context) -> bool:
    """True if DNS runs and has not restarted since the change; raises FactsNeeded."""
    process_id = running_process(context)
    if not process_id:
        return False
    if wait.process_id and wait.process_id != process_id:
        return False
    if not _can_be_over(wait, context):
        return True
    return not wait.is_over(now=context.now, age=_age(process_id, context), process_id=process_id)


def _age(process_id: int, context: Context) -> float:
    """Seconds since the process was created; both clocks are the server's."""
    process = context.facts[ProcessFact(process_id)]
    system = context.facts[OperatingSystemFact()]
    if process is None or process.created is None:
        return 0.0
    return (system.local_time - process.created).total_seconds()
