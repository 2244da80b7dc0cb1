# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One boot of a server, from the kernel to the next shutdown: services, processes and sockets as they come and go."""

from __future__ import annotations

import heapq
import itertools
import random
import typing as t

from tests.simulator.windows import endpoints
from tests.simulator.windows.boot import BootPlan, StepKind
from tests.simulator.windows.dns import draw_ports, pool_exclusions, pool_size
from tests.simulator.windows.kept_ports import KeptPorts, Reservations
from tests.simulator.windows.machine import Foreigner, Machine
from tests.simulator.windows.processes import Process, ProcessTable, standing_processes
from tests.simulator.windows.program import Program, Worker
from tests.simulator.windows.programs import program_of
from tests.simulator.windows.services import (
    ERROR_DEPENDENCY_FAILED,
    ERROR_FILE_NOT_FOUND,
    SHARE_PROCESS,
    Service,
    ServiceConfig,
)
from tests.simulator.windows.sockets import (
    OWN_ADDRESSES,
    WILDCARDS,
    WSAEACCES,
    Family,
    Option,
    Protocol,
    Socket,
    SocketPool,
    SocketTable,
)

SYSTEM_PID: t.Final = 4
SERVICE_MANAGER: t.Final = "Service Control Manager"


class Session:
    """The volatile half of a server. ``quiet`` sessions write no events: the lottery's twins."""

    def __init__(
        self, machine: Machine, plan: BootPlan, *, seed: int, booted_at: float, boot_id: int = 1, quiet: bool = False
    ) -> None:
        """Begin a boot; nothing has started yet."""
        self.machine = machine
        self.plan = plan
        self.seed = seed
        self.booted_at = booted_at
        self.boot_id = boot_id
        self.quiet = quiet
        self.booting = True
        self.block_mode = False
        self.deaf: set[str] = set()
        """Who runs without a port that is its own: services, and workers by their names."""
        self.workers: dict[str, tuple[Worker, int]] = {}
        self.target = booted_at
        self.rng = random.Random(seed)
        self.sockets = SocketTable(waiting_hold=machine.assumptions.waiting_connections_hold_ports)
        self.services = {folded: Service(config) for folded, config in plan.configs.items()}
        self.processes = ProcessTable(600 + 4 * self.rng.randrange(64))
        self.kept = KeptPorts(machine)
        self._pool_list: frozenset[int] | None = None
        self._boot_dynamic: dict[Protocol, tuple[int, int]] = {
            "tcp": machine.dynamic_range("tcp"),
            "udp": machine.dynamic_range("udp"),
        }
        self._agenda: list[tuple[float, int, StepKind, str]] = []
        self._serial = 0
        self._start_standing_processes()
        for foreigner in machine.foreigners:
            self.seat(foreigner, booted_at)
        # The plan is in order of time, and so already a heap.
        self._agenda = [
            (booted_at + step.offset, number, step.kind, step.service) for number, step in enumerate(plan.steps)
        ]
        self._serial = len(self._agenda)

    # -- time
    def schedule(self, due: float, kind: StepKind, service: str) -> None:
        """Put a step on the agenda."""
        self._serial += 1
        heapq.heappush(self._agenda, (due, self._serial, kind, service))

    def advance(self, now: float) -> None:
        """Do every step that is due."""
        self.target = now
        while self._agenda and self._agenda[0][0] <= now:
            due, _serial, kind, service = heapq.heappop(self._agenda)
            self.apply(kind, service, due)
        if self.booting and now >= self.booted_at + (self.plan.steps[-1].offset if self.plan.steps else 0.0):
            self.booting = False

    def finish(self) -> float:
        """Do every step of the agenda at its own time; return the time of the last one."""
        last = self.booted_at
        while self._agenda:
            last, _serial, kind, service = heapq.heappop(self._agenda)
            self.apply(kind, service, last)
        self.booting = False
        return last

    def next_due(self) -> float | None:
        """Return when something happens next."""
        return self._agenda[0][0] if self._agenda else None

    def apply(self, kind: StepKind, service: str, now: float) -> None:
        """Let one step happen to a service."""
        _STEPS[kind](self, self.services[service], now)

    def apply_now(self, kind: StepKind, service: Service, now: float) -> None:
        """Let a step happen to a service now."""
        _STEPS[kind](self, service, now)

    def hasten(self, service: Service, now: float) -> None:
        """Run the tasks of a service that a caller waits for; no caller waits for a worker's next try."""
        for due, _serial, kind, name in self._take_from_agenda(service):
            if kind == "retry":
                self.schedule(due, kind, name)
            else:
                self.apply(kind, name, now)

    def _take_from_agenda(self, service: Service) -> list[tuple[float, int, StepKind, str]]:
        """Remove the scheduled tasks of a service, and return them in their order."""
        folded = service.config.name.casefold()
        taken = sorted(item for item in self._agenda if item[3] == folded)
        if taken:
            self._agenda = [item for item in self._agenda if item[3] != folded]
            heapq.heapify(self._agenda)
        return taken

    # -- steps
    def _begin(self, service: Service, now: float) -> None:
        if service.state != "Stopped":
            return
        config = service.config
        if config.name.casefold() in self.machine.without_program:
            service.exit_code = ERROR_FILE_NOT_FOUND
            self.log(code=7000, now=now, strings=(config.display_name, f"%%{ERROR_FILE_NOT_FOUND}"))
            return
        if config.is_driver:
            service.state, service.exit_code = "Running", 0
            if config.name.casefold() == "http":
                self._listen_http(now)
            return
        broken = self.missing_dependency(config)
        if broken is not None:
            self._fail_for_dependency(service, broken, now)
            return
        service.state, service.exit_code = "Start Pending", 0
        service.pid = self._process_for(config, now)

    def _bind(self, service: Service, now: float) -> None:
        if service.state not in ("Start Pending", "Running"):
            return
        error = self.bind_program(service, self.program(service.config), now)
        if error:
            self._fail(service, error, now)

    def _running(self, service: Service, _now: float) -> None:
        if service.state == "Start Pending":
            service.state, service.exit_code = "Running", 0

    def _stopped(self, service: Service, _now: float) -> None:
        if service.state == "Stop Pending":
            self.release(service)
            service.state, service.exit_code = "Stopped", 0

    def _retry(self, service: Service, now: float) -> None:
        endpoints.try_port(self, service, now)

    def _fail(self, service: Service, error: int, now: float) -> None:
        self.release(service)
        service.state, service.exit_code = "Stopped", error
        self.log(code=7023, now=now, strings=(service.config.display_name, f"%%{error}"))
        if self.booting and self.program(service.config).block_mode:
            self.block_mode = True
            self.log(source="IPSec", code=4292, now=now, strings=())

    def _fail_for_dependency(self, service: Service, broken: str, now: float) -> None:
        service.state, service.exit_code = "Stopped", ERROR_DEPENDENCY_FAILED
        cause = self.services.get(broken)
        reason = cause.exit_code if cause is not None and cause.exit_code else ERROR_DEPENDENCY_FAILED
        name = cause.config.display_name if cause is not None else broken
        self.log(code=7001, now=now, strings=(service.config.display_name, name, f"%%{reason}"))

    # -- services
    def missing_dependency(self, config: ServiceConfig) -> str | None:
        """Return the folded name of a needed service that does not run, or None."""
        for needed in self.plan.dependencies.get(config.name.casefold(), ()):
            if needed not in self.services or self.services[needed].state != "Running":
                return needed
        return None

    def release(self, service: Service) -> None:
        """Close a service's sockets and end its process, unless other services or the system live in it."""
        pid, service.pid = service.pid, 0
        self._take_from_agenda(service)
        self.deaf.discard(service.config.name)
        endpoints.end_worker(self, service)
        self.sockets.close(service=service.config.name)
        process = self.processes.get(pid)
        if process is None or process.image.casefold() in ("lsass.exe", "services.exe"):
            return
        if not any(other.pid == pid for other in self.services.values()):
            self.sockets.close(pid=pid)
            self.processes.end(pid)

    def program(self, config: ServiceConfig) -> Program:
        """Return how a service's program behaves when it starts now."""
        folded = config.name.casefold()
        if self.booting and folded in self.plan.programs:
            return self.plan.programs[folded]
        machine = self.machine
        return program_of(config.name, machine.registry, machine.release, machine.assumptions)

    # -- processes
    def _start_standing_processes(self) -> None:
        for pid, image in ((0, "System Idle Process"), (SYSTEM_PID, "System")):
            self.processes.insert(Process(pid, image, "", "NT AUTHORITY\\SYSTEM", 0, self.booted_at))
        for image, command_line in standing_processes(self.machine.release):
            process = self.processes.start(
                image=image, command_line=command_line, account="LocalSystem", parent=SYSTEM_PID, created=self.booted_at
            )
            self.processes.share(command_line.casefold(), process.pid)

    def seat(self, foreigner: Foreigner, now: float) -> tuple[int, int]:
        """Start a foreign program that binds one port; return its process id and 0, 10048 or 10013 (then it ends)."""
        process = self.processes.start(
            image=foreigner.image,
            command_line=f"C:\\Program Files\\{foreigner.image}",
            account=foreigner.account,
            parent=SYSTEM_PID,
            created=now,
        )
        wanted = (
            [self._client(foreigner, process.pid, now)]
            if foreigner.is_client
            else [
                Socket(
                    foreigner.protocol,
                    family,
                    foreigner.port,
                    process.pid,
                    foreigner.account,
                    option=foreigner.option,
                    address=foreigner.address or WILDCARDS[family],
                    state="listen" if foreigner.protocol == "tcp" else "",
                    created=now,
                )
                for family in (self.machine.families if not foreigner.address else (4,))
            ]
        )
        blocked = foreigner.port in self.reservations().everybody[foreigner.protocol]
        error = WSAEACCES if blocked else next(filter(None, map(self.sockets.conflict, wanted)), 0)
        if error:
            self.processes.end(process.pid)
        else:
            for socket in wanted:
                self.sockets.add(socket)
        return process.pid, error

    @staticmethod
    def _client(foreigner: Foreigner, pid: int, now: float) -> Socket:
        family, far, far_port = foreigner.far_end
        return Socket(
            "tcp",
            family,
            foreigner.port,
            0 if foreigner.state == "time_wait" else pid,
            foreigner.account,
            option=foreigner.option,
            address=OWN_ADDRESSES[family] if far else WILDCARDS[family],
            state=foreigner.state,
            remote_address=far,
            remote_port=far_port,
            created=now,
            client=bool(far),
        )

    def _process_for(self, config: ServiceConfig, now: float) -> int:
        key = config.image_path.casefold()
        if config.type & SHARE_PROCESS:
            if self.machine.release.per_service_processes and config.image.casefold() == "svchost.exe":
                key += "|" + config.name.casefold()
            pid = self.processes.shared(key)
            if pid is not None:
                return pid
        process = self.processes.start(
            image=config.image, command_line=config.image_path, account=config.account, parent=SYSTEM_PID, created=now
        )
        self.processes.share(key, process.pid)
        return process.pid

    # -- sockets
    def bind_program(self, service: Service, program: Program, now: float) -> int:
        """Bind everything that a service's program wants; return 0 or the error of the first vital bind that failed."""
        fixed: tuple[tuple[Protocol, tuple[int, ...]], ...] = (("tcp", program.tcp), ("udp", program.udp))
        for protocol, ports in fixed:
            for port in ports:
                error = self.bind(service, protocol, port, program, now)
                if error and program.vital_ports:
                    return error
                if error:
                    self.deaf.add(service.config.name)
        error = endpoints.bind_one_of(self, service, program, now)
        if error:
            return error
        self._bind_others(service, program, now)
        return 0

    def _bind_others(self, service: Service, program: Program, now: float) -> None:
        endpoints.open_endpoints(self, service, program, now)
        dynamic: tuple[tuple[Protocol, int], ...] = (("tcp", program.dynamic_tcp), ("udp", program.dynamic_udp))
        for protocol, count in dynamic:
            for _number in range(count):
                self._bind_dynamic(service, protocol, now)
        if program.socket_pool:
            self._bind_pool(service, now)
        if program.worker is not None:
            endpoints.start_worker(self, service, program.worker, now)
        if service.config.name.casefold() == "samss" and self.machine.tcp_clients:
            endpoints.connect_clients(self, service, now)

    def bind(self, service: Service, protocol: Protocol, port: int, program: Program, now: float) -> int:
        """Bind one explicit port on all addresses of every family; 0, 10048 or 10013."""
        if port in self.reservations().everybody[protocol]:
            return WSAEACCES
        wanted = [
            self._socket(service, protocol, family, port, now=now, option=program.option)
            for family in self.machine.families
        ]
        if program.in_kernel:
            wanted = [socket._replace(pid=SYSTEM_PID) for socket in wanted]
        for socket in wanted:
            error = self.sockets.conflict(socket)
            if error:
                return error
        for socket in wanted:
            self.sockets.add(socket)
        return 0

    def _socket(
        self,
        service: Service,
        protocol: Protocol,
        family: Family,
        port: int,
        *,
        now: float,
        option: Option = "default",
    ) -> Socket:
        return Socket(
            protocol,
            family,
            port,
            service.pid,
            service.config.account,
            service.config.name,
            option,
            WILDCARDS[family],
            "listen" if protocol == "tcp" else "",
            created=now,
        )

    def _bind_dynamic(self, service: Service, protocol: Protocol, now: float) -> None:
        for port in self.dynamic_ports(protocol, 1):
            for family in self.machine.families:
                self.sockets.add(self._socket(service, protocol, family, port, now=now))

    def dynamic_ports(self, protocol: Protocol, count: int) -> t.Collection[int]:
        """Return the ports that the stack gives to binds to port 0; fewer when not so many are left."""
        machine = self.machine
        port_range = self._boot_dynamic[protocol] if machine.release.nt5 else machine.dynamic_range(protocol)
        taken = self.reservations().random[protocol] | self.sockets.used_ports(protocol)
        if machine.assumptions.ephemeral_order == "random":
            return draw_ports(self.rng, count=count, port_range=port_range, taken=taken)
        free = (port for port in range(port_range[0], port_range[1] + 1) if port not in taken)
        return tuple(itertools.islice(free, count))

    def _bind_pool(self, service: Service, now: float) -> None:
        machine = self.machine
        self._pool_list = self._configured_list()
        count = max(pool_size(machine.registry), 1) if machine.has_socket_pool else 1
        families = machine.families if machine.assumptions.pool_ipv6 else (4,)
        draws = (
            [families] if machine.assumptions.pool_one_draw_for_both_families else [(family,) for family in families]
        )
        for pool_families in draws:
            ports = draw_ports(self.rng, count=count, port_range=self.pool_range(), taken=self.pool_avoids())
            self.sockets.add_pool(
                SocketPool(
                    ports,
                    pool_families,
                    service.pid,
                    service.config.account,
                    service.config.name,
                    "exclusive" if machine.assumptions.dns_exclusive_sockets else "default",
                    now,
                )
            )

    def pool_range(self) -> tuple[int, int]:
        """Return the range that the DNS server draws from now."""
        machine = self.machine
        if not machine.has_socket_pool:
            return self._boot_dynamic["udp"] if machine.release.nt5 else machine.dynamic_range("udp")
        return self.kept.pool_range()

    def pool_avoids(self) -> frozenset[int]:
        """Return the ports that the DNS server cannot or will not draw now."""
        return self.kept.pool_avoids() | self.sockets.used_ports("udp")

    def reservations(self) -> Reservations:
        """Return the ports that the stack keeps back now."""
        return self.kept.reservations()

    def redraw_changed_pool(self, now: float) -> None:
        """Draw the pool anew if its list was changed (only if an assumption says so)."""
        dns = self.services.get("dns")
        if dns is None or dns.state != "Running" or self._pool_list in (None, self._configured_list()):
            return
        self.sockets.drop_pools(dns.config.name)
        self._bind_pool(dns, now)

    def _configured_list(self) -> frozenset[int]:
        return pool_exclusions(self.machine.registry, self.machine.release)

    def _listen_http(self, now: float) -> None:
        """Let the kernel's own servers listen: SMB, NetBIOS and, through http.sys, WinRM."""
        tcp = (139, 445, self.machine.winrm_port)
        kernel: tuple[tuple[Protocol, tuple[int, ...]], ...] = (("tcp", tcp), ("udp", (137, 138)))
        for protocol, ports in kernel:
            for port in ports:
                for family in self.machine.families:
                    self.sockets.add(
                        Socket(
                            protocol,
                            family,
                            port,
                            SYSTEM_PID,
                            "LocalSystem",
                            address=WILDCARDS[family],
                            state="listen" if protocol == "tcp" else "",
                            created=now,
                        )
                    )

    # -- events
    def log(self, *, code: int, now: float, strings: t.Sequence[str], source: str = SERVICE_MANAGER) -> None:
        """Write an error to the System log, unless this is one of the lottery's twins."""
        if not self.quiet:
            self.machine.log(source=source, code=code, now=now, strings=strings)


_STEPS: t.Final[dict[StepKind, t.Callable[[Session, Service, float], None]]] = {
    "begin": Session._begin,
    "bind": Session._bind,
    "running": Session._running,
    "stopped": Session._stopped,
    "retry": Session._retry,
}
