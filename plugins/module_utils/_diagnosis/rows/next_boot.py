# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of two subsets of ``port_info``: the settings in force, and the risk of the next boot."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Effective
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import WaitsFor, comes_by_itself
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.next_boot import DnsStart, Presence
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import (
    OPEN,
    Port,
    Probability,
    one_of,
    told,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

Resource = t.Literal["reserved_ports", "dns_socket_pool", "dynamic_ports", "static_rpc_port", "service_start_mode"]
ChangeName = t.Literal[
    "reserved_ports",
    "excluded_from_pool",
    "delayed_dns",
    "netsh_exclusions",
    "without_max_user_port",
    "default_dynamic_range",
    "small_pool",
]
TakesEffect = t.Literal["reboot", "dns_restart", "at_once"]
_RESOURCES: t.Final[t.Mapping[Resource, str]] = {
    "reserved_ports": "reserved ports",
    "dns_socket_pool": "DNS socket pool",
    "dynamic_ports": "dynamic ports",
    "static_rpc_port": "fixed RPC port",
    "service_start_mode": "start mode",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveRow:
    """One thing that is configured, and whether it is in force."""

    resource: t.Annotated[Resource, OPEN] = field(metadata=told(f"{one_of(t.get_args(Resource))}.", "reserved_ports"))
    part: str = field(
        metadata=told(
            "V(ReservedPorts), V(netsh), V(size), V(excluded_ports), V(max_user_port), V(tcp), V(udp), a service "
            "as M(portkeeper.windows.static_rpc_port) calls it, or the key name of a service.",
            "ReservedPorts",
        )
    )
    configured: t.Any = field(
        metadata=told(
            "What is configured. A list of ranges, with netsh one for each protocol, a size, a range, a port, or "
            "a start mode.",
            ["50389-50389", "50636-50636"],
        )
    )
    effective: t.Annotated[Effective, OPEN] = field(
        metadata=told("Whether it is in force now - V(yes), V(no) or V(unknown).", "no")
    )
    reason: str = field(
        metadata=told(
            "Why, in a sentence. May be empty.", "Windows reads ReservedPorts at boot: it waits for a reboot."
        )
    )
    waits_for: t.Annotated[WaitsFor, OPEN] | None = field(
        metadata=told(
            "V(reboot), V(dns_restart), V(service_restart), V(owner) (a stop of the owner of a port that is in "
            "use), V(holder) (of another process that has it), all of which somebody must do; V(boot) (a delayed "
            "start), which the next boot does by itself, with nothing at risk before it; or none.",
            "reboot",
        )
    )
    reboot_required: bool = field(metadata=told("Whether the server must be rebooted for it.", True))
    restart_required: bool = field(metadata=told("Whether DNS must be restarted for it.", False))

    @property
    def what(self) -> str:
        """The configured setting, in words."""
        return f"{_RESOURCES.get(self.resource, self.resource)} ({self.part})"

    @property
    def by_itself(self) -> bool:
        """True if it comes into force without an action of an administrator."""
        return comes_by_itself(self.waits_for)

    @property
    def is_due(self) -> bool:
        """True if an administrator must act; False if it is not known whether the setting is in force."""
        return self.effective == "no" and not self.by_itself


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRisk:
    """The odds of a service that needs UDP ports."""

    service: str = field(metadata=told("Key name.", "ADAM_MSExchange"))
    product: str = field(metadata=told("The catalogue's key.", "ad_lds"))
    udp: tuple[str, ...] = field(metadata=told("The UDP ports that it needs.", ["50389-50389", "50636-50636"]))
    start_order: str = field(
        metadata=told("V(after_dns), V(before_dns), or V(unknown), which counts as after.", "unknown")
    )
    probability: Probability | None = field(
        metadata=told(
            "That it loses at least one. None for a service that takes any free port out of its range (WDS).", 0.281911
        )
    )
    after: t.Mapping[str, Probability | None] = field(
        metadata=told(
            "The same after each of RV(risk.candidates), by its name.",
            {"excluded_from_pool": 0.0, "small_pool": 0.006094},
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PortRisk:
    """The odds of a needed port."""

    protocol: Protocol = field(metadata=told("Always V(udp). The pool has no other.", "udp"))
    port: Port = field(metadata=told("The port.", 50636))
    service: str = field(metadata=told("Key name of the service that needs it.", "ADAM_MSExchange"))
    product: str = field(metadata=told("The catalogue's key.", "ad_lds"))
    probability: Probability | None = field(metadata=told("That the pool takes it before its service does.", 0.152588))
    reason: str = field(metadata=told("Why, in a sentence.", "2500 of 16384 ports are drawn."))
    after: t.Mapping[str, Probability] = field(
        metadata=told(
            "The same after each of RV(risk.candidates), by its name.",
            {"excluded_from_pool": 0.0, "small_pool": 0.003052},
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """Something that could be changed, and what the risk would be then."""

    name: t.Annotated[ChangeName, OPEN] = field(
        metadata=told(f"{one_of(t.get_args(ChangeName))}.", "excluded_from_pool")
    )
    probability: Probability | None = field(metadata=told("That at least one service loses a port after it.", 0.0))
    advised: bool = field(
        metadata=told("Whether it is a documented fix. The others are here because people try them.", True)
    )
    takes_effect: t.Annotated[TakesEffect, OPEN] = field(
        metadata=told(f"{one_of(t.get_args(TakesEffect))}.", "dns_restart")
    )
    how: str = field(metadata=told("What to do.", "portkeeper.windows.dns_socket_pool with excluded_ports"))
    note: str = field(metadata=told("What to know about it.", "The DNS server leaves these ports alone."))


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRow:
    """A rule that is not certain, and the risk if it is otherwise."""

    name: str = field(metadata=told("The rule.", "start_order"))
    sentence: str = field(
        metadata=told("What is taken to be so.", "The DNS server is assumed to ignore netsh's administered exclusions.")
    )
    probability: Probability | None = field(metadata=told("The server's probability if it is otherwise.", 0.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRow:
    """The risk of the next boot, now and after each thing that could be changed."""

    probability: Probability | None = field(
        metadata=told("That at least one service loses a port, from 0 to 1.", 0.281911)
    )
    formula: str = field(
        metadata=told(
            "How it was computed, with binomial coefficients. Empty where nothing can be lost.",
            "1 - C(16382, 2500) / C(16384, 2500)",
        )
    )
    reason: str = field(
        metadata=told(
            "Where the pool is drawn from, or why none is.", "MaxUserPort is not set: the default, 49152-65535."
        )
    )
    pool: t.Annotated[Presence, OPEN] = field(
        metadata=told(
            "Whether the DNS server has a pool. V(always), V(confirmed), V(assumed), or V(not_seen) where it runs and "
            "holds far too few sockets for one.",
            "always",
        )
    )
    dns_start: t.Annotated[DnsStart, OPEN] = field(
        metadata=told(
            "V(auto), V(delayed), V(by_hand) or V(not_installed). A delayed start that Windows does not keep, "
            "because an automatic service depends on DNS, is V(auto).",
            "auto",
        )
    )
    drawn: int = field(metadata=told("How many ports the pool draws.", 2500))
    drawable: int = field(metadata=told("From how many ports they are drawn.", 16384))
    range: PortRange | None = field(
        metadata=told("The range that they are drawn from, before ports that are left alone or in use.")
    )
    range_contested: bool = field(
        metadata=told("Whether the sources disagree about this range, or none confirms it.", False)
    )
    in_use_known: bool = field(
        metadata=told(
            "Whether ports in use by others are taken off the range. Only where all sockets are gathered.", False
        )
    )
    services: tuple[ServiceRisk, ...] = field(metadata=told("One row for each service that needs UDP ports."))
    ports: tuple[PortRisk, ...] = field(metadata=told("One row for each needed port."))
    candidates: tuple[ChangeRow, ...] = field(
        metadata=told(
            "What could be changed on this release, each by itself and taken to be in force at the next boot."
        )
    )
    doubts: tuple[DoubtRow, ...] = field(
        metadata=told(
            "Rules that the figure rests on and that are contested or not documented, as far as they matter here."
        )
    )

    @property
    def at_risk(self) -> tuple[str, ...]:
        """The services that may lose a port, each once."""
        return tuple(dict.fromkeys(row.service for row in self.services if row.probability))

    @property
    def best(self) -> ChangeRow | None:
        """The advised change after which the risk is smallest."""
        known = [row for row in self.candidates if row.advised and row.probability is not None]
        return min(known, key=lambda row: row.probability or 0.0, default=None)
