# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The protection of a port against its present holder: if it is configured already, and the event that it waits for."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.service_start_mode import (
    current_mode,
    pulled_forward_by,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import Ports, Standing
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import HeldAs
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    ExclusionsFact,
    FactUnread,
    Protocol,
    ServiceFact,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import pool_settings
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

UNCONFIGURED: t.Final[Standing] = {"configured": False, "waits_for": None}
UNKNOWN: t.Final[Standing] = {"configured": None, "waits_for": None}


def standing(ports: Ports, held_as: HeldAs, view: PortInfoView) -> Standing:
    """For the ports that are lost, against the way in which they were taken; raises FactsNeeded."""
    try:
        return _standing(ports, held_as, view)
    except FactUnread:
        return UNKNOWN


def _standing(ports: Ports, held_as: HeldAs, view: PortInfoView) -> Standing:
    if view.context.capabilities.reserved_ports_value:
        return _if(_all_in(ports, {"tcp": reserved(view), "udp": reserved(view)}), "reboot")
    if held_as == "dns_pool":
        return _against_the_pool(ports, view)
    return _if(_all_in(ports, excluded(view)), "holder")


def reserved(view: PortInfoView) -> PortSet:
    """The ports that ReservedPorts surely keeps back from the next boot on; raises FactsNeeded."""
    return PortList(texts(view.facts[RESERVED_PORTS_FACT])).reliable


def excluded(view: PortInfoView) -> dict[Protocol, PortSet]:
    """The ports that an administrator excluded for good, none if netsh has no such verb; raises FactsNeeded."""
    blocks = view.facts[ExclusionsFact()] if view.context.capabilities.excluded_port_ranges != "no" else None
    if blocks is None:
        return {}
    return {protocol: blocks.reserved(protocol) for protocol in PROTOCOLS}


def _against_the_pool(ports: Ports, view: PortInfoView) -> Standing:
    if view.context.capabilities.dns_pool_exclusions:
        return _if(ports.get("udp", PortSet()) <= pool_settings(view.facts).exclusions.ports, "dns_restart")
    dns = view.facts[ServiceFact(DNS_SERVICE)]
    if dns is None:
        return UNCONFIGURED
    view.facts.require(delayed_flag(dns.name))
    delayed = current_mode(dns, view.context) == "delayed"
    return _if(delayed and not pulled_forward_by(dns.name, view.context), "boot")


def _all_in(ports: Ports, kept: t.Mapping[Protocol, PortSet]) -> bool:
    return all(found <= kept.get(protocol, PortSet()) for protocol, found in ports.items())


def _if(configured: bool, waits_for: WaitsFor) -> Standing:
    return {"configured": True, "waits_for": waits_for} if configured else UNCONFIGURED
