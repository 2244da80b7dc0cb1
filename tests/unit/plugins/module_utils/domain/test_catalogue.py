# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who rightfully holds a port."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.catalogue import (
    EDGE_PORTS,
    KNOWN_OWNERS,
    ad_lds_owner,
    known_owner,
    owner_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortSet

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
    ("nobody's port", "udp", 51820, "dns.exe", ("DNS",), False),
]


@pytest.mark.parametrize(
    ("protocol", "port", "image", "services", "rightful"), [row[1:] for row in HOLDERS], ids=[row[0] for row in HOLDERS]
)
def test_holders(protocol: Protocol, port: int, image: str, services: tuple[str, ...], rightful: bool) -> None:
    assert (owner_of(protocol, port, image, services) is not None) == rightful


def test_an_instance_is_known_by_the_ports_of_its_registry_values() -> None:
    instance = ad_lds_owner(PortSet.of(389, 636), name="AD LDS instance ADAM_Users")
    assert owner_of("tcp", 636, "dsamain.exe", (), [instance]) is instance
    assert owner_of("tcp", 636, "dsamain.exe", ()) is None


def test_whose_port_it_is_can_be_asked_without_a_holder() -> None:
    row = known_owner("udp", 4500)
    assert row is not None
    assert (row.services, row.images) == (("PolicyAgent", "IKEEXT"), ("lsass.exe", "svchost.exe"))
    assert known_owner("tcp", 4500) is None


def test_no_two_rows_claim_the_same_port() -> None:
    for protocol in PROTOCOLS:
        rows = [row for row in KNOWN_OWNERS if protocol in row.protocols]
        for number, row in enumerate(rows):
            assert all(row.ports.isdisjoint(other.ports) for other in rows[number + 1 :])


def test_every_row_says_what_breaks_and_where_it_is_from() -> None:
    assert all(row.what_breaks and row.source and row.holders and row.ports for row in KNOWN_OWNERS)
    assert EDGE_PORTS.texts() == ["50389-50389", "50636-50636"]
