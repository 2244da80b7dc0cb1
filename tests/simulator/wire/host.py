# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulated host on the network: its port, its accounts, its WS-Management service, its counters and its faults."""

from __future__ import annotations

import asyncio
import collections.abc as c
import dataclasses
import pathlib
import time
import typing as t

from tests.simulator.windows.interface import User
from tests.simulator.wire import acceptors, encryption, injection
from tests.simulator.wire.authentication import Accounts, ConnectionAuthentication, Refusal, Scheme
from tests.simulator.wire.counters import Counters, LoggedRequest
from tests.simulator.wire.faults import SoapFault, schema_fault
from tests.simulator.wire.habits import USUAL, Habits
from tests.simulator.wire.http import Connection, Drop, HttpServer, Request, Response
from tests.simulator.wire.injection import Injections, Rule
from tests.simulator.wire.model import Server
from tests.simulator.wire.operations import Caller, WsmanService, describe
from tests.simulator.wire.soap import Message, NotXml, read_message
from tests.simulator.wire.tls import Listener, name_shown

SOAP_TYPE: t.Final = "application/soap+xml;charset=UTF-8"
_SEALING_ROOM: t.Final = 4096
"""Bytes that the multipart frame may add to an envelope of the largest size."""


@dataclasses.dataclass(frozen=True, slots=True)
class WireSettings:
    """How a host's listener is configured.

    ``schemes`` are those of Service/Auth; ``allow_unencrypted`` is Service/AllowUnencrypted; ``lockout_threshold``
    failed logons lock an account (0: never); ``idle_seconds`` closes an idle connection (real seconds, 120 as seen in
    the field); ``max_envelope_kb`` is MaxEnvelopeSizekb if an administrator has changed the stack's default;
    ``raw_control_characters`` sends what XML can't carry as it is, not as ``?``; ``realm`` is the Kerberos realm of the
    domain that the server is in; ``channel_binding`` is Service/Auth/CbtHardeningLevel: None or Strict;
    ``habits`` are what no document decides.
    """

    schemes: tuple[Scheme, ...] = ("negotiate", "basic")
    allow_unencrypted: bool = False
    lockout_threshold: int = 10
    idle_seconds: float = 120.0
    max_envelope_kb: int | None = None
    raw_control_characters: bool = False
    realm: str = ""
    channel_binding: t.Literal["ignored", "required"] = "ignored"
    habits: Habits = USUAL

    def service(self, server: Server, clock: c.Callable[[], float] = time.monotonic) -> WsmanService:
        """Make the WS-Management service of a server that is configured like this, see WsmanService."""
        limits = self.habits.limits(server.limits)
        if self.max_envelope_kb is not None:
            limits = dataclasses.replace(limits, max_envelope_kb=self.max_envelope_kb)
        return WsmanService(
            server, limits, raw_control_characters=self.raw_control_characters, habits=self.habits, clock=clock
        )


class SimulatedHost:
    """A modelled server behind a port. ``clock`` gives the simulated time in seconds since 1970."""

    def __init__(
        self,
        name: str,
        server: Server,
        settings: WireSettings,
        *,
        clock: c.Callable[[], float],
        directory: pathlib.Path,
        address: str = "127.0.0.1",
        port: int = 0,
        tls: Listener | None = None,
    ) -> None:
        self.name = name
        self.server = server
        self.settings = settings
        self.service = settings.service(server)
        self.counters = Counters()
        self.injections = Injections()
        self._clock = clock
        self._boot = server.boot_id
        self.schemes = _offered(settings.schemes, server)
        self.bindings = (
            acceptors.bindings(tls.binding) if tls is not None and settings.channel_binding == "required" else None
        )
        self.accounts = Accounts(
            server.users,
            host=server.name,
            directory=directory,
            lockout_threshold=settings.lockout_threshold,
            realm=settings.realm,
        )
        self.listener = HttpServer(
            lambda: _HostSession(self),
            address=address,
            port=port,
            idle_timeout=settings.idle_seconds,
            largest_body=self.service.largest_envelope + _SEALING_ROOM,
            tls=None if tls is None else tls.context,
        )

    def replace_server(self, server: Server) -> None:
        """Put another modelled server behind the port, as a reset does; accounts stay, sessions end."""
        self.server = server
        self.service = self.settings.service(server)
        self._boot = server.boot_id
        self.accounts.unlock()
        self.injections.rules.clear()
        self.listener.abort_connections()

    def follow(self) -> None:
        """Bring the server's clock forward, and the listener into line with it."""
        now = self._clock()
        self.server.tick(now)
        if self.server.boot_id != self._boot:
            self._boot = self.server.boot_id
            self.service.forget()
            self.listener.abort_connections()
        if self.server.is_listening(now):
            self.listener.open()
        elif self.listener.is_open:
            self.listener.close()
            self.service.forget()

    def tick(self) -> None:
        """Bring the server's clock forward before a request."""
        self.server.tick(self._clock())

    def counters_json(self) -> dict[str, t.Any]:
        """Give the counters, with the totals of the sockets."""
        self._read_traffic()
        return self.counters.as_json()

    def reset_counters(self) -> None:
        """Begin counting again."""
        self.counters.reset()
        self.listener.traffic.received = self.listener.traffic.sent = self.listener.accepted = 0

    def _read_traffic(self) -> None:
        self.counters.bytes_in_total = self.listener.traffic.received
        self.counters.bytes_out_total = self.listener.traffic.sent
        self.counters.connections = self.listener.accepted


