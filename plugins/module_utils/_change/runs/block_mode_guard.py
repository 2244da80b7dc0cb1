# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No run of ours may lead a server of NT 5.x into block mode at its next boot; see ``ipsec``.

Judged by what the run leaves: the MaxUserPort and the ReservedPorts that the next boot will read.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context, Plan, PlanError, Step
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import reserved_ports_value
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import ipsec
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.predicted_facts import facts_after
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)

_TAKEN_ALONG: t.Final = (
    "UDP 4500 is reserved too: IPSEC Services starts by itself here, and without its port this server would block "
    "all network traffic after a reboot (KB912023)."
)
_DANGER: t.Final = (
    "At the next boot the DNS server's pool can take UDP 4500, which is not reserved then: IPSEC Services may fail and "
    "this server block all network traffic (KB912023). Reserve it (reserved_ports, services: ipsec) before it reboots."
)


def guarded(request: Request, items: tuple[Item, ...], plans: tuple[Plan, ...], context: Context) -> tuple[Plan, ...]:
    """The plans, with UDP 4500 reserved along or a warning where the next boot could block the server.

    Raises:
        FactsNeeded: what the next boot depends on is not read yet.
        PlanError: the run itself would bring the danger by a MaxUserPort of its own, and reserves nothing.
    """
    if not context.capabilities.ipsec_block_mode:
        return plans
    run = _GuardedRun(request, items, plans, context)
    if not (run.is_concerned and ipsec.next_boot_may_block(run.after)):
        return plans
    if run.reservation is not None:
        return run.with_port_reserved(run.reservation)
    is_new = not ipsec.next_boot_may_block(context)
    if is_new and not request.undo:
        run.refuse_new_end()
    return run.with_warning() if is_new or not request.undo else plans


def safe_order(plans: t.Iterable[Plan], *, undo: bool) -> tuple[Plan, ...]:
    """MaxUserPort after the reservations, in an undo before them: a run that is killed in between leaves no trap."""
    return tuple(sorted(plans, key=lambda plan: any(map(_is_end, plan.steps)) is not undo))


def _is_end(step: Step) -> bool:
    return MAX_USER_PORT_FACT in step.touches()


def _with_port(item: Item) -> t.Any:
    """The item's options with UDP 4500 among its ports; ``None`` if it reserves nothing."""
    return item.resource.along(item.options, ipsec.NAT_TRAVERSAL)


@dataclasses.dataclass(frozen=True, slots=True)
class _GuardedRun:
    """A run's plans for the two values, with the state that they start from."""

    request: Request
    items: tuple[Item, ...]
    plans: tuple[Plan, ...]
    context: Context

    @property
    def after(self) -> Context:
        """The context as it is once the plans are carried out."""
        steps = (step for plan in self.plans for step in plan.steps)
        return dataclasses.replace(self.context, facts=facts_after(self.context.facts, steps))

    @property
    def is_concerned(self) -> bool:
        """True if the run changes the risk of the next boot, so that its questions are worth asking."""
        if self.request.undo:
            return any(self.plans[place].changed for place in self._places(MAX_USER_PORT_FACT, RESERVED_PORTS_FACT))
        reserves = any(self.plans[place].changed for place in self._places(RESERVED_PORTS_FACT))
        return self._sets_end or self._gives_up_port or bool(self.request.victims and reserves)

    @property
    def reservation(self) -> int | None:
        """The place of the plan that UDP 4500 can be reserved along with."""
        if self.request.undo or not (self.request.victims or self._sets_end):
            return None
        return next((place for place, item in enumerate(self.items) if _with_port(item) is not None), None)

    def with_port_reserved(self, place: int) -> tuple[Plan, ...]:
        """The plans, one of them with UDP 4500 among its ports."""
        item = self.items[place]
        plan = item.resource.plan(_with_port(item), self.context)
        return self._with(place, dataclasses.replace(plan, warnings=(*plan.warnings, _TAKEN_ALONG)))

    def refuse_new_end(self) -> None:
        """Raises PlanError where the danger comes from a MaxUserPort that this run sets."""
        for place in self._places(MAX_USER_PORT_FACT):
            highest = self.items[place].values[MAX_USER_PORT_FACT]
            if self.plans[place].changed:
                raise PlanError(
                    f"MaxUserPort {highest}",
                    "at the next boot the DNS server's pool could take UDP 4500 from IPSEC Services, which starts by "
                    "itself here and without this port blocks all network traffic (block mode, KB912023)",
                    "Reserve it first with reserved_ports (services: ipsec), or do both in one converge; nothing was "
                    "changed",
                )

    def with_warning(self) -> tuple[Plan, ...]:
        """The plans, the one concerned with the warning."""
        place = next(iter(self._places(MAX_USER_PORT_FACT, RESERVED_PORTS_FACT)), 0)
        plan = self.plans[place]
        return self._with(place, dataclasses.replace(plan, warnings=(*plan.warnings, _DANGER)))

    @property
    def _sets_end(self) -> bool:
        return bool(self._places(MAX_USER_PORT_FACT))

    @property
    def _gives_up_port(self) -> bool:
        if not self._places(RESERVED_PORTS_FACT):
            return False
        before, after = reserved_ports_value.reserved(self.context), reserved_ports_value.reserved(self.after)
        return bool(ipsec.NAT_TRAVERSAL & before - after)

    def _places(self, *values: RegistryFact) -> tuple[int, ...]:
        """The places of the items that are about one of these values."""
        return tuple(place for place, item in enumerate(self.items) if not item.values.keys().isdisjoint(values))

    def _with(self, place: int, plan: Plan) -> tuple[Plan, ...]:
        return (*self.plans[:place], plan, *self.plans[place + 1 :])
