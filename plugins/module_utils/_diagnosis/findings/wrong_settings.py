# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values that are wrong, dead or dangerous, independent of what runs now."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    Ports,
    finding_ports,
    of_kind,
    ports_text,
    service_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import report_only
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.protection import excluded
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.pool_presence import pool_presence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import (
    Evidence,
    Finding,
    FindingPort,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import DNS_PORT, PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import (
    LEAST_MAX_USER_PORT,
    MOST_MAX_USER_PORT,
    why_no_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    ExclusionsFact,
    RegistryValue,
    UpdatesFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    DEFAULT_POOL_SIZE,
    POOL_UPDATES,
    pool_settings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DEAD_EXCLUSIONS_NAME,
    DNS_NAMES_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

MOST_LISTED: t.Final = 64
"""Ports that a finding lists one by one; ranges stand in its evidence."""
OTHER_TENANTS: t.Final = PortSet.of(1801, 3343)
"""Entries that setups leave in ReservedPorts on any release: Message Queuing [C], the cluster service [T]."""


def pool_size(view: PortInfoView) -> list[Finding]:
    """A pool smaller than the default; raises FactsNeeded."""
    if view.dns_service() is None:
        return []
    size = pool_settings(view.facts).effective_size
    if size >= DEFAULT_POOL_SIZE:
        return []
    forged = "every query leaves from one port" if size == 0 else f"there are only {size} ports to guess from"
    task = {
        "name": "Give the DNS server its default pool back; keep ports from it with excluded_ports instead",
        "portkeeper.windows.dns_socket_pool": {"size": "default", "restart": True},
    }
    return [
        Finding(
            **of_kind("pool_size_small", "critical" if size == 0 else None),
            summary=f"The DNS server's socket pool has {size} sockets; the default is {DEFAULT_POOL_SIZE}.",
            cause=f"Somebody set SocketPoolSize, so {forged}, and forged answers get through more easily (MS08-037).",
            evidence=(Evidence("registry", f"SocketPoolSize is {size}"),),
            service="DNS",
            fix=tasks(task),
        )
    ]


def dead_value(view: PortInfoView) -> list[Finding]:
    """A value by a name that one article of 2009 made up; raises FactsNeeded."""
    if view.dns_service() is None or not pool_settings(view.facts).has_dead_value:
        return []
    supported = view.context.capabilities.dns_pool_exclusions
    instead = "Give its ports to dns_socket_pool (excluded_ports), then delete it." if supported else "Delete it."
    return [
        Finding(
            **of_kind("dead_pool_value"),
            summary=f"{DEAD_EXCLUSIONS_NAME} is set, which no Windows reads.",
            cause="The name stands in one article of 2009 only. The DNS server's list is SocketPoolExcludedPortRanges, "
            "from Windows Server 2008 R2 on.",
            evidence=(Evidence("registry", rf"HKLM\{DNS_NAMES_FACT.key}, value {DEAD_EXCLUSIONS_NAME}"),),
            service="DNS",
            fix=report_only(instead),
        )
    ]


def wrong_max_user_port(view: PortInfoView) -> list[Finding]:
    """On NT 5.x, where the TCP/IP stack reads the value; raises FactsNeeded."""
    if view.context.capabilities.dynamic_port_ranges:
        return []
    highest = max_user_port(view.facts)
    if highest is None or not why_no_max_user_port(highest):
        return []
    nearest = min(max(highest, LEAST_MAX_USER_PORT), MOST_MAX_USER_PORT)
    task = {
        "name": "Set MaxUserPort to the nearest number that Windows documents, or to default",
        "portkeeper.windows.dynamic_ports": {"max_user_port": nearest},
    }
    return [
        Finding(
            **of_kind("max_user_port_out_of_range"),
            summary=f"MaxUserPort is {highest}; Windows documents {LEAST_MAX_USER_PORT} to {MOST_MAX_USER_PORT}.",
            cause="What Windows makes of a number outside of its limits is not documented; the DNS server reads the "
            "value too.",
            evidence=(Evidence("registry", f"MaxUserPort is {highest}"),),
            fix=tasks(task, comments=("In force after a reboot.",)),
        )
    ]


def _reserved_entries(view: PortInfoView) -> PortList:
    reading = view.facts[RESERVED_PORTS_FACT]
    data = reading.data if isinstance(reading, RegistryValue) else ()
    return PortList(data) if isinstance(data, tuple) else PortList()


def ignored_reservations(view: PortInfoView) -> list[Finding]:
    """ReservedPorts on a release that does not read it; raises FactsNeeded."""
    if view.context.capabilities.reserved_ports_value:
        return []
    ports = _reserved_entries(view).ports - OTHER_TENANTS
    if not ports:
        return []
    kept = excluded(view)
    covered = kept.get("tcp", PortSet()) & kept.get("udp", PortSet())
    in_pool = view.context.capabilities.dns_pool_exclusions and view.dns_service() is not None
    covered |= pool_settings(view.facts).exclusions.ports if in_pool else PortSet()
    left = ports - covered
    if not left:
        return []
    task = {
        "name": "Reserve them by what this Windows honours",
        "portkeeper.windows.reserved_ports": {"ports": left.texts()},
    }
    return [
        Finding(
            **of_kind("reserved_ports_ignored"),
            summary=f"ReservedPorts names {left}, but {view.context.release.name} ignores it.",
            cause="Windows reads ReservedPorts up to Server 2003 only (KB812873). Since then netsh's excluded port "
            "ranges do that, and the DNS server has a list of its own.",
            evidence=(Evidence("registry", f"ReservedPorts: {', '.join(_reserved_entries(view).entries)}"),),
            ports=finding_ports({"tcp": left, "udp": left}),
            fix=tasks(task),
        )
    ]


def touching_reservations(view: PortInfoView) -> list[Finding]:
    """ReservedPorts with entries that don't hold; raises FactsNeeded."""
    if not view.context.capabilities.reserved_ports_value:
        return []
    value = _reserved_entries(view)
    unsure = value.ports - value.reliable
    if not unsure:
        return []
    task = {"name": "Write them so that they hold", "portkeeper.windows.reserved_ports": {"ports": unsure.texts()}}
    return [
        Finding(
            **of_kind("reserved_ports_touch"),
            summary=f"ReservedPorts names {unsure}, but not so that it holds.",
            cause="Windows wants n-m on each line, and entries that touch each other are not reserved reliably; "
            "neighbours belong into one entry (KB812873).",
            evidence=(Evidence("registry", f"ReservedPorts: {', '.join(value.entries)}"),),
            ports=finding_ports({"tcp": unsure, "udp": unsure}),
            fix=tasks(task, comments=("In force after a reboot.",)),
        )
    ]


def passing_exclusions(view: PortInfoView) -> list[Finding]:
    """Ports that are excluded until the next boot only; raises FactsNeeded."""
    if view.context.capabilities.excluded_port_ranges == "no":
        return []
    exclusions = view.facts[ExclusionsFact()]
    blocks = {protocol: exclusions.until_boot(protocol) for protocol in PROTOCOLS} if exclusions else {}
    lost: Ports = {protocol: PortSet(found) for protocol, found in blocks.items() if found}
    if not lost:
        return []
    task = {
        "name": "Exclude them for good, if they are to stay excluded",
        "portkeeper.windows.reserved_ports": {
            "ports": [f"{item.text}/{protocol}" for protocol, found in lost.items() for item in found.ranges]
        },
    }
    return [
        Finding(
            **of_kind("exclusion_until_boot"),
            summary=f"{ports_text(lost)} is excluded until the next boot only.",
            cause="Somebody excluded the ports in netsh's active store (store=active); only what is in its persistent "
            "store outlives a boot.",
            evidence=tuple(
                Evidence("netsh", f"{protocol.upper()} {block} is in the active store alone")
                for protocol, found in blocks.items()
                for block in found
            ),
            ports=_few(lost),
            fix=tasks(task),
        )
    ]


def _few(ports: Ports) -> tuple[FindingPort, ...]:
    """The ports one by one, unless they are whole ranges."""
    return finding_ports(ports) if sum(found.count for found in ports.values()) <= MOST_LISTED else ()


def missing_update(view: PortInfoView) -> list[Finding]:
    """A DNS server without a pool that an update would give one; raises FactsNeeded."""
    found, dns = pool_presence(view), view.dns_service()
    if found.presence != "not_seen" or dns is None:
        return []
    unlisted = Evidence("update", f"Windows lists neither {' nor '.join(POOL_UPDATES)}")
    return [
        Finding(
            **of_kind("dns_update_missing"),
            summary="The DNS server has no socket pool: its update of 2008 (MS08-037) is missing.",
            cause="Without it the DNS server asks from one port, and forged answers get through. With it, ports of "
            "other services can be taken: reserve them first.",
            evidence=(
                *([unlisted] if view.facts.is_read(UpdatesFact()) else []),
                Evidence("socket", f"dns.exe holds {found.held} UDP ports beside {DNS_PORT}"),
                service_evidence(dns),
            ),
            service=dns.name,
            fix=report_only("Report only. Reserve the ports of the other services, then install the update."),
        )
    ]
