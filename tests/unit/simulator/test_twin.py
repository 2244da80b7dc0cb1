# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Twins of what port_info saved, case by case; every twin must be a host that the simulator can build."""

from __future__ import annotations

import typing as t

import pytest

from tests.simulator.twin import NoTwin, Twin, twin_of
from tests.simulator.windows.dns import TCPIP_PARAMETERS, pool_range
from tests.simulator.windows.scenario import build_machine, read_host

NOW: t.Final = 1_700_000_000.0


def service(name: str, **more: t.Any) -> dict[str, t.Any]:
    usual = {
        "display_name": name,
        "products": [],
        "state": "Running",
        "start_mode": "auto",
        "image": "",
        "exit_code": 0,
    }
    return {"service": name, **usual, **more}


def need(name: str, *ports: int, probability: float | None = 0.1, order: str = "unknown") -> dict[str, t.Any]:
    texts = [f"{port}-{port}" for port in ports]
    return {"service": name, "udp": texts, "probability": probability, "start_order": order}


def saved(version: str = "10.0.20348", **parts: t.Any) -> dict[str, t.Any]:
    """What port_info returned, as far as a twin needs it."""
    risk: dict[str, t.Any] = {"pool": "always", "services": [], "ports": [], **parts.pop("risk", {})}
    for row in risk["services"]:
        ports = [int(text.partition("-")[0]) for text in row["udp"]]
        risk["ports"] += [
            {"port": port, "service": row["service"], "probability": row["probability"]} for port in ports
        ]
    release = {"version": version, "name": "Windows Server", "uptime": 60, "domain_controller": False}
    return {"release": {**release, **parts.pop("release", {})}, "services": [service("DNS")], "risk": risk, **parts}


def made(**parts: t.Any) -> Twin:
    """The twin, after the simulator has built it."""
    twin = twin_of(saved(**parts))
    build_machine(read_host({"name": "twin", **twin.host}), now=NOW)
    return twin


@pytest.mark.parametrize(
    ("version", "key", "exact"),
    [
        ("5.2.3790", "2003", True),
        ("6.0.6001", "2008", False),
        ("6.1.7601", "2008r2", True),
        ("6.2.9200", "2012r2", False),
        ("10.0.17763", "2019", True),
        ("10.0.19042", "2019", False),
        ("10.0.99999", "2025", False),
    ],
)
def test_releases(version: str, key: str, exact: bool) -> None:
    twin = made(version=version)
    assert twin.host["release"] == key
    assert any("behaves as" in sentence for sentence in twin.assumed) != exact


def test_a_windows_that_the_simulator_has_not() -> None:
    with pytest.raises(NoTwin, match="no release near 4"):
        made(version="4.0.1381")


def test_max_user_port_beyond_what_is_a_port() -> None:
    """SBS and some products wrote 65536."""
    ranges = {"mechanism": "registry", "max_user_port": 65536}
    machine = build_machine(read_host({"name": "a", **made(version="5.2.3790", dynamic_ranges=ranges).host}), now=NOW)
    assert machine.registry.number(TCPIP_PARAMETERS, "MaxUserPort") == 65536
    assert pool_range(machine.registry, machine.release, machine.assumptions, dynamic_udp=(1, 2)) == (1024, 65535)


def test_the_role_that_sets_max_user_port_is_taken_only_where_it_is_set() -> None:
    services = [service("DNS"), service("W3SVC", products=["autd"], image="svchost.exe")]
    risk = {"services": [need("W3SVC", 2883)], "pool": "confirmed"}
    ranges = {"mechanism": "registry", "max_user_port": 60000}
    with_role = made(version="5.2.3790", services=services, risk=risk, dynamic_ranges=ranges)
    without = made(version="5.2.3790", services=services, risk=risk, dynamic_ranges={**ranges, "max_user_port": None})
    assert "exchange2003" in with_role.host["roles"]
    assert "exchange2003" not in without.host["roles"]
    assert any("W3SVC opens UDP 2883-2883" in sentence for sentence in without.assumed)


