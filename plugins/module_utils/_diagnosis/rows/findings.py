# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows about faults of a server: a finding, its evidence, and the holders of its ports."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import (
    SEVERITIES,
    KindName,
    Severity,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import OPEN, Port, one_of, told

SeenIn = t.Literal["service", "event", "socket", "registry", "netsh", "counter", "adapter", "update"]
HeldAs = t.Literal["dns_pool", "lsass_rpc", "outgoing_connection", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPort:
    """A port that a finding is about."""

    protocol: Protocol = field(metadata=told(f"{one_of(PROTOCOLS)}.", "udp"))
    port: Port = field(metadata=told("The port.", 1812))


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPort(Holder):
    """A port in the hands of a process that should not have it."""

    held_as: t.Annotated[HeldAs, OPEN] = field(
        metadata=told(
            "V(dns_pool) for the DNS server's socket pool, V(lsass_rpc) for an RPC endpoint of C(lsass.exe), "
            "V(outgoing_connection), or V(other).",
            "dns_pool",
        )
    )


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen."""

    seen_in: t.Annotated[SeenIn, OPEN] = field(metadata=told(f"{one_of(t.get_args(SeenIn))}.", "service"))
    text: str = field(metadata=told("What it says.", "IAS is stopped, start mode Auto, exit code 10048"))
    time: str | None = field(
        default=None,
        metadata=told(
            "When, by the server's own clock, in UTC. None where it is the state of now.", "2026-03-01T08:00:12Z"
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; without evidence there is none."""

    kind: t.Annotated[KindName, OPEN] = field(metadata=told("What kind of finding it is.", "port_taken_by_dns_pool"))
    severity: t.Annotated[Severity, OPEN] = field(metadata=told(f"{one_of(SEVERITIES)}.", "critical"))
    summary: str = field(
        metadata=told(
            "It in one sentence.",
            "IAS is down: dns.exe (process 1692, service DNS) holds UDP 1812.",
            missing="A finding without a summary.",
        )
    )
    service: str = field(
        default="",
        metadata=told("Key name of the service that is concerned. Empty where it is the whole server.", "IAS"),
    )
    ports: tuple[FindingPort, ...] = field(default=(), metadata=told("The ports that are concerned."))
    held_by: tuple[HeldPort, ...] = field(default=(), metadata=told("Who holds these ports now and should not."))
    cause: str = field(
        metadata=told(
            "How it came to that.",
            "At its start the DNS server drew these ports for its socket pool before the service asked for them.",
        )
    )
    evidence: tuple[Evidence, ...] = field(metadata=told("What was seen. There is no finding without."))
    configured: bool | None = field(
        default=None,
        metadata=told(
            "Whether what is configured fixes it already. None where nothing could be configured, or it was not read.",
            True,
        ),
    )
    waits_for: t.Annotated[WaitsFor, OPEN] | None = field(
        default=None,
        metadata=told(
            "What the configured fix waits for. V(reboot), V(dns_restart), V(boot) (a delayed start), V(holder) "
            "(that the holder gives the port back), or none.",
            "dns_restart",
        ),
    )
    fix: str = field(
        metadata=told(
            "What to do, as YAML to paste into a list of tasks. Comments alone where the collection only reports.",
            "# Report only. Renew the adapters' drivers.",
        )
    )
    source: str = field(metadata=told("Where the rule comes from.", "KB956188, KB956189, KB959215; field reports"))
