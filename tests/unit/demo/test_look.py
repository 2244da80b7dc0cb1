# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the demonstration reads and tells how a server stands."""

from __future__ import annotations

import typing as t

from tests.demo.look import as_table, standing

Json: t.TypeAlias = dict[str, t.Any]


def victim(service: str, *ports: Json, ok: bool, state: str = "Running", exit_code: int = 0, meaning: str = "") -> Json:
    """A victim as `converge` returns it."""
    return {
        "service": service,
        "state": state,
        "exit_code": exit_code,
        "exit_code_meaning": meaning,
        "ports": list(ports),
        "ok": ok,
    }


def port(number: int, how: str, image: str = "dns.exe") -> Json:
    """A UDP port as `converge` returns it."""
    return {"protocol": "udp", "port": number, "standing": how, "holder": {"image": image}}


DOWN = victim(
    "IAS", port(1645, "intruder"), port(1646, "free"), ok=False, state="Stopped", exit_code=10048, meaning="in use"
)
FALLEN = victim("Needy", ok=False, state="Stopped", exit_code=1068, meaning="needs another")
DEAF = victim("W3SVC", port(2883, "intruder"), ok=False)
WELL = victim("IPsec", port(4500, "free"), ok=True)


def told(*victims: Json) -> list[str]:
    """The table's rows, with single spaces."""
    server = standing("server", {"release": "Windows Server 2003", "victims": victims})
    return [" ".join(line.split()) for line in as_table([server]).splitlines()[2:]]


def test_every_service_that_is_hit_is_told_with_the_holder_of_its_port() -> None:
    assert told(FALLEN, DOWN, DEAF, WELL) == [
        "server 2003 1 of 4 IAS 10048 UDP 1645 dns.exe",
        "W3SVC runs UDP 2883 dns.exe",
        "Needy 1068",
        "",
        "1068: needs another",
        "10048: in use",
    ]


def test_a_server_that_is_well() -> None:
    assert told(WELL) == ["server 2003 1 of 1 none"]
    assert told() == ["server 2003 none needed none"]


def test_a_service_that_runs_without_its_port_is_not_well_and_not_hit_where_nobody_has_it() -> None:
    waiting = standing(
        "mail", {"release": "Windows Server 2003", "victims": [victim("IS", port(1226, "free"), ok=False)]}
    )
    assert (waiting.is_well, waiting.hit) == (False, ())
