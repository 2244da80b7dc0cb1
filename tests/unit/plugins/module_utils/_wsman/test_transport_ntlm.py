# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NTLM with message encryption: keys belong to one connection, and every message is delivered once."""

from __future__ import annotations

import pathlib
import pkgutil
import socket
import time
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors
from tests.unit.plugins.module_utils._wsman import answers, servers, transports
from tests.unit.plugins.module_utils._wsman.transports import MESSAGE, failure, over

pytestmark = pytest.mark.usefixtures("library")


@pytest.fixture
def accounts(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.write_text("EDGE1:edge:secret\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))


@pytest.mark.usefixtures("accounts")
def test_ntlm_with_encryption() -> None:
    delivered: list[bytes] = []
    with servers.Server(lambda: servers.NtlmHandler(delivered)) as server:
        sender = over(server.url, method="ntlm")
        assert b"<x:A>ok</x:A>" in sender.send(MESSAGE)
        assert b"<x:A>ok</x:A>" in sender.send(MESSAGE)
        assert delivered == [MESSAGE, MESSAGE]
        assert server.connections == 1
        assert len(server.requests) == 3 + 2
        assert all(MESSAGE not in request.body for request in server.requests)


@pytest.mark.usefixtures("accounts")
def test_ntlm_with_a_wrong_password() -> None:
    error = failure(lambda: servers.NtlmHandler([]), method="ntlm", password="wrong")
    assert isinstance(error, errors.AuthenticationFailed)


@pytest.mark.usefixtures("accounts")
def test_sealed_message_is_not_sent_on_another_connection() -> None:
    """The server closed in silence: every message, writes too, is delivered once, with new keys."""
    delivered: list[bytes] = []
    with servers.Server(lambda: servers.NtlmHandler(delivered)) as server:
        sender = over(server.url, method="ntlm")
        sender.send(MESSAGE)
        server.drop_connections()
        time.sleep(0.05)
        assert b"ok" in sender.send(MESSAGE)
        assert b"ok" in sender.send(MESSAGE)
        assert delivered == [MESSAGE] * 3
        assert server.connections == 2
        sealed = [request for request in server.requests if "multipart/encrypted" in request.head]
        assert len(sealed) == 3


@pytest.mark.usefixtures("accounts")
def test_server_that_closes_after_every_message() -> None:
    delivered: list[bytes] = []
    with servers.Server(lambda: servers.NtlmHandler(delivered, close_after=1)) as server:
        sender = over(server.url, method="ntlm")
        for _index in range(3):
            sender.send(MESSAGE)
            time.sleep(0.05)
        assert delivered == [MESSAGE] * 3


@pytest.mark.usefixtures("accounts")
def test_server_that_closes_after_the_handshake(monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(servers.NtlmHandler):
        def __call__(self, connection: socket.socket, request: servers.Request) -> bool:
            super().__call__(connection, request)
            return not self._context.complete

    with servers.Server(lambda: Impatient([])) as server:
        original: t.Any = pkgutil.resolve_name(transports.present.seals)

        class Patient(original):  # type: ignore[misc]
            def __init__(self, *arguments: t.Any) -> None:
                time.sleep(0.1)  # the close has to arrive before the next message leaves
                super().__init__(*arguments)

        monkeypatch.setattr(transports.present.seals, Patient)
        with pytest.raises(errors.HostUnreachable, match="closed after every"):
            over(server.url, method="ntlm").send(MESSAGE)


@pytest.mark.usefixtures("accounts")
def test_tampered_seal() -> None:
    class Tampering(servers.NtlmHandler):
        def _sealed(self, answer: bytes) -> bytes:
            whole = super()._sealed(answer)
            return whole[:-60] + bytes([whole[-60] ^ 1]) + whole[-59:]

    error = failure(lambda: Tampering([]), method="ntlm")
    assert isinstance(error, (errors.ProtocolViolation, errors.AuthenticationFailed))


@pytest.mark.usefixtures("accounts")
def test_the_servers_boundary_becomes_no_pattern() -> None:
    class Hostile(servers.NtlmHandler):
        def _sealed(self, answer: bytes) -> bytes:
            return super()._sealed(answer).replace(b'"Encrypted Boundary"', b'"(.*)*x"')

    with servers.Server(lambda: Hostile([])) as server:
        assert b"<x:A>ok</x:A>" in over(server.url, method="ntlm").send(MESSAGE)


FAULT: t.Final = answers.fault("w:InternalError")
PRETENCE: t.Final = 'multipart/encrypted;protocol="application/HTTP-OTHER-session-encrypted"'


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("kind", ["application/soap+xml;charset=UTF-8", "multipart/encrypted", PRETENCE, ""])
@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("200 OK", "the session is encrypted and this answer is not"),
        ("500 Internal Server Error", "answers without a SOAP message"),
        ("503 Service Unavailable", "the WinRM service is not available"),
    ],
)
def test_what_is_not_sealed_is_not_believed(kind: str, status: str, sentence: str) -> None:
    """Neither as an answer nor as a fault: a machine on the line that knows no password can write both."""

    class OnTheLine(servers.NtlmHandler):
        def _sealed(self, _answer: bytes) -> bytes:
            return servers.http(status, FAULT.encode(), Content_Type=kind)

    error = failure(lambda: OnTheLine([]), method="ntlm")
    assert sentence in str(error)
    assert not isinstance(error, errors.WsmanFault)


@pytest.mark.usefixtures("accounts")
def test_two_transports_over_one_protocol() -> None:
    """Items of a loop share the plugin's protocol: the second one goes on with the first one's session."""
    delivered: list[bytes] = []
    with servers.Server(lambda: servers.NtlmHandler(delivered)) as server:
        session = transports.session_for(server.url, method="ntlm")
        for _index in range(2):
            transports.present.transport(session, host="edge1").send(MESSAGE)
        assert len(server.requests) == 3 + 2
