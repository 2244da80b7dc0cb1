# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A port that an outgoing connection has: who, to where, out of which range, and what helps."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Connection, DynamicRanges
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.unit.plugins.module_utils._diagnosis.findings.ill_servers import Expected, waits_for
from tests.unit.plugins.module_utils._diagnosis.findings.servers import LDAP_CLIENT, LSASS, NEW, OLD, down, rpc, world
from tests.unit.plugins.module_utils._diagnosis.world import World, blocks, dword, multi, service

_WIDE = PortRange(1025, 60000)
WIDE_RANGES = DynamicRanges(_WIDE, _WIDE, _WIDE, _WIDE)


FOUND: list[tuple[str, World, Expected]] = [
    (
        "an outgoing connection of lsass.exe is no RPC endpoint",
        world(
            OLD,
            (down("BlackBerry Router", 10048),),
            connections=(LDAP_CLIENT._replace(process_id=LSASS),),
            values={RESERVED_PORTS_FACT: multi("3101-3101")},
        ),
        [("port_taken_by_connection", "critical", "reboot")],
    ),
    (
        "an outgoing connection has the port, 2022",
        world(
            NEW,
            (down("ADAM_MSExchange", 10048),),
            connections=(LDAP_CLIENT._replace(port=50389),),
            exclusions=Exclusions(blocks((50389, 50389, True)), ()),
        ),
        [("port_taken_by_connection", "critical", "holder")],
    ),
    (
        "a fixed RPC port has an outgoing connection",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values=rpc("netlogon", 49201),
            connections=(LDAP_CLIENT._replace(port=49201),),
        ),
        [("static_rpc_port_taken", "critical", False)],
    ),
]
DECOYS: list[tuple[str, World]] = [
    (
        "a fixed RPC port that its service is connected from",
        world(
            NEW,
            (service("Netlogon", LSASS),),
            product_type=2,
            values=rpc("netlogon", 49201),
            connections=(Connection("192.0.2.10", 49201, LSASS, "192.0.2.99:389"),),
        ),
    ),
]


@pytest.mark.parametrize(("server", "expected"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND])
def test_ports_of_connections_are_found(server: World, expected: Expected) -> None:
    rows = server.value("findings")
    assert [(row["kind"], row["severity"], waits_for(row)) for row in rows] == expected


@pytest.mark.parametrize("server", [row[1] for row in DECOYS], ids=[row[0] for row in DECOYS])
def test_ports_of_services_own_connections_are_no_finding(server: World) -> None:
    assert server.value("findings") == []


def lost_to_a_connection(version: str = OLD, **more: t.Any) -> dict[str, t.Any]:
    victim = down("BlackBerry Router", 10048)
    (row,) = world(version, (victim,), connections=(LDAP_CLIENT,), **more).value("findings")
    return t.cast("dict[str, t.Any]", row)


def test_a_connection_on_the_port_is_told_with_its_far_end() -> None:
    row = lost_to_a_connection()
    holder = "an outgoing connection of java.exe (process 3000) to 192.0.2.99:389"
    assert row["summary"] == f"BlackBerry Router is down: {holder} holds TCP 3101."
    (held,) = row["held_by"]
    assert (held["held_as"], held["outgoing"], held["far_ends"]) == ("outgoing_connection", True, ["192.0.2.99:389"])
    assert row["evidence"][-1]["text"] == f"{holder} holds TCP 3101"
    assert f"# First end {holder}: stop or restart that process" in row["fix"].replace("\n# ", " ")
    assert "services: [blackberry_router]" in row["fix"] or "- blackberry_router" in row["fix"]


def test_what_can_not_be_ended_waits_for_the_reboot() -> None:
    """To relieve the service before it would fail, and so the reboot would never come."""
    client = LDAP_CLIENT._replace(process_id=LSASS)
    (row,) = world(OLD, (down("BlackBerry Router", 10048),), connections=(client,)).value("findings")
    assert "lsass.exe can't be stopped: with the ports reserved, it takes others after the reboot." in row["fix"]
    assert "portkeeper.windows.reserved_ports:" in row["fix"]
    assert "portkeeper.windows.server_reboot:" in row["fix"]
    assert "converge" not in row["fix"]


def test_a_tcp_port_needs_no_restart_of_dns() -> None:
    assert "restart_dns" not in lost_to_a_connection()["fix"]


RANGES: list[tuple[str, str, dict[str, t.Any], str]] = [
    ("MaxUserPort is not set", OLD, {}, "MaxUserPort is not set, so it draws from 1025-5000. The DNS"),
    (
        "MaxUserPort",
        OLD,
        {"values": {MAX_USER_PORT_FACT: dword(60000)}},
        "MaxUserPort is 60000, so it draws from 1025-",
    ),
    ("out of range", NEW, {}, "does not draw it now (it draws TCP ports from 49152-65535)"),
    (
        "a wide range",
        NEW,
        {"ranges": WIDE_RANGES},
        "asked for it: it draws TCP ports from 1025-60000, as the setup of Exchange 2007 sets it. The DNS",
    ),
]


@pytest.mark.parametrize(("version", "more", "words"), [row[1:] for row in RANGES], ids=[row[0] for row in RANGES])
def test_the_range_that_a_connection_came_from_is_told(version: str, more: dict[str, t.Any], words: str) -> None:
    assert words in lost_to_a_connection(version, **more)["cause"]
