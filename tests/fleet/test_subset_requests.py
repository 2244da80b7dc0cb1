# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each subset of ``port_info`` by itself: what it costs on a broken server, which is more than on a healthy one."""

from __future__ import annotations

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import run_in_process
from tests.fleet.subset_requests import ONE_PORT, RELEASES, REQUESTS, WHOLE, WITHOUT


def _options(name: str) -> Json:
    if name == ONE_PORT:
        return {"ports": ["50636"]}
    return {} if name == WITHOUT else {"gather_subset": [name], "sockets_by": "socket"}


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[TaskRun, ...]]:
    steps = tuple(Step(module="port_info", options=_options(name)) for name in REQUESTS)
    return run_in_process(
        [HostCase(id=f"broken-{key}", server={"release": key, "broken": True}, steps=steps) for key in RELEASES]
    )


@pytest.mark.parametrize("name", REQUESTS)
def test_a_subset_costs_what_the_documentation_says(results: dict[str, tuple[TaskRun, ...]], name: str) -> None:
    task_runs = [results[f"broken-{release}"][list(REQUESTS).index(name)] for release in RELEASES]
    assert [task_run.event for task_run in task_runs] == ["ok"] * len(RELEASES)
    assert all(task_run.count <= most for task_run, most in zip(task_runs, REQUESTS[name], strict=True))


def test_there_were_thousands_of_sockets(results: dict[str, tuple[TaskRun, ...]]) -> None:
    rows = [results[f"broken-{release}"][list(REQUESTS).index(WHOLE)].result["sockets"] for release in RELEASES]
    assert [len(found) > 2500 for found in rows] == [True] * len(RELEASES)
