# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transports over the real libraries against real HTTP servers: all in which they do not trust the server."""

from __future__ import annotations

import base64
import pathlib
import resource
import socket
import struct
import threading
import time
import typing as t

import pytest
import requests.adapters
import requests.exceptions

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import bounded_http, errors, patience
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import client as wsman
from tests.unit.plugins.module_utils._wsman import answers, servers, transports
from tests.unit.plugins.module_utils._wsman.transports import MESSAGE, Method, failure, over

pytestmark = pytest.mark.usefixtures("library")


def test_an_answer() -> None:
    with servers.Server(servers.soap()) as server:
        sender = over(server.url)
        assert b"<x:A>ok</x:A>" in sender.send(MESSAGE)
        assert b"<x:A>ok</x:A>" in sender.send(MESSAGE)
        assert server.connections == 1
        assert [request.body for request in server.requests] == [MESSAGE, MESSAGE]


@pytest.mark.parametrize("status", ["500 Internal Server Error", "400 Bad Request", "503 Service Unavailable"])
def test_faults_are_answers(status: str) -> None:
    with servers.Server(servers.soap(answers.fault("w:AccessDenied"), status=status)) as server:
        sender = over(server.url)
        assert b"w:AccessDenied" in sender.send(MESSAGE)
        with pytest.raises(errors.AccessDenied, match="Get of root/cimv2/C on edge1"):
            wsman.Client(sender).get("root/cimv2", "C")


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("method", ["basic", "ntlm"])
def test_redirects_are_not_followed(status: int, method: Method) -> None:
    with servers.Server(servers.soap()) as second:
        redirect = servers.http(f"{status} Elsewhere", b"moved", Location=second.url)
        error = failure(servers.always(redirect), method=method)
        assert isinstance(error, errors.ProtocolViolation)
        assert f"redirects the message elsewhere (HTTP {status})" in str(error)
        assert (second.requests, second.connections) == ([], 0)


def test_redirect_in_the_middle_of_the_handshake() -> None:
    with servers.Server(servers.soap()) as second:

        def make_handler() -> servers.Handler:
            def handle(connection: socket.socket, request: servers.Request) -> bool:
                if request.header("Authorization"):
                    connection.sendall(servers.http("307 Elsewhere", Location=second.url))
                else:
                    connection.sendall(servers.http("401 Unauthorized", WWW_Authenticate="NTLM"))
                return True

            return handle

        assert isinstance(failure(make_handler, method="ntlm"), errors.ProtocolViolation)
        assert second.connections == 0


def flood(total: int, *, announced: bool) -> t.Callable[[], servers.Handler]:
    block = b" " * 65536

    def handle(connection: socket.socket, _request: servers.Request) -> bool:
        length = f"Content-Length: {total}\r\n" if announced else ""
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\n{length}\r\n".encode())
        for _index in range(total // len(block)):
            connection.sendall(block)
        return False

    return lambda: handle


@pytest.mark.parametrize("announced", [True, False])
def test_endless_body_is_cut_off(announced: bool) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = failure(flood(200 * 1024 * 1024, announced=announced))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert isinstance(error, errors.ProtocolViolation)
    assert "larger than" in str(error)
    assert grown < 32 * 1024  # KiB; the body would be 200 MiB


def test_compressed_answer_is_refused() -> None:
    error = failure(servers.always(servers.http("200 OK", b"\x1f\x8b", Content_Encoding="gzip")))
    assert "compressed" in str(error)
    with servers.Server(servers.soap()) as server:
        over(server.url).send(MESSAGE)
        assert server.requests[0].header("Accept-Encoding") == "identity"


def drip(prefix: bytes) -> t.Callable[[], servers.Handler]:
    def handle(connection: socket.socket, _request: servers.Request) -> bool:
        connection.sendall(prefix)
        while True:
            time.sleep(0.1)
            connection.sendall(b" ")

    return lambda: handle


@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<s:Envelope",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n<s:Envelope",
        b"HTTP/1.1 500 Error\r\nConnection: close\r\n\r\n<s:Envelope",
    ],
    ids=["status line", "header", "body", "chunked body", "closing body"],
)
def test_slow_drip_has_a_deadline(prefix: bytes) -> None:
    started = time.monotonic()
    error = failure(drip(prefix), deadline=1.0)
    assert time.monotonic() - started < 2.5
    assert isinstance(error, errors.ConnectionDropped)
    assert "no complete answer within 1 seconds" in str(error)


