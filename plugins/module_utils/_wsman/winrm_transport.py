# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport over pywinrm: its authentication, encryption and TLS, our limits and our errors.

Of pywinrm only the ``transport`` of a ``Protocol`` is used; faults come back as bytes, so one parser reads them all.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import line_failures
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.http_transport import HttpTransport

try:
    import requests
    import winrm.exceptions
except ImportError as _error:
    IMPORT_ERROR: ImportError | None = line_failures.IMPORT_ERROR or _error
else:
    IMPORT_ERROR = None
    # With its first request, requests finds out about types what it knows from then on. This one is sent nowhere; it is
    # made before Ansible forks, since else each worker would find out anew.
    requests.Session().prepare_request(requests.Request("POST", "http://host/wsman", data=b"<>", auth=("", "")))


class _Preparation:
    """``prepare_request`` of a session whose messages go to one address, and differ only in their bodies with Basic.

    To prepare URL, headers and cookies takes as long as to send a message.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._prepare = session.prepare_request
        self._prepared: dict[str, requests.PreparedRequest] = {}

    def __call__(self, request: requests.Request) -> requests.PreparedRequest:
        """The request as requests would prepare it."""
        if not isinstance(self._session.auth, requests.auth.HTTPBasicAuth) or self._session.cookies:
            return self._prepare(request)
        url = str(request.url)
        if url not in self._prepared:
            self._prepared = {url: self._prepare(request)}
        prepared = self._prepared[url].copy()
        prepared.prepare_body(request.data, None)
        return prepared


class WinrmTransport(HttpTransport):
    """A Transport over a pywinrm ``Protocol``, whose settings it uses as they are.

    :param protocol: a ``winrm.protocol.Protocol`` (0.4.3 or later); kept alive, and used by no other code meanwhile.
    :param read_timeout: seconds for a connection and for each read, in place of the session's own.
    """

    variables = line_failures.WINRM

    def __init__(self, protocol: t.Any, *, host: str, read_timeout: float | None = None, **limits: t.Any) -> None:
        library = protocol.transport
        super().__init__(library, host=host, session_timeout=float(library.read_timeout_sec or 0), **limits)
        self._read_timeout = read_timeout
        self._setup_encryption = library.setup_encryption
        self._harden_handshake()

    @property
    def _method(self) -> str:
        return str(self._transport.auth_method)

    def release(self) -> None:
        """Take our step out of pywinrm's handshake."""
        self._transport.setup_encryption = self._setup_encryption

    def _drop_session(self) -> None:
        self._transport.close_session()
        # close_session() leaves the old keys in place, and they would be tried on the new session's first error.
        self._transport.encryption = None

    def _exchange(self, envelope: bytes) -> tuple[int, bytes]:
        with self._own_timeout():
            if self._transport.session is None:
                self._transport.build_session()
                session: t.Any = self._transport.session
                # It has taken what it needs from the environment, and would else look through it for each message.
                session.trust_env = False
                session.prepare_request = _Preparation(session)
                self._mount(session)
            try:
                return 200, t.cast(bytes, self._transport.send_message(envelope))
            except winrm.exceptions.WinRMTransportError as error:
                text: t.Any = error.response_text  # bytes from pywinrm 0.4
                return error.code, text if isinstance(text, bytes) else text.encode("utf-8")

    @contextlib.contextmanager
    def _own_timeout(self) -> t.Iterator[None]:
        theirs = self._transport.read_timeout_sec
        if self._read_timeout is not None:
            self._transport.read_timeout_sec = self._read_timeout
        try:
            yield
        finally:
            self._transport.read_timeout_sec = theirs

    def _harden_handshake(self) -> None:
        """Mount the adapter before pywinrm's first message, which it sends while it still builds its session."""

        def setup_encryption(*arguments: t.Any) -> None:
            self._mount(self._transport.session)
            self._setup_encryption(*arguments)  # pywinrm 0.4 gives no argument, 0.5 the session

        self._transport.setup_encryption = setup_encryption

    def _was_rejected(self, error: BaseException) -> bool:
        """True if a sealed message got a 401, after which requests_ntlm tries a new handshake and fails."""
        return (
            isinstance(error, AttributeError) and self._guard.status == 401 and self._transport.encryption is not None
        )
