# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes that would improve the odds of the next boot, and the odds if a contested rule were otherwise.

Both are tables: each row turns one ``NextBoot`` into another one, whose odds are then computed in the same way.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import (
    ChangeName,
    TakesEffect,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import (
    delay_is_the_fix,
    way_out,
    why_void,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    DNS_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.next_boot import NextBoot
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    DEFAULT_POOL_RANGE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

SMALL_POOL: t.Final = 50
"""The size that an article of the time set, to make its tools readable; Microsoft's rule for DNS warns below 2500."""


def _no_obstacle(_boot: NextBoot) -> str:
    return ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that an administrator could change.

    ``advised``: it is the documented fix of this release. The change is taken to be in force at the next boot.
    """

    name: ChangeName
    takes_effect: TakesEffect
    advised: t.Callable[[NextBoot], bool]
    how: str
    note: str
    applies: t.Callable[[NextBoot], bool]
    change: t.Callable[[NextBoot], NextBoot]
    void: t.Callable[[NextBoot], str] = _no_obstacle
    """Why the change would come to nothing on this server, and what to do instead; empty if it would not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A rule that the figure rests on and that is not certain; ``otherwise`` is the server if the rule is wrong."""

    name: str
    sentence: str
    applies: t.Callable[[NextBoot], bool]
    otherwise: t.Callable[[NextBoot], NextBoot]


def _needed(boot: NextBoot) -> PortSet:
    ports = PortSet()
    for need in boot.needs:
        ports |= need.ports
    return ports


def _leave_alone(boot: NextBoot) -> NextBoot:
    return dataclasses.replace(boot, left_alone=boot.left_alone | _needed(boot))


def _always(_boot: NextBoot) -> bool:
    return True


def _never(_boot: NextBoot) -> bool:
    return False


def _has_pool(boot: NextBoot) -> bool:
    return boot.draws


def _has_changed_range(boot: NextBoot) -> bool:
    return boot.max_user_port is None and boot.dynamic_udp not in (None, DEFAULT_POOL_RANGE)


def _why_delay_is_void(boot: NextBoot) -> str:
    if not boot.pulled_by:
        return ""
    advice = way_out(DNS_SERVICE, boot.pulled_by, pool_exclusions=boot.capabilities.dns_pool_exclusions)
    return f"{why_void(DNS_SERVICE, boot.pulled_by)} {advice}"


CANDIDATES: t.Final[tuple[Candidate, ...]] = (
    Candidate(
        name="reserved_ports",
        takes_effect="reboot",
        advised=_always,
        how="portkeeper.windows.reserved_ports with these ports",
        note="ReservedPorts keeps everybody off by chance (KB812873, KB956188).",
        applies=lambda boot: _has_pool(boot) and boot.capabilities.reserved_ports_value,
        change=_leave_alone,
    ),
    Candidate(
        name="excluded_from_pool",
        takes_effect="dns_restart",
        advised=_always,
        how="portkeeper.windows.dns_socket_pool with excluded_ports",
        note="The DNS server leaves these ports alone.",
        applies=lambda boot: _has_pool(boot) and boot.capabilities.dns_pool_exclusions,
        change=_leave_alone,
    ),
    Candidate(
        name="delayed_dns",
        takes_effect="reboot",
        advised=lambda boot: delay_is_the_fix(boot.capabilities) and not boot.pulled_by,
        how="portkeeper.windows.service_start_mode with DNS delayed",
        note=(
            "A promise without a time, and void where an automatic service depends on DNS. A later restart of DNS can "
            "still take the port of a service that is stopped then. Delays name resolution, also for the directory."
        ),
        applies=lambda boot: _has_pool(boot) and boot.capabilities.delayed_start and boot.dns == "auto",
        change=lambda boot: boot if boot.pulled_by else dataclasses.replace(boot, dns="delayed"),
        void=_why_delay_is_void,
    ),
    Candidate(
        name="netsh_exclusions",
        takes_effect="at_once",
        advised=_never,
        how="portkeeper.windows.reserved_ports with the mechanism netsh",
        note="Keeps other programs off; that the DNS server honours it is documented nowhere, so nothing is gained.",
        applies=lambda boot: _has_pool(boot) and boot.capabilities.excluded_port_ranges != "no",
        change=lambda boot: dataclasses.replace(boot, netsh=boot.netsh | _needed(boot)),
    ),
    Candidate(
        name="without_max_user_port",
        takes_effect="reboot",
        advised=_never,
        how="take MaxUserPort out of the registry",
        note="Products that set it (Exchange 2003, ISA) need many ephemeral ports and may fail without.",
        applies=lambda boot: _has_pool(boot) and boot.max_user_port is not None,
        change=lambda boot: dataclasses.replace(boot, max_user_port=None),
    ),
    Candidate(
        name="default_dynamic_range",
        takes_effect="reboot",
        advised=_never,
        how=f"set the dynamic UDP range back to {DEFAULT_POOL_RANGE} by netsh",
        note="Products that widened it (Exchange 2007 and 2010) may need it; that the pool follows is not documented.",
        applies=lambda boot: _has_pool(boot) and _has_changed_range(boot),
        change=lambda boot: dataclasses.replace(boot, dynamic_udp=DEFAULT_POOL_RANGE),
    ),
    Candidate(
        name="small_pool",
        takes_effect="dns_restart",
        advised=_never,
        how=f"portkeeper.windows.dns_socket_pool with size {SMALL_POOL}",
        note="Fewer sockets make forged answers easier again (MS08-037), and the risk stays.",
        applies=lambda boot: _has_pool(boot) and boot.size > SMALL_POOL,
        change=lambda boot: dataclasses.replace(boot, size=SMALL_POOL),
    ),
)


def _without_twins(boot: NextBoot) -> NextBoot:
    return dataclasses.replace(boot, needs=tuple(need for need in boot.needs if not need.unverified))


def _without_unknown_order(boot: NextBoot) -> NextBoot:
    return dataclasses.replace(boot, needs=tuple(need for need in boot.needs if boot.order_of(need) == "after_dns"))


def _highest_port_rule(boot: NextBoot) -> NextBoot:
    return dataclasses.replace(
        boot, capabilities=dataclasses.replace(boot.capabilities, dns_pool_range="max_user_port")
    )


def _any_is_enough(boot: NextBoot) -> NextBoot:
    needs = tuple(dataclasses.replace(need, any_will_do=False) for need in boot.needs)
    return dataclasses.replace(boot, needs=needs)


DOUBTS: t.Final[tuple[Doubt, ...]] = (
    Doubt(
        name="update",
        sentence="That the update with the pool (MS08-037) is installed is assumed; without it nothing is drawn.",
        applies=lambda boot: boot.pool == "assumed",
        otherwise=lambda boot: dataclasses.replace(boot, pool="not_seen"),
    ),
    Doubt(
        name="max_user_port",
        sentence=(
            "MaxUserPort is taken as a count from the start of the range; Microsoft's best practice rule for the pool "
            "suggests that it is the highest port, with 1024 as the lowest."
        ),
        applies=lambda boot: boot.max_user_port is not None and boot.capabilities.dns_pool_range == "count_from_start",
        otherwise=_highest_port_rule,
    ),
    Doubt(
        name="dynamic_range",
        sentence="That the pool follows a changed dynamic UDP range is not documented.",
        applies=_has_changed_range,
        otherwise=lambda boot: dataclasses.replace(boot, dynamic_udp=DEFAULT_POOL_RANGE),
    ),
    Doubt(
        name="start_order",
        sentence="Which of DNS and these services is first is not documented; it is counted as if DNS were.",
        applies=lambda boot: any(boot.order_of(need) == "unknown" for need in boot.needs),
        otherwise=_without_unknown_order,
    ),
    Doubt(
        name="ad_lds_udp",
        sentence="That AD LDS opens the UDP twins of its TCP ports is seen in the field but not documented.",
        applies=lambda boot: any(need.product == AD_LDS_KEY and need.unverified for need in boot.needs),
        otherwise=_without_twins,
    ),
    Doubt(
        name="ipv6",
        sentence="The numbers of the pool's IPv6 sockets are taken to be those of IPv4; they may be drawn apart.",
        applies=lambda boot: boot.capabilities.dynamic_port_ranges,
        otherwise=lambda boot: dataclasses.replace(boot, sets=2),
    ),
    Doubt(
        name="netsh",
        sentence="The DNS server is assumed to ignore netsh's administered exclusions.",
        applies=lambda boot: not boot.netsh.isdisjoint(_needed(boot)),
        otherwise=lambda boot: dataclasses.replace(boot, left_alone=boot.left_alone | boot.netsh),
    ),
    Doubt(
        name="reserved_ports_entries",
        sentence="Entries of ReservedPorts that touch each other, or have no hyphen, are taken to reserve nothing.",
        applies=lambda boot: not boot.touching.isdisjoint(_needed(boot)),
        otherwise=lambda boot: dataclasses.replace(boot, left_alone=boot.left_alone | boot.touching),
    ),
    Doubt(
        name="ranges",
        sentence=(
            "A service that takes any free port out of a range (WDS) is left out; this is the figure if one lost port "
            "of the range already hurts it."
        ),
        applies=lambda boot: any(need.any_will_do for need in boot.needs),
        otherwise=_any_is_enough,
    ),
)
