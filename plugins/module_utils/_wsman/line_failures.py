# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure of the HTTP layer means, and what to do about it: the same for every transport."""

from __future__ import annotations

import http.client
import socket
import ssl
import string
import struct
import sys
import types
import typing as t

try:
    import requests.exceptions
    import urllib3.exceptions
except ImportError as _error:
    IMPORT_ERROR: ImportError | None = _error
else:
    IMPORT_ERROR = None

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors


class Variables(t.NamedTuple):
    """How a connection plugin calls its settings; advice names them as $encryption, $proxy and so on."""

    scheme: str
    ntlm: str
    encryption: str
    proxy: str
    authority: str
    unchecked: str
    service_host: str
    tls_1_0: str

    def named(self, advice: str) -> str:
        """This advice with the plugin's own names."""
        return string.Template(advice).safe_substitute(self._asdict())


WINRM: t.Final = Variables(
    scheme="ansible_winrm_scheme",
    ntlm="ansible_winrm_transport: ntlm",
    encryption="ansible_winrm_message_encryption",
    proxy="ansible_winrm_proxy",
    authority="ansible_winrm_ca_trust_path",
    unchecked="ansible_winrm_server_cert_validation: ignore",
    service_host="ansible_winrm_kerberos_hostname_override",
    tls_1_0="ansible_winrm_credssp_disable_tlsv1_2: true",
)
PSRP: t.Final = Variables(
    scheme="ansible_psrp_protocol",
    ntlm="ansible_psrp_auth: ntlm",
    encryption="ansible_psrp_message_encryption",
    proxy="ansible_psrp_proxy",
    authority="ansible_psrp_ca_cert",
    unchecked="ansible_psrp_cert_validation: ignore",
    service_host="ansible_psrp_negotiate_hostname_override",
    tls_1_0="ansible_psrp_credssp_disable_tlsv1_2: true",
)


class Verdict(t.NamedTuple):
    """The meaning of a failure of the HTTP layer; the advice names settings as in Variables."""

    error: type[errors.WsmanError]
    meaning: str
    advice: str = ""


BY_STATUS: t.Final[t.Mapping[int, Verdict]] = types.MappingProxyType(
    {
        400: Verdict(
            errors.ProtocolViolation,
            "the server rejects the message as malformed",
            "if a proxy stands between, it must keep connections open; else check $encryption",
        ),
        403: Verdict(errors.AuthenticationFailed, "the server forbids this access", "check the rights on the listener"),
        404: Verdict(errors.HostUnreachable, "no WinRM service is behind this port and path", soap.NO_WINRM),
        405: Verdict(errors.HostUnreachable, "no WinRM service is behind this port and path", soap.NO_WINRM),
        407: Verdict(errors.HostUnreachable, "a proxy asks for credentials", "set $proxy, or no proxy"),
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
NTLM_ADVICE: t.Final = "check user and password, and that the account is neither locked nor denied network logon"
_KERBEROS_ADVICE: t.Final = "check user, realm, clock and the HTTP or HOST service principal of the server"
LATER_ADVICE: t.Final = (
    "look whether the account was locked or its password changed meanwhile, whether the Kerberos ticket has run out, "
    "and whether a load balancer sends the messages of one task to several servers; then run this again"
)
AUTHENTICATION_ADVICE: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "basic": _BASIC_ADVICE,
        "plaintext": _BASIC_ADVICE,
        "ssl": _BASIC_ADVICE,
        "ntlm": NTLM_ADVICE,
        "negotiate": NTLM_ADVICE,
        "credssp": NTLM_ADVICE + "; CredSSP must be enabled on the server (not before 2008)",
        "kerberos": _KERBEROS_ADVICE,
        "certificate": "check that the certificate is mapped to a local account on the server",
    }
)
"""Advice after a 401, by the name that pywinrm or pypsrp has for the authentication."""

_TLS: t.Final = Verdict(
    errors.HostUnreachable,
    "TLS failed",
    "Windows Server 2003 to 2008 offer at most TLS 1.0, which current OpenSSL refuses: use http with NTLM there, it "
    "encrypts; on later releases look at the certificate and the protocols of the HTTPS listener",
)
_TLS_ADVICE: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "CERTIFICATE_VERIFY_FAILED": "name the authority that signed the certificate ($authority) and "
        "the host as the certificate names it (ansible_host), or set $unchecked",
        "WRONG_VERSION_NUMBER": "this port does not speak TLS: set $scheme: http (with NTLM or Kerberos "
        "it is encrypted all the same), or the port of the HTTPS listener (5986)",
    }
)
"""Advice by OpenSSL's reason, if it says more than that both sides did not agree."""
UNENCRYPTED_ADVICE: t.Final = (
    "Basic over http needs AllowUnencrypted on the server; without it, use NTLM ($ntlm), which encrypts"
)
SILENT_ADVICE: t.Final = "the server answered before: it may be busy or hang; look at it, and run this again"
_PROXY: t.Final = Verdict(errors.HostUnreachable, "the proxy does not answer", "set $proxy, or no proxy")
_NO_FILE: t.Final = "Could not find"
"""So requests begins what it says of a missing certificate, before it sends anything."""
_NO_FILE_ADVICE: t.Final = "look at the path of the authority ($authority), or of the client's certificate and key"
_NO_SOCKS: t.Final = Verdict(
    errors.HostUnreachable,
    "the proxy can't be used",
    "a SOCKS proxy ($proxy) needs the Python package PySocks in the environment that runs ansible",
)
_PORT_ADVICE: t.Final = "check host, port (5985 or 5986; 80 or 443 before KB968930), firewall and the WinRM service"
_NO_CONNECTION: t.Final = Verdict(errors.NoConnection, "no connection", _PORT_ADVICE)
NO_ANSWER: t.Final = Verdict(errors.ConnectionDropped, "no answer in time", _PORT_ADVICE)
_NOT_HTTP: t.Final = Verdict(errors.HostUnreachable, "what answers on this port is not HTTP", soap.NO_WINRM)
_DROPPED: t.Final = Verdict(
    errors.ConnectionDropped,
    "the connection was lost before the answer was complete",
    soap.RUN_AGAIN,
)
DROPPED_AT_ONCE: t.Final = _DROPPED._replace(
    meaning="the connection was closed without an answer to the first message",
    advice="this port may speak HTTPS: check $scheme and ansible_port; else run again",
)
NO_SOAP: t.Final = Verdict(errors.ProtocolViolation, "the server answers without a SOAP message", soap.NO_WINRM)
_SEALING: t.Final = Verdict(
    errors.ProtocolViolation,
    "the answer cannot be read or unsealed",
    "run again: the state is re-read first; if it stays so, look for a proxy in between",
)
NO_SEALING: t.Final = Verdict(
    errors.HostUnreachable,
    "the connection is closed after every answer, so encrypted messages cannot be exchanged",
    "a proxy or load balancer between must keep connections open",
)
# Exceptions of pywinrm, pypsrp and the authentication libraries for an unexpected answer or handshake.
_SURPRISES: t.Final = (LookupError, ValueError, AttributeError, OverflowError, OSError, struct.error)


