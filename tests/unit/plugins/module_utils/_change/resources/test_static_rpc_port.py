# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixed RPC ports: which may be chosen, what is written where, and when each counts."""

from __future__ import annotations

import typing as t

import pytest
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    DeleteEmptyKey,
    DeleteValue,
    OptionError,
    Plan,
    PlanError,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import static_rpc_port
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    RegistryType,
    RegistryValue,
    Socket,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import (
    PORTS_BY_KEY,
    REBOOT,
    RPC_PORTS,
    RpcPort,
)
from ansible_collections.portkeeper.windows.plugins.modules import static_rpc_port as stub
from tests.unit.plugins.module_utils._change.world import World, dynamic_ranges, service, stopped

EXCHANGE = ("MSExchangeIS", "MSExchangeSA", "MSExchangeMTA", "MSExchangeAB")
CLIENT_ACCESS = "MSExchangeRPC"
"""Beside it, values of earlier versions are not read any more."""


def options(ports: t.Mapping[str, t.Any]) -> static_rpc_port.StaticRpcPorts:
    """What Ansible hands on: a text or nothing for each known key."""
    return static_rpc_port.options(
        {"ports": {key: None if (port := ports.get(key)) is None else str(port) for key in PORTS_BY_KEY}}
    )


def plan(world: World, journal: Journal | None = None, /, **ports: t.Any) -> Plan:
    wanted, ledger = options(ports), journal or Journal()
    return world.settle(lambda facts: static_rpc_port.plan(wanted, world.context(facts, ledger)))


def undo(world: World, journal: Journal, /, **ports: t.Any) -> Plan:
    wanted = options(ports)
    return world.settle(lambda facts: static_rpc_port.undo((wanted,), world.context(facts, journal)))


def controller(release: str = "2022") -> World:
    """A domain controller with Exchange on it."""
    world = World(release, product_type=2)
    names = ("Netlogon", "NtFrs", *EXCHANGE, "DNS")
    world.services = [service(name, process_id=500 + number) for number, name in enumerate(names)]
    return world


def listen(world: World, port: int, process_id: int) -> None:
    world.sockets.append(Socket("tcp", "0.0.0.0", port, process_id))


# --- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", RPC_PORTS, ids=lambda row: row.key)
def test_every_row_is_whole(row: RpcPort) -> None:
    assert row.name
    assert row.image
    assert row.restart in (REBOOT, row.service)
    assert f"[{row.tag}" in row.source
    assert row.fact.key.startswith("SYSTEM\\CurrentControlSet\\Services\\")


def test_no_two_rows_are_the_same_value() -> None:
    assert len({(row.fact.key.casefold(), row.value.casefold()) for row in RPC_PORTS}) == len(RPC_PORTS)
    assert len(PORTS_BY_KEY) == len(RPC_PORTS)


@pytest.mark.parametrize("row", RPC_PORTS, ids=lambda row: row.key)
def test_the_documentation_has_every_value_with_its_place(row: RpcPort) -> None:
    told = yaml.safe_load(stub.DOCUMENTATION)["options"]["ports"]["suboptions"][row.key]["description"]
    kind = "REG_SZ" if row.type is RegistryType.STRING else "DWORD"
    assert told[0] == f"{row.name}." + (" Domain controllers only." if row.needs_domain_controller else "")
    assert f"{kind} C({row.value}) in C({row.subkey})." in told[1]
    assert ("reboot" if row.restart == REBOOT else f"service C({row.restart})") in told[1]


# --- options ----------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, t.Any], str, str]] = [
    ("nothing", {}, "ports", "it is empty"),
    ("zero", {"ntds": 0}, "ports.ntds", "from 1 to 65535"),
    ("beyond", {"ntds": 65536}, "ports.ntds", "from 1 to 65535"),
    ("a range", {"ntds": "5000-5001"}, "ports.ntds", "neither a port"),
    ("a word", {"ntds": "dynamic"}, "ports.ntds", "nor 'default'"),
    ("twice the same", {"exchange_is": 5000, "exchange_sa": 5000}, "ports", "exchange_is and exchange_sa both have"),
    ("the pair of KB224196", {"ntds": 5000, "netlogon": 5000}, "ports", "event 5809"),
]


