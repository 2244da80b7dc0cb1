# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reservations only where a port can be drawn at random: by programs, or by a DNS server without an exclusion list."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Journal
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import ChangeExclusions, OptionError, Plan
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import reserved_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    ExclusionsFact,
    RegistryFact,
    RegistryType,
    RegistryValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
    delayed_flag,
)
from tests.unit.plugins.module_utils._change.world import World, blocks, dynamic_ranges, multi, service

WIDE = "1025-60000"
RADIUS = {"ports": ["1812-1813/udp", "49901/tcp"], "only_reachable": True}


def server(release: str, ranges: str = WIDE, **changes: t.Any) -> World:
    world = World(release, dynamic=dynamic_ranges(ranges), services=[service("DNS"), service("IAS")])
    for name, value in changes.items():
        setattr(world, name, value)
    return world


def plan(world: World, **arguments: t.Any) -> Plan:
    spec = reserved_ports.ARGUMENT_SPEC
    given = {**{name: option.get("default") for name, option in spec.items()}, **RADIUS, **arguments}
    wanted = reserved_ports.options(given)
    return world.settle(lambda facts: reserved_ports.plan(wanted, world.context(facts, Journal())))


def added(planned: Plan) -> list[str]:
    steps = [step for step in planned.steps if isinstance(step, ChangeExclusions)]
    return [f"{ports}/{protocol}" for step in steps for protocol, ports in step.add]


@pytest.mark.parametrize(
    ("release", "ranges", "expected"),
    [
        ("2022", WIDE, ["49901-49901/tcp", "1812-1813/udp"]),
        ("2022", "49152-65535", ["49901-49901/tcp"]),
        ("2022", "50000-65535", []),
        ("2008", WIDE, ["49901-49901/tcp", "1812-1813/udp"]),
    ],
)
def test_only_what_can_be_drawn_is_reserved(release: str, ranges: str, expected: list[str]) -> None:
    planned = plan(server(release, ranges))
    assert added(planned) == expected
    # That DNS honours what netsh excludes is assumed nowhere, and the one of 2008 draws these ports, too.
    assert planned.effectiveness.effective == ("no" if release == "2008" else "yes")


def test_nothing_to_reserve_says_why() -> None:
    planned = plan(server("2022", "50000-65535"))
    assert not planned.changed
    assert planned.effectiveness.reason == (
        "None of TCP 49901, UDP 1812-1813 is ever drawn at random by programs here "
        "(TCP 50000-65535, UDP 50000-65535 are)."
    )


def test_on_2003_every_port_is_reserved() -> None:
    planned = plan(server("2003"))
    assert planned.after["reserved_ports"] == ["1812-1813", "49901-49901"]


def test_the_pool_of_2008_counts_with_max_user_port() -> None:
    """As a count from the start of the range, which is contested."""
    world = server("2008", "1000-1300", exclusions=None)
    assert plan(world).effectiveness.effective == "yes"
    world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, 60000))
    assert "and by the DNS server at each of its starts" in plan(world).effectiveness.reason


def test_where_the_pool_of_2008_is_disputed_nothing_is_sure() -> None:
    """By the reading that is followed it misses the ports, by the other it reaches them."""
    world = server("2008", "50000-65535")
    world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, 60000))
    planned = plan(world)
    assert (planned.changed, planned.effectiveness.effective) == (False, "unknown")
    assert "MaxUserPort is 60000, and sources disagree" in planned.effectiveness.reason
    assert planned.details["unprotected"] == {"programs": [], "dns_pool": [], "disputed": ["1812-1813/udp"]}
    world.set(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, 1500))
    assert plan(world).effectiveness.effective == "yes"
    assert plan(server("2008r2", "50000-65535", registry=world.registry)).effectiveness.effective == "yes"


def test_without_the_verb_the_choices_are_told() -> None:
    planned = plan(server("2008", exclusions=None))
    assert (planned.changed, planned.effectiveness.effective) == (False, "no")
    assert "let DNS start delayed" in planned.warnings[0]
    assert "KB2665809" in planned.effectiveness.reason
    assert planned.details["unprotected"] == {
        "programs": ["49901/tcp", "1812-1813/udp"],
        "dns_pool": ["1812-1813/udp"],
        "disputed": [],
    }


def test_a_delayed_dns_takes_nothing_away() -> None:
    world = server("2008", exclusions=None)
    world.set(delayed_flag("DNS"), RegistryValue(RegistryType.DWORD, 1))
    assert "by programs that ask for any free port: netsh" in plan(world).effectiveness.reason
    assert "start delayed" not in plan(world).warnings[0]
    assert plan(world).details["unprotected"]["dns_pool"] == []


