# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An adapter for a ``requests`` session that trusts no server: what is left open below is closed here.

- No redirect is followed: with one, a server could have the body and an NTLM handshake sent to another host.
- Answers are read as a stream and refused above a size.
- One request has one deadline, from the first connection to the last byte: a timeout per read does not stop a server
  that sends a byte a second.
- A message that was sealed with the keys of one TCP connection is never sent on another one.
- What is not sealed is no answer to a sealed message: anybody on the line could have written it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import typing as t

if t.TYPE_CHECKING:
    import requests
    from requests import Response as _Response
    from requests.adapters import HTTPAdapter as _Adapter
else:
    try:
        import requests
        from requests import Response as _Response
        from requests.adapters import HTTPAdapter as _Adapter
    except ImportError:  # the first use says that they are missing, see line_failures.IMPORT_ERROR
        _Response = _Adapter = object

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.alarm import Alarm
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    ConnectionDropped,
    HostUnreachable,
    Origin,
)

MAX_BODY: t.Final = soap.MAX_ANSWER + 64 * 1024
"""Octets of one HTTP body: the envelope, and the overhead of sealing."""
_SEALED: t.Final = ("multipart/encrypted", "multipart/x-multi-encrypted")  # MS-WSMV 2.2.9.1.1
# pywinrm goes by this parameter when it decides whether an answer is to be unsealed: the same as in the request.
_SEAL: t.Final = re.compile(r'protocol="application/HTTP-[A-Za-z]+-session-encrypted"')
# Messages go one after the other, so older connections are idle or closed; a handle too many would keep one open.
_MAX_HANDLES: t.Final = 4
_MAX_REFUSALS: t.Final = 20
"""Answers with status 401 to one message: CredSSP, the longest handshake, has about six."""


def is_sealed(headers: t.Mapping[str, str]) -> bool:
    """Whether the body that these headers announce is encrypted by the session."""
    return headers.get("Content-Type", "").startswith(_SEALED)


class StaleKeys(Exception):
    """A sealed message met a new TCP connection; nothing of it was sent."""


@dataclasses.dataclass
class Guard:
    """The limits of the connections of one session at the moment, shared by the adapter and its connections."""

    host: str
    max_body: int = MAX_BODY
    sealed: bool = False
    expired: bool = False
    status: int = 0
    """Of the last answer, also of one within an authentication."""
    refusals: int = 0
    """Answers with status 401 to the present message."""
    handles: list[socket.socket] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        """Have one alarm for all messages."""
        self._alarm = Alarm(self._expire)

    @contextlib.contextmanager
    def deadline(self, seconds: float) -> t.Iterator[None]:
        """Shut every connection down after ``seconds``, even within an answer, and note that in ``expired``."""
        self.expired = False
        self.refusals = 0
        with self._alarm.after(seconds):
            yield

    def _expire(self) -> None:
        self.expired = True
        for handle in list(self.handles):
            with contextlib.suppress(OSError):
                handle.shutdown(socket.SHUT_RDWR)

    def watch(self, connection: socket.socket) -> socket.socket:
        """Remember a connection by a second handle, which still reaches it when TLS has taken over the first one."""
        self.handles.append(connection.dup())
        while len(self.handles) > _MAX_HANDLES:
            self.handles.pop(0).close()
        if self.expired:
            self._expire()
        return connection

    def forget(self) -> None:
        """Close the second handles; without this a connection would stay open after the session has closed it."""
        self._alarm.stop()
        while self.handles:
            self.handles.pop().close()


class _GuardedPool:
    """The mark of such a subclass."""


