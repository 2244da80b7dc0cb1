# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subsets ``risk`` and ``services``: from what a server answers to the odds of its next boot."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DynamicRanges,
    RegistryType,
    RegistryValue,
    Socket,
    SocketsFact,
    UpdatesFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    ad_lds_port_facts,
    delayed_flag,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.unit.plugins.module_utils._diagnosis.world import (
    DNS_PROCESS,
    EDGE_PROCESS,
    IANA,
    World,
    blocks,
    dword,
    multi,
    service,
)

LISTED = ("KB951746",)
OLD, SP2, NEW = "5.2.3790", "6.0.6002", "10.0.20348"
DNS, EDGE, RADIUS = service("DNS", DNS_PROCESS), service("ADAM_MSExchange", EDGE_PROCESS), service("IAS", 500)
TWO_OF_IANA = 1 - 13884 * 13883 / (16384 * 16383)
WIDE = DynamicRanges(IANA, PortRange(1025, 60000), IANA, IANA)
DELAYED = RegistryValue(RegistryType.DWORD, 1)


def test_an_edge_server_as_windows_has_it() -> None:
    value = World().value("risk")
    assert value["probability"] == round(TWO_OF_IANA, 6)
    assert value["formula"] == "1 - C(16382, 2500) / C(16384, 2500)"
    assert (value["pool"], value["dns_start"], value["in_use_known"]) == ("always", "auto", False)
    assert (value["drawn"], value["drawable"]) == (2500, 16384)
    assert [(row["service"], row["udp"]) for row in value["services"]] == [
        ("ADAM_MSExchange", ["50389-50389", "50636-50636"])
    ]
    (first, second) = value["ports"]
    assert (first["port"], second["port"]) == (50389, 50636)
    assert first["probability"] == second["probability"] == round(2500 / 16384, 6)
    assert first["reason"] == "2500 of 16384 ports are drawn."
    assert first["after"]["excluded_from_pool"] == 0
    advised = {row["name"]: row["probability"] for row in value["candidates"] if row["advised"]}
    assert advised == {"excluded_from_pool": 0.0}
    assert {row["name"] for row in value["doubts"]} == {"start_order", "ad_lds_udp", "ipv6"}


def test_after_a_candidate_means_after_it_is_applied() -> None:
    """What is promised for a change is what is found once the change is there."""
    promised = {row["name"]: row["probability"] for row in World().value("risk")["candidates"]}
    applied: dict[str, World] = {
        "excluded_from_pool": World(values={POOL_EXCLUSIONS_FACT: multi("50389-50389", "50636-50636")}),
        "delayed_dns": World(values={delayed_flag("DNS"): DELAYED}),
        "netsh_exclusions": World(exclusions=Exclusions((), blocks((50389, 50389, True), (50636, 50636, True)))),
        "small_pool": World(values={POOL_SIZE_FACT: dword(50)}),
    }
    assert set(applied) == set(promised)
    assert {name: world.value("risk")["probability"] for name, world in applied.items()} == promised


def test_reserved_ports_count_before_their_reboot() -> None:
    world = World(OLD, services=(DNS, RADIUS), ranges=None, updates=LISTED, values={MAX_USER_PORT_FACT: dword(60000)})
    assert world.value("risk")["probability"] == pytest.approx(0.1591, abs=0.0001)
    fixed = dataclasses.replace(world, values={**world.values, RESERVED_PORTS_FACT: multi("1645-1646", "1812-1813")})
    value = fixed.value("risk")
    assert (value["probability"], value["formula"]) == (0, "")
    assert value["ports"][0]["reason"] == "The pool leaves it alone."


@pytest.mark.parametrize("entries", [("1645-1645", "1646-1646"), ("1645", "1646")], ids=["touching", "no hyphen"])
def test_entries_that_may_not_count_do_not(entries: tuple[str, ...]) -> None:
    values = {MAX_USER_PORT_FACT: dword(60000), RESERVED_PORTS_FACT: multi(*entries, "1812-1813")}
    value = World(OLD, services=(DNS, RADIUS), ranges=None, updates=LISTED, values=values).value("risk")
    assert value["probability"] == pytest.approx(2 * 2500 / 58977, abs=0.002)
    assert {row["name"]: row["probability"] for row in value["doubts"]}["reserved_ports_entries"] == 0


def test_reserved_ports_mean_nothing_to_newer_windows() -> None:
    world = World(values={RESERVED_PORTS_FACT: multi("50389-50389", "50636-50636")})
    assert world.value("risk")["probability"] > 0


FEW = (Socket("udp", "0.0.0.0", 53, DNS_PROCESS),)
STOPPED = (service("DNS"), EDGE)


