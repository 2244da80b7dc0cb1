# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a server's event logs for lost ports: its clock, then each log by itself."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import Log
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.losses import LOGS, codes_of, loss_of
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.memory import (
    MOST_EVENTS,
    LogMemory,
    Moment,
    begun,
    without_older,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, EventsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import explained
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.event_log import read_events
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.separate_readings import REFUSALS

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client


class LogLook(t.NamedTuple):
    """What one log had: the events to tell, oldest first, and the memory before they are told."""

    moment: Moment
    memory: LogMemory
    news: tuple[Event, ...]


Looks = t.Mapping[Log, "LogLook | Exception"]


def look(client: Client, memories: t.Mapping[Log, LogMemory], *, asked: float, since_boot: bool) -> Looks:
    """What is new in each log, or why it could not be read; 3 requests, more only if a log has more than a few events.

    :param asked: seconds since 1970 on the controller.
    :param since_boot: whether the first look at a log tells the events since the boot, too.
    :raises WsmanError: the conversation failed.
    :raises WindowsError: the server did not tell its clock.
    """
    system = read_operating_system(client)
    moment = Moment(asked, system.local_time, system.boot_time)
    return {log: _tried(client, log, moment, memories.get(log), since_boot) for log in LOGS}


def _tried(client: Client, log: Log, moment: Moment, known: LogMemory | None, since_boot: bool) -> LogLook | Exception:
    memory = known or begun(moment, since_boot=since_boot)
    try:
        found = read_events(client, EventsFact(log, codes_of(log), memory.since(moment), MOST_EVENTS))
    except REFUSALS as error:
        return explained(error)
    events = [event for event in found if loss_of(event)]
    memory = memory if known else without_older(memory, events)
    return LogLook(moment, memory, memory.news(events))
