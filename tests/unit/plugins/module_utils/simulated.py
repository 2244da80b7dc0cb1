# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated server that has exactly what a test describes, and what it answers to the collection's own questions.

The test writes services, sockets and values as the planners see them; the simulator holds them as Windows does, and
every answer comes from it through envelopes and the observers. Nothing in here knows how Windows answers.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Step
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Connection,
    DynamicRanges,
    Event,
    Fact,
    NetworkAdapter,
    NetworkDriver,
    RegistryReading,
    RegistryType,
    RegistryValue,
    Service,
    Socket,
    TcpSegments,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import release_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock, apply
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.observe import read_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from tests.simulator.direct import DirectServer
from tests.simulator.windows import exclusions, machine, network, processes, registry, releases, services, sockets
from tests.simulator.windows.assumptions import Assumptions
from tests.simulator.windows.boot import resolve_dependencies
from tests.simulator.windows.events import EventLog
from tests.simulator.windows.interface import User
from tests.simulator.windows.server import SimulatedServer

ADMINISTRATOR: t.Final = User("Administrator", "")
WINRM_PROCESS: t.Final = 4242
RPC_PROCESS: t.Final = 4241
ENDPOINT_MAPPER: t.Final = 135
USUAL_KEYS: t.Final = (r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters",)
_START: t.Final = {"Boot": 0, "System": 1, "Auto": 2, "Manual": 3, "Disabled": 4}
_DOMAIN_ROLES: t.Final = {1: 0, 2: 5, 3: 2}
"""Win32_ComputerSystem.DomainRole by ProductType: a workstation, a domain controller, a server."""
Server = t.TypeVar("Server", bound=SimulatedServer)
_FAMILIES: t.Final[tuple[sockets.Family, ...]] = (4, 6)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Described:
    """All that a server has. Registry values by key and name; dependencies as (dependent, antecedent)."""

    version: str
    product_type: int = 3
    caption: str | None = None
    boot: datetime.datetime
    uptime: float
    registry: c.Mapping[tuple[str, str], RegistryValue] = dataclasses.field(default_factory=dict)
    keys: c.Collection[str] = ()
    """Keys that exist though no value stands in them."""
    services: c.Sequence[Service] = ()
    dependencies: c.Collection[tuple[str, str]] = ()
    sockets: c.Sequence[Socket] = ()
    connections: c.Sequence[Connection] = ()
    images: c.Mapping[int, str] = dataclasses.field(default_factory=dict)
    """Processes by their ids."""
    process_age: float = 0.0
    """Of every process, in seconds."""
    exclusions: Exclusions | None
    """``None``: its netsh has no such command."""
    dynamic: DynamicRanges | None
    updates: tuple[str, ...] = ()
    events: c.Sequence[Event] = ()
    segments: TcpSegments | None = None
    adapters: c.Sequence[NetworkAdapter] = ()
    drivers: c.Sequence[NetworkDriver] = ()


class Simulated:
    """The server; also the transport of the client that talks to it."""

    host = "server"

    def __init__(self, described: Described) -> None:
        self._server = server_of(described, SimulatedServer)
        self._line = DirectServer.of(self._server, now=self._server.now)
        self._capabilities = release_of(described.version, described.product_type).capabilities

    def answers(self, wanted: c.Collection[Fact[t.Any]]) -> dict[Fact[t.Any], t.Any]:
        """What the observers read; WindowsError and WsmanError as from them."""
        with Target(Client(self), self._capabilities) as target:
            return read_facts(target, wanted)

    def carry_out(self, steps: c.Iterable[Step]) -> None:
        """Let the engine do the steps of a plan, one after another."""
        with Target(Client(self), self._capabilities) as target:
            for step in steps:
                apply(target, step, Clock())

    def reading(self, key: str, name: str) -> RegistryReading:
        """A registry value, as it stands in the server."""
        held = self._server.machine.registry
        value = held.get(key, name)
        if value is None:
            return Absent.VALUE if held.find(key) else Absent.KEY
        return RegistryValue(RegistryType(int(value.type)), t.cast(t.Any, value.data))

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        return self._line.answer(envelope)

    def reset(self) -> None:
        """There is no connection."""


def server_of(described: Described, kind: type[Server]) -> Server:
    """Make the server, of a class that may answer some questions in a way of its own."""
    now = (described.boot + datetime.timedelta(seconds=described.uptime)).timestamp()
    server = kind(_machine(described), seed=0, users=(ADMINISTRATOR,), roles=(), now=now, uptime=described.uptime)
    server.session.booted_at = described.boot.timestamp()
    server.session.block_mode = False
    server.session.sockets = _sockets(described)
    server.machine.events = _events(described)
    _add_exclusions(server.machine, described)
    _set_services(server, described)
    _set_processes(server, described, now)
    return server


# --- what survives a boot ---------------------------------------------------------------------------------------------


def _machine(described: Described) -> machine.Machine:
    release = _release(described)
    made = machine.Machine(
        name="SERVER",
        release=release,
        language="en",
        winrm_stack=release.winrm_stacks[-1],
        assumptions=Assumptions(),
        netsh_hotfix=described.exclusions is not None,
        domain_role=_DOMAIN_ROLES[described.product_type],
        hotfixes=described.updates,
        time_scale=0.001,
        adapters=_adapters(described),
    )
    if described.segments is not None:
        made.tcp_segments = network.TcpSegments(**described.segments._asdict())
    for family in _FAMILIES:
        if described.dynamic is not None:
            tcp, udp = (getattr(described.dynamic, name + "6" * (family == 6)) for name in ("tcp", "udp"))
            made.dynamic_ranges |= {(family, "tcp"): (tcp.first, tcp.last), (family, "udp"): (udp.first, udp.last)}
    _fill(made.registry, described)
    return made


def _release(described: Described) -> releases.Release:
    """The newest build of this version that is not newer, with the version that is described."""
    number = [int(part) for part in described.version.split(".")]
    rows = [row for row in releases.RELEASES.values() if [int(part) for part in row.version.split(".")] <= number]
    return dataclasses.replace(
        rows[-1],
        version=described.version,
        caption=described.caption or rows[-1].caption,
        dynamic_port_command=described.dynamic is not None and rows[-1].dynamic_port_command,
        netsh_exclusions="never" if described.exclusions is None else rows[-1].netsh_exclusions,
    )


def _fill(held: registry.Registry, described: Described) -> None:
    for key in (*USUAL_KEYS, *described.keys):
        held.create(key)
    usual = _winrm(described)
    pairs = [*described.dependencies, *([("WinRM", "RpcSs")] if usual else [])]
    for one in (*usual, *described.services):
        _install(held, one, tuple(needed for dependent, needed in pairs if dependent == one.name))
    for (key, name), value in described.registry.items():
        held.set(key, name, registry.ValueType(int(value.type)), value.data)


def _install(held: registry.Registry, one: Service, needs: tuple[str, ...]) -> None:
    key = f"{registry.SERVICES}\\{one.name}"
    held.create(rf"{key}\Parameters")
    held.set(key, "Type", registry.ValueType.DWORD, services.OWN_PROCESS)
    held.set(key, "Start", registry.ValueType.DWORD, _START[one.start_mode])
    held.set(key, "DisplayName", registry.ValueType.SZ, one.display_name)
    held.set(key, "ImagePath", registry.ValueType.EXPAND_SZ, one.path_name)
    if needs:
        held.set(key, "DependOnService", registry.ValueType.MULTI_SZ, needs)


def _winrm(described: Described) -> tuple[Service, ...]:
    """The service that answers, with what it needs, if the test says nothing of it."""
    if any(one.name.casefold() == "winrm" for one in described.services):
        return ()
    path = r"C:\Windows\System32\svchost.exe -k "
    rpc = Service("RpcSs", "RpcSs", "Running", "Auto", RPC_PROCESS, 0, 0, f"{path}rpcss")
    return (rpc, Service("WinRM", "WinRM", "Running", "Auto", WINRM_PROCESS, 0, 0, f"{path}WinRM"))


def _adapters(described: Described) -> tuple[network.Adapter, ...]:
    by_device = {driver.device_id: driver for driver in described.drivers}
    return tuple(_adapter(one, by_device.get(one.device_id)) for one in described.adapters)


def _adapter(one: NetworkAdapter, driver: NetworkDriver | None) -> network.Adapter:
    made = network.Adapter(name=one.name, service=one.service, device_id=one.device_id, connected=one.connected)
    if driver is None or driver.date is None:
        return made
    return dataclasses.replace(
        made, driver_date=driver.date.date(), driver_version=driver.version, driver_provider=driver.provider
    )


def _events(described: Described) -> EventLog:
    log = EventLog()
    for event in sorted(described.events, key=lambda one: one.time):
        log.write(
            logfile=event.log,
            source=event.source,
            code=event.code,
            type_="error",
            generated=event.time.timestamp(),
            strings=event.strings,
        )
    return log


def _add_exclusions(made: machine.Machine, described: Described) -> None:
    for protocol in ("tcp", "udp"):
        lasting = described.exclusions.persistent(protocol) if described.exclusions else ()
        for block in described.exclusions.of(protocol) if described.exclusions else ():
            lasts = block.administered and block.ports in lasting
            row = exclusions.Block(block.ports.first, block.ports.last, block.administered, lasts)
            assert made.exclusions.add(protocol, row, is_used=lambda _port: False) == 0


# --- what this boot has -----------------------------------------------------------------------------------------------


def _set_services(server: SimulatedServer, described: Described) -> None:
    session = server.session
    for one in (*_winrm(described), *described.services):
        held = session.services[one.name.casefold()]
        held.state = t.cast("services.ServiceState", one.state)
        held.pid, held.exit_code, held.specific_exit_code = one.process_id, one.exit_code, one.specific_exit_code
    session.plan = dataclasses.replace(session.plan, dependencies=resolve_dependencies(session.machine.services()))


def _set_processes(server: SimulatedServer, described: Described, now: float) -> None:
    table = processes.ProcessTable(60_000)
    for number, image in described.images.items():
        table.insert(processes.Process(number, image, image, "LocalSystem", 4, now - described.process_age))
    server.session.processes = table


def _sockets(described: Described) -> sockets.SocketTable:
    table = sockets.SocketTable()
    # No server that answers is without a socket: if the test gives none, that of the RPC endpoint mapper is there.
    for one in described.sockets or (Socket("tcp", "0.0.0.0", ENDPOINT_MAPPER, RPC_PROCESS),):
        table.add(_bound(one.protocol, one.address, one.port, one.process_id, "listen"))
    for connection in described.connections:
        table.add(_connected(connection))
    return table


def _bound(
    protocol: sockets.Protocol, address: str, port: int, process_id: int, state: sockets.TcpState
) -> sockets.Socket:
    family: sockets.Family = 6 if ":" in address else 4
    state = state if protocol == "tcp" else ""
    return sockets.Socket(protocol, family, port, process_id, "LocalSystem", address=address, state=state)


def _connected(connection: Connection) -> sockets.Socket:
    far, _colon, port = connection.far_end.rpartition(":")
    held = _bound("tcp", connection.address, connection.port, connection.process_id, "established" if far else "bound")
    return held._replace(remote_address=far.strip("[]"), remote_port=int(port or 0), client=bool(far))
