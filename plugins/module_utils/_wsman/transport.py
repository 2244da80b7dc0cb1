# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport over pywinrm: its authentication, encryption and TLS, our limits and our errors.

Of pywinrm only the ``transport`` of a ``Protocol`` is used; faults come back as bytes, so one parser reads them all.
"""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import socket
import ssl
import struct
import sys
import time
import types
import typing as t

try:
    import requests.exceptions
    import urllib3.exceptions
    import winrm.exceptions
except ImportError as _error:
    IMPORT_ERROR: ImportError | None = _error
else:
    IMPORT_ERROR = None

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import bounded_http, errors
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import Deadline

LEAST_TIME: t.Final = 1.0
"""Seconds for one message, however little of the task's time is left."""
IDLE_LIMIT: t.Final = 90.0
"""Seconds of silence after which a connection is not trusted any more; http.sys closes it after 120."""
MIN_DEADLINE: t.Final = 60.0
"""Seconds for one message with its authentication: enough for 500 KB over a slow line."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The meaning of a failure of the HTTP layer."""

    error: type[errors.WsmanError]
    meaning: str
    advice: str = ""


BY_STATUS: t.Final[t.Mapping[int, Verdict]] = types.MappingProxyType(
    {
        400: Verdict(
            errors.ProtocolViolation,
            "the server rejects the message as malformed",
            "if a proxy stands between, it must keep connections open; else check ansible_winrm_message_encryption",
        ),
        403: Verdict(errors.AuthenticationFailed, "the server forbids this access", "check the rights on the listener"),
        404: Verdict(errors.HostUnreachable, "no WinRM service is behind this port and path", soap.NO_WINRM),
        405: Verdict(errors.HostUnreachable, "no WinRM service is behind this port and path", soap.NO_WINRM),
        407: Verdict(errors.HostUnreachable, "a proxy asks for credentials", "set ansible_winrm_proxy, or no proxy"),
        411: Verdict(
            errors.ProtocolViolation, "the server wants a length that was sent", "look for a proxy in between"
        ),
        500: Verdict(
            errors.ProtocolViolation,
            "the server answers without a SOAP message",
            "look at the WinRM service and its event log (Windows Remote Management) on the server",
        ),
        413: Verdict(
            errors.ProtocolViolation,
            "the message is larger than this server accepts",
            "raise MaxEnvelopeSizekb on the server (winrm set winrm/config @{MaxEnvelopeSizekb=500})",
        ),
        501: Verdict(errors.HostUnreachable, "no WinRM service is behind this port and path", soap.NO_WINRM),
        502: Verdict(errors.ConnectionDropped, "a proxy cannot reach the server", "check the proxy settings"),
        503: Verdict(errors.NotTaken, "the WinRM service is not available", "start or restart it on the server"),
        504: Verdict(errors.ConnectionDropped, "a proxy got no answer from the server in time", soap.RUN_AGAIN),
    }
)
"""HTTP statuses without a SOAP answer."""

_BASIC_ADVICE: t.Final = (
    "check user and password; Basic takes local accounts only and must be allowed on the server (Auth/Basic, and "
    "AllowUnencrypted over http), NTLM needs neither"
)
_NTLM_ADVICE: t.Final = "check user and password, and that the account is neither locked nor denied network logon"
_KERBEROS_ADVICE: t.Final = "check user, realm, clock and the HTTP or HOST service principal of the server"
_LATER_ADVICE: t.Final = (
    "look whether the account was locked or its password changed meanwhile, whether the Kerberos ticket has run out, "
    "and whether a load balancer sends the messages of one task to several servers; then run this again"
)
AUTHENTICATION_ADVICE: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "basic": _BASIC_ADVICE,
        "plaintext": _BASIC_ADVICE,
        "ssl": _BASIC_ADVICE,
        "ntlm": _NTLM_ADVICE,
        "credssp": _NTLM_ADVICE + "; CredSSP must be enabled on the server (not before 2008)",
        "kerberos": _KERBEROS_ADVICE,
        "certificate": "check that the certificate is mapped to a local account on the server",
    }
)
"""Advice after a 401, by pywinrm's name of the transport."""

