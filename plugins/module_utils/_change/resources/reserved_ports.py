# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``reserved_ports``: no program gets these ports by chance.

One resource, two mechanisms: the ``ReservedPorts`` value of NT 5.x, and netsh's excluded port ranges of the releases
after it. The release's capabilities decide; a mechanism that the release does not honour is an error.
"""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import (
    EFFECTIVE,
    NO_PORTS,
    Context,
    OptionError,
    Plan,
    PlanError,
    Resource,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_options import (
    ARGUMENTS,
    WantedPorts,
    given,
    wanted_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import (
    excluded_port_ranges,
    reachable_ports,
    reserved_ports_value,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    PROTOCOLS,
    Protocol,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import IPSEC_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import RESERVED_PORTS_FACT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import ListState
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet, union

Mechanism = t.Literal["registry", "netsh"]

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "ports": {"type": "list", "elements": "str"},
    **ARGUMENTS,
    "protocol": {"type": "str", "choices": ["tcp", "udp", "both"], "default": "both"},
    "state": {"type": "str", "choices": ["present", "absent", "pure"], "default": "present"},
    "mechanism": {"type": "str", "choices": ["auto", "registry", "netsh"], "default": "auto"},
    "only_reachable": {"type": "bool", "default": False},
    "report_only": {"type": "bool", "default": False},
}


class ReservedPorts(t.NamedTuple):
    """The state that the user wants."""

    ports: WantedPorts
    protocol: t.Literal["tcp", "udp", "both"]
    state: ListState
    mechanism: t.Literal["auto", "registry", "netsh"]
    only_reachable: bool = False
    """Only ports that this server can draw at random count."""
    report_only: bool = False
    """Nothing is changed; the ports that can still be taken are named."""
    along: PortSet = NO_PORTS
    """Ports that are reserved too for the sake of the server; they go with the last of the others."""

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols meant."""
        return PROTOCOLS if self.protocol == "both" else (self.protocol,)


def options(arguments: t.Mapping[str, t.Any]) -> ReservedPorts:
    """Typed options; raises OptionError."""
    state = t.cast(ListState, arguments["state"])
    if not given(arguments, option="ports"):
        raise OptionError("ports", "it is required (or ad_lds_instances, or services)")
    for name in ("only_reachable", "report_only"):
        if arguments.get(name) and state != "present":
            raise OptionError(name, f"it goes with state present alone, not with {state}")
    protocol = arguments["protocol"]
    protocols = PROTOCOLS if protocol == "both" else (protocol,)
    return ReservedPorts(
        ports=wanted_ports(arguments, option="ports", state=state, protocols=protocols),
        protocol=protocol,
        state=state,
        mechanism=arguments["mechanism"],
        only_reachable=bool(arguments.get("only_reachable")),
        report_only=bool(arguments.get("report_only")),
    )


def plan(wanted: ReservedPorts, context: Context) -> Plan:
    """The plan by the mechanism that this release honours; raises PlanError, FactsNeeded."""
    by_registry = _mechanism(wanted, context) == "registry"
    wanted.ports.require_instances(context.facts)
    if wanted.report_only:
        return reachable_ports.report(_by_protocol(wanted, context), context)
    if by_registry:
        ports = wanted.ports.on(context.facts, wanted.protocols)
        return reserved_ports_value.plan(ports, wanted.state, wanted.protocol, context, along=wanted.along)
    if wanted.only_reachable:
        return reachable_ports.plan(_by_protocol(wanted, context), context)
    return excluded_port_ranges.plan(_by_protocol(wanted, context), wanted.state, context)


def undo(named: tuple[ReservedPorts, ...], context: Context) -> Plan:
    """Take back what we reserved, as far as it is named or the owner has it; raises PlanError, FactsNeeded."""
    reserving = tuple(wanted for wanted in named if not wanted.report_only)
    if named and not reserving:
        return Plan("reserved_ports", {}, {}, EFFECTIVE)
    mechanisms = {_mechanism(wanted, context) for wanted in reserving}
    if "registry" in mechanisms or (not named and context.capabilities.reserved_ports_value):
        ports = functools.partial(_all_ports, reserving, context)
        return reserved_ports_value.undo(ports if named else None, context)
    by_protocol = functools.partial(_all_by_protocol, reserving, context)
    return excluded_port_ranges.undo(by_protocol if named else None, context)


def _all_ports(named: tuple[ReservedPorts, ...], context: Context) -> PortSet:
    return union(wanted.ports.on(context.facts, wanted.protocols) for wanted in named)


def _all_by_protocol(named: tuple[ReservedPorts, ...], context: Context) -> dict[Protocol, PortSet]:
    found = [_by_protocol(wanted, context) for wanted in named]
    return {protocol: union(ports.get(protocol, NO_PORTS) for ports in found) for protocol in PROTOCOLS}


def _by_protocol(wanted: ReservedPorts, context: Context) -> dict[Protocol, PortSet]:
    """The ports by protocol; ``pure`` speaks of the protocols alone that its ports are meant for, or of all."""
    named = wanted.ports.protocols_named(wanted.protocols) if wanted.state == "pure" else wanted.protocols
    return {protocol: wanted.ports.on(context.facts, (protocol,)) for protocol in named}


def _mechanism(wanted: ReservedPorts, context: Context) -> Mechanism:
    name = context.release.name
    offered: dict[Mechanism, bool] = {
        "registry": context.capabilities.reserved_ports_value,
        "netsh": context.capabilities.excluded_port_ranges != "no",
    }
    if wanted.mechanism == "auto":
        return "registry" if offered["registry"] else "netsh"
    if not offered[wanted.mechanism]:
        raise PlanError(f"mechanism {wanted.mechanism}", _NOT_HONOURED[wanted.mechanism].format(name=name), _USE_AUTO)
    return wanted.mechanism


_USE_AUTO: t.Final = "Use mechanism auto"
_NOT_HONOURED: t.Final[t.Mapping[Mechanism, str]] = {
    "registry": "{name} ignores the ReservedPorts value: no Windows since Vista and Server 2008 reads it (KB812873)",
    "netsh": "{name} has no netsh excludedportrange: it came after Windows Server 2003",
}


def _along(wanted: ReservedPorts, udp: PortSet) -> ReservedPorts | None:
    if wanted.state == "absent" or wanted.report_only:
        return None
    return wanted._replace(along=udp)


RESOURCE: t.Final = Resource(
    "reserved_ports",
    ARGUMENT_SPEC,
    options,
    plan,
    undo,
    keeps=lambda name: name in (reserved_ports_value.ENTRY, excluded_port_ranges.ENTRY),
    # The guard against block mode asks for it.
    beside=lambda release: (ServiceFact(IPSEC_SERVICE),) if release.capabilities.ipsec_block_mode else (),
    plans_last=True,
    values=lambda wanted: {} if wanted.report_only else {RESERVED_PORTS_FACT: wanted.ports},
    along=_along,
)
