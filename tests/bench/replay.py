# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A light server: `python -m tests.bench.replay PLAN READY` answers as any number of hosts from recordings.

Each host has a port of its own; HTTP, authentication and encryption are those of the simulated fleet. PLAN is a file as
tests.bench.replaying writes it. READY gets the ports of the hosts and that of the counters, once all listen.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
import resource
import signal
import sys
import tempfile
import typing as t

from tests.bench.conversation import Conversation, NoAnswer
from tests.simulator.fleet import DEFAULT_USER
from tests.simulator.windows.interface import User
from tests.simulator.wire import encryption
from tests.simulator.wire.authentication import Accounts, ConnectionAuthentication, Refusal, Scheme
from tests.simulator.wire.host import SOAP_TYPE
from tests.simulator.wire.http import Connection, HttpServer, Request, Response

Transport: t.TypeAlias = t.Literal["basic", "ntlm", "kerberos"]
SCHEMES: t.Final[t.Mapping[Transport, tuple[Scheme, ...]]] = {
    "basic": ("negotiate", "basic"),
    "ntlm": ("negotiate",),
    "kerberos": ("negotiate", "kerberos"),
}
"""What a host accepts; with Basic also unencrypted messages."""
LONGEST_SHOWN: t.Final = 4000


@dataclasses.dataclass(slots=True)
class Counts:
    """What one host has seen since the last reset; bytes with the HTTP headers.

    ``logons``: how often it checked a password or a proof: with Basic at each request, otherwise once per connection.
    ``canned``: answers to PowerShell. ``unknown``: requests that nobody recorded.
    """

    requests: int = 0
    logons: int = 0
    connections: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    canned: int = 0
    unknown: list[str] = dataclasses.field(default_factory=list)


class ReplayedHost:
    """One host: its port, its side of the conversation, its counts."""

    def __init__(self, conversation: Conversation, transport: Transport, accounts: Accounts) -> None:
        self._conversation, self._listener = conversation, conversation.listener()
        self._counts = Counts()
        self.transport, self.accounts = transport, accounts
        self.port = HttpServer(lambda: _Session(self))

    def reset(self) -> None:
        """Counts at zero, the conversation at its beginning."""
        self._listener, self._counts = self._conversation.listener(), Counts()
        self.port.traffic.received = self.port.traffic.sent = self.port.accepted = 0

    def counts(self) -> Counts:
        """What it has seen."""
        traffic = self.port.traffic
        return dataclasses.replace(
            self._counts,
            canned=self._listener.canned,
            connections=self.port.accepted,
            bytes_in=traffic.received,
            bytes_out=traffic.sent,
        )

    def note(self, *, logon: bool) -> None:
        """Count a request."""
        self._counts.requests += 1
        self._counts.logons += logon

    def answered(self, request: bytes) -> tuple[int, bytes]:
        """Status and envelope; a request that nobody recorded is kept, and refused without a word."""
        try:
            return self._listener.answer(request)
        except NoAnswer as error:
            self._counts.unknown.append(str(error)[:LONGEST_SHOWN])
            return 500, b""


class _Session:
    """One connection to a host."""

    def __init__(self, host: ReplayedHost) -> None:
        self._host = host
        self._authentication = ConnectionAuthentication(host.accounts, SCHEMES[host.transport])

    async def answer(self, request: Request, _connection: Connection) -> Response:
        header = request.header("Authorization")
        verdict = self._authentication.authenticate(header)
        refused = isinstance(verdict, Refusal)
        self._host.note(logon=header is not None and not refused)
        if isinstance(verdict, Refusal):
            return Response(401, headers=tuple(("WWW-Authenticate", text) for text in verdict.challenges))
        token = self._authentication.token
        extra = () if token is None else (("WWW-Authenticate", token),)
        if not request.body:
            return Response(200, headers=extra)
        response = self._message(request)
        return dataclasses.replace(response, headers=(("Server", "Microsoft-HTTPAPI/2.0"), *response.headers, *extra))

    def _message(self, request: Request) -> Response:
        seals, how = self._authentication.seals, self._authentication.seal
        sent_type = request.header("Content-Type") or ""
        if seals is None or not encryption.is_sealed(sent_type):
            status, envelope = self._host.answered(request.body)
            return Response(status, envelope, (("Content-Type", SOAP_TYPE),))
        status, envelope = self._host.answered(encryption.unseal(seals, request.body, how, sent_type))
        content_type, body = encryption.seal(seals, envelope, how)
        return Response(status, body, (("Content-Type", content_type),))


class _Control:
    """The counters of all hosts: GET /counts, POST /reset."""

    def __init__(self, hosts: t.Mapping[str, ReplayedHost]) -> None:
        self._hosts = hosts

    async def answer(self, request: Request, _connection: Connection) -> Response:
        if (request.method, request.target) == ("POST", "/reset"):
            for host in self._hosts.values():
                host.reset()
        counts = {name: dataclasses.asdict(host.counts()) for name, host in self._hosts.items()}
        return Response(200, json.dumps(counts).encode(), (("Content-Type", "application/json"),))


def replayed_hosts(plan: t.Mapping[str, t.Any], directory: pathlib.Path) -> dict[str, ReplayedHost]:
    """The hosts of a plan, which don't listen yet. ``directory`` keeps the file of the account."""
    conversations = {name: Conversation.from_json(text) for name, text in plan["conversations"].items()}
    user = User(name=DEFAULT_USER["name"], password=DEFAULT_USER["password"])
    accounts = Accounts([user], host="replayed", directory=directory, lockout_threshold=0, realm=plan["realm"])
    return {
        name: ReplayedHost(conversations[host["conversation"]], host["transport"], accounts)
        for name, host in plan["hosts"].items()
    }


async def serve(plan: t.Mapping[str, t.Any], ready: pathlib.Path, directory: pathlib.Path) -> None:
    """Answer until a signal comes."""
    stopping, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    hosts = replayed_hosts(plan, directory)
    control = HttpServer(lambda: _Control(hosts))
    ports = [control, *(host.port for host in hosts.values())]
    for port in ports:
        port.open()
    addresses = {name: [host.port.address, host.port.port] for name, host in hosts.items()}
    draft = ready.with_suffix(".new")
    draft.write_text(json.dumps({"control": [control.address, control.port], "hosts": addresses}), encoding="utf-8")
    draft.replace(ready)
    await stopping.wait()
    for port in ports:
        port.give_up()


def main(plan: str, ready: str) -> None:
    """Each host needs two open files, and one for each connection."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="portkeeper-replay-") as directory:
        data = json.loads(pathlib.Path(plan).read_text(encoding="utf-8"))
        asyncio.run(serve(data, pathlib.Path(ready), pathlib.Path(directory)))


if __name__ == "__main__":
    main(*sys.argv[1:])
