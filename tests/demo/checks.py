# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the demonstration: if one fails, it has not shown what it says."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from tests.demo.boots import BOOTS, Boots
from tests.demo.look import Standing
from tests.demo.page import Page
from tests.rehearsal.odds import STANDARD_ERRORS
from tests.tooling.ansible_programs import AnsibleRun

Check: t.TypeAlias = tuple[bool, str]
"""Whether it held, and its description."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything that was seen."""

    before: t.Mapping[str, Standing]
    page_before: Page
    fixed: AnsibleRun
    after: t.Mapping[str, Standing]
    page_after: Page
    again: AnsibleRun
    boots: c.Sequence[Boots]


def checks(story: Story) -> list[Check]:
    """Every check, in the order of the story."""
    servers = len(story.before)
    broken = frozenset(host for host, standing in story.before.items() if standing.hit)
    well = sum(standing.is_well for standing in story.after.values())
    changed = story.again.total("changed")
    lost = sum(boots.lost_after for boots in story.boots)
    return [
        (
            1 < len(broken) < servers,
            f"before: {len(broken)} of {servers} servers were broken, {servers - len(broken)} were not",
        ),
        (
            _ended_well(story.fixed, servers),
            f"the playbook: well on {_ended_on(story.fixed)} of {servers} servers",
        ),
        (well == servers, f"after: on {well} of {servers} servers every service runs and owns its ports"),
        (_ended_well(story.again, servers) and not changed, f"the second run: {changed} changes"),
        (all(boots.agrees for boots in story.boots), f"boots before: {_agreement(story.boots)}"),
        (lost == 0, f"boots after: {lost:,} of {servers * BOOTS:,} lost"),
        _told_by(story.page_before, story.page_after, broken),
    ]


def _told_by(before: Page, after: Page, broken: frozenset[str]) -> Check:
    holds = before.critical >= broken and not (after.critical or after.at_risk)
    endangered = sorted(before.critical - broken)
    more = f" and {', '.join(endangered)}, whose next boot may be worse than a service down" if endangered else ""
    critical = f"{len(before.critical)} servers critical before (the {len(broken)} that were broken{more})"
    at_risk = f"{before.at_risk} at risk before, {after.at_risk} after"
    return holds, f"the page: {critical}, {len(after.critical)} after; {at_risk}"


def _ended_on(run: AnsibleRun) -> int:
    return sum(not (counts["failures"] or counts["unreachable"]) for counts in run.recap.values())


def _ended_well(run: AnsibleRun, servers: int) -> bool:
    return run.exit_code == 0 and _ended_on(run) == servers


def _agreement(boots: c.Sequence[Boots]) -> str:
    lost = sum(item.lost_to_pool for item in boots)
    elsewhere = sum(item.lost_to_connections for item in boots)
    expected = sum(item.chance for item in boots) * BOOTS
    return (
        f"{lost:,} of {len(boots) * BOOTS:,} lost to the DNS server's pool, {expected:,.0f} expected; "
        f"each server within {STANDARD_ERRORS:g} standard errors; {elsewhere:,} more to outgoing connections"
    )
