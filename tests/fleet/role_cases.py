# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role on a server of each kind that it treats in its own way, to be interrupted there."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.fleet.engine_tasks import BaselineTask, Task, role_task
from tests.fleet.host_cases import Json
from tests.fleet.killed_runs import DirectTarget, KillCase

State: t.TypeAlias = t.Literal["present", "absent"]
TIME_SCALE: t.Final = 0.3
"""Services take a while to start and stop, so that some are caught at it, but not so long that all is waiting."""
STATES: t.Final[tuple[State, ...]] = t.get_args(State)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """A role on one server, and the services that run in the end. ``undo``: what is set otherwise to take it back."""

    id: str
    role: str
    server: Json
    variables: Json = dataclasses.field(default_factory=dict)
    undo: Json = dataclasses.field(default_factory=dict)
    services: tuple[str, ...] = ()

    def task(self, state: State) -> Task:
        """What its tasks ask."""
        undo = self.undo if state == "absent" else {}
        variables = {**self.variables, **undo, f"{self.role}_state": state}
        return BaselineTask(variables) if self.role == "port_baseline" else role_task(self.role, variables)

    def kill_case(self, state: State) -> KillCase:
        """That, and what must run in the end."""
        return KillCase(task=self.task(state), services=self.services)

    def target(self, state: State) -> DirectTarget:
        """Its server: what is taken back was applied before."""
        first = self.task("present") if state == "absent" else None
        return DirectTarget({**self.server, "time_scale": TIME_SCALE}, first=first)


EDGE: t.Final = ("ADAM_MSExchange", "MSExchangeEdgeCredential", "MSExchangeTransport", "DNS")
INSTANCE: t.Final[Json] = {"exchange_edge_dns_instance": "MSExchange"}
SBS: t.Final[Json] = {"release": "2003", "roles": ["sbs2003"], "broken": ["IAS", "AUTD"]}
SBS_SERVICES: t.Final = ("IAS", "RemoteAccess", "W3SVC", "PolicyAgent", "DNS")
DC: t.Final[Json] = {"roles": ["domain_controller", "dns", "ias"], "broken": True}
HIGH: t.Final[Json] = {"max_user_port": 60000}
WIDE: t.Final[Json] = {"dynamic_range": "1025-60000"}
MAIL: t.Final[Json] = {"release": "2003", "roles": ["exchange2003"]}
MAIL_2010: t.Final[Json] = {"release": "2008r2", "roles": ["exchange2010"], "netsh_hotfix": True}
MAIL_SERVICES: t.Final = ("MSExchangeIS", "MSExchangeSA", "MSExchangeMTA")

