# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers at one server: real actions in this process that take turns, message by message.

Who is next after each message is given by a schedule, so that a run of the test is always the same run.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import random
import threading
import typing as t
from unittest import mock

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NoConnection
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY, Patience
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _action_base, _reboot
from tests.fleet.host_cases import DEFAULTS, Event, Json, Step
from tests.fleet.in_process import action, as_json, event_of
from tests.fleet.killed_runs import MESSAGE_SECONDS, Killed
from tests.fleet.snapshot import Snapshot
from tests.simulator.direct import DirectServer
from tests.simulator.wire.counters import Counters

MOST_TURNS: t.Final = 20_000
"""Messages and pauses of all runs together; controllers that need more wait for each other for ever."""
TASK_SECONDS: t.Final = 2.0
"""After so long everything that a task began is over, with the time scale of these servers."""

Schedule: t.TypeAlias = c.Callable[[c.Sequence[str]], str]
"""Of the controllers that have something to send, the one whose turn it is."""


def shuffled(seed: int) -> Schedule:
    """At random: some schedules change after nearly every message, some let one controller go on for a while."""
    draw = random.Random(seed)
    change, last = draw.choice((0.9, 0.5, 0.2, 0.1)), [""]

    def next_one(waiting: c.Sequence[str]) -> str:
        if last[0] not in waiting or draw.random() < change:
            last[0] = draw.choice(list(waiting))
        return last[0]

    return next_one


def interrupted(name: str, *, after: int) -> Schedule:
    """This controller stands still after so many messages, until all others are at their ends."""
    turns = [0]

    def next_one(waiting: c.Sequence[str]) -> str:
        others = [other for other in waiting if other != name]
        if others and (turns[0] >= after or name not in waiting):
            return others[0]
        turns[0] += 1
        return name

    return next_one


@dataclasses.dataclass(frozen=True)
class Ending:
    """How one controller's task ended, with the server at that moment; ``None`` if it was killed."""

    event: Event | None
    result: Json
    server: Snapshot
    messages: int

    @property
    def message(self) -> str:
        """Its sentence."""
        return str(self.result.get("msg", ""))


class _Controller:
    """One controller: a thread that stops before each of its messages until it is its turn."""

    host = "server"

    def __init__(self, table: Table, name: str, step: Step, *, killed_after: int | None) -> None:
        self.name, self._table, self._step = name, table, step
        self._killed_after = killed_after
        self._turn, self._parked = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.ending: Ending | None = None
        self.failure: BaseException | None = None
        self.sent = 0

    def begin(self) -> None:
        """Go on to the first message."""
        self._thread.start()
        self._parked.acquire()

    def go_on(self) -> None:
        """Send one message, and go on to the next one or to the end."""
        self._turn.release()
        self._parked.acquire()
        if self.failure is not None:
            raise self.failure

    def _pause(self) -> None:
        self._parked.release()
        self._turn.acquire()

    def _work(self) -> None:
        try:
            result = as_json(action(self._step, self._table.server.winrm_port).run(None, self._variables))
            self.ending = Ending(event_of(result), result, self._table.look(), self.sent)
        except Killed:
            self.ending = Ending(None, {}, self._table.look(), self.sent)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self.failure = error
        finally:
            self._parked.release()

    @property
    def _variables(self) -> dict[str, t.Any]:
        return {"inventory_hostname": self.name}

    def client(self, patience: Patience, clock: Clock) -> Client:
        """A client for its task."""
        return Client(self, patience=patience, clock=clock.monotonic, sleep=clock.sleep)

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer, when it is its turn."""
        if self.sent == self._killed_after:
            raise Killed
        self._pause()
        self.sent += 1
        return self._table.answer(envelope)

    def sleep(self, seconds: float) -> None:
        """Time passes for all; then it is anybody's turn."""
        self._table.server.pass_time(seconds)
        self._pause()

    def reset(self) -> None:
        """There is no connection."""


class Table:
    """A server and the controllers around it."""

    def __init__(self, entry: Json) -> None:
        self.server = DirectServer({**DEFAULTS, "name": "server", **entry}, counters=Counters())
        self._copy = self.server.copied()

    def keep(self) -> None:
        """Begin from the present state from now on."""
        self._copy = self.server.copied()

    def put_back(self) -> None:
        """The server as it was."""
        self.server = DirectServer.restored(self._copy)

    def look(self) -> Snapshot:
        """The server now."""
        return Snapshot(as_json(self.server.state()))

    def answer(self, envelope: bytes) -> bytes:
        """The server's answer."""
        self.server.pass_time(MESSAGE_SECONDS)
        if not self.server.is_listening:
            raise NoConnection(host="server", meaning="no connection")
        return self.server.answer(envelope)

    def alone(self, step: Step) -> Ending:
        """One task with nobody beside it."""
        return self.together({"only": step}, lambda waiting: waiting[0])["only"]

    def together(
        self, steps: c.Mapping[str, Step], schedule: Schedule, *, killed: c.Mapping[str, int] | None = None
    ) -> dict[str, Ending]:
        """These tasks at once, each by a controller of its own; ``killed`` ends one after so many messages."""
        controllers = {
            name: _Controller(self, name, step, killed_after=(killed or {}).get(name)) for name, step in steps.items()
        }
        with self._connected(controllers):
            for controller in controllers.values():
                controller.begin()
            self._take_turns(controllers, schedule)
        self.server.pass_time(TASK_SECONDS)
        return {name: t.cast(Ending, controller.ending) for name, controller in controllers.items()}

    def _take_turns(self, controllers: c.Mapping[str, _Controller], schedule: Schedule) -> None:
        for _turn in range(MOST_TURNS):
            waiting = [name for name, controller in controllers.items() if controller.ending is None]
            if not waiting:
                return
            controllers[schedule(waiting)].go_on()
        raise AssertionError("the controllers wait for each other for ever")

    @contextlib.contextmanager
    def _connected(self, controllers: c.Mapping[str, _Controller]) -> c.Iterator[None]:
        """An action gets the client of its controller, whose name it takes for the host's, and the server's time."""
        current = threading.local()

        def client(
            _connection: t.Any, host: str, patience: Patience = ONE_TRY
        ) -> contextlib.AbstractContextManager[Client]:
            current.controller = controllers[host]
            return contextlib.nullcontext(controllers[host].client(patience, clock))

        def sleep(seconds: float) -> None:
            current.controller.sleep(seconds)

        clock = Clock(now=self._now, monotonic=self._now, sleep=sleep)
        with (
            mock.patch.object(_action_base, "Clock", return_value=clock),
            mock.patch.object(_reboot, "Clock", return_value=clock),
            mock.patch.object(_action_base, "open_client", side_effect=client),
            mock.patch.object(_reboot, "looking_client", side_effect=client),
        ):
            yield

    def _now(self) -> float:
        return self.server.now
