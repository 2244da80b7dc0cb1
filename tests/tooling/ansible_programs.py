# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the real `ansible` and `ansible-playbook` from the checkout, and their results, by the recorder callback."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

from tests.tooling.sources import ROOT

CALLBACKS: t.Final = ROOT / "tests" / "tooling" / "callbacks"
GOODBYE_SECONDS: t.Final = 5.0
WATCH_SECONDS: t.Final = 0.5

Status: t.TypeAlias = t.Literal["ok", "ignored", "failed", "unreachable", "skipped"]


class AnsibleFailure(RuntimeError):
    """A run that failed or had another result than needed; the message has the program's output."""


@dataclasses.dataclass(frozen=True, slots=True)
class TaskResult:
    """The result of one task on one host; ``seconds`` as the controller saw it."""

    host: str
    task: str
    action: str
    status: Status
    seconds: float
    result: t.Mapping[str, t.Any]

    def is_of(self, action: str) -> bool:
        """True if a module of this short name gave the result, and was not skipped."""
        return self.status != "skipped" and self.action.rpartition(".")[2] == action


Watcher: t.TypeAlias = c.Callable[[TaskResult], None]


@dataclasses.dataclass(frozen=True, slots=True)
class AnsibleRun:
    """A run that is over. ``recap`` holds Ansible's counts (ok, changed, failures, unreachable ...) by host.

    ``record`` has the lines that the callback wrote; with FLEET_CONTROL in the settings it has the servers' states.
    """

    exit_code: int
    seconds: float
    output: str
    results: tuple[TaskResult, ...]
    recap: t.Mapping[str, t.Mapping[str, int]]
    record: tuple[dict[str, t.Any], ...] = ()

    def of(self, action: str) -> tuple[TaskResult, ...]:
        """The results of one module, by its short name, in the order in which they came; skipped ones left out."""
        return tuple(item for item in self.results if item.is_of(action))

    def total(self, count: str) -> int:
        """One of the recap's counts, over all hosts."""
        return sum(counts[count] for counts in self.recap.values())

    def checked(self) -> AnsibleRun:
        """This run, or AnsibleFailure if the program failed."""
        if self.exit_code:
            raise AnsibleFailure(f"Ansible failed with exit code {self.exit_code}:\n{self.output}")
        return self


def run_ansible(
    arguments: c.Sequence[str],
    *,
    shown: bool = False,
    settings: c.Mapping[str, str] | None = None,
    recorded: bool = True,
    watch: Watcher | None = None,
    folder: pathlib.Path = ROOT,
) -> AnsibleRun:
    """Run a program of Ansible in a folder, as a user would.

    ``shown``: its output goes where ours goes, colours included, and is not kept. ``settings`` are more environment
    variables. ``recorded``: without it nothing but the output, the exit code and the time is known. ``watch`` is given
    each result while the program runs.
    """
    with tempfile.TemporaryDirectory(prefix="portkeeper-record-") as directory:
        record = pathlib.Path(directory) / "record"
        record.touch()
        began = time.monotonic()
        environment = {**_environment(record if recorded else None, settings or {}), "PWD": str(folder)}
        with record.open(encoding="utf-8") as written:
            follow = functools.partial(_follow, written, watch) if watch else None
            exit_code, output = _run(arguments, environment, folder, shown=shown, follow=follow)
        seconds = time.monotonic() - began
        lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    results = tuple(_result(line) for line in lines if line["event"] == "result")
    recap: dict[str, dict[str, int]] = next((line["hosts"] for line in lines if line["event"] == "recap"), {})
    return AnsibleRun(exit_code, seconds, output, results, recap, tuple(lines))


def _result(line: dict[str, t.Any]) -> TaskResult:
    return TaskResult(*(line[field.name] for field in dataclasses.fields(TaskResult)))


def _follow(written: t.TextIO, watch: Watcher) -> None:
    """Give a watcher the results that were written since the last time; a line that is not complete waits."""
    while True:
        position = written.tell()
        text = written.readline()
        if not text.endswith("\n"):
            written.seek(position)
            return
        line = json.loads(text)
        if line["event"] == "result":
            watch(_result(line))


def _environment(record: pathlib.Path | None, settings: c.Mapping[str, str]) -> dict[str, str]:
    """Our own variables, without Ansible's from the caller's shell, and without a proxy between us and the fleet."""
    programs = pathlib.Path(sys.executable).parent
    usual = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "no_proxy": "127.0.0.1",
        "NO_PROXY": "127.0.0.1",
        "ANSIBLE_NOCOWS": "true",
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": os.environ.get("ANSIBLE_HOME", str(ROOT / "build" / "ansible-home")),
    }
    if record is None:
        return {**usual, **settings}
    recording = {
        "PYTHONPATH": str(ROOT),
        "PORTKEEPER_RECORD": str(record),
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "recorder",
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
    }
    return {**usual, **recording, **settings}


def _run(
    arguments: c.Sequence[str],
    environment: dict[str, str],
    folder: pathlib.Path,
    *,
    shown: bool,
    follow: c.Callable[[], None] | None = None,
) -> tuple[int, str]:
    streams = None if shown else subprocess.PIPE
    sys.stdout.flush()
    with subprocess.Popen(
        list(arguments),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=streams,
        stderr=None if shown else subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output = _output(process, follow)
        except BaseException:
            _end(process)
            raise
    return process.returncode, output


def _output(process: subprocess.Popen[str], follow: c.Callable[[], None] | None) -> str:
    """The output of a program that has ended; meanwhile, and once more at its end, somebody may follow."""
    while True:
        try:
            output, _errors = process.communicate(timeout=WATCH_SECONDS if follow else None)
        except subprocess.TimeoutExpired:
            if follow:
                follow()
            continue
        if follow:
            follow()
        return output or ""


def _end(process: subprocess.Popen[str]) -> None:
    """End Ansible, which ends its workers itself when it is asked in time."""
    process.terminate()
    try:
        process.wait(timeout=GOODBYE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
