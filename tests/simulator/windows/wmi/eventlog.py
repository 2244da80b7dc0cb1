# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Win32_NTLogEvent."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.events import Event
from tests.simulator.windows.texts import event_message
from tests.simulator.windows.wmi.base import CIMV2, CimClass, Row, fixed

_TYPES: t.Final = {
    "en": {"error": "Error", "warning": "Warning", "information": "Information"},
    "de": {"error": "Fehler", "warning": "Warnung", "information": "Information"},
}
_NUMBERS: t.Final = {"error": 1, "warning": 2, "information": 3}
_QUALIFIERS: t.Final = {"error": 0xC0000000, "warning": 0x80000000, "information": 0x40000000}


def _event_row(context: Context, event: Event) -> Row:
    machine = context.machine
    generated = context.clock(event.generated - machine.clock_offset)
    return {
        "Category": 0,
        "CategoryString": None,
        "ComputerName": machine.name,
        "EventCode": event.code,
        "EventIdentifier": event.code | _QUALIFIERS[event.type],
        "EventType": _NUMBERS[event.type],
        "InsertionStrings": list(event.strings),
        "Logfile": event.logfile,
        "Message": event_message(event.source, event.code, event.strings, machine.language),
        "RecordNumber": event.record_number,
        "SourceName": event.source,
        "TimeGenerated": generated,
        "TimeWritten": generated,
        "Type": _TYPES[machine.language][event.type],
        "User": None,
    }


def _events(context: Context) -> list[Row]:
    return [_event_row(context, event) for event in reversed(context.machine.events.records)]


CLASSES: t.Final = (
    CimClass(
        "Win32_NTLogEvent",
        (CIMV2,),
        ("Logfile", "RecordNumber"),
        fixed(
            "Category", "CategoryString", "ComputerName", "EventCode", "EventIdentifier", "EventType",
            "InsertionStrings", "Logfile", "Message", "RecordNumber", "SourceName", "TimeGenerated", "TimeWritten",
            "Type", "User",
        ),
        _events,
    ),
)  # fmt: skip
