# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the grade lab that restart the DNS server: what its socket pool leaves alone, and from where it is drawn."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps as steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import missing
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command, Question
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import CantTell, Readings, Row, text
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import (
    ACTIVE_TCP,
    ACTIVE_UDP,
    RANGE_TCP,
    RANGE_UDP,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    MAX_USER_PORT,
    RESERVED,
    TCP,
    bound,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.pool import POOL, POOL_EXCLUSIONS, pool
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_hands import (
    PAUSE,
    Hands,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_notes import Notes

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol

SOCKETS: t.Final = POOL
OF_VALUE: t.Final[tuple[Question, ...]] = (*SOCKETS, MAX_USER_PORT, RANGE_UDP, RESERVED)
DNS_PORT: t.Final = PortRange(53, 53)


def demand_dns(hands: Hands) -> Row:
    """The DNS server; CantTell if there is none, and how it is installed."""
    row = hands.service(DNS_SERVICE)
    if row is None:
        raise CantTell(missing("DNS", hands.server))
    return row


def demand_pool(hands: Hands) -> Readings:
    """The pool as it is now; CantTell if there is none, and how to get one."""
    demand_dns(hands)
    here = Readings(hands.seen(SOCKETS), hands.server)
    pool(here)
    return here


def own_list(hands: Hands, notes: Notes) -> None:
    """Half of the pool's range on the list of the DNS server: before a restart, and after it."""
    if not hands.server.release.capabilities.dns_pool_exclusions:
        raise CantTell("this release has no such list")
    half = _half(demand_pool(hands))
    notes.add(steps.RUNS)
    hands.demand_restarts()
    notes.set("SocketPoolExcludedPortRanges", (str(half),))
    hands.clock.sleep(PAUSE)
    hands.look(steps.WRITTEN, (*SOCKETS, POOL_EXCLUSIONS))
    hands.restart_dns()
    hands.look_at_pool(steps.LISTED, (*SOCKETS, POOL_EXCLUSIONS), SOCKETS)
    notes.restore("SocketPoolExcludedPortRanges")
    hands.restart_dns()


def _half(here: Readings) -> PortRange:
    """The middle half of the pool's ports: what is drawn on both sides of it shows that the range is the same."""
    ports = sorted(pool(here))
    return PortRange(ports[len(ports) // 4], ports[3 * len(ports) // 4])


def excluded_range(hands: Hands, notes: Notes) -> None:
    """Half of the pool's range, port 53 and almost every dynamic TCP port excluded by netsh; then three restarts."""
    half = _half(demand_pool(hands))
    Readings(hands.seen((ACTIVE_UDP,)), hands.server).blocks(ACTIVE_UDP)
    notes.add(steps.RUNS)
    hands.demand_restarts()
    hands.stop(DNS_SERVICE)
    try:
        here = hands.look(steps.STOPPED, (*SOCKETS, ACTIVE_UDP, ACTIVE_TCP, RANGE_TCP))
        notes.exclude(*_blocks(here, half))
        hands.start(DNS_SERVICE)
        hands.look_at_pool(steps.EXCLUDED, (*SOCKETS, ACTIVE_UDP, ACTIVE_TCP), SOCKETS)
        for stage in (steps.SECOND_DRAW, steps.THIRD_DRAW):
            hands.restart_dns()
            hands.look_at_pool(stage, SOCKETS, SOCKETS)
        hands.stop(DNS_SERVICE)
        notes.release()
    finally:
        hands.start(DNS_SERVICE)


def _blocks(here: Readings, half: PortRange) -> list[tuple[Protocol, PortRange]]:
    """The ranges, of ports that nobody has."""
    dynamic = here.ports(RANGE_TCP)
    most = PortRange(dynamic.first, max(dynamic.first, dynamic.last - steps.LEFT_FOR_PROGRAMS))
    udp, tcp = _taken(here, "udp", ACTIVE_UDP), _taken(here, "tcp", ACTIVE_TCP)
    blocks: list[tuple[Protocol, PortRange]] = [("udp", one) for one in steps.blocks_within(half, udp)]
    blocks += [("tcp", one) for one in steps.blocks_within(most, tcp)]
    return blocks if udp.overlaps(DNS_PORT) else [*blocks, ("udp", DNS_PORT)]


def _taken(here: Readings, protocol: Protocol, table: Command) -> PortSet:
    """Ports that programs have, or connections, or that are kept back already."""
    taken = [one.port for one in bound(here) if one.protocol == protocol]
    if protocol == "tcp" and not here.reading(TCP).fault:
        taken += [int(text(row, "LocalPort")) for row in here.rows(TCP)]
    return PortSet.of(*taken, *(block.ports for block in here.blocks(table)))


def value_set(hands: Hands, notes: Notes) -> None:
    """MaxUserPort set, and on 2003 ReservedPorts: after a restart of the DNS server, without a boot."""
    demand_pool(hands)
    notes.add(steps.RUNS)
    hands.demand_restarts()
    write_values(hands, notes)
    hands.restart_dns()
    stage = steps.RESERVED if hands.server.is_old else steps.VALUE_SET
    hands.look_at_pool(stage, OF_VALUE, SOCKETS)
    restore_values(notes)
    hands.restart_dns()


def write_values(hands: Hands, notes: Notes) -> None:
    """The settings that a boot is made with."""
    if hands.server.is_old:
        notes.set("ReservedPorts", steps.RESERVED_ENTRIES)
        notes.set("MaxUserPort", steps.OLD_VALUE)
    else:
        notes.set("MaxUserPort", steps.NEW_VALUE)


def restore_values(notes: Notes) -> None:
    """Both as they were."""
    notes.restore("MaxUserPort")
    notes.restore("ReservedPorts")
