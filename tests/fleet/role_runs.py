# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a playbook, one after another, on many servers: some by the real program, all others in this process.

The program reads the role's YAML, checks its arguments, and talks over HTTP; every role has a server of each mechanism
there. In this process a role is its one `converge` task, or what port_baseline looks at and
includes, all templated by Ansible: for the tables of releases, languages and settings.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import itertools
import typing as t

from ansible.plugins.callback import CallbackBase

from tests.fleet.engine_tasks import CONVERGE, INCLUDE, INFORM
from tests.fleet.host_cases import DEFAULTS, FleetRun, HostCase, Json, Step, TaskRun, playbook_run
from tests.fleet.in_process import CaseRunner
from tests.fleet.role_arguments import holds, playbook_roles, task_arguments, task_counts, task_part
from tests.simulator.control import RunningFleet, running_fleet

SAY: t.Final = "ansible.builtin.debug"


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs of the role one after another, and the lottery before the first and after the second of them."""

    checked: FleetRun
    first: FleetRun
    second: FleetRun
    booted: FleetRun
    undone: FleetRun
    undone_again: FleetRun
    before: c.Mapping[str, Json]
    after: c.Mapping[str, Json]

    @property
    def all(self) -> tuple[FleetRun, ...]:
        """All of them."""
        return (self.checked, self.first, self.second, self.booted, self.undone, self.undone_again)


@dataclasses.dataclass(frozen=True)
class _Program:
    """A playbook by `ansible-playbook`, over a fleet."""

    hosts_variable: str
    fleet: RunningFleet

    def run(self, playbook: str, variables: Json, *, check: bool) -> FleetRun:
        given = {f"{playbook}_serial": "100%", self.hosts_variable: "all", **variables}
        arguments = [part for name, value in given.items() for part in ("-e", f"{name}={value}")]
        arguments += ["--diff", *(["--check"] * check)]
        return playbook_run(self.fleet.control, self.fleet.inventory, f"portkeeper.windows.{playbook}", *arguments)

    def lottery(self, host: str, boots: int) -> Json:
        return self.fleet.control.host(host).lottery(boots)

    def boot(self, host: str) -> None:
        self.fleet.control.host(host).boot()

    def act(self, host: str, act: Json) -> t.Any:
        return self.fleet.control.host(host).act(**act)


class _InProcess:
    """The tasks of a playbook's roles, on servers in this process."""

    def __init__(self, hosts: c.Mapping[str, Json]) -> None:
        self._variables = {host: entry.get("vars", {}) for host, entry in hosts.items()}
        self._runners = {host: CaseRunner(HostCase(id=host, server=entry, steps=())) for host, entry in hosts.items()}

    def run(self, playbook: str, variables: Json, *, check: bool) -> FleetRun:
        task_runs = {host: tuple(self._task_runs(host, playbook, variables, check=check)) for host in self._runners}
        recap = {host: _recap(task_runs[host]) for host in task_runs}
        failed = any(task_run.event == "failed" for task_run in itertools.chain(*task_runs.values()))
        return FleetRun(
            2 if failed else 0, "".join(map(_shown, itertools.chain(*task_runs.values()))), task_runs, recap
        )

    def _task_runs(self, host: str, playbook: str, variables: Json, *, check: bool) -> c.Iterator[TaskRun]:
        """What the program would do: nothing after a task that failed."""
        for entry in playbook_roles(playbook):
            values = {**self._variables[host], **entry.get("vars", {}), **variables, "ansible_check_mode": check}
            if "when" in entry and not holds(entry["when"], values):
                continue
            role = entry["role"].rpartition(".")[2]
            tasks = _baseline_tasks if role == "port_baseline" else _role_tasks
            for task_run in tasks(self._runners[host], role, values):
                yield task_run
                if task_run.event != "ok":
                    return

    def lottery(self, host: str, boots: int) -> Json:
        return self._runners[host].lottery(boots)

    def boot(self, host: str) -> None:
        self._runners[host].boot()

    def act(self, host: str, act: Json) -> t.Any:
        return self._runners[host].act(act)


