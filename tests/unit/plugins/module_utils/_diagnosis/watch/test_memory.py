# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of one log: each event once, whatever happens to clocks and logs between two looks."""

from __future__ import annotations

import dataclasses
import datetime

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch import memory as watching
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.watch.memory import (
    MOST_EVENTS,
    MOST_TOLD,
    OVERLAP,
    LogMemory,
    Moment,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event

NOON = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc)


def minutes(count: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)


@dataclasses.dataclass
class Log:
    """A log, its server's clock, and who watches it."""

    clock: datetime.datetime = NOON
    asked: float = 1_000_000.0
    records: list[Event] = dataclasses.field(default_factory=list)
    written: int = 0
    memory: LogMemory | None = None

    def write(self, *, late: float = 0) -> Event:
        """An event of this moment, or of some minutes before."""
        self.written += 1
        time = (self.clock - minutes(late)).replace(microsecond=0)
        event = Event("System", self.written, "source", 7023, time, ())
        self.records.append(event)
        return event

    def pass_time(self, count: float) -> None:
        self.clock += minutes(count)
        self.asked += count * 60

    def clear(self) -> None:
        self.records, self.written = [], 0

    def look(self, *, since_boot: bool = False, boot: float = 60) -> list[Event]:
        """What the look tells."""
        moment = Moment(self.asked, self.clock, self.clock - minutes(boot))
        memory = self.memory or watching.begun(moment, since_boot=since_boot)
        found = [event for event in self.records if event.time >= memory.since(moment)]
        found = sorted(found, key=lambda event: (event.time, event.record), reverse=True)[:MOST_EVENTS]
        if self.memory is None:
            memory = watching.without_older(memory, found)
        news = memory.news(found)
        self.memory = memory.with_told(*news).read_to_the_end(moment)
        return list(news)


def test_the_first_look_tells_what_comes_from_now_on() -> None:
    log = Log()
    log.write(late=1)
    now = log.write()
    assert log.look() == [now]
    log.pass_time(5)
    later = log.write()
    assert log.look() == [later]
    assert log.look() == []


def test_the_first_look_may_begin_at_the_boot() -> None:
    log = Log()
    log.write(late=61)
    booting = log.write(late=59)
    assert log.look(since_boot=True) == [booting]
    log.pass_time(1)
    assert log.look(since_boot=True) == []


def test_a_log_that_was_cleared_starts_its_numbers_again() -> None:
    log = Log()
    log.look()
    told = [log.write() for _number in range(3)]
    log.pass_time(1)
    assert log.look() == told
    log.clear()
    log.pass_time(1)
    first = log.write()
    assert log.look() == [first]


def test_a_server_that_was_away_for_long_is_asked_for_all_of_it() -> None:
    log = Log()
    log.look()
    log.pass_time(5)
    event = log.write()
    log.pass_time(60 * 24 * 30)
    assert log.look() == [event]


def test_a_record_that_is_written_late_is_not_lost() -> None:
    log = Log()
    log.pass_time(30)
    log.look()
    late = log.write(late=OVERLAP.total_seconds() / 60 - 1)
    assert log.look() == [late]


def test_a_memory_of_the_future_does_not_blind() -> None:
    """The controller's own clock went back: the server's still tells from when to ask."""
    log = Log()
    log.look()
    log.pass_time(5)
    event = log.write()
    log.asked -= 1_000_000
    assert log.look() == [event]


def test_what_is_remembered_has_an_end() -> None:
    log = Log()
    log.look()
    for _number in range(5):
        log.pass_time(1)
        for _number in range(MOST_EVENTS):
            log.write()
        assert len(log.look()) == MOST_EVENTS
    assert log.memory is not None
    assert len(log.memory.told) == MOST_TOLD


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 9)),
        st.tuples(st.just("pass"), st.integers(0, 10_000)),
        st.tuples(st.just("clear"), st.just(1)),
        st.tuples(st.just("set clock"), st.integers(-10_000, 10_000)),
        st.tuples(st.just("look"), st.just(0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_each_event_is_told_once(steps: list[tuple[str, int]]) -> None:
    """With any order of events, pauses, cleared logs, and clocks that are set, once between two looks."""
    log, expected = Log(), list[Event]()
    log.pass_time(60)
    log.look()
    told: list[Event] = []
    was_set = False
    for step, count in steps:
        log.pass_time(1 / 60)
        # What was cleared before it was read is lost. A clock set twice may hide the time between.
        if step in ("look", "clear") or (step == "set clock" and was_set):
            told += log.look()
            was_set = False
        if step == "write":
            expected.append(log.write(late=count))
        elif step == "pass":
            log.pass_time(count)
        elif step == "clear":
            log.clear()
        elif step == "set clock":
            log.clock += minutes(count)
            was_set = True
    told += log.look()
    assert sorted(told, key=watching.identity) == sorted(expected, key=watching.identity)
