# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the grade lab that reboot the server."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import Feature, is_service_of, missing
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import LabStep
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import CantTell, Readings, text
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_UDP, RANGE_UDP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    MAX_USER_PORT,
    RESERVED,
    SERVICES,
    process_of,
    started,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.lab import at, code, lab, rule_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.pool import (
    POOL,
    covers_udp,
    honours_reserved,
    ignores_bare_numbers,
    ignores_touching,
    old_range,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.sockets import WITH_OWNERS, dns_first

_SHORTEST_DELAY: t.Final = 100.0
"""Seconds from the boot before which no delayed service starts, with room for the clock."""
_OLD: t.Final = at(steps.BOOTED, *POOL, RESERVED, MAX_USER_PORT)
_OF_VALUE: t.Final = ("old_pool_follows_value",)


def _booted(see: t.Callable[[Readings], bool]) -> t.Callable[[Readings], bool]:
    """What a probe of a look sees after the boot."""

    def seen(found: Readings) -> bool:
        return see(found.at(steps.BOOTED))

    return seen


def _rule(found: Readings) -> str:
    here = found.at(steps.BOOTED)
    _demand(here, "DNS")
    return rule_of(here)


def _demand(here: Readings, feature: Feature) -> None:
    """CantTell, with the way to it, if the server lacks a feature."""
    if not any(is_service_of(feature, text(row, "Name")) for row in here.rows(SERVICES)):
        raise CantTell(missing(feature, here.server))


def _dns_first(found: Readings) -> bool:
    here = found.at(steps.BOOTED)
    _demand(here, "DNS")
    _demand(here, "AD LDS")
    return dns_first(here)


def _waits_for_boot(found: Readings) -> bool:
    """Before the boot the pool still takes ports that ReservedPorts name."""
    return not honours_reserved(found.at(steps.RESERVED))


def _active_ends(found: Readings) -> bool:
    port = found.ports(LabStep(steps.PORT_UNTIL_BOOT))
    if port not in [block.ports for block in found.at(steps.UNTIL_BOOT).blocks(ACTIVE_UDP)]:
        raise CantTell("netsh did not exclude a port of ours")
    return port not in [block.ports for block in found.at(steps.BOOTED).blocks(ACTIVE_UDP)]


def _late(stage: str) -> t.Callable[[Readings], bool]:
    """True if the DNS server started no sooner than a delayed service does."""

    def see(found: Readings) -> bool:
        here = found.at(stage)
        return started(here, process_of(here, "DNS")) >= _SHORTEST_DELAY

    return see


def _loses_delay(found: Readings) -> bool:
    if not _late(steps.DELAYED)(found):
        raise CantTell("a delayed DNS server starts at once even if no service needs it")
    return not _late(steps.NEEDED)(found)


ROWS: t.Final = (
    lab(
        "lab_reboot",
        "What does Win32ShutdownTracker return to an administrator who reboots the server?",
        code(steps.REBOOT),
        LabStep(steps.REBOOT),
        expect=0,
        settles="reboot_method_return",
    ),
    lab(
        "lab_active_until_boot",
        "Is a range of the active store gone after a boot?",
        _active_ends,
        LabStep(steps.PORT_UNTIL_BOOT),
        *at(steps.UNTIL_BOOT, ACTIVE_UDP),
        *at(steps.BOOTED, ACTIVE_UDP),
        settles="active_exclusions_end_at_boot",
    ),
    lab(
        "lab_pool_range_booted",
        "From where is the pool drawn on 2008 and later if MaxUserPort was set before a boot?",
        _rule,
        *at(steps.BOOTED, *POOL, RANGE_UDP),
        expect="count_from_start",
        tag="T",
        settles="pool_range_rule",
        contested="dns_pool_range",
    ),
    lab(
        "lab_dns_first",
        "Does the DNS server bind its pool at a boot before AD LDS binds its ports?",
        _dns_first,
        *at(steps.BOOTED, *WITH_OWNERS),
        tag="T",
        settles="dns_before_ad_lds",
    ),
    lab(
        "lab_pool_range_2003",
        "Is the pool drawn up to MaxUserPort on Windows Server 2003 after a boot?",
        _booted(old_range),
        *_OLD,
        tag="T",
        settles="old_pool_follows_value",
    ),
    lab(
        "lab_reserved_needs_boot",
        "Does the pool take ports that ReservedPorts name as long as the server was not booted?",
        _waits_for_boot,
        *at(steps.RESERVED, *POOL, RESERVED),
        tag="D",
        settles="reserved_ports_need_boot",
        depends_on=(*_OF_VALUE, "pool_value_read_at_start"),
    ),
    lab(
        "lab_reserved_counts",
        "Does the pool leave ReservedPorts alone after a boot?",
        _booted(honours_reserved),
        *_OLD,
        tag="D",
        settles="dns_honours_reserved_ports",
        depends_on=(*_OF_VALUE, "reserved_ports_cover_tcp_and_udp"),
    ),
    lab(
        "lab_bare_numbers",
        "Do entries without a hyphen reserve nothing after a boot?",
        _booted(ignores_bare_numbers),
        *_OLD,
        tag="D",
        settles="reserved_ports_need_ranges",
        depends_on=_OF_VALUE,
    ),
    lab(
        "lab_touching_entries",
        "Do entries that touch each other reserve nothing after a boot?",
        _booted(ignores_touching),
        *_OLD,
        tag="D",
        settles="adjacent_single_reservations_fail",
        depends_on=_OF_VALUE,
    ),
    lab(
        "lab_reserved_udp",
        "Do programs get no UDP port that ReservedPorts name after a boot?",
        _booted(covers_udp),
        *_OLD,
        settles="reserved_ports_cover_tcp_and_udp",
    ),
    lab(
        "lab_delayed_start",
        "Does a delayed DNS server start no sooner than 100 seconds after the boot?",
        _late(steps.DELAYED),
        *at(steps.DELAYED, *POOL),
        settles="auto_start_delay_seconds",
    ),
    lab(
        "lab_needed_start",
        "Does a delayed DNS server start at once if an automatic service needs it?",
        _loses_delay,
        *at(steps.DELAYED, *POOL),
        *at(steps.NEEDED, *POOL),
        tag="D",
        settles="needed_services_lose_delay",
        depends_on=("auto_start_delay_seconds",),
    ),
)
