# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request's view of the server: who asks, when, and what there is to look at."""

from __future__ import annotations

import dataclasses
import datetime

from tests.simulator.windows.interface import User
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.power import Power
from tests.simulator.windows.scm import ServiceManager
from tests.simulator.windows.session import Session


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """The server as one request finds it; ``now`` is true time in seconds since the Unix epoch."""

    machine: Machine
    session: Session
    power: Power
    user: User
    now: float

    @property
    def manager(self) -> ServiceManager:
        """The service manager at this moment."""
        return ServiceManager(self.session, self.now)

    def clock(self, moment: float) -> datetime.datetime:
        """Return what the server's own clock shows or showed at a moment of true time."""
        return datetime.datetime.fromtimestamp(moment + self.machine.clock_offset, datetime.timezone.utc)
