# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every fault at every message of every module: what a task leaves behind, and whether the next run finishes.

In this process, in simulated time, through each connection plugin. ``make faults`` runs all and writes the table of
docs/faults.md; a test runs a sample.
"""

from __future__ import annotations

import collections
import collections.abc as c
import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import os
import sys
import time
import typing as t

import requests

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NoConnection
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import (
    ONE_TRY,
    OVERTIME,
    USUAL_PATIENCE,
    Deadline,
    Patience,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import IDLE_TIMEOUT
from ansible_collections.portkeeper.windows.plugins.plugin_utils._connection import line_of
from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.http_door import PLUGINS, WEB_PAGE, Reply, answered_by, connection, lost, refused
from tests.fleet.in_process import CaseRunner
from tests.fleet.killed_runs import mixed_values
from tests.fleet.role_contract import content, standing
from tests.fleet.snapshot import Snapshot
from tests.simulator.direct import START, DirectServer
from tests.simulator.wire import injection
from tests.tooling.sources import ROOT

MESSAGE_DEADLINE: t.Final = 60.0
"""Seconds after which a message is given up, as the transport does."""
LONGEST_REBOOT: t.Final = 600.0
LONGEST_WAITS: t.Final = 300.0
"""Seconds of waits for services, beside the deadline."""
LONGEST_ABSENCE: t.Final = 1800.0
SHARES: t.Final[c.Mapping[str, int]] = {"winrm": 1, "psrp": 4}
"""Of so many pairs of a fault and a message one is tried. Above the transport the plugins are alike, so the second one
meets each fault and each message, but not each pair."""
PAGE: t.Final = ROOT / "docs" / "faults.md"
_BEGIN, _END = "<!-- measured by make faults -->", "<!-- end of measured -->"

Send: t.TypeAlias = c.Callable[[bytes], Reply]
Inject: t.TypeAlias = "c.Callable[[FaultRunner, bytes, Send], Reply]"


def _raised(make: c.Callable[[], requests.RequestException]) -> Inject:
    def fault(_runner: FaultRunner, _envelope: bytes, _send: Send) -> Reply:
        raise make()

    return fault


def _replied(reply: Reply) -> Inject:
    return lambda _runner, _envelope, _send: reply


def _dropped_after(_runner: FaultRunner, envelope: bytes, send: Send) -> Reply:
    send(envelope)
    raise lost()


def _silent(runner: FaultRunner, envelope: bytes, send: Send) -> Reply:
    send(envelope)
    runner.pass_time(MESSAGE_DEADLINE)
    raise requests.ReadTimeout


def _spoilt(spoil: c.Callable[[bytes], bytes]) -> Inject:
    return lambda _runner, envelope, send: Reply(spoil(send(envelope).body))


def _answered(code: int, subcode: str, *, done: bool = False) -> Inject:
    """A SOAP fault in place of the operation, or after it."""

    def fault(runner: FaultRunner, envelope: bytes, send: Send) -> Reply:
        if done:
            send(envelope)
        return Reply(runner.server.fault(envelope, code=code, subcode=subcode), 500)

    return fault


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way to fail. ``lasts``: from that message on, to the end of the task."""

    told: str
    inject: Inject
    lasts: bool = False


