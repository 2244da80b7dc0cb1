# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards: what no plan may do unasked, what may be accepted, and what is harmless."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import risks
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    ExclusionsFact,
    Facts,
    RegistryType,
    RegistryValue,
    Socket,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.free_ports import withheld_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    POOL_SIZE_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.unit.plugins.module_utils._change.runs.planning import Item, carried_out, plan, said
from tests.unit.plugins.module_utils._change.world import World, blocks, dynamic_ranges, service, stopped

EXCHANGE: t.Final = ("MSExchangeIS", "MSExchangeSA")
DEPENDS: t.Final = [
    ("WinRM", "RpcSs"),
    ("WinRM", "HTTP"),
    ("RpcSs", "DcomLaunch"),
    ("WinRM", "Beneath"),
    ("Foo", "DNS"),
]


def server(release: str = "2022", *more: t.Any, listens: tuple[int, ...] = (5985,), **changes: t.Any) -> World:
    """A DNS server with what every Windows has; http.sys listens for WinRM in the kernel's process."""
    names = ("WinRM", "RpcSs", "DcomLaunch", "Winmgmt", "EventLog", "Beneath", "Spooler", "DNS", "Foo")
    known = [service(name) for name in names if name not in {one.name for one in more}]
    world = World(release, services=[*known, *more], depends=list(DEPENDS), processes={4: "System"}, **changes)
    world.sockets += [Socket("tcp", "0.0.0.0", port, 4) for port in listens]
    return world


def service_state(name: str, state: str) -> Item:
    return {"service_state": {"name": [name], "state": state}}


def start_mode(name: str, mode: str) -> Item:
    return {"service_start_mode": {"name": [name], "start_mode": mode}}


def reserved(*ports: str, **more: t.Any) -> Item:
    return {"reserved_ports": {"ports": list(ports), **more}}


def kept_from_pool(*ports: str, **more: t.Any) -> Item:
    return {"dns_socket_pool": {"excluded_ports": list(ports), **more}}


def dynamic(start: int, number: int, protocol: str = "both") -> Item:
    return {"dynamic_ports": {"start": start, "number": number, "protocol": protocol}}


HIGHEST_60000: t.Final[Item] = {"dynamic_ports": {"max_user_port": "60000"}}


def refused(world: World, *items: Item, **options: t.Any) -> str:
    with pytest.raises(PlanError) as refusal:
        plan(world, *items, **options)
    return str(refusal.value)


# --- the way in ------------------------------------------------------------------------------------------------------

CUTS: t.Final = {
    "winrm-restarted": service_state("WinRM", "restarted"),
    "winrm-stopped-in-other-letters": service_state("winrm", "stopped"),
    "wmi-restarted": service_state("Winmgmt", "restarted"),
    "rpc-stopped": service_state("RpcSs", "stopped"),
    "beneath-stopped": service_state("Beneath", "stopped"),
    "winrm-manual": start_mode("WinRM", "manual"),
    "winrm-disabled": start_mode("WinRM", "disabled"),
    "event-log-disabled": start_mode("EventLog", "disabled"),
    "rpc-manual": start_mode("DcomLaunch", "manual"),
    "beneath-manual": start_mode("Beneath", "manual"),
    "range-moved-over-it": dynamic(5000, 20000),
    "tcp-range-moved-over-it": dynamic(5000, 20000, "tcp"),
    "its-port-excluded": reserved("5985"),
    "among-others-excluded": reserved("5980-5990", protocol="tcp"),
}


@pytest.mark.parametrize("item", CUTS.values(), ids=CUTS)
def test_who_cuts_the_way_in_is_refused(item: Item) -> None:
    text = refused(server(), item, own_port=5985)
    for word in ("WinRM", "can't be reached any more", "accept_risks: [way_in]", "nothing was changed"):
        assert word in text.replace("could not be reached", "can't be reached"), word