def foreign_errors() -> tuple[type[BaseException], ...]:
    """Everything that the libraries below are known to raise; nothing broader, so that our own mistakes show."""
    found: list[type[BaseException]] = [*_SURPRISES, http.client.HTTPException]
    found += [requests.exceptions.RequestException, urllib3.exceptions.HTTPError]
    return (*found, *_loaded(_LIBRARY_ERRORS), *_loaded(_AUTHENTICATION_ERRORS))


_LIBRARY_ERRORS: t.Final = (("winrm.exceptions", "WinRMError"), ("pypsrp.exceptions", "WinRMError"))
_AUTHENTICATION_ERRORS: t.Final = (
    ("winrm.exceptions", "AuthenticationError"),
    ("pypsrp.exceptions", "AuthenticationError"),
    ("spnego.exceptions", "SpnegoError"),
    ("requests_credssp.exceptions", "AuthenticationException"),
    ("requests_credssp.exceptions", "NTStatusException"),
    ("krb5", "Krb5Error"),
)


def _loaded(table: t.Iterable[tuple[str, str]]) -> tuple[type[BaseException], ...]:
    """The exceptions of a table whose modules are loaded (one that is not cannot have raised anything)."""
    loaded = [(sys.modules.get(module), name) for module, name in table]
    return tuple(getattr(module, name) for module, name in loaded if module is not None)


def is_authentication(error: BaseException) -> bool:
    """True if the authentication failed, on either side."""
    # requests_ntlm raises PermissionError when the server offers no challenge; pywinrm's Kerberos has its own names.
    named = type(error).__name__ in ("KerberosExchangeError", "MutualAuthenticationError")
    return named or isinstance(error, (PermissionError, *_loaded(_AUTHENTICATION_ERRORS)))


def gave_up(error: BaseException) -> bool:
    """True if the library on this side ended the authentication: no ticket, no credentials, a wrong token."""
    spnego = getattr(sys.modules.get("spnego.exceptions"), "SpnegoError", None)
    named = type(error).__name__ in ("KerberosExchangeError", "MutualAuthenticationError", "Krb5Error")
    return named or (spnego is not None and isinstance(error, spnego))


def status_inside(error: BaseException) -> int | None:
    """The HTTP status, if pywinrm failed over the body of an error (not UTF-8, or sealed with other keys)."""
    found = (one.response for one in _inside(error) if isinstance(one, requests.exceptions.HTTPError))
    return next((int(response.status_code) for response in found if response is not None), None)


def network_verdict(error: BaseException) -> Verdict:
    """Sort a failure by the exceptions inside it, which say more than the one around them."""
    inside = list(_inside(error))
    missing = next((str(one) for one in inside if isinstance(one, OSError) and str(one).startswith(_NO_FILE)), "")
    if missing:
        return _TLS._replace(meaning=missing, advice=_NO_FILE_ADVICE)
    for kinds, verdict in _network_table():
        match = next((one for one in inside if isinstance(one, kinds)), None)
        if match is not None:
            advice = _tls_advice(inside) if verdict is _TLS else verdict.advice
            kind = errors.HostUnreachable if _is_unknown_name(inside) else verdict.error
            return Verdict(kind, _with_detail(verdict.meaning, match), advice)
    return _SEALING


def is_reset(error: BaseException) -> bool:
    """True if the other side reset the connection."""
    return any(isinstance(one, ConnectionResetError) for one in _inside(error))


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
        ((known.Timeout, pool.ReadTimeoutError), NO_ANSWER),
        ((http.client.RemoteDisconnected, http.client.IncompleteRead), _DROPPED),
        ((http.client.HTTPException,), _NOT_HTTP),
        ((known.ConnectionError, known.ChunkedEncodingError, pool.ProtocolError, ConnectionError), _DROPPED),
        ((known.InvalidSchema,), _NO_SOCKS),  # requests' word for a proxy that it has no package for
        ((known.InvalidURL, known.MissingSchema), _NO_CONNECTION),
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
