# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The odds of small business servers and domain controllers: simulated loss rates against the closed form."""

from __future__ import annotations

import dataclasses
import math
import typing as t

import pytest

from tests.simulator.windows.lottery import run_lottery
from tests.simulator.windows.releases import RELEASES
from tests.simulator.windows.scenario import build_machine, read_host
from tests.unit.simulator.test_windows_lottery import NOW, UDP_TAKEN_BEFORE_DNS, chance_to_keep

BOOTS: t.Final = 5000
POOL: t.Final = 2500
NT5_WIDTH: t.Final = 60000 - 1024 + 1 - UDP_TAKEN_BEFORE_DNS
WIDENED: t.Final = 60000 - 1025 + 1 - UDP_TAKEN_BEFORE_DNS
CONTROLLER: t.Final[dict[str, t.Any]] = {"roles": ["domain_controller", "dns", "ias"]}


@dataclasses.dataclass(frozen=True)
class Case:
    """A server, the number of ports in its pool's range, and how many of them each service wants."""

    release: str
    width: int
    victims: t.Mapping[str, int]
    options: t.Mapping[str, t.Any]

    @property
    def host(self) -> dict[str, t.Any]:
        return {"name": "server", "release": self.release, **self.options}


SBS_VICTIMS: t.Final = {"IAS": 4, "PolicyAgent": 1, "RemoteAccess": 1, "AUTD": 1}
CASES: t.Final = {
    "SBS 2003": Case("2003", NT5_WIDTH, SBS_VICTIMS, {"roles": ["sbs2003"]}),
    "controller 2003": Case("2003", NT5_WIDTH, {"IAS": 4, "PolicyAgent": 1}, {**CONTROLLER, "max_user_port": 60000}),
    **{
        f"controller {release}": Case(
            release, WIDENED, {"IAS": 4, "IKEEXT": 1}, {**CONTROLLER, "dynamic_range": "1025-60000"}
        )
        for release in ("2008", "2008r2", "2012r2", "2025")
    },
}


@pytest.mark.parametrize("name", CASES)
def test_services_are_lost_as_often_as_the_closed_form_says(name: str) -> None:
    case = CASES[name]
    seed = 100_000 * (1 + list(CASES).index(name))
    result = run_lottery(build_machine(read_host(case.host), now=NOW), boots=BOOTS, seed=seed)
    counts = {**result["by_service"], "anybody": result["victim_failures"]}
    wanted = {**case.victims, "anybody": sum(case.victims.values())}
    assert set(counts) == set(wanted)
    for victim, ports in wanted.items():
        expected = 1 - chance_to_keep(wanted=ports, width=case.width, drawn=POOL)
        error = math.sqrt(expected * (1 - expected) / BOOTS)
        found = counts[victim] / BOOTS
        assert abs(found - expected) <= 3 * error, f"{victim}: {found:.4f} against {expected:.4f} +- {error:.4f}"


RADIUS_PORTS: t.Final = ["1645-1646", "1812-1813", "4500-4500"]
SBS_PORTS: t.Final = ["1645-1646", "1701-1701", "1812-1813", "2883-2883", "3343-3343", "4500-4500"]
EXCLUDED: t.Final = [{"protocol": protocol, "ports": ports} for protocol in ("tcp", "udp") for ports in RADIUS_PORTS]
AT_RANDOM: t.Final = {"ephemeral_order": "random"}
FIXED: t.Final[dict[str, dict[str, t.Any]]] = {
    "SBS, all reserved": {"release": "2003", "roles": ["sbs2003"], "reserved_ports": SBS_PORTS},
    "SBS, all reserved, everybody at random": {
        "release": "2003",
        "roles": ["sbs2003"],
        "reserved_ports": SBS_PORTS,
        "assumptions": AT_RANDOM,
    },
    "SBS without MaxUserPort": {"release": "2003", "roles": ["sbs2003"], "max_user_port": None},
    "controller 2003, reserved": {
        **CONTROLLER,
        "release": "2003",
        "max_user_port": 60000,
        "reserved_ports": RADIUS_PORTS,
    },
    "controller 2003 as set up": {**CONTROLLER, "release": "2003"},
    "controller 2008 as set up": {**CONTROLLER, "release": "2008"},
    "controller 2008, DNS delayed": {
        **CONTROLLER,
        "release": "2008",
        "dynamic_range": "1025-60000",
        "start_modes": {"DNS": "delayed"},
    },
    "controller 2022, excluded for all, everybody at random": {
        **CONTROLLER,
        "release": "2022",
        "dynamic_range": "1025-60000",
        "dns_pool_exclusions": RADIUS_PORTS,
        "exclusions": EXCLUDED,
        "assumptions": AT_RANDOM,
    },
    **{
        f"controller {release}, excluded": {
            **CONTROLLER,
            "release": release,
            "dynamic_range": "1025-60000",
            "dns_pool_exclusions": RADIUS_PORTS,
        }
        for release, definition in RELEASES.items()
        if definition.pool_exclusion_list
    },
    "BlackBerry, reserved": {
        "release": "2003",
        "roles": ["blackberry_router"],
        "tcp_clients": 2200,
        "reserved_ports": ["3101-3101"],
    },
}


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_server_never_loses(name: str) -> None:
    machine = build_machine(read_host({"name": "server", **FIXED[name]}), now=NOW)
    result = run_lottery(machine, boots=60 if "BlackBerry" in name else 500, seed=7)
    assert (result["victim_failures"], result["block_modes"], result["by_service"]) == (0, 0, {})


def test_a_client_at_random_takes_the_routers_port_as_often_as_the_closed_form_says() -> None:
    boots, clients, width = 600, 2200, 60000 - 1025 + 1
    options = {"roles": ["blackberry_router"], "max_user_port": 60000, "tcp_clients": clients, "assumptions": AT_RANDOM}
    machine = build_machine(read_host({"name": "server", "release": "2003", **options}), now=NOW)
    lost = run_lottery(machine, boots=boots, seed=11)["by_service"]["BlackBerry Router"]
    expected = clients / width
    assert abs(lost / boots - expected) <= 3 * math.sqrt(expected * (1 - expected) / boots)
