# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python imports this at its start if its folder is in PYTHONPATH: connections to WinRM are then refused now and then.

``REFUSED_FIRST`` is how many connections of each worker process are refused before one is let through (each task has a
worker of its own); ``REFUSED_SHARE`` is the share of all others, from 0 to 1.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import typing as t

from urllib3.util import connection

_let_through = connection.create_connection
_tries: dict[int, int] = {}


def _create_connection(*arguments: t.Any, **options: t.Any) -> socket.socket:
    worker = os.getpid()
    _tries[worker] = _tries.get(worker, 0) + 1
    share = float(os.environ.get("REFUSED_SHARE", "0"))
    # random is seeded anew in each process, else all workers would draw the same.
    if _tries[worker] <= int(os.environ.get("REFUSED_FIRST", "0")) or random.SystemRandom().random() < share:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    return _let_through(*arguments, **options)


connection.create_connection = _create_connection
