# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Readings of a server that failed, and the facts that are missing because of them."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import UnreadRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import Gap
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    ConnectionsFact,
    DependenciesFact,
    DynamicRangesFact,
    EventsFact,
    ExclusionsFact,
    Fact,
    NetworkAdaptersFact,
    NetworkDriversFact,
    ProcessFact,
    RegistryFact,
    RegistryNamesFact,
    SocketsFact,
    TcpSegmentsFact,
    Unread,
    UpdatesFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DELAYED_FLAG_NAME,
    JOURNAL_FACT,
)

_NAMES: t.Final[t.Mapping[type[Fact[t.Any]], str]] = {
    UpdatesFact: "the list of updates (Win32_QuickFixEngineering)",
    DependenciesFact: "the dependencies of services (Win32_DependentService, and DependOnService of each service)",
    TcpSegmentsFact: "the counters of TCP (Win32_PerfRawData_Tcpip_TCPv4)",
    NetworkAdaptersFact: "the network adapters (Win32_NetworkAdapter)",
    NetworkDriversFact: "the drivers (Win32_PnPSignedDriver)",
    SocketsFact: "the sockets",
    ConnectionsFact: "the outgoing TCP connections",
    ExclusionsFact: "the excluded port ranges (netsh)",
    DynamicRangesFact: "the dynamic port ranges (netsh)",
    ProcessFact: "the processes (Win32_Process)",
}
_SERVICES: t.Final = "the services (Win32_Service)"
_IN_PART: t.Final[t.Mapping[type[Fact[t.Any]], str]] = {
    UpdatesFact: "whether KB951746 or KB953230 is listed",
    ProcessFact: "names of programs that are no service",
    ConnectionsFact: "ports that outgoing TCP connections hold",
    SocketsFact: "who holds the ports that a service lost",
    ExclusionsFact: "what excluded port ranges change about risk and findings",
    NetworkDriversFact: "findings (network_retransmits, as far as drivers are old)",
    DependenciesFact: "whether an automatic service depends on DNS, so that a delayed start of DNS is void",
}
"""What rests on an answer without which the rest of a subset is known all the same."""


def unread_rows(unread: t.Mapping[Fact[t.Any], Unread], gaps: t.Iterable[Gap]) -> tuple[UnreadRow, ...]:
    """One row for each reading that failed, with what rests on it; questions of one reading count as one."""
    lost: dict[str, dict[str, dict[str, None]]] = {}
    for gap in gaps:
        parts = lost.setdefault(_name(gap.fact), {}).setdefault(gap.subset, {})
        parts.update(dict.fromkeys(gap.parts))
    reasons: dict[str, str] = {}
    for fact, answer in unread.items():
        reasons.setdefault(_name(fact), str(answer.error))
        if in_part := _in_part(fact):
            lost.setdefault(_name(fact), {}).setdefault(in_part, {})
    return tuple(
        UnreadRow(reading=name, reason=why, lost=tuple(map(_text, lost.get(name, {}).items())))
        for name, why in reasons.items()
    )


def _text(lost: tuple[str, t.Iterable[str]]) -> str:
    """A subset, or those of its parts that are lost."""
    subset, parts = lost
    return f"{subset} ({', '.join(parts)})" if parts else subset


def _name(fact: Fact[t.Any]) -> str:
    """The reading that answers a question, in words."""
    if isinstance(fact, (RegistryFact, RegistryNamesFact)):
        return rf"the registry key HKLM\{fact.key}"
    if isinstance(fact, EventsFact):
        return f"the events of the log {fact.log} (Win32_NTLogEvent)"
    return _NAMES.get(type(fact), _SERVICES)


def _in_part(fact: Fact[t.Any]) -> str:
    if isinstance(fact, EventsFact) and fact.log == "System":
        return "findings (services that lost a port and left no exit code that says so)"
    if fact == JOURNAL_FACT:
        return "what earlier runs changed"
    if isinstance(fact, RegistryFact) and fact.name == DELAYED_FLAG_NAME:
        return f"whether the start of {fact.key.rpartition(chr(92))[2]} is delayed"
    return _IN_PART.get(type(fact), "")
