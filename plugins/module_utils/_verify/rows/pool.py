# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of the DNS server's socket pool: from where it is drawn, and what it leaves alone.

A port that is left alone can't be seen in one port. It is seen in many: of a pool of 2,500 sockets some must lie in a
range that is large enough, if the pool does not avoid it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    Method,
    Question,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    number,
    text,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import (
    ACTIVE_UDP,
    NETSH_HOTFIX,
    RANGE_UDP,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    MAX_USER_PORT,
    NETSTAT,
    OPERATING_SYSTEM,
    PROCESSES,
    RESERVED,
    SERVICES,
    TCP,
    UDP,
    UPDATES,
    bound,
    max_user_port,
    process_of,
    reserved_entries,
)

POOL_SIZE: t.Final = Method("GetDWORDValue", POOL_SIZE_FACT.key, POOL_SIZE_FACT.name)
POOL_EXCLUSIONS: t.Final = Method("GetMultiStringValue", POOL_EXCLUSIONS_FACT.key, POOL_EXCLUSIONS_FACT.name)
DEFAULT_RANGE: t.Final = PortRange(49152, 65535)
DEFAULT_SIZE: t.Final = 2500
LEAST_POOL: t.Final = 100
"""Sockets of dns.exe in one family, below which it has no pool."""
LEAST_HITS: t.Final = 20.0
"""Sockets that must be expected in a range: that none is there by chance is then less likely than one in 10^8."""
POOL: t.Final[tuple[Question, ...]] = (OPERATING_SYSTEM, SERVICES, PROCESSES, UDP, TCP, NETSTAT)


def pool(found: Readings, *, ipv6: bool = False) -> frozenset[int]:
    """The ports of the pool in one family; CantTell if there is no pool."""
    process = process_of(found, "DNS")
    sockets = (one for one in bound(found) if one.process_id == process and one.protocol == "udp")
    ports = frozenset(one.port for one in sockets if one.is_ipv6 == ipv6 and one.port >= 1024)
    if len(ports) < LEAST_POOL and not ipv6:
        raise CantTell("the DNS server has no socket pool")
    return ports


