# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifications without the program: over a simulated server in this process, through the gate."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import Feature
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.options import probes_of
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe, Result
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_boots import Boots, reboot_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.verify import Verified, verify
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NoConnection
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import ONE_TRY
from tests.fleet.host_cases import Json
from tests.fleet.snapshot import Snapshot
from tests.simulator.direct import DirectServer
from tests.simulator.wire.counters import Counters, LoggedRequest

MESSAGE_SECONDS: t.Final = 0.02
PIECES: t.Final = ("Pull", "Receive")
"""Messages that fetch the further pieces of long lists and texts."""


class Line:
    """The transport to a simulated server."""

    host = "server"

    def __init__(self, server: DirectServer, *, breaks_at: int = 0, delivered: bool = False) -> None:
        """``breaks_at``: the connection ends at this message, after it has come through if ``delivered``; 0: never."""
        self._server = server
        self._breaks_at = breaks_at
        self._delivered = delivered
        self.sent: list[bytes] = []

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        self._server.pass_time(MESSAGE_SECONDS)
        self.sent.append(envelope)
        if 0 < self._breaks_at <= len(self.sent):
            if self._delivered and len(self.sent) == self._breaks_at:
                self._server.answer(envelope)
            raise NoConnection(host=self.host, meaning="no connection")
        if not self._server.is_listening:
            raise NoConnection(host=self.host, meaning="no connection")
        return self._server.answer(envelope)

    def reset(self) -> None:
        """There is no connection."""


@dataclasses.dataclass(frozen=True)
class Looked:
    """A verification that is over, and what the server received for it; the server before and after."""

    verified: Verified
    log: tuple[LoggedRequest, ...]
    before: Snapshot
    after: Snapshot

    @property
    def by_probe(self) -> dict[str, Result]:
        """The results by the probes' names."""
        return {result.probe.id: result for result in self.verified.results}

    @property
    def requests(self) -> int:
        """Those that are no further pieces."""
        return sum(1 for one in self.log if one.method not in PIECES)


LOOK: t.Final = tuple(probes_of("look", PROBES))
TOUCH: t.Final = tuple(probe for probe in PROBES if probe.grade == "touch")
LAB: t.Final = tuple(probe for probe in PROBES if probe.grade == "lab")


def clock_of(server: DirectServer) -> Clock:
    """The time of a server as the controller's."""
    return Clock(now=lambda: server.now, monotonic=lambda: server.now, sleep=server.pass_time)


def boots_of(server: DirectServer) -> Boots:
    """How a lab reboots a server in this process."""
    clock = clock_of(server)

    def looking() -> contextlib.AbstractContextManager[Client]:
        client = Client(Line(server), patience=ONE_TRY, clock=clock.monotonic, sleep=clock.sleep)
        return contextlib.nullcontext(client)

    return Boots(looking, reboot_of(600))


def looked(
    host: Json, probes: t.Sequence[Probe] = LOOK, *, reboots: bool = True, install: t.Collection[Feature] = ()
) -> Looked:
    """Verify a simulated server, by default by looks alone; a lab reboots it unless that is ruled out."""
    counters = Counters()
    server = DirectServer({"name": "server", **host}, counters=counters)
    before = Snapshot(server.state())
    boots = boots_of(server) if reboots else None
    verified = verify(Line(server), probes, clock=clock_of(server), boots=boots, install=install)
    return Looked(verified, tuple(counters.log), before, Snapshot(server.state()))
