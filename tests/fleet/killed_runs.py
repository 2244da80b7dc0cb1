# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruptions: the conversation ends at one of its messages. What it leaves must be whole, and the next run finishes.

Either with a server in this process, whose time is simulated and who can be copied as it stands after each message: so
every message of every role can be tried. Or over real HTTP, to see that a real connection ends in the same way.
"""

from __future__ import annotations

import abc
import collections.abc as c
import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

from winrm.protocol import Protocol

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    ConnectionDropped,
    HostUnreachable,
    WsmanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.winrm_transport import WinrmTransport
from tests.fleet.engine_tasks import Task
from tests.fleet.host_cases import Json
from tests.fleet.role_contract import content, standing
from tests.fleet.snapshot import PROTOCOLS, Snapshot, joined
from tests.simulator.control import HostControl, RunningFleet
from tests.simulator.direct import DirectServer
from tests.simulator.fleet import DEFAULT_USER
from tests.tooling.sources import ROOT

Ending: t.TypeAlias = t.Literal["killed", "drop_before", "drop_after"]
"""The controller dies after an answer; or one message is lost on its way there, or its answer on its way back."""
ENDINGS: t.Final[tuple[Ending, ...]] = t.get_args(Ending)

MESSAGE_SECONDS: t.Final = 0.02
"""What one message takes in simulated time."""
SETTLED_SECONDS: t.Final = 300.0
"""After so long everything runs that will: delayed services start two minutes after the others."""
LONGEST_ABSENCE: t.Final = 1800.0
"""Seconds after which a server that goes down and boots must be back."""
HASTE: t.Final = 50.0
"""Over real HTTP the engine's pauses are that much shorter than they say."""

_PLAY_ENDS: t.Final = (PlanError, WindowsError, WsmanError)
"""What ends a play as an error."""


class Killed(BaseException):
    """The program is gone: not even an ``except Exception`` sees it."""


@dataclasses.dataclass(frozen=True)
class Break:
    """Where a conversation ends: at its first message, or a later one."""

    ending: Ending
    position: int


class TargetConnection(abc.ABC):
    """Messages to one server, until the program is killed."""

    host = "server"
    clock: Clock

    def __init__(self, where: Break | None) -> None:
        self._killed_after = where.position if where and where.ending == "killed" else None
        self.sent = 0

    def client(self) -> Client:
        """A client for one task."""
        return Client(self, clock=self.clock.monotonic)

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        if self.sent == self._killed_after:
            raise Killed
        self._connect()
        self.sent += 1
        return self._deliver(envelope)

    @abc.abstractmethod
    def _connect(self) -> None:
        """Raise what keeps a message from being sent at all."""

    @abc.abstractmethod
    def _deliver(self, envelope: bytes) -> bytes:
        """Send it and give the answer."""

    @abc.abstractmethod
    def reset(self) -> None:
        """Drop the connection."""


class SimulatedTarget(abc.ABC):
    """A server at the beginning of a task, as often as one likes."""

    @abc.abstractmethod
    def begin(self) -> None:
        """The server as it is before the task."""

    @abc.abstractmethod
    def look(self) -> Snapshot:
        """The server now."""

    @abc.abstractmethod
    def is_reachable(self) -> bool:
        """Whether it can be reached, if need be after the reboot that is under way."""

    @abc.abstractmethod
    def is_at_rest(self) -> bool:
        """Whether nothing changes by itself: what looks the same then is the same to the next run."""

    @abc.abstractmethod
    def settle(self) -> None:
        """Let happen what happens by itself."""

    @abc.abstractmethod
    def connection(self, where: Break | None = None) -> contextlib.AbstractContextManager[TargetConnection]:
        """A connection, which ends there."""

    def done(self, task: Task) -> tuple[tuple[str, ...], int]:
        """Let it be done to its end; gives what failed, and the number of messages."""
        with self.connection() as connection:
            try:
                failures = task(connection)
            except _PLAY_ENDS as error:
                failures = (str(error),)
        self.settle()
        return failures, connection.sent

    def interruptions(self, task: Task, ending: Ending, messages: int) -> c.Iterator[int]:
        """Each position at which the task of so many messages can end so; the server is then as that leaves it."""
        for position in range(1, messages + 1):
            self.begin()
            with self.connection(Break(ending, position)) as connection, contextlib.suppress(Killed, *_PLAY_ENDS):
                task(connection)
            yield position


# --- in this process -------------------------------------------------------------------------------------------------


