# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a finding: its kind, its ports, and its evidence."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, FindingPort
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KINDS, KindName, Severity
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, Protocol, Service
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

Ports = t.Mapping[Protocol, PortSet]
_SHOWN_STRINGS: t.Final = 3


class OfKind(t.TypedDict):
    """The fields of a finding that its kind decides."""

    kind: KindName
    severity: Severity
    source: str


class Standing(t.TypedDict):
    """The fields of a finding that say whether what is configured fixes it already, and what that waits for."""

    configured: bool | None
    waits_for: WaitsFor | None


def of_kind(kind: KindName, severity: Severity | None = None) -> OfKind:
    """A finding's kind and source, and how bad it is: as usual for its kind, unless ``severity`` says otherwise."""
    return {"kind": kind, "severity": severity or KINDS[kind].severity, "source": KINDS[kind].source}


def finding_ports(ports: Ports) -> tuple[FindingPort, ...]:
    """Each port of a finding, TCP first."""
    return tuple(
        FindingPort(protocol=protocol, port=port) for protocol, found in sorted(ports.items()) for port in found
    )


def service_evidence(service: Service) -> Evidence:
    """The state and the last error of a service."""
    text = f"{service.name} is {service.state.casefold()}, start mode {service.start_mode}, exit code {service.error}"
    return Evidence("service", text)


def event_evidence(event: Event) -> Evidence:
    """An event by log, source and code, with what was put into its text."""
    strings = ", ".join(event.strings[:_SHOWN_STRINGS])
    text = f"{event.log}: {event.source} {event.code}" + (f" ({strings})" if strings else "")
    return Evidence("event", text, event.time.strftime("%Y-%m-%dT%H:%M:%SZ"))


def socket_evidence(holder: Holder) -> Evidence:
    """The evidence that a process holds a port."""
    return Evidence("socket", f"{holder} holds {holder.protocol.upper()} {holder.port}")


def ports_text(ports: Ports) -> str:
    """For people: ``TCP 50389 and UDP 50636``."""
    return " and ".join(f"{protocol.upper()} {found}" for protocol, found in sorted(ports.items()) if found)
