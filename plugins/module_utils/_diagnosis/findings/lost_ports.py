# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are down because another program had their port: its holder, the cause, and the fix."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder, held_sentence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import ERROR_MEANINGS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings import connections
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    held_as,
    holders_on,
    in_wrong_hands,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.failed_services import (
    FailedService,
    victims,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    Ports,
    Standing,
    finding_ports,
    of_kind,
    ports_text,
    socket_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import relief, report_only
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.protection import standing
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.waiting_services import (
    with_waiting,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import (
    Evidence,
    Finding,
    HeldAs,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KindName, Severity
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    ExclusionsFact,
    FactUnread,
    Protocol,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.windows_blocks import holder_of_block
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

FORBIDDEN: t.Final = 10013
_KINDS: t.Final[t.Mapping[HeldAs, KindName]] = {
    "dns_pool": "port_taken_by_dns_pool",
    "lsass_rpc": "port_taken_by_rpc",
    "outgoing_connection": "port_taken_by_connection",
    "other": "port_taken_by_process",
}
"""By the way in which the port was taken; if there are several, the first in this order names the finding."""
_CAUSES: t.Final = {
    "dns_pool": "At its start the DNS server drew these ports for its socket pool before the service asked for them.",
    "lsass_rpc": "Windows gave the port to an RPC endpoint of lsass.exe, out of the range that ports are drawn from, "
    "before the service asked for it.",
    "other": "The process had the port before the service asked for it: by chance, out of the range that ports are "
    "drawn from, or because it asks for this very port.",
}


def lost_ports(view: PortInfoView) -> list[Finding]:
    """One finding for each service that is down for the sake of a port; raises FactsNeeded."""
    found = victims(view)
    asked: Ports = {
        protocol: PortSet(tuple(item for one in found for item in one.ports.get(protocol, NO_PORTS).ranges))
        for protocol in PROTOCOLS
    }
    # Every holder of its ports: the service is down, so none of them is the owner.
    diagnoses = [(one, _LostPorts(one, _holders(one, asked, view), view).diagnosis()) for one in found]
    return [with_waiting(diagnosis, one, view) for one, diagnosis in diagnoses]


def _holders(victim: FailedService, asked: Ports, view: PortInfoView) -> tuple[Holder, ...] | None:
    """``None`` if the sockets can't be read."""
    try:
        return holders_on(victim.ports, view, among=asked)
    except FactUnread:
        return None


@dataclasses.dataclass(frozen=True, slots=True)
class _LostPorts:
    """One victim and who has its ports."""

    victim: FailedService
    intruders: tuple[Holder, ...] | None
    view: PortInfoView

    def diagnosis(self) -> Finding:
        if not self.victim.ports:
            return self._unknown()
        if self.intruders:
            return self._taken(self.intruders)
        return self._blocked() or (self._unseen() if self.intruders is None else self._free_again())

    def _taken(self, intruders: tuple[Holder, ...]) -> Finding:
        ways = {held_as(holder) for holder in intruders}
        way = next(way for way in _KINDS if way in ways)
        taken = _by_protocol(intruders)
        held_by = in_wrong_hands(intruders)
        return Finding(
            **of_kind(_KINDS[way], self._severity()),
            summary=f"{self._name()} is down: {held_sentence(intruders)}.",
            cause=self._cause(way, taken),
            evidence=(*self.victim.evidence, *map(socket_evidence, intruders)),
            service=self.victim.service.name,
            ports=finding_ports(taken),
            held_by=held_by,
            **standing(taken, way, self.view),
            fix=relief(self.victim.service, self.victim.product, self.victim.ports, held_by, self.view.context),
        )

    def _cause(self, way: HeldAs, taken: Ports) -> str:
        return connections.cause(taken["tcp"], self.view) if way == "outgoing_connection" else _CAUSES[way]

    def _blocked(self) -> Finding | None:
        if self.victim.error != FORBIDDEN or self.view.context.capabilities.excluded_port_ranges == "no":
            return None
        rows = _windows_blocks(self.victim.ports, self.view)
        if not rows:
            return None
        shown = ", ".join(f"{protocol.upper()} {block.ports}" for protocol, block in rows)
        holder = holder_of_block(*rows[0], self.view.facts)
        return Finding(
            **of_kind("port_in_windows_block", self._severity()),
            summary=f"{self._name()} is down: Windows keeps {shown} for itself.",
            cause="A part of Windows took a block of ports for itself at run time; no other program can bind in it. It "
            f"is {holder.name}. The block may be another one after each boot.",
            evidence=(*self.victim.evidence, Evidence("netsh", f"{shown}, without * (not added by an administrator)")),
            service=self.victim.service.name,
            ports=finding_ports(self.victim.ports),
            fix=report_only(f"{holder.remedy}.") + self._relief(),
        )

    def _unseen(self) -> Finding:
        return Finding(
            **of_kind("port_taken_by_unknown", self._severity()),
            summary=f"{self._name()} is down since its port was taken (error {self.victim.error}); who holds "
            f"{ports_text(self.victim.ports)} now could not be read.",
            cause="When it started, one of its ports was taken. Who holds them now could not be read.",
            evidence=self.victim.evidence,
            service=self.victim.service.name,
            ports=finding_ports(self.victim.ports),
            **self._standing_against_pool(),
            fix=self._relief(),
        )

    def _free_again(self) -> Finding:
        error = ERROR_MEANINGS.get(self.victim.error, "")
        return Finding(
            **of_kind("port_was_taken", self._severity()),
            summary=f"{self._name()} is down since its port was taken; {ports_text(self.victim.ports)} is free now.",
            cause=f"When it started, one of its ports was taken (error {self.victim.error}: {error}). Whoever had it "
            "has given it back since.",
            evidence=(*self.victim.evidence, Evidence("socket", f"nobody holds {ports_text(self.victim.ports)}")),
            service=self.victim.service.name,
            ports=finding_ports(self.victim.ports),
            **self._standing_against_pool(),
            fix=self._relief(),
        )

    def _unknown(self) -> Finding:
        return Finding(
            **of_kind("service_lost_unknown_port", self._severity()),
            summary=f"{self._name()} is down because a port was taken (error {self.victim.error}).",
            cause=f"Another process had one of its ports, or Windows keeps it. {self._needs()}",
            evidence=self.victim.evidence,
            service=self.victim.service.name,
            fix=report_only(
                "Find out which ports it needs, then who has them: ansible HOST -m portkeeper.windows.port_info "
                "-a ports=NUMBER",
            )
            + self._relief(),
        )

    def _needs(self) -> str:
        product = self.victim.product
        if product:
            return f"It needs a free one out of {product.ports_text}, or another one that is not known here."
        return "Which ports it needs is not known to this collection."

    def _relief(self) -> str:
        return relief(self.victim.service, self.victim.product, self.victim.ports, (), self.view.context)

    def _standing_against_pool(self) -> Standing:
        udp = self.victim.ports.get("udp", PortSet())
        return standing({"udp": udp} if udp else self.victim.ports, "dns_pool" if udp else "other", self.view)

    def _name(self) -> str:
        service = self.victim.service
        return service.name if service.display_name == service.name else f"{service.name} ({service.display_name})"

    def _severity(self) -> Severity | None:
        """A service that does not start automatically is not missed."""
        return None if self.victim.service.start_mode == "Auto" else "warning"


def _by_protocol(holders: t.Iterable[Holder]) -> Ports:
    found: dict[t.Any, PortSet] = {}
    for holder in holders:
        found[holder.protocol] = found.get(holder.protocol, PortSet()) | PortSet.of(holder.port)
    return found


def _windows_blocks(ports: Ports, view: PortInfoView) -> list[tuple[Protocol, ExclusionBlock]]:
    exclusions = view.facts.optional(ExclusionsFact(), None)
    if exclusions is None:
        return []
    return [
        (protocol, block)
        for protocol, wanted in sorted(ports.items())
        for block in exclusions.of(protocol)
        if not block.administered and not PortSet.of(block.ports).isdisjoint(wanted)
    ]
