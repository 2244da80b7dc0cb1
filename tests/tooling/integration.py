# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the integration targets by ansible-test: `python -m tests.tooling.integration COPY HOME [TARGET ...]`.

COPY is a copy of the repository where ansible-test wants it, HOME a home directory for ansible-test. The servers are
those of `--inventory`, or else simulated ones of tests/integration/fleet.yml. With the simulated ones more is checked:
that a target leaves out only the servers whose entry in the scenario says so, and that after all targets each server
is as it was, by its own account and not by ours.
"""

from __future__ import annotations

import argparse
import collections.abc as c
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import typing as t

import yaml

from tests.fleet.snapshot import Snapshot
from tests.simulator.control import RunningFleet, running_fleet
from tests.tooling.integration_output import Outcome, read_output
from tests.tooling.sources import ROOT
from tests.tooling.stop_signals import interruptible

FOLDER: t.Final = ROOT / "tests" / "integration"
LEFT_OUT: t.Final = "integration_left_out"
"""The variable of a simulated server that names the targets that leave it out."""
SHOWN: t.Final = 200
"""Characters of a value that differs: a whole file would hide the other differences."""
ONLY_CHANGED_BY_BOOTS: t.Final = frozenset({"state", "exit_code", "pid"})


@dataclasses.dataclass(frozen=True)
class Call:
    """One call of ansible-test: in which copy, with which home, for which targets; where its words go."""

    copy: pathlib.Path
    home: pathlib.Path
    arguments: tuple[str, ...]
    log: pathlib.Path | None

    def run(self, inventory: pathlib.Path) -> tuple[int, str]:
        """Give exit code and output. The output is shown as it comes, or kept in the log."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        command = ["ansible-test", "windows-integration", "--color", "no", "--python", version]
        command += ["--inventory", str(inventory.resolve()), "--continue-on-error", *self.arguments]
        environment = {**os.environ, "HOME": str(self.home.resolve())}
        lines: list[str] = []
        with contextlib.ExitStack() as stack:
            shown = stack.enter_context(self.log.open("w", encoding="utf-8")) if self.log else sys.stdout
            process = stack.enter_context(
                subprocess.Popen(
                    command, cwd=self.copy, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
                )
            )
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                print(line, end="", flush=True, file=shown)
        return process.returncode, "".join(lines)


def scenario(group: str | None) -> dict[str, t.Any]:
    """The simulated servers, or those of one group."""
    whole = yaml.safe_load((FOLDER / "fleet.yml").read_text(encoding="utf-8"))
    hosts = {name: host for name, host in whole["hosts"].items() if group is None or group in host.get("groups", ())}
    return {**whole, "hosts": hosts}


def inventory_text(template: str, hosts: c.Mapping[str, c.Mapping[str, t.Any]]) -> str:
    """The inventory of a fleet in the form that ansible-test takes, which is INI."""
    lines = []
    for name, variables in hosts.items():
        given = {key: value for key, value in variables.items() if key != LEFT_OUT}
        lines.append(" ".join([name, *(f"{key}={json.dumps(value)}" for key, value in given.items())]))
    return template.replace("@HOSTS", "\n".join(lines))


def settled(state: c.Mapping[str, t.Any], *, booted: bool) -> dict[str, t.Any]:
    """What must be in the end as it was, of a simulated server; who wins a boot's draw is not among it."""
    snapshot = Snapshot(state)
    passing = ONLY_CHANGED_BY_BOOTS if booted else {"exit_code", "pid"}
    services = {
        name: {key: value for key, value in service.items() if key not in passing}
        for name, service in state["services"].items()
    }
    registry = state["registry"]
    return {**snapshot.configuration, "registry": registry, "files": state["files"], "services": services}


def differences(before: t.Any, after: t.Any, path: str = "") -> list[str]:
    """The places where two values differ, each in a line."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted(set(before) | set(after))
        parts = (differences(before.get(name), after.get(name), f"{path}/{name}") for name in names)
        return [line for part in parts for line in part]
    return [] if before == after else [f"{path}: {before!r:.{SHOWN}} before, {after!r:.{SHOWN}} now"]


def not_as_before(fleet: RunningFleet, before: c.Mapping[str, c.Mapping[str, t.Any]]) -> list[str]:
    """What the targets left behind, by the servers' own account."""
    problems = []
    for name, old in before.items():
        new = fleet.control.host(name).state()
        booted = new["boot"]["id"] != old["boot"]["id"]
        found = differences(settled(old, booted=booted), settled(new, booted=booted))
        problems += [f"{name} is not as it was: {line}" for line in found]
    return problems


