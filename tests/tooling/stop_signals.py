# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ctrl-C, and a polite kill: everything that was started is stopped, and one word is said."""

from __future__ import annotations

import collections.abc as c
import contextlib
import signal
import sys
import types


@contextlib.contextmanager
def interruptible() -> c.Iterator[None]:
    """Leave by SystemExit on SIGINT and SIGTERM, so that every context inside ends what it has started."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except KeyboardInterrupt:
        print("\nInterrupted; everything that was started is stopped.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt
