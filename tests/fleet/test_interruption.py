# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interruptions: the conversation ends at any one of its messages; the server stays whole, and the next run finishes.

Thousands of messages would be too many for a program each: the engine runs in this process, over real HTTP.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import converge_options, outcome
from ansible_collections.portkeeper.windows.plugins.module_utils.windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils.windows.engine import run
from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.client import Client, Transport
from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.errors import WsmanError
from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.transport import WinrmTransport
from ansible_collections.portkeeper.windows.plugins.plugin_utils.action_base import validated_options
from tests.fleet.snapshot import Snapshot
from tests.fleet.stories import DEFAULTS, Json, playbook_run
from tests.simulator.control import HostControl, RunningFleet, running_fleet
from tests.simulator.fleet import DEFAULT_USER
from tests.tooling.sources import ROOT

winrm_protocol = pytest.importorskip("winrm.protocol")

HASTE: t.Final = 50.0
"""The engine's pauses are that much shorter than they say."""
MANY: t.Final = 200
"""Far more messages than any of these runs sends."""

Kind: t.TypeAlias = t.Literal["killed", "drop_before", "drop_after"]
KINDS: t.Final[tuple[Kind, ...]] = t.get_args(Kind)

EDGE: t.Final[Json] = {
    "required_services": ["ADAM_MSExchange", "DNS"],
    "victims": [
        {
            "service": "ADAM_MSExchange",
            "image": "dsamain.exe",
            "ad_lds_instance": "MSExchange",
            "dependents": ["MSExchangeEdgeCredential", "MSExchangeTransport"],
        }
    ],
    "relieve": True,
    "restart_dns": True,
    "prove": True,
}
INSTANCES: t.Final[Json] = {"ad_lds_instances": ["MSExchange"]}
SERVICES: t.Final = ("ADAM_MSExchange", "MSExchangeEdgeCredential", "MSExchangeTransport", "DNS")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scene:
    """A server, what is asked of it, and what runs in the end."""

    id: str
    server: Json
    arguments: Json
    services: tuple[str, ...] = SERVICES
    kinds: tuple[Kind, ...] = KINDS

    @property
    def request(self) -> t.Any:
        """The typed request, as the action of ``converge`` makes it."""
        arguments = validated_options("converge", converge_options.ARGUMENT_SPEC, self.arguments)
        return converge_options.request(arguments, journal=True, validate=validated_options)


SCENES: t.Final = (
    Scene(
        id="2003-relief-and-change",
        server={"release": "2003", "broken": True, "reserved_ports": ["3343-3343"]},
        arguments={**EDGE, "resources": [{"reserved_ports": INSTANCES}]},
    ),
    Scene(
        id="2022-relief-and-change",
        server={"release": "2022", "broken": True},
        arguments={**EDGE, "resources": [{"dns_socket_pool": INSTANCES}]},
        # What differs here from the scene before is where the value goes, not what a lost message does to a program.
        kinds=("killed", "drop_after"),
    ),
    Scene(
        id="2022-part-of-a-block",
        server={"release": "2022", "roles": ["dns"], "exclusions": [{"protocol": "tcp", "ports": "5000-5059"}]},
        arguments={"resources": [{"reserved_ports": {"ports": ["5010-5019"], "state": "absent"}}]},
        services=("DNS",),
    ),
)


class Killed(BaseException):
    """The program is gone: not even an ``except Exception`` sees it."""


class MortalTransport:
    """Messages until the program is killed, after so many answers."""

    def __init__(self, inner: Transport, lifetime: int) -> None:
        self.host = inner.host
        self.sent = 0
        self._inner = inner
        self._lifetime = lifetime

    def send(self, envelope: bytes) -> bytes:
        """One message and its answer."""
        if self.sent >= self._lifetime:
            raise Killed
        self.sent += 1
        return self._inner.send(envelope)

    def reset(self) -> None:
        """Drop the connection."""
        self._inner.reset()


@dataclasses.dataclass(frozen=True)
class Stage:
    """A server of the fleet, with the request that is made of it."""

    scene: Scene
    control: HostControl
    port: int

    def attempt(self, *, lifetime: int = MANY) -> tuple[outcome.Outcome, int]:
        """Run the engine to its end, or until it is killed; gives the number of messages too."""
        protocol = winrm_protocol.Protocol(
            endpoint=f"http://127.0.0.1:{self.port}/wsman",
            transport="basic",
            username=DEFAULT_USER["name"],
            password=DEFAULT_USER["password"],
            read_timeout_sec=30,
            operation_timeout_sec=20,
        )
        transport = MortalTransport(WinrmTransport(protocol, host=self.scene.id), lifetime)
        try:
            result = run(Client(transport), self.scene.request, check_mode=False, clock=_hasty_clock())
            return result, transport.sent
        finally:
            protocol.transport.close_session()

    def interrupt(self, kind: Kind, position: int) -> None:
        """Let the conversation end at this message."""
        self.control.reset()
        if kind == "killed":
            with contextlib.suppress(Killed):
                self.attempt(lifetime=position)
            return
        self.control.inject(kind, at=position)
        with contextlib.suppress(WsmanError):
            self.attempt()
        self.control.clear_faults()

    def look(self) -> Snapshot:
        """The server now."""
        return Snapshot(self.control.state())


