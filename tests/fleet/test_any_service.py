# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook of docs/any-service.md, as it stands there: a service that no catalogue knows keeps its port."""

from __future__ import annotations

import collections.abc as c
import pathlib
import re
import typing as t

import pytest

from tests.fleet.host_cases import DEFAULTS, FleetRun, Json, TaskRun, playbook_run
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.sources import ROOT

PAGE: t.Final = ROOT / "docs/any-service.md"
SERVICE: t.Final = "HomeMade"
PORT: t.Final = 55000
_KEY: t.Final = rf"SYSTEM\CurrentControlSet\Services\{SERVICE}"
_VALUES: t.Final = (
    ("", "Type", "DWORD", 16),
    ("", "Start", "DWORD", 2),
    ("", "ErrorControl", "DWORD", 1),
    ("", "ImagePath", "EXPAND_SZ", r"C:\home\made.exe"),
    ("", "DisplayName", "SZ", "Home Made"),
    ("", "ObjectName", "SZ", "LocalSystem"),
    (r"\Parameters", "Simulated UDP ports", "MULTI_SZ", [f"{PORT}-{PORT}"]),
)
INSTALLED: t.Final[Json] = {
    "roles": ["dns"],
    "broken": SERVICE,
    "registry": [{"path": _KEY + key, "name": name, "type": kind, "data": data} for key, name, kind, data in _VALUES],
    "groups": ["own_service"],
}
"""A server on which the DNS server's pool took the port at the last boot."""
HOSTS: t.Final[dict[str, Json]] = {
    "own2003": {**INSTALLED, "release": "2003"},
    "own2008": {**INSTALLED, "release": "2008"},
    "own2022": {**INSTALLED, "release": "2022"},
    "other2022": {"release": "2022", "roles": ["dns"], "groups": ["own_service"]},
}
SERVERS: t.Final = tuple(HOSTS)[:-1]


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as running:
        yield running


@pytest.fixture(scope="module")
def runs(fleet: RunningFleet, tmp_path_factory: pytest.TempPathFactory) -> list[FleetRun]:
    """The run, the run again, and the undo."""
    playbook = tmp_path_factory.mktemp("recipe") / "own_service.yml"
    playbook.write_text(_recipe(PAGE), encoding="utf-8")
    undo = ("-e", "own_state=absent")
    return [playbook_run(fleet.control, fleet.inventory, str(playbook), *more) for more in ((), (), undo)]


def _recipe(page: pathlib.Path) -> str:
    (block,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return str(block)


def _converged(run: FleetRun, host: str) -> TaskRun:
    return run.task_runs[host][0]


@pytest.mark.parametrize("host", SERVERS)
def test_the_service_runs_and_its_port_is_kept(runs: list[FleetRun], host: str) -> None:
    task_run = _converged(runs[0], host)
    assert task_run.event == "ok", runs[0].output
    assert task_run.before.holders("udp", PORT) == {"DNS"}
    assert not task_run.before.runs(SERVICE)
    assert task_run.after.holders("udp", PORT) == {SERVICE}
    assert task_run.after.runs(SERVICE, "DNS")
    kept = {
        "own2003": task_run.after.reserved == [f"{PORT}-{PORT}"],
        "own2008": task_run.after.start_mode("DNS") == "delayed",
        "own2022": (task_run.after.pool_exclusions, task_run.after.excluded("udp"))
        == ([f"{PORT}-{PORT}"], [f"{PORT}-{PORT}"]),
    }
    assert kept[host]


@pytest.mark.parametrize("host", SERVERS)
def test_a_second_run_changes_nothing_and_the_undo_takes_all_back(runs: list[FleetRun], host: str) -> None:
    first, again, undone = (_converged(run, host) for run in runs)
    assert (again.event, again.result["changed"]) == ("ok", False)
    assert (undone.event, undone.result["changed"]) == ("ok", True)
    for name in ("registry", "exclusions"):
        assert undone.after.data[name] == first.before.data[name]


def test_a_server_without_the_service_is_left_alone(runs: list[FleetRun]) -> None:
    task_run = _converged(runs[0], "other2022")
    assert (task_run.event, task_run.result["changed"], task_run.result["applicable"]) == ("ok", False, False)
