# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's limits: each one that is missed is told, by its figure; and those of roles are what is so today."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import pytest

from tests.bench import budgets, limits, tasks
from tests.bench.ad_hoc import AdHoc
from tests.bench.cells import Cell, Figures, Traffic
from tests.bench.information import ReportRow
from tests.bench.kinds import EDGE, KINDS
from tests.bench.meter import Taken
from tests.bench.recording import first_role_run, role_conversation
from tests.bench.replay import Transport
from tests.bench.roles import RoleRow
from tests.bench.rows import Row
from tests.bench.sides import SIDES, Side
from tests.fleet.host_cases import HostCase, Step
from tests.fleet.in_process import CaseRunner
from tests.tooling.sources import ROOT

PEER = Row(task=tasks.PEER_RESERVED, owner="peer", release="2022", requests=7, bytes_out=300_000, bytes_in=7_000)
SHARE = PEER.bytes_out // limits.SMALLER_THAN_PEER
TASKS = [
    *(
        Row(task=task, owner="ours", release="2003", requests=limit, bytes_out=SHARE, bytes_in=1)
        for task, limit in limits.REQUESTS.items()
    ),
    PEER,
]
ROLES = [
    RoleRow(
        role=role,
        release=release,
        side="ours",
        transport=transport,
        traffic=Traffic(
            requests=limit + budgets.HANDSHAKE[transport],
            bytes_out=limits.ROLE_BYTES_OUT[role] + 4000 * (transport != "basic"),
            bytes_in=1,
            connections=1,
            logons=1,
        ),
    )
    for (role, release), limit in budgets.ROLES_CONVERGED.items()
    for transport in t.get_args(Transport)
]
CALLS = AdHoc(ours=(limits.AD_HOC_TO_DEBUG,), debug=(1.0,))


def figures(side: Side, processor: float) -> Figures:
    cell = Cell(role=EDGE, transport="basic", hosts=50, forks=10, side=side)
    return Figures(cell=cell, traffic=ROLES[0].traffic, taken=Taken(processor=processor))


CELLS = [figures("ours", 1.0), *(figures(side, 1.01 / limit) for side, limit in limits.ROLE_TO_PEER.items())]


def missed(
    rows: c.Sequence[Row] = TASKS,
    roles: c.Sequence[RoleRow] = ROLES,
    cells: c.Sequence[Figures] = CELLS,
    calls: AdHoc = CALLS,
) -> list[str]:
    """What was missed, without the figures."""
    return [text.partition(":")[0] for holds, text in limits.checks(rows, roles, cells, calls) if not holds]


def one_more(row: RoleRow, field: str) -> list[RoleRow]:
    """The roles, but for one in which a host costs one more of something."""
    more = dataclasses.replace(row.traffic, **{field: getattr(row.traffic, field) + 1})
    return [dataclasses.replace(other, traffic=more) if other == row else other for other in ROLES]


def test_at_the_limit_everything_holds() -> None:
    assert missed() == []


@pytest.mark.parametrize("task", limits.REQUESTS)
def test_one_request_more_is_told(task: str) -> None:
    rows = [dataclasses.replace(row, requests=row.requests + (row.task == task)) for row in TASKS]
    assert task in missed(rows)


@pytest.mark.parametrize("row", ROLES, ids=lambda row: f"{row.role}-{row.release}-{row.transport}")
def test_one_request_or_connection_more_of_a_role_is_told(row: RoleRow) -> None:
    name = f"role {row.role} on {row.release}, {row.transport}"
    assert missed(roles=one_more(row, "requests")) == [name]
    assert missed(roles=one_more(row, "connections")) == ["roles, connections"]


@pytest.mark.parametrize("role", limits.ROLE_BYTES_OUT)
def test_one_byte_more_of_a_role_is_told(role: str) -> None:
    row = next(row for row in ROLES if (row.role, row.transport) == (role, "basic"))
    assert missed(roles=one_more(row, "bytes_out")) == [f"role {role}, bytes"]


def test_too_many_bytes_of_any_registry_task_are_told() -> None:
    rows = [dataclasses.replace(row, bytes_out=SHARE + 1) if row.task == tasks.REGISTRY_LATER else row for row in TASKS]
    assert missed(rows) == [tasks.REGISTRY]


@pytest.mark.parametrize("side", limits.ROLE_TO_PEER)
def test_too_much_processor_time_beside_a_peer_is_told(side: Side) -> None:
    faster = figures(side, 0.9 / limits.ROLE_TO_PEER[side])
    cells = [faster if row.cell == faster.cell else row for row in CELLS]
    assert missed(cells=cells) == [f"role {EDGE}, 50 hosts, processor time to {side}"]


