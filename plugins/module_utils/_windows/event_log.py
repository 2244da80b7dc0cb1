# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event logs, through WMI's Win32_NTLogEvent: by log, code and time, never by words.

WMI gives the newest records of a log first ([K] unverified; the answer is sorted here all the same), so the query is
given up as soon as there are enough: a server that complains every five minutes must not cost hundreds of requests.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, EventsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance

NAMESPACE: t.Final = "root/cimv2"
CLASS: t.Final = "Win32_NTLogEvent"
COLUMNS: t.Final = ("Logfile", "RecordNumber", "SourceName", "EventCode", "TimeGenerated", "InsertionStrings")
MOST_STRINGS: t.Final = 20
LONGEST_STRING: t.Final = 500


def read_events(client: Client, question: EventsFact) -> tuple[Event, ...]:
    """The events, newest first; 1 to 3 requests. A log that does not exist has none."""
    found = client.query(NAMESPACE, events_query(question), most=question.most)
    events = sorted(filter(None, map(_event, found)), key=lambda event: (event.time, event.record), reverse=True)
    return tuple(events[: question.most])


def events_query(question: EventsFact) -> str:
    """One log at a time: WMI then opens no other, the Security log least of all."""
    codes = wql.any_of("EventCode", question.codes)
    where = f"Logfile = {wql.literal(question.log)} AND TimeGenerated >= {wql.moment(question.since)} AND ({codes})"
    return wql.select(COLUMNS, CLASS, where)


def _event(row: Instance) -> Event | None:
    time, code = row.moment("TimeGenerated"), row.integer("EventCode")
    if time is None or code is None:
        return None
    strings = tuple(text[:LONGEST_STRING] for text in row.texts("InsertionStrings")[:MOST_STRINGS])
    log, source = row.text("Logfile") or "", row.text("SourceName") or ""
    return Event(log, row.integer("RecordNumber") or 0, source, code, _utc(time), strings)


def _utc(time: datetime.datetime) -> datetime.datetime:
    return time.astimezone(datetime.timezone.utc)