def wrongly_left_out(outcomes: c.Sequence[Outcome], allowed: c.Mapping[str, c.Collection[str]]) -> list[str]:
    """Servers that a target left out or did not, other than the scenario says."""
    problems = []
    for outcome in outcomes:
        for name in outcome.hosts:
            expected = outcome.target in allowed[name]
            if expected and name not in outcome.left_out:
                problems.append(f"{outcome.target} ran on {name}, and the scenario says that it leaves it out")
            if not expected and name in outcome.left_out:
                problems.append(f"{outcome.target} left out {name}: {outcome.left_out[name]}")
    return problems


def on_fleet(call: Call, group: str | None) -> tuple[list[Outcome], list[str]]:
    """Run on simulated servers."""
    given = scenario(group)
    with running_fleet(given) as fleet:
        hosts = yaml.safe_load(fleet.inventory.read_text(encoding="utf-8"))["all"]["hosts"]
        template = (FOLDER / "inventory.fleet.template").read_text(encoding="utf-8")
        inventory = fleet.directory / "inventory.winrm"
        inventory.write_text(inventory_text(template, hosts), encoding="utf-8")
        before = {name: fleet.control.host(name).state() for name in hosts}
        exit_code, output = call.run(inventory)
        outcomes = read_output(output)
        if fleet.process.poll() is not None:
            return outcomes, ["The simulated servers ended before the targets: something else stopped them."]
        allowed = {name: variables.get(LEFT_OUT, ()) for name, variables in hosts.items()}
        problems = [*wrongly_left_out(outcomes, allowed), *not_as_before(fleet, before)]
    return outcomes, [*failures(exit_code, output), *problems]


def on_inventory(call: Call, inventory: pathlib.Path) -> tuple[list[Outcome], list[str]]:
    """Run on the servers of an inventory."""
    exit_code, output = call.run(inventory)
    return read_output(output), failures(exit_code, output)


def failures(exit_code: int, output: str) -> list[str]:
    """What ansible-test itself says; with its last words where it never began a target."""
    if not exit_code:
        return []
    failed = [
        f"{outcome.target} failed on {', '.join(outcome.failed) or 'the controller'}"
        for outcome in read_output(output)
        if not outcome.passed
    ]
    return failed or [f"ansible-test failed with exit code {exit_code}:\n{output[-2000:]}"]


def summary(outcomes: c.Sequence[Outcome]) -> c.Iterator[str]:
    """A line for each target, and one for each server that it left out."""
    width = max((len(outcome.target) for outcome in outcomes), default=0)
    for outcome in outcomes:
        good = [name for name in outcome.hosts if name not in {*outcome.left_out, *outcome.failed}]
        words = [f"passed on {', '.join(good)}"] if good else []
        if not outcome.passed:
            words.append(f"FAILED on {', '.join(outcome.failed) or 'the controller'}")
        yield f"{outcome.target:{width}}  {'; '.join(words) or 'left out all servers'}"
        for name, reason in outcome.left_out.items():
            yield f"{'':{width}}  left out {name}: {reason}"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m tests.tooling.integration", allow_abbrev=False)
    made.add_argument("copy", type=pathlib.Path, help="the repository's copy for ansible-test")
    made.add_argument("home", type=pathlib.Path, help="home directory of ansible-test")
    made.add_argument("--inventory", type=pathlib.Path, help="real servers; without it simulated ones")
    made.add_argument("--group", help="only the simulated servers of this group of the scenario")
    made.add_argument("--log", type=pathlib.Path, help="keep ansible-test's output here instead of showing it")
    return made


def main() -> None:
    """Print the summary and each problem; the exit code says whether there was one."""
    options, arguments = parser().parse_known_args()
    call = Call(options.copy, options.home, tuple(arguments), options.log)
    with contextlib.ExitStack() as stack:
        stack.enter_context(interruptible())
        outcomes, problems = (
            on_inventory(call, options.inventory) if options.inventory else on_fleet(call, options.group)
        )
    print("\n".join(summary(outcomes)))
    if problems and options.log:
        problems.append(f"The whole output: {options.log}")
    print("\n".join(problems), file=sys.stderr)
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
