# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configured against effective."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Journal, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import SubsetName
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    RegistryType,
    RegistryValue,
    Socket,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import PORTS_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from tests.unit.plugins.module_utils._diagnosis.world import (
    DNS_PROCESS,
    NOW,
    UPTIME,
    World,
    blocks,
    dword,
    multi,
    service,
)

SUBSET: SubsetName = "configured_versus_effective"
OLD, SP2, NEW = "5.2.3790", "6.0.6002", "10.0.20348"
RESERVED = multi("50389-50389", "50636-50636")
Row = tuple[str, str, str, t.Any]


def rows(world: World, *more: SubsetName, journal: bool = True) -> list[Row]:
    found = world.report(SUBSET, *more, journal=journal).plain()[SUBSET]
    return [(row["resource"], row["part"], row["effective"], row["waits_for"]) for row in found]


def journalled(name: str, written: t.Any, wait: Wait | None = None) -> Journal:
    return Journal({name: Entry(original=written, written=written, wait=wait)})


def reboot_wait(age: float) -> Wait:
    return Wait("reboot", since=NOW - 1000, age=age)


def dns_wait(process_id: int) -> Wait:
    return Wait("dns_restart", since=NOW - 1000, age=UPTIME - 1000, process_id=process_id)


def test_a_server_as_installed_has_nothing_to_say() -> None:
    assert rows(World()) == []
    assert rows(World(OLD)) == []
    assert rows(World(services=())) == []


@pytest.mark.parametrize(
    ("journal", "effective", "waits_for"),
    [
        (None, "unknown", None),
        (journalled("reserved_ports", state_of(RESERVED)), "yes", None),
        (journalled("reserved_ports", state_of(RESERVED), reboot_wait(UPTIME - 1000)), "no", "reboot"),
        (journalled("reserved_ports", state_of(RESERVED), reboot_wait(90_000)), "yes", None),
        (journalled("reserved_ports", state_of(multi("1-1"))), "unknown", None),
    ],
    ids=["somebody else", "long ago", "waits", "rebooted since", "changed by others"],
)
def test_reserved_ports_wait_for_a_reboot(journal: Journal | None, effective: str, waits_for: str | None) -> None:
    world = World(OLD, values={RESERVED_PORTS_FACT: RESERVED}, journal=journal)
    assert rows(world) == [("reserved_ports", "ReservedPorts", effective, waits_for)]


def test_the_journal_can_be_switched_off() -> None:
    journal = journalled("reserved_ports", state_of(RESERVED))
    world = World(OLD, values={RESERVED_PORTS_FACT: RESERVED}, journal=journal)
    assert rows(world, journal=False) == [("reserved_ports", "ReservedPorts", "unknown", None)]


def test_a_value_that_this_release_ignores_is_not_effective() -> None:
    world = World(NEW, values={RESERVED_PORTS_FACT: RESERVED})
    (row,) = world.value(SUBSET)
    assert (row["configured"], row["effective"], row["waits_for"]) == (list(RESERVED.data), "no", None)  # type: ignore[arg-type]
    assert "KB812873" in row["reason"]


def test_a_value_of_the_wrong_type_is_not_effective() -> None:
    world = World(OLD, values={RESERVED_PORTS_FACT: RegistryValue(RegistryType.STRING, "5-5")})
    (row,) = world.value(SUBSET)
    assert (row["effective"], row["configured"]) == ("no", None)
    assert "REG_MULTI_SZ" in row["reason"]


def test_netsh_reservations_are_in_force_at_once() -> None:
    world = World(exclusions=Exclusions((), blocks((50389, 50389, True))))
    (row,) = world.value(SUBSET)
    assert row["configured"] == {"tcp": [], "udp": ["50389-50389"]}
    assert (row["part"], row["effective"]) == ("netsh", "yes")


def test_windows_own_blocks_are_nobodys_configuration() -> None:
    assert rows(World(exclusions=Exclusions(blocks((50000, 50099, False)), ()))) == []


@pytest.mark.parametrize(
    ("process_id", "effective", "waits_for"), [(DNS_PROCESS, "no", "dns_restart"), (7, "yes", None)]
)
def test_pool_settings_wait_for_a_restart_of_dns(process_id: int, effective: str, waits_for: str | None) -> None:
    size, ports = dword(3000), multi("50389-50389")
    journal = Journal(
        {
            "dns_socket_pool.size": Entry(None, state_of(size), wait=dns_wait(process_id)),
            "dns_socket_pool.excluded_ports": Entry(None, state_of(ports)),
        }
    )
    world = World(values={POOL_SIZE_FACT: size, POOL_EXCLUSIONS_FACT: ports}, journal=journal)
    assert rows(world) == [
        ("dns_socket_pool", "size", effective, waits_for),
        ("dns_socket_pool", "excluded_ports", "yes", None),
    ]


