# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The range of the DNS server's socket pool: the release's rule, MaxUserPort and the dynamic port range."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import as_set_by
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DynamicRangesFact,
    Fact,
    Facts,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    CONTESTED,
    DEFAULT_POOL_RANGE,
    Capabilities,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import MAX_USER_PORT_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortRange, PortSet

Rule = t.Literal["default", "dynamic_range", "max_user_port", "count_from_start"]


class PoolRange(t.NamedTuple):
    """The range, the rule that it follows from, and a sentence that says so.

    ``contested``: the sources disagree about this rule, or none confirms it.
    """

    ports: PortRange
    rule: Rule
    reason: str
    contested: bool = False


def max_user_port(facts: Facts) -> int | None:
    """The registry value MaxUserPort; ``None`` if it is absent or no number. Raises FactsNeeded."""
    return number(facts[MAX_USER_PORT_FACT])


def pool_range(capabilities: Capabilities, highest: int | None, dynamic_udp: PortRange | None) -> PoolRange:
    """The range that the pool is drawn from.

    Args:
        capabilities: of the release.
        highest: MaxUserPort, ``None`` if it is not set.
        dynamic_udp: the dynamic range for UDP, if the release has one that can be set.
    """
    if highest is None:
        return _usual(dynamic_udp)
    if capabilities.dns_pool_range == "max_user_port":
        reason = f"MaxUserPort is {highest}: the DNS server draws from {LOWEST_DRAWN_PORT} to that port."
        return PoolRange(_up_to(highest), "max_user_port", reason)
    start = (dynamic_udp or DEFAULT_POOL_RANGE).first
    reason = f"MaxUserPort is {highest}, taken as a count from {start}; {CONTESTED['dns_pool_range']}."
    return PoolRange(PortRange(start, min(start + highest, HIGHEST_PORT)), "count_from_start", reason, contested=True)


def pool_range_questions(capabilities: Capabilities) -> list[Fact[t.Any]]:
    """The questions of ``configured_pool_range``."""
    return [MAX_USER_PORT_FACT, *([DynamicRangesFact()] if capabilities.dynamic_port_ranges else [])]


def configured_pool_range(facts: Facts, capabilities: Capabilities) -> PoolRange:
    """The range that a server draws the next pool from, as it is configured now; raises FactsNeeded."""
    ranges = facts[DynamicRangesFact()] if capabilities.dynamic_port_ranges else None
    return pool_range(capabilities, max_user_port(facts), ranges.udp if ranges else None)


def range_by_the_other_reading(capabilities: Capabilities, highest: int | None) -> PortRange | None:
    """The range of the pool if MaxUserPort were the highest port; ``None`` if the range is not contested."""
    return _up_to(highest) if highest is not None and capabilities.dns_pool_range == "count_from_start" else None


def ports_of_next_pools(facts: Facts, capabilities: Capabilities) -> PortSet:
    """Every port that a pool may be drawn from, by either reading where the sources disagree; raises FactsNeeded."""
    facts.require(*pool_range_questions(capabilities))
    other = range_by_the_other_reading(capabilities, max_user_port(facts))
    return PortSet.of(configured_pool_range(facts, capabilities).ports, *([other] if other else []))


def _up_to(highest: int) -> PortRange:
    return PortRange(LOWEST_DRAWN_PORT, min(max(highest, LOWEST_DRAWN_PORT), HIGHEST_PORT))


def _usual(dynamic_udp: PortRange | None) -> PoolRange:
    """Without MaxUserPort; that it is the same range on NT 5.x is [K] unverified."""
    if dynamic_udp is None or dynamic_udp == DEFAULT_POOL_RANGE:
        return PoolRange(DEFAULT_POOL_RANGE, "default", f"MaxUserPort is not set: the default, {DEFAULT_POOL_RANGE}.")
    reason = (
        f"MaxUserPort is not set and the dynamic UDP range was changed to {dynamic_udp}{as_set_by(dynamic_udp)}; that "
        "the DNS server follows it is not documented."
    )
    return PoolRange(dynamic_udp, "dynamic_range", reason, contested=True)
