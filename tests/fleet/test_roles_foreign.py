# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Others change a server between a role and its undo: what is theirs stays, what is ours goes."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.role_contract import converged, ports_of
from tests.fleet.snapshot import DNS, TCPIP
from tests.fleet.stories import DEFAULTS, FleetRun, Json, TaskRun, playbook_run
from tests.simulator.control import HostControl, running_fleet

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
ROLES: t.Final = {"sbs": "sbs2003", "dc": "dc_ias", "mail": "exchange_rpc_ports", "router": "known_services"}
STORE: t.Final = r"SYSTEM\CurrentControlSet\Services\MSExchangeIS\ParametersSystem"
FILE: t.Final = r"C:\WINDOWS\System32\drivers\etc\services"


def _set(host: HostControl, key: str, name: str, kind: str, data: t.Any) -> None:
    host.act(do="set_value", path=HKLM + key, name=name, type=kind, data=data)


def _meddle(hosts: t.Mapping[str, HostControl]) -> None:
    """Other administrators at work."""
    sbs, dc, mail, router = (hosts[name] for name in ROLES)
    for server in (sbs, router):
        reserved = server.act(do="get_value", path=HKLM + TCPIP, name="ReservedPorts")["data"]
        _set(server, TCPIP, "ReservedPorts", "MULTI_SZ", [*reserved, "7000-7010"])
    _set(sbs, TCPIP, "MaxUserPort", "DWORD", 30000)
    excluded = dc.act(do="get_value", path=HKLM + DNS, name="SocketPoolExcludedPortRanges")["data"]
    _set(dc, DNS, "SocketPoolExcludedPortRanges", "MULTI_SZ", ["7000-7010", *excluded])
    dc.act(do="exclude", protocol="udp", ports="7000-7010")
    _set(mail, STORE, "TCP/IP Port", "DWORD", 1300)
    text = mail.state()["files"][FILE]
    mail.act(do="write_file", path=FILE, data=text + "ours             7000/tcp\r\n")


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
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as fleet:

        def run(host: str, *arguments: str) -> FleetRun:
            role = ROLES[host]
            limits = ("-e", f"{role}_hosts={host}", *arguments)
            return playbook_run(fleet.control, fleet.inventory, f"portkeeper.windows.{role}", *limits)

        first = {host: run(host) for host in ROLES}
        _meddle({host: fleet.control.host(host) for host in ROLES})
        return Runs(first, {host: run(host, "-e", f"{ROLES[host]}_state=absent") for host in ROLES})


@pytest.mark.parametrize("host", ROLES)
def test_the_undo_ends_well_and_forgets_everything(runs: Runs, host: str) -> None:
    assert converged(runs.first[host], host).event == "ok"
    beat = runs.undo(host)
    assert beat.event == "ok", beat.message
    assert beat.after.journal is None
    assert "changed since by somebody else" in beat.warnings


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
    beat = runs.undo("mail")
    assert beat.after.value(STORE, "TCP/IP Port") == 1300
    assert beat.after.reserved is None


def test_lines_of_others_stay_in_the_services_file(runs: Runs) -> None:
    before = runs.first["mail"].beats["mail"][0].before.data["files"]
    assert runs.undo("mail").after.data["files"] == {**before, FILE: before[FILE] + "ours             7000/tcp\r\n"}
