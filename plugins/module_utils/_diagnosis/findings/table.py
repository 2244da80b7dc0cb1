# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info``: all findings, gathered from a table of small functions."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.account import (
    filtered_administrators,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.activesync import activesync
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.block_mode import (
    block_mode,
    block_mode_danger,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.dns_port import dns_victim
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import events_question
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.exchange_2007 import (
    autodiscover,
    unsupported,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.failed_services import FAILED_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixed_rpc_ports import (
    colliding,
    service_questions,
    taken,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.lost_ports import lost_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.network import retransmits
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.transfer_agent import (
    transfer_agent,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.used_up_ranges import (
    used_up_pool_range,
    used_up_program_ranges,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.void_delay import void_delay
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.wrong_settings import (
    dead_value,
    ignored_reservations,
    missing_update,
    passing_exclusions,
    pool_size,
    touching_reservations,
    wrong_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import (
    known_service_questions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import SEVERITIES, KindName
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import Gap, PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    FactUnread,
    ServiceFact,
    TcpSegmentsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_SERVICE,
)

Finder = t.Callable[[PortInfoView], list[Finding]]
"""Raises FactsNeeded for what is not read yet, and FactUnread for what can't be read."""

FINDERS: t.Final[t.Mapping[Finder, tuple[KindName, ...]]] = {
    lost_ports: (
        "port_taken_by_dns_pool",
        "port_taken_by_rpc",
        "port_taken_by_connection",
        "port_taken_by_process",
        "port_taken_by_unknown",
        "port_in_windows_block",
        "port_was_taken",
        "service_lost_unknown_port",
    ),
    activesync: ("activesync_port_taken",),
    dns_victim: ("dns_is_victim",),
    block_mode: ("ipsec_block_mode",),
    block_mode_danger: ("ipsec_block_mode_danger",),
    taken: ("static_rpc_port_taken",),
    colliding: ("static_rpc_ports_collide",),
    transfer_agent: ("mta_endpoint_failed",),
    pool_size: ("pool_size_small",),
    dead_value: ("dead_pool_value",),
    void_delay: ("delayed_start_void",),
    wrong_max_user_port: ("max_user_port_out_of_range",),
    ignored_reservations: ("reserved_ports_ignored",),
    touching_reservations: ("reserved_ports_touch",),
    passing_exclusions: ("exclusion_until_boot",),
    missing_update: ("dns_update_missing",),
    used_up_program_ranges: ("range_nearly_used_up",),
    used_up_pool_range: ("range_nearly_used_up",),
    autodiscover: ("dotnet_breaks_autodiscover",),
    unsupported: ("exchange_2007_on_2008r2",),
    retransmits: ("network_retransmits",),
    filtered_administrators: ("administrator_filtered",),
}
"""Each with the kinds of findings that it makes."""


def findings(view: PortInfoView) -> SubsetAnswer:
    """Everything that is wrong, worst first; the questions of all finders are asked together. Raises FactsNeeded.

    A finder whose answers can't be read costs its own kinds of findings and no others.
    """
    view.facts.require(*_first_questions(view))
    looks = gathered(functools.partial(_looked, finder, view) for finder in FINDERS)
    gaps = tuple(look for look in looks if isinstance(look, Gap))
    if len(gaps) == len(FINDERS):
        return SubsetAnswer(None, gaps=(Gap(gaps[0].fact, "findings"),))
    found = [item for look in looks if not isinstance(look, Gap) for item in look]
    return SubsetAnswer(tuple(sorted(_distinct(found), key=_worst_first)), gaps=gaps)


def _worst_first(found: Finding) -> tuple[int, str, str]:
    if not found.evidence:
        raise ValueError(f"a finding of the kind {found.kind} has no evidence")
    return SEVERITIES.index(found.severity), found.kind, found.service.casefold()


def _looked(finder: Finder, view: PortInfoView) -> list[Finding] | Gap:
    """The findings of one finder, or the gap that it left."""
    try:
        return finder(view)
    except FactUnread as gap:
        return Gap(gap.fact, "findings", FINDERS[finder])


def _first_questions(view: PortInfoView) -> list[Fact[t.Any]]:
    """Every service that is asked about in one query, with those that failed."""
    ipsec = [ServiceFact(IPSEC_SERVICE)] if view.context.capabilities.ipsec_block_mode else []
    services = [ServiceFact(DNS_SERVICE), *ipsec, *known_service_questions(view.context), *service_questions(view)]
    return [*services, FAILED_FACT, events_question("System", view), TcpSegmentsFact()]


def _distinct(found: list[Finding]) -> list[Finding]:
    """A block mode says all that the lost port of IPSEC Services would say once more."""
    blocked = {item.service for item in found if item.kind == "ipsec_block_mode"}
    return [item for item in found if item.service not in blocked or not item.kind.startswith("port_")]
