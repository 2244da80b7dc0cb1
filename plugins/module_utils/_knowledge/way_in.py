# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in: the services and ports without which a server can be neither read nor mended from afar.

WS-Management comes in through the driver HTTP to WinRM, and WinRM asks WMI (Winmgmt), which lives on RPC. That each of
these is needed is [K], by their dependencies; the default ports are [D]: 5985 and 5986 since WinRM 2.0, 80 and 443
before.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import WINRM_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

WAY_IN_SERVICES: t.Final = (WINRM_SERVICE, "RpcSs", "DcomLaunch", "RpcEptMapper", "Winmgmt", "HTTP", "EventLog")
"""Not all of them exist on every release: RpcEptMapper came with Windows Server 2008 R2."""
WINRM_PORTS: t.Final = PortSet.of(5985, 5986)
"""Those of WinRM 2.0 and later."""
OLD_WINRM_PORTS: t.Final = PortSet.of(80, 443)
"""Those of WinRM 1.1, below everything that can be drawn or reserved."""


def needed_by_way_in(dependencies: Dependencies | None) -> frozenset[str]:
    """The key names of the services of the way in, in lower case, and of what they depend on if that is known."""
    needed = {name.casefold() for name in WAY_IN_SERVICES}
    pairs = [(one.casefold(), other.casefold()) for one, other in dependencies.pairs] if dependencies else []
    while beneath := {other for one, other in pairs if one in needed} - needed:
        needed |= beneath
    return frozenset(needed)


def way_in_candidates(own_port: int | None) -> PortSet:
    """The ports that may be the way in's; ``own_port`` is that of the present connection as the controller knows it."""
    return WINRM_PORTS | OLD_WINRM_PORTS | (PortSet.of(own_port) if own_port else PortSet())


def way_in_ports(own_port: int | None, sockets: t.Iterable[Socket]) -> PortSet:
    """The ports that the way in listens on.

    A connection may come through an address translation, so its own port counts if the server listens on it, or if it
    is one of WinRM's. If no candidate is listened on, that can't be the truth: then WinRM's usual ports count, unless
    nothing is known of the connection either.
    """
    candidates = way_in_candidates(own_port)
    listening = PortSet.of(*{socket.port for socket in sockets if socket.protocol == "tcp"}) & candidates
    if own_port is None:
        return listening
    return listening | (PortSet.of(own_port) & (WINRM_PORTS | OLD_WINRM_PORTS)) or WINRM_PORTS
