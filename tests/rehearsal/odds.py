# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two answers to one question: the formula's for a server, and that of its twin's boots."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import math
import typing as t

from tests.tooling.text_tables import INDENT, table

STANDARD_ERRORS: t.Final = 3.0

Json: t.TypeAlias = c.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Odds:
    """``risk`` as ``port_info`` returns it, ``lottery`` as the simulator counts it."""

    risk: Json
    lottery: Json

    @property
    def chance(self) -> float:
        """The closed form for the server."""
        return float(self.risk["probability"])

    @property
    def boots(self) -> int:
        """How often the twin was booted."""
        return int(self.lottery["boots"])

    @property
    def lost(self) -> int:
        """In how many boots a service lost a port."""
        return int(self.lottery["victim_failures"])

    @property
    def agrees(self) -> bool:
        """Whether both agree within three standard errors of so many boots."""
        return within_error(self.lost, self.boots, self.chance)


def within_error(lost: int, boots: int, chance: float) -> bool:
    """Whether a count is within three standard errors of what a probability lets expect.

    Probabilities come rounded to six digits: half a unit of the last one is added.
    """
    error = math.sqrt(chance * (1 - chance) / boots)
    return abs(lost / boots - chance) <= STANDARD_ERRORS * error + 5e-7


def as_table(before: Odds, after: Odds) -> str:
    """Both for a reader."""
    headings = ("", "DNS draws", "closed form", "boots lost", "rate", "agree")
    rows = [
        (name, _draw(odds.risk), f"{odds.chance:.2%}", f"{odds.lost:,}", f"{odds.lost / odds.boots:.2%}", _yes(odds))
        for name, odds in (("before", before), ("after", after))
    ]
    return table(headings, rows)


def by_service(before: Odds, after: Odds) -> c.Iterator[str]:
    """How often each service did not run, also those that only need another one."""
    names = sorted({*before.lottery["by_service"], *after.lottery["by_service"]})
    yield "" if not names else "\nBoots after which a service did not run (also for the sake of another one):"
    for name in names:
        counts = [odds.lottery["by_service"].get(name, 0) for odds in (before, after)]
        yield f"{INDENT}{name}: {counts[0]:,} before, {counts[1]:,} after"
    if before.lottery["block_modes"]:
        cut_off = [odds.lottery["block_modes"] for odds in (before, after)]
        yield f"{INDENT}the whole server cut off by IPsec block mode: {cut_off[0]:,} before, {cut_off[1]:,} after"


def _draw(risk: Json) -> str:
    if not risk["drawn"]:
        return "nothing"
    return f"{risk['drawn']:,} of {risk['drawable']:,} ({risk['range']['first']}-{risk['range']['last']})"


def _yes(odds: Odds) -> str:
    return "yes" if odds.agrees else "NO"
