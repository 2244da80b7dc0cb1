# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real HTTP servers on the loopback, each as badly behaved as its script says."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import socket
import threading
import typing as t

import spnego

from tests.unit.plugins.module_utils._wsman import answers


@dataclasses.dataclass(frozen=True)
class Request:
    head: str
    body: bytes

    def header(self, name: str) -> str:
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return next((value.strip() for key, _colon, value in lines if key.lower() == name.lower()), "")

    @property
    def message_id(self) -> str:
        return self.body.decode().partition("<a:MessageID>")[2].partition("<")[0]


Handler = t.Callable[[socket.socket, Request], bool]
"""Answers one request; False closes the connection."""


class Server:
    """Listens on a port of its own; every connection gets a thread and a new handler."""

    def __init__(self, make_handler: t.Callable[[], Handler]) -> None:
        self._make_handler = make_handler
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/wsman"

    @property
    def connections(self) -> int:
        return len(self._connections)

    def __enter__(self) -> Server:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._listener.close()
        self.drop_connections()

    def drop_connections(self) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _peer = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        handler = self._make_handler()
        with contextlib.suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                self.requests.append(request)
                if not handler(connection, request):
                    connection.shutdown(socket.SHUT_RDWR)
                    return


def _read(stream: t.BinaryIO) -> Request | None:
    lines: list[bytes] = []
    while (line := stream.readline()) not in (b"", b"\r\n"):
        lines.append(line)
    if not lines:
        return None
    head = b"".join(lines).decode("latin-1").rstrip("\r\n")
    return Request(head, stream.read(int(Request(head, b"").header("Content-Length") or 0)))


def http(status: str, body: bytes = b"", **headers: str) -> bytes:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = {"Content-Type": "application/soap+xml;charset=UTF-8", "Content-Length": str(len(body)), **named}
    return (
        f"HTTP/1.1 {status}\r\n{''.join(f'{k}: {v}' + chr(13) + chr(10) for k, v in fields.items())}\r\n".encode()
        + body
    )


def always(answer: bytes, *, keep: bool = True) -> t.Callable[[], Handler]:
    """The same bytes to every request."""

    def handle(connection: socket.socket, _request: Request) -> bool:
        connection.sendall(answer)
        return keep

    return lambda: handle


def soap(content: str = "<x:A>ok</x:A>", *, status: str = "200 OK") -> t.Callable[[], Handler]:
    """A SOAP answer to every request."""

    def handle(connection: socket.socket, request: Request) -> bool:
        connection.sendall(http(status, answers.envelope(content, relates_to=request.message_id).encode()))
        return True

    return lambda: handle


class NtlmHandler:
    """One connection of a server that wants NTLM and message encryption (MS-WSMV 2.2.9.1), with ``secret`` as password.

    :param delivered: receives every message that could be unsealed.
    :param close_after: closes the connection after so many messages.
    """

    BOUNDARY = b"--Encrypted Boundary"

    def __init__(self, delivered: list[bytes], *, close_after: int = 1000) -> None:
        self._context = spnego.server(protocol="ntlm")
        self._delivered = delivered
        self._close_after = close_after

    def __call__(self, connection: socket.socket, request: Request) -> bool:
        if not self._context.complete:
            connection.sendall(self._handshake(request))
            return True
        message = self._unsealed(request.body)
        if message is None:
            connection.sendall(http("400 Bad Request"))
            return False
        self._delivered.append(message)
        self._close_after -= 1
        answer = answers.envelope("<x:A>ok</x:A>", relates_to=Request("", message).message_id)
        connection.sendall(self._sealed(answer.encode()))
        return self._close_after > 0

    def _handshake(self, request: Request) -> bytes:
        scheme, _blank, token = request.header("Authorization").partition(" ")
        if not token:
            return http("401 Unauthorized", WWW_Authenticate="Negotiate, NTLM")
        try:
            reply = self._context.step(base64.b64decode(token))
        except spnego.exceptions.SpnegoError:
            return http("401 Unauthorized", WWW_Authenticate="Negotiate, NTLM")
        if self._context.complete:
            return http("200 OK")
        return http("401 Unauthorized", WWW_Authenticate=f"{scheme} {base64.b64encode(reply or b'').decode()}")

    def _unsealed(self, body: bytes) -> bytes | None:
        _head, _mark, data = body.partition(b"\tContent-Type: application/octet-stream\r\n")
        sealed = data.removesuffix(self.BOUNDARY + b"--\r\n")
        length = int.from_bytes(sealed[:4], "little")
        try:
            return self._context.unwrap_winrm(sealed[4 : 4 + length], sealed[4 + length :])
        except spnego.exceptions.SpnegoError:
            return None

    def _sealed(self, answer: bytes) -> bytes:
        wrapped = self._context.wrap_winrm(answer)
        protocol = b"application/HTTP-SPNEGO-session-encrypted"
        body = (
            self.BOUNDARY
            + b"\r\n\tContent-Type: "
            + protocol
            + b"\r\n\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length="
            + str(len(answer)).encode()
            + b"\r\n"
            + self.BOUNDARY
            + b"\r\n\tContent-Type: application/octet-stream\r\n"
            + len(wrapped.header).to_bytes(4, "little")
            + wrapped.header
            + wrapped.data
            + self.BOUNDARY
            + b"--\r\n"
        )
        kind = f'multipart/encrypted;protocol="{protocol.decode()}";boundary="Encrypted Boundary"'
        return http("200 OK", body, Content_Type=kind)
