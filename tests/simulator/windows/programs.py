# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each service's program does when it runs: the ports it binds, and how long it takes. One row per service."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.assumptions import Assumptions
from tests.simulator.windows.registry import SERVICES, Registry
from tests.simulator.windows.releases import Release
from tests.simulator.windows.sockets import Option

AD_LDS_PREFIX: t.Final = "adam_"
AD_LDS_DEFAULT_PORTS: t.Final = (389, 636)


@dataclasses.dataclass(frozen=True, slots=True)
class Program:
    """How a service behaves. Seconds count from the moment the service manager starts it.

    ``dynamic_tcp`` and ``dynamic_udp`` are ports that the stack chooses. A service with ``vital_ports`` fails with the
    error of the first fixed port that it cannot bind; others do without.
    """

    tcp: tuple[int, ...] = ()
    udp: tuple[int, ...] = ()
    dynamic_tcp: int = 0
    dynamic_udp: int = 0
    bind_seconds: float = 0.2
    start_seconds: float = 0.5
    stop_seconds: float = 0.5
    option: Option = "default"
    vital_ports: bool = True
    socket_pool: bool = False
    block_mode: bool = False

    @property
    def binds(self) -> bool:
        """Whether the program binds anything."""
        return bool(self.tcp or self.udp or self.dynamic_tcp or self.dynamic_udp or self.socket_pool)


_ORDINARY: t.Final = Program()
_IKE: t.Final = Program(udp=(500, 4500), bind_seconds=4.0, start_seconds=5.0)

_PROGRAMS: t.Final[t.Mapping[str, Program]] = {
    "rpcss": Program(tcp=(135,), option="exclusive", bind_seconds=0.1, start_seconds=0.2),
    "eventlog": Program(dynamic_tcp=1),
    "samss": Program(dynamic_tcp=1, dynamic_udp=1),
    "schedule": Program(dynamic_tcp=1),
    "spooler": Program(dynamic_tcp=1, vital_ports=False),
    "dnscache": Program(dynamic_udp=1),
    "w32time": Program(udp=(123,)),
    "termservice": Program(tcp=(3389,), vital_ports=False),
    "winrm": Program(start_seconds=1.0, stop_seconds=1.0),
    # dns.exe reports that it runs before it has loaded its zones and holds its ports.
    "dns": Program(
        tcp=(53,),
        udp=(53,),
        dynamic_tcp=1,
        bind_seconds=1.5,
        start_seconds=1.0,
        stop_seconds=1.5,
        vital_ports=False,
        socket_pool=True,
    ),
    "ias": Program(udp=(1645, 1646, 1812, 1813), bind_seconds=5.0, start_seconds=6.0),
    "ikeext": _IKE,
    "msexchangeedgecredential": Program(bind_seconds=1.0, start_seconds=2.0, stop_seconds=1.0),
    "msexchangetransport": Program(tcp=(25,), bind_seconds=3.0, start_seconds=4.0, stop_seconds=3.0),
    "msexchangetransportlogsearch": Program(dynamic_tcp=1, start_seconds=2.0, bind_seconds=1.5),
}


def program_of(name: str, registry: Registry, release: Release, assumptions: Assumptions) -> Program:
    """Return the behaviour of a service; AD LDS instances read their ports from the registry at each start."""
    folded = name.casefold()
    if folded.startswith(AD_LDS_PREFIX):
        return _ad_lds(name, registry, assumptions)
    if folded == "policyagent" and release.nt5:
        return dataclasses.replace(
            _IKE, block_mode=assumptions.ipsec_block_mode, bind_seconds=4.0 if assumptions.ipsec_after_dns else 0.1
        )
    program = _PROGRAMS.get(folded, _ORDINARY)
    if not assumptions.other_ephemeral_users and (program.dynamic_tcp or program.dynamic_udp):
        program = dataclasses.replace(program, dynamic_tcp=0, dynamic_udp=0)
    return program


def ad_lds_ports(name: str, registry: Registry) -> tuple[int, ...]:
    """Return the LDAP and the SSL port of an instance (``Port LDAP``, ``Port SSL``; else 389 and 636)."""
    path = f"{SERVICES}\\{name}\\Parameters"
    configured = (registry.number(path, "Port LDAP"), registry.number(path, "Port SSL"))
    return tuple(
        default if port is None else port for port, default in zip(configured, AD_LDS_DEFAULT_PORTS, strict=True)
    )


def _ad_lds(name: str, registry: Registry, assumptions: Assumptions) -> Program:
    ports = ad_lds_ports(name, registry)
    return Program(
        tcp=ports,
        udp=ports if assumptions.ad_lds_binds_udp else (),
        dynamic_tcp=1 if assumptions.other_ephemeral_users else 0,
        option="reuse" if assumptions.ad_lds_reuses_address else "default",
        bind_seconds=5.0 if assumptions.dns_before_ad_lds else 0.1,
        start_seconds=7.0,
        stop_seconds=2.0,
    )
