# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS server's socket pool: its settings, and the range that it is drawn from."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import DnsPoolRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryValue, ServiceFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import (
    configured_pool_range,
    pool_range_questions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    PoolSettings,
    pool_settings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DNS_NAMES_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
)


def dns_pool(view: PortInfoView) -> SubsetAnswer:
    """The pool; ``None`` where the DNS server is not installed."""
    view.facts.require(ServiceFact(DNS_SERVICE), DNS_NAMES_FACT, *pool_range_questions(view.context.capabilities))
    service = view.dns_service()
    if service is None:
        return SubsetAnswer(None)
    found, drawn = pool_settings(view.facts), configured_pool_range(view.facts, view.context.capabilities)
    excluded = found.exclusions
    value = DnsPoolRow(
        state=service.state,
        start_mode=service.start_mode,
        process_id=service.process_id,
        size=found.effective_size,
        configured_size=found.configured_size,
        excluded_ports=excluded.entries,
        unreadable=excluded.unreadable,
        excluded_ports_supported=view.context.capabilities.dns_pool_exclusions,
        dead_value=found.has_dead_value,
        range=drawn.ports,
        range_rule=drawn.rule,
        range_reason=drawn.reason,
        range_contested=drawn.contested,
        sockets_held=view.pool_sockets_seen(),
    )
    return SubsetAnswer(value, _wrong_types(found))


def _wrong_types(found: PoolSettings) -> tuple[str, ...]:
    readings = ((POOL_SIZE_FACT, found.size), (POOL_EXCLUSIONS_FACT, found.excluded))
    return tuple(
        f"{fact.name} is of type {reading.type.name}; the DNS server reads {fact.type.name}, so it counts as absent."
        for fact, reading in readings
        if isinstance(reading, RegistryValue) and reading.type is not fact.type
    )
