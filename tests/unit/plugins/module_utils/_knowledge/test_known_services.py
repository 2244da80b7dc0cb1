# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who rightfully holds a port."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    EDGE_PORTS,
    KNOWN_SERVICES,
    SERVICES_BY_KEY,
    WHO_DRAWS,
    KnownService,
    owner_of,
    services_within,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

HOLDERS: list[tuple[str, Protocol, int, str, tuple[str, ...], bool]] = [
    ("AD LDS", "tcp", 50389, "dsamain.exe", ("ADAM_MSExchange",), True),
    ("AD LDS, the UDP twin, no service read", "udp", 50636, "DSAMAIN.EXE", (), True),
    ("DNS on AD LDS' port", "udp", 50636, "dns.exe", ("DNS",), False),
    ("RADIUS", "udp", 1812, "svchost.exe", ("Netman", "ias"), True),
    ("another service host", "udp", 1812, "svchost.exe", ("Dnscache",), False),
    ("a service host of unknown services", "udp", 1645, "svchost.exe", (), False),
    ("RADIUS is UDP only", "tcp", 1812, "svchost.exe", ("IAS",), False),
    ("IPsec on 2003", "udp", 4500, "lsass.exe", ("PolicyAgent", "SamSs"), True),
    ("lsass without IPsec", "udp", 4500, "lsass.exe", ("Kdc",), False),
    ("IPsec since 2008", "udp", 4500, "svchost.exe", ("IKEEXT",), True),
    ("AUTD", "udp", 2883, "w3wp.exe", (), True),
    ("L2TP in the kernel", "udp", 1701, "System", (), True),
    ("L2TP", "udp", 1701, "svchost.exe", ("RemoteAccess",), True),
    ("cluster", "udp", 3343, "clussvc.exe", ("ClusSvc",), True),
    ("Message Queuing", "tcp", 1801, "mqsvc.exe", ("MSMQ",), True),
    ("BlackBerry Router", "tcp", 3101, "blackberryrouter.exe", ("BlackBerry Router",), True),
    ("WireGuard in the kernel", "udp", 51820, "System", (), True),
    ("WDS", "udp", 64500, "svchost.exe", ("WDSServer",), True),
    ("DFS Replication", "tcp", 5722, "dfsrs.exe", ("DFSR",), True),
    ("DNS on WireGuard's port", "udp", 51820, "dns.exe", ("DNS",), False),
    ("a product whose process is not known", "udp", 61184, "svchost.exe", (), False),
    ("nobody's port", "udp", 40000, "dns.exe", ("DNS",), False),
]


@pytest.mark.parametrize(
    ("protocol", "port", "image", "services", "rightful"), [row[1:] for row in HOLDERS], ids=[row[0] for row in HOLDERS]
)
def test_holders(protocol: Protocol, port: int, image: str, services: tuple[str, ...], rightful: bool) -> None:
    assert (owner_of(protocol, port, image, services) is not None) == rightful


def test_no_two_rows_claim_the_same_port() -> None:
    for protocol in PROTOCOLS:
        for number, row in enumerate(KNOWN_SERVICES):
            others = KNOWN_SERVICES[number + 1 :]
            assert all(row.ports(protocol).isdisjoint(other.ports(protocol)) for other in others)


@pytest.mark.parametrize("row", KNOWN_SERVICES, ids=lambda row: row.key)
def test_every_row_is_whole(row: KnownService) -> None:
    assert row.name
    assert row.what_breaks
    assert row.source
    assert row.protocols
    assert row.services or row.note
    assert f"[{row.tag}" in row.source
    assert min(min(row.ports(protocol)) for protocol in row.protocols) >= LOWEST_DRAWN_PORT


def test_keys_are_unique_and_easy_to_write() -> None:
    assert len(SERVICES_BY_KEY) == len(KNOWN_SERVICES)
    assert all(key.isidentifier() and key == key.lower() for key in SERVICES_BY_KEY)


PORTS: list[tuple[str, str]] = [
    ("ad_lds", "TCP and UDP 50389, 50636"),
    ("ias", "UDP 1645-1646, 1812-1813"),
    ("blackberry_router", "TCP 3101"),
]


@pytest.mark.parametrize(("key", "text"), PORTS)
def test_ports_in_words(key: str, text: str) -> None:
    assert SERVICES_BY_KEY[key].ports_text == text


def test_a_service_has_the_name_of_its_release() -> None:
    assert SERVICES_BY_KEY["ipsec"].services == {"2003": ("PolicyAgent",), "2008 and later": ("IKEEXT",)}
    assert SERVICES_BY_KEY["ipsec"].images == ("lsass.exe", "svchost.exe")


def test_the_pool_takes_no_tcp_port() -> None:
    assert "never the DNS server" in WHO_DRAWS["tcp"]
    assert "pool" in WHO_DRAWS["udp"]


def test_products_within_a_range() -> None:
    # Another row with a port in the range breaks nothing here.
    drawn = {row.key for row in services_within("udp", PortRange(1024, 5000))}
    assert {"ias", "ipsec", "l2tp", "autd", "cluster"} <= drawn
    assert not {"ad_lds", "blackberry_router", "msmq", "wds"} & drawn
    assert {"blackberry_router", "msmq"} <= {row.key for row in services_within("tcp", PortRange(1025, 5000))}
    assert EDGE_PORTS in [row.udp for row in services_within("udp", PortRange(50000, 51000))]
    assert PortSet.of(50389, 50636) == EDGE_PORTS
