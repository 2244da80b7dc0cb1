# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boot is a lottery, and its odds are known: the simulated loss rate against the closed form."""

from __future__ import annotations

import dataclasses
import math
import typing as t

import pytest

from tests.simulator.windows.lottery import run_lottery
from tests.simulator.windows.scenario import build_machine, read_host

NOW: t.Final = 1_700_000_000.0
BOOTS: t.Final = 10_000

UDP_TAKEN_BEFORE_DNS: t.Final = 2
"""Dynamic UDP ports that lsass.exe and svchost.exe hold when dns.exe draws; on 6.0+ they lie inside of its range."""


def chance_to_keep(*, wanted: int, width: int, drawn: int) -> float:
    """Return the chance that none of the wanted ports is among those drawn without replacement: C(w-k, n) / C(w, n)."""
    return math.prod((width - drawn - index) / (width - index) for index in range(wanted))


@dataclasses.dataclass(frozen=True)
class Case:
    """A server, the number of ports in its pool's range, and how many of them the victim wants."""

    release: str
    width: int
    options: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    pool: int = 2500
    wanted: int = 2
    victim: str = "ADAM_MSExchange"


HIGH: t.Final = 65535 - 49152 + 1
UNFIXED: t.Final = {
    "2003": Case("2003", HIGH),
    "2003 with MaxUserPort": Case("2003", 60000 - 1024 + 1 - UDP_TAKEN_BEFORE_DNS, {"max_user_port": 60000}),
    "2008": Case("2008", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2008 r2": Case("2008r2", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2012 r2": Case("2012r2", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2016": Case("2016", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2019": Case("2019", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2022": Case("2022", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2025": Case("2025", HIGH - UDP_TAKEN_BEFORE_DNS),
    "2022 after Exchange 2007's range": Case(
        "2022", 60000 - 1025 + 1 - UDP_TAKEN_BEFORE_DNS, {"dynamic_range": "1025-60000"}
    ),
    "2003 IAS": Case(
        "2003",
        60000 - 1024 + 1 - UDP_TAKEN_BEFORE_DNS,
        {"max_user_port": 60000, "roles": ["dns", "ias"], "start_modes": {"PolicyAgent": "disabled"}},
        wanted=4,
        victim="IAS",
    ),
    "2003 IPSEC": Case(
        "2003",
        60000 - 1024 + 1 - UDP_TAKEN_BEFORE_DNS,
        {"max_user_port": 60000, "roles": ["dns"]},
        wanted=1,
        victim="PolicyAgent",
    ),
}


@pytest.mark.parametrize("name", UNFIXED)
def test_unfixed_server_loses_as_often_as_the_closed_form_says(name: str) -> None:
    case = UNFIXED[name]
    machine = build_machine(read_host({"name": "edge", "release": case.release, **case.options}), now=NOW)
    seed = 1_000_000 * (1 + list(UNFIXED).index(name))
    lost = run_lottery(machine, boots=BOOTS, seed=seed)["by_service"].get(case.victim, 0)
    expected = 1 - chance_to_keep(wanted=case.wanted, width=case.width, drawn=case.pool)
    error = math.sqrt(expected * (1 - expected) / BOOTS)
    assert abs(lost / BOOTS - expected) <= 3 * error, f"{lost / BOOTS:.4f} against {expected:.4f} +- {error:.4f}"


EDGE_PORTS: t.Final = ["50389-50389", "50636-50636"]
FIXED: t.Final[dict[str, dict[str, t.Any]]] = {
    "2003 reserved": {"release": "2003", "reserved_ports": EDGE_PORTS},
    "2003 reserved, MaxUserPort": {
        "release": "2003",
        "max_user_port": 60000,
        "reserved_ports": [*EDGE_PORTS, "4500-4500"],
    },
    "2008 delayed": {"release": "2008", "start_modes": {"DNS": "delayed"}},
    "2008 r2 excluded": {"release": "2008r2", "dns_pool_exclusions": EDGE_PORTS},
    "2012 r2 excluded": {"release": "2012r2", "dns_pool_exclusions": EDGE_PORTS},
    "2016 excluded": {"release": "2016", "dns_pool_exclusions": EDGE_PORTS},
    "2019 excluded": {"release": "2019", "dns_pool_exclusions": EDGE_PORTS},
    "2022 excluded": {"release": "2022", "dns_pool_exclusions": EDGE_PORTS},
    "2025 excluded": {"release": "2025", "dns_pool_exclusions": EDGE_PORTS},
    "2003 without the update": {"release": "2003", "update": False},
    "2008 without the update": {"release": "2008", "update": False},
    "no DNS": {"release": "2022", "roles": ["exchange_edge"]},
    "everybody at random, pool excluded and ports reserved": {
        "release": "2022",
        "dns_pool_exclusions": EDGE_PORTS,
        "exclusions": [{"protocol": protocol, "ports": ports} for protocol in ("tcp", "udp") for ports in EDGE_PORTS],
        "assumptions": {"ephemeral_order": "random"},
    },
}


@pytest.mark.parametrize("name", FIXED)
def test_fixed_server_never_loses(name: str) -> None:
    machine = build_machine(read_host({"name": "edge", **FIXED[name]}), now=NOW)
    result = run_lottery(machine, boots=1000, seed=7)
    assert (result["victim_failures"], result["block_modes"], result["by_service"]) == (0, 0, {})


NOT_A_FIX: t.Final[dict[str, dict[str, t.Any]]] = {
    "ReservedPorts from 2008 on": {"release": "2008", "reserved_ports": EDGE_PORTS},
    "the list on 2008, which has none": {"release": "2008", "dns_pool_exclusions": EDGE_PORTS},
    "netsh alone, which dns.exe ignores": {
        "release": "2022",
        "exclusions": [{"protocol": "udp", "ports": ports} for ports in EDGE_PORTS],
    },
    "touching entries (KB812873)": {
        "release": "2003",
        "reserved_ports": ["50388-50388", "50389-50389", "50636-50636", "50637-50637"],
    },
    "delayed start of the victim": {"release": "2022", "start_modes": {"ADAM_MSExchange": "delayed"}},
}


@pytest.mark.parametrize("name", NOT_A_FIX)
def test_what_does_not_help(name: str) -> None:
    machine = build_machine(read_host({"name": "edge", **NOT_A_FIX[name]}), now=NOW)
    assert 190 < run_lottery(machine, boots=1000, seed=3)["victim_failures"] < 370


def test_netsh_helps_where_dns_is_assumed_to_honour_it() -> None:
    host = {**NOT_A_FIX["netsh alone, which dns.exe ignores"], "assumptions": {"dns_ignores_netsh_exclusions": False}}
    machine = build_machine(read_host({"name": "edge", **host}), now=NOW)
    assert run_lottery(machine, boots=1000, seed=3)["victim_failures"] == 0


def test_random_dynamic_ports_hurt_even_beside_a_fixed_pool() -> None:
    host = {"name": "edge", "release": "2022", "dns_pool_exclusions": EDGE_PORTS}
    machine = build_machine(read_host({**host, "assumptions": {"ephemeral_order": "random"}}), now=NOW)
    assert 0 < run_lottery(machine, boots=3000, seed=3)["victim_failures"] < 50


def test_the_lottery_leaves_the_machine_alone() -> None:
    machine = build_machine(read_host({"name": "edge", "release": "2003"}), now=NOW)
    before = machine.registry.as_json()
    first = run_lottery(machine, boots=50, seed=1)
    assert run_lottery(machine, boots=50, seed=1) == first
    assert machine.registry.as_json() == before
    assert machine.events.as_json() == []


def test_small_pool_is_rarely_in_the_way() -> None:
    machine = build_machine(read_host({"name": "edge", "release": "2022", "dns_pool_size": 50}), now=NOW)
    assert run_lottery(machine, boots=2000, seed=5)["victim_failures"] < 40