@pytest.mark.parametrize("name", [name for name in CUTS if "excluded" not in name])
def test_who_means_it_may(name: str) -> None:
    planned = plan(server(), CUTS[name], own_port=5985, accept_risks=["way_in"])
    assert planned.changed
    assert "accept_risks has way_in" in said(planned)


def test_another_risk_is_not_this_one() -> None:
    refused(server(), CUTS["winrm-restarted"], accept_risks=["starved_range", "small_pool", "block_mode", "cluster"])


def test_a_port_in_use_can_t_be_excluded_even_by_who_means_it() -> None:
    """The planner's own sentence comes then: nothing tells to stop WinRM unless it is meant."""
    sentence = "Stop the service that the kernel listens for"
    assert sentence in refused(server(), reserved("5985"), own_port=5985, accept_risks=["way_in"])
    assert sentence not in refused(server(), reserved("5985"), own_port=5985)


HARMLESS: t.Final = {
    "another-service": service_state("Spooler", "restarted"),
    "another-start-mode": start_mode("Spooler", "disabled"),
    "a-delayed-start": start_mode("WinRM", "delayed"),
    "udp-range": dynamic(5000, 20000, "udp"),
    "udp-exclusion": reserved("5985", protocol="udp"),
    "kept-from-the-pool": kept_from_pool("5985"),
    "a-range-beside-it": dynamic(6000, 20000),
    "wsman-over-tls-that-nobody-listens-on": reserved("5986"),
}


@pytest.mark.parametrize("item", HARMLESS.values(), ids=HARMLESS)
def test_what_is_harmless_is_done_without_a_word(item: Item) -> None:
    planned = plan(server(), item, own_port=5985)
    assert planned.changed
    assert "WinRM" not in said(planned)


@pytest.mark.parametrize(
    ("own_port", "listens", "ports", "is_refused"),
    [
        pytest.param(18985, (5985, 18985), "18985", True, id="a-port-of-its-own"),
        pytest.param(18985, (5985,), "18985", False, id="a-port-that-is-only-forwarded"),
        pytest.param(80, (80,), "5985", False, id="winrm-1.1"),
        pytest.param(40000, (), "5986", True, id="nothing-is-seen-to-listen"),
        pytest.param(5986, (80,), "5986", True, id="only-the-connection-tells"),
    ],
)
def test_whose_port_it_is(own_port: int, listens: tuple[int, ...], ports: str, *, is_refused: bool) -> None:
    world = server(listens=listens)
    if is_refused:
        assert "way_in" in refused(world, reserved(ports), own_port=own_port)
    else:
        assert plan(world, reserved(ports), own_port=own_port).changed


def test_a_range_that_lies_over_it_already_may_change() -> None:
    world = server(dynamic=dynamic_ranges("1025-60000"))
    assert plan(world, dynamic(5000, 55001), own_port=5985).changed


def test_a_reserved_port_can_t_be_drawn() -> None:
    world = server()
    world.exclusions = Exclusions(blocks("5985-5985"), ())
    assert plan(world, dynamic(5000, 20000), own_port=5985).changed


def test_on_nt5_the_port_is_reserved_where_it_can_be_drawn() -> None:
    """Who asks for it by its number gets it (KB812873)."""
    assert "way_in" in refused(server("2003"), HIGHEST_60000, own_port=5985)
    assert "way_in" in refused(server("2003"), reserved("5985"), own_port=5985)
    planned = plan(server("2003"), HIGHEST_60000, reserved("5985"), own_port=5985)
    assert planned.changed
    assert "WinRM" not in said(planned)


def test_an_undo_that_closes_the_way_in_is_told_and_done() -> None:
    world = server("2022", service("WinRM", start_mode="Manual"))
    world = carried_out_modes(world, plan(world, start_mode("WinRM", "auto")))
    planned = plan(world, start_mode("WinRM", "auto"), state="absent")
    assert planned.changed
    assert "could not be reached any more" in said(planned)