_TLS: t.Final = Verdict(
    errors.HostUnreachable,
    "TLS failed",
    "Windows Server 2003 to 2008 offer at most TLS 1.0, which current OpenSSL refuses: use http with NTLM there, it "
    "encrypts; on later releases look at the certificate and the protocols of the HTTPS listener",
)
_TLS_ADVICE: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "CERTIFICATE_VERIFY_FAILED": "name the authority that signed the certificate (ansible_winrm_ca_trust_path) and "
        "the host as the certificate names it (ansible_host), or set ansible_winrm_server_cert_validation: ignore",
        "WRONG_VERSION_NUMBER": "this port does not speak TLS: set ansible_winrm_scheme: http (with NTLM or Kerberos "
        "it is encrypted all the same), or the port of the HTTPS listener (5986)",
    }
)
"""Advice by OpenSSL's reason, if it says more than that both sides did not agree."""
_UNENCRYPTED_ADVICE: t.Final = (
    "Basic over http needs AllowUnencrypted on the server; without it, use NTLM (ansible_winrm_transport: ntlm), which "
    "encrypts"
)
_SILENT_ADVICE: t.Final = "the server answered before: it may be busy or hang; look at it, and run this again"
_PROXY: t.Final = Verdict(errors.HostUnreachable, "the proxy does not answer", "set ansible_winrm_proxy, or no proxy")
_PORT_ADVICE: t.Final = "check host, port (5985 or 5986; 80 or 443 before KB968930), firewall and the WinRM service"
_NO_CONNECTION: t.Final = Verdict(errors.NoConnection, "no connection", _PORT_ADVICE)
_NO_ANSWER: t.Final = Verdict(errors.ConnectionDropped, "no answer in time", _PORT_ADVICE)
_NOT_HTTP: t.Final = Verdict(errors.HostUnreachable, "what answers on this port is not HTTP", soap.NO_WINRM)
_DROPPED: t.Final = Verdict(
    errors.ConnectionDropped,
    "the connection was lost before the answer was complete",
    soap.RUN_AGAIN,
)
_DROPPED_AT_ONCE: t.Final = dataclasses.replace(
    _DROPPED,
    meaning="the connection was closed without an answer to the first message",
    advice="this port may speak HTTPS: check ansible_winrm_scheme and ansible_port; else run again",
)
_NO_SOAP: t.Final = Verdict(errors.ProtocolViolation, "the server answers without a SOAP message", soap.NO_WINRM)
_SEALING: t.Final = Verdict(
    errors.ProtocolViolation,
    "the answer cannot be read or unsealed",
    "run again: the state is re-read first; if it stays so, look for a proxy in between",
)
# Exceptions of pywinrm and the authentication libraries for an unexpected answer or handshake.
_SURPRISES: t.Final = (LookupError, ValueError, AttributeError, OSError, struct.error)


