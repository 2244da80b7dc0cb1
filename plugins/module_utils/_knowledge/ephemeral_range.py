# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The range that Windows itself draws ephemeral ports from, and its limits: the rules of the TCP/IP stack."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    DynamicRanges,
    Protocol,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import DEFAULT_POOL_RANGE
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortRange, PortSet

FIRST_EPHEMERAL: t.Final = 1025
"""Ephemeral ports begin here on NT 5.x, and no dynamic range may begin earlier since (KB929851)."""
DEFAULT_MAX_USER_PORT: t.Final = 5000
LEAST_MAX_USER_PORT: t.Final = 5000
MOST_MAX_USER_PORT: t.Final = 65534
"""MaxUserPort on NT 5.x: 5,000 to 65,534, the default is 5000 (Microsoft cc758002)."""
LEAST_DYNAMIC_NUMBER: t.Final = 255
"""The smallest dynamic range that netsh takes from 6.0 on (KB929851)."""


class RangeOfSetup(t.NamedTuple):
    """The dynamic range that the setup of a product leaves from 6.0 on, for TCP and UDP."""

    product: str
    ports: PortRange
    source: str


RANGES_OF_SETUPS: t.Final = (
    RangeOfSetup("Exchange 2007", PortRange(1025, 60000), "[D KB929851]"),
    RangeOfSetup(
        "Exchange 2010 (Client Access)",
        PortRange(6005, 6005 + 59530 - 1),
        "start and number [D TechNet wiki 864], which calls 60554 the highest port; seen in a report of 2010 [T]",
    ),
)
"""They pull ports below 49152 back into the draw."""


def as_set_by(ports: PortRange) -> str:
    """The product whose setup leaves this range, as a clause after it; empty if none is known."""
    known = next((row for row in RANGES_OF_SETUPS if row.ports == ports), None)
    return f", as the setup of {known.product} sets it" if known else ""


def range_by_max_user_port(highest: int | None) -> PortRange:
    """The range on NT 5.x; ``None``: MaxUserPort is not set. Values outside the limits count as the nearest limit."""
    last = DEFAULT_MAX_USER_PORT if highest is None else highest
    return PortRange(FIRST_EPHEMERAL, min(max(last, LEAST_MAX_USER_PORT), MOST_MAX_USER_PORT))


def drawn_by_programs(ranges: DynamicRanges | None, protocol: Protocol) -> PortSet:
    """The range of ephemeral ports from 6.0 on, of either family; ``None``: netsh shows no ranges."""
    if ranges is None:
        return PortSet.of(DEFAULT_POOL_RANGE)
    return PortSet.of(*(ranges.of(family, protocol) for family in FAMILIES))


def why_no_max_user_port(number: int) -> str:
    """The reason why a number can't be MaxUserPort, as the end of a sentence; empty if it can."""
    if LEAST_MAX_USER_PORT <= number <= MOST_MAX_USER_PORT:
        return ""
    return f"MaxUserPort goes from {LEAST_MAX_USER_PORT} to {MOST_MAX_USER_PORT}"


def why_no_dynamic_range(start: int, number: int) -> tuple[str, str] | None:
    """The one of ``start`` and ``number`` that no dynamic range can have, with the reason; ``None``: both can be."""
    if not FIRST_EPHEMERAL <= start <= HIGHEST_PORT:
        return "start", f"a dynamic range begins between {FIRST_EPHEMERAL} and {HIGHEST_PORT} (KB929851)"
    if number < LEAST_DYNAMIC_NUMBER:
        return "number", f"a dynamic range has at least {LEAST_DYNAMIC_NUMBER} ports (KB929851)"
    if start + number - 1 > HIGHEST_PORT:
        return "number", f"the range would end at {start + number - 1}, beyond {HIGHEST_PORT}"
    return None
