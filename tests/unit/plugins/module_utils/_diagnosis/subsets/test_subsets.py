# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each subset of port_info, against servers written as facts."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import SUBSET_NAMES, PortInfoOptions
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import SUBSETS, gather
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.summary import summary
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DynamicRanges,
    Facts,
    FactsNeeded,
    RegistryType,
    RegistryValue,
    Socket,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    ad_lds_port_facts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet
from tests.unit.plugins.module_utils._diagnosis.world import (
    DNS_PROCESS,
    EDGE_PROCESS,
    IANA,
    NOW,
    UPTIME,
    World,
    blocks,
    dword,
    multi,
    service,
)

OLD, SP2, R2, NEW = "5.2.3790", "6.0.6002", "6.1.7601", "10.0.20348"


def pool_sockets(count: int, process_id: int = DNS_PROCESS) -> tuple[Socket, ...]:
    return tuple(Socket("udp", "0.0.0.0", 50000 + number, process_id) for number in range(count))


def test_every_name_has_its_subset() -> None:
    assert tuple(SUBSETS) == SUBSET_NAMES


def test_nothing_is_read_twice_and_no_subset_waits_for_another() -> None:
    """The questions of the first round come from every subset at once, so that observe can join them."""
    release, everything = release_of(NEW, 3), PortInfoOptions(SUBSET_NAMES)
    with pytest.raises(FactsNeeded) as caught:
        gather(everything, World().facts(everything).without(SocketsFact), release, NOW)
    assert caught.value.facts == {SocketsFact(None)}
    with pytest.raises(FactsNeeded) as caught:
        gather(everything, Facts(), release, NOW)
    assert {"ExclusionsFact", "DynamicRangesFact", "SocketsFact"} <= {type(f).__name__ for f in caught.value.facts}


def test_the_release() -> None:
    value = World(product_type=2).value("release")
    assert (value["name"], value["version"], value["uptime"]) == ("Windows Server 2022", NEW, UPTIME)
    assert value["domain_controller"]
    assert value["capabilities"]["excluded_port_ranges"] == "yes"


@pytest.mark.parametrize(
    ("world", "seen", "pool"),
    [
        (World(R2), [], "always"),
        (World(OLD, updates=("KB123456", "kb951746")), ["KB951746"], "confirmed"),
        (World(SP2, updates=("KB953230",)), ["KB953230"], "confirmed"),
        (World(OLD), [], "not_seen"),
        (World(OLD, services=()), [], "assumed"),
    ],
    ids=["6.1", "listed", "listed on 6.0", "not listed", "no DNS server"],
)
def test_updates_confirm_a_pool_and_sockets_refute_it(world: World, seen: list[str], pool: str) -> None:
    value = world.value("updates")
    assert (value["seen"], value["dns_pool"]) == (seen, pool)
    assert value["reason"].endswith(".")


@pytest.mark.parametrize(("held", "pool"), [(99, "not_seen"), (100, "confirmed")])
def test_many_udp_sockets_of_dns_confirm_a_pool(held: int, pool: str) -> None:
    world = World(OLD, sockets=pool_sockets(held))
    assert world.report("updates", "sockets").plain()["updates"]["dns_pool"] == pool


def test_dynamic_ranges_by_netsh() -> None:
    wide = PortRange(1025, 60000)
    value = World(ranges=DynamicRanges(wide, IANA, IANA, IANA)).value("dynamic_ranges")
    assert value["mechanism"] == "netsh"
    assert value["tcp"] == {"first": 1025, "last": 60000, "count": 58976}
    assert value["udp6"]["first"] == 49152
    assert value["max_user_port"] is None


def test_max_user_port_on_new_releases_is_for_dns_alone() -> None:
    value = World(values={MAX_USER_PORT_FACT: dword(5000)}).value("dynamic_ranges")
    assert value["max_user_port"] == 5000
    assert "does not read MaxUserPort" in value["meaning"][0]
    assert "49152-54152" in value["meaning"][1]


