# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports reserved on NT 5.x: the REG_MULTI_SZ ``Tcpip\\Parameters\\ReservedPorts`` (KB812873).

One ``n-m`` per line, no protocol, read at boot; entries that touch each other are not reserved reliably, so neighbours
are merged.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal import Entry, Wait, state_of
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    IN_FORCE,
    Context,
    Force,
    Plan,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.undo import undone_list
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import (
    confirm_absence,
    demand_type,
    entry_for,
    step_for,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.catalogue import IPSEC_NAT_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    OperatingSystemFact,
    RegistryReading,
    RegistryType,
    RegistryValue,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import (
    ListState,
    PortList,
    changed_list,
    list_warnings,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

ENTRY: t.Final = "reserved_ports"
NAME: t.Final = "ReservedPorts"

_NO_PROTOCOL: t.Final = "the ReservedPorts value has no protocol: the ports are reserved for TCP and UDP alike."


def reserved(context: Context) -> PortSet:
    """The ports that the value keeps back by the rules of KB812873, once it is in force."""
    return as_list(context.facts[RESERVED_PORTS_FACT]).reliable


def plan(ports: PortSet, state: ListState, protocol: t.Literal["tcp", "udp", "both"], context: Context) -> Plan:
    """Put ``ports`` into the value, take them out, or make them the only ones; raises PlanError, FactsNeeded."""
    if protocol != "both" and state != "present":
        raise PlanError(
            f"protocol {protocol}",
            "the ReservedPorts value has no protocol, so an entry can't be taken away for one protocol alone",
            "Use protocol both",
        )
    reading = context.facts[RESERVED_PORTS_FACT]
    current = as_list(reading)
    wanted = changed_list(current, state, ports, strict=True)
    warnings = list_warnings(NAME, current, wanted, state) + ((_NO_PROTOCOL,) if protocol != "both" else ())
    if wanted == current:
        force = _force_of(reading, context)
        return Plan("reserved_ports", _shown(current), _shown(current), force, warnings=warnings, guarded=current.ports)
    written = _written(reading, wanted, context)
    return Plan(
        "reserved_ports",
        before=_shown(current),
        after=_shown(wanted),
        force=_AFTER_REBOOT,
        steps=(step_for(RESERVED_PORTS_FACT, written),),
        journal={ENTRY: _entry(reading, written, current, wanted, context)},
        warnings=warnings,
        guarded=wanted.ports,
    )


def undo(ports: PortSet, context: Context) -> Plan:
    """Take back our part of ``ports``; UDP 4500, which was reserved along, goes with the last of them."""
    reading = context.facts[RESERVED_PORTS_FACT]
    current = as_list(reading)
    entry = context.entry(ENTRY)
    if entry is None:
        return Plan("reserved_ports", _shown(current), _shown(current), IN_FORCE)
    undone = undone_list(RESERVED_PORTS_FACT, reading, entry, ports, along=PortSet.of(IPSEC_NAT_PORT))
    changes = undone.target != reading
    return Plan(
        "reserved_ports",
        before=_shown(current),
        after=_shown(as_list(undone.target)),
        force=_AFTER_REBOOT if changes else IN_FORCE,
        steps=(step_for(RESERVED_PORTS_FACT, undone.target),) if changes else (),
        journal={ENTRY: undone.entry},
        warnings=undone.warnings,
    )


def as_list(reading: RegistryReading) -> PortList:
    """The value as a list.

    Raises:
        PlanError: it has another type, which Windows ignores and which we don't overwrite.
    """
    return PortList(texts(demand_type(RESERVED_PORTS_FACT, reading, "Windows reads")))


_AFTER_REBOOT: t.Final = Force(
    "no", "Windows reads ReservedPorts at boot: it waits for a reboot.", reboot_required=True
)
_FOREIGN: t.Final = Force(
    "unknown", "ReservedPorts was not last written by this collection: whether a reboot has followed is not known."
)


def _force_of(reading: RegistryReading, context: Context) -> Force:
    entry = context.entry(ENTRY)
    if entry is None or entry.written != state_of(reading):
        return _FOREIGN
    uptime = context.facts[OperatingSystemFact()].uptime
    if entry.wait and not entry.wait.is_over(now=context.now, age=uptime):
        return _AFTER_REBOOT
    return IN_FORCE


def _written(reading: RegistryReading, wanted: PortList, context: Context) -> RegistryReading:
    """What the value becomes: absent again where it was absent before our first change and nothing is left in it."""
    if isinstance(reading, Absent):
        confirm_absence(RESERVED_PORTS_FACT, context)
    entry = context.entry(ENTRY)
    if not wanted.entries and entry is not None and entry.original is None:
        return Absent.VALUE
    return RegistryValue(RegistryType.MULTI_STRING, wanted.entries)


def _entry(
    reading: RegistryReading, written: RegistryReading, current: PortList, wanted: PortList, context: Context
) -> Entry:
    known = context.entry(ENTRY)
    earlier = PortList(known.added).ports if known else PortSet()
    added = (earlier | (wanted.ports - current.ports)) & wanted.ports
    wait = Wait("reboot", since=context.now, age=context.facts[OperatingSystemFact()].uptime)
    return entry_for(ENTRY, reading, written, context, wait=wait, added=tuple(added.texts()))


def _shown(value: PortList) -> dict[str, t.Any]:
    return {"mechanism": "registry", "reserved_ports": list(value.entries)}
