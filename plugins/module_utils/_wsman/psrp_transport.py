# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport over pypsrp: its authentication, encryption and TLS, our limits and our errors.

Of pypsrp only the ``transport`` of a ``WSMan`` is used, and of that two steps are ours: the adapter under its session,
and what becomes of an answer. pypsrp's own would try again by itself, write tracebacks to the terminal, guess the
character set of an answer, and build a pattern out of a header of it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import bounded_http, line_failures
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.http_transport import HttpTransport

try:
    import pypsrp.wsman
    import requests
except ImportError as _error:
    IMPORT_ERROR: ImportError | None = line_failures.IMPORT_ERROR or _error
else:
    IMPORT_ERROR = None

_BOUNDARY: t.Final = "Encrypted Boundary"  # MS-WSMV 2.2.9.1: always this one


def new_session(settings: t.Mapping[str, t.Any]) -> pypsrp.wsman.WSMan:
    """A pypsrp ``WSMan`` with these settings; nothing is sent.

    :raises ValueError: they do not fit together.
    :raises ImportError: the package of this authentication is missing.
    """
    session = pypsrp.wsman.WSMan(**settings)
    session.transport._build_session()  # noqa: SLF001 - here it checks the settings; the first message makes another
    return session


class _Unaccepted(Exception):
    """An answer with an HTTP error status, on its way through pypsrp."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class _Failed(Exception):
    """A failure of the line, on its way through pypsrp, which would act on it."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause


class PsrpTransport(HttpTransport):
    """A Transport over a pypsrp ``WSMan``, whose settings it uses as they are.

    :param wsman: a ``pypsrp.wsman.WSMan`` (0.5.0 or later); kept alive, and used by no other code meanwhile.
    :param read_timeout: seconds for a connection and for each read, in place of the session's own.
    """

    variables = line_failures.PSRP

    def __init__(self, wsman: t.Any, *, host: str, read_timeout: float | None = None, **limits: t.Any) -> None:
        library = wsman.transport
        theirs = (library.connection_timeout, library.read_timeout)
        self._timeouts = theirs if read_timeout is None else (read_timeout, read_timeout)
        super().__init__(library, host=host, session_timeout=float(library.read_timeout or 0), **limits)

    @property
    def _method(self) -> str:
        return str(self._transport.auth)

    def release(self) -> None:
        """Take our steps out of pypsrp's transport."""
        for step in ("_build_session", "_send_request"):
            vars(self._transport).pop(step, None)

    def _drop_session(self) -> None:
        self._transport.close()
        self._transport.session = self._transport.encryption = None

    def _exchange(self, envelope: bytes) -> tuple[int, bytes]:
        library = self._transport
        library._build_session, library._send_request = self._bounded_session, self._posted  # noqa: SLF001 - see above
        try:
            return 200, t.cast(bytes, library.send(envelope))
        except _Unaccepted as answer:
            return answer.status, answer.body
        except _Failed as failed:
            raise failed.cause from None

    def _bounded_session(self) -> t.Any:
        session = type(self._transport)._build_session(self._transport)  # noqa: SLF001 - the one that ours replaces
        # It has taken what it needs from the environment, and would else look for a password in ~/.netrc, too.
        session.trust_env = False
        self._mount(session)
        return session

    def _posted(self, request: requests.PreparedRequest, *_arguments: t.Any, **_options: t.Any) -> bytes:
        """The body of the answer to a request of pypsrp's, the ones inside a handshake included."""
        if bounded_http.is_sealed(request.headers):
            # After a 401 the hook would begin another handshake, and send what the old keys have sealed.
            request.hooks = requests.hooks.default_hooks()
        try:
            response = self._transport.session.send(request, timeout=self._timeouts)
        except requests.exceptions.Timeout as error:
            raise _Failed(error) from None
        body = t.cast(bytes, response.content)
        if bounded_http.is_sealed(response.headers):
            body = self._transport.encryption.unwrap_message(body, _BOUNDARY)
        if not response.ok:
            raise _Unaccepted(response.status_code, body)
        return body

    def _was_rejected(self, error: BaseException) -> bool:
        """True if the server offers only a scheme that the settings exclude."""
        return isinstance(error, ValueError) and "auth_provider" in str(error)