FAULTS: t.Final[c.Mapping[str, Fault]] = {
    "refused": Fault("the connection is refused", _raised(refused)),
    "503": Fault("HTTP status 503", _replied(Reply(status=503))),
    "lost": Fault("the message is lost", _raised(lost)),
    "answer lost": Fault("it is carried out, and the answer is lost", _dropped_after),
    "silence": Fault("it is carried out, and no answer comes for 60 seconds", _silent),
    "dead": Fault("from here on connections are refused", _raised(refused), lasts=True),
    "deaf": Fault("from here on no answer comes", _silent, lasts=True),
    "401": Fault("HTTP status 401", _replied(Reply(status=401))),
    "web page": Fault("a web page answers", _replied(WEB_PAGE)),
    "empty": Fault("it is carried out, and the answer is empty", _spoilt(lambda _answer: b"")),
    "half": Fault(
        "it is carried out, and half of the answer comes", _spoilt(lambda answer: answer[: len(answer) // 2])
    ),
    "garbage": Fault("it is carried out, and the answer is no XML", _spoilt(lambda _answer: b"\x01<garbage")),
    "too large": Fault(
        "it is carried out, and the answer is larger than 4 MiB",
        _spoilt(lambda answer: answer + b" " * soap.MAX_ANSWER),
    ),
    "DTD": Fault(
        "it is carried out, and the answer declares entities", _spoilt(lambda _answer: injection.DTD_DOCUMENT)
    ),
    "other answer": Fault(
        "it is carried out, and the answer of another message comes",
        _spoilt(lambda answer: injection.changed_relation(answer, drop=False)),
    ),
    "unrelated": Fault(
        "it is carried out, and the answer does not say to what",
        _spoilt(lambda answer: injection.changed_relation(answer, drop=True)),
    ),
    "denied": Fault("access is denied", _answered(5, "w:AccessDenied")),
    "busy": Fault("the WinRM service is busy", _answered(0x8033803F, "w:QuotaLimit")),
    "quota": Fault("too many operations", _answered(0x803381A6, "w:InternalError")),
    "timed out": Fault("the operation timeout of WinRM", _answered(0x80338029, "w:TimedOut")),
    "not found": Fault("the object does not exist", _answered(0x80338000, "a:DestinationUnreachable")),
    "internal": Fault("an internal error", _answered(1359, "w:InternalError")),
    "unreported": Fault(
        "it is carried out, and the answer is too large for WinRM",
        _answered(0x8033804D, "w:UnreportableSuccess", done=True),
    ),
}


@dataclasses.dataclass(frozen=True)
class Subject:
    """One module with options that change something, on one kind of server."""

    module: str
    server: Json
    options: Json = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """Module and release."""
        return f"{self.module} {self.server['release']}"

    @property
    def seconds(self) -> float:
        """The longest that a task may take."""
        reboots = LONGEST_REBOOT if self.module == "server_reboot" else 0.0
        return USUAL_PATIENCE.deadline + OVERTIME + LONGEST_WAITS + reboots


# One release of each generation of WinRM: 1.1, 2.0 and 3.0.
_OLD: t.Final[Json] = {"release": "2003", "winrm_stack": "1.1", "roles": ["dns"], "broken": False}
_MIDDLE: t.Final[Json] = {"release": "2008r2", "roles": ["dns"], "broken": False}
_NEW: t.Final[Json] = {"release": "2022", "roles": ["dns"], "broken": False}
_EDGE: t.Final = ["exchange_edge", "dns"]
_CONTROLLER: t.Final = ["domain_controller", "dns"]
_FOREIGN: t.Final[Json] = {"reserved_ports": ["3343-3343"]}
_PORTS: t.Final = {"ports": ["5389", "5636"]}
_POOL: t.Final = {"size": 3000, "excluded_ports": ["50389"], "restart": True}
_MODE: t.Final = {"name": ["DNS"], "start_mode": "delayed"}
_ENTRIES: t.Final = {"entries": [{"name": "portkeeper", "port": 50389, "protocol": "tcp"}]}
_ALL: t.Final = {"resources": [{"dns_socket_pool": {"excluded_ports": ["50389"]}}], "restart_dns": True}
_JOINED: t.Final = {
    "resources": [
        {"reserved_ports": {"ports": ["52000"]}},
        {"services_file": {"entries": [{"name": "agent", "port": 52000, "protocol": "tcp"}]}},
    ]
}
SUBJECTS: t.Final = (
    Subject("reserved_ports", {**_OLD, **_FOREIGN}, _PORTS),
    Subject("reserved_ports", _NEW, _PORTS),
    *(Subject("dns_socket_pool", server, _POOL) for server in (_MIDDLE, _NEW)),
    Subject("dynamic_ports", {"release": "2003", "winrm_stack": "1.1", "roles": ["member"]}, {"max_user_port": "5000"}),
    *(Subject("dynamic_ports", server, {"start": 50000, "number": 10000}) for server in (_MIDDLE, _NEW)),
    Subject("service_start_mode", _OLD, {"name": ["DNS"], "start_mode": "manual"}),
    *(Subject("service_start_mode", server, _MODE) for server in (_MIDDLE, _NEW)),
    *(
        Subject("service_state", server, {"name": ["W32Time"], "state": "restarted"})
        for server in (_OLD, _MIDDLE, _NEW)
    ),
    *(
        Subject("static_rpc_port", {**server, "roles": _CONTROLLER}, {"ports": {"ntds": 49200, "netlogon": 49201}})
        for server in (_OLD, _MIDDLE, _NEW)
    ),
    *(Subject("services_file", server, _ENTRIES) for server in (_OLD, _MIDDLE, _NEW)),
    Subject(
        "converge",
        {**_OLD, "roles": _EDGE, "broken": True},
        {
            "resources": [{"reserved_ports": {"ports": ["50389", "50636"]}}],
            "victims": [{"service": "ADAM_MSExchange", "ports": ["50389", "50636"]}],
            "restart_dns": True,
        },
    ),
    *(Subject("converge", server, _ALL) for server in (_MIDDLE, _NEW)),
    # Ranges and the services file: one command line.
    Subject("converge", {"release": "2022", "roles": ["member"]}, _JOINED),
    *(Subject("port_info", {**server, "roles": _EDGE, "broken": True}) for server in (_OLD, _MIDDLE, _NEW)),
    *(Subject("server_reboot", server, {"services": ["DNS"]}) for server in (_OLD, _MIDDLE, _NEW)),
)


class FaultRunner(CaseRunner):
    """A server that can be put back, and a line through a connection plugin that fails at one message."""

    def __init__(self, subject: Subject, plugin: str) -> None:
        super().__init__(HostCase(id="server", server=subject.server, steps=()))
        self._plugin = plugin
        self._fault: Fault | None = None
        self._position = 0
        self.sent = 0
        self.creates: list[int] = []

    @property
    def server(self) -> DirectServer:
        """The server itself."""
        return self._server

    def put_back(self, copy: bytes) -> None:
        """The server as it was copied, and its time."""
        self._server = DirectServer.restored(copy)
        counters = self._server.counters
        assert counters is not None
        self._counters = counters
        self._clock = Clock(now=self._now, monotonic=self._now, sleep=self._server.pass_time)

    def failing(self, fault: Fault | None, position: int = 0) -> None:
        """Let the message at this position fail, counted from 1."""
        self._fault, self._position, self.sent, self.creates = fault, position, 0, []

    @contextlib.contextmanager
    def _connected(self) -> c.Iterator[None]:
        self._connection = connection(self._plugin)
        with answered_by(self._replied), super()._connected():
            yield

    def _client_in_context(
        self, _connection: t.Any, _host: str, patience: Patience = ONE_TRY
    ) -> contextlib.AbstractContextManager[Client]:
        line, deadline = line_of(self._connection), Deadline(patience.deadline, self._clock.monotonic)
        transport = line.transport(host=self.host, task=deadline, clock=self._clock.monotonic)
        times: t.Any = {"clock": self._clock.monotonic, "sleep": self._clock.sleep}
        client = Client(transport, operation_timeout=60.0, patience=patience, deadline=deadline, **times)
        return contextlib.nullcontext(client)

    def _replied(self, envelope: bytes) -> Reply:
        """One message and its answer, or its fault."""
        self.sent += 1
        if b"/transfer/Create<" in envelope:
            self.creates.append(self.sent)
        due = self.sent == self._position or (self.sent > self._position and self._fault and self._fault.lasts)
        if self._fault is None or not due:
            return self._delivered(envelope)
        return self._fault.inject(self, envelope, self._delivered)

    def _delivered(self, envelope: bytes) -> Reply:
        try:
            answer = super().send(envelope)
        except NoConnection:
            raise refused() from None
        return Reply(answer, 500 if b":Fault>" in answer else 200)

    def come_back(self) -> None:
        """Wait for a server that goes down or boots."""
        limit = self._server.now + LONGEST_ABSENCE
        while (self._server.is_going_down or not self._server.is_listening) and self._server.now < limit:
            self._server.pass_time(1.0)


@dataclasses.dataclass(frozen=True)
class Finding:
    """What came of one fault: how the task ended, and what is wrong."""

    subject: str
    plugin: str
    fault: str
    position: int
    event: str
    problems: tuple[str, ...]


class Sweep:
    """One subject through one plugin: the run as it should be, and then with each fault at each message."""

    def __init__(self, subject: Subject, plugin: str) -> None:
        self.subject = subject
        self.plugin = plugin
        self._runner = FaultRunner(subject, plugin)
        self._copy = self._runner.server.copied()
        self._usual = self._run(None)
        assert self._usual.event == "ok", f"{subject.name}: {self._usual.message}"
        self.messages = self._runner.sent
        self._known: dict[str, tuple[str, ...]] = {}

    def pairs(self, share: int) -> list[tuple[str, int]]:
        """Faults and messages: all pairs, or every so many of them, which meet each message and each fault."""
        found = itertools.product(enumerate(FAULTS), range(1, self.messages + 1))
        return [(name, position) for (number, name), position in found if (number + position) % share == 0]

    def findings(self, pairs: c.Iterable[tuple[str, int]]) -> c.Iterator[Finding]:
        """Each of these faults at its message."""
        for name, position in pairs:
            yield self._finding(name, position)

    def _run(self, fault: Fault | None, position: int = 0) -> TaskRun:
        self._runner.put_back(self._copy)
        self._runner.failing(fault, position)
        return self._runner.run_step(self._step)

    @property
    def _step(self) -> Step:
        return Step(module=self.subject.module, options=self.subject.options)

    def _finding(self, name: str, position: int) -> Finding:
        fault = FAULTS[name]
        task_run = self._run(fault, position)
        seconds = self._runner.server.now - START
        # An id that never arrived can't be used to close its shell, which then ends by itself; and a rejected logon is
        # not tried again.
        may_stay = position in self._runner.creates or name == "401"
        problems = [*self._told_badly(task_run), *self._left_over(task_run, fault, may_stay=may_stay)]
        if seconds > self.subject.seconds:
            problems.append(f"hang: it took {seconds:.0f} seconds")
        problems += [f"value: {one}" for one in mixed_values(self._usual.before, self._usual.after, task_run.after)]
        problems += self._next_run(task_run.after)
        return Finding(self.subject.name, self.plugin, name, position, task_run.event, tuple(problems))

    def _told_badly(self, task_run: TaskRun) -> c.Iterator[str]:
        if "exception" in task_run.result or "an error of its own" in task_run.message:
            yield f"traceback: {task_run.message}"
        if task_run.event != "ok" and (not task_run.message or "\n" in task_run.message.strip()):
            yield f"sentence: {task_run.message!r}"

    def _left_over(self, task_run: TaskRun, fault: Fault, *, may_stay: bool) -> c.Iterator[str]:
        shells = task_run.after.data["wire"]["shells"]
        if shells and not fault.lasts and not may_stay:
            yield "shell: it is left though the line came back"
        if shells:
            self._runner.pass_time(IDLE_TIMEOUT + 1)
            if self._runner.server.state()["wire"]["shells"]:
                yield "shell: it does not end by itself"

    def _next_run(self, left: Snapshot) -> tuple[str, ...]:
        """What is wrong with the next run; servers that stand alike, and change no more, are the same to it."""
        if not self._runner.server.is_at_rest:
            return tuple(self._unfinished())
        known = json.dumps(standing(left), sort_keys=True, default=str)
        if known not in self._known:
            self._known[known] = tuple(self._unfinished())
        return self._known[known]

    def _unfinished(self) -> c.Iterator[str]:
        self._runner.failing(None)
        self._runner.come_back()
        again = self._runner.run_step(self._step)
        if again.event != "ok":
            yield f"next run: {again.message}"
            return
        if content(again.after) != content(self._usual.after):
            yield "next run: it does not finish the change"
        missing = _running(self._usual.after) - _running(again.after)
        if missing:
            yield f"next run: {', '.join(sorted(missing))} does not run"


def _running(snapshot: Snapshot) -> set[str]:
    return {name for name in snapshot.data["services"] if snapshot.runs(name)}


# --- the whole sweep --------------------------------------------------------------------------------------------------


def swept(plugin: str, number: int) -> list[Finding]:
    """The plugin's share of all faults at all messages of one subject."""
    sweep = Sweep(SUBJECTS[number], plugin)
    return list(sweep.findings(sweep.pairs(SHARES[plugin])))


def _table(findings: c.Sequence[Finding]) -> str:
    rows = [
        "| Fault | Injected | Through psrp | Task ok | Failed | Unreachable | Something wrong |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, fault in FAULTS.items():
        rows.append(_row(fault.told, [one for one in findings if one.fault == name]))
    return "\n".join([*rows, _row("**all**", findings)])


def _row(told: str, findings: c.Sequence[Finding]) -> str:
    ends = collections.Counter(one.event for one in findings)
    through_psrp = sum(one.plugin == "psrp" for one in findings)
    wrong = sum(bool(one.problems) for one in findings)
    figures = (len(findings), through_psrp, ends["ok"], ends["failed"], ends["unreachable"], wrong)
    return f"| {told} | {' | '.join(map(str, figures))} |"


def _write(findings: c.Sequence[Finding]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _begin, rest = text.partition(_BEGIN)
    _old, _end, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}\n\n{_table(findings)}\n\n{_END}{after}", encoding="utf-8")


def main() -> int:
    """Run all, write the table, name what is wrong; the exit code says whether anything is."""
    began = time.monotonic()
    findings: list[Finding] = []
    sweeps = list(itertools.product(PLUGINS, range(len(SUBJECTS))))
    with concurrent.futures.ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        for (plugin, number), found in zip(sweeps, pool.map(swept, *zip(*sweeps, strict=True)), strict=True):
            wrong = [one for one in found if one.problems]
            print(
                f"{SUBJECTS[number].name} through {plugin}: {len(found)} faults, {len(wrong)} with something wrong",
                flush=True,
            )
            for one in wrong[:10]:
                print(f"  {one.fault} at message {one.position} ({one.event}): {'; '.join(one.problems)}")
            findings += found
    _write(findings)
    wrong = [one for one in findings if one.problems]
    print(f"{len(findings)} faults, {len(wrong)} with something wrong, {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
