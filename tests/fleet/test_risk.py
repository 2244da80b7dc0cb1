# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The odds that `port_info` tells, against thousands of boots of the simulated server that it was asked of.

Where `port_info` promises odds for a change, another server has that change already, and is booted too.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib
import typing as t

import pytest

from tests.rehearsal.odds import Odds
from tests.simulator.control import running_fleet
from tests.tooling.ansible_programs import run_ansible

MOST_BOOTS: t.Final = 10_000
BOOTS: t.Final = 1_000
MOST_REQUESTS: t.Final = 16
EDGE: t.Final = ["50389-50389", "50636-50636"]
RADIUS: t.Final = ["1645-1646", "1812-1813"]
OLD: t.Final = {"release": "2003", "max_user_port": 60000, "roles": ["dns", "ias"]}

SERVERS: t.Final[dict[str, dict[str, t.Any]]] = {
    "old": OLD,
    "old-reserved": {**OLD, "reserved_ports": [*RADIUS, "4500-4500"]},
    "old-touching": {**OLD, "reserved_ports": ["1645-1645", "1646-1646", "1812-1813", "4500"]},
    "old-default-range": {"release": "2003", "roles": ["dns", "exchange_edge"]},
    "old-no-update": {"release": "2003", "roles": ["dns", "exchange_edge"], "update": False},
    "sp2": {"release": "2008"},
    "sp2-delayed": {"release": "2008", "start_modes": {"DNS": "delayed"}},
    "wide": {"release": "2008r2", "roles": ["dns", "ias"], "dynamic_range": "1025-60000"},
    "wide-back": {"release": "2008r2", "roles": ["dns", "ias"]},
    "new": {"release": "2022"},
    "new-excluded": {"release": "2022", "dns_pool_exclusions": EDGE},
    "new-small": {"release": "2022", "dns_pool_size": 50},
    "new-netsh": {"release": "2022", "exclusions": [{"protocol": "udp", "ports": ports} for ports in EDGE]},
    "new-large": {"release": "2025", "dns_pool_size": 10000, "dns_pool_exclusions": ["50636"]},
}
BOOTED_MOST: t.Final = {"wide"}
SAFE: t.Final = {"old-reserved", "old-no-update", "sp2-delayed", "wide-back", "new-excluded"}

PROMISES: t.Final[dict[tuple[str, str], str]] = {
    ("old", "reserved_ports"): "old-reserved",
    ("sp2", "delayed_dns"): "sp2-delayed",
    ("wide", "default_dynamic_range"): "wide-back",
    ("new", "excluded_from_pool"): "new-excluded",
    ("new", "small_pool"): "new-small",
    ("new", "netsh_exclusions"): "new-netsh",
}
"""By server and candidate: the server on which it is done already."""


@dataclasses.dataclass(frozen=True)
class Results:
    """What port_info said of each server, and how often its twins lost."""

    odds: c.Mapping[str, Odds]
    requests: c.Mapping[str, int]
    """Of ``gather_subset: risk`` alone."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One fleet, asked once; one server of each kind is booted often, which takes long."""
    defaults = {"time_scale": 0.005, "broken": False, "wire": {"transport": "basic"}}
    directory = tmp_path_factory.mktemp("risk")
    with running_fleet({"defaults": defaults, "hosts": SERVERS}, directory=directory) as fleet:
        risks = _ask(fleet.inventory, "all")
        for name in SERVERS:
            fleet.control.host(name).reset_requests()
        _ask(fleet.inventory, "risk")
        requests = {name: int(fleet.control.host(name).requests()["requests"]) for name in SERVERS}
        odds = {
            name: Odds(risks[name], fleet.control.host(name).lottery(_boots(name), seed=number * MOST_BOOTS))
            for number, name in enumerate(SERVERS)
        }
        return Results(odds, requests)


def _boots(name: str) -> int:
    return MOST_BOOTS if name in BOOTED_MOST else BOOTS


def _ask(inventory: pathlib.Path, subset: str) -> dict[str, t.Any]:
    command = ["ansible", "all", "-i", str(inventory), "-m", "portkeeper.windows.port_info", "--forks", "4"]
    run = run_ansible([*command, "-a", f"gather_subset={subset} detail=full"]).checked()
    return {result.host: result.result["risk"] for result in run.of("port_info")}


@pytest.mark.parametrize("name", SERVERS)
def test_boots_agree_with_the_closed_form(name: str, results: Results) -> None:
    odds = results.odds[name]
    rate = odds.lost / odds.boots
    assert odds.agrees, f"{rate:.4f} of {odds.boots} boots against {odds.chance:.4f} ({odds.risk['formula']})"
    assert (odds.chance == 0) == (name in SAFE)


@pytest.mark.parametrize(("server", "candidate"), PROMISES)
def test_promises_are_kept(server: str, candidate: str, results: Results) -> None:
    promised = {row["name"]: row["probability"] for row in results.odds[server].risk["candidates"]}
    assert promised[candidate] == results.odds[PROMISES[server, candidate]].chance


def test_what_is_told_beside_the_figure(results: Results) -> None:
    risks = {name: odds.risk for name, odds in results.odds.items()}
    assert {name for name, risk in risks.items() if risk["pool"] == "not_seen"} == {"old-no-update"}
    assert {name for name, risk in risks.items() if risk["range_contested"]} == {"wide"}
    assert {row["service"]: row["start_order"] for row in risks["sp2-delayed"]["services"]} == {
        "ADAM_MSExchange": "before_dns",
        "IKEEXT": "before_dns",
    }
    assert all(risk["in_use_known"] for risk in risks.values())


def test_the_risk_alone_costs_few_requests(results: Results) -> None:
    assert max(results.requests.values()) <= MOST_REQUESTS, results.requests
