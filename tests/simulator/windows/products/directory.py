# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Active Directory domain controllers: Netlogon, Kerberos, the directory, and the replication of SYSVOL.

lsass.exe takes ports at random like dns.exe: its RPC endpoints are dynamic unless the registry fixes them
(KB224196). That the directory is a service of its own from 2008 on is documented; groups and dependencies are [K]
unverified.
"""

from __future__ import annotations

import typing as t

from tests.simulator.windows.program import Complaint, Endpoint, Program
from tests.simulator.windows.rows import ServiceRow
from tests.simulator.windows.services import OWN_PROCESS

LSASS: t.Final = "{system32}\\lsass.exe"
NTDS_PARAMETERS: t.Final = "NTDS\\Parameters"
LDAP_PORTS: t.Final = (389, 636, 3268, 3269)
KERBEROS_PORTS: t.Final = (88, 464)
DFSR_PORT: t.Final = 5722
"""Always this one on domain controllers of 2008 and 2008 R2 (AskDS)."""

ROWS: t.Final = (
    ServiceRow(
        "NTDS",
        "Active Directory Domain Services",
        "Active Directory-Dom\u00e4nendienste",
        image=LSASS,
        group="LocalValidation",
        needs=("RpcSs",),
        era="nt6",
    ),
    ServiceRow(
        "Netlogon",
        "Net Logon",
        "Anmeldedienst",
        image=LSASS,
        group="MS_WindowsRemoteValidation",
        needs=("LanmanWorkstation", "LanmanServer"),
    ),
    ServiceRow(
        "kdc",
        "Kerberos Key Distribution Center",
        "Kerberos-Schl\u00fcsselverteilungscenter",
        image=LSASS,
        group="MS_WindowsRemoteValidation",
        needs=("RpcSs", "AFD"),
    ),
    ServiceRow(
        "NtFrs",
        "File Replication Service",
        "Dateireplikationsdienst",
        image="{system32}\\ntfrs.exe",
        type=OWN_PROCESS,
        needs=("RpcSs", "Eventlog"),
        era="nt5",
    ),
    ServiceRow(
        "DFSR",
        "DFS Replication",
        "DFS-Replikation",
        image="{system32}\\DFSRs.exe",
        type=OWN_PROCESS,
        needs=("RpcSs", "EventLog"),
        era="nt6",
    ),
)

_PORT_IN_USE: t.Final = Complaint("NETLOGON", 5809, ("{port}",))
"""Netlogon's event (KB224196); its insertion strings are [K] unverified."""

DIRECTORY: t.Final = Program(
    tcp=LDAP_PORTS,
    udp=LDAP_PORTS[:1],
    endpoints=(Endpoint(NTDS_PARAMETERS, "TCP/IP Port"),),
    vital_ports=False,
    bind_seconds=0.3,
    start_seconds=1.0,
    stop_seconds=2.0,
)

PROGRAMS: t.Final[t.Mapping[str, Program]] = {
    "ntds": DIRECTORY,
    "kdc": Program(tcp=KERBEROS_PORTS, udp=KERBEROS_PORTS, vital_ports=False),
    "netlogon": Program(
        endpoints=(Endpoint("Netlogon\\Parameters", "DCTcpipPort", complaint=_PORT_IN_USE, noisy_restart=True),)
    ),
    "ntfrs": Program(endpoints=(Endpoint("NtFrs\\Parameters", "RPC TCP/IP Port Assignment"),), bind_seconds=2.0),
    "dfsr": Program(dynamic_tcp=1, bind_seconds=2.0),
}

DFSR_ON_OLD_CONTROLLERS: t.Final = Program(tcp=(DFSR_PORT,), bind_seconds=2.0)
