# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known services as victims of a run: those of the named ones that are installed on a server, with their ports."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import Victim
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Facts, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.installed_known_services import (
    InstalledService,
    installed,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    KnownService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_NO_PORTS: t.Final[t.Mapping[Protocol, PortSet]] = {protocol: PortSet() for protocol in PROTOCOLS}


def why_not(row: KnownService) -> str:
    """The reason why a product can't be protected by its key alone, as half a sentence; empty if it can."""
    if row.key == AD_LDS_KEY:
        return "the registry tells the ports of each instance: the role exchange_edge_dns does that"
    if not row.services:
        return f"no service is known that holds {row.ports_text} there; if there is one, name it in victims"
    return ""


def victims_of(rows: t.Iterable[KnownService], facts: Facts, release: Release) -> tuple[Victim, ...]:
    """A victim for each service of these products on a server; raises FactsNeeded."""
    return tuple(_victim(item) for item in installed(rows, facts, release.capabilities))


def _victim(item: InstalledService) -> Victim:
    row = item.product
    ports = _NO_PORTS if row.any_port_will_do else {protocol: row.ports(protocol) for protocol in PROTOCOLS}
    own, optional = (ports, _NO_PORTS) if row.listens_always else (_NO_PORTS, ports)
    # A process that hosts services is known by them; without any, its image alone tells.
    image = next((process.image for process in row.processes if not process.services), "")
    return Victim(item.service.name, image, own, optional, if_automatic=True)