CASES: t.Final = (
    Case(
        id="edge-2003",
        role="exchange_edge_dns",
        server={"release": "2003", "broken": True, "reserved_ports": ["3343-3343"]},
        services=EDGE,
    ),
    Case(
        id="edge-2003-rebooted",
        role="exchange_edge_dns",
        server={"release": "2003", "broken": True},
        variables={"exchange_edge_dns_reboot": True},
        # Once nothing is reserved any more, AD LDS may lose its ports at any boot.
        undo={"exchange_edge_dns_reboot": False},
        services=EDGE,
    ),
    Case(id="edge-2008", role="exchange_edge_dns", server={"release": "2008", "broken": True}, services=EDGE),
    # The list of the DNS server, and netsh.
    Case(
        id="edge-2022",
        role="exchange_edge_dns",
        server={"release": "2022", "broken": True},
        variables={"exchange_edge_dns_reserve": True, "exchange_edge_dns_stop_services": True},
        # Taken back all the same: it was wanted once.
        undo={"exchange_edge_dns_reserve": False},
        services=EDGE,
    ),
    Case(
        id="sbs2003",
        role="sbs2003",
        server=SBS,
        variables={"sbs2003_max_user_port": "remove", "sbs2003_socket_pool_size": "50"},
        services=SBS_SERVICES,
    ),
    # Without reservations it must not be rebooted: IPsec could block it.
    Case(
        id="sbs2003-rebooted",
        role="sbs2003",
        server=SBS,
        variables={"sbs2003_reboot": True},
        undo={"sbs2003_reboot": False},
        services=SBS_SERVICES,
    ),
    Case(
        id="dc-2003",
        role="dc_ias",
        server={**DC, **HIGH, "release": "2003"},
        services=("IAS", "PolicyAgent", "DNS"),
    ),
    Case(
        id="dc-2003-rebooted",
        role="dc_ias",
        server={**DC, **HIGH, "release": "2003"},
        variables={
            "dc_ias_static_rpc_ports": {"ntds": 4901, "netlogon": 4902, "ntfrs": 900},
            "dc_ias_restart_services": True,
            "dc_ias_reboot": True,
        },
        undo={"dc_ias_reboot": False},
        services=("IAS", "PolicyAgent", "NtFrs", "Netlogon", "DNS"),
    ),
    Case(
        id="dc-2008",
        role="dc_ias",
        server={**DC, **WIDE, "release": "2008"},
        variables={"dc_ias_delay_dns": True},
        services=("IAS", "IKEEXT", "DNS"),
    ),
    Case(
        id="dc-2022",
        role="dc_ias",
        server={**DC, **WIDE, "release": "2022"},
        variables={
            "dc_ias_stop_services": True,
            "dc_ias_static_rpc_ports": {"netlogon": 49902},
            "dc_ias_restart_services": True,
        },
        services=("IAS", "IKEEXT", "Netlogon", "DNS"),
    ),
    Case(
        id="exchange-2003",
        role="exchange_rpc_ports",
        server={**MAIL, "reserved_ports": ["3343-3343"]},
        variables={
            "exchange_rpc_ports_ports": {"exchange_is": 1226, "exchange_sa": 1227},
            "exchange_rpc_ports_restart_services": True,
        },
        services=MAIL_SERVICES,
    ),
    # Its directory reads the port at boot.
    Case(
        id="exchange-5.5-rebooted",
        role="exchange_rpc_ports",
        server={"release": "2003", "roles": ["exchange55"]},
        variables={
            "exchange_rpc_ports_ports": {"exchange_ds": 1225, "exchange_is": 1226},
            "exchange_rpc_ports_restart_services": True,
            "exchange_rpc_ports_reboot": True,
        },
        services=("MSExchangeDS", "MSExchangeIS"),
    ),
    Case(
        id="exchange-2010",
        role="exchange_rpc_ports",
        server=MAIL_2010,
        variables={
            "exchange_rpc_ports_ports": {"exchange_rpc": 59532, "exchange_ab": 59533},
            "exchange_rpc_ports_restart_services": True,
        },
        services=("MSExchangeRPC", "MSExchangeAB"),
    ),
    Case(id="exchange-2003-stopped", role="exchange_services", server=MAIL),
    Case(id="exchange-2010-stopped", role="exchange_services", server=MAIL_2010),
    Case(
        id="router-2003-rebooted",
        role="known_services",
        server={"release": "2003", "roles": ["blackberry_router"], "tcp_clients": 2200, "broken": True},
        variables={"known_services_names": ["blackberry_router"], "known_services_reboot": True},
        undo={"known_services_reboot": False},
        services=("BlackBerry Router",),
    ),
    Case(
        id="cluster-2022",
        role="known_services",
        server={**WIDE, "release": "2022", "roles": ["dns", "cluster"], "broken": "ClusSvc"},
        variables={"known_services_names": ["cluster"], "known_services_stop_services": True},
        services=("ClusSvc", "DNS"),
    ),
    # Its look sends questions only; then it is the role that fits.
    Case(id="baseline-sbs2003", role="port_baseline", server=SBS, variables=INSTANCE, services=SBS_SERVICES),
    Case(
        id="baseline-2019",
        role="port_baseline",
        server={"release": "2019", "broken": True},
        variables=INSTANCE,
        services=EDGE,
    ),
)
