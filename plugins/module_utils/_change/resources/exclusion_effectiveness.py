# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether excluded port ranges are in force: what a port in use, and what each store of netsh, says about that."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    Context,
    Effectiveness,
    Plan,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    Holder,
    held_sentence,
    is_rightful,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import weakest
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

Ports = t.Mapping[Protocol, PortSet]


def while_waiting(waiting: tuple[Holder, ...], context: Context) -> Effectiveness:
    """The effectiveness while ports are in use; a holder that is not known as the owner is not called so.

    Raises FactsNeeded.
    """
    if not waiting:
        return EFFECTIVE
    held = held_sentence(waiting)
    until = "that service is stopped; while it holds its ports, nobody else can take them"
    strangers = strangers_among(waiting, context)
    if strangers:
        others = "" if len(strangers) == len(waiting) else f" ({held_sentence(strangers)})"
        held = f"{held}, not known as the owner{others}"
    if strangers or any(holder.outgoing for holder in waiting):
        until = "the port is free, and this runs again"
    return Effectiveness("no", f"A port in use can't be excluded: {held}. The exclusion waits until {until}.")


def strangers_among(waiting: t.Iterable[Holder], context: Context) -> tuple[Holder, ...]:
    """The holders of ports that are not known as their owners; raises FactsNeeded."""
    return tuple(holder for holder in waiting if not is_rightful(holder, context))


def judged_by_stores(made: Plan, wanted: Ports, ours: Ports, exclusions: Exclusions) -> Plan:
    """The plan, with the effectiveness of blocks that wait for the next boot, or are not known to outlive it.

    ``ours``: the ports that were excluded by us, hence for good.
    """
    late = {protocol: ports & exclusions.from_boot(protocol) for protocol, ports in wanted.items()}
    if any(late.values()):
        return made._replace(effectiveness=weakest([made.effectiveness, from_boot(late)]))
    foreign = {protocol: (ports & exclusions.reserved(protocol)) - ours[protocol] for protocol, ports in wanted.items()}
    if exclusions.tells_stores or not any(foreign.values()):
        return made
    reason = f"Whether {_named(foreign)} outlives a boot is not known: netsh here does not show the persistent store."
    return made._replace(effectiveness=weakest([made.effectiveness, Effectiveness("unknown", reason)]))


def from_boot(late: Ports) -> Effectiveness:
    """The effectiveness of ports that netsh's persistent store has and the active one lacks."""
    reason = f"{_named(late)} is excluded in netsh's persistent store alone: in force after a reboot."
    return Effectiveness("no", reason, reboot_required=True)


def _named(ports: Ports) -> str:
    return " and ".join(f"{protocol.upper()} {found}" for protocol, found in ports.items() if found)