@pytest.mark.parametrize(
    ("highest", "stack", "dns", "warned"),
    [
        (None, "1025-5000", "49152-65535", False),
        (60000, "1025-60000", "1024-60000", False),
        (65536, "1025-65534", "1024-65535", True),
        (80, "1025-5000", "1024-1024", True),
    ],
)
def test_dynamic_ranges_on_nt_5(highest: int | None, stack: str, dns: str, warned: bool) -> None:
    world = World(OLD, values={} if highest is None else {MAX_USER_PORT_FACT: dword(highest)})
    report = world.report("dynamic_ranges")
    value = report.plain()["dynamic_ranges"]
    assert f"{value['udp']['first']}-{value['udp']['last']}" == stack
    assert value["tcp6"] is None
    assert stack in value["meaning"][0]
    assert dns in value["meaning"][1]
    assert bool(report.warnings) == warned


def test_reservations_on_nt_5_are_the_value() -> None:
    world = World(OLD, values={RESERVED_PORTS_FACT: multi("3343-3343", "3344", "junk")})
    assert world.value("reservations") == {
        "mechanism": "registry",
        "tcp": ["3343-3343"],
        "udp": ["3343-3343"],
        "blocks": [],
        "entries": ["3343-3343", "3344", "junk"],
        "unreadable": ["junk"],
        "entries_honoured": True,
    }


def test_a_value_of_the_wrong_type_reserves_nothing_and_is_named() -> None:
    world = World(OLD, values={RESERVED_PORTS_FACT: RegistryValue(RegistryType.STRING, "3343-3343")})
    report = world.report("reservations")
    assert report.plain()["reservations"]["udp"] == []
    assert "its type is REG_SZ" in report.warnings[0]


def test_reservations_on_new_releases_are_netshs_rows() -> None:
    found = Exclusions(tcp=(), udp=blocks((50100, 50199, False), (50389, 50389, True), (50390, 50390, True)))
    value = World(exclusions=found, values={RESERVED_PORTS_FACT: multi("4500-4500")}).value("reservations")
    assert (value["mechanism"], value["tcp"], value["udp"]) == ("netsh", [], ["50389-50390"])
    assert value["blocks"][0] == {
        "protocol": "udp",
        "first": 50100,
        "last": 50199,
        "administered": False,
        "store": "active",
    }
    assert (value["entries"], value["entries_honoured"]) == (["4500-4500"], False)


def test_where_nothing_can_be_reserved_it_is_said_and_is_no_warning() -> None:
    report = World(SP2, exclusions=None).report("release", "reservations")
    assert report.plain()["reservations"] is None
    assert report.plain()["release"]["name"] == "Windows Server 2008 SP2"
    assert report.warnings == ()
    assert summary(report) == "Windows Server 2008 SP2. No port can be reserved here without the hotfix KB2665809."


def test_the_pool_as_it_is_by_default() -> None:
    value = World().value("dns_pool")
    assert (value["state"], value["process_id"]) == ("Running", DNS_PROCESS)
    assert (value["size"], value["configured_size"], value["excluded_ports"]) == (2500, None, [])
    assert value["range"] == {"first": 49152, "last": 65535, "count": 16384}
    assert (value["range_rule"], value["range_contested"], value["sockets_held"]) == ("default", False, None)
    assert (value["dead_value"], value["excluded_ports_supported"]) == (False, True)


def test_the_pool_as_it_is_configured() -> None:
    values = {POOL_SIZE_FACT: dword(50), POOL_EXCLUSIONS_FACT: multi("50389", "junk"), MAX_USER_PORT_FACT: dword(10000)}
    value = World(values=values, dead_value=True).value("dns_pool")
    assert (value["size"], value["configured_size"]) == (50, 50)
    assert (value["excluded_ports"], value["unreadable"]) == (["50389", "junk"], ["junk"])
    assert (value["range_rule"], value["range_contested"], value["dead_value"]) == ("count_from_start", True, True)


