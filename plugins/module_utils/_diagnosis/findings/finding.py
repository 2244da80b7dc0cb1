# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One finding: what was seen, whom it concerns, who holds the port, why, and what to do about it."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import (
    KINDS,
    SEVERITIES,
    KindName,
    Severity,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, Protocol, Service
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

SeenIn = t.Literal["service", "event", "socket", "registry", "netsh", "counter", "adapter", "update"]
HeldAs = t.Literal["dns_pool", "lsass_rpc", "outgoing_connection", "other"]
Ports = t.Mapping[Protocol, PortSet]
NO_PORTS: t.Final[Ports] = {}
_SHOWN_STRINGS: t.Final = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen; ``time`` by the server's own clock, where there is one."""

    seen_in: SeenIn
    text: str
    time: datetime.datetime | None = None

    def as_dict(self) -> dict[str, t.Any]:
        """As returned to the user."""
        time = self.time.strftime("%Y-%m-%dT%H:%M:%SZ") if self.time else None
        return {"seen_in": self.seen_in, "text": self.text, "time": time}


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Whether what is configured fixes it already, and what that waits for; ``None``: nothing could be configured."""

    configured: bool | None
    waits_for: WaitsFor | None = None


NOTHING_CONFIGURED: t.Final = Standing(None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One finding; without evidence there is none.

    ``fix`` is YAML to paste into a list of tasks; one that only reports has comments alone.
    """

    kind: KindName
    summary: str
    cause: str
    evidence: tuple[Evidence, ...]
    fix: str
    service: str = ""
    ports: Ports = dataclasses.field(default_factory=dict)
    held_by: tuple[tuple[Holder, HeldAs], ...] = ()
    standing: Standing = NOTHING_CONFIGURED
    severity: Severity | None = None
    """``None``: the usual one of its kind."""

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"a finding of the kind {self.kind} has no evidence")

    @property
    def weight(self) -> Severity:
        """How bad it is."""
        return self.severity or KINDS[self.kind].severity

    @property
    def order(self) -> tuple[int, str, str]:
        """Worst first, then by kind and service."""
        return SEVERITIES.index(self.weight), self.kind, self.service.casefold()

    def as_dict(self) -> dict[str, t.Any]:
        """As returned to the user."""
        return {
            "kind": self.kind,
            "severity": self.weight,
            "summary": self.summary,
            "service": self.service,
            "ports": [
                {"protocol": protocol, "port": port} for protocol, ports in sorted(self.ports.items()) for port in ports
            ],
            "held_by": [{**holder.as_dict(), "held_as": held_as} for holder, held_as in self.held_by],
            "cause": self.cause,
            "evidence": [item.as_dict() for item in self.evidence],
            "configured": self.standing.configured,
            "waits_for": self.standing.waits_for,
            "fix": self.fix,
            "source": KINDS[self.kind].source,
        }


def service_evidence(service: Service) -> Evidence:
    """The state and the last error of a service."""
    text = f"{service.name} is {service.state.casefold()}, start mode {service.start_mode}, exit code {service.error}"
    return Evidence("service", text)


def event_evidence(event: Event) -> Evidence:
    """An event by log, source and code, with what was put into its text."""
    strings = ", ".join(event.strings[:_SHOWN_STRINGS])
    return Evidence(
        "event", f"{event.log}: {event.source} {event.code}" + (f" ({strings})" if strings else ""), event.time
    )


def socket_evidence(holder: Holder) -> Evidence:
    """Who holds a port."""
    return Evidence("socket", f"{holder} holds {holder.protocol.upper()} {holder.port}")


def ports_text(ports: Ports) -> str:
    """For people: ``TCP 50389 and UDP 50636``."""
    return " and ".join(f"{protocol.upper()} {found}" for protocol, found in sorted(ports.items()) if found)
