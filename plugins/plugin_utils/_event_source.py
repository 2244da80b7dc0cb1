# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source for ansible-rulebook: asks servers' event logs for lost ports, round after round.

A look at a host runs in a thread of its own, so that the rules go on meanwhile. What a look finds is handed over in the
order of time, and remembered when it has been taken: an event may come twice if the program is killed in between, but
none is left out (at least once). What the rules do with an event is not waited for, unless they say so (feedback).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import pathlib
import time
import typing as t
import uuid

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import Log
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.losses import loss_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import Patience
from ansible_collections.portkeeper.windows.plugins.plugin_utils._connection import line_of, open_client, weaknesses
from ansible_collections.portkeeper.windows.plugins.plugin_utils._event_look import LogLook, Looks, look
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, harmless, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._host_connection import (
    Variables,
    new_connection,
    ticket_of_its_own,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils._memory_file import MemoryFile
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options

NAME: t.Final = "portkeeper.windows.lost_ports"
LOGGER: t.Final = logging.getLogger(NAME)
SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "hosts": {"type": "dict", "required": True, "no_log": True},
    "variables": {"type": "dict", "default": {}, "no_log": True},
    "interval": {"type": "int", "default": 300},
    "parallel": {"type": "int", "default": 10},
    "deadline": {"type": "int", "default": 60},
    "first_look": {"type": "str", "default": "now", "choices": ["now", "boot"]},
    "state_file": {"type": "path"},
    "failures": {"type": "bool", "default": False},
    "feedback": {"type": "bool", "default": False},
}
_FEEDBACK_QUEUE: t.Final = "eda_feedback_queue"
_TALKATIVE: t.Final = "winrm.vendor.requests_kerberos"
_RETRIES: t.Final = 1
"""Of a message: the next round asks again anyway."""


class Queue(t.Protocol):
    """What ansible-rulebook hands to a source."""

    async def put(self, item: t.Any) -> None:
        """Hand over an event; waits until there is room."""


class Settings(t.NamedTuple):
    """The arguments of the source; ``hosts`` has each host's variables with the common ones among them."""

    hosts: t.Mapping[str, Variables]
    interval: int
    parallel: int
    patience: Patience
    since_boot: bool
    state_file: pathlib.Path | None
    tells_failures: bool


def settings_of(arguments: t.Mapping[str, t.Any]) -> Settings:
    """The settings; raises OptionError, whose text has no variable of a host."""
    given = validated_options(NAME, SPEC, {key: item for key, item in arguments.items() if key != _FEEDBACK_QUEUE})
    for name in ("interval", "parallel", "deadline"):
        if given[name] < 1:
            raise OptionError(name, "must be 1 or more")
    return Settings(
        hosts=_hosts(given["hosts"], given["variables"]),
        interval=given["interval"],
        parallel=given["parallel"],
        patience=Patience(retries=_RETRIES, deadline=float(given["deadline"])),
        since_boot=given["first_look"] == "boot",
        state_file=pathlib.Path(given["state_file"]) if given["state_file"] else None,
        tells_failures=given["failures"],
    )


def _hosts(hosts: t.Mapping[t.Any, t.Any], common: Variables) -> dict[str, Variables]:
    if not hosts:
        raise OptionError("hosts", "there is none")
    if strange := [str(name) for name, own in hosts.items() if not (own is None or isinstance(own, t.Mapping))]:
        raise OptionError("hosts", f"{', '.join(strange)}: the value is no mapping of variables")
    return {str(name): {**common, **(own or {})} for name, own in hosts.items()}


def host_event(host: str, log: Log, event: Event) -> dict[str, t.Any]:
    """An event for the rules, with harmless texts; the same record has the same ``uuid`` whenever it is told."""
    loss = loss_of(event)
    told = {
        "kind": "lost_port",
        "host": host,
        "log": log,
        "source": event.source,
        "code": event.code,
        "record": event.record,
        "time": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "service": loss.service if loss else "",
        "error": loss.error if loss else None,
        "meaning": loss.meaning if loss else "",
    }
    name = "/".join((host, log, str(event.record), event.time.isoformat()))
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{NAME}/{name}"))
    return {"portkeeper": harmless(told), "meta": {"hosts": [host], "uuid": identity}}


def failure_event(host: str, reason: str) -> dict[str, t.Any]:
    """That a host, or one of its logs, could not be asked."""
    told = {"kind": "not_asked", "host": host, "meaning": reason}
    return {"portkeeper": harmless(told), "meta": {"hosts": [host]}}