def carried_out_modes(world: World, planned: Convergence) -> World:
    """World has no deed for start modes: the mode and the journal are all that is needed here."""
    world.services = [service("WinRM") if one.name == "WinRM" else one for one in world.services]
    journal = Journal()
    for one in planned.plans:
        journal = journal.changed(one.journal)
    world.keep_journal(journal)
    return world


# --- ranges ----------------------------------------------------------------------------------------------------------


def busy(world: World, tcp: range = range(0), udp: range = range(0)) -> World:
    """Connections of one service, and UDP sockets of another."""
    for port in tcp:
        world.connect(port, "Spooler")
    for port in udp:
        world.hold("udp", port, "Foo")
    return world


SMALL: t.Final = dynamic_ranges("51000-51999")
"""Beside the rows of process 0 that every simulated netstat shows."""
STARVING: t.Final = {
    "all-tcp-and-udp": (server, reserved("49152-65535"), "dynamic TCP range 49152-65535: of its 16384 ports 16384"),
    "all-kept-from-the-pool": (server, kept_from_pool("49152-65535"), "the DNS server's pool, 49152-65535"),
    "one-too-many": (
        lambda: server("2022", stopped("DNS", start_mode="Disabled"), dynamic=SMALL),
        reserved("51000-51745"),
        "so that 254 stay free (1000 without",
    ),
    "one-too-many-with-those-in-use": (
        lambda: busy(server(dynamic=SMALL), tcp=range(51900, 51950)),
        reserved("51000-51695", protocol="tcp"),
        "696 are reserved or excluded then, and 50 others are in use now, so that 254 stay free (950 without",
    ),
    "a-range-smaller-than-what-is-in-use": (
        lambda: busy(server(), tcp=range(50000, 54900)),
        dynamic(50000, 5000, "tcp"),
        "of its 5000 ports 0 are reserved or excluded then, and 4900 others are in use now, so that 100 stay free",
    ),
    "a-range-too-small-for-the-pool": (server, dynamic(50000, 2754), "the pool takes 2500, and needs 255 more"),
    "the-pool-s-list-one-too-many": (server, kept_from_pool("50000-63629"), "so that 2754 stay free"),
    "others-in-the-pool-s-range": (
        lambda: busy(server(), udp=range(65000, 65010)),
        kept_from_pool("50000-63619"),
        "13620 are reserved or excluded then, and 10 others are in use now, so that 2754 stay free (16374 without",
    ),
    "a-pool-too-large": (
        lambda: server(dynamic=dynamic_ranges("55536-65535")),
        {"dns_socket_pool": {"size": "9800"}},
        "the pool takes 9800, and needs 255 more",
    ),
    "2003-everything": (
        lambda: server("2003", listens=(80,)),
        reserved("1024-65535"),
        "the dynamic TCP range 1025-5000",
    ),
    "2003-the-default-range": (lambda: server("2003"), reserved("1025-5000"), "so that 0 stay free (3976 without"),
    "2003-the-pool": (lambda: server("2003"), reserved("49152-65535"), "the DNS server's pool"),
}


@pytest.mark.parametrize(("make", "item", "words"), STARVING.values(), ids=STARVING)
def test_who_starves_a_range_is_refused_with_the_figures(make: t.Callable[[], World], item: Item, words: str) -> None:
    text = refused(make(), item)
    assert words in text
    for word in ("stay free", "accept_risks: [starved_range]", "nothing was changed"):
        assert word in text


@pytest.mark.parametrize(("make", "item", "words"), STARVING.values(), ids=STARVING)
def test_who_means_to_starve_it_may(make: t.Callable[[], World], item: Item, words: str) -> None:
    planned = plan(make(), item, accept_risks=["starved_range"])
    assert planned.changed
    assert words.lower() in said(planned).lower()