def test_slow_drip_in_the_handshake_has_a_deadline() -> None:
    started = time.monotonic()
    error = failure(
        drip(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM\r\nX-Slow: "), deadline=1.0, method="ntlm"
    )
    assert time.monotonic() - started < 2.5
    assert "no complete answer within 1 seconds" in str(error)


def test_silent_tls_has_a_deadline() -> None:
    def handle(_connection: socket.socket, _request: servers.Request) -> bool:
        return False

    started = time.monotonic()
    with servers.Server(lambda: handle) as server, pytest.raises(errors.HostUnreachable, match="no complete answer"):
        over(server.url.replace("http", "https"), method="basic", deadline=1.0, read_timeout=10).send(MESSAGE)
    assert time.monotonic() - started < 2.5


def test_silence_ends_with_the_read_timeout() -> None:
    def handle(_connection: socket.socket, _request: servers.Request) -> bool:
        time.sleep(3)
        return False

    error = failure(lambda: handle, read_timeout=2, deadline=10.0)
    assert "no answer in time" in str(error)
    assert isinstance(error, errors.ConnectionDropped)


def test_no_message_outlasts_its_task() -> None:
    started = time.monotonic()
    with servers.Server(drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as server:
        sender = over(server.url, deadline=60.0, task=patience.Deadline(1.2))
        with pytest.raises(errors.ConnectionDropped, match="no complete answer within 1 seconds"):
            sender.send(MESSAGE)
    assert time.monotonic() - started < 3


def test_a_session_that_is_rejected_later_is_told_from_wrong_credentials() -> None:
    answers_given = iter([servers.http("200 OK", b"<x/>"), servers.http("401 Unauthorized", WWW_Authenticate="Basic")])

    def handle(connection: socket.socket, _request: servers.Request) -> bool:
        connection.sendall(next(answers_given))
        return True

    with servers.Server(lambda: handle) as server:
        sender = over(server.url)
        sender.send(MESSAGE)
        with pytest.raises(errors.AuthenticationFailed, match=r"no longer accepts.*password changed.*ticket") as caught:
            sender.send(MESSAGE)
    assert caught.value.code == 401


class KerberosExchangeError(requests.exceptions.RequestException):
    """As requests_kerberos names it."""


def test_a_ticket_that_is_not_there_is_not_laid_at_the_servers_door(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = over("http://127.0.0.1:1/wsman")

    def no_ticket(*_arguments: t.Any, **_options: t.Any) -> requests.Response:
        raise KerberosExchangeError("authGSSClientInit() failed: No Kerberos credentials available")

    monkeypatch.setattr(requests.Session, "send", no_ticket)
    with pytest.raises(errors.AuthenticationFailed) as caught:
        sender.send(MESSAGE)
    assert "can't be carried out (authGSSClientInit() failed: No Kerberos credentials available)" in str(caught.value)
    assert "rejects" not in str(caught.value)


def test_one_thread_watches_all_messages_and_none_stays_behind() -> None:
    before = set(threading.enumerate())
    with servers.Server(servers.soap()) as server:
        sender = over(server.url, deadline=60.0)
        for _number in range(3):
            sender.send(MESSAGE)
        (watch,) = [one for one in set(threading.enumerate()) - before if one.name == "portkeeper-alarm"]
        sender.reset()
        watch.join(10)
        assert not watch.is_alive()


WITHOUT_SOAP: dict[int, tuple[type[errors.WsmanError], str]] = {
    400: (errors.ProtocolViolation, "malformed (400)"),
    401: (errors.AuthenticationFailed, "AllowUnencrypted"),
    403: (errors.AuthenticationFailed, "forbids"),
    404: (errors.HostUnreachable, "no WinRM service"),
    405: (errors.HostUnreachable, "no WinRM service"),
    407: (errors.HostUnreachable, "proxy"),
    413: (errors.ProtocolViolation, "MaxEnvelopeSizekb"),
    418: (errors.ProtocolViolation, "without a SOAP message (418)"),
    500: (errors.ProtocolViolation, "without a SOAP message (500)"),
    501: (errors.HostUnreachable, "no WinRM service"),
    502: (errors.ConnectionDropped, "cannot reach the server (502)"),
    503: (errors.NotTaken, "not available (503)"),
    504: (errors.ConnectionDropped, "in time (504)"),
}


@pytest.mark.parametrize("status", WITHOUT_SOAP)
@pytest.mark.parametrize("body", [b"", b"<html>no</html>", b"\xff\xfe"], ids=["empty", "page", "binary"])
def test_statuses_without_soap(status: int, body: bytes) -> None:
    kind, words = WITHOUT_SOAP[status]
    error = failure(servers.always(servers.http(f"{status} X", body)))
    assert error.__class__ is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("method", "words"), [("basic", "Basic takes local accounts only"), ("ntlm", "neither locked nor denied")]
)
def test_wrong_password(method: Method, words: str) -> None:
    error = failure(
        servers.always(servers.http("401 Unauthorized", WWW_Authenticate="Basic realm=WSMAN")), method=method
    )
    assert isinstance(error, errors.AuthenticationFailed)
    assert "rejects the credentials (" in str(error)
    assert words in str(error)
    assert error.code == 401


NO_HTTP = {
    "ssh": (b"SSH-2.0-OpenSSH_9.2\r\n", errors.HostUnreachable, "not HTTP"),
    "nothing": (b"", errors.ConnectionDropped, "this port may speak HTTPS"),
    "half a header": (b"HTTP/1.1 200 OK\r\nContent-", errors.WsmanError, ""),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<s:En", errors.ConnectionDropped, "was lost"),
    "half a chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n<s:En",
        errors.ConnectionDropped,
        "was lost",
    ),
    "bad chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<s:En", errors.WsmanError, ""),
    "bad length": (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n<s:En", errors.WsmanError, ""),
    "web page": (
        servers.http("200 OK", b"<html/>", Content_Type="text/html; charset=utf-8"),
        errors.HostUnreachable,
        "a web page answers",
    ),
}


@pytest.mark.parametrize("case", [case for case in NO_HTTP if NO_HTTP[case][1] is not errors.WsmanError])
def test_what_is_not_winrm(case: str) -> None:
    answer, kind, words = NO_HTTP[case]
    error = failure(servers.always(answer, keep=False))
    assert isinstance(error, kind)
    assert words in str(error)


@pytest.mark.parametrize("case", NO_HTTP)
def test_every_broken_answer_is_one_of_our_errors(case: str) -> None:
    with servers.Server(servers.always(NO_HTTP[case][0], keep=False)) as server:
        client = wsman.Client(over(server.url))
        with pytest.raises(errors.WsmanError, match="Invoke SetX of root/default/StdRegProv on edge1 failed"):
            client.invoke("root/default", "StdRegProv", "SetX", {})
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("challenge", "kind"),
    [
        ("NTLM TlRMTVNTUAACAAAA", errors.ProtocolViolation),  # a challenge that ends too early
        ("NTLM !!!!", errors.WsmanError),
        ("NTLM", errors.AuthenticationFailed),
        ("Negotiate", errors.AuthenticationFailed),
    ],
)
def test_broken_challenges(challenge: str, kind: type[errors.WsmanError]) -> None:
    error = failure(servers.always(servers.http("401 Unauthorized", WWW_Authenticate=challenge)), method="ntlm")
    assert isinstance(error, kind)