def test_what_was_taken_away_again_still_waits() -> None:
    journal = journalled("dns_socket_pool.size", None, dns_wait(DNS_PROCESS))
    (row,) = World(journal=journal).value(SUBSET)
    assert (row["configured"], row["waits_for"]) == ("default", "dns_restart")


@pytest.mark.parametrize(
    ("version", "age", "waits_for"), [(OLD, UPTIME - 1000, "reboot"), (OLD, 90_000, None)], ids=["waits", "rebooted"]
)
def test_max_user_port_that_we_set_waits_for_a_reboot(version: str, age: float, waits_for: str | None) -> None:
    highest = dword(60000)
    journal = journalled("dynamic_ports.max_user_port", state_of(highest), reboot_wait(age))
    world = World(version, values={MAX_USER_PORT_FACT: highest}, journal=journal)
    assert rows(world) == [("dynamic_ports", "max_user_port", "no" if waits_for else "yes", waits_for)]


def test_a_dynamic_range_that_we_set_waits_for_dns() -> None:
    written = {"ipv4": "49152-65535", "ipv6": "49152-65535"}
    (row,) = World(journal=journalled("dynamic_ports.udp", written, dns_wait(DNS_PROCESS))).value(SUBSET)
    assert (row["part"], row["configured"], row["waits_for"]) == ("udp", "49152-65535", "dns_restart")


def test_a_fixed_rpc_port_waits_for_its_service() -> None:
    store, port = service("MSExchangeIS", 77), dword(5300)
    wait = Wait("service_restart", since=NOW - 1000, age=UPTIME - 1000, process_id=77)
    world = World(
        services=(service("DNS", DNS_PROCESS), store),
        values={PORTS_BY_KEY["exchange_is"].fact: port},
        journal=journalled("static_rpc_port.exchange_is", state_of(port), wait),
    )
    assert rows(world) == [("static_rpc_port", "exchange_is", "no", "service_restart")]


def test_a_delayed_start_waits_for_a_boot() -> None:
    journal = journalled("service_start_mode.DNS", "delayed", reboot_wait(UPTIME - 1000))
    world = World(SP2, exclusions=None, values={delayed_flag("DNS"): dword(1)}, journal=journal)
    (row,) = world.value(SUBSET)
    assert (row["part"], row["configured"], row["waits_for"]) == ("DNS", "delayed", "boot")
    assert not row["reboot_required"]


def test_service_names_of_the_journal_are_checked() -> None:
    journal = Journal(
        {
            "service_start_mode.ADAM_MSExchange": Entry("auto", "auto"),
            "service_start_mode.Gone": Entry("auto", "manual"),
            "service_start_mode.x' OR Name='y": Entry("auto", "auto"),
        }
    )
    assert rows(World(journal=journal)) == [("service_start_mode", "ADAM_MSExchange", "yes", None)]


@pytest.mark.parametrize(
    ("version", "fact", "entry", "waits_for"),
    [
        (OLD, RESERVED_PORTS_FACT, "reserved_ports", "reboot"),
        (NEW, POOL_EXCLUSIONS_FACT, "dns_socket_pool.excluded_ports", "dns_restart"),
    ],
)
def test_what_the_sockets_show_outweighs_the_journal(version: str, fact: t.Any, entry: str, waits_for: str) -> None:
    held = Socket("udp", "0.0.0.0", 50636, DNS_PROCESS)
    world = World(version, values={fact: RESERVED}, sockets=(held,), journal=journalled(entry, state_of(RESERVED)))
    assert rows(world)[0][2:] == ("yes", None)
    assert rows(world, "sockets")[0][2:] == ("no", waits_for)
    free = World(version, values={fact: RESERVED}, sockets=(), journal=journalled(entry, state_of(RESERVED)))
    assert rows(free, "sockets")[0][2:] == ("yes", None)


def test_a_journal_that_cannot_be_read_is_a_warning() -> None:
    report = World(OLD, values={RESERVED_PORTS_FACT: RESERVED}, journal="{").report(SUBSET)
    assert report.plain()[SUBSET][0]["effective"] == "unknown"
    assert "can't be read" in report.warnings[0]


def test_a_journal_of_a_newer_release_is_not_interpreted() -> None:
    report = World(journal='{"version":99}').report(SUBSET)
    assert report.plain()[SUBSET] is None
    assert "Update the collection" in report.warnings[0]
