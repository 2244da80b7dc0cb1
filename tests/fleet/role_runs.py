# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a role, one after another, on many servers: some by the real program, all others in this process.

The program reads the role's YAML, checks its arguments, and talks over HTTP; every role has a server of each mechanism
there. In this process a role is its one `converge` task and the sentence at its end, both templated by Ansible: for the
tables of releases, languages and settings.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import itertools
import typing as t

from ansible.plugins.callback import CallbackBase

from tests.fleet.errands import CONVERGE
from tests.fleet.in_process import Stage
from tests.fleet.role_arguments import task_arguments, task_part
from tests.fleet.stories import DEFAULTS, FleetRun, HostCase, Json, Step, TaskRun, playbook_run
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
    """The role's playbook by `ansible-playbook`, over a fleet."""

    role: str
    playbook: str
    fleet: RunningFleet

    def run(self, variables: Json, *, check: bool) -> FleetRun:
        given = {f"{self.playbook}_serial": "100%", f"{self.role}_hosts": "all", **variables}
        arguments = [part for name, value in given.items() for part in ("-e", f"{name}={value}")]
        arguments += ["--diff", *(["--check"] * check)]
        return playbook_run(self.fleet.control, self.fleet.inventory, f"portkeeper.windows.{self.playbook}", *arguments)

    def lottery(self, host: str, boots: int) -> Json:
        return self.fleet.control.host(host).lottery(boots)

    def boot(self, host: str) -> None:
        self.fleet.control.host(host).boot()


class _InProcess:
    """The role's task and its sentence, on servers in this process."""

    def __init__(self, role: str, hosts: c.Mapping[str, Json]) -> None:
        self._role = role
        self._variables = {host: entry.get("vars", {}) for host, entry in hosts.items()}
        self._stages = {host: Stage(HostCase(id=host, server=entry, steps=())) for host, entry in hosts.items()}

    def run(self, variables: Json, *, check: bool) -> FleetRun:
        beats = {host: self._beats(host, variables, check=check) for host in self._stages}
        recap = {host: {"changed": sum(bool(beat.result.get("changed")) for beat in beats[host])} for host in beats}
        failed = any(beat.event == "failed" for beat in itertools.chain(*beats.values()))
        return FleetRun(2 if failed else 0, "".join(map(_shown, itertools.chain(*beats.values()))), beats, recap)

    def _beats(self, host: str, variables: Json, *, check: bool) -> tuple[TaskRun, ...]:
        """What the program would do: no sentence at the end if the task failed."""
        values = {**self._variables[host], **variables, "ansible_check_mode": check}
        arguments = task_arguments(self._role, CONVERGE, values)
        done = self._stages[host].beat(Step(module="converge", options=arguments, check=check))
        if done.event != "ok":
            return (done,)
        register = task_part(self._role, CONVERGE, "register", values)
        said = task_arguments(self._role, SAY, {**values, register: done.result})
        return (done, TaskRun("ok", SAY, said, done.after, done.after, {"requests": 0, "log": []}))

    def lottery(self, host: str, boots: int) -> Json:
        return self._stages[host].lottery(boots)

    def boot(self, host: str) -> None:
        self._stages[host].boot()


def _shown(beat: TaskRun) -> str:
    """The diff of a task, as Ansible prints it."""
    return str(CallbackBase()._get_diff(beat.result["diff"])) if beat.result.get("diff") else ""


@dataclasses.dataclass(frozen=True)
class Play:
    """Both ways at once; the names of the hosts tell which."""

    ways: c.Mapping[str, _Program | _InProcess]
    """By host."""

    def run(self, variables: Json | None = None, *, check: bool = False) -> FleetRun:
        """Run the role on all hosts, with these variables besides their own."""
        runs = [way.run(variables or {}, check=check) for way in dict.fromkeys(self.ways.values())]
        return FleetRun(
            max(run.exit_code for run in runs),
            "".join(run.output for run in runs),
            {host: beats for run in runs for host, beats in run.beats.items()},
            {host: counts for run in runs for host, counts in run.recap.items()},
        )

    def lottery(self, boots: c.Mapping[str, int]) -> dict[str, Json]:
        """Boot twins of these hosts, that many of each."""
        return {host: self.ways[host].lottery(host, number) for host, number in boots.items()}

    def boot(self, hosts: c.Iterable[str]) -> None:
        """Boot these hosts at once."""
        for host in hosts:
            self.ways[host].boot(host)


@contextlib.contextmanager
def played(role: str, hosts: c.Mapping[str, Json], *, by_program: c.Collection[str], playbook: str) -> c.Iterator[Play]:
    """Give the servers, and a fleet for those of them that the program treats; ValueError for an unknown name."""
    if unknown := set(by_program) - set(hosts):
        raise ValueError(f"no such servers: {', '.join(sorted(unknown))}")
    real = {host: entry for host, entry in hosts.items() if host in by_program}
    here = {host: entry for host, entry in hosts.items() if host not in by_program}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": real}) as fleet:
        program, in_process = _Program(role, playbook, fleet), _InProcess(role, here)
        yield Play({host: program if host in real else in_process for host in hosts})
