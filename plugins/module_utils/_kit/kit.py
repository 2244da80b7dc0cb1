# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kit of one server: the plan of the same planners as over the network, from the files of a look, as files.

The values that are there are not merged on the server: its console can't do arithmetic with lists of ports, and can't
read a list from the registry at all where reg.exe is missing. So the server is looked at, the plan is made here, and
the scripts refuse if the server has changed since.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence, converge
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.module_utils._kit import readme, scripts
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.answers import answer
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.changes import Course, course_of
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.look import Look
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import KitRelease, refuse_old_pack
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Facts, FactsNeeded
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT

README: t.Final = "README.txt"
_ROUNDS: t.Final = 30
"""Rounds of questions; a planner that asks more often is wrong."""


@dataclasses.dataclass(frozen=True, slots=True)
class Kit:
    """The files of a kit by their paths in its folder, and what they are about."""

    files: t.Mapping[str, bytes]
    complete: bool
    """False: only the look, which must be brought back first."""
    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    reboot_required: bool = False


def look_kit(kit: KitRelease, server: str) -> Kit:
    """The kit as long as nothing is known of the server."""
    return Kit({scripts.LOOK: scripts.look_script(kit), README: readme.for_look(kit, server)}, complete=False)


def whole_kit(request: Request, kit: KitRelease, look: Look, *, server: str, service_pack: int) -> Kit:
    """The kit for a server that was looked at; raises PlanError if the plan, or a script for it, can't be had."""
    look.refuse_foreign()
    planned = _planned(request, kit, look)
    reserves = any(RESERVED_PORTS_FACT in step.touches() for step in planned.steps)
    refuse_old_pack(kit, service_pack, reserves=reserves)
    course = course_of(planned, look)
    _refuse_waiting(planned, course)
    looking = {scripts.LOOK: scripts.look_script(kit)}
    if not course.changes:
        return Kit({**looking, README: readme.for_nothing(kit, server)}, complete=True, warnings=_warnings(planned))
    text = readme.for_changes(planned, course, kit, server, look.computer)
    return Kit(
        {**looking, README: text, **scripts.scripts(course, kit, look.computer)},
        complete=True,
        changes=tuple(change.title for change in course.changes),
        warnings=_warnings(planned),
        reboot_required=any(change.wait == "reboot" for change in course.changes),
    )


def _planned(request: Request, kit: KitRelease, look: Look) -> Convergence:
    facts = Facts()
    for _round in range(_ROUNDS):
        try:
            # Without a journal nothing depends on the time.
            return converge(request, facts, kit.release, now=0.0)
        except FactsNeeded as question:
            facts = facts.extended({fact: answer(look, fact) for fact in question.in_order()})
    raise RuntimeError(f"a planner still asks after {_ROUNDS} rounds")


def _refuse_waiting(planned: Convergence, course: Course) -> None:
    """What waits for a service to stop would be left out without a word."""
    waiting = [plan for plan in planned.plans if plan.waiting_for]
    if waiting and not course.stops:
        reasons = " ".join(plan.effectiveness.reason for plan in waiting)
        raise PlanError(
            "offline kit",
            f"a part of it must wait until ports are free: {reasons.rstrip('.')}",
            "Stop these services before the look, and start them after 2-apply.cmd",
        )


def _warnings(planned: Convergence) -> tuple[str, ...]:
    return (*(text for plan in planned.plans for text in plan.warnings), *planned.warnings)