def _role_tasks(runner: CaseRunner, role: str, values: Json) -> c.Iterator[TaskRun]:
    """One `converge`."""
    arguments = task_arguments(role, CONVERGE, values)
    yield runner.run_step(Step(module="converge", options=arguments, check=values["ansible_check_mode"]))


def _baseline_tasks(runner: CaseRunner, role: str, values: Json) -> c.Iterator[TaskRun]:
    """The look, what it says, and the roles that fit if they are to be applied."""
    arguments = task_arguments(role, INFORM, values)
    seen = runner.run_step(Step(module="port_info", options=arguments, check=values["ansible_check_mode"]))
    yield seen
    known = {**values, task_part(role, INFORM, "register", values): seen.result}
    yield _said(task_arguments(role, SAY, known), seen)
    if task_counts(role, INCLUDE, known):
        given = task_part(role, INCLUDE, "vars", known)
        for fitting in task_part(role, INCLUDE, "loop", known):
            yield from _role_tasks(runner, fitting, {**values, **given})


def _said(sentence: Json, after: TaskRun) -> TaskRun:
    return TaskRun("ok", SAY, sentence, after.after, after.after, {"requests": 0, "log": []})


def _recap(task_runs: c.Sequence[TaskRun]) -> dict[str, int]:
    changed = sum(bool(task_run.result.get("changed")) for task_run in task_runs)
    return {"changed": changed, "failures": sum(task_run.event == "failed" for task_run in task_runs)}


def _shown(task_run: TaskRun) -> str:
    """The diff of a task, as Ansible prints it."""
    return str(CallbackBase()._get_diff(task_run.result["diff"])) if task_run.result.get("diff") else ""


@dataclasses.dataclass(frozen=True)
class Play:
    """Both ways at once; the names of the hosts tell which."""

    playbook: str
    ways: c.Mapping[str, _Program | _InProcess]
    """By host."""

    def run(self, variables: Json | None = None, *, check: bool = False, playbook: str = "") -> FleetRun:
        """Run the playbook, or another one, on all hosts, with these variables besides their own."""
        name = playbook or self.playbook
        runs = [way.run(name, variables or {}, check=check) for way in dict.fromkeys(self.ways.values())]
        return FleetRun(
            max(run.exit_code for run in runs),
            "".join(run.output for run in runs),
            {host: task_runs for run in runs for host, task_runs in run.task_runs.items()},
            {host: counts for run in runs for host, counts in run.recap.items()},
        )

    def lottery(self, boots: c.Mapping[str, int]) -> dict[str, Json]:
        """Boot twins of these hosts, that many of each."""
        return {host: self.ways[host].lottery(host, number) for host, number in boots.items()}

    def boot(self, hosts: c.Iterable[str]) -> None:
        """Boot these hosts at once."""
        for host in hosts:
            self.ways[host].boot(host)

    def act(self, host: str, **act: t.Any) -> t.Any:
        """Do what others do to a server, see tests.simulator.windows.acts."""
        return self.ways[host].act(host, act)


@contextlib.contextmanager
def played(role: str, hosts: c.Mapping[str, Json], *, by_program: c.Collection[str], playbook: str) -> c.Iterator[Play]:
    """Give the servers, and a fleet for those of them that the program treats; ValueError for an unknown name."""
    if unknown := set(by_program) - set(hosts):
        raise ValueError(f"no such servers: {', '.join(sorted(unknown))}")
    real = {host: entry for host, entry in hosts.items() if host in by_program}
    in_process = _InProcess({host: entry for host, entry in hosts.items() if host not in by_program})
    if not real:
        yield Play(playbook, dict.fromkeys(hosts, in_process))
        return
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": real}) as fleet:
        program = _Program(f"{role}_hosts", fleet)
        yield Play(playbook, {host: program if host in real else in_process for host in hosts})