def _size(found: Readings) -> bool:
    """As many sockets as the setting says, give or take those that are in use for a moment."""
    size = number(found.row(POOL_SIZE), "uValue") if found.code(POOL_SIZE) == 0 else DEFAULT_SIZE
    return abs(len(pool(found)) - size) <= max(size // 50, 5)


def _both_families(found: Readings) -> bool:
    pool(found)
    if found.server.is_old:
        raise CantTell("Windows Server 2003 has no IPv6 that DNS would use")
    return len(pool(found, ipv6=True)) >= LEAST_POOL


def _one_draw(found: Readings) -> bool:
    first, second = pool(found), pool(found, ipv6=True)
    if len(second) < LEAST_POOL:
        raise CantTell("there is no second set of sockets on IPv6")
    # Two draws of 2,500 out of 16,384 have 15 of a hundred in common.
    return len(first & second) > 0.9 * len(first)


def _dynamic(found: Readings) -> PortRange:
    return found.ports(RANGE_UDP)


def _range_rule(found: Readings) -> str:
    maximum = max_user_port(found)
    if found.server.is_old or maximum is None:
        raise CantTell("this is about MaxUserPort on Windows Server 2008 and later, and it is not set")
    start = _dynamic(found).first
    ports = pool(found)
    if maximum <= start:
        return "from_1024" if max(ports) <= maximum else "count_from_start"
    return "from_1024" if min(ports) < start else "count_from_start"


def old_range(found: Readings) -> bool:
    """The pool is above 49152, or between 1024 and MaxUserPort if that is set."""
    if not found.server.is_old:
        raise CantTell("this is about Windows Server 2003")
    ports, maximum = pool(found), max_user_port(found)
    return min(ports) >= DEFAULT_RANGE.first if maximum is None else max(ports) <= maximum


def _default_range(found: Readings) -> bool:
    """True if the pool follows the dynamic range that was changed."""
    if found.server.is_old or max_user_port(found) is not None:
        raise CantTell("MaxUserPort decides here")
    dynamic, ports = _dynamic(found), pool(found)
    if dynamic == DEFAULT_RANGE:
        raise CantTell("the dynamic range is the default, so both rules give the same")
    return all(dynamic.first <= port <= dynamic.last for port in ports)


def _avoids(found: Readings, kept: PortSet) -> bool:
    """True if no socket of the pool is in there though many should be; CantTell if too few should be."""
    ports = pool(found)
    drawn = PortRange(min(ports), max(ports))
    inside = sum(1 for port in kept if drawn.first <= port <= drawn.last)
    expected = len(ports) * inside / drawn.count
    hits = sum(1 for port in kept if port in ports)
    if hits:
        return False
    if expected < LEAST_HITS:
        raise CantTell(f"{inside} of these ports are in the range of the pool: too few to tell")
    return True


def ignores_netsh(found: Readings) -> bool:
    """True if the pool takes ports that an administrator has excluded by netsh."""
    administered = [block.ports for block in found.blocks(ACTIVE_UDP) if block.administered]
    if not administered:
        raise CantTell("no UDP port is excluded by an administrator on this server")
    return not _avoids(found, PortSet.of(*administered))


def leaves_own_list(found: Readings) -> bool:
    """True if the pool leaves the ports of its own list alone."""
    if not found.server.release.capabilities.dns_pool_exclusions:
        raise CantTell("this release has no such list")
    if found.code(POOL_EXCLUSIONS) != 0:
        raise CantTell("the list is not set on this server")
    return _avoids(found, _ports_of(texts(found.row(POOL_EXCLUSIONS), "sValue")))


def _ports_of(entries: t.Iterable[str]) -> PortSet:
    return PortSet.of(*(ports for _text, ports in split_entries(entries)[0]))


def _entries(found: Readings, *, bare: bool = False, touching: bool = False) -> PortSet:
    """The reserved ports of one kind of entry."""
    if not found.server.is_old:
        raise CantTell("this is about Windows Server 2003")
    entries = reserved_entries(found)
    if bare:
        return _ports_of(entry for entry in entries if "-" not in entry)
    ranges = [ports for text, ports in split_entries(entries)[0] if "-" in text]
    edges = {one.first - 1 for one in ranges} | {one.last + 1 for one in ranges}
    touches = [one for one in ranges if one.first in edges or one.last in edges]
    return PortSet.of(*(one for one in ranges if (one in touches) == touching))


def honours_reserved(found: Readings) -> bool:
    """True if the pool leaves proper entries of ReservedPorts alone, on 2003."""
    return _avoids(found, _entries(found))


def ignores_bare_numbers(found: Readings) -> bool:
    """True if it takes ports of entries without a hyphen."""
    return not _avoids(found, _entries(found, bare=True))


def ignores_touching(found: Readings) -> bool:
    """True if it takes ports of entries that touch each other."""
    return not _avoids(found, _entries(found, touching=True))


def covers_udp(found: Readings) -> bool:
    """Programs other than the DNS server get no reserved UDP port, though the lowest ones are reserved."""
    kept = _entries(found)
    if 1025 not in kept:
        raise CantTell("the first ports that programs get are not reserved")
    process = process_of(found, "DNS")
    others = [one.port for one in bound(found) if one.protocol == "udp" and one.process_id != process]
    given = [port for port in others if 1025 <= port <= (max_user_port(found) or 5000)]
    if not given:
        raise CantTell("no program has a UDP port from the dynamic range")
    return not any(port in kept for port in given)


def _update(found: Readings) -> bool:
    """The pool is there if and only if the update shows."""
    if found.server.release.capabilities.always_has_pool:
        raise CantTell("this release has the pool without an update")
    shown = any(text(row, "HotFixID") != NETSH_HOTFIX for row in found.rows(UPDATES))
    process_of(found, "DNS")
    try:
        pool(found)
    except CantTell:
        return not shown
    return shown


def _domain_port(found: Readings) -> bool:
    process = process_of(found, "DNS")
    held = {one.protocol for one in bound(found) if one.process_id == process and one.port == 53}
    return held == {"udp", "tcp"}


def _probe(
    name: str,
    asks: str,
    see: t.Any,
    *more: Question,
    expect: t.Any = True,
    tag: t.Any = "K",
    settles: str = "",
    contested: str = "",
    depends_on: tuple[str, ...] = (),
) -> Probe:
    return Probe(
        id=name,
        asks=asks,
        needs=(*POOL, *more),
        expect=expect,
        see=see,
        tag=tag,
        settles=settles,
        contested=contested,
        depends_on=depends_on,
    )


ROWS: t.Final = (
    _probe("pool_size", "Has the pool as many sockets as its setting says?", _size, POOL_SIZE, tag="D"),
    _probe(
        "pool_ipv6",
        "Has the DNS server a second set of pool sockets on IPv6?",
        _both_families,
        tag="D",
        settles="pool_ipv6",
    ),
    _probe(
        "pool_one_draw",
        "Are the pool's numbers on IPv4 and on IPv6 the same?",
        _one_draw,
        settles="pool_one_draw_for_both_families",
        depends_on=("pool_ipv6",),
    ),
    _probe(
        "pool_range_rule",
        "From where is the pool drawn on 2008 and later if MaxUserPort is set?",
        _range_rule,
        MAX_USER_PORT,
        RANGE_UDP,
        expect="count_from_start",
        tag="T",
        settles="pool_range_rule",
        contested="dns_pool_range",
    ),
    _probe(
        "pool_default_range",
        "Is the pool drawn from the dynamic UDP range if MaxUserPort is not set?",
        _default_range,
        MAX_USER_PORT,
        RANGE_UDP,
        settles="pool_default_from_dynamic_range",
    ),
    _probe(
        "pool_ignores_netsh",
        "Does the pool take ports that an administrator has excluded by netsh?",
        ignores_netsh,
        ACTIVE_UDP,
        settles="dns_ignores_netsh_exclusions",
    ),
    _probe(
        "pool_honours_own_list",
        "Does the pool leave the ports of SocketPoolExcludedPortRanges alone?",
        leaves_own_list,
        POOL_EXCLUSIONS,
        tag="D",
        settles="dns_honours_own_list",
    ),
    _probe(
        "pool_honours_reserved_ports",
        "Does the pool leave ReservedPorts alone on Windows Server 2003?",
        honours_reserved,
        RESERVED,
        tag="D",
        settles="dns_honours_reserved_ports",
        depends_on=("reserved_ports_cover_tcp_and_udp",),
    ),
    _probe(
        "bare_reserved_ports",
        "Does an entry of ReservedPorts without a hyphen reserve nothing?",
        ignores_bare_numbers,
        RESERVED,
        tag="D",
        settles="reserved_ports_need_ranges",
    ),
    _probe(
        "touching_reserved_ports",
        "Do entries of ReservedPorts that touch each other reserve nothing?",
        ignores_touching,
        RESERVED,
        tag="D",
        settles="adjacent_single_reservations_fail",
    ),
    _probe(
        "reserved_ports_cover_udp",
        "Do ReservedPorts hold for UDP as well as for TCP?",
        covers_udp,
        RESERVED,
        MAX_USER_PORT,
        settles="reserved_ports_cover_tcp_and_udp",
    ),
    _probe(
        "pool_range_2003",
        "Is the pool drawn from 49152-65535 on Windows Server 2003, or up to MaxUserPort if that is set?",
        old_range,
        MAX_USER_PORT,
        tag="T",
        settles="old_pool_follows_value",
    ),
    _probe("pool_update", "Is the pool there exactly if the update MS08-037 shows?", _update, UPDATES, tag="T"),
    _probe("dns_holds_53", "Does the DNS server hold port 53 over UDP and TCP?", _domain_port, tag="D"),
)