class WinrmTransport:
    """A Transport over a pywinrm ``Protocol``, whose settings it uses as they are.

    :param protocol: a ``winrm.protocol.Protocol`` (0.4.3 or later); kept alive, and used by no other code meanwhile.
    :param host: the host's name for messages.
    :param deadline: seconds for one message with all its authentication; default twice the read timeout, at least 60.
    :param task: the deadline of the whole task; no message outlasts it.
    :param clock: monotonic seconds.
    """

    def __init__(
        self,
        protocol: t.Any,
        *,
        host: str,
        deadline: float | None = None,
        task: Deadline | None = None,
        max_body: int = bounded_http.MAX_BODY,
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self._transport = protocol.transport
        self._deadline = deadline or max(MIN_DEADLINE, 2.0 * float(self._transport.read_timeout_sec or 0))
        self._task = task or Deadline(float("inf"), clock)
        self._guard = bounded_http.Guard(host=host, max_body=max_body)
        self._clock = clock
        self._last_use: float | None = None
        self._allowed = self._deadline
        self._answered = False
        self._harden_handshake()

    def reset(self) -> None:
        """Drop the connection, the authentication and the sealing keys."""
        self._transport.close_session()
        # close_session() leaves the old keys in place, and they would be tried on the new session's first error.
        self._transport.encryption = None
        self._guard.forget()
        self._last_use = None

    def send(self, envelope: bytes) -> bytes:
        """Send one message; faults are answers, everything else that is no answer is raised as a WsmanError."""
        if self._last_use is not None and self._clock() - self._last_use > IDLE_LIMIT:
            self.reset()
        for attempt in itertools.count(1):
            try:
                answer = self._send(envelope)
            except bounded_http.StaleKeys as error:
                # Nothing of the message was sent, so this is safe for every message; but it helps only once.
                self.reset()
                if attempt > 1:
                    raise self._error(_NO_SEALING) from error
            else:
                self._last_use = self._clock()
                self._answered = True
                return answer
        raise AssertionError("the count has no end")

    def _send(self, envelope: bytes) -> bytes:
        try:
            self._allowed = self._seconds_left
            with self._guard.deadline(self._allowed):
                if self._transport.session is None:
                    self._transport.build_session()
                self._mount(self._transport.session)
                answer = t.cast(bytes, self._transport.send_message(envelope))
            self._check_in_time()
            return answer
        except winrm.exceptions.WinRMTransportError as error:
            return self._answer_of(error)
        except errors.WsmanError:
            self.reset()
            raise
        except _foreign_errors() as error:
            failure = self._failure(error)
            self.reset()
            raise failure from error

    @property
    def _seconds_left(self) -> float:
        """For the next message; never so few that it can't even be refused."""
        return min(self._deadline, max(self._task.left, LEAST_TIME))

    def _harden_handshake(self) -> None:
        """Mount the adapter before pywinrm's first message, which it sends while it still builds its session."""
        transport = self._transport
        if transport.session is not None:
            self._mount(transport.session)
        original = transport.setup_encryption

        def setup_encryption(*arguments: t.Any) -> None:
            self._mount(transport.session)
            original(*arguments)  # pywinrm 0.4 gives no argument, 0.5 the session

        transport.setup_encryption = setup_encryption

    def _mount(self, session: t.Any) -> None:
        adapter = session.get_adapter(self._transport.endpoint)
        if isinstance(adapter, bounded_http.BoundedAdapter):
            self._guard = adapter.guard
            return
        session.max_redirects = 0
        for prefix in ("http://", "https://"):
            session.mount(prefix, bounded_http.BoundedAdapter(self._guard))

    def _check_in_time(self) -> None:
        # The end of a connection that was shut down can look like the end of an answer without length.
        if self._guard.expired:
            self.reset()
            raise self._error(self._too_late())

    def _too_late(self) -> Verdict:
        return dataclasses.replace(_NO_ANSWER, meaning=f"no complete answer within {self._allowed:.0f} seconds")

    def _answer_of(self, error: t.Any) -> bytes:
        """The SOAP fault that came with an HTTP error status, or the status' own meaning."""
        self._check_in_time()
        text = error.response_text  # bytes from pywinrm 0.4
        answer: bytes = text if isinstance(text, bytes) else text.encode("utf-8")
        if b"Fault" in answer and b"Envelope" in answer:
            return answer
        self.reset()
        raise self._error(self._verdict_on(error.code), code=error.code) from error

    def _verdict_on(self, status: int) -> Verdict:
        method, endpoint = str(self._transport.auth_method), str(self._transport.endpoint)
        if status == 500 and method in ("basic", "plaintext") and endpoint.startswith("http://") and not self._answered:
            return dataclasses.replace(BY_STATUS[500], advice=_UNENCRYPTED_ADVICE)
        return BY_STATUS.get(status, _NO_SOAP)

    def _failure(self, error: BaseException) -> errors.WsmanError:
        if self._guard.expired:
            return self._error(self._too_late())
        if _is_authentication(error) or self._is_rejected_later(error):
            return self._not_authenticated(error)
        status = _status_inside(error)
        if status is not None:
            return self._error(self._verdict_on(status), code=status)
        return self._error(self._line_verdict(error))

    def _line_verdict(self, error: BaseException) -> Verdict:
        verdict = _network_verdict(error)
        if verdict.meaning == _NO_ANSWER.meaning and self._answered:
            return dataclasses.replace(verdict, advice=_SILENT_ADVICE)
        if verdict.error is errors.ConnectionDropped and self._was_refused_a_word(error):
            return _DROPPED_AT_ONCE
        return verdict

    def _is_rejected_later(self, error: BaseException) -> bool:
        """True if a sealed message got a 401, after which requests_ntlm tries a new handshake and fails."""
        return (
            isinstance(error, AttributeError) and self._guard.status == 401 and self._transport.encryption is not None
        )

    def _not_authenticated(self, error: BaseException) -> errors.WsmanError:
        method = str(self._transport.auth_method)
        if _gave_up(error):
            # The library on this side gave up: the server has not judged anything.
            reason = " ".join(str(error).split())
            meaning = f"the authentication ({method}) can't be carried out" + (f" ({reason})" if reason else "")
            return self._error(Verdict(errors.AuthenticationFailed, meaning, AUTHENTICATION_ADVICE.get(method, "")))
        if self._answered:
            meaning = f"the server no longer accepts the credentials ({method}) that it accepted before"
            return self._error(Verdict(errors.AuthenticationFailed, meaning, _LATER_ADVICE), code=401)
        advice = AUTHENTICATION_ADVICE.get(method, _NTLM_ADVICE)
        rejected = Verdict(errors.AuthenticationFailed, f"the server rejects the credentials ({method})", advice)
        return self._error(rejected, code=401)

    def _was_refused_a_word(self, error: BaseException) -> bool:
        """True if a first message over plain HTTP found the connection closed, as on a port that wants TLS."""
        closed = any(isinstance(one, ConnectionResetError) for one in _inside(error))
        return closed and not self._answered and str(self._transport.endpoint).startswith("http://")

    def _error(self, verdict: Verdict, *, code: int | None = None) -> errors.WsmanError:
        return verdict.error(host=self.host, meaning=verdict.meaning, advice=verdict.advice, code=code)


_NO_SEALING: t.Final = Verdict(
    errors.HostUnreachable,
    "the connection is closed after every answer, so encrypted messages cannot be exchanged",
    "a proxy or load balancer between must keep connections open",
)


def _foreign_errors() -> tuple[type[BaseException], ...]:
    """Everything that the libraries below are known to raise; nothing broader, so that our own mistakes show."""
    found: list[type[BaseException]] = [*_SURPRISES, http.client.HTTPException, winrm.exceptions.WinRMError]
    found += [requests.exceptions.RequestException, urllib3.exceptions.HTTPError]
    return (*found, *_authentication_errors())


_AUTHENTICATION_ERRORS: t.Final = (
    ("winrm.exceptions", "AuthenticationError"),
    ("spnego.exceptions", "SpnegoError"),
    ("requests_credssp.exceptions", "AuthenticationException"),
)


def _authentication_errors() -> tuple[type[BaseException], ...]:
    """Base exceptions of the authentication libraries that are loaded (one that is not cannot have raised anything)."""
    loaded = [(sys.modules.get(module), name) for module, name in _AUTHENTICATION_ERRORS]
    return tuple(getattr(module, name) for module, name in loaded if module is not None)


def _is_authentication(error: BaseException) -> bool:
    # requests_ntlm raises PermissionError when the server offers no challenge; pywinrm's Kerberos has its own names.
    named = type(error).__name__ in ("KerberosExchangeError", "MutualAuthenticationError")
    return named or isinstance(error, (PermissionError, *_authentication_errors()))


def _gave_up(error: BaseException) -> bool:
    """True if the library on this side ended the authentication: no ticket, no credentials, a wrong token."""
    spnego = getattr(sys.modules.get("spnego.exceptions"), "SpnegoError", None)
    named = type(error).__name__ in ("KerberosExchangeError", "MutualAuthenticationError")
    return named or (spnego is not None and isinstance(error, spnego))


def _status_inside(error: BaseException) -> int | None:
    """The HTTP status, where pywinrm failed over the body of an error (not UTF-8, or sealed with other keys)."""
    found = (one.response for one in _inside(error) if isinstance(one, requests.exceptions.HTTPError))
    return next((int(response.status_code) for response in found if response is not None), None)


def _network_verdict(error: BaseException) -> Verdict:
    """Sort a failure by the exceptions inside it, which say more than the one around them."""
    inside = list(_inside(error))
    for kinds, verdict in _network_table():
        match = next((one for one in inside if isinstance(one, kinds)), None)
        if match is not None:
            advice = _tls_advice(inside) if verdict is _TLS else verdict.advice
            kind = errors.HostUnreachable if _is_unknown_name(inside) else verdict.error
            return Verdict(kind, _with_detail(verdict.meaning, match), advice)
    return _SEALING


def _is_unknown_name(inside: t.Iterable[BaseException]) -> bool:
    """True if the name of the host can't be resolved, which another try does not change."""
    failed = (one.errno for one in inside if isinstance(one, socket.gaierror))
    return any(number != socket.EAI_AGAIN for number in failed)


def _tls_advice(inside: t.Iterable[BaseException]) -> str:
    reasons = (str(one.reason) for one in inside if isinstance(one, ssl.SSLError))
    return next((_TLS_ADVICE[reason] for reason in reasons if reason in _TLS_ADVICE), _TLS.advice)


def _network_table() -> tuple[tuple[tuple[type[BaseException], ...], Verdict], ...]:
    known, pool = requests.exceptions, urllib3.exceptions
    return (
        ((known.ProxyError, pool.ProxyError), _PROXY),
        ((known.SSLError, pool.SSLError), _TLS),
        ((pool.NewConnectionError, known.ConnectTimeout, pool.ConnectTimeoutError), _NO_CONNECTION),
        ((known.Timeout, pool.ReadTimeoutError), _NO_ANSWER),
        ((http.client.RemoteDisconnected, http.client.IncompleteRead), _DROPPED),
        ((http.client.HTTPException,), _NOT_HTTP),
        ((known.ConnectionError, known.ChunkedEncodingError, pool.ProtocolError, ConnectionError), _DROPPED),
        ((known.InvalidURL, known.InvalidSchema, known.MissingSchema), _NO_CONNECTION),
    )


def _inside(error: BaseException | None) -> t.Iterator[BaseException]:
    """An exception, its causes, and what it carries as reason or arguments (requests and urllib3 nest in both ways)."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]


def _with_detail(meaning: str, error: BaseException) -> str:
    """The system's own words after ours; the innermost is the shortest ("Connection refused")."""
    words = [one.strerror for one in _inside(error) if isinstance(one, OSError) and one.strerror]
    return f"{meaning} ({' '.join(str(words[-1]).split())})" if words else meaning
