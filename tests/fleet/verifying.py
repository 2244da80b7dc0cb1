# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifications without the program: over a simulated server in this process, through the gate."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe, Result
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.table import PROBES
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.look import Verified, look
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

    def __init__(self, server: DirectServer) -> None:
        self._server = server

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        self._server.pass_time(MESSAGE_SECONDS)
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


def looked(host: Json, probes: t.Sequence[Probe] = PROBES) -> Looked:
    """Look at a simulated server."""
    counters = Counters()
    server = DirectServer({"name": "server", **host}, counters=counters)
    before = Snapshot(server.state())
    verified = look(Line(server), probes)
    return Looked(verified, tuple(counters.log), before, Snapshot(server.state()))