ENOUGH: t.Final = {
    "the-last-that-is-enough": (
        lambda: server("2022", stopped("DNS", start_mode="Disabled"), dynamic=SMALL),
        reserved("51000-51744"),
    ),
    "a-few-ports": (server, reserved("50389", "50636")),
    "below-the-range": (server, reserved("1645-1646", "6000-40000")),
    "the-whole-range-of-windows": (lambda: server(dynamic=dynamic_ranges("1025-60000")), dynamic(49152, 16384)),
    "a-few-kept-from-the-pool": (server, kept_from_pool("50389", "50636")),
    "half-of-the-pool-s-range": (server, kept_from_pool("50000-57000")),
    "2003-the-list-of-sbs": (lambda: server("2003"), reserved("1645-1646", "1701", "1812-1813", "2883", "4500")),
}


@pytest.mark.parametrize(("make", "item"), ENOUGH.values(), ids=ENOUGH)
def test_what_leaves_enough_is_done_without_a_word(make: t.Callable[[], World], item: Item) -> None:
    planned = plan(make(), item)
    assert planned.changed
    assert "stay free" not in said(planned)


TIGHT: t.Final = {
    "the-pool-s-list": (server, kept_from_pool("50000-63628"), "so that 2755 stay free"),
    "below-twice": (server, kept_from_pool("50000-61384"), "so that 4999 stay free"),
    "the-largest-pool": (server, {"dns_socket_pool": {"size": "10000"}}, "twice the 10000"),
}


@pytest.mark.parametrize(("make", "item", "words"), TIGHT.values(), ids=TIGHT)
def test_below_twice_the_pool_it_is_warned_of(make: t.Callable[[], World], item: Item, words: str) -> None:
    planned = plan(make(), item)
    assert planned.changed
    assert words in said(planned)
    assert "easier to guess" in said(planned)


def test_what_makes_it_no_worse_is_warned_of_and_never_refused() -> None:
    world = server(dynamic=dynamic_ranges("50000-50299"))
    world.exclusions = Exclusions(blocks("50000-50199"), blocks("50000-50199"))
    planned = plan(world, reserved("40000"))
    assert planned.changed
    assert "so that 100 stay free" in said(planned)


def test_blocks_of_windows_itself_count() -> None:
    world = server(dynamic=SMALL)
    world.exclusions = Exclusions(blocks("51500-51999", administered=False), ())
    assert "so that 249 stay free" in refused(world, reserved("51000-51250", protocol="tcp"))


def test_the_blocks_of_both_stores_count() -> None:
    """Those of the persistent store alone are in force from the next boot on."""
    lasting = (PortRange(51500, 51999),)
    exclusions = Exclusions(blocks("51000-51001"), (), persistent_tcp=lasting, persistent_udp=())
    facts = Facts({ExclusionsFact(): exclusions})
    found = withheld_ports(facts, World("2022").release.capabilities, "tcp")
    assert found.texts() == ["51000-51001", "51500-51999"]


def test_an_undo_that_starves_a_range_again_is_told_and_done() -> None:
    world = server(dynamic=dynamic_ranges("50000-50254"))
    world.services = [one for one in world.services if one.name != "DNS"]
    world.exclusions = Exclusions(blocks("50000-50199"), ())
    wide = dynamic(50000, 10000)
    world = carried_out(world, plan(world, wide))
    planned = plan(world, wide, state="absent")
    assert planned.changed
    assert "so that 55 stay free" in said(planned)


def test_few_ports_cost_no_further_question() -> None:
    """A first change of the pool's list reads no range, and one of ReservedPorts no sockets."""
    for world, item in ((server(), kept_from_pool("50389")), (server("2003"), reserved("4500"))):
        plan(world, item)
        asked = {type(fact).__name__ for fact in world.asked}
        assert not asked & {"DynamicRangesFact", "UsedPortsFact", "SocketsFact", "DependenciesFact"}


# --- the pool, clusters, start modes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("meant", [{}, {"accept_risks": ["small_pool"]}, {"item": {"allow_unsafe_size": True}}])
def test_a_pool_of_one_socket(meant: dict[str, t.Any]) -> None:
    item = {"dns_socket_pool": {"size": "0", **meant.get("item", {})}}
    if not meant:
        assert "MS08-037" in refused(server(), item)
        return
    planned = plan(server(), item, **{name: value for name, value in meant.items() if name != "item"})
    assert "accept_risks has small_pool" in said(planned)