class EventSource:
    """The rounds over all hosts."""

    def __init__(self, settings: Settings, queue: Queue, feedback: asyncio.Queue[t.Any] | None = None) -> None:
        self._settings = settings
        self._queue = queue
        self._feedback = feedback
        # It writes tracebacks beside the error that it raises, and the error is told.
        logging.getLogger(_TALKATIVE).setLevel(logging.CRITICAL)
        for host, variables in settings.hosts.items():
            line_of(new_connection(host, variables))
        self._memory = MemoryFile(settings.state_file, settings.hosts)
        self._failing: dict[str, str] = {}
        self._warned: set[str] = set()

    async def run(self) -> t.NoReturn:
        """Round after round, for ever. A round begins ``interval`` seconds after the last one began, or at its end."""
        pool = concurrent.futures.ThreadPoolExecutor(self._settings.parallel, thread_name_prefix="portkeeper")
        try:
            while True:
                began = time.monotonic()
                await self.round(pool)
                await asyncio.sleep(max(self._settings.interval - (time.monotonic() - began), 0))
        finally:
            # Looks that have begun end by their deadlines; they can't be stopped.
            pool.shutdown(wait=False, cancel_futures=True)

    async def round(self, pool: concurrent.futures.Executor) -> None:
        """Look once at each host, at as many at once as the pool has threads."""
        await asyncio.gather(*(self._host(host, pool) for host in self._settings.hosts))
        self._save()

    async def _host(self, host: str, pool: concurrent.futures.Executor) -> None:
        looks = await asyncio.get_running_loop().run_in_executor(pool, self._looked, host)
        if isinstance(looks, str):
            await self._fails(host, host, looks)
            return
        self._answers(host)
        for log, found in looks.items():
            if isinstance(found, LogLook):
                self._answers(f"{host}/{log}")
                await self._tell(host, log, found)
            else:
                await self._fails(host, f"{host}/{log}", str(harmless(str(found))))

    def _looked(self, host: str) -> Looks | str:
        """What a look found, or why there was none: in a thread, and it never raises."""
        found: list[Looks] = []

        def work() -> Result:
            found.append(self._look(host))
            return {}

        result = result_of(work, host=host, action=NAME)
        return found[0] if found else str(result["msg"])

    def _look(self, host: str) -> Looks:
        """By a connection of its own: until the next look the server would drop it, or a ticket would run out."""
        connection = new_connection(host, self._settings.hosts[host])
        with ticket_of_its_own(connection), open_client(connection, host, self._settings.patience) as client:
            try:
                return look(client, self._memory.of(host), asked=time.time(), since_boot=self._settings.since_boot)
            finally:
                self._warn(weaknesses(connection))
                client.reset()

    def _warn(self, warnings: t.Iterable[str]) -> None:
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                LOGGER.warning("%s", warning)

    async def _tell(self, host: str, log: Log, found: LogLook) -> None:
        memory = found.memory
        self._memory.learn(host, log, memory)
        for event in found.news:
            await self._put(host_event(host, log, event))
            memory = memory.with_told(event)
            self._memory.learn(host, log, memory)
            self._save()
        self._memory.learn(host, log, memory.read_to_the_end(found.moment))

    async def _put(self, event: dict[str, t.Any]) -> None:
        await self._queue.put(event)
        if self._feedback is not None:
            await self._feedback.get()

    async def _fails(self, host: str, what: str, reason: str) -> None:
        """Say it when it begins, and when the reason changes."""
        if self._failing.get(what) == reason:
            return
        self._failing[what] = reason
        LOGGER.warning("%s", reason)
        if self._settings.tells_failures:
            await self._put(failure_event(host, reason))

    def _answers(self, what: str) -> None:
        if self._failing.pop(what, None) is not None:
            LOGGER.warning("%s answers again.", what)

    def _save(self) -> None:
        try:
            self._memory.save()
        except OSError as error:
            # Told twice after a restart is better than not at all.
            self._warn(
                [f"{error.filename} can't be written ({error.strerror}): after a restart events may come twice."]
            )


async def watch(queue: Queue, arguments: t.Mapping[str, t.Any]) -> None:
    """What ``main`` of the event source does; raises OptionError and ends only by being cancelled."""
    settings = settings_of(arguments)
    await EventSource(settings, queue, arguments.get(_FEEDBACK_QUEUE)).run()
