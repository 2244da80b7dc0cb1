# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet in one process: scenario in, listening hosts and their simulated clock out.

A scenario is a YAML mapping:

    speed: 1                  # simulated seconds per real second (default 1; a host's time_scale shortens durations)
    start: 2024-05-01T08:00:00Z   # optional: when the simulated time begins (default: now)
    defaults: {language: en}  # optional: merged under each host
    hosts:
      edge1:
        release: "2003"       # this and everything else here: see tests.simulator.windows.server.build_server
        groups: [pilot]       # optional: further groups in the inventory
        vars: {some_variable: 1}      # optional: variables in the inventory
        wire:                 # optional: how the listener is configured, see WireSettings
          transport: basic    # for the inventory: basic, ntlm (default), kerberos, credssp or certificate
          scheme: https       # http (default, except for certificate)
          allow_unencrypted: true
          lockout_threshold: 10
          idle_seconds: 120
          schemes: [negotiate, basic]   # that the listener accepts
          realm: EXAMPLE.TEST           # the domain's Kerberos realm; KRB5_KTNAME names the keys of its services
          channel_binding: required     # over https: no logon without the right channel bindings
"""

from __future__ import annotations

import asyncio
import collections.abc as c
import dataclasses
import datetime
import ipaddress
import pathlib
import time
import typing as t

import yaml

from tests.simulator.profiles import with_profile
from tests.simulator.windows.server import SimulatedServer, build_server
from tests.simulator.wire.authentication import Scheme
from tests.simulator.wire.habits import NAMES, Habits
from tests.simulator.wire.host import SimulatedHost, WireSettings
from tests.simulator.wire.tls import Authority, Listener

DEFAULT_SPEED: t.Final = 1.0
TICK_SECONDS: t.Final = 0.1
"""Real seconds between two looks at the fleet's clocks; each request brings its own host forward besides."""

DEFAULT_USER: t.Final = {"name": "Administrator", "password": "Fleet-2003-2025"}
"""The account of hosts whose entry names none."""

Transport: t.TypeAlias = t.Literal["basic", "ntlm", "kerberos", "credssp", "certificate"]
UrlScheme: t.TypeAlias = t.Literal["http", "https"]
_ACCEPTED: t.Final[t.Mapping[Transport, tuple[Scheme, ...]]] = {
    "basic": ("negotiate", "basic"),
    "ntlm": ("negotiate",),
    "kerberos": ("negotiate", "kerberos"),
    "credssp": ("negotiate", "credssp"),
    "certificate": ("negotiate", "certificate"),
}
"""The schemes that a listener accepts by default."""


class ScenarioError(ValueError):
    """A scenario that can't be read; the message is a sentence that names the host and the field."""


class Clock:
    """The simulated time: seconds since 1970, running ``speed`` times as fast as the real one."""

    def __init__(self, start: float, speed: float) -> None:
        self.speed = speed
        self._start = start
        self._began = time.monotonic()

    def __call__(self) -> float:
        return self._start + (time.monotonic() - self._began) * self.speed

    def advance(self, seconds: float) -> None:
        """Jump forward by simulated seconds."""
        if seconds < 0:
            raise ValueError("The simulated clock never runs backward.")
        self._start += seconds


@dataclasses.dataclass(frozen=True, slots=True)
class HostPlan:
    """One host of a scenario: the settings of the model and of the wire."""

    name: str
    model: dict[str, t.Any]
    settings: WireSettings
    transport: Transport
    scheme: UrlScheme


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario file, read and checked as far as the wire is concerned."""

    hosts: tuple[HostPlan, ...]
    speed: float
    start: float


def load_scenario(path: pathlib.Path) -> Scenario:
    """Read a scenario file; ScenarioError names the mistake in it."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError(f"The scenario {path} can't be read: {error}") from error
    return read_scenario(data)


def read_scenario(data: t.Any) -> Scenario:
    """Make a scenario from its YAML values."""
    if not isinstance(data, dict) or not isinstance(data.get("hosts"), dict | list) or not data["hosts"]:
        raise ScenarioError("A scenario is a mapping with 'hosts': a mapping from names to hosts, or a list of hosts.")
    unknown = sorted(set(data) - {"hosts", "defaults", "speed", "start"})
    if unknown:
        raise ScenarioError(f"A scenario has no field {unknown[0]!r}.")
    defaults = data.get("defaults") or {}
    plans = tuple(_host_plan(name, defaults, entry) for name, entry in _entries(data["hosts"]))
    if len({plan.name for plan in plans}) != len(plans):
        raise ScenarioError("Two hosts of the scenario have the same name.")
    return Scenario(
        hosts=plans,
        speed=_positive(data.get("speed", DEFAULT_SPEED)),
        start=_moment(data.get("start")),
    )


