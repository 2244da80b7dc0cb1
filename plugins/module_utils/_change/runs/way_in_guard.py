# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in stays open: no run stops, disables or robs of its port what this very task came in through.

Harmless, and allowed: a delayed start, which WinRM has on some releases from the start; a start mode of automatic; UDP
ports; a port that lies in a dynamic range already, or is reserved there; and on NT 5.x the reservation of such a port.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    ChangeStartMode,
    Context,
    StopServices,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Danger
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import DependenciesFact, SocketsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.free_ports import (
    drawn_ranges,
    withheld_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import answered, gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.way_in import (
    WINRM_PORTS,
    needed_by_way_in,
    way_in_candidates,
    way_in_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_NEEDED: t.Final = "WinRM and WMI, by which this server is managed, need it"


def dangers(run: PlannedRun) -> list[Danger]:
    """Everything that cuts the way in; raises FactsNeeded."""
    return [danger for found in gathered([functools.partial(look, run) for look in _LOOKS]) for danger in found]


def _stops(run: PlannedRun) -> list[Danger]:
    """Services of the way in that are stopped, be it to start them again: after the stop no one can ask for it."""
    steps = run.steps_of(StopServices)
    # Nothing is stopped before it is known what depends on it, so that this has been read.
    needed = needed_by_way_in(run.context.facts[DependenciesFact()]) if steps else frozenset()
    stopped = [name for step in steps for name in step.names if name.casefold() in needed]
    if not stopped:
        return []
    reason = f"{_NEEDED}: once it is stopped, this server can't be reached any more, and not even be told to start it"
    return [
        Danger(
            "way_in",
            f"service {', '.join(dict.fromkeys(stopped))}",
            reason,
            "Reboot the server instead (server_reboot), or restart the service at its console",
        )
    ]


def _start_modes(run: PlannedRun) -> list[Danger]:
    """Services of the way in that would not start by themselves any more."""
    steps = [step for step in run.steps_of(ChangeStartMode) if step.mode != "Automatic"]
    if not steps:
        return []
    needed = needed_by_way_in(None)
    if any(step.service.casefold() not in needed for step in steps):
        needed = needed_by_way_in(run.context.facts[DependenciesFact()])
    return [
        Danger(
            "way_in",
            f"service {step.service}",
            f"{_NEEDED}: with the start mode {step.mode.casefold()} this server could not be reached any more after "
            "its next boot",
            "Leave it automatic (start_mode auto or delayed)",
        )
        for step in steps
        if step.service.casefold() in needed
    ]


def _ports(run: PlannedRun) -> list[Danger]:
    """Ports of the way in that are reserved against it, or that programs could draw from now on."""
    before, after = run.context, run.after
    candidates = way_in_candidates(run.request.own_port)
    waiting = PortSet.of(*(row["port"] for plan in run.plans for row in plan.waiting_for if row["protocol"] == "tcp"))
    taken = (waiting | _reserved(after) - _reserved(before)) & candidates
    if taken and after.capabilities.reserved_ports_value:
        # Who asks for a reserved port by its number gets it (KB812873): in the range, that protects WinRM.
        taken -= PortSet.of(*drawn_ranges(after.facts, after.capabilities, "tcp"))
    opened = (_drawn(after) - _drawn(before)) & candidates
    if opened:
        opened -= withheld_ports(after.facts, after.capabilities, "tcp")
    if not (taken or opened):
        return []
    sockets = before.facts[SocketsFact(candidates)]
    ports = way_in_ports(run.request.own_port, sockets)
    leave_out = _RESERVE_TOO if after.capabilities.reserved_ports_value else _MOVE
    reasons = ((taken & ports, _TAKEN, _TAKE_OUT), (opened & ports, _OPENED, leave_out))
    return [Danger("way_in", f"TCP {hit}", reason, advice) for hit, reason, advice in reasons if hit]


_TAKEN: t.Final = (
    "WinRM listens there, and this task came in through it; that Windows gives a reserved port to WinRM's driver at "
    "its next start is not verified, and without it this server can't be reached any more"
)
_TAKE_OUT: t.Final = "Take it out of the ports"
_OPENED: t.Final = (
    "WinRM listens there, and the dynamic range would be moved over it: at the next boot any program may draw it "
    "first, and this server could not be reached any more"
)
_MOVE: t.Final = f"Choose a range without WinRM's ports ({WINRM_PORTS})"
_RESERVE_TOO: t.Final = "Reserve the port in the same run (converge with reserved_ports), or take a lower MaxUserPort"

_LOOKS: t.Final = (_stops, _start_modes, _ports)


def _reserved(context: Context) -> PortSet:
    """As far as it is known: what a run does not look at it does not change."""
    return _known(lambda: withheld_ports(context.facts, context.capabilities, "tcp"))


def _drawn(context: Context) -> PortSet:
    return _known(lambda: PortSet.of(*drawn_ranges(context.facts, context.capabilities, "tcp")))


def _known(look: t.Callable[[], PortSet]) -> PortSet:
    found, _needed = answered([look])
    return found[0] if found else PortSet()
