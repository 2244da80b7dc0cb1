# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The measured roles: each on the server that it is for, with the variables that make it do most of what it can.

Not among them: exchange_services, which stops and starts and has no state in which it does nothing; port_baseline,
which looks and then applies these roles; port_report, which tests.bench.report measures.
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.fleet.host_cases import Json

EDGE: t.Final = "exchange_edge_dns"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A role, its playbook, its server as the simulator builds it, and its variables.

    ``other_releases``: those that the role is measured on besides, in requests and bytes.
    """

    role: str
    playbook: str
    server: Json
    group: str = "all"
    variables: Json = dataclasses.field(default_factory=dict)
    other_releases: tuple[str, ...] = ()

    @property
    def release(self) -> str:
        """The server's release, as the simulator names it."""
        return str(self.server["release"])

    @property
    def peer_runs(self) -> bool:
        """Whether the release can have the PowerShell 5.1 that ansible-core wants: 2008 R2 and later."""
        return self.release not in ("2003", "2008")

    @property
    def releases(self) -> tuple[str, ...]:
        """All that it is measured on."""
        return (self.release, *self.other_releases)

    def on(self, release: str) -> Kind:
        """The same on another release."""
        return dataclasses.replace(self, server={**self.server, "release": release}, other_releases=())

    @property
    def arguments(self) -> tuple[str, ...]:
        """The command line of the role's playbook on all hosts at once."""
        name = self.playbook
        return ("ansible-playbook", f"playbooks/{name}.yml", "-e", f"{name}_serial=100%", "-e", f"{name}_hosts=all")


KINDS: t.Final = {
    kind.role: kind
    for kind in (
        Kind(
            role=EDGE,
            playbook="edge",
            group="edge",
            server={"release": "2022", "roles": ["exchange_edge", "dns"], "broken": False},
            other_releases=("2003", "2008", "2008r2", "2012r2", "2016", "2019", "2025"),
        ),
        Kind(role="sbs2003", playbook="sbs2003", server={"release": "2003", "roles": ["sbs2003"], "broken": False}),
        Kind(
            role="dc_ias",
            playbook="dc_ias",
            server={"release": "2022", "roles": ["domain_controller", "dns", "ias"], "broken": False},
            variables={"dc_ias_static_rpc_ports": {"ntds": 49901, "netlogon": 49902}},
        ),
        Kind(
            role="exchange_rpc_ports",
            playbook="exchange_rpc_ports",
            server={"release": "2008r2", "roles": ["exchange2010"], "netsh_hotfix": True},
            variables={"exchange_rpc_ports_ports": {"exchange_rpc": 59532, "exchange_ab": 59533}},
        ),
        Kind(
            role="known_services",
            playbook="known_services",
            server={"release": "2022", "roles": ["dns", "cluster"], "broken": False},
            variables={"known_services_names": ["cluster"]},
        ),
    )
}
"""By role."""