def _entries(hosts: dict[str, t.Any] | list[dict[str, t.Any]]) -> list[tuple[str, dict[str, t.Any]]]:
    if isinstance(hosts, dict):
        return [(str(name), entry or {}) for name, entry in hosts.items()]
    return [(str(entry.get("inventory_name", entry.get("name", ""))), entry) for entry in hosts]


def _host_plan(name: str, defaults: dict[str, t.Any], entry: dict[str, t.Any]) -> HostPlan:
    wire = {**(defaults.get("wire") or {}), **(entry.get("wire") or {})}
    merged = with_profile({**defaults, **entry, "wire": wire})
    wire = merged.pop("wire")
    transport = wire.pop("transport", "ntlm")
    if transport not in t.get_args(Transport):
        known = ", ".join(t.get_args(Transport))
        raise ScenarioError(f"The host {name} has the transport {transport!r}; known are {known}.")
    scheme = wire.pop("scheme", "https" if transport == "certificate" else "http")
    if scheme not in t.get_args(UrlScheme):
        raise ScenarioError(f"The host {name} has the scheme {scheme!r}; it is http or https.")
    wire.setdefault("allow_unencrypted", transport == "basic")
    wire["schemes"] = tuple(wire.get("schemes", _ACCEPTED[transport]))
    try:
        habits = Habits(**{key: wire.pop(key) for key in sorted(NAMES & set(wire))})
        settings = WireSettings(**wire, habits=habits)
    except TypeError as error:
        raise ScenarioError(f"The host {name} has a wire setting that is not known: {error}") from error
    return HostPlan(name, {"name": name, "users": [DEFAULT_USER], **merged}, settings, transport, scheme)


def _positive(value: t.Any) -> float:
    if not isinstance(value, int | float) or value <= 0:
        raise ScenarioError(f"The speed {value!r} is no positive number.")
    return float(value)


def _moment(value: t.Any) -> float:
    if value is None:
        return time.time()
    moment = datetime.datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)).timestamp()


class Fleet:
    """The hosts of a scenario, listening. ``directory`` keeps the credential files of the acceptors."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        directory: pathlib.Path,
        first_address: str | None = None,
        port: int = 0,
    ) -> None:
        self.scenario = scenario
        self.clock = Clock(scenario.start, scenario.speed)
        self.stopping = asyncio.Event()
        self.plans: dict[str, HostPlan] = {plan.name: plan for plan in scenario.hosts}
        self.servers: dict[str, SimulatedServer] = {plan.name: self._build(plan) for plan in scenario.hosts}
        self.hosts: dict[str, SimulatedHost] = {}
        self.directory = directory
        self.authority = Authority.new(directory) if any(plan.scheme == "https" for plan in scenario.hosts) else None
        for plan, address in zip(scenario.hosts, _addresses(first_address), strict=False):
            self.hosts[plan.name] = SimulatedHost(
                plan.name,
                self.servers[plan.name],
                plan.settings,
                clock=self.clock,
                directory=directory,
                address=address,
                port=port,
                tls=self._tls(plan, address),
            )

    def _tls(self, plan: HostPlan, address: str) -> Listener | None:
        if self.authority is None or plan.scheme == "http":
            return None
        return self.authority.listener(address, self.servers[plan.name].release.key)

    def _build(self, plan: HostPlan) -> SimulatedServer:
        try:
            return build_server(plan.model, now=self.clock())
        except ValueError as error:
            raise ScenarioError(f"The host {plan.name} can't be built: {error}") from error

    def reset(self, name: str) -> None:
        """Build a host's server again from the scenario; the port stays."""
        self.servers[name] = self._build(self.plans[name])
        self.hosts[name].replace_server(self.servers[name])

    def start(self) -> None:
        """Open the ports of all hosts that listen."""
        for host in self.hosts.values():
            host.follow()

    async def run(self) -> None:
        """Drive the clocks until ``stopping`` is set; then reset all connections and close all ports."""
        try:
            while not self.stopping.is_set():
                for host in self.hosts.values():
                    host.follow()
                await self._pause()
        finally:
            for host in self.hosts.values():
                host.listener.give_up()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await self.stopping.wait()
        except TimeoutError:
            return


def _addresses(first: str | None) -> c.Iterator[str]:
    """Give the same loopback address for ever, or one after another from the first on."""
    if first is None:
        while True:
            yield "127.0.0.1"
    start = ipaddress.IPv4Address(first)
    while True:
        yield str(start)
        start += 1