class _HostSession:
    """One connection to a host: its authentication, and the answer to each request."""

    def __init__(self, host: SimulatedHost) -> None:
        self._host = host
        self._authentication = ConnectionAuthentication(host.accounts, host.schemes, host.bindings)

    async def answer(self, request: Request, connection: Connection) -> Response:
        counters = self._host.counters
        counters.requests += 1
        counters.bytes_in += len(request.body)
        response = await self._answer(request, connection)
        counters.bytes_out += len(response.body) if response.length is None else response.length
        server = "Microsoft-HTTPAPI/1.0" if self._host.server.release.nt5 else "Microsoft-HTTPAPI/2.0"
        return dataclasses.replace(response, headers=(("Server", server), *response.headers))

    async def _answer(self, request: Request, connection: Connection) -> Response:
        rule = self._host.injections.find("http", f"{request.method} {request.target}")
        if rule is not None and (injected := await _before(rule, connection)) is not None:
            return injected
        path = request.target.partition("?")[0].rstrip("/").lower()
        if path not in ("/wsman", "/wsman-anon/identify"):
            return Response(404)
        if request.too_large:
            return Response(413, close=True)
        if path == "/wsman-anon/identify" or request.header("WSMANIDENTIFY") is not None:
            return Response(200, self._host.service.identify(authenticated=False), (("Content-Type", SOAP_TYPE),))
        return await self._authenticated(request, connection)

    async def _authenticated(self, request: Request, connection: Connection) -> Response:
        header = request.header("Authorization")
        verdict = self._authentication.authenticate(header, name_shown(connection.certificate))
        if isinstance(verdict, Refusal):
            self._host.counters.authentication_rounds += 1
            return _unauthorized(verdict.challenges)
        token = self._authentication.token
        extra = () if token is None else (("WWW-Authenticate", token),)
        if not request.body:
            self._host.counters.authentication_rounds += 1
            return Response(200, headers=extra)
        response = await self._opened(request, verdict, connection)
        return dataclasses.replace(response, headers=(*response.headers, *extra))

    async def _opened(self, request: Request, user: User, connection: Connection) -> Response:
        """Take the seal off a request, and put one on the answer."""
        context = self._authentication.seals
        if not encryption.is_sealed(request.header("Content-Type") or ""):
            if connection.scheme == "http" and not self._host.settings.allow_unencrypted:
                return Response(500)  # the field's reports know a 500 without a body
            return await self._message(request.body, len(request.body), user, connection, sealed=False)
        if context is None:
            return Response(400, close=True)
        try:
            content_type = request.header("Content-Type") or ""
            body = encryption.unseal(context, request.body, self._authentication.seal, content_type)
        except encryption.Unsealable:
            return Response(self._host.settings.habits.stale_seal_status, close=True)
        return await self._message(body, len(request.body), user, connection, sealed=True)

    def _envelope(self, status: int, envelope: bytes, *, sealed: bool) -> Response:
        context = self._authentication.seals
        if not sealed or context is None:
            return Response(status, envelope, (("Content-Type", SOAP_TYPE),))
        content_type, body = encryption.seal(context, envelope, self._authentication.seal)
        return Response(status, body, (("Content-Type", content_type),))

    async def _message(self, body: bytes, size: int, user: User, connection: Connection, *, sealed: bool) -> Response:
        """Answer one SOAP message, with the fault that was injected for it, and log it."""
        if len(body) > self._host.service.largest_envelope:
            return Response(413, close=True)
        try:
            message = read_message(body)
        except NotXml as error:
            fault = schema_fault(self._host.server.winrm_stack, str(error))
            return self._envelope(500, self._host.service.fault(fault, None), sealed=sealed)
        self._host.counters.messages += 1
        exchange = _Exchange(
            message, user, connection, self._authentication, sealed, size, self._host.counters.messages
        )
        rule = self._host.injections.find("message", f"{message.action} {message.resource_uri} {exchange.brief}")
        try:
            response = await self._performed(rule, exchange)
        except Drop:
            self._host.counters.log.append(exchange.logged(0, 0))
            raise
        self._host.counters.log.append(exchange.logged(response.status, response.length or len(response.body)))
        return response

    async def _performed(self, rule: Rule | None, exchange: _Exchange) -> Response:
        service = self._host.service
        if rule is not None:
            if rule.kind in ("wsman_fault", "access_denied"):
                fault = service.fault(_injected_fault(rule), exchange.message)
                return self._envelope(500, fault, sealed=exchange.sealed and not rule.unsealed)
            if (injected := await _before(rule, exchange.connection)) is not None:
                return injected
        self._host.tick()
        connection = exchange.connection
        caller = Caller(exchange.user, connection.peer, f"{connection.scheme}://{connection.address}/wsman")
        status, envelope = await service.answer(exchange.message, caller)
        if rule is None:
            return self._envelope(status, envelope, sealed=exchange.sealed)
        return self._spoilt(rule, status, envelope, sealed=exchange.sealed)

    def _spoilt(self, rule: Rule, status: int, envelope: bytes, *, sealed: bool) -> Response:
        """Give the answer as the rule spoils it; the operation has been carried out."""
        if rule.kind == "drop_after":
            raise Drop
        if rule.kind == "empty":
            return Response(status, headers=(("Content-Type", SOAP_TYPE),))
        spoil = _SPOILERS.get(rule.kind)
        answer = envelope if spoil is None else spoil(envelope, rule)
        response = self._envelope(status, answer, sealed=sealed and not rule.unsealed)
        if rule.kind == "drop_after_answer":
            return dataclasses.replace(response, close=True)
        if rule.kind == "cut":
            return dataclasses.replace(response, body=b"", stream=_cut(response.body), length=len(response.body))
        if rule.kind == "drip":
            body = response.body
            return dataclasses.replace(response, body=b"", stream=_drip(body, rule.seconds), length=len(body))
        return response


