# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread for many messages: it rings for the one that is too late, and for no other."""

from __future__ import annotations

import sys
import threading
import time

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.alarm import Alarm

LONG = 3600.0
PATIENCE = 10.0


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "portkeeper-alarm"]


def _ends(thread: threading.Thread) -> bool:
    thread.join(PATIENCE)
    return not thread.is_alive()


def _until_it_watches(thread: threading.Thread) -> None:
    """A thread that finds nothing to watch when it begins would end at once."""
    end = time.monotonic() + PATIENCE
    while sys._current_frames()[thread.ident or 0].f_code is not threading.Condition.wait.__code__:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_it_rings_once_if_something_takes_too_long() -> None:
    rung = threading.Event()
    with Alarm(rung.set).after(0.01):
        assert rung.wait(PATIENCE)


def test_a_shorter_time_is_kept_after_a_longer_one() -> None:
    rung = threading.Event()
    alarm = Alarm(rung.set)
    with alarm.after(LONG):
        pass
    with alarm.after(0.01):
        assert rung.wait(PATIENCE)


def test_it_does_not_ring_for_what_was_in_time() -> None:
    rung = threading.Event()
    before = _threads()
    alarm = Alarm(rung.set)
    with alarm.after(0.05):
        (thread,) = [thread for thread in _threads() if thread not in before]
    assert _ends(thread)
    assert not rung.is_set()


def test_it_rings_again_for_the_next_one() -> None:
    rung = threading.Event()
    alarm = Alarm(rung.set)
    for _number in range(3):
        rung.clear()
        with alarm.after(0.01):
            assert rung.wait(PATIENCE)


def test_all_messages_have_one_thread_and_it_ends_with_the_session() -> None:
    before = _threads()
    alarm = Alarm(lambda: None)
    with alarm.after(LONG):
        (thread,) = [thread for thread in _threads() if thread not in before]
        _until_it_watches(thread)
    for _number in range(20):
        with alarm.after(LONG):
            assert [thread for thread in _threads() if thread not in before] == [thread]
    alarm.stop()
    assert _ends(thread)
    with alarm.after(LONG):
        (other,) = [thread for thread in _threads() if thread not in before]
    assert other is not thread
    alarm.stop()
    assert _ends(other)
