# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a task costs, with Basic, counted by the fleet."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest

from tests.bench import budgets
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun, run_cases

MODULE: t.Final = "reserved_ports"
POOL_OPTIONS: t.Final[t.Mapping[str, Json]] = {
    "2003": {"size": 3000},
    "2008": {"size": 3000},
    "2022": {"excluded_ports": ["50389", "50636"]},
}
"""What each release can change."""
MOST_BYTES: t.Final = 60_000
"""Both ways, bodies only; a fifth of what the peer sends one way."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Budget:
    """What a first change may cost, the next one, and a run that changes nothing."""

    id: str
    server: Json
    first: int
    next: int
    unchanged: int


def _netsh(name: str, release: str, **more: t.Any) -> Budget:
    server = {"release": release, "broken": False, **more}
    less = budgets.NETSH_LESS.get(release, 0)
    return Budget(
        id=name,
        server=server,
        first=budgets.NETSH_FIRST - less,
        next=budgets.NETSH_LATER - less,
        unchanged=budgets.NETSH_UNCHANGED,
    )


BUDGETS: t.Final = (
    Budget(
        id="2003-value-there",
        server={"release": "2003", "broken": False, "reserved_ports": ["3343-3343"]},
        first=budgets.REGISTRY_FIRST,
        next=budgets.REGISTRY_LATER,
        unchanged=budgets.REGISTRY_UNCHANGED,
    ),
    # Return code 1 alone is not trusted to mean that the value is absent: its name is looked for in the key.
    Budget(
        id="2003-value-absent",
        server={"release": "2003", "broken": False},
        first=budgets.REGISTRY_FIRST_ABSENT,
        next=budgets.REGISTRY_LATER,
        unchanged=budgets.REGISTRY_UNCHANGED,
    ),
    Budget(
        id="2003-winrm-1.1",
        server={"release": "2003", "broken": False, "reserved_ports": ["3343-3343"], "winrm_stack": "1.1"},
        first=budgets.REGISTRY_FIRST,
        next=budgets.REGISTRY_LATER,
        unchanged=budgets.REGISTRY_UNCHANGED,
    ),
    _netsh("2008-hotfix", "2008", netsh_hotfix=True),
    _netsh("2008r2-hotfix-german", "2008r2", netsh_hotfix=True, language="de"),
    _netsh("2012r2", "2012r2"),
    _netsh("2016", "2016"),
    _netsh("2022", "2022"),
    _netsh("2025-german", "2025", language="de"),
)


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[TaskRun, ...]]:
    steps = tuple(
        Step(module=MODULE, options={"ports": ports})
        for ports in (["5389"], ["5389", "5636"], ["5389", "5636"], ["5000-5010", "5636"])
    )
    return run_cases([HostCase(id=budget.id, server=budget.server, steps=steps) for budget in BUDGETS])


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.id)
def test_requests_stay_within_the_budget(results: dict[str, tuple[TaskRun, ...]], budget: Budget) -> None:
    task_runs = results[budget.id]
    assert [task_run.result["changed"] for task_run in task_runs] == [True, True, False, True]
    allowed = (budget.first, budget.next, budget.unchanged, budget.next)
    costs = [task_run.count for task_run in task_runs]
    assert all(cost <= most for cost, most in zip(costs, allowed, strict=True)), costs


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.id)
def test_bytes_stay_within_the_budget(results: dict[str, tuple[TaskRun, ...]], budget: Budget) -> None:
    for task_run in results[budget.id]:
        assert task_run.requests["bytes_in"] + task_run.requests["bytes_out"] <= MOST_BYTES


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.id)
def test_no_request_serves_authentication_alone(results: dict[str, tuple[TaskRun, ...]], budget: Budget) -> None:
    assert [task_run.requests["authentication_rounds"] for task_run in results[budget.id]] == [0, 0, 0, 0]


def test_a_changed_pool_with_its_restart_stays_within_the_budget() -> None:
    cases = [
        HostCase(
            id=release,
            server={"release": release, "roles": ["dns"], "broken": False, "time_scale": 1.0},
            steps=(Step(module="dns_socket_pool", options={**options, "restart": True}),),
        )
        for release, options in POOL_OPTIONS.items()
    ]
    results = run_cases(cases)
    for release, most in budgets.POOL_RESTARTED.items():
        (task_run,) = results[release]
        assert "restarted DNS" in task_run.result["msg"], task_run.result
        assert task_run.count <= most, [entry["brief"] for entry in task_run.requests["log"]]
