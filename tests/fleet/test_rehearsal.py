# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twins: what the playbook saves of a server makes a server of which the same is saved; and the rehearsal itself."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import pathlib
import typing as t

import pytest

from tests.rehearsal import __main__ as rehearsal
from tests.simulator.control import running_fleet
from tests.simulator.twin import Twin, twin_of
from tests.tooling.ansible_programs import run_ansible

Json: t.TypeAlias = c.Mapping[str, t.Any]

SERVICES: t.Final = "SYSTEM\\CurrentControlSet\\Services"
TUNNEL: t.Final = f"{SERVICES}\\WireGuardTunnel$home"
SECOND: t.Final = f"{SERVICES}\\ADAM_Second"
DEFAULTS: t.Final = {"time_scale": 0.005, "wire": {"transport": "basic"}}


def service(path: str, image: str) -> list[dict[str, t.Any]]:
    """The registry values of a service."""
    values = (("Type", "DWORD", 16), ("Start", "DWORD", 2), ("ImagePath", "EXPAND_SZ", f"C:\\P\\{image}"))
    return [{"path": path, "name": name, "type": kind, "data": data} for name, kind, data in values]


SERVERS: t.Final[dict[str, dict[str, t.Any]]] = {
    "edge2003": {
        "release": "2003",
        "max_user_port": 60000,
        "reserved_ports": ["3343-3343", "50389", "junk"],
        "broken": True,
    },
    "sbs": {"release": "2003", "roles": ["sbs2003"], "broken": False},
    "old-no-update": {"release": "2003", "update": False},
    "edge2008": {"release": "2008", "start_modes": {"DNS": "delayed"}, "netsh_hotfix": True},
    "member2022": {"release": "2022", "roles": ["member"]},
    "edge2025": {
        "release": "2025",
        "ldap_port": 50000,
        "dns_pool_size": 3000,
        "dns_pool_exclusions": ["50636-50636"],
        "dynamic_range": {"tcp": "20000-40000", "udp": "49000-65000"},
        "exclusions": [{"protocol": "udp", "ports": "51820-51820"}],
        "runtime_blocks": [{"protocol": "tcp", "ports": "50100-50199"}],
        "foreigners": [{"image": "other.exe", "protocol": "udp", "port": 55555}],
        "registry": [
            *service(TUNNEL, "wireguard.exe"),
            *service(SECOND, "dsamain.exe"),
            {"path": f"{SECOND}\\Parameters", "name": "Port LDAP", "type": "DWORD", "data": 50001},
            {"path": f"{SECOND}\\Parameters", "name": "Port SSL", "type": "DWORD", "data": 50002},
        ],
    },
}


@dataclasses.dataclass(frozen=True)
class Saved:
    """What was saved of the servers and of their twins."""

    files: c.Mapping[str, pathlib.Path]
    servers: c.Mapping[str, Json]
    twins: c.Mapping[str, Twin]
    of_twins: c.Mapping[str, Json]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Servers saved by the playbook, their twins started, and those saved in the same way."""
    directory = tmp_path_factory.mktemp("twins")
    servers = _save(SERVERS, directory / "servers")
    twins = {name: twin_of(found) for name, found in servers.items()}
    of_twins = _save({name: twin.host for name, twin in twins.items()}, directory / "twins")
    return Saved({name: _file(directory / "servers", name) for name in SERVERS}, servers, twins, of_twins)


def _save(hosts: Json, directory: pathlib.Path) -> dict[str, Json]:
    with running_fleet({"defaults": DEFAULTS, "hosts": dict(hosts)}, directory=directory) as fleet:
        arguments = ["-i", str(fleet.inventory), "-e", f"save_port_info_directory={directory / 'facts'}"]
        run_ansible(["ansible-playbook", "playbooks/save_port_info.yml", *arguments]).checked()
    return {name: json.loads(_file(directory, name).read_text(encoding="utf-8")) for name in hosts}


def _file(directory: pathlib.Path, name: str) -> pathlib.Path:
    return directory / "facts" / f"{name}.json"


def _lasting(found: Json) -> Json:
    """What does not change from boot to boot, or from server to server."""
    pool = found["dns_pool"] or {}
    passing = ("process_id", "sockets_held", "state")
    risk = {key: value for key, value in found["risk"].items() if key not in ("drawable", "formula")}
    return {
        "release": {key: found["release"][key] for key in ("name", "version", "domain_controller", "capabilities")},
        "updates": (found["updates"] or {}).get("dns_pool"),
        "dynamic_ranges": found["dynamic_ranges"],
        "reservations": found["reservations"],
        "dns_pool": {key: value for key, value in pool.items() if key not in passing},
        "ad_lds": [(row["service"], row["ldap_port"], row["ssl_port"]) for row in found["ad_lds"]],
        "services": sorted((row["service"], row["start_mode"], row["image"]) for row in found["services"]),
        "others": sorted((row["port"], row["image"]) for row in found["sockets"] if row["image"] == "other.exe"),
        "risk": risk,
    }


@pytest.mark.parametrize("name", SERVERS)
def test_a_twin_is_told_apart_by_nothing_that_lasts(name: str, saved: Saved) -> None:
    assert _lasting(saved.of_twins[name]) == _lasting(saved.servers[name])


def test_a_twin_is_as_broken_as_its_server(saved: Saved) -> None:
    states = {
        name: {row["service"]: row["exit_code"] for row in found["services"] if row["exit_code"] in (10013, 10048)}
        for name, found in {
            **saved.servers,
            **{f"twin of {name}": found for name, found in saved.of_twins.items()},
        }.items()
    }
    assert states["edge2003"] == states["twin of edge2003"] == {"ADAM_MSExchange": 10013}
    assert states["sbs"] == states["twin of sbs"] == {}


def test_what_is_assumed_is_said(saved: Saved) -> None:
    said = {name: " ".join(twin.assumed) for name, twin in saved.twins.items()}
    assert "WireGuardTunnel$home opens UDP 51820-51820" in said["edge2025"]
    assert "Other programs hold 2 ports" not in said["edge2003"]
    assert "Other programs hold 1 port at each boot" in said["edge2025"]
    assert "takes the same blocks for itself" in said["edge2025"]
    assert "DNS draws its pool before" not in said["edge2008"]


def test_a_rehearsal(saved: Saved, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(saved.files["edge2003"]), "exchange_edge_dns", "--boots", "300"]
    assert rehearsal.main(arguments) == 0
    results = capsys.readouterr().out
    assert "the role did its work" in results
    assert "the second run made 0 changes" in results
    assert "0 after, of 300 each" in results
    assert "NO" not in results.split()


def test_a_rehearsal_of_a_role_that_fails(saved: Saved, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(saved.files["member2022"]), "exchange_edge_dns", "--boots", "10"]
    assert rehearsal.main([*arguments, "--", "-e", "exchange_edge_dns_require=true"]) == 1
    assert "the role FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "can't be read"),
        ("[]", "does not hold what port_info returns"),
        ('{"release": {}}', "the file has no release, services, risk"),
    ],
)
def test_no_rehearsal(content: str, sentence: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "server.json"
    file.write_text(content, encoding="utf-8")
    assert rehearsal.main([str(file), "exchange_edge_dns"]) == 2
    assert sentence in capsys.readouterr().err