def _hasty_clock() -> Clock:
    return Clock(sleep=lambda seconds: time.sleep(seconds / HASTE))


@pytest.fixture(scope="module")
def stages() -> c.Iterator[dict[str, Stage]]:
    hosts = {scene.id: dict(scene.server) for scene in SCENES}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        controls = {scene.id: fleet.control.host(scene.id) for scene in SCENES}
        yield {scene.id: Stage(scene, controls[scene.id], controls[scene.id].summary()["port"]) for scene in SCENES}


def _values(snapshot: Snapshot) -> dict[tuple[str, str], t.Any]:
    """Every registry value apart from our notes, and the excluded ranges as one value."""
    configuration = snapshot.configuration
    values = {(key, name): value for key, values in configuration["registry"].items() for name, value in values.items()}
    return {**values, ("netsh", "excluded"): configuration["exclusions"]}


def _mixed(before: Snapshot, after: Snapshot, between: Snapshot) -> list[str]:
    """Values that are neither the old nor the new ones."""
    old, new, found = map(_values, (before, after, between))
    return [
        f"{key} {name}: {found.get((key, name))}"
        for key, name in old.keys() | new.keys() | found.keys()
        if found.get((key, name)) not in (old.get((key, name)), new.get((key, name)))
    ]


def _problems(stage: Stage, before: Snapshot, after: Snapshot) -> c.Iterator[str]:
    """What is wrong with an interrupted server, and with how the next run leaves it."""
    between = stage.look()
    yield from _mixed(before, after, between)
    if not stage.control.summary()["listening"]:
        yield "it can't be reached"
        return
    result, _messages = stage.attempt()
    yield from outcome.failures(result)
    final = stage.look()
    if _values(final) != _values(after):
        yield "the next run does not finish the change"
    yield from (f"{name} does not run" for name in stage.scene.services if not final.runs(name))
    if (final.journal or {}).get("stopped"):
        yield f"the journal still names stopped services: {final.journal}"


ENDS: t.Final = [pytest.param(scene, kind, id=f"{scene.id}-{kind}") for scene in SCENES for kind in scene.kinds]


@pytest.mark.parametrize(("scene", "kind"), ENDS)
def test_the_next_run_finishes_wherever_this_one_ended(stages: dict[str, Stage], scene: Scene, kind: Kind) -> None:
    stage = stages[scene.id]
    stage.control.reset()
    before = stage.look()
    result, messages = stage.attempt()
    assert outcome.failures(result) == ()
    after = stage.look()
    assert _values(after) != _values(before)
    found = {}
    for position in range(1, messages + 1):
        stage.interrupt(kind, position)
        found[position] = list(_problems(stage, before, after))
    assert {position: problems for position, problems in found.items() if problems} == {}


# --- the real program


@pytest.fixture(scope="module")
def fleet() -> c.Iterator[RunningFleet]:
    hosts = {"old": {"release": "2003", "broken": True}, "new": {"release": "2022", "broken": True}}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as running:
        yield running


def _kill_playbook(fleet: RunningFleet, host: str) -> None:
    """Run the role on one host, and kill Ansible with all its workers while the server keeps a message waiting."""
    command = ["ansible-playbook", "-i", str(fleet.inventory), "portkeeper.windows.edge", "--limit", host]
    environment = {
        **os.environ,
        "PATH": f"{pathlib.Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": os.environ.get("ANSIBLE_HOME", str(ROOT / "build" / "ansible-home")),
    }
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True
    ) as process:
        try:
            fleet.control.host(host).wait_for_fault()
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("host", "action"),
    [("old", "SetMultiStringValue"), ("new", "StartService"), ("new", "StopService")],
    ids=["2003, before the value", "2022, everything stopped", "2022, before the stop"],
)
def test_a_killed_playbook_is_finished_by_the_next(fleet: RunningFleet, host: str, action: str) -> None:
    control = fleet.control.host(host)
    control.reset()
    control.inject("hang", action=action)
    _kill_playbook(fleet, host)
    control.clear_faults()
    assert not Snapshot(control.state()).runs("ADAM_MSExchange")
    telling = playbook_run(fleet.control, fleet.inventory, "portkeeper.windows.edge", "--limit", host)
    assert telling.exit_code == 0, telling.output
    final = telling.beats[host][-1].after
    assert final.runs(*SERVICES)
    assert not (final.journal or {}).get("stopped")
    entries = final.reserved if host == "old" else final.pool_exclusions
    assert entries == ["50389-50389", "50636-50636"]
