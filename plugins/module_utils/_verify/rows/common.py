# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions that several probes share, and what they make of the answers."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    STANDARD_CIMV2,
    Command,
    Get,
    Method,
    Query,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Row,
    number,
    seconds,
    text,
    texts,
)

OPERATING_SYSTEM: t.Final = Get("Win32_OperatingSystem")
COMPUTER: t.Final = Query("SELECT Manufacturer, Model FROM Win32_ComputerSystem")
SERVICES: t.Final = Query(
    "SELECT State, Name, ProcessId, StartMode, ExitCode, PathName, ServiceType, DisplayName, ServiceSpecificExitCode "
    "FROM Win32_Service"
)
PROCESSES: t.Final = Query("SELECT Name, ProcessId, CreationDate FROM Win32_Process")
UDP: t.Final = Query(
    "SELECT CreationTime, LocalAddress, LocalPort, OwningProcess FROM MSFT_NetUDPEndpoint", STANDARD_CIMV2
)
TCP: t.Final = Query(
    "SELECT CreationTime, LocalAddress, LocalPort, OwningProcess, RemotePort, State FROM MSFT_NetTCPConnection",
    STANDARD_CIMV2,
)
UNDERSCORE: t.Final = Query("SELECT Name FROM Win32_Service WHERE Name LIKE 'Win[_]M%'")
"""Finds nothing: no service is called Win_M."""
UPDATES: t.Final = Query(
    "SELECT HotFixID FROM Win32_QuickFixEngineering WHERE HotFixID = 'KB951746' OR HotFixID = 'KB953230' "
    "OR HotFixID = 'KB2665809'"
)
NETSTAT: t.Final = Command("netstat -ano", long=True, reads="sockets")
MAX_USER_PORT: t.Final = Method("GetDWORDValue", MAX_USER_PORT_FACT.key, MAX_USER_PORT_FACT.name)
RESERVED: t.Final = Method("GetMultiStringValue", RESERVED_PORTS_FACT.key, RESERVED_PORTS_FACT.name)
LISTENING: t.Final = 2
"""MSFT_NetTCPConnection.State."""


class Bound(t.NamedTuple):
    """A bound UDP socket or a TCP listener; ``created`` in seconds for differences, 0.0 if it is not known."""

    protocol: Protocol
    address: str
    port: int
    process_id: int
    created: float = 0.0

    @property
    def is_ipv6(self) -> bool:
        """Of which family it is."""
        return ":" in self.address


def bound(found: Readings) -> tuple[Bound, ...]:
    """All bound UDP sockets and TCP listeners: by WMI if the release has the classes, else by netstat."""
    return found.once("bound", lambda: _bound(found))


def _bound(found: Readings) -> tuple[Bound, ...]:
    """By netstat, too, if the classes can't be read as they are asked."""
    if not any(found.reading(question).fault for question in (UDP, TCP)):
        listeners = [row for row in found.rows(TCP) if number(row, "State") == LISTENING]
        return (*_of_wmi("udp", found.rows(UDP)), *_of_wmi("tcp", listeners))
    sockets = found.answered(NETSTAT).sockets
    return tuple(Bound(one.protocol, one.address, one.port, one.process_id) for one in sockets)


def _of_wmi(protocol: Protocol, rows: t.Iterable[Row]) -> t.Iterator[Bound]:
    for row in rows:
        yield Bound(
            protocol,
            text(row, "LocalAddress"),
            number(row, "LocalPort"),
            number(row, "OwningProcess"),
            _created(row),
        )


def _created(row: Row) -> float:
    try:
        return seconds(row, "CreationTime")
    except CantTell:
        return 0.0


def service(found: Readings, name: str) -> Row:
    """A service's row; CantTell if there is none."""
    row = next((row for row in found.rows(SERVICES) if text(row, "Name").casefold() == name.casefold()), None)
    if row is None:
        raise CantTell(f"this server has no service {name}")
    return row


def process_of(found: Readings, name: str) -> int:
    """The process of a service that runs."""
    process_id = number(service(found, name), "ProcessId")
    if not process_id:
        raise CantTell(f"the service {name} does not run")
    return process_id


def started(found: Readings, process_id: int) -> float:
    """Seconds from the boot to the start of a process."""
    row = next((row for row in found.rows(PROCESSES) if number(row, "ProcessId") == process_id), None)
    if row is None:
        raise CantTell("a process is not in the list")
    return seconds(row, "CreationDate") - seconds(found.row(OPERATING_SYSTEM), "LastBootUpTime")


def image_of(found: Readings, process_id: int) -> str:
    """The program of a process, in lower case."""
    rows = (row for row in found.rows(PROCESSES) if number(row, "ProcessId") == process_id)
    return next((text(row, "Name").casefold() for row in rows), "")


def max_user_port(found: Readings) -> int | None:
    """MaxUserPort, or ``None`` if it is not set."""
    return number(found.row(MAX_USER_PORT), "uValue") if found.code(MAX_USER_PORT) == 0 else None


def reserved_entries(found: Readings) -> tuple[str, ...]:
    """The lines of ReservedPorts; CantTell if it is not set."""
    if found.code(RESERVED) != 0:
        raise CantTell("ReservedPorts is not set on this server")
    return texts(found.row(RESERVED), "sValue")
