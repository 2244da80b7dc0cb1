# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info``: the table of subsets, and all that was asked gathered into one report."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.table import findings
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions, SubsetName
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo, UnreadRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.dns_pool import dns_pool
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.effectiveness import (
    configured_versus_effective,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.holders import sockets
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.ranges import (
    dynamic_ranges,
    reservations,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.risk import risk
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.roles import roles
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.server import (
    ad_lds_instances,
    release,
    updates,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.services import services
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.unread import unread_rows
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import (
    Gap,
    PortInfoView,
    Subset,
    SubsetAnswer,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Facts, FactsNeeded, FactUnread
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain

SUBSETS: t.Final[t.Mapping[SubsetName, Subset]] = {
    "release": release,
    "updates": updates,
    "dynamic_ranges": dynamic_ranges,
    "reservations": reservations,
    "dns_pool": dns_pool,
    "sockets": sockets,
    "ad_lds": ad_lds_instances,
    "services": services,
    "roles": roles,
    "configured_versus_effective": configured_versus_effective,
    "risk": risk,
    "findings": findings,
}


@dataclasses.dataclass(frozen=True, slots=True)
class PortInfoReport:
    """The answer, rows by subset; ``None`` if it can't be given, and a warning says why."""

    release: Release
    inquiry: PortInfoOptions
    values: t.Mapping[str, t.Any]
    warnings: tuple[str, ...] = ()
    unread: tuple[UnreadRow, ...] = ()
    """What could not be read, and what rests on it."""

    @property
    def info(self) -> PortInfo:
        """The same as one row, in which a subset that was not gathered is ``None``."""
        return PortInfo(**self.values, unread=self.unread)

    @property
    def lost(self) -> frozenset[str]:
        """The subsets that are not known for want of a reading."""
        return frozenset(name for row in self.unread for name in row.lost)

    @property
    def tells_anything(self) -> bool:
        """True if more than the release is known, which is read before anything else, or if no more was asked."""
        asked = frozenset(self.inquiry.subsets) - {"release"}
        return not asked or not asked <= self.lost

    def plain(self) -> dict[str, t.Any]:
        """The subsets as the user gets them."""
        return t.cast("dict[str, t.Any]", as_plain({**self.values, "unread": self.unread}))


def gather(inquiry: PortInfoOptions, facts: Facts, release: Release, now: float) -> PortInfoReport:
    """All subsets that are asked for; the questions of all of them are asked together.

    ``now`` is the controller's clock, seconds since the epoch (UTC). Raises FactsNeeded.
    """
    view = PortInfoView(Context(facts=facts, release=release, journal=None, now=now), inquiry)
    answers: dict[SubsetName, SubsetAnswer] = {}
    needed: frozenset[t.Any] = frozenset()
    for name in inquiry.subsets:
        try:
            answers[name] = SUBSETS[name](view)
        except FactsNeeded as question:
            needed |= question.facts
        except FactUnread as gap:
            answers[name] = SubsetAnswer(None, gaps=(Gap(gap.fact, name),))
        except PlanError as error:
            answers[name] = SubsetAnswer(None, (f"{name} is not known: {error}",))
    if needed:
        raise FactsNeeded(needed)
    return _report(inquiry, release, answers, facts)


def _report(
    inquiry: PortInfoOptions, release: Release, answers: t.Mapping[SubsetName, SubsetAnswer], facts: Facts
) -> PortInfoReport:
    unread = unread_rows(facts.unread, (gap for answer in answers.values() for gap in answer.gaps))
    values: dict[str, t.Any] = {name: answer.value for name, answer in answers.items()}
    said = tuple(text for answer in answers.values() for text in answer.warnings)
    return PortInfoReport(release, inquiry, values, (*said, *map(_warning, unread)), unread)


def _warning(row: UnreadRow) -> str:
    lost = f" Not known for want of it: {', '.join(row.lost)}." if row.lost else ""
    return f"Could not read {row.reading}: {row.reason}{lost}"