class _DirectConnection(TargetConnection):
    """Messages by call."""

    def __init__(self, server: DirectServer, where: Break | None, after_answer: c.Callable[[bytes], None]) -> None:
        super().__init__(where)
        self._server, self._where, self._after_answer = server, where, after_answer
        self.clock = Clock(now=self._now, monotonic=self._now, sleep=server.pass_time)

    def _now(self) -> float:
        return self._server.now

    def _connect(self) -> None:
        self._server.pass_time(MESSAGE_SECONDS)
        if not self._server.is_listening:
            raise HostUnreachable(host=self.host, meaning="no connection")

    def _deliver(self, envelope: bytes) -> bytes:
        if self._where == Break("drop_before", self.sent):
            raise ConnectionDropped(host=self.host, meaning="the message is lost")
        answer = self._server.answer(envelope)
        self._after_answer(envelope)
        if self._where == Break("drop_after", self.sent):
            raise ConnectionDropped(host=self.host, meaning="the answer is lost")
        return answer

    def reset(self) -> None:
        """There is no connection."""


def _see_nothing(_envelope: bytes) -> None:
    pass


class DirectTarget(SimulatedTarget):
    """A server in this process; ``first`` is what was done to it before the task."""

    def __init__(self, entry: Json, *, first: Task | None = None) -> None:
        self._server = DirectServer(entry)
        self._after_answer: c.Callable[[bytes], None] = _see_nothing
        if first is not None:
            failures, _messages = self.done(first)
            assert failures == ()
        self._beginning = self._server.copied()

    def begin(self) -> None:
        """The server as it is before the task."""
        self._server = DirectServer.restored(self._beginning)

    def look(self) -> Snapshot:
        """The server now."""
        return Snapshot(self._server.state())

    def is_reachable(self) -> bool:
        """Whether it can be reached; if it goes down or boots, once it is back."""
        limit = self._server.now + LONGEST_ABSENCE
        while self._server.is_going_down or not self._server.is_listening:
            if self._server.now > limit:
                return False
            self._server.pass_time(1.0)
        return True

    def is_at_rest(self) -> bool:
        """Whether no service starts or stops, and the server neither goes down nor boots."""
        return self._server.is_at_rest

    def settle(self) -> None:
        """Let happen what happens by itself."""
        self._server.pass_time(SETTLED_SECONDS)

    @contextlib.contextmanager
    def connection(self, where: Break | None = None) -> c.Iterator[TargetConnection]:
        """A connection, which ends there."""
        yield _DirectConnection(self._server, where, self._after_answer)

    def interruptions(self, task: Task, ending: Ending, messages: int) -> c.Iterator[int]:
        """The server that a killed controller leaves is the one after the last answer: one run has them all."""
        if ending != "killed":
            yield from super().interruptions(task, ending, messages)
            return
        copies = self._copies(task)
        assert len(copies) == messages
        for position, copy in enumerate(copies, 1):
            self._server = DirectServer.restored(copy)
            yield position

    def _copies(self, task: Task) -> list[bytes]:
        """The server after each answer."""
        copies: list[bytes] = []
        self.begin()
        with self.witnessed(lambda _envelope: copies.append(self._server.copied())):
            self.done(task)
        return copies

    @contextlib.contextmanager
    def witnessed(self, after_answer: c.Callable[[bytes], None]) -> c.Iterator[None]:
        """Meanwhile each message is told, once it is answered."""
        self._after_answer = after_answer
        try:
            yield
        finally:
            self._after_answer = _see_nothing

    def act(self, act: Json) -> None:
        """Let something else happen to the server."""
        self._server.act(act)


# --- over HTTP -------------------------------------------------------------------------------------------------------


class _HttpConnection(TargetConnection):
    """Messages over a real connection."""

    def __init__(self, protocol: t.Any, where: Break | None) -> None:
        super().__init__(where)
        self._transport = WinrmTransport(protocol, host=self.host)
        self.clock = Clock(sleep=lambda seconds: time.sleep(seconds / HASTE))

    def _connect(self) -> None:
        """The transport does so when it sends."""

    def _deliver(self, envelope: bytes) -> bytes:
        return self._transport.send(envelope)

    def reset(self) -> None:
        """Drop the connection."""
        self._transport.reset()


class FleetTarget(SimulatedTarget):
    """A server of a running fleet."""

    def __init__(self, control: HostControl) -> None:
        self._control = control
        self._port = control.summary()["port"]

    def begin(self) -> None:
        """The server as its scenario has it."""
        self._control.reset()

    def look(self) -> Snapshot:
        """The server now."""
        return Snapshot(self._control.state())

    def is_reachable(self) -> bool:
        """Whether it can be reached."""
        return bool(self._control.summary()["listening"])

    def is_at_rest(self) -> bool:
        """Here real time passes meanwhile."""
        return False

    def settle(self) -> None:
        """Nothing takes long here."""

    @contextlib.contextmanager
    def connection(self, where: Break | None = None) -> c.Iterator[TargetConnection]:
        """A connection, which ends there."""
        protocol = Protocol(
            endpoint=f"http://127.0.0.1:{self._port}/wsman",
            transport="basic",
            username=DEFAULT_USER["name"],
            password=DEFAULT_USER["password"],
            read_timeout_sec=30,
            operation_timeout_sec=20,
        )
        if where and where.ending != "killed":
            self._control.inject(where.ending, at=where.position)
        try:
            yield _HttpConnection(protocol, where)
        finally:
            protocol.transport.close_session()
            self._control.clear_faults()