def guarded_pool(pool: t.Any, guard: Guard) -> t.Any:
    """A subclass of a urllib3 connection pool class whose new TCP connections report to ``guard``."""

    class GuardedConnection(pool.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            if guard.sealed:
                raise StaleKeys
            return guard.watch(super()._new_conn())

    return type(f"Guarded{pool.__name__}", (_GuardedPool, pool), {"ConnectionCls": GuardedConnection})


class BoundedResponse(_Response):
    """A response whose body is read within limits, by whomever."""

    def __init__(self, response: _Response, guard: Guard) -> None:
        # All that a response has is there by now: to make it anew would make another jar of cookies.
        self.__dict__.update(response.__dict__)
        self._guard = guard

    def iter_content(self, chunk_size: int | None = 1, decode_unicode: bool = False) -> t.Iterator[t.Any]:
        """Yield the body; too much of it is a ProtocolViolation, too little a ConnectionError."""
        received = 0
        announced = _announced(self)
        _check_size(self, announced, self._guard)
        for chunk in super().iter_content(chunk_size, decode_unicode):
            received += len(chunk)
            _check_size(self, received, self._guard)
            yield chunk
        # urllib3 1.26 does not notice a body that ends early.
        if received < announced:
            raise requests.exceptions.ConnectionError(f"the answer ended after {received} of {announced} bytes")


def _announced(response: _Response) -> int:
    length = response.headers.get("Content-Length", "0")
    return int(length) if length.isascii() and length.isdigit() else 0


def _check_size(response: _Response, size: int, guard: Guard) -> None:
    if size > guard.max_body:
        response.close()
        raise soap.violation(Origin(guard.host), f"the answer is larger than {guard.max_body} bytes")


class BoundedAdapter(_Adapter):
    """An HTTPAdapter that keeps to its Guard."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self._pools: dict[t.Any, t.Any] = {}
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
        """Make the manager for direct connections."""
        super().init_poolmanager(*arguments, **options)
        self._guard_pools(self.poolmanager)

    def proxy_manager_for(self, *arguments: t.Any, **options: t.Any) -> t.Any:
        """Make the manager for connections through a proxy, SOCKS included; for each message it is the same one."""
        manager = super().proxy_manager_for(*arguments, **options)
        self._guard_pools(manager)
        return manager

    def get_connection_with_tls_context(
        self,
        request: requests.PreparedRequest,
        verify: t.Any,
        proxies: t.Mapping[str, str] | None = None,
        cert: t.Any = None,
    ) -> t.Any:
        """The pool of connections for this request; that of the last one if nothing differs, which it is looked up by.

        requests calls this from 2.32 on. The messages of a session go to one address with the same settings.
        """
        asked = (request.url, verify, cert, tuple((proxies or {}).items()))
        if asked not in self._pools:
            self._pools = {asked: super().get_connection_with_tls_context(request, verify, proxies, cert)}
        return self._pools[asked]

    def _guard_pools(self, manager: t.Any) -> None:
        if not any(issubclass(pool, _GuardedPool) for pool in manager.pool_classes_by_scheme.values()):
            manager.pool_classes_by_scheme = {
                scheme: guarded_pool(pool, self.guard) for scheme, pool in manager.pool_classes_by_scheme.items()
            }

    def send(self, request: requests.PreparedRequest, *arguments: t.Any, **options: t.Any) -> _Response:
        """Send one request; authentication handlers come here for each of theirs, too."""
        request.headers["Accept-Encoding"] = "identity"
        self.guard.sealed = is_sealed(request.headers)
        try:
            # Only streaming leaves the body to BoundedResponse; the session still reads it whole.
            response = super().send(request, *arguments, **options)
        finally:
            self.guard.sealed = False
        self.guard.status = response.status_code
        self._check_handshake(response)
        self._check_kind(response)
        self._check_seal(request, response)
        return response

    def build_response(self, req: requests.PreparedRequest, resp: t.Any) -> _Response:
        """Wrap every answer, the ones inside an authentication included."""
        return BoundedResponse(super().build_response(req, resp), self.guard)

    def close(self) -> None:
        """Close all connections, second handles included."""
        self._pools = {}
        super().close()
        self.guard.forget()

    def _check_handshake(self, response: _Response) -> None:
        self.guard.refusals += response.status_code == 401
        if self.guard.refusals > _MAX_REFUSALS:
            response.close()
            raise soap.violation(Origin(self.guard.host), "the authentication does not come to an end")

    def _check_kind(self, response: _Response) -> None:
        if 300 <= response.status_code < 400:
            response.close()
            raise soap.violation(
                Origin(self.guard.host),
                f"the server redirects the message elsewhere (HTTP {response.status_code}), which is never followed",
                soap.NO_WINRM,
            )
        if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            response.close()
            raise soap.violation(Origin(self.guard.host), "the answer is compressed, which was not asked for")
        if response.status_code == 200 and response.headers.get("Content-Type", "").lower().startswith("text/html"):
            response.close()
            raise HostUnreachable(host=self.guard.host, meaning="a web page answers, not WinRM", advice=soap.NO_WINRM)

    def _check_seal(self, request: requests.PreparedRequest, response: _Response) -> None:
        """Refuse an answer that is not sealed as its request is; of an HTTP error the status alone is believed."""
        seal = _SEAL.search(request.headers.get("Content-Type", ""))
        if seal is None or seal[0] in response.headers.get("Content-Type", ""):
            return
        response.close()
        if response.ok and response.headers.get("Content-Length", "").strip() == "0":
            # Nothing in it could mislead anybody.
            raise ConnectionDropped(host=self.guard.host, meaning="the answer is empty", advice=soap.RUN_AGAIN)
        if response.ok:
            raise soap.violation(
                Origin(self.guard.host),
                "the session is encrypted and this answer is not",
                "look for a proxy, or for somebody, between this controller and the server",
            )
        response._content = b""  # noqa: SLF001 - what requests has read of a body; here it must read none