@dataclasses.dataclass(frozen=True, slots=True)
class _Exchange:
    """One message on its way, with everything that its answer and its log line need."""

    message: Message
    user: User
    connection: Connection
    authentication: ConnectionAuthentication
    sealed: bool
    size: int
    number: int
    started: float = dataclasses.field(default_factory=time.perf_counter)

    @property
    def brief(self) -> str:
        """The message in a few words."""
        return describe(self.message)

    def logged(self, status: int, sent: int) -> LoggedRequest:
        """Give the line for the log; ``status`` 0 means that the connection was dropped."""
        return LoggedRequest(
            n=self.number,
            action=self.message.action,
            resource=self.message.resource,
            method=self.message.method,
            brief=self.brief,
            user=self.user.name,
            status=status,
            bytes_in=self.size,
            bytes_out=sent,
            milliseconds=round((time.perf_counter() - self.started) * 1000, 3),
            sealed=self.sealed,
            authentication=self.authentication.protocol,
            delegated=self.authentication.delegated,
        )


def _offered(schemes: tuple[Scheme, ...], server: Server) -> tuple[Scheme, ...]:
    """CredSSP came with WinRM 2.0, and not for Windows Server 2003 ([MS-WSMV] appendix)."""
    old = server.release.nt5 or server.winrm_stack == "1.1"
    return tuple(scheme for scheme in schemes if not (old and scheme == "credssp"))


_SPOILERS: t.Final[c.Mapping[injection.Kind, c.Callable[[bytes, Rule], bytes]]] = {
    "malformed": lambda data, _rule: data.replace(b"</s:Body>", b"</s:Bodi>"),
    "truncated": lambda data, _rule: data[: len(data) // 2],
    "dtd": lambda _data, _rule: injection.DTD_DOCUMENT,
    "entity_bomb": lambda _data, _rule: injection.entity_bomb(),
    "wrong_relates_to": lambda data, _rule: injection.changed_relation(data, drop=False),
    "missing_relates_to": lambda data, _rule: injection.changed_relation(data, drop=True),
    "replaced_text": injection.replaced_text,
}


def _injected_fault(rule: Rule) -> SoapFault:
    if rule.kind == "access_denied":
        return SoapFault("access_denied")
    return SoapFault("internal_error", rule.body, number=rule.code, subcode=rule.subcode)


def _unauthorized(challenges: tuple[str, ...]) -> Response:
    return Response(401, headers=tuple(("WWW-Authenticate", challenge) for challenge in challenges))


async def _before(rule: Rule, connection: Connection) -> Response | None:
    """Do the rule's work in place of the operation; None if the operation must still be carried out."""
    if rule.kind == "drop_before":
        raise Drop
    if rule.kind == "hang":
        await connection.closed_by_peer()
        raise Drop
    if rule.kind == "delay":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind == "unauthorized":
        return _unauthorized(("Negotiate", 'Basic realm="WSMAN"'))
    if rule.kind == "http_status":
        return Response(rule.status, rule.body.encode(), (("Content-Type", "text/html"),))
    if rule.kind == "redirect":
        return Response(rule.status if 300 <= rule.status < 400 else 307, headers=(("Location", rule.location),))
    if rule.kind == "oversize":
        length = None if rule.chunked else rule.size
        stream = injection.padding(rule.size)
        return Response(200, headers=(("Content-Type", SOAP_TYPE),), stream=stream, length=length, close=True)
    return None


async def _cut(body: bytes) -> c.AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise Drop


async def _drip(body: bytes, seconds: float) -> c.AsyncIterator[bytes]:
    for index in range(len(body)):
        await asyncio.sleep(seconds)
        yield body[index : index + 1]