def test_pool_values_of_a_wrong_type_count_as_absent() -> None:
    text = RegistryValue(RegistryType.STRING, "50")
    report = World(values={POOL_SIZE_FACT: text, POOL_EXCLUSIONS_FACT: text}).report("dns_pool")
    value = report.plain()["dns_pool"]
    assert (value["size"], value["configured_size"], value["excluded_ports"]) == (2500, None, [])
    assert [warning.split()[0] for warning in report.warnings] == [POOL_SIZE_FACT.name, POOL_EXCLUSIONS_FACT.name]


def test_without_dns_there_is_no_pool_and_no_warning() -> None:
    report = World(services=()).report("dns_pool")
    assert (report.plain()["dns_pool"], report.warnings) == (None, ())


def test_the_pools_sockets_are_counted_where_all_sockets_are_read() -> None:
    others = (Socket("udp", "0.0.0.0", 53, DNS_PROCESS), Socket("tcp", "0.0.0.0", 50000, DNS_PROCESS))
    world = World(sockets=(*pool_sockets(7), *others, *pool_sockets(3, EDGE_PROCESS)))
    assert world.report("dns_pool", "sockets").plain()["dns_pool"]["sockets_held"] == 7
    restricted = world.report("dns_pool", "sockets", ports=PortSet.of(50000))
    assert restricted.plain()["dns_pool"]["sockets_held"] is None


def test_sockets_with_their_processes_and_services() -> None:
    world = World(
        sockets=(
            Socket("udp", "::", 50636, DNS_PROCESS),
            Socket("udp", "0.0.0.0", 50636, DNS_PROCESS),
            Socket("tcp", "0.0.0.0", 50636, EDGE_PROCESS),
            Socket("udp", "0.0.0.0", 53, DNS_PROCESS),
            Socket("udp", "0.0.0.0", 4500, 77),
        )
    )
    rows = world.value("sockets")
    assert [(row["port"], row["protocol"], row["address"], row["pool"]) for row in rows] == [
        (53, "udp", "0.0.0.0", False),
        (4500, "udp", "0.0.0.0", False),
        (50636, "tcp", "0.0.0.0", False),
        (50636, "udp", "0.0.0.0", True),
        (50636, "udp", "::", True),
    ]
    assert (rows[1]["image"], rows[1]["services"]) == ("", [])
    assert (rows[2]["image"], rows[2]["services"]) == ("dsamain.exe", ["ADAM_MSExchange"])


def test_ten_thousand_sockets_are_no_trouble() -> None:
    assert len(World(sockets=pool_sockets(10_000)).value("sockets")) == 10_000


PORTS: list[tuple[dict[t.Any, t.Any], tuple[int | None, int | None, str]]] = [
    ({}, (50389, 50636, "default")),
    (dict(zip(ad_lds_port_facts("ADAM_MSExchange"), (dword(389), dword(636)), strict=True)), (389, 636, "registry")),
    ({ad_lds_port_facts("ADAM_MSExchange")[0]: dword(389)}, (389, None, "registry")),
]


@pytest.mark.parametrize(("values", "expected"), PORTS, ids=["default", "both", "one"])
def test_ad_lds_instances(values: dict[t.Any, t.Any], expected: tuple[t.Any, ...]) -> None:
    (instance,) = World(values=values, services=(service("ADAM_MSExchange", 0, exit_code=10013),)).value("ad_lds")
    assert (instance["ldap_port"], instance["ssl_port"], instance["ports_source"]) == expected
    assert (instance["instance"], instance["state"], instance["exit_code"]) == ("MSExchange", "Stopped", 10013)


def test_ports_of_an_unknown_instance_are_not_guessed() -> None:
    values = dict.fromkeys(ad_lds_port_facts("ADAM_users"), RegistryValue(RegistryType.STRING, "389"))
    (instance,) = World(services=(service("ADAM_users", 9),), values=values).value("ad_lds")
    assert (instance["ldap_port"], instance["ssl_port"], instance["ports_source"]) == (None, None, "unknown")
