# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the DNS server to hold port 53, over a simulated server: how often it is looked at, and for how long."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import AwaitDns
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock, apply
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.engine import identified
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from tests.simulator.direct import DirectServer

TIMEOUT = 120
MESSAGE_SECONDS = 0.02


class Line:
    """Messages to a simulated server, in its time."""

    host = "server"

    def __init__(self, server: DirectServer) -> None:
        self.server = server
        self.clock = Clock(now=self.now, monotonic=self.now, sleep=server.pass_time)
        self.client = Client(self, clock=self.now)

    def now(self) -> float:
        return self.server.now

    def send(self, envelope: bytes) -> bytes:
        self.server.pass_time(MESSAGE_SECONDS)
        return self.server.answer(envelope)

    def reset(self) -> None:
        """There is no connection."""

    def wait(self) -> None:
        release = identified("server", read_operating_system(self.client))
        with Target(self.client, release.capabilities) as target:
            apply(target, AwaitDns(TIMEOUT), self.clock)


def line(release: str, *, serves: bool) -> Line:
    server = DirectServer({"release": release, "roles": ["dns"]})
    if not serves:
        server.act({"do": "kill_service", "service": "DNS"})
    return Line(server)


@pytest.mark.parametrize("release", ["2003", "2008r2", "2022"])
def test_a_port_that_is_not_taken_is_looked_for_less_and_less_often_and_not_for_ever(release: str) -> None:
    waiting = line(release, serves=False)
    began = waiting.now()
    with pytest.raises(WindowsError, match=f"does not hold its port {TIMEOUT} seconds after its start"):
        waiting.wait()
    assert TIMEOUT <= waiting.now() - began < TIMEOUT + 5
    assert waiting.client.requests <= 75  # at an even pace of a second these would be 240 and more


@pytest.mark.parametrize("release", ["2003", "2022"])
def test_a_port_that_is_held_needs_no_wait(release: str) -> None:
    waiting = line(release, serves=True)
    began = waiting.now()
    waiting.wait()
    assert waiting.now() - began < 1
