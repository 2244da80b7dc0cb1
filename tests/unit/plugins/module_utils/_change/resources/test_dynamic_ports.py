# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The range of ephemeral ports: what may be asked, what is done on which release, and what it means to the pool."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, Plan, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import dynamic_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType, RegistryValue
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import MAX_USER_PORT_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from tests.unit.plugins.module_utils._change.world import World, dynamic_ranges, service, stopped

WIDE = {"start": 1025, "number": 58976}
USUAL = {"start": 49152, "number": 16384}


def options(**given: t.Any) -> dynamic_ports.DynamicPorts:
    return dynamic_ports.options({"protocol": "both", **given})


def plan(world: World, journal: Journal | None = None, /, **given: t.Any) -> Plan:
    wanted, ledger = options(**given), journal or Journal()
    return world.settle(lambda facts: dynamic_ports.plan(wanted, world.context(facts, ledger)))


def undo(world: World, journal: Journal, /, **given: t.Any) -> Plan:
    wanted = options(**given)
    return world.settle(lambda facts: dynamic_ports.undo((wanted,), world.context(facts, journal)))


def server(
    release: str, *, highest: int | None = None, dns: bool = True, others: tuple[str, ...] = (), **changes: t.Any
) -> World:
    world = World(release, **changes)
    world.services = [service(name) for name in (*(("DNS", "PolicyAgent") if dns else ()), *others)]
    if highest is not None:
        world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, highest))
    return world


# --- options ----------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[str, dict[str, t.Any], str, str]] = [
    ("nothing", {}, "max_user_port", "nothing to do"),
    ("a little below", {"max_user_port": "4999"}, "max_user_port", "5000 to 65534"),
    ("what articles write", {"max_user_port": "65536"}, "max_user_port", "5000 to 65534"),
    ("a word", {"max_user_port": "many"}, "max_user_port", "neither a whole number nor 'default'"),
    ("a fraction", {"max_user_port": "6e4"}, "max_user_port", "neither"),
    ("a number of many digits", {"max_user_port": "9" * 5000}, "max_user_port", "5000 to 65534"),
    ("start alone", {"start": 1025}, "number", "given together"),
    ("number alone", {"number": 255}, "start", "given together"),
    ("start too low", {"start": 1024, "number": 1000}, "start", "between 1025 and 65535"),
    ("start too high", {"start": 65536, "number": 255}, "start", "between 1025 and 65535"),
    ("too few", {"start": 1025, "number": 254}, "number", "at least 255"),
    ("beyond the end", {"start": 65000, "number": 537}, "number", "end at 65536"),
]


@pytest.mark.parametrize(("given", "option", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_options_that_are_refused(given: dict[str, t.Any], option: str, words: str) -> None:
    with pytest.raises(OptionError, match=words) as refusal:
        options(**given)
    assert refusal.value.option == option


TAKEN: list[tuple[dict[str, t.Any], int | str | None, PortRange | None]] = [
    ({"max_user_port": "5000"}, 5000, None),
    ({"max_user_port": " 65534 "}, 65534, None),
    ({"max_user_port": "Default"}, "default", None),
    ({"start": 65281, "number": 255}, None, PortRange(65281, 65535)),
    (USUAL, None, PortRange(49152, 65535)),
]


@pytest.mark.parametrize(("given", "highest", "ports"), TAKEN)
def test_options_that_are_taken(given: dict[str, t.Any], highest: t.Any, ports: PortRange | None) -> None:
    assert options(**given) == dynamic_ports.DynamicPorts(highest, ports, ("tcp", "udp"))


NOT_HERE: list[tuple[str, str, dict[str, t.Any], str]] = [
    ("a range on 2003", "2003", WIDE, "no dynamic range that can be set"),
    ("MaxUserPort on 2008", "2008", {"max_user_port": "60000"}, "does not read MaxUserPort, and sources disagree"),
    ("MaxUserPort on 2022", "2022", {"max_user_port": "60000"}, "Use start and number"),
]


@pytest.mark.parametrize(("release", "given", "words"), [row[1:] for row in NOT_HERE], ids=[row[0] for row in NOT_HERE])
def test_what_the_release_ignores_is_an_error(release: str, given: dict[str, t.Any], words: str) -> None:
    with pytest.raises(PlanError, match=words):
        plan(server(release), **given)


# --- MaxUserPort ------------------------------------------------------------------------------------------------------


def test_max_user_port_set_then_unchanged_then_taken_back() -> None:
    world = server("2003", dns=False)
    first = plan(world, max_user_port="60000")
    assert (first.before, first.after) == ({"max_user_port": "default"}, {"max_user_port": 60000})
    assert first.effectiveness.reboot_required
    journal = world.carry_out(first, Journal())
    again = plan(world, journal, max_user_port="60000")
    assert (again.steps, again.effectiveness.reboot_required) == ((), True)
    world.uptime = 5.0
    assert plan(world, journal, max_user_port="60000").effectiveness.effective == "yes"
    back = undo(world, journal, max_user_port="60000")
    assert back.after == {"max_user_port": "default"}
    assert world.carry_out(back, journal).is_empty
    assert not world.registry


def test_a_value_beyond_the_limits_is_read_and_put_back() -> None:
    world = server("2003", highest=65536)
    changed = plan(world, max_user_port="default")
    assert changed.before == {"max_user_port": 65536}
    journal = world.carry_out(changed, Journal())
    assert undo(world, journal, max_user_port="default").after == {"max_user_port": 65536}


def test_a_value_of_another_type_is_left_alone() -> None:
    world = server("2003")
    world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.STRING, "60000"))
    with pytest.raises(PlanError, match="its type is REG_SZ, Windows reads only REG_DWORD"):
        plan(world, max_user_port="default")