def test_a_pool_that_has_one_socket_already_is_left() -> None:
    world = server()
    world.set(POOL_SIZE_FACT, RegistryValue(RegistryType.DWORD, 0))
    assert not plan(world, {"dns_socket_pool": {"size": "0"}}).changed


@pytest.mark.parametrize("cluster", ["running", "stopped", "none"])
@pytest.mark.parametrize("state", ["stopped", "restarted"])
def test_exchange_on_a_cluster_is_not_stopped_past_it(cluster: str, state: str) -> None:
    node = {"running": [service("ClusSvc")], "stopped": [stopped("ClusSvc")], "none": []}[cluster]
    world = server("2003", *map(service, EXCHANGE), *node)
    world.depends.append(("MSExchangeIS", "MSExchangeSA"))
    item = service_state("MSExchangeSA", state)
    if cluster != "running":
        assert said(plan(world, item)) == ""
        return
    text = refused(world, item)
    for word in ("MSExchangeIS, MSExchangeSA", "ClusSvc", "cluster.exe", "Stop-ClusteredMailboxServer", "[cluster]"):
        assert word in text
    assert "accept_risks has cluster" in said(plan(world, item, accept_risks=["cluster"]))


def test_what_is_not_exchange_may_be_stopped_on_a_cluster() -> None:
    assert plan(server("2003", service("ClusSvc")), service_state("Spooler", "restarted")).changed


def test_delaying_the_victim_beside_dns_is_warned_of() -> None:
    world = server("2022", service("ADAM_MSExchange"))
    planned = plan(world, start_mode("ADAM_MSExchange", "delayed"))
    assert "ADAM_MSExchange starts delayed now, and so after the DNS server" in said(planned)
    assert "50389, 50636" in said(planned)


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(World("2022", services=[service("ADAM_MSExchange"), service("Spooler")]), id="no-dns"),
        pytest.param(server("2022", service("ADAM_MSExchange"), stopped("DNS", start_mode="Disabled")), id="dns-off"),
    ],
)
def test_without_dns_a_delay_is_nobody_s_business(world: World) -> None:
    assert said(plan(world, start_mode("ADAM_MSExchange", "delayed"))) == ""


def test_what_needs_no_port_may_start_late() -> None:
    assert said(plan(server(), start_mode("Spooler", "delayed"))) == ""


@pytest.mark.parametrize(("product_type", "words"), [(2, "domain controller"), (3, "gets no answer")])
@pytest.mark.parametrize("mode", ["disabled", "manual"])
def test_dns_left_out_of_the_next_boot_is_warned_of(product_type: int, words: str, mode: str) -> None:
    text = said(plan(server(product_type=product_type), start_mode("dns", mode)))
    assert f"With the start mode {mode} the DNS server does not start at the next boot" in text
    assert words in text


def test_a_delayed_dns_is_no_missing_dns() -> None:
    assert "DNS server does not start" not in said(plan(server(), start_mode("DNS", "delayed")))


def test_all_dangers_are_named_at_once() -> None:
    world = server("2003", listens=(5985,))
    text = refused(world, reserved("1024-65535"), {"dns_socket_pool": {"size": "0"}}, own_port=5985)
    for word in ("TCP 5985", "dynamic TCP range", "dynamic UDP range", "MS08-037"):
        assert word in text
    assert "accept_risks: [way_in, starved_range, small_pool]" in text
    assert plan(world, reserved("1024-65535"), own_port=5985, accept_risks=["way_in", "starved_range"]).changed


# --- one place -------------------------------------------------------------------------------------------------------


def test_every_risk_can_be_accepted_by_its_name() -> None:
    names = {"way_in", "starved_range", "small_pool", "block_mode", "cluster"}
    assert set(risks.ARGUMENT[risks.OPTION]["choices"]) == names
    assert set(risks.ALIASES.values()) <= names
