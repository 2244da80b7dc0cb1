# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a server survives a boot: registry, reservations, installed updates, event logs."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.assumptions import Assumptions
from tests.simulator.windows.disk import Disk
from tests.simulator.windows.dns import TCPIP_PARAMETERS
from tests.simulator.windows.events import EventLog, EventType
from tests.simulator.windows.exclusions import ExclusionStore
from tests.simulator.windows.network import USUAL_ADAPTERS, USUAL_SEGMENTS, Adapter, TcpSegments
from tests.simulator.windows.portranges import PortRange, ports_of, read_ranges, without_touching
from tests.simulator.windows.registry import Registry
from tests.simulator.windows.releases import Language, Release, WinrmStack
from tests.simulator.windows.services import ServiceConfig, read_services
from tests.simulator.windows.sockets import Family, Option, Protocol, TcpState

NT5_DYNAMIC_START: t.Final = 1025
NT5_DYNAMIC_END: t.Final = 5000
DYNAMIC_START: t.Final = 49152
AUTO_START_DELAY_KEY: t.Final = "SYSTEM\\CurrentControlSet\\Control"


@dataclasses.dataclass(frozen=True, slots=True)
class Foreigner:
    """A program that is no service and has one port, at each boot before any service or when a test says so.

    ``state``: of a TCP socket; other than ``listen`` it is a client, which has connected to ``remote``, an address with
    its port (``192.0.2.99:443``, ``[2001:db8::99]:443``), unless it is merely ``bound``.
    """

    image: str
    protocol: Protocol
    port: int
    account: str = "LocalSystem"
    option: Option = "default"
    address: str = ""
    state: TcpState = "listen"
    remote: str = ""

    @property
    def is_client(self) -> bool:
        """Whether it does not listen on its TCP port."""
        return self.protocol == "tcp" and self.state != "listen"

    @property
    def far_end(self) -> tuple[Family, str, int]:
        """The other end of its connection."""
        address, _colon, port = self.remote.rpartition(":")
        family: Family = 6 if address.startswith("[") else 4
        return family, address.strip("[]"), int(port or 0)


@dataclasses.dataclass(slots=True)
class Machine:
    """One server's disk.

    ``hotfixes`` are the rows of Win32_QuickFixEngineering; ``dns_update`` says whether dns.exe holds a pool before
    2008 R2, whether the rows show it or not (it may be slipstreamed). ``clock_offset`` is the server's clock minus true
    time, ``boot_time_jump`` what LastBootUpTime is off besides, both in seconds. ``time_scale`` shortens every duration
    (1.0 is life-like). ``runtime_blocks`` are made again at each boot (by WinNAT), here always the same.
    ``without_program``: services, by folded name, whose program does not exist.
    ``tcp_clients``: how many connections lsass.exe opens at boot, each from a TCP port that the stack chooses.
    """

    name: str
    release: Release
    language: Language
    winrm_stack: WinrmStack
    assumptions: Assumptions
    dns_update: bool = True
    netsh_hotfix: bool = False
    domain: str = ""
    domain_role: int = 2
    hotfixes: tuple[str, ...] = ()
    clock_offset: float = 0.0
    boot_time_jump: float = 0.0
    time_scale: float = 1.0
    installed_at: float = 0.0
    runtime_blocks: tuple[tuple[Protocol, PortRange], ...] = ()
    foreigners: tuple[Foreigner, ...] = ()
    tcp_clients: int = 0
    without_program: set[str] = dataclasses.field(default_factory=set)
    registry: Registry = dataclasses.field(default_factory=Registry)
    exclusions: ExclusionStore = dataclasses.field(default_factory=ExclusionStore)
    dynamic_ranges: dict[tuple[Family, Protocol], PortRange] = dataclasses.field(default_factory=dict)
    events: EventLog = dataclasses.field(default_factory=EventLog)
    files: Disk = dataclasses.field(default_factory=Disk)
    adapters: tuple[Adapter, ...] = USUAL_ADAPTERS
    tcp_segments: TcpSegments = USUAL_SEGMENTS

    @property
    def has_netsh_exclusions(self) -> bool:
        """Whether ``netsh ... excludedportrange`` exists here."""
        rule = self.release.netsh_exclusions
        return rule == "always" or (rule == "with_hotfix" and self.netsh_hotfix)

    @property
    def has_socket_pool(self) -> bool:
        """Whether dns.exe draws a pool of sockets."""
        return self.release.pool_built_in or self.dns_update

    @property
    def families(self) -> tuple[Family, ...]:
        """The address families that services bind."""
        return (4,) if self.release.nt5 else (4, 6)

    @property
    def winrm_port(self) -> int:
        """The HTTP port of WinRM: 80 before WinRM 2.0."""
        return 80 if self.winrm_stack == "1.1" else 5985

    def services(self) -> dict[str, ServiceConfig]:
        """Read the services from the registry."""
        return read_services(self.registry)

    def dynamic_range(self, protocol: Protocol, family: Family = 4) -> PortRange:
        """Return the range of dynamic ports that a boot or a change of netsh now would make effective."""
        if self.release.nt5:
            maximum = self.registry.number(TCPIP_PARAMETERS, "MaxUserPort")
            return (NT5_DYNAMIC_START, min(max(maximum or NT5_DYNAMIC_END, NT5_DYNAMIC_END), 65535))
        return self.dynamic_ranges.get((family, protocol), (DYNAMIC_START, 65535))

    def configured_reservations(self, protocol: Protocol) -> frozenset[int]:
        """Return the ports that ReservedPorts would keep from random binds after a boot (none from 6.0 on)."""
        if not self.release.reserved_ports_honoured:
            return frozenset()
        if protocol == "udp" and not self.assumptions.reserved_ports_cover_tcp_and_udp:
            return frozenset()
        entries = self.registry.texts(TCPIP_PARAMETERS, "ReservedPorts")
        if self.assumptions.reserved_ports_need_ranges:
            entries = tuple(entry for entry in entries if "-" in entry)
        ranges = read_ranges(entries)
        return ports_of(without_touching(ranges) if self.assumptions.adjacent_single_reservations_fail else ranges)

    def auto_start_delay(self) -> float:
        """Return the delay of delayed services in seconds, before ``time_scale``."""
        configured = self.registry.number(AUTO_START_DELAY_KEY, "AutoStartDelay")
        return self.assumptions.auto_start_delay_seconds if configured is None else configured / 1000

    def log(
        self,
        *,
        source: str,
        code: int,
        now: float,
        strings: t.Sequence[str] = (),
        type_: EventType = "error",
        logfile: str = "System",
    ) -> None:
        """Write an event; ``now`` is true time."""
        self.events.write(
            logfile=logfile, source=source, code=code, type_=type_, generated=now + self.clock_offset, strings=strings
        )
