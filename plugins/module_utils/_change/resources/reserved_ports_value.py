# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports reserved on NT 5.x: the REG_MULTI_SZ ``Tcpip\\Parameters\\ReservedPorts`` (KB812873).

One ``n-m`` per line, no protocol, read at boot; entries that touch each other are not reserved reliably, so neighbours
are merged.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import journal_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NO_PORTS,
    Context,
    Effectiveness,
    Plan,
    PlanError,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.setting import Setting, reboot_wait
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import plan_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryReading, texts
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import IPSEC_NAT_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import (
    ListState,
    PortList,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

ENTRY: t.Final = journal_entries.RESERVED_PORTS
NAME: t.Final = "ReservedPorts"

_NO_PROTOCOL: t.Final = "the ReservedPorts value has no protocol: the ports are reserved for TCP and UDP alike."


def reserved(context: Context) -> PortSet:
    """The ports that the value keeps back by the rules of KB812873, once it is in force."""
    return SETTING.as_list(context).reliable


def plan(
    ports: PortSet,
    state: ListState,
    protocol: t.Literal["tcp", "udp", "both"],
    context: Context,
    *,
    along: PortSet = NO_PORTS,
) -> Plan:
    """Put ``ports`` into the value, take them out, or make them the only ones; raises PlanError, FactsNeeded.

    ``along``: ports that are reserved too for the sake of the server, and go with the last of the others.
    """
    if protocol != "both" and state != "present":
        raise PlanError(
            f"protocol {protocol}",
            "the ReservedPorts value has no protocol, so an entry can't be taken away for one protocol alone",
            "Use protocol both",
        )
    part = SETTING.list_part(ports, state, context, along=along)
    made = plan_of("reserved_ports", [part], SETTING.effectiveness(part, context))
    return made._replace(
        warnings=(*made.warnings, *((_NO_PROTOCOL,) if protocol != "both" else ())),
        guarded=PortList(texts(part.target)).ports,
        effectiveness_if_taken=_IF_TAKEN,
    )


def undo(named: t.Callable[[], PortSet] | None, context: Context) -> Plan:
    """Take back our part of the named ports; UDP 4500, which was reserved along, goes with the last of them."""
    shown = _shown(SETTING.reading(context))
    part = SETTING.list_undone(named, context, along=PortSet.of(IPSEC_NAT_PORT))
    if part is None:
        return Plan("reserved_ports", shown, shown, EFFECTIVE)
    return plan_of("reserved_ports", [part], SETTING.effectiveness_of_undo(part, context))


_AFTER_REBOOT: t.Final = Effectiveness(
    "no", "Windows reads ReservedPorts at boot: it waits for a reboot.", reboot_required=True
)
_IF_TAKEN: t.Final = Effectiveness(
    "no", "Windows reads ReservedPorts at boot, it waits for a reboot.", reboot_required=True
)
_FOREIGN: t.Final = Effectiveness(
    "unknown", "ReservedPorts was not last written by this collection: whether a reboot has followed is not known."
)


def _shown(reading: RegistryReading) -> dict[str, t.Any]:
    return {"mechanism": "registry", "reserved_ports": list(PortList(texts(reading)).entries)}


SETTING: t.Final = Setting(
    RESERVED_PORTS_FACT,
    ENTRY,
    "Windows reads",
    shown=_shown,
    wait=reboot_wait,
    pending=lambda _context: _AFTER_REBOOT,
    foreign=_FOREIGN,
    is_strict=True,
)