def test_somebody_elses_value_may_be_in_force_or_not() -> None:
    assert plan(server("2003", highest=60000), max_user_port="60000").effectiveness.effective == "unknown"


def test_a_value_changed_since_is_not_taken_back() -> None:
    world = server("2003")
    journal = world.carry_out(plan(world, max_user_port="60000"), Journal())
    world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, 50000))
    back = undo(world, journal, max_user_port="60000")
    assert (back.steps, back.journal) == ((), {dynamic_ports.VALUE_ENTRY: None})
    assert "changed since by somebody else" in back.warnings[0]


def test_later_the_value_can_be_removed_for_the_pool_of_dns() -> None:
    world = server("2008", highest=60000)
    removed = plan(world, max_user_port="default")
    assert (removed.effectiveness.restart_required, removed.effectiveness.reboot_required) == (True, False)
    journal = world.carry_out(removed, Journal())
    assert plan(world, journal, max_user_port="default").effectiveness.restart_required
    world.services[0] = service("DNS", process_id=77)
    assert plan(world, journal, max_user_port="default").effectiveness.effective == "yes"


# --- ranges -----------------------------------------------------------------------------------------------------------


def test_a_range_set_then_unchanged_then_taken_back() -> None:
    world = server("2022")
    first = plan(world, **WIDE)
    assert first.before == dict.fromkeys(("tcp", "tcp6", "udp", "udp6"), "49152-65535")
    assert first.after == dict.fromkeys(("tcp", "tcp6", "udp", "udp6"), "1025-60000")
    assert (first.effectiveness.effective, first.effectiveness.restart_required) == ("no", True)
    journal = world.carry_out(first, Journal())
    again = plan(world, journal, **WIDE)
    assert (again.steps, again.effectiveness.restart_required) == ((), True)
    world.services[0] = service("DNS", process_id=77)
    assert plan(world, journal, **WIDE).effectiveness.effective == "yes"
    journal = world.carry_out(undo(world, journal, **WIDE), journal)
    assert world.dynamic == dynamic_ranges("49152-65535")
    assert journal.is_empty


def test_one_protocol_alone_leaves_the_other() -> None:
    planned = plan(server("2022"), **WIDE, protocol="tcp")
    assert planned.after == {"tcp": "1025-60000", "tcp6": "1025-60000"}
    assert planned.effectiveness.effective == "yes"
    assert list(planned.journal) == ["dynamic_ports.tcp"]


def test_without_dns_nothing_waits() -> None:
    planned = plan(server("2022", dns=False), **WIDE)
    assert (planned.effectiveness.effective, planned.warnings) == ("yes", ())


def test_a_stopped_dns_reads_the_range_when_it_starts() -> None:
    world = server("2022")
    world.services[0] = stopped("DNS")
    assert plan(world, **WIDE).effectiveness.effective == "yes"


def test_a_range_changed_since_is_left() -> None:
    world = server("2022")
    journal = world.carry_out(plan(world, **WIDE), Journal())
    world.dynamic = dynamic_ranges("10000-20000")
    back = undo(world, journal, **WIDE)
    assert back.steps == ()
    assert len(back.warnings) == 2
    assert world.carry_out(back, journal).is_empty


def test_a_tampered_original_is_refused() -> None:
    world = server("2022")
    changed = plan(world, **WIDE)
    journal = world.carry_out(changed, Journal())
    entry = journal.entries["dynamic_ports.tcp"]
    for original in ({"ipv4": "1-2", "ipv6": "1-2"}, {"ipv4": "abc"}, "x", None):
        tampered = journal.changed({"dynamic_ports.tcp": type(entry)(original, entry.written)})
        with pytest.raises(PlanError, match="it is no dynamic range"):
            undo(world, tampered, **WIDE)


# --- what the choice means --------------------------------------------------------------------------------------------

WARNINGS: list[tuple[str, World, dict[str, t.Any], list[str]]] = [
    ("the usual range", server("2022"), USUAL, []),
    (
        "without DNS TCP alone",
        server("2003", dns=False, others=("MSMQ",)),
        {"max_user_port": "5000"},
        ["TCP ports from 1025-5000. In it lie TCP ports of msmq: keep"],
    ),
    ("what is not there", server("2003", dns=False), {"max_user_port": "5000"}, []),
    (
        "the pool on 2003",
        server("2003", others=("BlackBerry Router",)),
        {"max_user_port": "5000"},
        [
            "TCP ports of blackberry_router: keep",
            "pool comes from 1024-5000. MaxUserPort is 5000",
            "UDP ports of ipsec: keep",
        ],
    ),
    (
        "the pool without the value on 2003",
        server("2003", highest=60000, others=("ADAM_MSExchange", "MSMQ")),
        {"max_user_port": "default"},
        ["1025-5000", "pool comes from 49152-65535", "UDP ports of ad_lds: keep"],
    ),
    ("the pool beside nothing", server("2003", highest=60000), {"max_user_port": "default"}, []),
    (
        "undocumented",
        server("2022", others=("DFSR",)),
        WIDE,
        ["TCP ports from 1025-60000. In it lie TCP ports of dfsr: keep", "follows it is not documented"],
    ),
    ("contested", server("2008", highest=60000), USUAL, ["pool comes from 49152-65535", "sources disagree"]),
    ("no protocol", server("2003", dns=False), {"max_user_port": "5000", "protocol": "tcp"}, ["has no protocol"]),
]


@pytest.mark.parametrize(("world", "given", "words"), [row[1:] for row in WARNINGS], ids=[row[0] for row in WARNINGS])
def test_what_the_choice_means(world: World, given: dict[str, t.Any], words: list[str]) -> None:
    said = " ".join(plan(world, **given).warnings)
    assert [word for word in words if word not in said] == []
    assert bool(said) == bool(words)