def test_roles_by_what_is_installed() -> None:
    services = [service(name) for name in ("DNS", "IAS", "RemoteAccess", "ClusSvc", "WDSServer")]
    twin = made(version="6.1.7601", services=services, release={"domain_controller": True})
    assert set(twin.host["roles"]) == {"dns", "ias", "rras", "cluster", "wds", "domain_controller"}
    by_hand = [service("RemoteAccess", start_mode="disabled")]
    assert made(services=by_hand).host["roles"] == ["member"]


def test_reserved_ports_of_a_role_do_not_come_along() -> None:
    found = {"mechanism": "registry", "entries": [], "blocks": []}
    twin = made(version="5.2.3790", services=[service("ClusSvc")], reservations=found)
    machine = build_machine(read_host({"name": "a", **twin.host}), now=NOW)
    assert machine.configured_reservations("udp") == frozenset()


@pytest.mark.parametrize(
    ("pool", "update", "assumed"), [("confirmed", True, 0), ("assumed", True, 1), ("not_seen", False, 0)]
)
def test_the_update(pool: str, update: bool, assumed: int) -> None:
    twin = made(version="6.0.6002", risk={"pool": pool})
    assert twin.host["update"] == update
    assert sum("MS08-037" in sentence for sentence in twin.assumed) == assumed


TUNNEL: t.Final = need("Tunnel", 51820)
STOPPED: t.Final[dict[str, t.Any]] = {"state": "Stopped", "exit_code": 10048}
THIEF: t.Final = {"protocol": "udp", "port": 51820, "image": "thief.exe", "services": [], "pool": False}
STATES: t.Final[dict[str, tuple[dict[str, t.Any], t.Any]]] = {
    "all well": ({}, False),
    "down by the pool": ({"services": [service("Tunnel", **STOPPED)]}, "Tunnel"),
    "down for another reason": ({"services": [service("Tunnel", state="Stopped", exit_code=2)]}, False),
    "down by a program": ({"services": [service("Tunnel", **STOPPED)], "sockets": [THIEF]}, "Tunnel"),
    "a program on a needed port, not yet down": ({"sockets": [THIEF]}, None),
    "down, and nothing takes its port": ({"services": [service("Other", **STOPPED)]}, False),
    "two down": ({"services": [service("Tunnel", **STOPPED), service("DNS"), service("X", **STOPPED)]}, False),
}


@pytest.mark.parametrize("name", STATES)
def test_what_is_down(name: str) -> None:
    parts, broken = STATES[name]
    assert made(risk={"services": [dict(TUNNEL)]}, **parts).host.get("broken") == broken


def test_block_mode_is_not_played_to() -> None:
    services = [service("DNS"), service("PolicyAgent", **STOPPED)]
    assert (
        made(version="5.2.3790", services=services, risk={"services": [need("PolicyAgent", 4500)]}).host["broken"]
        is False
    )


def test_other_programs_but_not_those_of_windows() -> None:
    rows = [
        THIEF,
        {**THIEF, "image": "svchost.exe", "port": 5000},
        {**THIEF, "image": "dns.exe", "pool": True, "port": 5001},
        {**THIEF, "image": "w3wp.exe", "port": 80, "protocol": "tcp"},
        {**THIEF, "image": "own.exe", "port": 51821, "services": ["Tunnel"]},
    ]
    twin = made(sockets=rows, services=[service("Tunnel")])
    assert [(row["image"], row["port"]) for row in twin.host["foreigners"]] == [("thief.exe", 51820), ("w3wp.exe", 80)]


def test_a_service_of_a_range_is_there_without_ports() -> None:
    twin = made(services=[service("Ranged")], risk={"services": [need("Ranged", 64001, probability=None)]})
    assert "Ranged is there, but opens no ports: it takes any of a range." in twin.assumed


@pytest.mark.parametrize("found", [{}, {"release": {"version": "1.2.3"}}, saved(services=[{"service": "x"}])])
def test_files_that_do_not_tell_enough(found: dict[str, t.Any]) -> None:
    with pytest.raises(NoTwin):
        twin_of(found)
