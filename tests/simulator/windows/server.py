# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One simulated Windows server: everything that a protocol front end sees of it."""

from __future__ import annotations

import typing as t

from tests.simulator.windows import acts, lottery
from tests.simulator.windows.boot import BootPlan, plan_boot
from tests.simulator.windows.commands import batch, interpreter
from tests.simulator.windows.context import Context
from tests.simulator.windows.evidence import plant
from tests.simulator.windows.interface import CimInstance, CommandResult, User, WinrmLimits
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.power import Power, PowerEvent
from tests.simulator.windows.releases import Language, Release, WinrmStack, limits_of
from tests.simulator.windows.scenario import HostSpec, build_machine, read_host
from tests.simulator.windows.scm import ServiceManager
from tests.simulator.windows.session import Session
from tests.simulator.windows.wmi import repository

JsonValue: t.TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"

SETTLED_SECONDS: t.Final = 1.0

Program: t.TypeAlias = interpreter.ForeignProgram


class SimulatedServer:
    """A server with its registry, services, sockets, DNS, event log and boots.

    Time is given (``tick``) in seconds since the Unix epoch, UTC; the server's own clock may be off by its offset.
    Call ``tick(now)`` before each request; nothing in here reads a clock.

    ``users`` hold their passwords: the wire authenticates, the model only authorizes. ``programs`` are commands that
    the model does not know (folded name without ``.exe``) and that other code answers.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        seed: int,
        users: tuple[User, ...],
        roles: tuple[str, ...],
        now: float,
        uptime: float,
    ) -> None:
        """Make a server whose last boot, with this seed, began ``uptime`` seconds before ``now`` and is over."""
        self.machine = machine
        self.users = users
        self.roles = roles
        self.power = Power()
        self.programs: dict[str, Program] = {}
        self.now = now
        self._seed = seed
        self.session = self._settled_session(seed, uptime=uptime, boot_id=1)

    # -- who it is
    @property
    def name(self) -> str:
        """The NetBIOS name, upper case."""
        return self.machine.name

    @property
    def release(self) -> Release:
        """The Windows release."""
        return self.machine.release

    @property
    def language(self) -> Language:
        """The language of the installation."""
        return self.machine.language

    @property
    def winrm_stack(self) -> WinrmStack:
        """The WinRM stack of this host (2003 and 2008 may have 1.1 or 2.0)."""
        return self.machine.winrm_stack

    @property
    def limits(self) -> WinrmLimits:
        """The quotas and habits of the stack."""
        return limits_of(self.machine.release, self.machine.winrm_stack)

    @property
    def boot_id(self) -> int:
        """Number of the present boot: connections, shells and enumerations of an older boot are dead."""
        return self.session.boot_id

    # -- time
    def tick(self, now: float) -> None:
        """Bring pending service states, shutdowns and boots forward to this moment (never backward)."""
        if now < self.now:
            return
        while (due := self.power.take_due(now)) is not None:
            self._advance(due[0])
            self._happen(due[1])
        self._advance(now)

    def _advance(self, now: float) -> None:
        self.now = max(self.now, now)
        if self.power.on:
            self.session.advance(self.now)

    def _happen(self, event: PowerEvent) -> None:
        if event == "shutdown":
            self.power.begin(self.now, time_scale=self.machine.time_scale)
        elif event == "silent":
            self.machine.log(source="EventLog", code=6006, now=self.now, type_="information")
            self.power.on = False
        else:
            self._start_boot(self.power.seed)

    def _start_boot(self, seed: int | None) -> None:
        self._seed = self._seed + 1 if seed is None else seed
        self.power = Power()
        boot_id = self.session.boot_id + 1
        self.session = self._new_session(self._plan(), self._seed, booted_at=self.now, boot_id=boot_id)

    def _plan(self) -> BootPlan:
        active_last = not self.machine.assumptions.active_exclusions_end_at_boot
        self.machine.exclusions = self.machine.exclusions.at_boot(self.machine.runtime_blocks, active_last=active_last)
        return plan_boot(self.machine)

    def _new_session(self, plan: BootPlan, seed: int, *, booted_at: float, boot_id: int) -> Session:
        self.machine.log(source="EventLog", code=6005, now=booted_at, type_="information")
        return Session(self.machine, plan, seed=seed, booted_at=booted_at, boot_id=boot_id)

    def _settled_session(self, seed: int, *, uptime: float, boot_id: int) -> Session:
        """Return a session whose boot is over now: it began ``uptime`` seconds ago, or as long ago as it takes."""
        plan = self._plan()
        needed = (plan.steps[-1].offset if plan.steps else 0.0) + SETTLED_SECONDS
        session = self._new_session(plan, seed, booted_at=self.now - max(uptime, needed), boot_id=boot_id)
        session.advance(self.now)
        return session

    def is_listening(self, now: float) -> bool:
        """Whether a TCP connection to WinRM is accepted (not during a reboot, in block mode, ...); ticks first."""
        self.tick(now)
        if not self.power.on or not self.power.network or self.session.block_mode:
            return False
        return self.session.services["winrm"].state == "Running"

    # -- WMI
    def wmi_get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str], *, user: User) -> CimInstance:
        """Get one instance, or raise WmiFault."""
        return repository.get(self._context(user), namespace, class_name, selectors)

    def wmi_put(
        self,
        namespace: str,
        class_name: str,
        selectors: t.Mapping[str, str],
        properties: t.Mapping[str, list[str] | None],
        *,
        user: User,
    ) -> CimInstance:
        """Change the writable properties of one instance; return it as it is then, or raise WmiFault."""
        del properties  # no simulated class has a writable one
        return repository.put(self._context(user), namespace, class_name, selectors)

    def wmi_query(self, namespace: str, wql: str, *, user: User) -> list[CimInstance]:
        """Answer a WQL query (also the enumeration of a whole class: ``SELECT * FROM Class``), or raise WmiFault."""
        return repository.query(self._context(user), namespace, wql)

    def wmi_invoke(
        self,
        namespace: str,
        class_name: str,
        selectors: t.Mapping[str, str],
        method: str,
        parameters: t.Mapping[str, list[str] | None],
        *,
        user: User,
    ) -> CimInstance:
        """Run a method; the instance holds the output parameters incl. ReturnValue.

        A parameter is the list of its element texts (several for an array), ``None`` is ``xsi:nil``; a parameter that
        was not sent is absent from the mapping.
        """
        return repository.invoke(
            self._context(user), namespace, class_name, selectors, method=method, parameters=parameters
        )

    # -- WinRS
    def run_command(self, command_line: str, stdin: bytes, *, codepage: int, user: User) -> CommandResult:
        """Run one command line in cmd.exe (WinRS' Command plus its arguments, joined by one blank)."""
        return interpreter.run(self._context(user), command_line, stdin, codepage=codepage, foreign=self.programs)

    def run_batch(self, path: str) -> CommandResult:
        """Start a batch file on the server's disk in a console of its first user."""
        return batch.run(self._context(self.users[0]), path)

    def _context(self, user: User) -> Context:
        if not self.machine.assumptions.direct_start_value_needs_boot:
            ServiceManager(self.session, self.now).reload_all()
        if not self.machine.assumptions.pool_list_needs_restart:
            self.session.redraw_changed_pool(self.now)
        return Context(self.machine, self.session, self.power, user, self.now)

    # -- control (tests, demo: not part of Windows)
    def state(self) -> dict[str, JsonValue]:
        """Return the whole state as JSON values; equal states are equal bytes when dumped with sorted keys."""
        machine, session = self.machine, self.session
        return {
            "name": machine.name,
            "release": machine.release.key,
            "roles": list(self.roles),
            "boot": {
                "id": session.boot_id,
                "seed": session.seed,
                "at": session.booted_at,
                "on": self.power.on,
                "shutting_down": self.power.shutting_down,
                "block_mode": session.block_mode,
                "effective_reserved": t.cast("JsonValue", sorted(session.kept.effective_reserved["udp"])),
            },
            "registry": machine.registry.as_json(),
            "services": {
                service.config.name: service.as_json()
                for service in session.services.values()
                if not service.config.is_driver
            },
            "processes": t.cast("JsonValue", session.processes.as_json()),
            "sockets": t.cast("JsonValue", session.sockets.as_json()),
            "exclusions": t.cast("JsonValue", machine.exclusions.as_json()),
            "dynamic_ranges": {
                f"ipv{family} {protocol}": "{}-{}".format(*machine.dynamic_range(protocol, family))
                for family in machine.families
                for protocol in acts.PROTOCOLS
            },
            "files": {path: data.decode("latin-1") for path, data in sorted(machine.files.items())},
            "events": t.cast("JsonValue", machine.events.as_json()),
        }

    def boot_now(self, seed: int | None = None) -> None:
        """Boot at once, without a shutdown phase; every step of the boot is done when this returns.

        The boot is dated back, so that the clock does not move; delayed services have started too.
        """
        self._seed = self._seed + 1 if seed is None else seed
        self.power = Power()
        self.session = self._settled_session(self._seed, uptime=0.0, boot_id=self.session.boot_id + 1)

    def reboot(self, seed: int | None = None) -> None:
        """Begin an orderly restart now: shutdown phase, silence, boot; progress comes with tick."""
        self.power.order(at=self.now, restart=True, seed=seed)
        self.tick(self.now)

    def lottery(self, boots: int, seed: int) -> dict[str, JsonValue]:
        """Boot twins of the present state with consecutive seeds; the server itself is untouched.

        Returns ``boots``, ``victim_failures`` (boots in which a service lost a port), ``block_modes`` and
        ``by_service`` (how often each service did not run, also for the sake of another one).
        """
        return lottery.run_lottery(self.machine, boots=boots, seed=seed)

    def act(self, action: t.Mapping[str, t.Any]) -> JsonValue:
        """Do a foreign change ({"do": "...", ...}); ValueError with a clear sentence when it is not understood."""
        return acts.perform(self, action)


def build_server(host: t.Mapping[str, t.Any], *, now: float) -> SimulatedServer:
    """Make the server that one host entry of a scenario file describes; ValueError names the mistake in it."""
    return build_from_spec(read_host(host), now=now)


def build_from_spec(spec: HostSpec, *, now: float) -> SimulatedServer:
    """Make a server whose last boot began ``spec.uptime`` seconds before ``now`` and is over."""
    machine = build_machine(spec, now=now)
    seed = spec.seed
    if spec.broken is not None:
        seed = lottery.find_seed(machine, seed=seed, broken=bool(spec.broken), wanted=spec.victims)
    server = SimulatedServer(machine, seed=seed, users=spec.users, roles=spec.parts, now=now, uptime=spec.uptime)
    plant(machine, spec.evidence, now=now)
    _start_winrm(server)
    return server


def _start_winrm(server: SimulatedServer) -> None:
    """WinRM was started by hand though it is not automatic: the server can be reached until it reboots."""
    manager = ServiceManager(server.session, server.now)
    if manager.start("WinRM") == 0:
        server.session.hasten(server.session.services["winrm"], server.now)
