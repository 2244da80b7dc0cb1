# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No run starves a range: enough ports stay to be drawn, by programs and by the DNS server's pool.

Ports in use are counted only if they may decide. Reading them takes a long answer, and if half of a range stays free
beyond what is needed, a server would have to hold thousands of ports for them to matter.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    ChangeExclusions,
    SetDynamicRanges,
    WriteValue,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Danger
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    DynamicRangesFact,
    ExclusionsFact,
    Fact,
    Facts,
    FactsNeeded,
    ServiceFact,
    number,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.free_ports import (
    LEAST_FREE,
    Drawer,
    DrawnRange,
    pool_ranges,
    program_ranges,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    POOL_EXCLUSIONS_FACT,
    POOL_SIZE_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPortsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import PortList

FEW_PORTS: t.Final = 64
"""So many more reserved ports starve no range that Windows comes with; only for more are ranges read for this alone."""
ROOMY_POOL: t.Final = 3000
"""A pool of this size has room in the smallest range that it comes from on NT 5.x, 1024 to 5000; only for a larger one
ranges are read for this alone."""

_Ranges = t.Callable[[Facts, Capabilities], tuple[DrawnRange, ...]]
_KINDS: t.Final[tuple[_Ranges, ...]] = (program_ranges, pool_ranges)


def dangers(run: PlannedRun) -> list[Danger]:
    """The ranges that have too few ports left, by this run or without it; raises FactsNeeded."""
    found = gathered([functools.partial(_dangers, run, kind) for kind in _KINDS])
    return [danger for dangers in found for danger in dangers]


def beside(asked: Fact[t.Any]) -> tuple[Fact[t.Any], ...]:
    """The dynamic ranges, in the command that lists the excluded ones."""
    return (DynamicRangesFact(),) if isinstance(asked, ExclusionsFact) else ()


def _dangers(run: PlannedRun, ranges: _Ranges) -> list[Danger]:
    try:
        before, after = (ranges(context.facts, context.capabilities) for context in (run.context, run.after))
    except FactsNeeded:
        if _is_large(run):
            raise
        return []
    pairs = [(_former(one, before), one) for one in after]
    counted = [_counted(run, former, one) for former, one in pairs if former]
    return [danger for former, one in counted if (danger := _danger(former, one))]


def _former(one: DrawnRange, before: t.Iterable[DrawnRange]) -> DrawnRange | None:
    """The range before the run that is to be compared with; the larger one if the families had different ones."""
    same = [former for former in before if (former.drawer, former.protocol) == (one.drawer, one.protocol)]
    return max(same, key=lambda former: former.ports.count, default=None)


def _counted(run: PlannedRun, former: DrawnRange, one: DrawnRange) -> tuple[DrawnRange, DrawnRange]:
    """Both with the ports in use, if these may decide; raises FactsNeeded."""
    is_lowered = one.free - one.needed < former.free - former.needed
    may_run_out = one.ports != former.ports or one.free < one.needed + one.ports.count // 2
    if not (is_lowered and may_run_out):
        return former, one
    dns, rows = ServiceFact(DNS_SERVICE), UsedPortsFact()
    run.context.facts.require(dns, rows)
    service = run.context.facts[dns]
    process = service.process_id if service else 0
    used = run.context.facts[rows]
    return former.with_used(used, process), one.with_used(used, process)


def _danger(former: DrawnRange, one: DrawnRange) -> Danger | None:
    is_worse = one.free - one.needed < former.free - former.needed
    if one.free < one.needed:
        is_refused, so = is_worse, _TOO_FEW[one.drawer].format(drawn=one.drawn, least=LEAST_FREE)
    elif is_worse and one.free < one.comfortable:
        is_refused, so = False, f"less than twice the {one.drawn} that the pool takes makes its ports easier to guess"
    else:
        return None
    return Danger("starved_range", one.name, _figures(former, one), _ADVICE[one.drawer], so=so, is_new=is_refused)


def _figures(former: DrawnRange, one: DrawnRange) -> str:
    return (
        f"of its {one.ports.count} ports {one.kept_back} are reserved or excluded then, and {one.used} others are in "
        f"use now, so that {one.free} stay free ({former.free} without this change)"
    )


_TOO_FEW: t.Final[t.Mapping[Drawer, str]] = {
    "programs": "with fewer than {least}, outgoing connections fail for want of a port, logon and DNS too",
    "dns_pool": "the pool takes {drawn}, and needs {least} more to draw from",
}
_ADVICE: t.Final[t.Mapping[Drawer, str]] = {
    "programs": "Keep fewer ports back, or take a larger dynamic range (dynamic_ports)",
    "dns_pool": "Keep fewer ports from the pool, or take a larger range (dynamic_ports)",
}


def _is_large(run: PlannedRun) -> bool:
    """True if the run changes so much that ranges are to be read for it."""
    moved = any(MAX_USER_PORT_FACT in step.touches() or isinstance(step, SetDynamicRanges) for step in run.steps)
    size = _pool_size(run)
    return moved or size > ROOMY_POOL or _more_kept_back(run) > FEW_PORTS


def _pool_size(run: PlannedRun) -> int:
    """The size of the pool that the run writes; 0 if it writes none."""
    written = (step for step in run.steps_of(WriteValue) if POOL_SIZE_FACT in step.touches())
    return max((number(step.value) or 0 for step in written), default=0)


def _more_kept_back(run: PlannedRun) -> int:
    """The number of ports that the run reserves or excludes in addition, as far as its steps tell."""
    lists = [fact for fact in (RESERVED_PORTS_FACT, POOL_EXCLUSIONS_FACT) if fact in run.context.facts]
    before, after = (
        [PortList(texts(context.facts[fact])).ports for fact in lists] for context in (run.context, run.after)
    )
    listed = sum((new - old).count for old, new in zip(before, after, strict=True))
    return listed + sum(ports.count for step in run.steps_of(ChangeExclusions) for _protocol, ports in step.add)