def test_that_dns_may_not_honour_it_is_told_on_2008() -> None:
    assert "is not documented" in plan(server("2008")).warnings[0]
    assert plan(server("2008r2")).warnings == ()


@pytest.mark.parametrize("holder", ["IAS", "DNS", "Thief"])
def test_a_port_in_use_waits_whoever_holds_it(holder: str) -> None:
    world = server("2022")
    world.services.append(service("Thief"))
    world.hold("udp", 1812, holder)
    planned = plan(world)
    assert added(planned) == ["49901-49901/tcp", "1813-1813/udp"]
    assert [(item["port"], item["services"]) for item in planned.waiting_for] == [(1812, [holder])]
    assert planned.effectiveness.effective == "no"


def test_a_tcp_port_of_an_outgoing_connection_waits() -> None:
    world = server("2022")
    world.connect(49901, "IAS")
    planned = plan(world)
    assert added(planned) == ["1812-1813/udp"]
    assert [(item["port"], item["outgoing"], item["far_ends"]) for item in planned.waiting_for] == [
        (49901, True, ["192.0.2.99:389"])
    ]


def test_what_is_excluded_already_stays() -> None:
    world = server("2022")
    world.exclusions = type(world.answer(ExclusionsFact()))(blocks("49901-49901"), blocks("1800-1900"))
    assert not plan(world).changed


def test_it_goes_with_present_alone() -> None:
    with pytest.raises(OptionError, match="only_reachable: it goes with state present alone, not with absent"):
        plan(server("2022"), state="absent")


def test_a_protocol_after_the_port() -> None:
    world = server("2022", "1025-60000")
    planned = plan(world, ports=["5000/tcp", "5001", "5002/udp"], only_reachable=False)
    assert added(planned) == ["5000-5001/tcp", "5001-5002/udp"]
    with pytest.raises(OptionError, match="'5000/udp' has a protocol other than tcp"):
        plan(world, ports=["5000/udp"], protocol="tcp")
    with pytest.raises(OptionError, match="'5000/sctp' has a protocol other than tcp and udp"):
        plan(world, ports=["5000/sctp"])


# --- a report alone ---------------------------------------------------------------------------------------------------


def _value(fact: RegistryFact, value: RegistryValue) -> dict[tuple[str, str], RegistryValue]:
    return {(fact.key, fact.name): value}


REPORTS: list[tuple[str, World, dict[str, list[str]]]] = [
    ("2022, a wide range", server("2022"), {"programs": ["49901/tcp", "1812-1813/udp"]}),
    ("2022, the usual range", server("2022", "49152-65535"), {"programs": ["49901/tcp"]}),
    ("2022, excluded", server("2022", exclusions=Exclusions(blocks("49901-49901"), blocks("1812-1813"))), {}),
    ("2022, a range without them", server("2022", "50000-65535"), {}),
    (
        "2008, its DNS server draws them, too",
        server("2008"),
        {"programs": ["49901/tcp", "1812-1813/udp"], "dns_pool": ["1812-1813/udp"]},
    ),
    ("2003, the usual ranges", server("2003"), {"programs": ["1812-1813/udp"]}),
    (
        "2003, a high MaxUserPort",
        server("2003", registry=_value(MAX_USER_PORT_FACT, RegistryValue(RegistryType.DWORD, 60000))),
        {"programs": ["49901/tcp", "1812-1813/udp"], "dns_pool": ["1812-1813/udp"]},
    ),
    (
        "2003, reserved",
        server("2003", registry=_value(RESERVED_PORTS_FACT, multi("1812-1813"))),
        {},
    ),
]


@pytest.mark.parametrize(("world", "expected"), [row[1:] for row in REPORTS], ids=[row[0] for row in REPORTS])
def test_a_report_names_what_can_be_taken_and_changes_nothing(world: World, expected: dict[str, list[str]]) -> None:
    planned = plan(world, only_reachable=False, report_only=True)
    assert (planned.changed, planned.journal, planned.effectiveness.effective) == (False, {}, "yes")
    assert planned.details["unprotected"] == {"programs": [], "dns_pool": [], "disputed": [], **expected}
    assert ("by programs" in planned.effectiveness.reason) is ("programs" in expected)
    assert ("by the DNS server" in planned.effectiveness.reason) is ("dns_pool" in expected)
    assert planned.effectiveness.reason.startswith("None of" if not expected else "While no service holds them")


def test_a_report_goes_with_state_present_alone() -> None:
    with pytest.raises(OptionError, match="state present alone"):
        plan(server("2022"), only_reachable=False, report_only=True, state="pure")