@pytest.mark.parametrize(("ports", "option", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_options_that_are_refused(ports: dict[str, t.Any], option: str, words: str) -> None:
    with pytest.raises(OptionError, match=words) as refusal:
        options(ports)
    assert refusal.value.option == option


def test_several_may_have_no_fixed_port() -> None:
    assert [number for _row, number in options({"ntds": "default", "netlogon": "Default", "ntfrs": 1}).ports] == [
        None,
        None,
        1,
    ]


# --- set, again, undo -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2003", "2008", "2008r2", "2022"])
def test_ports_set_then_unchanged_then_taken_back(release: str) -> None:
    world = controller(release)
    ports = {"ntds": 49200, "netlogon": 49201, "exchange_ab": 49202}
    first = plan(world, **ports)
    assert [(step.name, step.value.data) for step in first.steps if isinstance(step, WriteValue)] == [
        ("TCP/IP Port", 49200),
        ("DCTcpipPort", 49201),
        ("RpcTcpPort", "49202"),
    ]
    assert (first.before, first.after) == ({"ports": dict.fromkeys(ports, "default")}, {"ports": ports})
    assert first.effectiveness.reboot_required
    assert first.details["restart_services"] == ["Netlogon", "MSExchangeAB"]
    assert first.details["to_reserve"] == ["49200-49202"]
    journal = world.carry_out(first, Journal())
    again = plan(world, journal, **ports)
    assert (again.steps, again.effectiveness.reboot_required, again.after) == ((), True, {"ports": ports})
    journal = world.carry_out(undo(world, journal, **ports), journal)
    assert journal.is_empty
    assert not world.registry


def test_back_to_a_dynamic_port_and_undone() -> None:
    world = controller()
    world.set(PORTS_BY_KEY["netlogon"].fact, RegistryValue(RegistryType.DWORD, 1500))
    removed = plan(world, netlogon="default")
    assert (removed.before, removed.after) == ({"ports": {"netlogon": 1500}}, {"ports": {"netlogon": "default"}})
    assert isinstance(removed.steps[0], DeleteValue)
    journal = world.carry_out(removed, Journal())
    assert undo(world, journal, netlogon="default").after == {"ports": {"netlogon": 1500}}


def test_a_key_that_the_write_made_goes_with_the_undo() -> None:
    world = controller()
    world.services.append(service(CLIENT_ACCESS, process_id=600))
    world.absent_keys = {PORTS_BY_KEY["exchange_rpc"].fact.key}
    journal = world.carry_out(plan(world, exchange_rpc=59532), Journal())
    assert not world.absent_keys
    back = undo(world, journal, exchange_rpc=59532)
    assert [type(step) for step in back.steps] == [DeleteValue, DeleteEmptyKey]
    world.carry_out(back, journal)
    assert world.absent_keys == {PORTS_BY_KEY["exchange_rpc"].fact.key}


def test_an_undo_asks_nothing_of_services_that_were_not_changed() -> None:
    world = World("2022")
    assert undo(world, Journal(), ntds=49200).steps == ()


# --- which ports will do ----------------------------------------------------------------------------------------------

BAD: list[tuple[str, str, dict[str, t.Any], str]] = [
    ("the first ports on 2003", "2003", {"exchange_is": 1199}, r"first ports.*1024-1199.*above 1199"),
    ("the first ports since", "2022", {"exchange_is": 49183}, r"49152-49183"),
    ("used by another", "2022", {"exchange_is": 3389}, r"TCP 3389 for exchange_is: svchost.exe .* holds it"),
    (
        "used by an outgoing connection",
        "2003",
        {"exchange_is": 3101},
        r"an outgoing connection of svchost.exe .* to 192.0.2.99:389 holds it.*Choose another port, or stop or restart",
    ),
    ("used below 1024", "2003", {"exchange_is": 135}, "holds it"),
    ("another service's, not named", "2022", {"exchange_is": 5100}, "configured for exchange_sa"),
    ("the directory's", "2022", {"netlogon": 5200}, "configured for ntds.*5809"),
    ("LDAP's, which the same process holds", "2022", {"ntds": 389}, "every domain controller has LDAP there"),
    ("DFS Replication's", "2008r2", {"exchange_is": 5722}, "DFS Replication has it"),
]


def busy(release: str) -> World:
    world = controller(release)
    world.processes = {9: "svchost.exe"}
    for port in (135, 3389):
        listen(world, port, 9)
    world.connections.append(Connection("192.0.2.10", 3101, 9, "192.0.2.99:389"))
    world.set(PORTS_BY_KEY["exchange_sa"].fact, RegistryValue(RegistryType.DWORD, 5100))
    world.set(PORTS_BY_KEY["ntds"].fact, RegistryValue(RegistryType.DWORD, 5200))
    return world


@pytest.mark.parametrize(("release", "ports", "words"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_ports_that_will_not_do(release: str, ports: dict[str, t.Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(busy(release), **ports)


GOOD: list[tuple[str, str, dict[str, t.Any], list[str]]] = [
    ("below 1024", "2003", {"exchange_is": 700}, []),
    ("the article's example", "2003", {"exchange_is": 1200}, ["1200-1200"]),
    ("where no dynamic port is", "2022", {"exchange_is": 1100}, ["1100-1100"]),
    ("5722 where it is not fixed", "2022", {"exchange_is": 5722}, ["5722-5722"]),
    ("changing places", "2022", {"exchange_sa": 5101, "exchange_is": 5100}, ["5100-5101"]),
]


@pytest.mark.parametrize(("release", "ports", "reserved"), [row[1:] for row in GOOD], ids=[row[0] for row in GOOD])
def test_ports_that_will_do(release: str, ports: dict[str, t.Any], reserved: list[str]) -> None:
    planned = plan(busy(release), **ports)
    assert planned.changed
    assert planned.details["to_reserve"] == reserved


def test_the_start_follows_the_dynamic_range() -> None:
    world = controller()
    world.dynamic = dynamic_ranges("1025-60000")
    with pytest.raises(PlanError, match="1025-1056"):
        plan(world, exchange_is=1050)
    assert plan(world, exchange_is=49160).changed


def test_a_port_that_the_service_itself_listens_on_will_do() -> None:
    world = controller()
    listen(world, 5300, 502)
    assert plan(world, exchange_is=5300).changed


def test_what_is_configured_already_is_not_judged_again() -> None:
    world = busy("2022")
    world.set(PORTS_BY_KEY["exchange_is"].fact, RegistryValue(RegistryType.DWORD, 3389))
    asked = plan(world, exchange_is=3389)
    assert (asked.steps, asked.effectiveness.effective) == ((), "unknown")


MISSING: list[tuple[str, dict[str, t.Any], int, str]] = [
    (
        "no domain controller",
        {"ntds": 5000, "netlogon": 5001, "exchange_is": 5002},
        3,
        "of ntds, netlogon: .*no domain",
    ),
    (
        "not installed",
        {"exchange_is": 5000, "exchange_ds": 5001},
        2,
        r"exchange_ds \(service MSExchangeDS\): .*not inst",
    ),
]


@pytest.mark.parametrize(("ports", "product", "words"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_services_that_are_not_there(ports: dict[str, t.Any], product: int, words: str) -> None:
    world = controller()
    world.product_type = product
    with pytest.raises(PlanError, match=words):
        plan(world, **ports)


def test_values_that_exchange_2010_does_not_read_are_refused_and_may_be_taken_away() -> None:
    world = controller()
    world.services.append(service(CLIENT_ACCESS, process_id=600))
    world.set(PORTS_BY_KEY["exchange_is"].fact, RegistryValue(RegistryType.DWORD, 5300))
    for port in (5300, 5301):
        with pytest.raises(PlanError, match=r"ports of exchange_is, exchange_nspi: .*MSExchangeRPC.*does not read"):
            plan(world, exchange_is=port, exchange_nspi=5302, exchange_rpc=5303)
    assert plan(world, exchange_is="default").changed
    # A value that is not read takes no port from another service.
    assert plan(world, exchange_rpc=5300).changed


def test_a_value_of_another_type_is_left_alone() -> None:
    world = controller()
    world.set(PORTS_BY_KEY["exchange_ab"].fact, RegistryValue(RegistryType.DWORD, 5000))
    with pytest.raises(PlanError, match="its type is REG_DWORD, Exchange 2010 SP1 address book reads only REG_SZ"):
        plan(world, exchange_ab=5000)


# --- in force or not --------------------------------------------------------------------------------------------------


def changed(**ports: t.Any) -> tuple[World, Journal]:
    world = controller()
    return world, world.carry_out(plan(world, **ports), Journal())


def test_a_service_with_a_process_of_its_own_counts_when_it_has_restarted() -> None:
    world, journal = changed(exchange_is=5300)
    assert plan(world, journal, exchange_is=5300).details["restart_services"] == ["MSExchangeIS"]
    world.services[2] = service("MSExchangeIS", process_id=4711)
    again = plan(world, journal, exchange_is=5300)
    assert (again.effectiveness.effective, again.details["restart_services"]) == ("yes", [])


def test_netlogon_shares_its_process_and_is_known_by_its_port() -> None:
    world, journal = changed(netlogon=5300)
    assert plan(world, journal, netlogon=5300).effectiveness.effective == "no"
    listen(world, 5300, 500)
    assert plan(world, journal, netlogon=5300).effectiveness.effective == "yes"


def test_a_reboot_settles_everything() -> None:
    world, journal = changed(ntds=5300, netlogon=5301)
    assert plan(world, journal, ntds=5300, netlogon=5301).effectiveness.reboot_required
    world.uptime = 30.0
    assert plan(world, journal, ntds=5300, netlogon=5301).effectiveness.effective == "yes"


def test_a_stopped_service_reads_its_port_when_it_starts() -> None:
    world = controller()
    world.services[2] = stopped("MSExchangeIS")
    assert plan(world, exchange_is=5300).effectiveness.effective == "yes"


DFSR: list[tuple[str, int, int | None]] = [
    ("2008", 2, 5722),
    ("2008r2", 2, 5722),
    ("2008r2", 3, None),
    ("2022", 2, None),
]


@pytest.mark.parametrize(("release", "product", "port"), DFSR)
def test_the_port_of_dfs_replication_is_told(release: str, product: int, port: int | None) -> None:
    world = controller(release)
    world.product_type = product
    assert plan(world, exchange_is=5300).details["dfsr_port"] == port
