# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role port_baseline and playbooks/site.yml on a mixed fleet: each server gets what is for it."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.host_cases import FleetRun, Json, TaskRun
from tests.fleet.role_contract import MOST_REQUESTS, content, standing
from tests.fleet.role_runs import played
from tests.fleet.servers import PORTAL

DC: t.Final = ["domain_controller", "dns", "ias"]
RELEASES: t.Final = ("2003", "2008", "2008r2", "2012r2", "2016", "2022", "2025")
RPC: t.Final[Json] = {"exchange_rpc_ports_ports": {"exchange_is": 1226}, "exchange_rpc_ports_restart_services": True}
ROUTER: t.Final[Json] = {
    "release": "2003",
    "roles": ["blackberry_router"],
    "vars": {"known_services_names": ["blackberry_router"]},
}

KINDS: t.Final[dict[str, tuple[Json, str, str]]] = {
    "sbs": ({"release": "2003", "roles": ["sbs2003"], "broken": ["IAS"]}, "Small Business Server 2003", "sbs2003"),
    "dc-2003": ({"release": "2003", "roles": DC, "max_user_port": 60000, "broken": True}, "RADIUS", "dc_ias"),
    "dc-2022": ({"release": "2022", "roles": DC, "broken": False}, "RADIUS", "dc_ias"),
    "edge-2008": ({"release": "2008", "broken": True}, "Exchange Edge", "exchange_edge_dns"),
    "edge-2019": ({"release": "2019", "broken": True}, "Exchange Edge", "exchange_edge_dns"),
    "edge-without-dns": ({"release": "2019", "roles": ["exchange_edge"]}, "Exchange Edge", "none"),
    "resolver": ({"release": "2022", "roles": ["dns"], "broken": False}, "DNS server", "none"),
    "mail": ({"release": "2003", "roles": ["exchange2003"], "vars": RPC}, "Exchange 2003 mail server", "none"),
    "mail-2010": ({"release": "2008r2", "roles": ["exchange2010"]}, "Exchange 2010 mail server", "none"),
    "router": (ROUTER, "BlackBerry Router", "none"),
    "portal": (PORTAL, "AD LDS", "none"),
    "portal-named": ({**PORTAL, "vars": {"exchange_edge_dns_instance": "Portal"}}, "AD LDS", "exchange_edge_dns"),
    "plain": ({"release": "2016", "roles": ["member"]}, "nothing", "none"),
}
"""Servers, what they are, and the role that fits."""
CHOICES: t.Final = {
    "mail": "By your choice: exchange_rpc_ports (with exchange_rpc_ports_ports), exchange_services (for maintenance).",
    "mail-2010": "exchange_rpc_ports (with exchange_rpc_ports_ports), exchange_services (for maintenance).",
    "sbs": "exchange_rpc_ports (with exchange_rpc_ports_ports), exchange_services (for maintenance).",
    "router": "By your choice: known_services (with known_services_names).",
    "portal": "By your choice: exchange_edge_dns (with exchange_edge_dns_instance).",
}
"""What is named beside, and never applied by itself."""
WIDE: t.Final[Json] = {"roles": ["dns", "ias"], "dynamic_range": "1025-60000", "broken": True}
"""A dynamic range down to the ports of RADIUS, which makes the role ask most."""
MANY: t.Final[dict[str, Json]] = {
    "sbs": {"release": "2003", "roles": ["sbs2003"], "broken": ["IAS"]},
    **{f"edge-{key}": {"release": key, "broken": True} for key in RELEASES},
    **{f"dc-{key}": {"release": key, "roles": DC, "broken": False} for key in RELEASES},
    **{f"radius-{key}": {"release": key, **WIDE} for key in RELEASES if key != "2003"},
    "sbs-chosen": {
        "release": "2003",
        "roles": ["sbs2003"],
        "vars": {"sbs2003_max_user_port": "60000", "sbs2003_socket_pool_size": "2500"},
    },
    "sbs-removed": {
        "release": "2003",
        "roles": ["sbs2003"],
        "vars": {"sbs2003_max_user_port": "remove", "sbs2003_socket_pool_size": "default"},
    },
    "edge-2022-belt": {"release": "2022", "broken": True, "vars": {"exchange_edge_dns_reserve": True}},
    **{
        f"dc-{key}-fixed": {
            "release": key,
            "roles": DC,
            "vars": {"dc_ias_static_rpc_ports": {"ntds": 49200, "netlogon": 49201}, "dc_ias_restart_services": True},
        }
        for key in ("2003", "2008r2", "2022")
    },
}
"""Every kind that a role is for, on releases of every way to read and to fix, some with all that can be chosen."""
DOWN: t.Final = {"sbs": "IAS", "dc-2003": "IAS", "edge-2008": "ADAM_MSExchange", "edge-2019": "ADAM_MSExchange"}
STATES: t.Final = ("port_baseline_state", "exchange_rpc_ports_state", "known_services_state")
BY_PROGRAM: t.Final = ("sbs", "dc-2022", "edge-2008", "mail", "router", "plain")
"""One for each role that site.yml has, one for each fix, and one without any."""
MANY_BY_PROGRAM: t.Final = ("sbs-chosen", "edge-2022-belt", "dc-2003-fixed")


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs one after another."""

    looked: FleetRun
    first: FleetRun
    second: FleetRun
    undone: FleetRun


@pytest.fixture(scope="module")
def runs() -> Runs:
    hosts = {name: server for name, (server, _kind, _role) in KINDS.items()}
    with played("site", hosts, by_program=BY_PROGRAM, playbook="site") as play:
        looked, first = play.run(playbook="baseline"), play.run({"site_serial": "1"})
        return Runs(looked, first, play.run(), play.run(dict.fromkeys(STATES, "absent")))


def _changes(fleet_run: FleetRun, host: str) -> list[TaskRun]:
    return [task_run for task_run in fleet_run.task_runs[host] if "victims" in task_run.result]


@pytest.mark.parametrize("host", KINDS)
def test_it_says_what_a_server_is_and_changes_nothing(runs: Runs, host: str) -> None:
    _server, kind, role = KINDS[host]
    said = runs.looked.task_runs[host][-1]
    assert f"is: {kind}" in said.message
    assert f"Roles that fit: {role}." in said.message
    assert CHOICES.get(host, "") in said.message
    assert ("By your choice" in said.message) == (host in CHOICES)
    assert standing(said.after) == standing(runs.looked.task_runs[host][0].before)
    assert _changes(runs.looked, host) == []


@pytest.mark.parametrize("host", KINDS)
def test_each_server_gets_what_is_for_it(runs: Runs, host: str) -> None:
    _server, _kind, role = KINDS[host]
    task_runs = _changes(runs.first, host)
    expected = {"mail": 1, "router": 1, **({host: 1} if role != "none" else {})}.get(host, 0)
    assert [(task_run.event, task_run.result["changed"]) for task_run in task_runs] == [("ok", True)] * expected
    if host in DOWN:
        assert not task_runs[0].before.runs(DOWN[host])
        assert task_runs[0].after.runs(DOWN[host], "DNS")


def test_one_server_after_another(runs: Runs) -> None:
    """No server is begun before the one before is done."""
    plays = [line for line in runs.first.output.splitlines() if line.startswith("PLAY [")]
    assert len(plays) == len(BY_PROGRAM)


@pytest.mark.parametrize("host", KINDS)
def test_a_second_run_changes_nothing(runs: Runs, host: str) -> None:
    assert (runs.second.recap[host]["changed"], runs.second.recap[host]["failures"]) == (0, 0)
    assert standing(runs.second.task_runs[host][-1].after) == standing(runs.second.task_runs[host][0].before)


@pytest.mark.parametrize("host", KINDS)
def test_it_can_be_taken_back(runs: Runs, host: str) -> None:
    last, original = runs.undone.task_runs[host][-1].after, runs.looked.task_runs[host][0].before
    assert content(last) == content(original)
    assert last.journal is None


@pytest.fixture(scope="module")
def converged() -> FleetRun:
    """Many servers, run once more after everything is fixed and in force."""
    with played("site", MANY, by_program=MANY_BY_PROGRAM, playbook="site") as play:
        fixed = play.run()
        assert fixed.exit_code == 0, fixed.output
        play.boot(MANY)
        return play.run()


@pytest.mark.parametrize("host", MANY)
def test_a_converged_server_costs_few_requests(converged: FleetRun, host: str) -> None:
    """The look and the role that fits together."""
    task_runs = converged.task_runs[host]
    assert (converged.recap[host]["changed"], converged.recap[host]["failures"]) == (0, 0)
    assert [task_run.result["applicable"] for task_run in task_runs if "victims" in task_run.result] == [True]
    assert sum(task_run.count for task_run in task_runs) <= MOST_REQUESTS, [task_run.count for task_run in task_runs]
