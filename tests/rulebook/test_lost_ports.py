# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real ansible-rulebook with the rulebook of this collection, against simulated servers: `make rulebook`.

RULEBOOK_PROGRAMS names the folder with the programs; without it the tests are left out.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import os
import pathlib
import subprocess
import time
import typing as t

import pytest
import yaml

from tests.fleet.host_cases import DEFAULTS, Json
from tests.fleet.snapshot import Snapshot
from tests.simulator.child_process import child_process
from tests.simulator.control import HostControl, RunningFleet, running_fleet
from tests.simulator.fleet import DEFAULT_USER
from tests.tooling.sources import ROOT

PROGRAMS: t.Final = os.environ.get("RULEBOOK_PROGRAMS")
pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="ansible-rulebook is not here: make rulebook brings it")

LONGEST: t.Final = 300.0
"""Seconds for anything that is waited for: only a hanging program takes them."""
ROUND: t.Final = 3
"""Seconds from one round of the source to the next."""
HOSTS: t.Final[dict[str, Json]] = {
    "allowed": {"release": "2003", "roles": ["sbs2003"], "broken": True, "vars": {"lost_ports_fix": True}},
    "looked": {"release": "2022", "roles": ["exchange_edge", "dns"], "broken": True, "wire": {"transport": "ntlm"}},
    "well": {"release": "2019", "roles": ["exchange_edge", "dns"], "broken": False},
}
GONE: t.Final[Json] = {"ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_user": "x", "ansible_password": "y"}


@dataclasses.dataclass
class Program:
    """ansible-rulebook at work."""

    log: pathlib.Path
    process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        """All that it has said."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def events(self) -> int:
        """How many events the rules have taken."""
        return self.output.count("[received event]")

    def runs(self, host: str) -> list[str]:
        """Each run of the playbook for this host that is over."""
        runs = self.output.split("PLAY [Say what is wrong]")[1:]
        return [run for run in runs if "PLAY RECAP" in run and f"\n{host} " in run.partition("PLAY RECAP")[2]]

    def wait_until(self, happened: c.Callable[[], bool], what: str) -> None:
        """Wait for it, and fail if the program ends first."""
        deadline = time.monotonic() + LONGEST
        while not happened():
            assert self.process.poll() is None, f"ansible-rulebook has ended\n{self.output}"
            assert time.monotonic() < deadline, f"not within {LONGEST:.0f} seconds: {what}\n{self.output}"
            time.sleep(0.2)


@dataclasses.dataclass(frozen=True)
class Desk:
    """A fleet, and the folder with the files of whoever watches it."""

    fleet: RunningFleet
    folder: pathlib.Path

    def host(self, name: str) -> HostControl:
        """One server."""
        return self.fleet.control.host(name)

    @contextlib.contextmanager
    def program(self, name: str) -> c.Iterator[Program]:
        """The program, ended with the context as a service manager ends it."""
        log = self.folder / f"{name}.log"
        with child_process(self._command(), log=log, environment=self._environment()) as process:
            yield Program(log, process)

    def _command(self) -> list[str]:
        program = ["ansible-rulebook", "--rulebook", "portkeeper.windows.lost_ports", "--print-events"]
        return ["env", *program, "--inventory", str(self.fleet.inventory), "--vars", str(self._variables())]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
        return kept | {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
            "ANSIBLE_HOME": str(self.folder),
            "ANSIBLE_NOCOLOR": "true",
            "PYTHONUNBUFFERED": "1",
        }

    def _variables(self) -> pathlib.Path:
        group = yaml.safe_load(self.fleet.inventory.read_text(encoding="utf-8"))["all"]
        variables = {
            "lost_ports_servers": {**group["hosts"], "gone": dict(GONE)},
            "lost_ports_variables": group["vars"],
            "lost_ports_interval": ROUND,
            "lost_ports_first_look": "boot",
            "lost_ports_state_file": str(self.folder / "state.json"),
        }
        path = self.folder / "variables.yml"
        path.write_text(yaml.safe_dump(variables), encoding="utf-8")
        return path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> c.Iterator[Desk]:
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": HOSTS}) as fleet:
        yield Desk(fleet, tmp_path_factory.mktemp("desk"))


def settings(host: HostControl) -> Json:
    """What a server is set to: its registry and reservations."""
    state = host.state()
    return {name: state[name] for name in ("registry", "exclusions")}


def test_a_lost_port_is_looked_at_and_fixed_only_where_that_is_allowed(desk: Desk) -> None:
    before = settings(desk.host("looked"))
    with desk.program("first") as program:
        program.wait_until(lambda: bool(program.runs("allowed") and program.runs("looked")), "a run for each server")
        output = program.output
    [allowed], [looked] = program.runs("allowed"), program.runs("looked")
    for run in (allowed, looked):
        assert "is down" in run.partition("Say what the roles would change")[0]
        assert "Would change" in run
    changes = [run.partition("PLAY [Change it if that is allowed]")[2] for run in (allowed, looked)]
    assert ["changed: [" in change for change in changes] == [True, False]
    fixed = Snapshot(desk.host("allowed").state())
    assert fixed.runs("IAS")
    assert "1812-1813" in (fixed.reserved or [])
    assert settings(desk.host("looked")) == before
    assert output.count("Connection refused") == 1, "gone is told once and stops nothing"
    assert [secret for secret in (DEFAULT_USER["password"],) if secret in output] == []


def test_a_source_that_is_started_again_repeats_nothing_and_misses_nothing(desk: Desk) -> None:
    with desk.program("again") as program:
        program.wait_until(lambda: "Connection refused" in program.output, "the first round")
        asked = desk.host("well").requests()["messages"]
        program.wait_until(lambda: desk.host("well").requests()["messages"] > asked + 6, "two rounds more")
        assert program.events == 0, program.output
    desk.host("looked").act(do="start_service", service="ADAM_MSExchange")
    with desk.program("later") as program:
        program.wait_until(lambda: bool(program.runs("looked")), "the run for what came meanwhile")
        assert program.events == 1


def test_the_same_loss_again_is_an_event_but_no_other_run(desk: Desk) -> None:
    with desk.program("storm") as program:
        program.wait_until(lambda: "Connection refused" in program.output, "the first round")
        for count in (1, 2, 3):
            desk.host("looked").act(do="start_service", service="ADAM_MSExchange")
            program.wait_until(lambda count=count: program.events == count, f"event {count}")  # type: ignore[misc]
        program.wait_until(lambda: bool(program.runs("looked")), "the run")
        asked = desk.host("well").requests()["messages"]
        program.wait_until(lambda: desk.host("well").requests()["messages"] > asked + 6, "two rounds more")
        assert len(program.runs("looked")) == 1
