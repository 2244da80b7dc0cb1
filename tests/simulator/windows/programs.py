# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The behaviour of each service's program: the ports it binds, and how long that takes. One row per service."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.assumptions import Assumptions
from tests.simulator.windows.portranges import ports_of, read_ranges
from tests.simulator.windows.products import directory, exchange, others
from tests.simulator.windows.program import Program
from tests.simulator.windows.registry import SERVICES, Registry
from tests.simulator.windows.releases import Release

AD_LDS_PREFIX: t.Final = "adam_"
AD_LDS_DEFAULT_PORTS: t.Final = (389, 636)
UDP_PORTS_VALUE: t.Final = "Simulated UDP ports"
"""REG_MULTI_SZ below a service's ``Parameters``: the ports of a program that no row of this file knows (for twins)."""


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
    **directory.PROGRAMS,
    **exchange.PROGRAMS,
    **others.PROGRAMS,
}

_OLD_CONTROLLERS: t.Final = ("2008", "2008r2")


def program_of(name: str, registry: Registry, release: Release, assumptions: Assumptions) -> Program:
    """Return the behaviour of a service; it reads the registry at each start."""
    folded = name.casefold()
    if folded.startswith(AD_LDS_PREFIX):
        return _ad_lds(name, registry, assumptions)
    if folded == "policyagent" and release.nt5:
        return dataclasses.replace(
            _IKE, block_mode=assumptions.ipsec_block_mode, bind_seconds=4.0 if assumptions.ipsec_after_dns else 0.1
        )
    program = _beside(folded, _PROGRAMS.get(folded) or _as_told(name, registry), registry, release)
    if folded == "remoteaccess":
        program = dataclasses.replace(program, vital_ports=assumptions.rras_needs_l2tp)
    if program.endpoints:
        program = _with_ports(program, registry)
    if not assumptions.other_ephemeral_users and (program.dynamic_tcp or program.dynamic_udp):
        program = dataclasses.replace(program, dynamic_tcp=0, dynamic_udp=0)
    return program


def _beside(folded: str, program: Program, registry: Registry, release: Release) -> Program:
    """Return the behaviour of a service, which may depend on other services of the server."""
    controller = registry.find(f"{SERVICES}\\{directory.NTDS_PARAMETERS}") is not None
    if folded == "samss" and controller and release.nt5:
        # Before 2008 the directory is no service: lsass.exe opens it with the account manager.
        return dataclasses.replace(
            directory.DIRECTORY, dynamic_tcp=program.dynamic_tcp, dynamic_udp=program.dynamic_udp
        )
    if folded == "netlogon" and not controller:
        return dataclasses.replace(program, endpoints=())
    if folded in exchange.UNREAD_SINCE_2010 and registry.find(f"{SERVICES}\\MSExchangeRPC") is not None:
        # Clients go to RPC Client Access: what listens here has a dynamic port, whatever stands in the registry.
        dynamic = sum(not endpoint.optional for endpoint in program.endpoints)
        return dataclasses.replace(program, endpoints=(), dynamic_tcp=program.dynamic_tcp + dynamic)
    if folded == "dfsr" and controller and release.key in _OLD_CONTROLLERS:
        return directory.DFSR_ON_OLD_CONTROLLERS
    worker = program.worker
    if worker is not None and registry.find(f"{SERVICES}\\{worker.beside}") is None:
        return dataclasses.replace(program, worker=None)
    return program


def _with_ports(program: Program, registry: Registry) -> Program:
    """Return the behaviour with those endpoints that have a fixed port; the others count as dynamic ports."""
    fixed = tuple(endpoint for endpoint in program.endpoints if endpoint.port(registry) is not None)
    dynamic = sum(endpoint not in fixed and not endpoint.optional for endpoint in program.endpoints)
    return dataclasses.replace(program, endpoints=fixed, dynamic_tcp=program.dynamic_tcp + dynamic)


def _as_told(name: str, registry: Registry) -> Program:
    ports = ports_of(read_ranges(registry.texts(f"{SERVICES}\\{name}\\Parameters", UDP_PORTS_VALUE)))
    return Program(udp=tuple(sorted(ports)), bind_seconds=5.0, start_seconds=6.0) if ports else _ORDINARY


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
