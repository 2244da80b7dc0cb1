# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of ports without ``*`` in netsh's list: the components that may hold one, and the way to get the ports back.

netsh names no holder of a block. It may be HTTP.sys, WinNAT with Hyper-V or containers, or a program that reserved the
block at run time [T]. WinNAT is named only on a server that has one of its services.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Facts, Protocol, ServiceFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

WSDAPI_PORT: t.Final = 5357
"""TCP; HTTP.sys keeps it for the discovery of devices (WSDAPI) [T]. ``net stop winnat`` does not free it."""
NAT_SERVICES: t.Final = ("hns", "vmms", "WinNat")
"""The Host Network Service of containers, Hyper-V's management, and WinNAT itself, by key names ([K] unverified)."""

_SHOW: t.Final = "netsh http show servicestate"


class BlockHolder(t.NamedTuple):
    """The likely holder of a block, as a noun phrase, and the order that frees its ports."""

    name: str
    remedy: str


_HTTP_SYS: t.Final = BlockHolder(
    "HTTP.sys for WSDAPI, the discovery of devices",
    f"Stop the program that uses it ({_SHOW} shows it; mostly the service FDResPub), or choose another port",
)
_UNKNOWN: t.Final = BlockHolder(
    "HTTP.sys or a program, which netsh does not name",
    f"Look for it with {_SHOW} and stop it, or choose another port",
)


def holder_of_block(protocol: Protocol, block: ExclusionBlock, facts: Facts) -> BlockHolder:
    """The likely holder of a block that no administrator added; raises FactsNeeded."""
    if protocol == "tcp" and block.ports == PortRange(WSDAPI_PORT, WSDAPI_PORT):
        return _HTTP_SYS
    questions = [ServiceFact(name) for name in NAT_SERVICES]
    facts.require(*questions)
    installed = [service.name for service in map(facts.__getitem__, questions) if service]
    return _nat(installed) if installed else _UNKNOWN


def _nat(services: t.Sequence[str]) -> BlockHolder:
    return BlockHolder(
        f"WinNAT, Hyper-V or containers (this server has the service {services[0]}), or HTTP.sys",
        "Run net stop winnat, then this task, then net start winnat: it takes another block then, and containers lose "
        f"their network for that moment. If the block stays, look for its holder with {_SHOW}",
    )
