# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles, killed at every one of their messages: no value is between, nobody is locked out, the next run finishes.

The same bench as ``test_interruption``, with what the roles ask of ``converge``, applied and taken back.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import os
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import outcome
from tests.fleet.role_arguments import role_arguments
from tests.fleet.role_contract import content, standing
from tests.fleet.snapshot import PROTOCOLS, Snapshot, joined
from tests.fleet.stories import DEFAULTS, Json
from tests.fleet.test_interruption import Killed, Scene, Stage
from tests.simulator.control import running_fleet


@dataclasses.dataclass(frozen=True, kw_only=True)
class Role:
    """A role on one server, and the services that run in the end."""

    id: str
    role: str
    server: Json
    variables: Json = dataclasses.field(default_factory=dict)
    services: tuple[str, ...] = ()

    def scene(self, state: str) -> Scene:
        """What its task asks."""
        arguments = role_arguments(self.role, {**self.variables, f"{self.role}_state": state})
        return Scene(id=self.id, server=self.server, arguments=arguments, services=self.services)


DC: t.Final = ["domain_controller", "dns", "ias"]
ROLES: t.Final = (
    Role(
        id="sbs2003",
        role="sbs2003",
        server={"release": "2003", "roles": ["sbs2003"], "broken": ["IAS", "AUTD"]},
        variables={"sbs2003_max_user_port": "remove", "sbs2003_socket_pool_size": "50"},
        services=("IAS", "RemoteAccess", "W3SVC", "PolicyAgent", "DNS"),
    ),
    Role(
        id="dc-2003",
        role="dc_ias",
        server={"release": "2003", "roles": DC, "max_user_port": 60000, "broken": True},
        services=("IAS", "PolicyAgent", "DNS"),
    ),
    Role(
        id="dc-2022",
        role="dc_ias",
        server={"release": "2022", "roles": DC, "dynamic_range": "1025-60000", "broken": True},
        variables={
            "dc_ias_stop_services": True,
            "dc_ias_static_rpc_ports": {"netlogon": 49902},
            "dc_ias_restart_services": True,
        },
        services=("IAS", "IKEEXT", "Netlogon", "DNS"),
    ),
    Role(
        id="exchange-2003",
        role="exchange_rpc_ports",
        server={"release": "2003", "roles": ["exchange2003"], "reserved_ports": ["3343-3343"]},
        variables={
            "exchange_rpc_ports_ports": {"exchange_is": 1226, "exchange_sa": 1227},
            "exchange_rpc_ports_restart_services": True,
        },
        services=("MSExchangeIS", "MSExchangeSA", "MSExchangeMTA"),
    ),
    Role(
        id="exchange-2003-stopped",
        role="exchange_services",
        server={"release": "2003", "roles": ["exchange2003"]},
    ),
)


LONG: t.Final = ("sbs2003", "absent")


@dataclasses.dataclass(frozen=True)
class Play:
    """One way from a state of the server to another: the request, and how the server gets to its beginning."""

    stage: Stage
    first: Stage | None
    """What must be applied before, where the request takes it back."""

    def begin(self) -> None:
        """The server before the request."""
        self.stage.control.reset()
        if self.first:
            self.first.attempt()

    def kill(self, position: int) -> None:
        """The controller dies after so many answers."""
        self.begin()
        with contextlib.suppress(Killed):
            self.stage.attempt(lifetime=position)

    def problems(self, before: Snapshot, after: Snapshot) -> c.Iterator[str]:
        """What is wrong with an interrupted server, and with how the next run leaves it."""
        between = self.stage.look()
        if standing(between) == standing(before):
            # Only questions so far: the next run is the first one.
            return
        yield from _mixed(before, after, between)
        if not self.stage.control.summary()["listening"]:
            yield "it can't be reached"
            return
        result, _messages = self.stage.attempt()
        yield from outcome.failures(result)
        final = self.stage.look()
        if _in_the_end(final) != _in_the_end(after):
            yield f"the next run does not finish the change: {_unlike(_in_the_end(final), _in_the_end(after))}"
        yield from (f"{name} does not run" for name in self.stage.scene.services if not final.runs(name))
        if (final.journal or {}).get("stopped"):
            yield f"the journal still names stopped services: {final.journal}"


def _in_the_end(snapshot: Snapshot) -> dict[str, t.Any]:
    """What must be the same after the next run: what runs, and the ports that are excluded, in whatever blocks."""
    excluded = {protocol: joined(snapshot.excluded(protocol)) for protocol in PROTOCOLS}
    states = {name: service["state"] for name, service in snapshot.data["services"].items()}
    return {**content(snapshot), "exclusions": excluded, "services": states}


def _unlike(found: t.Any, expected: t.Any) -> t.Any:
    """Where two contents differ."""
    if not isinstance(found, dict) or not isinstance(expected, dict):
        return found, expected
    names = found.keys() | expected.keys()
    return {
        name: _unlike(found.get(name), expected.get(name)) for name in names if found.get(name) != expected.get(name)
    }


def _values(snapshot: Snapshot) -> dict[tuple[str, str], t.Any]:
    """Every registry value but our notes, and every file but those that exist while one is replaced, and its backup."""
    registry, files = content(snapshot)["registry"], content(snapshot)["files"]
    values = {(key, name): value for key, values in registry.items() for name, value in values.items()}
    return {**values, **{("file", path): text for path, text in files.items() if "portkeeper" not in path}}


def _mixed(before: Snapshot, after: Snapshot, between: Snapshot) -> list[str]:
    """Values that are neither the old nor the new ones. Blocks of netsh come one by one; the next run adds the rest."""
    old, new, found = map(_values, (before, after, between))
    return [
        f"{where} {name}: {found.get((where, name))}"
        for where, name in old.keys() | new.keys() | found.keys()
        if found.get((where, name)) not in (old.get((where, name)), new.get((where, name)))
    ]


@pytest.fixture(scope="module")
def plays() -> c.Iterator[dict[tuple[str, str], Play]]:
    hosts = {role.id: dict(role.server) for role in ROLES}
    with running_fleet({"defaults": dict(DEFAULTS), "hosts": hosts}) as fleet:
        found = {}
        for role in ROLES:
            control = fleet.control.host(role.id)
            port = control.summary()["port"]
            present, absent = (Stage(role.scene(state), control, port) for state in ("present", "absent"))
            found[role.id, "present"] = Play(present, None)
            found[role.id, "absent"] = Play(absent, present)
        yield found


STRIDE: t.Final = int(os.environ.get("FLEET_STRIDE", "1"))
"""Every how manieth message is tried: the gate takes a stride to stay short, ``make thorough`` all of them."""

# What sbs2003 takes back is of the same kinds as in the others.
WAYS: t.Final = [(role, state) for role in ROLES for state in ("present", "absent") if (role.id, state) != LONG]


@pytest.mark.parametrize(("role", "state"), WAYS, ids=lambda item: item if isinstance(item, str) else item.id)
def test_the_next_run_finishes_wherever_this_one_ended(
    plays: dict[tuple[str, str], Play], role: Role, state: str
) -> None:
    play = plays[role.id, state]
    play.begin()
    before = play.stage.look()
    result, messages = play.stage.attempt()
    assert outcome.failures(result) == ()
    after = play.stage.look()
    assert standing(after) != standing(before)
    found = {}
    for position in range(1, messages + 1, STRIDE):
        play.kill(position)
        found[position] = list(play.problems(before, after))
    assert {position: problems for position, problems in found.items() if problems} == {}
