# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a child process: started, waited for, and ended with the context."""

from __future__ import annotations

import collections.abc as c
import contextlib
import pathlib
import socket
import subprocess
import time
import typing as t

ROOT: t.Final = pathlib.Path(__file__).resolve().parents[2]
END_SECONDS: t.Final = 10.0
"""How long a process gets to end by itself."""


@contextlib.contextmanager
def child_process(
    command: c.Sequence[str], *, log: pathlib.Path, environment: c.Mapping[str, str], user: int | None = None
) -> c.Iterator[subprocess.Popen[bytes]]:
    """A program that runs at the root of the sources and writes to this log; it is ended with the context."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def becomes_ready(process: subprocess.Popen[bytes], is_ready: c.Callable[[], bool], seconds: float) -> bool:
    """Wait until the process is ready; False if it has ended before, or is not ready within these seconds."""
    deadline = time.monotonic() + seconds
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def listens(port: int) -> bool:
    """True if something takes connections on this port of 127.0.0.1."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
