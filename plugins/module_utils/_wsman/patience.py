# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of repetition: how often a message is sent again, and how long a whole task may take."""

from __future__ import annotations

import contextlib
import time
import typing as t

LONGEST_PAUSE: t.Final = 30.0
"""Seconds to which the pauses between two tries grow."""
OVERTIME: t.Final = 120.0
"""Seconds to put things in order once the deadline has struck: start what was stopped, close the shell."""


class Patience(t.NamedTuple):
    """The wish of a task.

    ``retries``: how often one message is sent again, 0 or more; ``retry_delay``: seconds to the first of these tries,
    doubled for each one more, up to LONGEST_PAUSE (or ``retry_delay`` itself, if that is longer); ``deadline``:
    seconds for the whole task.
    """

    retries: int = 3
    retry_delay: float = 1.0
    deadline: float = 600.0

    def pauses(self) -> tuple[float, ...]:
        """Seconds before each further try."""
        longest = max(LONGEST_PAUSE, self.retry_delay)
        # Beyond 2**16 no pause grows, and Python's floats end at 2**1023.
        return tuple(min(self.retry_delay * 2 ** min(number, 16), longest) for number in range(self.retries))


USUAL_PATIENCE: t.Final = Patience()
"""What a task gets that does not say."""
ONE_TRY: t.Final = Patience(retries=0, deadline=float("inf"))
"""For looks at a server that may be down: who looks decides when to look again, and for how long."""


class Deadline:
    """The end of a task on a clock. Waits that have limits of their own put it off by the time that they take.

    When it has struck once, OVERTIME is left for putting things in order; then nothing is left.

    :param seconds: from now on; infinity is allowed.
    :param clock: monotonic seconds.
    """

    def __init__(self, seconds: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.seconds: t.Final = seconds
        self._clock = clock
        self._end = seconds if seconds == float("inf") else clock() + seconds
        self._has_struck = False

    @property
    def left(self) -> float:
        """Seconds; 0 or less if it is over."""
        return self._end if self._end == float("inf") else self._end - self._clock()

    def strike(self) -> None:
        """Begin the overtime, once."""
        if not self._has_struck:
            self._has_struck = True
            self._end = self._clock() + OVERTIME

    @contextlib.contextmanager
    def put_off(self, seconds: float) -> t.Iterator[None]:
        """Room for a wait of at most so many seconds; what it does not use is taken back."""
        began, had_struck = self._clock(), self._has_struck
        self._end += seconds
        try:
            yield
        finally:
            # If it struck meanwhile, the overtime was counted from then on, without this room.
            if self._has_struck == had_struck:
                self._end -= max(seconds - (self._clock() - began), 0.0)
