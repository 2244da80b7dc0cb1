# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An alarm for messages that take too long. One thread watches all messages of a session: a thread for each of them
costs as much as the message's HTTP."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t


class Alarm:
    """Calls ``ring`` in a thread of its own if something takes too long.

    The thread begins with the first use. It ends with ``stop``, or when it finds nothing to watch at its next look,
    which is at the latest when the time of the use before would have been over.
    """

    def __init__(self, ring: t.Callable[[], None]) -> None:
        self._ring = ring
        self._changed = threading.Condition()
        self._end: float | None = None
        self._next_look: float | None = None
        """None if there is no thread."""

    @contextlib.contextmanager
    def after(self, seconds: float) -> t.Iterator[None]:
        """Ring once if what is done inside takes longer; it is over when this ends."""
        self._watch_until(time.monotonic() + seconds)
        try:
            yield
        finally:
            # The thread is not woken for this: it sees it at its next look.
            with self._changed:
                self._end = None

    def stop(self) -> None:
        """Let the thread end if it has nothing to watch; the next use begins another."""
        with self._changed:
            self._changed.notify()

    def _watch_until(self, end: float) -> None:
        with self._changed:
            self._end = end
            if self._next_look is None:
                self._next_look = end
                threading.Thread(target=self._watch, name="portkeeper-alarm", daemon=True).start()
            elif end < self._next_look:
                self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while self._end is not None:
                left = self._end - time.monotonic()
                if left <= 0:
                    self._end = None
                    self._ring()
                else:
                    self._next_look = self._end
                    self._changed.wait(left)
            self._next_look = None
