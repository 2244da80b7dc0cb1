# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guards on servers: what is refused leaves no trace, in check mode and in the run."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.fleet.engine_tasks import CONVERGE
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.role_arguments import task_arguments
from tests.fleet.task_checks import assert_refused

RELEASES: t.Final = ("2003", "2008", "2008r2", "2016", "2025")
WHOLE_POOL: t.Final[Json] = {"excluded_ports": ["49152-65535"]}
STOPS_WINRM: t.Final[Json] = {"name": ["WinRM"], "state": "restarted"}
LONGEST: t.Final = 1000
"""Characters: such a sentence has the figures, the reason and the way out."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is refused on a server, and what the sentence says of it."""

    id: str
    server: Json
    module: str
    options: Json
    words: tuple[str, ...]
    risk: str

    @property
    def case(self) -> HostCase:
        """As check mode, as a run, and as an item of ``converge``."""
        item = {"resources": [{self.module: self.options}]} if self.module != "converge" else self.options
        steps = (
            Step(module=self.module, options=self.options, check=True),
            Step(module=self.module, options=self.options),
            Step(module="converge", options=item),
        )
        return HostCase(id=self.id, server=self.server, steps=steps)


def _way_in(release: str) -> Case:
    return Case(
        id=f"{release}-winrm-restarted",
        server={"release": release},
        module="service_state",
        options=STOPS_WINRM,
        words=("service WinRM", "server_reboot"),
        risk="way_in",
    )


def _all_ports(release: str, **more: t.Any) -> Case:
    ports = "1024-65535" if release == "2003" else "49152-65535"
    return Case(
        id=f"{release}-all-ports-reserved",
        server={"release": release, **more},
        module="reserved_ports",
        options={"ports": [ports]},
        words=("the dynamic TCP range", "so that 0 stay free", "fewer than 255"),
        risk="starved_range",
    )


def _start_mode(service: str, mode: str) -> Case:
    return Case(
        id=f"{service}-{mode}",
        server={"release": "2022"},
        module="service_start_mode",
        options={"name": [service], "start_mode": mode},
        words=(f"service {service}", f"start mode {mode}"),
        risk="way_in",
    )


