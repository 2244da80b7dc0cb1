# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No run of ours may lead a server of NT 5.x into block mode at its next boot; see ``ipsec``.

Judged by what the run leaves: the MaxUserPort and the ReservedPorts that the next boot will read.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, Plan, Step
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import reserved_ports_value
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import ipsec
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Danger
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)

_TAKEN_ALONG: t.Final = (
    "UDP 4500 is reserved too: IPSEC Services starts by itself here, and without its port this server would block "
    "all network traffic after a reboot (KB912023)."
)
_STAYING: t.Final = Danger(
    "block_mode",
    "UDP 4500",
    "at the next boot the DNS server's pool can take it",
    warning="At the next boot the DNS server's pool can take UDP 4500, which is not reserved then: IPSEC Services may "
    "fail and this server block all network traffic (KB912023). Reserve it (reserved_ports, services: ipsec) before it "
    "reboots.",
    is_new=False,
)
_BY_NEW_END: t.Final = (
    "at the next boot the DNS server's pool could take UDP 4500 from IPSEC Services, which starts by itself here and "
    "without this port blocks all network traffic (block mode, KB912023)"
)
_RESERVE_FIRST: t.Final = "Reserve it first with reserved_ports (services: ipsec), or do both in one converge"


def mended(request: Request, items: tuple[Item, ...], plans: tuple[Plan, ...], context: Context) -> tuple[Plan, ...]:
    """The plans, with UDP 4500 reserved along if the next boot could block the server otherwise; raises FactsNeeded."""
    run = _GuardedRun(PlannedRun(request, items, plans, context, tuple(step for plan in plans for step in plan.steps)))
    place = run.reservation
    if place is None or not run.is_dangerous:
        return plans
    return run.with_port_reserved(place)


def dangers(run: PlannedRun) -> list[Danger]:
    """The next boot could block the server; raises FactsNeeded."""
    guarded = _GuardedRun(run)
    if not guarded.is_dangerous:
        return []
    is_new = not ipsec.next_boot_may_block(run.context)
    if is_new and not run.request.undo and (brought := guarded.by_new_end):
        return [brought]
    return [_STAYING] if is_new or not run.request.undo else []


def safe_order(plans: t.Iterable[Plan], *, undo: bool) -> tuple[Plan, ...]:
    """MaxUserPort after the reservations, in an undo before them: a run that is killed in between leaves no trap."""
    return tuple(sorted(plans, key=lambda plan: any(map(_is_end, plan.steps)) is not undo))


def _is_end(step: Step) -> bool:
    return MAX_USER_PORT_FACT in step.touches()


def _with_port(item: Item) -> t.Any:
    """The item's options with UDP 4500 among its ports; ``None`` if it reserves nothing."""
    return item.resource.along(item.options, ipsec.NAT_TRAVERSAL)


class _GuardedRun(t.NamedTuple):
    """A run's plans for the two values, with the state that they start from."""

    run: PlannedRun

    @property
    def is_dangerous(self) -> bool:
        """True if the run changes the risk of the next boot, which may then block the server; raises FactsNeeded."""
        if not self.run.context.capabilities.ipsec_block_mode:
            return False
        return self.is_concerned and ipsec.next_boot_may_block(self.run.after)

    @property
    def is_concerned(self) -> bool:
        """True if the run changes the risk of the next boot, so that its questions are worth asking."""
        plans, request = self.run.plans, self.run.request
        if request.undo:
            return any(plans[place].changed for place in self._places(MAX_USER_PORT_FACT, RESERVED_PORTS_FACT))
        reserves = any(plans[place].changed for place in self._places(RESERVED_PORTS_FACT))
        return self._sets_end or self._gives_up_port or bool(request.victims and reserves)

    @property
    def reservation(self) -> int | None:
        """The place of the plan that UDP 4500 can be reserved along with."""
        request = self.run.request
        if request.undo or not (request.victims or self._sets_end):
            return None
        return next((place for place, item in enumerate(self.run.items) if _with_port(item) is not None), None)

    def with_port_reserved(self, place: int) -> tuple[Plan, ...]:
        """The plans, one of them with UDP 4500 among its ports."""
        plans, item = self.run.plans, self.run.items[place]
        plan = item.resource.plan(_with_port(item), self.run.context.owned(item.resource))
        plan = plan._replace(warnings=(*plan.warnings, _TAKEN_ALONG))
        return (*plans[:place], plan, *plans[place + 1 :])

    @property
    def by_new_end(self) -> Danger | None:
        """The danger that comes from a MaxUserPort that this run sets."""
        for place in self._places(MAX_USER_PORT_FACT):
            highest = self.run.items[place].values[MAX_USER_PORT_FACT]
            if self.run.plans[place].changed:
                return Danger("block_mode", f"MaxUserPort {highest}", _BY_NEW_END, _RESERVE_FIRST)
        return None

    @property
    def _sets_end(self) -> bool:
        return bool(self._places(MAX_USER_PORT_FACT))

    @property
    def _gives_up_port(self) -> bool:
        if not self._places(RESERVED_PORTS_FACT):
            return False
        before, after = reserved_ports_value.reserved(self.run.context), reserved_ports_value.reserved(self.run.after)
        return bool(ipsec.NAT_TRAVERSAL & before - after)

    def _places(self, *values: RegistryFact) -> tuple[int, ...]:
        """The places of the items that are about one of these values, or in an undo of the plans that change one."""
        if self.run.request.undo:
            return tuple(
                place
                for place, plan in enumerate(self.run.plans)
                if any(fact in values for step in plan.steps for fact in step.touches())
            )
        items = self.run.items
        return tuple(place for place, item in enumerate(items) if not item.values.keys().isdisjoint(values))
