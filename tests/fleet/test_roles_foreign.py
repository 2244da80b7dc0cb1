# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others change a server between a role and its undo: what is theirs stays, what is ours goes."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.host_cases import FleetRun, Json, TaskRun
from tests.fleet.role_contract import converged, ports_of
from tests.fleet.role_runs import Play, played
from tests.fleet.snapshot import DNS, TCPIP

HKLM: t.Final = "HKLM\\"
DC: t.Final = ["domain_controller", "dns", "ias"]
HOSTS: t.Final[dict[str, Json]] = {
    "sbs": {
        "release": "2003",
        "roles": ["sbs2003"],
        "broken": ["IAS"],
        "vars": {"sbs2003_max_user_port": "remove", "sbs2003_socket_pool_size": 50},
    },
    "dc": {"release": "2022", "roles": DC, "dynamic_range": "1025-60000", "broken": True},
    "mail": {
        "release": "2003",
        "roles": ["exchange2003"],
        "vars": {
            "exchange_rpc_ports_ports": {"exchange_is": 1226, "exchange_sa": 1227},
            "exchange_rpc_ports_restart_services": True,
        },
    },
    "router": {
        "release": "2003",
        "roles": ["blackberry_router"],
        "vars": {"known_services_names": ["blackberry_router"]},
    },
}
BY_PROGRAM: t.Final = ("dc",)
ROLES: t.Final = {"sbs": "sbs2003", "dc": "dc_ias", "mail": "exchange_rpc_ports", "router": "known_services"}
STORE: t.Final = r"SYSTEM\CurrentControlSet\Services\MSExchangeIS\ParametersSystem"
FILE: t.Final = r"C:\WINDOWS\System32\drivers\etc\services"


def _set(play: Play, host: str, **value: t.Any) -> None:
    play.act(host, do="set_value", **{**value, "path": HKLM + value["path"]})


def _entries(play: Play, host: str, key: str, name: str) -> list[str]:
    return t.cast("list[str]", play.act(host, do="get_value", path=HKLM + key, name=name)["data"])


def _reserve(play: Play, host: str) -> None:
    reserved = _entries(play, host, TCPIP, "ReservedPorts")
    _set(play, host, path=TCPIP, name="ReservedPorts", type="MULTI_SZ", data=[*reserved, "7000-7010"])


def _meddle_with_sbs(play: Play, run: FleetRun) -> None:
    del run
    _reserve(play, "sbs")
    _set(play, "sbs", path=TCPIP, name="MaxUserPort", type="DWORD", data=30000)


def _meddle_with_dc(play: Play, run: FleetRun) -> None:
    del run
    excluded = _entries(play, "dc", DNS, "SocketPoolExcludedPortRanges")
    _set(play, "dc", path=DNS, name="SocketPoolExcludedPortRanges", type="MULTI_SZ", data=["7000-7010", *excluded])
    play.act("dc", do="exclude", protocol="udp", ports="7000-7010")


def _meddle_with_mail(play: Play, run: FleetRun) -> None:
    _set(play, "mail", path=STORE, name="TCP/IP Port", type="DWORD", data=1300)
    text = run.task_runs["mail"][-1].after.data["files"][FILE]
    play.act("mail", do="write_file", path=FILE, data=text + "ours             7000/tcp\r\n")


MEDDLE: t.Final[t.Mapping[str, t.Callable[[Play, FleetRun], None]]] = {
    "sbs": _meddle_with_sbs,
    "dc": _meddle_with_dc,
    "mail": _meddle_with_mail,
    "router": lambda play, _run: _reserve(play, "router"),
}
"""Other administrators at work."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """The roles, and their undo after others were there."""

    first: t.Mapping[str, FleetRun]
    undone: t.Mapping[str, FleetRun]

    def undo(self, host: str) -> TaskRun:
        """What the undo did."""
        return converged(self.undone[host], host)


@pytest.fixture(scope="module")
def runs() -> Runs:
    first, undone = {}, {}
    for host, role in ROLES.items():
        by_program = [host] if host in BY_PROGRAM else []
        with played(role, {host: HOSTS[host]}, by_program=by_program, playbook=role) as play:
            first[host] = play.run()
            MEDDLE[host](play, first[host])
            undone[host] = play.run({f"{role}_state": "absent"})
    return Runs(first, undone)


@pytest.mark.parametrize("host", ROLES)
def test_the_undo_ends_well_and_forgets_everything(runs: Runs, host: str) -> None:
    assert converged(runs.first[host], host).event == "ok"
    task_run = runs.undo(host)
    assert task_run.event == "ok", task_run.message
    assert task_run.after.journal is None
    assert "changed since by somebody else" in task_run.warnings


def test_reservations_of_others_stay(runs: Runs) -> None:
    assert runs.undo("sbs").after.reserved == ["3343-3343", "7000-7010"]
    assert runs.undo("router").after.reserved == ["7000-7010"]


def test_a_value_that_others_have_set_stays(runs: Runs) -> None:
    after = runs.undo("sbs").after
    assert after.value(TCPIP, "MaxUserPort") == 30000
    assert after.value(DNS, "SocketPoolSize") is None


def test_exclusions_of_others_stay(runs: Runs) -> None:
    after = runs.undo("dc").after
    assert after.pool_exclusions == ["7000-7010"]
    assert ports_of(after.excluded("udp")) == set(range(7000, 7011))


def test_a_fixed_port_that_others_have_chosen_stays(runs: Runs) -> None:
    task_run = runs.undo("mail")
    assert task_run.after.value(STORE, "TCP/IP Port") == 1300
    assert task_run.after.reserved is None


def test_lines_of_others_stay_in_the_services_file(runs: Runs) -> None:
    before = runs.first["mail"].task_runs["mail"][0].before.data["files"]
    assert runs.undo("mail").after.data["files"] == {**before, FILE: before[FILE] + "ours             7000/tcp\r\n"}