CLUSTERED: t.Final[Json] = {"release": "2003", "roles": ["exchange2003", "cluster"]}
CASES: t.Final = (
    *map(_way_in, RELEASES),
    *(_start_mode(service, "disabled") for service in ("WinRM", "RpcSs", "DcomLaunch", "Winmgmt", "EventLog")),
    _start_mode("WinRM", "manual"),
    *map(_all_ports, ("2003", "2012r2", "2022")),
    _all_ports("2008", netsh_hotfix=True),
    Case(
        id="its-port-excluded",
        server={"release": "2016"},
        module="reserved_ports",
        options={"ports": ["5985"]},
        words=("TCP 5985", "WinRM listens there"),
        risk="way_in",
    ),
    Case(
        id="a-range-over-its-port",
        server={"release": "2019"},
        module="dynamic_ports",
        options={"start": 5000, "number": 20000},
        words=("TCP 5985", "dynamic range would be moved over it"),
        risk="way_in",
    ),
    Case(
        id="the-pool-starved",
        server={"release": "2022", "roles": ["dns"]},
        module="dns_socket_pool",
        options=WHOLE_POOL,
        words=("the range of the DNS server's pool, 49152-65535", "so that 0 stay free", "the pool takes 2500"),
        risk="starved_range",
    ),
    Case(
        id="a-range-smaller-than-the-pool",
        server={"release": "2008r2", "roles": ["dns"]},
        module="dynamic_ports",
        options={"start": 50000, "number": 2000, "protocol": "udp"},
        words=("of its 2000 ports", "the pool takes 2500"),
        risk="starved_range",
    ),
    Case(
        id="a-range-smaller-than-what-is-in-use",
        server={"release": "2022", "tcp_clients": 200},
        module="dynamic_ports",
        options={"start": 49152, "number": 300, "protocol": "tcp"},
        words=("of its 300 ports", "stay free"),
        risk="starved_range",
    ),
    Case(
        id="exchange-on-a-cluster",
        server=CLUSTERED,
        module="service_state",
        options={"name": ["MSExchangeSA"], "state": "stopped"},
        words=("MSExchangeSA", "ClusSvc", "Stop-ClusteredMailboxServer"),
        risk="cluster",
    ),
    Case(
        id="the-role-on-a-cluster",
        server=CLUSTERED,
        module="converge",
        options=task_arguments("exchange_services", CONVERGE, {}),
        words=("MSExchangeIS", "ClusSvc", "cluster.exe"),
        risk="cluster",
    ),
    Case(
        id="a-pool-of-one",
        server={"release": "2022", "roles": ["dns"]},
        module="dns_socket_pool",
        options={"size": 0},
        words=("MS08-037",),
        risk="small_pool",
    ),
)
MEANT: t.Final = (
    HostCase(
        id="meant",
        server={"release": "2022", "roles": ["dns"]},
        steps=(
            Step(
                module="dns_socket_pool", options={"excluded_ports": ["49152-65535"], "accept_risks": "starved_range"}
            ),
            Step(module="dns_socket_pool", options={"excluded_ports": ["49152-65535"]}),
        ),
    ),
    HostCase(
        id="meant-by-a-role",
        server=CLUSTERED,
        steps=(
            Step(
                module="converge",
                options=task_arguments("exchange_services", CONVERGE, {"exchange_services_accept_risks": ["cluster"]}),
            ),
        ),
    ),
    HostCase(
        id="not-for-an-item",
        server={"release": "2022"},
        steps=(
            Step(
                module="converge",
                options={"resources": [{"service_state": {**STOPS_WINRM, "accept_risks": ["way_in"]}}]},
            ),
        ),
    ),
    HostCase(
        id="a-reboot-without-a-way-back",
        server={"release": "2022", "start_modes": {"WinRM": "manual"}, "assumptions": {}},
        steps=(
            Step(module="server_reboot", options={"reboot_timeout": 60}, check=True),
            Step(module="server_reboot", options={"reboot_timeout": 60, "accept_risks": ["way_in"]}, check=True),
        ),
    ),
)


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[TaskRun, ...]]:
    return run_in_process([*(case.case for case in CASES), *MEANT])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_it_is_refused_in_check_mode_in_the_run_and_in_converge(
    results: dict[str, tuple[TaskRun, ...]], case: Case
) -> None:
    for task_run in results[case.id]:
        assert_refused(task_run)
        for word in (*case.words, case.risk, "accept_risks", "nothing was changed"):
            assert word in task_run.message, task_run.message
        assert len(task_run.message) <= LONGEST


def test_who_means_it_gets_it_with_a_warning(results: dict[str, tuple[TaskRun, ...]]) -> None:
    done, again = results["meant"]
    assert done.event == "ok", done.message
    assert "accept_risks has starved_range. The range of the DNS server's pool" in done.warnings
    assert (again.event, again.result["changed"]) == ("ok", False)
    (stopped,) = results["meant-by-a-role"]
    assert stopped.event == "ok", stopped.message
    assert "accept_risks has cluster" in stopped.warnings
    assert not stopped.after.runs("MSExchangeIS")


def test_a_risk_is_accepted_by_the_task_and_not_by_an_item(results: dict[str, tuple[TaskRun, ...]]) -> None:
    (task_run,) = results["not-for-an-item"]
    assert_refused(task_run)
    assert "there is no option 'accept_risks'" in task_run.message


def test_a_reboot_without_a_way_back(results: dict[str, tuple[TaskRun, ...]]) -> None:
    refused, meant = results["a-reboot-without-a-way-back"]
    assert_refused(refused)
    assert "accept_risks: [way_in]" in refused.message
    assert meant.event == "ok", meant.message
    assert "accept_risks has way_in" in meant.warnings
