# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info``: what looks like a finding and is none."""

from __future__ import annotations

import datetime

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Socket, TcpSegments
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    DOTNET_2_PACK_FACT,
    EXCHANGE_2007_PACK_FACT,
    FILTER_POLICY_FACT,
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    UAC_FACT,
)
from tests.unit.plugins.module_utils._diagnosis.findings.servers import (
    AUTD,
    BLOCK,
    BUSY,
    CARD,
    DOTNET_SP2,
    DRIVER,
    ENDPOINT,
    EXCHANGE_SP1,
    IAS_HOST,
    IN_BOX,
    JAVA,
    LSASS,
    NEW,
    OLD,
    OTHER,
    POOL,
    PUSH_LOST,
    R2,
    SP2,
    TEAM,
    W3WP,
    down,
    event,
    failed,
    rpc,
    tcp,
    udp,
    world,
)
from tests.unit.plugins.module_utils._diagnosis.world import (
    BOOT,
    DNS_PROCESS,
    World,
    blocks,
    dword,
    multi,
    service,
)

RIGHTFUL = (service("IAS", IAS_HOST), service("PolicyAgent", LSASS))
DECOYS: list[tuple[str, World]] = [
    *((f"healthy {version}", world(version)) for version in (OLD, SP2, R2, NEW)),
    ("healthy Edge server", World()),
    (
        "a fixed RPC port that its service has, beside another process on an address of its own",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values=rpc("netlogon", 49201),
            sockets=(tcp(49201, LSASS), Socket("tcp", "127.0.0.1", 49201, JAVA)),
        ),
    ),
    ("no DNS server", World(services=())),
    (
        "rightful owners",
        world(
            OLD,
            RIGHTFUL,
            sockets=(udp(1812, IAS_HOST), udp(4500, LSASS), *POOL),
            values={RESERVED_PORTS_FACT: multi("4500-4500")},
        ),
    ),
    ("an old event, the service runs", world(OLD, RIGHTFUL, events=(failed("IAS", 10048, minutes=30),))),
    (
        "an event of another boot",
        world(NEW, (down("IAS", 0, start_mode="Manual"),), events=(failed("IAS", 10048, 90),)),
    ),
    ("stopped by hand", world(NEW, (down("IAS", 0),))),
    ("down for another reason", world(NEW, (down("IAS", 1053), down("Other", 2)))),
    ("a file in use is no port", world(NEW, (down("Contoso", 32),))),
    (
        "a block of Windows' own",
        world(exclusions=Exclusions(blocks((50000, 50099, False)), blocks((1800, 1899, False)))),
    ),
    ("the pool has a port that nobody needs", world(NEW, sockets=(udp(1812, DNS_PROCESS), *POOL))),
    (
        "DNS has its port again",
        world(
            sockets=(udp(53, DNS_PROCESS), tcp(53, DNS_PROCESS)),
            events=(event("DNS Server", "DNS", 407), event("DNS Server", "DNS", 404)),
        ),
    ),
    (
        "4292 from a corrupt policy",
        world(OLD, (down("PolicyAgent", 2),), events=(BLOCK, failed("PolicyAgent", 2))),
    ),
    ("4292 alone", world(OLD, (down("PolicyAgent", 0, start_mode="Disabled"),), events=(BLOCK,))),
    (
        "4292 and a lost port of another day",
        world(
            OLD,
            (down("PolicyAgent", 0, start_mode="Disabled"),),
            events=(BLOCK, failed("PolicyAgent", 10048, minutes=600)),
        ),
    ),
    ("push works again", world(OLD, AUTD, sockets=(udp(2883, W3WP),), events=(PUSH_LOST,))),
    ("events 3015 of another product", world(OLD, sockets=(udp(2883, DNS_PROCESS),), events=(PUSH_LOST,))),
    (
        "5809 is logged at every restart",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values={**rpc("ntds", 49200), **rpc("netlogon", 49201)},
            sockets=(tcp(49200, LSASS), tcp(49201, LSASS)),
            events=(event("System", "NETLOGON", 5809),),
        ),
    ),
    (
        "fixed ports on a member server",
        world(NEW, (service("Netlogon", LSASS),), values=rpc("netlogon", 49201), sockets=(tcp(49201, JAVA),)),
    ),
    (
        "a value of Exchange 2007, which Exchange 2010 does not read",
        world(
            R2,
            (service("MSExchangeIS", 900), service("MSExchangeRPC", 901)),
            values=rpc("exchange_is", 49201),
            sockets=(tcp(49201, JAVA),),
        ),
    ),
    (
        "the MTA was restarted since",
        world(
            OLD,
            (service("MSExchangeMTA", OTHER),),
            events=(ENDPOINT._replace(time=BOOT - datetime.timedelta(1)),),
        ),
    ),
    (
        "9321 of another error",
        world(OLD, (down("MSExchangeMTA", 0),), events=(ENDPOINT._replace(strings=("17201",)),)),
    ),
    ("what setups leave in ReservedPorts", world(values={RESERVED_PORTS_FACT: multi("3343-3343", "1801-1801")})),
    (
        "dead entries that the pool's list has too",
        world(values={RESERVED_PORTS_FACT: multi("50389-50389"), POOL_EXCLUSIONS_FACT: multi("50389-50389")}),
    ),
    ("the update is slipstreamed", world(OLD, updates=(), sockets=POOL)),
    ("the update is there, the pool small", world(OLD, values={POOL_SIZE_FACT: dword(2500)})),
    (".NET and Exchange SP2", world(SP2, values={EXCHANGE_2007_PACK_FACT: dword(2), **DOTNET_SP2})),
    ("Exchange SP1 without .NET SP2", world(SP2, values={**EXCHANGE_SP1, DOTNET_2_PACK_FACT: dword(1)})),
    ("Exchange 2007 SP3 on 2008 R2", world(R2, values={EXCHANGE_2007_PACK_FACT: dword(3)})),
    ("a team that works", world(segments=TcpSegments(10_000_000, 90_000), adapters=(TEAM,))),
    ("few segments", world(segments=TcpSegments(1000, 500), adapters=(TEAM,))),
    ("retransmits for another reason", world(segments=BUSY, adapters=(CARD,))),
    ("a driver of Windows' own", world(segments=BUSY, adapters=(CARD,), drivers=(IN_BOX,))),
    (
        "an unplugged card",
        world(segments=BUSY, adapters=(CARD._replace(connected=False),), drivers=(DRIVER,)),
    ),
    ("UAC is off", world(values={FILTER_POLICY_FACT: dword(0), UAC_FACT: dword(0)})),
    ("the filter is off", world(values={FILTER_POLICY_FACT: dword(1), UAC_FACT: dword(1)})),
    ("MaxUserPort means another thing on 2008", world(SP2, values={MAX_USER_PORT_FACT: dword(1)})),
]


@pytest.mark.parametrize("server", [row[1] for row in DECOYS], ids=[row[0] for row in DECOYS])
def test_what_is_right_is_no_finding(server: World) -> None:
    assert server.value("findings") == []
