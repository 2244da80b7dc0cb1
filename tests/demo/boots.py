# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots as the lottery that they are: how many of them cost a service its port, drawn, and by the closed form."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from tests.demo.page import Page
from tests.rehearsal.odds import within_error
from tests.simulator.control import ControlClient
from tests.tooling.text_tables import table

BOOTS: t.Final = 1000

# The push to mobile devices is no service of Windows: a worker process opens its port, and the fleet counts it alone.
_PUSH: t.Final = "AUTD"

Lottery: t.TypeAlias = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Boots:
    """A server's boots with its configuration before the fix and after it, and the risk that port_info computed before.

    ``drawn`` of so many ``drawable`` ports are taken at each boot; ``chance`` is the closed form of a loss, which
    speaks of the DNS server's pool alone: ``lost_to_connections`` are boots that cost a TCP port, which only outgoing
    connections take. A boot that cost both would be counted twice; no server here has both.
    """

    host: str
    drawn: int
    drawable: int
    chance: float
    lost_before: int
    lost_to_connections: int
    lost_after: int
    losers: t.Mapping[str, int]

    @property
    def lost_to_pool(self) -> int:
        """The boots before of which the closed form speaks."""
        return self.lost_before - self.lost_to_connections

    @property
    def agrees(self) -> bool:
        """Whether the boots lost to the pool agree with the closed form within three standard errors."""
        return within_error(self.lost_to_pool, BOOTS, self.chance)


def lotteries(control: ControlClient, hosts: c.Iterable[str], watch: c.Callable[[str], None]) -> dict[str, Lottery]:
    """Boot each server's twins with seeds of their own, and count the boots that broke a service.

    Twins have the server's disk as it is now and run the same boot; the server itself goes on undisturbed. ``watch`` is
    given the name of each server whose boots are counted.
    """
    found: dict[str, Lottery] = {}
    for number, host in enumerate(hosts):
        found[host] = control.host(host).lottery(BOOTS, seed=number * BOOTS)
        watch(host)
    return found


def compared(page: Page, before: t.Mapping[str, Lottery], after: t.Mapping[str, Lottery]) -> list[Boots]:
    """Both counts, and the risk on the page from before."""
    return [_boots(host, page, before[host], after[host]) for host in before]


def _boots(host: str, page: Page, before: Lottery, after: Lottery) -> Boots:
    risk = page.risks[host]
    own = page.services[host] | {_PUSH}
    losers = {name: count for name, count in before["by_service"].items() if name in own}
    return Boots(
        host=host,
        drawn=risk["drawn"],
        drawable=risk["drawable"],
        chance=risk["probability"],
        lost_before=before["victim_failures"],
        lost_to_connections=sum(losers.get(name, 0) for name in page.tcp_only[host]),
        lost_after=after["victim_failures"],
        losers=losers,
    )


def as_table(all_boots: c.Iterable[Boots]) -> str:
    """The boots for a reader."""
    headings = ("server", "before, DNS draws", "closed form", "lost before", "lost after", "who lost before")
    return table(headings, map(_row, all_boots))


def _row(boots: Boots) -> tuple[object, ...]:
    drawn = f"{boots.drawn:,} of {boots.drawable:,}" if boots.drawn else "nothing"
    losers = ", ".join(f"{name} {count}" for name, count in sorted(boots.losers.items(), key=lambda item: -item[1]))
    return boots.host, drawn, f"{boots.chance:.1%}", boots.lost_before, boots.lost_after, losers
