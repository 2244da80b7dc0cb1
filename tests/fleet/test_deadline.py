# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The deadline of a task, whenever it strikes: nothing that the task stopped stays stopped, and the next run finishes.

In this process: the server answers so slowly that the deadline strikes at every one of the task's messages in turn.
"""

from __future__ import annotations

import re
import typing as t

import pytest

from tests.fleet.host_cases import HostCase, Json, Step, TaskRun
from tests.fleet.in_process import CaseRunner
from tests.fleet.role_contract import content
from tests.fleet.snapshot import Snapshot

SLOW_SECONDS: t.Final = 5.0
"""What each message takes on the slow line."""
RELIEF: t.Final[Json] = {
    "resources": [{"reserved_ports": {"ports": ["50389", "50636"]}}],
    "victims": [{"service": "ADAM_MSExchange", "ports": ["50389", "50636"]}],
    "relieve": True,
    "restart_dns": True,
    "stop_owners": True,
}
POOL: t.Final[Json] = {"size": 3000, "restart": True}
Wish = tuple[Json, str, Json]
"""A server, a module and its options: each stops DNS and starts it again."""
WISHES: t.Final[dict[str, Wish]] = {
    "converge on 2003": ({"release": "2003", "roles": ["exchange_edge", "dns"], "broken": True}, "converge", RELIEF),
    "converge on 2022": ({"release": "2022", "roles": ["exchange_edge", "dns"], "broken": True}, "converge", RELIEF),
    "dns_socket_pool": ({"release": "2012r2", "roles": ["dns"]}, "dns_socket_pool", POOL),
}


class SlowRunner(CaseRunner):
    """A case over a line on which each message takes its time, until it is made fast again."""

    message_seconds = 0.0

    def send(self, envelope: bytes) -> bytes:
        self._server.pass_time(self.message_seconds)
        return super().send(envelope)


def runner(wish: Wish) -> SlowRunner:
    server, _module, _options = wish
    return SlowRunner(HostCase(id="slow", server=server, steps=()))


def step(wish: Wish, **shared: t.Any) -> Step:
    _server, module, options = wish
    return Step(module=module, options={**options, **shared})


def on_a_slow_line(wish: Wish, deadline: int) -> tuple[SlowRunner, TaskRun]:
    played = runner(wish)
    played.message_seconds = SLOW_SECONDS
    task_run = played.run_step(step(wish, deadline=deadline))
    played.message_seconds = 0.0
    return played, task_run


@pytest.mark.parametrize("name", WISHES)
def test_whenever_the_deadline_strikes_nothing_stays_stopped_and_the_next_run_finishes(name: str) -> None:
    wish = WISHES[name]
    usual = runner(wish).run_step(step(wish))
    assert (usual.event, usual.result["changed"]) == ("ok", True), usual.message
    running = {service for service in usual.before.data["services"] if usual.before.runs(service)}
    struck = 0
    for deadline in range(1, int(usual.count * SLOW_SECONDS) + 20, int(SLOW_SECONDS)):
        played, task_run = on_a_slow_line(wish, deadline)
        if task_run.event == "ok":
            break
        struck += 1
        assert re.search(rf"used up its {deadline} seconds.*run this again", task_run.message), task_run.message
        assert not {one for one in running if not task_run.after.runs(one)}, (deadline, task_run.message)
        again = played.run_step(step(wish))
        assert again.event == "ok", (deadline, again.message)
        assert configured(again.after) == configured(usual.after), deadline
        assert again.after.runs("DNS")
    assert struck >= 8
    assert task_run.event == "ok", task_run.message


def configured(snapshot: Snapshot) -> t.Any:
    """What was written, but for the times in the journal."""
    return content(snapshot)


def test_waits_for_services_do_not_count() -> None:
    """A server that takes longer to stop and to start DNS than the task may take by its deadline."""
    slow = {"release": "2022", "roles": ["dns"], "time_scale": 1.0}
    played = SlowRunner(HostCase(id="slow", server=slow, steps=()))
    task_run = played.run_step(Step(module="dns_socket_pool", options={**POOL, "deadline": 2}))
    assert task_run.event == "ok", task_run.message
    assert task_run.after.runs("DNS")


@pytest.mark.parametrize(
    ("option", "value"), [("deadline", 0), ("retries", -1), ("retries", 101), ("retry_delay", -1), ("deadline", 90000)]
)
def test_impossible_wishes_are_refused_before_anything_is_sent(option: str, value: int) -> None:
    played = runner(WISHES["dns_socket_pool"])
    task_run = played.run_step(step(WISHES["dns_socket_pool"], **{option: value}))
    assert task_run.event == "failed"
    assert task_run.message.startswith(f"{option}: {float(value) if option == 'retry_delay' else value} is not between")
    assert task_run.count == 0
