# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP/1.1 server on asyncio with h11: keep-alive, one write per answer, one listening socket that opens and closes.

The same server carries the simulated WinRM ports and the fleet's control endpoint.
"""

from __future__ import annotations

import asyncio
import collections.abc as c
import contextlib
import dataclasses
import logging
import socket
import ssl
import struct
import typing as t

import h11

LOGGER: t.Final = logging.getLogger(__name__)
READ_SIZE: t.Final = 65536
LARGEST_BODY: t.Final = 64 * 1024 * 1024


class Drop(Exception):
    """The connection ends now, without another byte."""


class _Idle(Exception):
    """The other side has said nothing for the whole idle time: the connection ends in order."""


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; ``too_large`` says that the body passed the limit and was not kept."""

    method: str
    target: str
    headers: c.Mapping[str, str]
    body: bytes
    too_large: bool = False

    def header(self, name: str) -> str | None:
        """Give a header's value; None if it is absent."""
        return self.headers.get(name.lower())


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """One answer. ``stream`` replaces ``body`` if that must not be built in memory; without ``length`` in chunks."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False
    stream: c.AsyncIterator[bytes] | None = None
    length: int | None = None


@dataclasses.dataclass(slots=True)
class Traffic:
    """Bytes that crossed one server's sockets, headers included."""

    received: int = 0
    sent: int = 0


class Session(t.Protocol):
    """The object that answers the requests of one connection, and may keep state for it."""

    async def answer(self, request: Request, connection: Connection) -> Response:
        """Give the answer to a request, or raise Drop."""


class Connection:
    """One TCP connection: reads requests, asks its session, writes answers."""

    def __init__(self, server: HttpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER)
        peer = writer.get_extra_info("peername")
        here = writer.get_extra_info("sockname")
        self.peer: str = peer[0] if peer else ""
        self.address: str = f"{here[0]}:{here[1]}" if here else ""
        self.scheme: t.Literal["http", "https"] = "https" if writer.get_extra_info("ssl_object") else "http"
        self.certificate: c.Mapping[str, t.Any] | None = writer.get_extra_info("peercert")
        """The certificate of the other side, as Python's ssl module describes it."""

    def abort(self) -> None:
        """Reset the connection: the other side sees a reset, not an orderly end."""
        sock: socket.socket = self._writer.get_extra_info("socket")
        if sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def closed_by_peer(self) -> None:
        """Wait until the other side closes the connection; ignore everything that it still sends."""
        while await self._reader.read(READ_SIZE):
            pass

    async def run(self, session: Session) -> None:
        """Serve until one side closes."""
        try:
            while (request := await self._read_request()) is not None:
                await self._write(await session.answer(request, self))
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    return
                self._http.start_next_cycle()
        except _Idle:
            return
        except h11.RemoteProtocolError as error:
            await self._write_error(error.error_status_hint)

    async def _read_request(self) -> Request | None:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        if self._http.they_are_waiting_for_100_continue:
            await self._send(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        body, too_large = await self._read_body()
        return Request(
            method=head.method.decode("ascii"),
            target=head.target.decode("ascii"),
            headers={name.decode("ascii").lower(): value.decode("latin-1") for name, value in head.headers},
            body=body,
            too_large=too_large,
        )

    async def _read_body(self) -> tuple[bytes, bool]:
        pieces: list[bytes] = []
        size = 0
        while isinstance(event := await self._next_event(), h11.Data):
            size += len(event.data)
            if size <= self._server.largest_body:
                pieces.append(bytes(event.data))
        if not isinstance(event, h11.EndOfMessage):
            raise Drop
        too_large = size > self._server.largest_body
        return (b"" if too_large else b"".join(pieces)), too_large

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            try:
                async with asyncio.timeout(self._server.idle_timeout):
                    data = await self._reader.read(READ_SIZE)
            except TimeoutError as error:
                raise _Idle from error
            self._server.traffic.received += len(data)
            self._http.receive_data(data)
        return t.cast("h11.Event | type[h11.PAUSED]", event)

    async def _write(self, response: Response) -> None:
        length = len(response.body) if response.stream is None else response.length
        headers = [*response.headers, *([] if length is None else [("Content-Length", str(length))])]
        if response.close:
            headers.append(("Connection", "close"))
        head = self._http.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if response.stream is None:
            data = self._http.send(h11.Data(data=response.body)) or b""
            await self._send(head + data + (self._http.send(h11.EndOfMessage()) or b""))
            return
        await self._send(head)
        async for piece in response.stream:
            await self._send(self._http.send(h11.Data(data=piece)) or b"")
        await self._send(self._http.send(h11.EndOfMessage()) or b"")

    async def _send(self, data: bytes) -> None:
        self._server.traffic.sent += len(data)
        self._writer.write(data)
        await self._writer.drain()

    async def _write_error(self, status: int) -> None:
        if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            await self._write(Response(status, close=True))


class HttpServer:
    """A port that can be opened and closed; its number stays reserved as long as the object lives.

    ``idle_timeout`` is in real seconds; bodies above ``largest_body`` bytes are read but not kept; ``tls`` makes it
    HTTPS.
    """

    def __init__(
        self,
        make_session: c.Callable[[], Session],
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        idle_timeout: float = 120.0,
        largest_body: int = LARGEST_BODY,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._make_session = make_session
        self._tls = tls
        self._reservation = _bound_socket(address, port)
        self.address: str = address
        self.port: int = self._reservation.getsockname()[1]
        self.idle_timeout = idle_timeout
        self.largest_body = largest_body
        self.traffic = Traffic()
        self.accepted = 0
        self._listening: socket.socket | None = None
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether connections are accepted."""
        return self._listening is not None

    def open(self) -> None:
        """Accept connections from now on; call it in the event loop that shall serve them."""
        if self._listening is None:
            self._listening = _bound_socket(self.address, self.port)
            self._listening.setblocking(False)
            self._listening.listen(512)
            asyncio.get_running_loop().add_reader(self._listening, self._accept, self._listening)

    def close(self) -> None:
        """Refuse connections from now on and reset those that are established, as a machine going down does."""
        if self._listening is not None:
            asyncio.get_running_loop().remove_reader(self._listening)
            self._listening.close()
            self._listening = None
        self.abort_connections()

    def abort_connections(self) -> None:
        """Reset all established connections."""
        for connection in list(self._connections):
            connection.abort()

    def give_up(self) -> None:
        """Close for good and free the port's number."""
        self.close()
        self._reservation.close()

    def _accept(self, listening: socket.socket) -> None:
        try:
            sock, _peer = listening.accept()
        except OSError:
            return  # the other side was gone before we looked
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = asyncio.get_running_loop().create_task(self._serve(sock))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            LOGGER.error("A connection to port %d ended in an error of the simulator", self.port, exc_info=error)

    async def _serve(self, sock: socket.socket) -> None:
        try:
            reader, writer = await _streams(sock, self._tls)
        except OSError:
            return  # no agreement on TLS, or the other side is gone
        connection = Connection(self, reader, writer)
        self._connections.add(connection)
        self.accepted += 1
        try:
            if not self.is_open:
                raise Drop  # accepted in the very moment in which the port was closed
            await connection.run(self._make_session())
        except Drop:
            connection.abort()
        except OSError:
            pass  # the other side is gone: no client is left to answer
        finally:
            self._connections.discard(connection)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def _streams(
    sock: socket.socket, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _protocol = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=tls)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


def _bound_socket(address: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    return sock