def test_a_handshake_without_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer asks for another round, and each round looks like the next step."""

    def rounds(session: requests.Session, request: requests.PreparedRequest, **options: t.Any) -> requests.Response:
        adapter = session.get_adapter(str(request.url))
        for _index in range(100):
            adapter.send(request, **options)
        raise AssertionError("it went on")

    monkeypatch.setattr(requests.Session, "send", rounds)
    error = failure(servers.always(servers.http("401 Unauthorized", WWW_Authenticate="NTLM")))
    assert isinstance(error, errors.ProtocolViolation)
    assert "the authentication does not come to an end" in str(error)


def test_a_date_that_is_none_in_a_challenge() -> None:
    """pyspnego reads the time of an NTLM challenge, and Python has no such date."""
    pairs = b"\x07\x00\x08\x00" + b"\xff" * 7 + b"\x7f" + bytes(4)
    flags = 0x628A8215
    head = b"NTLMSSP\0" + struct.pack("<IHHIIQQHHI", 2, 0, 0, 56, flags, 1, 0, len(pairs), len(pairs), 56)
    token = base64.b64encode(head + bytes(8) + pairs).decode()
    error = failure(servers.always(servers.http("401 Unauthorized", WWW_Authenticate=f"NTLM {token}")), method="ntlm")
    assert isinstance(error, errors.WsmanError)


AUTHORITY: t.Final = {"pywinrm": "ansible_winrm_ca_trust_path", "pypsrp": "ansible_psrp_ca_cert"}
PROXY: t.Final = {"pywinrm": "ansible_winrm_proxy", "pypsrp": "ansible_psrp_proxy"}


def test_a_missing_file_of_certificates_is_named(library: str) -> None:
    session = transports.session_for("https://127.0.0.1:1/wsman")
    for name in ("ca_trust_path", "cert_validation"):
        setattr(session.transport, name, "/no/such/authority.pem")
    with pytest.raises(errors.HostUnreachable) as caught:
        transports.present.transport(session, host="edge1").send(MESSAGE)
    assert "invalid path: /no/such/authority.pem; look at the path of the authority" in str(caught.value)
    assert AUTHORITY[library] in str(caught.value)


def test_a_socks_proxy_without_its_package(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_arguments: t.Any, **_options: t.Any) -> t.Any:
        raise requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support.")

    monkeypatch.setattr(requests.adapters, "SOCKSProxyManager", missing)
    session = transports.session_for("http://127.0.0.1:1/wsman")
    session.transport.proxy = "socks5h://127.0.0.1:1"
    with pytest.raises(
        errors.HostUnreachable, match=r"proxy can't be used.*needs the Python package PySocks"
    ) as caught:
        transports.present.transport(session, host="edge1").send(MESSAGE)
    assert PROXY[library] in str(caught.value)
    assert not isinstance(caught.value, errors.NotTaken), "another try is of no use"


def test_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(errors.NoConnection, match=r"edge1: no connection \(.*refused\); check host, port"):
        over(f"http://127.0.0.1:{port}/wsman").send(MESSAGE)


def test_unknown_name() -> None:
    with pytest.raises(errors.HostUnreachable, match="no connection") as caught:
        over("http://no-such-host.invalid:5985/wsman").send(MESSAGE)
    assert not isinstance(caught.value, errors.NotTaken)


def test_tls_towards_plain_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _peer = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                connection.recv(4096)

        threading.Thread(target=answer, daemon=True).start()
        sender = over(f"https://127.0.0.1:{listener.getsockname()[1]}/wsman", method="basic")
        with pytest.raises(errors.HostUnreachable, match=r"TLS failed.*does not speak TLS"):
            sender.send(MESSAGE)


def test_reset_makes_a_new_connection() -> None:
    with servers.Server(servers.soap()) as server:
        sender = over(server.url)
        sender.send(MESSAGE)
        sender.reset()
        sender.send(MESSAGE)
        assert server.connections == 2


def test_idle_connection_is_not_trusted() -> None:
    now = 0.0
    with servers.Server(servers.soap()) as server:
        sender = over(server.url, clock=lambda: now)
        sender.send(MESSAGE)
        now = 89.0
        sender.send(MESSAGE)
        assert server.connections == 1
        now = 89.0 + 91.0
        sender.send(MESSAGE)
        assert server.connections == 2


def test_basic_after_the_server_closed() -> None:
    with servers.Server(servers.soap()) as server:
        sender = over(server.url)
        sender.send(MESSAGE)
        server.drop_connections()
        time.sleep(0.05)
        assert b"ok" in sender.send(MESSAGE)


def test_reading_survives_a_drop_in_the_body() -> None:
    count = 0

    def handle(connection: socket.socket, request: servers.Request) -> bool:
        nonlocal count
        count += 1
        if count == 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<s:Envelope")
            return False
        answer = answers.envelope(answers.instance("C", "<p:A>1</p:A>"), relates_to=request.message_id)
        connection.sendall(servers.http("200 OK", answer.encode()))
        return True

    with servers.Server(lambda: handle) as server:
        client = wsman.Client(over(server.url))
        assert client.get("root/cimv2", "C").integer("A") == 1
        assert client.requests == 2


def test_a_second_transport_has_its_deadline_too() -> None:
    with servers.Server(servers.soap()) as good, servers.Server(drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")) as slow:
        session = transports.session_for(good.url)
        transports.present.transport(session, host="edge1").send(MESSAGE)
        second = transports.present.transport(session, host="edge1", deadline=1.0)
        session.transport.endpoint = slow.url
        with pytest.raises(errors.HostUnreachable, match="within 1 seconds"):
            second.send(MESSAGE)


def test_few_handles_are_kept() -> None:
    before = len(list(pathlib.Path("/proc/self/fd").iterdir()))
    with servers.Server(servers.always(servers.http("200 OK", b"<x/>", Connection="close"), keep=False)) as server:
        sender = over(server.url)
        for _index in range(30):
            sender.send(MESSAGE)
        server.drop_connections()
        assert len(list(pathlib.Path("/proc/self/fd").iterdir())) - before < 20


def test_second_handles_are_closed_with_the_session() -> None:
    guard = bounded_http.Guard(host="edge1")
    left, right = socket.socketpair()
    with left, right:
        guard.watch(left)
        (handle,) = guard.handles
        guard.forget()
        assert handle.fileno() == -1
        assert guard.handles == []
        assert left.fileno() != -1


def test_default_deadline_follows_the_read_timeout() -> None:
    for read_timeout, deadline in ((30, 60.0), (70, 140.0)):
        session = transports.session_for("http://edge1:5985/wsman", read_timeout=read_timeout)
        assert transports.present.transport(session, host="edge1")._deadline == deadline


def test_a_timeout_of_its_own_leaves_the_sessions() -> None:
    def silent(_connection: socket.socket, _request: servers.Request) -> bool:
        time.sleep(2)
        return False

    with servers.Server(lambda: silent) as server:
        session = transports.session_for(server.url, read_timeout=30)
        hasty = transports.present.transport(session, host="edge1", read_timeout=0.5)
        began = time.monotonic()
        with pytest.raises(errors.ConnectionDropped, match="in time"):
            hasty.send(MESSAGE)
        hasty.release()
    assert time.monotonic() - began < 5
    theirs = vars(session.transport)
    assert theirs.get("read_timeout_sec", theirs.get("read_timeout")) == 30
    assert not {"setup_encryption", "_send_request", "_build_session"} & {
        name for name, step in theirs.items() if getattr(step, "__self__", None) is hasty
    }