# --- what must hold --------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, kw_only=True)
class KillCase:
    """A task, and the services that run in the end. The next run is the same task, or takes it ``back``."""

    task: Task
    services: tuple[str, ...] = ()
    back: Task | None = None


def findings(target: SimulatedTarget, kill_case: KillCase, ending: Ending) -> dict[int, list[str]]:
    """What is wrong with an interrupted server, or with how the next run leaves it, by position."""
    target.begin()
    before = target.look()
    failures, messages = target.done(kill_case.task)
    assert failures == (), failures
    after = target.look()
    assert standing(after) != standing(before)
    goal = before if kill_case.back else after
    found: dict[int, list[str]] = {}
    last: tuple[Json | None, list[str]] = (None, [])
    for position in target.interruptions(kill_case.task, ending, messages):
        between = target.look()
        known = standing(between) if target.is_at_rest() else None
        if known is None or known != last[0]:
            last = (known, [*mixed_values(before, after, between), *_problems(target, kill_case, goal)])
        found[position] = last[1]
    return {position: problems for position, problems in found.items() if problems}


def _problems(target: SimulatedTarget, kill_case: KillCase, goal: Snapshot) -> c.Iterator[str]:
    if not target.is_reachable():
        yield "it can't be reached"
        return
    failures, _messages = target.done(kill_case.back or kill_case.task)
    yield from failures
    yield from _unfinished(kill_case, goal, target.look())


def _unfinished(kill_case: KillCase, goal: Snapshot, final: Snapshot) -> c.Iterator[str]:
    if _configured(final) != _configured(goal):
        yield f"the next run does not finish the change: {_unlike(_configured(final), _configured(goal))}"
    yield from (f"{name} does not run" for name in (*_running(goal), *kill_case.services) if not final.runs(name))
    # What is taken back leaves what it relieved as it is.
    if kill_case.back is None and _running(final) != _running(goal):
        yield f"too much runs: {_running(final) - _running(goal)}"
    journal = final.journal or {}
    if journal.get("stopped"):
        yield f"the journal still names stopped services: {journal}"
    if goal.journal is None and journal:
        yield f"something is left in the journal: {journal}"


def mixed_values(before: Snapshot, after: Snapshot, between: Snapshot) -> c.Iterator[str]:
    """Values that are neither the old nor the new ones."""
    old, new, found = map(_values, (before, after, between))
    for name in old.keys() | new.keys() | found.keys():
        if found.get(name) not in (old.get(name), new.get(name)):
            yield f"{name}: {found.get(name)}"
    old_blocks, new_blocks, blocks = map(_blocks, (before, after, between))
    if blocks not in (old_blocks, new_blocks) and between.journal is None:
        yield f"netsh: {sorted(blocks)} without a journal"


def _values(snapshot: Snapshot) -> dict[tuple[str, str], t.Any]:
    """Every registry value but our notes, every range, and every file but those that stand beside one for a while."""
    whole = content(snapshot)
    values = {
        (key, name): value
        for key, values in whole["registry"].items()
        for name, value in values.items()
        # No such value means the same, and the service manager writes the one on the way to the other.
        if (name, value["data"]) != ("DelayedAutostart", 0)
    }
    files = {("file", path): text for path, text in whole["files"].items() if "portkeeper" not in path}
    return {**values, **files, **{("range", name): ports for name, ports in whole["ranges"].items()}}


def _blocks(snapshot: Snapshot) -> set[tuple[str, str]]:
    """The ports that an administrator excluded, in any blocks: they come and go one by one."""
    return {(protocol, block) for protocol in PROTOCOLS for block in joined(snapshot.excluded(protocol))}


def _configured(snapshot: Snapshot) -> dict[str, t.Any]:
    """What must be the same after the next run, byte for byte."""
    return {**content(snapshot), "exclusions": _blocks(snapshot)}


def _running(snapshot: Snapshot) -> set[str]:
    return {name for name in snapshot.data["services"] if snapshot.runs(name)}


def _unlike(found: t.Any, expected: t.Any) -> t.Any:
    """Where two contents differ."""
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return found, expected
    names = found.keys() | expected.keys()
    return {
        name: _unlike(found.get(name), expected.get(name)) for name in names if found.get(name) != expected.get(name)
    }


# --- the real program ------------------------------------------------------------------------------------------------


def kill_playbook(fleet: RunningFleet, host: str, *arguments: str) -> None:
    """Run a playbook, and kill Ansible with all its workers while a fault of this host keeps a message waiting."""
    command = ["ansible-playbook", "-i", str(fleet.inventory), *arguments]
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": os.environ.get("ANSIBLE_HOME", str(ROOT / "build" / "ansible-home")),
    }
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            fleet.control.host(host).wait_for_fault()
        finally:
            os.killpg(process.pid, signal.SIGKILL)
