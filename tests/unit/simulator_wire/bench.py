# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A served host with a stub behind it: the event loop runs in a thread, since the clients block."""

from __future__ import annotations

import asyncio
import collections.abc as c
import contextlib
import pathlib
import threading
import time
import typing as t

from tests.simulator.wire.host import SimulatedHost, WireSettings
from tests.unit.simulator_wire.stub import StubServer


class Bench:
    """A served host, and the loop that serves it."""

    def __init__(self, host: SimulatedHost, stub: StubServer, loop: asyncio.AbstractEventLoop) -> None:
        self.host = host
        self.stub = stub
        self.loop = loop

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.host.listener.port}/wsman"

    def follow(self) -> None:
        """Let the listener follow the state of the stub."""
        self.call(self.host.follow)

    def call(self, function: c.Callable[[], t.Any]) -> t.Any:
        """Run something in the loop's thread."""

        async def run() -> t.Any:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(5)


@contextlib.contextmanager
def serving(stub: StubServer, settings: WireSettings, directory: pathlib.Path) -> c.Iterator[Bench]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> SimulatedHost:
        host = SimulatedHost("stub", stub, settings, clock=time.time, directory=directory)
        host.follow()
        return host

    host = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
    try:
        yield Bench(host, stub, loop)
    finally:

        async def stop() -> None:
            host.listener.give_up()
            await asyncio.sleep(0.01)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


Serve: t.TypeAlias = c.Callable[..., Bench]
