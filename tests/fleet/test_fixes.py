# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``port_info`` gives to paste is pasted, run by the real `ansible-playbook`, and helps."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, TaskRun, play
from tests.fleet.servers import PORTAL
from tests.simulator.control import running_fleet

DIAGNOSIS: t.Final[dict[str, Json]] = yaml.safe_load(
    (pathlib.Path(__file__).parent / "diagnosis.yml").read_text(encoding="utf-8")
)["servers"]
ROLE: t.Final = "ansible.builtin.include_role"
CONVERGE: t.Final = "portkeeper.windows.converge"
REBOOTS: t.Final = ("dc_ias", "sbs2003", "exchange_edge_dns")

FIXED: t.Final[dict[str, tuple[str, str]]] = {
    "edge-2003-lost-port": ("exchange_edge_dns", "ADAM_MSExchange"),
    "edge-2003-reserved-since": ("exchange_edge_dns", "ADAM_MSExchange"),
    "edge-2008-lost-port": ("exchange_edge_dns", "ADAM_MSExchange"),
    "edge-2008r2-lost-port": ("exchange_edge_dns", "ADAM_MSExchange"),
    "edge-2016-lost-port-german": ("exchange_edge_dns", "ADAM_MSExchange"),
    "edge-2022-excluded-since": ("exchange_edge_dns", "ADAM_MSExchange"),
    "ias-2003-lost-port": ("dc_ias", "IAS"),
    "ias-2003-lost-port-german": ("dc_ias", "IAS"),
    "nps-2008-lost-port": ("dc_ias", "IAS"),
    "nps-2016-freed": ("dc_ias", "IAS"),
    "sbs2003-no-push": ("sbs2003", "W3SVC"),
    "sbs-lost-port": ("sbs2003", "IAS"),
    "portal-lost-port": ("exchange_edge_dns", "ADAM_Portal"),
    "nps-2019-freed-of-java": (CONVERGE, "IAS"),
}
"""The servers, the role or the module that each gets, and the service that must have its ports then."""
MORE: t.Final[dict[str, Json]] = {
    "sbs-lost-port": {"server": {"release": "2003", "roles": ["sbs2003"], "broken": ["IAS"]}},
    "nps-2019-freed-of-java": {
        "server": {
            "release": "2019",
            "roles": ["ias"],
            "foreigners": [{"image": "java.exe", "protocol": "udp", "port": 1812}],
        },
    },
    "portal-lost-port": {"server": {**PORTAL, "broken": ["ADAM_Portal"]}},
}
STRANGERS: t.Final = ("nps-2019-freed-of-java",)
"""Servers where another program than the DNS server has the port; they have no DNS server."""


@dataclasses.dataclass(frozen=True)
class Runs:
    """The look, the pasted fixes, and the look after them; and by server the fix of its worst finding."""

    seen: FleetRun
    pasted: FleetRun
    after: FleetRun
    fixes: t.Mapping[str, str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    servers = {name: MORE.get(name) or DIAGNOSIS[name] for name in FIXED}
    directory = tmp_path_factory.mktemp("fixes")
    look = {"name": "Look", "portkeeper.windows.port_info": {"gather_subset": ["findings"], "detail": "full"}}
    paste = {"name": "Paste", "ansible.builtin.include_tasks": f"{directory}/{{{{ inventory_hostname }}}}.yml"}
    hosts = {name: server["server"] for name, server in servers.items()}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        for name, server in servers.items():
            for action in server.get("acts", ()):
                fleet.control.host(name).act(**action)
        seen = play(fleet.control, fleet.inventory, [look])
        fixes = {name: seen.task_runs[name][0].result["findings"][0]["fix"] for name in FIXED}
        for name, fix in fixes.items():
            (directory / f"{name}.yml").write_text(fix, encoding="utf-8")
        # What the fix says in words: first stop the program that has the port.
        for name in STRANGERS:
            (held,) = seen.task_runs[name][0].result["findings"][0]["held_by"]
            fleet.control.host(name).act(do="close", pid=held["process_id"])
        at_once = [item for role in REBOOTS for item in ("-e", f"{{{role}_reboot: true}}")]
        pasted = play(fleet.control, fleet.inventory, [paste], *at_once)
        return Runs(seen, pasted, play(fleet.control, fleet.inventory, [look]), fixes)


@pytest.mark.parametrize("name", FIXED)
def test_the_fix_is_the_role_where_one_is_for_the_server(runs: Runs, name: str) -> None:
    (task, *_reboot) = yaml.safe_load(runs.fixes[name])
    given = task[ROLE]["name"].removeprefix("portkeeper.windows.") if ROLE in task else CONVERGE
    assert (given, CONVERGE in task) == (FIXED[name][0], FIXED[name][0] == CONVERGE)


@pytest.mark.parametrize("name", FIXED)
def test_it_runs_and_brings_the_service_back(runs: Runs, name: str) -> None:
    task_runs = runs.pasted.task_runs[name]
    assert runs.pasted.recap[name]["failures"] == 0, [task_run.message for task_run in task_runs]
    assert runs.pasted.recap[name]["changed"] > 0
    _role, service = FIXED[name]
    before, after = runs.seen.task_runs[name][0].before, runs.after.task_runs[name][-1].after
    assert after.runs(service)
    if name not in STRANGERS:
        assert after.runs("DNS") == before.runs("DNS")


@pytest.mark.parametrize("name", FIXED)
def test_nothing_is_found_any_more(runs: Runs, name: str) -> None:
    assert _kinds(runs.seen.task_runs[name][0])
    assert _kinds(runs.after.task_runs[name][0]) == []


def _kinds(task_run: TaskRun) -> list[str]:
    assert task_run.event == "ok", task_run.message
    return [row["kind"] for row in task_run.result["findings"]]
