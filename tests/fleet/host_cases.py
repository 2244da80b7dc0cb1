# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases: what is asked of a simulated server in which order, by one run of the real `ansible-playbook`.

A table of cases needs one program only: each case has a server of its own, named after the case, and the steps at
the same position are one task for all servers.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import os
import pathlib
import tempfile
import typing as t

import yaml

from ansible_collections.portkeeper.windows.plugins.plugin_utils._connection import CLEAR_TEXT
from tests.fleet.snapshot import Snapshot
from tests.simulator.control import ControlClient, running_fleet
from tests.tooling.ansible_programs import run_ansible
from tests.tooling.sources import ROOT

HERE: t.Final = pathlib.Path(__file__).parent
COLLECTION: t.Final = "portkeeper.windows"
FORKS: t.Final = "12"

Json: t.TypeAlias = c.Mapping[str, t.Any]
Event: t.TypeAlias = t.Literal["ok", "failed", "unreachable"]

DEFAULTS: t.Final[Json] = {"time_scale": 0.005, "wire": {"transport": "basic"}}
"""Of every server: Basic costs fewest messages, and nothing takes longer than it must."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One task; ``acts`` is what others do to the server before it."""

    module: str
    options: Json
    check: bool = False
    acts: tuple[Json, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class HostCase:
    """A server, and what is asked of it; ``variables`` are those of the host in the inventory."""

    id: str
    server: Json
    steps: tuple[Step, ...]
    variables: Json = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.id


@dataclasses.dataclass(frozen=True)
class TaskRun:
    """What one task did: its result, and the server before and after it."""

    event: Event
    task: str
    result: Json
    before: Snapshot
    after: Snapshot
    requests: Json

    @property
    def message(self) -> str:
        """Its sentence."""
        return str(self.result.get("msg", ""))

    @property
    def warnings(self) -> str:
        """All its warnings as one text."""
        return "\n".join(self.result.get("warnings", ()))

    @property
    def count(self) -> int:
        """HTTP requests."""
        return int(self.requests["requests"])


@dataclasses.dataclass(frozen=True)
class FleetRun:
    """A run that is over; ``task_runs`` by host, in order, without those of ``fleet_acts``."""

    exit_code: int
    output: str
    task_runs: c.Mapping[str, tuple[TaskRun, ...]]
    recap: c.Mapping[str, c.Mapping[str, int]]


def three_runs(
    module: str, options: Json, *, undo: Json | None = None, acts: tuple[Json, ...] = ()
) -> tuple[Step, ...]:
    """Check mode, the run, the run again, and the undo if there is one."""
    steps = [
        Step(module=module, options=options, check=True, acts=acts),
        Step(module=module, options=options),
        Step(module=module, options=options),
    ]
    return (*steps, *([Step(module=module, options=undo)] if undo is not None else []))


def run_cases(cases: c.Sequence[HostCase]) -> dict[str, tuple[TaskRun, ...]]:
    """Start a fleet with a server per case, run all of them, and give what happened by case."""
    hosts = {case.id: {**case.server, "vars": _variables(case)} for case in cases}
    if len(hosts) != len(cases):
        raise ValueError("two cases have the same id")
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        fleet_run = _played(fleet.control, fleet.inventory, _plays(cases))
    unfinished = [case.id for case in cases if len(fleet_run.task_runs.get(case.id, ())) != len(case.steps)]
    if unfinished:
        raise AssertionError(f"not run to the end: {', '.join(unfinished)}\n{fleet_run.output}")
    return dict(fleet_run.task_runs)


def play(
    control: ControlClient,
    inventory: pathlib.Path,
    tasks: c.Sequence[Json],
    *arguments: str,
    settings: c.Mapping[str, str] | None = None,
) -> FleetRun:
    """Run these tasks on all hosts of an inventory."""
    return _played(control, inventory, [_play("all", tasks)], *arguments, settings=settings)


def _played(
    control: ControlClient,
    inventory: pathlib.Path,
    plays: c.Sequence[Json],
    *arguments: str,
    settings: c.Mapping[str, str] | None = None,
) -> FleetRun:
    with tempfile.TemporaryDirectory(prefix="portkeeper-play-") as directory:
        playbook = pathlib.Path(directory) / "playbook.yml"
        playbook.write_text(yaml.safe_dump(list(plays), sort_keys=False, width=1000), encoding="utf-8")
        return playbook_run(control, inventory, str(playbook), *arguments, settings=settings)


def _play(hosts: str, tasks: c.Sequence[Json]) -> Json:
    return {"name": "Story", "hosts": hosts, "gather_facts": False, "tasks": list(tasks)}


def playbook_run(
    control: ControlClient,
    inventory: pathlib.Path,
    playbook: str,
    *arguments: str,
    settings: c.Mapping[str, str] | None = None,
) -> FleetRun:
    """Run a playbook, by its path or by its full name, with the servers' states recorded."""
    command = ["ansible-playbook", "-i", str(inventory), playbook, *arguments]
    return recorded_run(control, command, settings=settings)


def recorded_run(
    control: ControlClient, command: c.Sequence[str], *, settings: c.Mapping[str, str] | None = None
) -> FleetRun:
    """Run one of Ansible's programs, with the servers' states recorded."""
    run = run_ansible(command, settings={**_settings(control), **(settings or {})})
    return FleetRun(run.exit_code, run.output, _task_runs(run.record), run.recap)


def _settings(control: ControlClient) -> dict[str, str]:
    return {
        "FLEET_CONTROL": control.url,
        "ANSIBLE_ACTION_PLUGINS": f"{ROOT / 'plugins' / 'action'}{os.pathsep}{HERE / 'action'}",
        "ANSIBLE_FORKS": FORKS,
        "ANSIBLE_NOCOLOR": "true",
    }


def _result(result: Json) -> Json:
    """Less the warning about Basic over http, which most of these servers deserve; test_line.py is about it."""
    if "warnings" not in result:
        return result
    return {**result, "warnings": [warning for warning in result["warnings"] if warning not in CLEAR_TEXT.values()]}


def _task_runs(lines: c.Sequence[dict[str, t.Any]]) -> dict[str, tuple[TaskRun, ...]]:
    last: dict[str, Snapshot] = {}
    task_runs: dict[str, list[TaskRun]] = {}
    for line in lines:
        if "state" not in line:
            continue
        before, after = last.get(line["host"]), Snapshot(line["state"])
        last[line["host"]] = after
        if line["event"] == "start" or line["task"].endswith(" fleet_acts") or before is None:
            continue
        event: Event = "failed" if line["status"] == "ignored" else line["status"]
        task_run = TaskRun(event, line["task"], _result(line["result"]), before, after, line["requests"])
        task_runs.setdefault(line["host"], []).append(task_run)
    return {host: tuple(items) for host, items in task_runs.items()}


def _variables(case: HostCase) -> dict[str, t.Any]:
    steps = [dataclasses.asdict(step) | {"acts": [dict(act) for act in step.acts]} for step in case.steps]
    return {**case.variables, "steps": steps}


def _plays(cases: c.Sequence[HostCase]) -> list[Json]:
    """A play for each module of each row, with those hosts alone: Ansible starts a process to skip a task, too."""
    return [play for position in range(max(len(case.steps) for case in cases)) for play in _row(position, cases)]


def _row(position: int, cases: c.Sequence[HostCase]) -> c.Iterator[Json]:
    steps = {case.id: case.steps[position] for case in cases if len(case.steps) > position}
    if acting := [host for host, step in steps.items() if step.acts]:
        yield _play(",".join(acting), [_acts_task(position)])
    for module in sorted({step.module for step in steps.values()}):
        asked = {host: step for host, step in steps.items() if step.module == module}
        yield _play(",".join(asked), [_module_task(position, module, asked.values())])


def _acts_task(position: int) -> Json:
    return {"name": f"{position} fleet_acts", "fleet_acts": {"acts": f"{{{{ steps[{position}].acts }}}}"}}


def _module_task(position: int, module: str, steps: c.Iterable[Step]) -> Json:
    options = sorted({name for step in steps for name in step.options})
    return {
        "name": f"{position} {module}",
        f"{COLLECTION}.{module}": {
            name: f"{{{{ steps[{position}].options['{name}'] | default(omit) }}}}" for name in options
        },
        "check_mode": f"{{{{ steps[{position}].check }}}}",
        "diff": True,
        "ignore_errors": True,
        "ignore_unreachable": True,
    }
