# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a server of recordings, give its inventory to Ansible, and read what it has counted."""

from __future__ import annotations

import collections.abc as c
import contextlib
import dataclasses
import json
import os
import pathlib
import sys
import tempfile
import typing as t
import urllib.request

from tests.bench.conversation import Conversation
from tests.bench.replay import Counts, Transport
from tests.fleet.host_cases import Json
from tests.fleet.kerberos_realm import Realm
from tests.simulator.child_process import becomes_ready, child_process
from tests.simulator.fleet import DEFAULT_USER
from tests.simulator.inventory import OPERATION_TIMEOUT, READ_TIMEOUT

START_SECONDS: t.Final = 60.0


class ReplayFailure(RuntimeError):
    """The server did not start, had an error, or was asked what nobody recorded; the message says it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Host:
    """A replayed host: which conversation it has, how one logs on, its group and its variables in the inventory."""

    conversation: str
    transport: Transport = "basic"
    group: str = "all"
    variables: Json = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Replayed:
    """Hosts that answer: their inventory, the address of their counters, and environment variables for Ansible."""

    inventory: pathlib.Path
    control: str
    environment: c.Mapping[str, str]

    def reset(self) -> None:
        """Counts at zero, conversations at their beginning."""
        self._call("POST", "/reset")

    def counts(self) -> dict[str, Counts]:
        """By host, since the last reset; raises ReplayFailure with the first request that nobody recorded."""
        counts = {name: Counts(**values) for name, values in self._call("GET", "/counts").items()}
        for name, count in counts.items():
            if count.unknown:
                raise ReplayFailure(f"{name} was asked what nobody recorded:\n{count.unknown[0]}")
        return counts

    def _call(self, method: str, path: str) -> t.Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.control + path, method=method), timeout=60) as answer:
            return json.load(answer)


@contextlib.contextmanager
def replayed(
    conversations: c.Mapping[str, Conversation], hosts: c.Mapping[str, Host], realm: Realm | None = None
) -> c.Iterator[Replayed]:
    """Start a server for these hosts, and stop it at the end; Kerberos needs a realm, see tests.bench.domain."""
    environment = dict(realm.environment) if realm else {}
    with tempfile.TemporaryDirectory(prefix="portkeeper-replay-") as name:
        directory = pathlib.Path(name)
        plan, ready, log = (directory / file for file in ("plan.json", "ready.json", "server.log"))
        plan.write_text(_plan(conversations, hosts, realm.name if realm else ""), encoding="utf-8")
        command = [sys.executable, "-m", "tests.bench.replay", str(plan), str(ready)]
        with child_process(command, log=log, environment={**os.environ, **environment}) as process:
            if not becomes_ready(process, ready.exists, START_SECONDS):
                raise ReplayFailure(f"The server of recordings did not start:\n{log.read_text(encoding='utf-8')}")
            addresses = json.loads(ready.read_text(encoding="utf-8"))
            inventory = directory / "inventory.json"
            inventory.write_text(json.dumps(_inventory(hosts, addresses["hosts"])), encoding="utf-8")
            yield Replayed(inventory, _url(addresses["control"]), environment)
        if log.read_text(encoding="utf-8").strip():
            raise ReplayFailure(f"The server of recordings had an error:\n{log.read_text(encoding='utf-8')}")


def _plan(conversations: c.Mapping[str, Conversation], hosts: c.Mapping[str, Host], realm: str) -> str:
    return json.dumps(
        {
            "realm": realm,
            "conversations": {name: conversation.to_json() for name, conversation in conversations.items()},
            "hosts": {
                name: {"conversation": host.conversation, "transport": host.transport} for name, host in hosts.items()
            },
        }
    )


def _url(address: c.Sequence[t.Any]) -> str:
    return f"http://{address[0]}:{address[1]}"


def _inventory(hosts: c.Mapping[str, Host], addresses: c.Mapping[str, c.Sequence[t.Any]]) -> Json:
    """What all hosts share stands once, as in a real inventory."""
    groups: dict[str, Json] = {}
    for name, host in hosts.items():
        groups.setdefault(host.group, {"hosts": {}})["hosts"][name] = {
            "ansible_host": addresses[name][0],
            "ansible_port": addresses[name][1],
            "ansible_winrm_transport": host.transport,
            **host.variables,
        }
    every = {"vars": _common(), "hosts": groups.pop("all", {"hosts": {}})["hosts"], "children": groups}
    return {"all": every}


def _common() -> Json:
    return {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "http",
        "ansible_winrm_operation_timeout_sec": OPERATION_TIMEOUT,
        "ansible_winrm_read_timeout_sec": READ_TIMEOUT,
        "ansible_user": DEFAULT_USER["name"],
        "ansible_password": DEFAULT_USER["password"],
    }
