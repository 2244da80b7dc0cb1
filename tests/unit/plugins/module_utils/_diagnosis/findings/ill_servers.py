# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers that are ill, each with the findings that it must have: one row or more for each kind of finding."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import (
    KindName,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import SocketsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    EXCHANGE_2007_PACK_FACT,
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from tests.unit.plugins.module_utils._diagnosis.findings.servers import (
    AUTD,
    BLOCK,
    BUSY,
    CARD,
    DNS,
    DOTNET_SP2,
    DRIVER,
    ENDPOINT,
    EXCHANGE_SP1,
    FILTERED,
    IMAGES,
    IPSEC_DOWN,
    JAVA,
    LDAP_CLIENT,
    LSASS,
    NEW,
    OLD,
    PUSH_LOST,
    R2,
    SP2,
    TEAM,
    down,
    event,
    failed,
    rpc,
    tcp,
    udp,
    world,
)
from tests.unit.plugins.module_utils._diagnosis.world import (
    DNS_PROCESS,
    World,
    blocks,
    dword,
    multi,
    service,
)

Expected = list[tuple[KindName, str, t.Any]]
"""Kind, severity, and what the configured state waits for (False: nothing is configured)."""

FOUND: list[tuple[str, World, Expected]] = [
    (
        "the pool has the port, 2003",
        world(OLD, (down("IAS", 10048),), sockets=(udp(1812, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "reserved since, 2003",
        world(
            OLD,
            (down("IAS", 10048),),
            sockets=(udp(1812, DNS_PROCESS),),
            values={RESERVED_PORTS_FACT: multi("1645-1646", "1812-1813")},
        ),
        [("port_taken_by_dns_pool", "critical", "reboot")],
    ),
    (
        "the pool has the port, 2008",
        world(SP2, (down("IAS", 10013),), sockets=(udp(1812, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "DNS was set to delayed, 2008",
        world(SP2, (down("IAS", 10013),), sockets=(udp(1812, DNS_PROCESS),), values={delayed_flag("DNS"): dword(1)}),
        [("port_taken_by_dns_pool", "critical", "boot")],
    ),
    (
        "the pool has the port, 2022",
        World(services=(DNS, down("ADAM_MSExchange", 10013)), images=IMAGES, sockets=(udp(50636, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "excluded since, 2022",
        world(
            NEW,
            (down("IAS", 10048),),
            sockets=(udp(1645, DNS_PROCESS),),
            values={POOL_EXCLUSIONS_FACT: multi("1645-1813")},
        ),
        [("port_taken_by_dns_pool", "critical", "dns_restart")],
    ),
    (
        "its own error code",
        world(NEW, (down("IAS", 1066, specific_exit_code=10048),), sockets=(udp(1645, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "lsass has the port",
        world(OLD, (down("IAS", 10048),), sockets=(udp(1645, LSASS),)),
        [("port_taken_by_rpc", "critical", False)],
    ),
    (
        "another process has the port",
        world(NEW, (down("ADAM_MSExchange", 10048),), sockets=(tcp(50389, JAVA),)),
        [("port_taken_by_process", "critical", False)],
    ),
    (
        "another process has the port that is excluded by now",
        world(
            NEW,
            (down("ADAM_MSExchange", 10048),),
            sockets=(tcp(50389, JAVA),),
            exclusions=Exclusions(blocks((50389, 50389, True)), ()),
        ),
        [("port_taken_by_process", "critical", "holder")],
    ),
    (
        "a TCP port of the BlackBerry Router",
        world(OLD, (down("BlackBerry Router", 10048),), sockets=(tcp(3101, JAVA),)),
        [("port_taken_by_process", "critical", False)],
    ),
    (
        "an outgoing connection has the port, 2003",
        world(OLD, (down("BlackBerry Router", 10048),), connections=(LDAP_CLIENT,)),
        [("port_taken_by_connection", "critical", False)],
    ),
    (
        "a block of Windows' own",
        world(NEW, (down("ADAM_MSExchange", 10013),), exclusions=Exclusions(blocks((50300, 50399, False)), ())),
        [("port_in_windows_block", "critical", None)],
    ),
    (
        "free again",
        world(NEW, (down("IAS", 10048),)),
        [("port_was_taken", "critical", False)],
    ),
    (
        "the exit code is gone, the event of this boot is not",
        world(
            OLD,
            (down("IAS", 0, display_name="Internetauthentifizierungsdienst"),),
            sockets=(udp(1645, DNS_PROCESS),),
            events=(failed("Internetauthentifizierungsdienst", 10048),),
        ),
        [("port_taken_by_dns_pool", "critical", False)],
    ),
    (
        "started by hand only",
        world(NEW, (down("IAS", 10048, start_mode="Manual"),), sockets=(udp(1645, DNS_PROCESS),)),
        [("port_taken_by_dns_pool", "warning", False)],
    ),
    (
        "a service that nobody knows",
        world(NEW, (down("Contoso", 10048),)),
        [("service_lost_unknown_port", "critical", None)],
    ),
    (
        "no push",
        world(OLD, AUTD, sockets=(udp(2883, DNS_PROCESS),), events=(PUSH_LOST,)),
        [("activesync_port_taken", "critical", False)],
    ),
    (
        "DNS is the victim",
        world(NEW, sockets=(udp(53, JAVA),), events=(event("DNS Server", "DNS", 407),)),
        [("dns_is_victim", "critical", None)],
    ),
    (
        "block mode",
        world(OLD, (IPSEC_DOWN,), sockets=(udp(4500, DNS_PROCESS),), events=(BLOCK, failed("PolicyAgent", 10048))),
        [("ipsec_block_mode", "critical", False)],
    ),
    (
        "block mode, got over by hand",
        world(
            OLD,
            (down("PolicyAgent", 0, start_mode="Disabled"),),
            events=(BLOCK, failed("PolicyAgent", 10048)),
            values={RESERVED_PORTS_FACT: multi("4500-4500")},
        ),
        [("ipsec_block_mode", "warning", "reboot")],
    ),
    (
        "the next boot may block",
        world(OLD, (service("PolicyAgent", LSASS),), values={MAX_USER_PORT_FACT: dword(60000)}),
        [("ipsec_block_mode_danger", "critical", False)],
    ),
    (
        "fixed RPC ports collide",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values={**rpc("ntds", 49200), **rpc("netlogon", 49200)},
            events=(event("System", "NETLOGON", 5809),),
        ),
        [("static_rpc_ports_collide", "warning", None)],
    ),
    (
        "a fixed RPC port is taken",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values=rpc("netlogon", 49201),
            sockets=(tcp(49201, JAVA),),
        ),
        [("static_rpc_port_taken", "critical", False)],
    ),
    (
        "the MTA does not listen",
        world(OLD, (down("MSExchangeMTA", 0),), events=(ENDPOINT,)),
        [("mta_endpoint_failed", "warning", None)],
    ),
    ("a small pool", world(values={POOL_SIZE_FACT: dword(50)}), [("pool_size_small", "warning", None)]),
    ("no pool", world(values={POOL_SIZE_FACT: dword(0)}), [("pool_size_small", "critical", None)]),
    ("a dead value", world(dead_value=True), [("dead_pool_value", "warning", None)]),
    (
        "MaxUserPort is too high",
        world(OLD, values={MAX_USER_PORT_FACT: dword(65536)}),
        [("max_user_port_out_of_range", "warning", None)],
    ),
    (
        "ReservedPorts is ignored",
        world(values={RESERVED_PORTS_FACT: multi("3343-3343", "50389-50389")}),
        [("reserved_ports_ignored", "warning", None)],
    ),
    (
        "neighbours in ReservedPorts",
        world(OLD, values={RESERVED_PORTS_FACT: multi("1645-1645", "1646-1646", "3343-3343")}),
        [("reserved_ports_touch", "warning", None)],
    ),
    (
        "DNS was set to delayed, and a service pulls it forward",
        world(SP2, (service("Web"),), values={delayed_flag("DNS"): dword(1)}, dependencies=(("Web", "DNS"),)),
        [("delayed_start_void", "warning", None)],
    ),
    (
        "excluded until the next boot",
        world(NEW, exclusions=Exclusions((), blocks((50389, 50389, True)), (), ())),
        [("exclusion_until_boot", "warning", None)],
    ),
    (
        "who has the port can't be read",
        world(NEW, (down("IAS", 10048),), sockets=(udp(1812, DNS_PROCESS),), unread=(SocketsFact,)),
        [("port_taken_by_unknown", "critical", False)],
    ),
    ("the update is missing", world(OLD, updates=()), [("dns_update_missing", "warning", None)]),
    (
        ".NET and Exchange",
        world(SP2, values={**EXCHANGE_SP1, **DOTNET_SP2}),
        [("dotnet_breaks_autodiscover", "information", None)],
    ),
    (
        "Exchange 2007 on 2008 R2",
        world(R2, values={EXCHANGE_2007_PACK_FACT: dword(2), **DOTNET_SP2}),
        [("exchange_2007_on_2008r2", "information", None)],
    ),
    (
        "a team and many retransmits",
        world(segments=BUSY, adapters=(TEAM,)),
        [("network_retransmits", "information", None)],
    ),
    (
        "an old driver and many retransmits",
        world(segments=BUSY, adapters=(CARD,), drivers=(DRIVER,)),
        [("network_retransmits", "information", None)],
    ),
    ("administrators are filtered", world(values=FILTERED), [("administrator_filtered", "information", None)]),
    (
        "the pool has too few ports to draw from",
        world(NEW, values={POOL_EXCLUSIONS_FACT: multi("49152-63000")}),
        [("range_nearly_used_up", "critical", None)],
    ),
    (
        "every port is reserved, 2003",
        world(OLD, values={RESERVED_PORTS_FACT: multi("1024-65535")}),
        [("range_nearly_used_up", "critical", None)] * 3,
    ),
]
IDS = [name for name, _world, _expected in FOUND]


def waits_for(row: t.Mapping[str, t.Any]) -> t.Any:
    return row["waits_for"] if row["configured"] else row["configured"]