def test_every_peer_has_a_limit() -> None:
    assert {"ours", *limits.ROLE_TO_PEER} == set(SIDES)


def test_an_ad_hoc_call_that_takes_too_much_is_told_by_the_middle_of_its_pairs() -> None:
    slow = limits.AD_HOC_TO_DEBUG + 0.1
    calls = AdHoc(ours=(slow, 3 * slow, 1.0), debug=(1.0, 3.0, 3.0))
    assert missed(calls=calls) == ["ad hoc call, processor time to debug"]


@pytest.mark.parametrize(("seconds", "holds"), [(limits.REPORT_GROWTH, True), (limits.REPORT_GROWTH + 0.1, False)])
def test_a_report_that_grows_faster_than_its_servers_is_told(seconds: float, holds: bool) -> None:
    rows = [
        ReportRow(servers=servers, page=1, files=1, taken=Taken(processor=taken), reading=taken)
        for servers, taken in ((100, 1.0), (300, 2.0), (1000, seconds))
    ]
    assert [held for held, _text in limits.fleet_checks(rows)] == [holds, True]
    assert limits.fleet_checks(rows[1:]) == []


@pytest.mark.parametrize("more", [0.0, 0.1])
def test_a_report_that_takes_too_much_beside_the_reading_of_its_results_is_told(more: float) -> None:
    ratio = limits.REPORT_TO_READING + more
    rows = [
        ReportRow(servers=servers, page=1, files=1, taken=Taken(processor=reading * ratio), reading=reading)
        for servers, reading in ((100, 1.0), (1000, 7.0))
    ]
    assert [held for held, _text in limits.fleet_checks(rows)] == [True, not more]


@pytest.mark.parametrize(("role", "release"), budgets.ROLES_CONVERGED)
def test_a_role_costs_as_many_requests_as_its_budget_says(role: str, release: str) -> None:
    assert len(role_conversation(KINDS[role].on(release))) == budgets.ROLES_CONVERGED[role, release]


@pytest.mark.parametrize(("role", "release"), budgets.ROLES_FIRST)
def test_a_first_run_costs_as_many_requests_as_its_budget_says(role: str, release: str) -> None:
    run = first_role_run(KINDS[role].on(release))
    assert run.result["changed"], run.message
    assert run.count == budgets.ROLES_FIRST[role, release]


@pytest.mark.parametrize("release", budgets.EXCHANGE_FIRST_RESTARTED)
def test_a_first_run_with_restarts_costs_as_many_requests_as_its_budget_says(release: str) -> None:
    kind = KINDS["exchange_rpc_ports"].on(release)
    run = first_role_run(
        dataclasses.replace(kind, variables={**kind.variables, "exchange_rpc_ports_restart_services": True})
    )
    assert "restarted MSExchangeAB, MSExchangeRPC" in run.message
    assert run.count == budgets.EXCHANGE_FIRST_RESTARTED[release]


POOL_VALUES: t.Final = {budgets.POOL_FIRST: {"dns_pool_exclusions": ["3343-3343"]}, budgets.POOL_FIRST_ABSENT: {}}


@pytest.mark.parametrize(("limit", "value"), POOL_VALUES.items(), ids=["value-there", "value-absent"])
def test_a_changed_pool_without_its_restart_costs_as_many_requests_as_its_budget_says(
    limit: int, value: dict[str, t.Any]
) -> None:
    server = {"release": "2022", "roles": ["dns"], "broken": False, **value}
    step = Step(module="dns_socket_pool", options={"excluded_ports": ["50389", "50636"]})
    (run,) = CaseRunner(HostCase(id="pool", server=server, steps=(step,))).results()
    assert run.result["restart_required"], run.message
    assert run.count == limit


def test_every_measured_role_has_a_budget() -> None:
    assert {(kind.role, release) for kind in KINDS.values() for release in kind.releases} == set(
        budgets.ROLES_CONVERGED
    )
    assert {role for role, _release in budgets.ROLES_FIRST} == set(KINDS)


def test_the_page_says_what_each_message_of_a_first_run_is_for() -> None:
    lines = (ROOT / "docs" / "benchmark.md").read_text(encoding="utf-8").partition("| What | registry | netsh ")[2]
    rows = [line.split("|")[2:6] for line in lines.partition("\n\n")[0].splitlines()[2:]]
    *parts, sums = ([int(cell) if cell.strip() else 0 for cell in row] for row in rows)
    assert [sum(column) for column in zip(*parts, strict=True)] == sums
    exchange = budgets.EXCHANGE_FIRST_RESTARTED["2008r2"]
    assert sums == [budgets.REGISTRY_FIRST, budgets.NETSH_FIRST, budgets.POOL_FIRST, exchange]
