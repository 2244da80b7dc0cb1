# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots as the lottery that they are: how many of them cost a service its port, drawn, and by the closed form."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import math
import typing as t

from tests.demo.look import PORTS
from tests.simulator.control import ControlClient
from tests.tooling.text_tables import table

BOOTS: t.Final = 1000
STANDARD_ERRORS: t.Final = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class Draw:
    """What the DNS server draws at each boot: so many different ports out of a range, both ends included."""

    ports: int
    first: int
    last: int

    @property
    def chance(self) -> float:
        """The closed form: the probability that it draws one port of PORTS, or several."""
        width = self.last - self.first + 1
        wanted = sum(self.first <= port <= self.last for port in PORTS)
        spared = math.comb(width - wanted, self.ports) / math.comb(width, self.ports)
        return 1.0 - spared

    def __str__(self) -> str:
        return f"{self.ports:,} of {self.first}-{self.last}"


POOL: t.Final = Draw(2500, 49152, 65535)
"""The socket pool of the update of 2008 (KB951746) and of every release since; MaxUserPort is not set in the fleet."""

NO_POOL: t.Final = Draw(1, 1025, 5000)
"""Windows Server 2003 without the update: one port, as the TCP/IP stack gives it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Boots:
    """A server's boots with its configuration before the fix and after it; ``lost``: a service lost its port."""

    host: str
    draw: Draw
    lost_before: int
    lost_after: int

    @property
    def agrees(self) -> bool:
        """Whether the boots before agree with the closed form within three standard errors."""
        chance = self.draw.chance
        error = math.sqrt(BOOTS * chance * (1 - chance))
        return abs(self.lost_before - BOOTS * chance) <= STANDARD_ERRORS * error


def draw_of(scenario_entry: t.Mapping[str, t.Any]) -> Draw:
    """What DNS draws on a host of the demonstration's scenario before the fix."""
    return POOL if scenario_entry.get("update", True) else NO_POOL


def lost_boots(control: ControlClient, hosts: c.Iterable[str]) -> dict[str, int]:
    """Boot each server's twins with seeds of their own, and count the boots that broke a service.

    Twins have the server's disk as it is now and run the same boot; the server itself goes on undisturbed.
    """
    return {
        host: control.host(host).lottery(BOOTS, seed=number * BOOTS)["victim_failures"]
        for number, host in enumerate(hosts)
    }


def as_table(all_boots: c.Iterable[Boots]) -> str:
    """The boots for a reader."""
    headings = ("server", "before, DNS draws", "closed form", "lost before", "lost after")
    return table(
        headings,
        (
            (boots.host, boots.draw, f"{boots.draw.chance:.1%}", boots.lost_before, boots.lost_after)
            for boots in all_boots
        ),
    )
