# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control endpoint: plain HTTP with JSON on the loopback address, for tests and the demo. No part of Windows."""

from __future__ import annotations

import collections.abc as c
import json
import typing as t
import urllib.parse

from tests.simulator.fleet import Fleet
from tests.simulator.wire.host import SimulatedHost
from tests.simulator.wire.http import Connection, HttpServer, Request, Response
from tests.simulator.wire.injection import read_rule

Json: t.TypeAlias = t.Any
HostAction: t.TypeAlias = "c.Callable[[Fleet, SimulatedHost, dict[str, t.Any]], Json]"


class ControlError(Exception):
    """A request that can't be served: status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def control_server(fleet: Fleet, *, port: int = 0) -> HttpServer:
    """Make the endpoint of a fleet; it listens once it is opened."""
    return HttpServer(lambda: ControlSession(fleet), port=port, idle_timeout=600)


class ControlSession:
    """One connection to the endpoint."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet

    async def answer(self, request: Request, _connection: Connection) -> Response:
        """Route a request; every answer is JSON, an error is ``{"error": sentence}``."""
        try:
            return _json(200, self._route(request))
        except ControlError as error:
            return _json(error.status, {"error": str(error)})
        except ValueError as error:
            return _json(400, {"error": str(error)})

    def _route(self, request: Request) -> Json:
        parts = [urllib.parse.unquote(part) for part in request.target.partition("?")[0].split("/") if part]
        body = _read_body(request)
        match parts:
            case ["hosts"] if request.method == "GET":
                return [_summary(self.fleet, host) for host in self.fleet.hosts.values()]
            case ["clock"] if request.method == "GET":
                return {"now": self.fleet.clock(), "speed": self.fleet.clock.speed}
            case ["clock", "advance"] if request.method == "POST":
                self.fleet.clock.advance(float(body.get("seconds", 0)))
                return {"now": self.fleet.clock()}
            case ["shutdown"] if request.method == "POST":
                self.fleet.stopping.set()
                return {}
            case ["hosts", name, *verb]:
                return self._host(request.method, name, "/".join(verb), body)
        raise ControlError(404, f"There is nothing at {request.method} {request.target}.")

    def _host(self, method: str, name: str, verb: str, body: dict[str, t.Any]) -> Json:
        host = self.fleet.hosts.get(name)
        if host is None:
            raise ControlError(404, f"The fleet has no host {name!r}.")
        action = _HOST_ACTIONS.get((method, verb))
        if action is None:
            raise ControlError(404, f"A host has nothing at {method} {verb!r}.")
        host.tick()
        answer = action(self.fleet, host, body)
        host.follow()
        return answer


def _summary(fleet: Fleet, host: SimulatedHost) -> Json:
    server = host.server
    return {
        "name": host.name,
        "server_name": server.name,
        "release": server.release.key,
        "winrm_stack": server.winrm_stack,
        "language": server.language,
        "roles": list(server.roles),
        "address": host.listener.address,
        "port": host.listener.port,
        "transport": fleet.plans[host.name].transport,
        "listening": host.listener.is_open,
        "boot_id": server.boot_id,
    }


def _reset(fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    fleet.reset(host.name)
    host.reset_counters()
    return _summary(fleet, host)


def _state(fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    return fleet.servers[host.name].state()


def _boot(fleet: Fleet, host: SimulatedHost, body: dict[str, t.Any]) -> Json:
    server = fleet.servers[host.name]
    server.boot_now(body.get("seed"))
    return {"boot_id": server.boot_id}


def _reboot(fleet: Fleet, host: SimulatedHost, body: dict[str, t.Any]) -> Json:
    server = fleet.servers[host.name]
    server.reboot(body.get("seed"))
    return {"boot_id": server.boot_id}


def _lottery(fleet: Fleet, host: SimulatedHost, body: dict[str, t.Any]) -> Json:
    return fleet.servers[host.name].lottery(int(body.get("boots", 1000)), int(body.get("seed", 1)))


def _act(fleet: Fleet, host: SimulatedHost, body: dict[str, t.Any]) -> Json:
    return {"result": fleet.servers[host.name].act(body)}


def _faults(_fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    return host.injections.as_json()


def _add_fault(_fleet: Fleet, host: SimulatedHost, body: dict[str, t.Any]) -> Json:
    host.injections.rules.append(read_rule(body))
    return host.injections.as_json()


def _clear_faults(_fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    host.injections.rules.clear()
    return []


def _requests(_fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    return host.counters_json()


def _reset_requests(_fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    host.reset_counters()
    return {}


def _accounts(_fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    return {"locked": host.accounts.locked()}


def _unlock(_fleet: Fleet, host: SimulatedHost, _body: dict[str, t.Any]) -> Json:
    host.accounts.unlock()
    return {"locked": []}


def _wire(_fleet: Fleet, host: SimulatedHost, body: dict[str, t.Any]) -> Json:
    host.service.shells.extra_seconds = float(body.get("command_seconds", 0))
    if body.get("close_connections"):
        host.listener.abort_connections()
    return {
        "command_seconds": host.service.shells.extra_seconds,
        "shells": len(host.service.shells),
        "enumerations": len(host.service.enumerations),
    }


_HOST_ACTIONS: t.Final[c.Mapping[tuple[str, str], HostAction]] = {
    ("GET", "state"): _state,
    ("POST", "reset"): _reset,
    ("POST", "boot"): _boot,
    ("POST", "reboot"): _reboot,
    ("POST", "lottery"): _lottery,
    ("POST", "act"): _act,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _requests,
    ("POST", "requests/reset"): _reset_requests,
    ("GET", "accounts"): _accounts,
    ("POST", "accounts/unlock"): _unlock,
    ("POST", "wire"): _wire,
}


def _read_body(request: Request) -> dict[str, t.Any]:
    if not request.body:
        return {}
    data = json.loads(request.body)
    if not isinstance(data, dict):
        raise ControlError(400, "The body must be a JSON object.")
    return data


def _json(status: int, value: Json) -> Response:
    body = json.dumps(value).encode()
    return Response(status, body, (("Content-Type", "application/json"),))