@pytest.mark.parametrize(
    ("world", "pool"),
    [
        (World(SP2, sockets=FEW, updates=LISTED), "confirmed"),
        (World(SP2, sockets=FEW), "not_seen"),
        (World(SP2, sockets=FEW, unread=(UpdatesFact,)), "not_seen"),
        (World(SP2, sockets=FEW, unread=(UpdatesFact, SocketsFact)), "assumed"),
        (World(SP2, services=STOPPED), "assumed"),
        (World(SP2, values={POOL_SIZE_FACT: dword(50)}), "assumed"),
    ],
    ids=["listed, not restarted since", "looked and not there", "no list", "nothing read", "DNS is down", "small pool"],
)
def test_the_update(world: World, pool: str) -> None:
    report = world.report("risk", "updates", "findings").plain()
    assert report["risk"]["pool"] == report["updates"]["dns_pool"] == pool
    assert bool(report["risk"]["probability"]) == (pool != "not_seen")
    assert ("dns_update_missing" in [row["kind"] for row in report["findings"]]) == (pool == "not_seen")


def test_what_is_in_use_is_not_drawable_but_the_service_s_own_port_is() -> None:
    sockets = (
        Socket("udp", "0.0.0.0", 50636, EDGE_PROCESS),
        Socket("udp", "0.0.0.0", 49152, 600),
        Socket("udp", "0.0.0.0", 60000, DNS_PROCESS),
        Socket("tcp", "0.0.0.0", 49153, 600),
    )
    value = World(sockets=sockets, exclusions=Exclusions((), blocks((50000, 50099, False)))).report("risk", "sockets")
    assert value.plain()["risk"]["drawable"] == 16384 - 1 - 100
    assert value.plain()["risk"]["in_use_known"]


def test_delayed_dns_comes_after_the_service() -> None:
    value = World(SP2, updates=LISTED, values={delayed_flag("DNS"): DELAYED}).value("risk")
    assert (value["dns_start"], value["probability"]) == ("delayed", 0)
    assert value["ports"][0]["reason"] == "It starts before the DNS server, whose start is delayed."


def test_a_delay_that_windows_does_not_keep() -> None:
    """An automatic service that needs DNS makes Windows start DNS at once."""
    world = World(
        SP2,
        services=(DNS, EDGE, service("Needy")),
        values={delayed_flag("DNS"): DELAYED},
        dependencies=(("Needy", "DNS"),),
    )
    assert world.value("risk")["dns_start"] == "auto"
    late = dataclasses.replace(world, values={**world.values, delayed_flag("Needy"): DELAYED})
    assert late.value("risk")["dns_start"] == "delayed"


@pytest.mark.parametrize(
    ("services", "start", "reason"),
    [
        ((EDGE,), "not_installed", "There is no DNS server."),
        ((EDGE, service("DNS", start_mode="Manual")), "by_hand", "The DNS server does not start by itself."),
    ],
)
def test_without_dns_nothing_is_at_risk(services: tuple[t.Any, ...], start: str, reason: str) -> None:
    value = World(services=services).value("risk")
    assert (value["dns_start"], value["probability"], value["drawn"], value["reason"]) == (start, 0, 0, reason)
    assert (value["candidates"], value["doubts"]) == ([], [])
    assert {row["reason"] for row in value["ports"]} == {reason}


def test_only_services_that_start_by_themselves_need_their_ports() -> None:
    services = (DNS, EDGE, service("IAS", start_mode="Manual"), service("BESClient", start_mode="Disabled"))
    assert [row["service"] for row in World(services=services).value("risk")["services"]] == ["ADAM_MSExchange"]


def test_ports_of_ad_lds_come_from_the_registry() -> None:
    ldap, ssl = ad_lds_port_facts("ADAM_MSExchange")
    value = World(values={ldap: dword(389), ssl: dword(50000)}).value("risk")
    assert {row["port"]: bool(row["probability"]) for row in value["ports"]} == {389: False, 50000: True}


def test_push_mail_needs_exchange_beside_the_web_server() -> None:
    web = World(OLD, services=(DNS, service("W3SVC", 700)), ranges=None)
    assert web.value("risk")["services"] == []
    with_exchange = dataclasses.replace(web, services=(*web.services, service("MSExchangeMGMT", 800)))
    assert [row["product"] for row in with_exchange.value("risk")["services"]] == ["autd"]


def test_a_service_that_takes_any_port_of_a_range_is_not_judged() -> None:
    value = World(services=(DNS, service("WDSServer", 900))).value("risk")
    assert (value["probability"], value["ports"]) == (0, [])
    (row,) = value["services"]
    assert (row["probability"], set(row["after"].values())) == (None, {None})
    assert "ranges" in {doubt["name"] for doubt in value["doubts"]}


def test_the_range_of_exchange_2007_brings_the_old_ports_back() -> None:
    value = World(services=(DNS, RADIUS), ranges=WIDE).value("risk")
    assert value["range"] == {"first": 1025, "last": 60000, "count": 58976}
    assert value["range_contested"]
    assert value["probability"] > 0.15


def test_services_with_their_start_modes() -> None:
    services = (DNS, EDGE, service("WinRM", 4), service("IAS", start_mode="Manual"), service("Unknown"))
    rows = World(services=services, values={delayed_flag("DNS"): DELAYED}).value("services")
    assert {row["service"]: (row["products"], row["start_mode"]) for row in rows} == {
        "DNS": ([], "delayed"),
        "WinRM": ([], "auto"),
        "ADAM_MSExchange": (["ad_lds"], "auto"),
        "IAS": (["ias"], "manual"),
    }
