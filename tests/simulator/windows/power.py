# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shutting down and booting: the phases of a server between two sessions."""

from __future__ import annotations

import dataclasses
import typing as t

PowerEvent: t.TypeAlias = t.Literal["shutdown", "silent", "boot"]

GOODBYE_SECONDS: t.Final = 2.0
STOPPING_SECONDS: t.Final = 8.0
FIRMWARE_SECONDS: t.Final = 10.0
LEAST_GOODBYE_SECONDS: t.Final = 0.3
"""However short the simulated durations are, the answer to the request for the reboot must get out."""


@dataclasses.dataclass(slots=True)
class Power:
    """The next change of the server's power, and its time (true time); ``on`` is false between two sessions."""

    on: bool = True
    network: bool = True
    shutting_down: bool = False
    agenda: list[tuple[float, PowerEvent]] = dataclasses.field(default_factory=list)
    restart: bool = True
    seed: int | None = None
    reason: str = ""

    @property
    def shutdown_scheduled(self) -> bool:
        """Whether a shutdown waits for its time (``shutdown /t``) and can still be called off."""
        return any(event == "shutdown" for _due, event in self.agenda)

    def order(self, *, at: float, restart: bool, seed: int | None = None, reason: str = "") -> None:
        """Order a shutdown or a restart that begins at a moment."""
        self.agenda = [(at, "shutdown")]
        self.restart, self.seed, self.reason = restart, seed, reason

    def call_off(self) -> bool:
        """Cancel a shutdown that has not begun; false when there is none."""
        scheduled = self.shutdown_scheduled
        if scheduled:
            self.agenda = []
        return scheduled

    def begin(self, now: float, *, time_scale: float) -> None:
        """Begin the shutdown phase and schedule the rest."""
        self.shutting_down = True
        silent = now + max(GOODBYE_SECONDS * time_scale, LEAST_GOODBYE_SECONDS)
        self.agenda = [(silent, "silent")]
        if self.restart:
            self.agenda.append((silent + (STOPPING_SECONDS + FIRMWARE_SECONDS) * time_scale, "boot"))

    def take_due(self, now: float) -> tuple[float, PowerEvent] | None:
        """Return and remove the first event that is due."""
        if self.agenda and self.agenda[0][0] <= now:
            return self.agenda.pop(0)
        return None
