# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authentication as http.sys does it: Basic or a certificate with each request, all others once per connection.

NTLM, Kerberos, SPNEGO and CredSSP are pyspnego's. It looks accounts of NTLM up in the file that NTLM_USER_FILE names;
each server has a file of its own, so the variable is set around every call (nothing else in the process reads it).
The keys of Kerberos services are in the one file that KRB5_KTNAME names, for all servers of a process.
"""

from __future__ import annotations

import base64
import collections.abc as c
import contextlib
import dataclasses
import os
import pathlib
import struct
import typing as t

import spnego
import spnego.channel_bindings
import spnego.exceptions

from tests.simulator.windows.interface import User
from tests.simulator.wire import acceptors
from tests.simulator.wire.encryption import Seal

Scheme: t.TypeAlias = t.Literal["basic", "negotiate", "kerberos", "credssp", "certificate"]

_MUTUAL: t.Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""Authorization of a client that has shown its certificate (DSP0226, security profiles)."""
_CHALLENGES: t.Final[t.Mapping[Scheme, str]] = {
    "negotiate": "Negotiate",
    "kerberos": "Kerberos",
    "credssp": "CredSSP",
    "basic": 'Basic realm="WSMAN"',
}
_SEALS: t.Final[t.Mapping[str, Seal]] = {"kerberos": "Kerberos", "credssp": "CredSSP"}
"""Who seals, by the scheme in the Authorization header; SPNEGO for Negotiate and for NTLM."""

_ACCEPTOR_ERRORS: t.Final = (
    spnego.exceptions.SpnegoError,
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
    struct.error,
)
"""The exceptions of pyspnego for a malformed token (found by changing single bytes of good ones)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A 401: the WWW-Authenticate headers to send with it; ``failed`` if a password was wrong."""

    challenges: tuple[str, ...]


class Accounts:
    """The accounts of one server: look-up, passwords, lockout.

    ``lockout_threshold`` failed logons in a row lock an account until :meth:`unlock`; 0 switches it off. ``realm`` is
    that of the domain; a server without one knows no ``user@REALM``.
    """

    def __init__(
        self, users: c.Iterable[User], *, host: str, directory: pathlib.Path, lockout_threshold: int, realm: str = ""
    ) -> None:
        self._users = {user.name.lower(): user for user in users}
        self._host = host.lower()
        self._realm = realm
        self._threshold = lockout_threshold
        self._failures: dict[str, int] = {}
        self._file = directory / f"{host.lower()}.ntlm"
        self._write_credential_file()

    def _write_credential_file(self) -> None:
        lines = [line for user in self._users.values() for line in self._credential_lines(user)]
        self._file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._file.chmod(0o600)

    def _credential_lines(self, user: User) -> list[str]:
        domains = {"", ".", self._host.upper(), self._host.lower(), user.domain}
        principal = [f":{user.name}@{self._realm}:{user.password}"] if self._realm else []
        return [*(f"{domain}:{user.name}:{user.password}" for domain in sorted(domains)), *principal]

    def find(self, name: str) -> User | None:
        """Give the account for ``user``, ``.\\user``, ``HOST\\user``, ``DOMAIN\\user`` or ``user@REALM``; or None."""
        domain, _separator, account = name.rpartition("\\")
        user = self._users.get(_plain(name))
        realm = account.partition("@")[2]
        if realm:
            return user if realm.lower() == self._realm.lower() else None
        known = user is not None and domain.lower() in ("", ".", self._host, user.domain.lower())
        return user if known else None

    def is_locked(self, name: str) -> bool:
        """Tell whether failed logons have locked the account."""
        key = _plain(name)
        return bool(self._threshold) and self._failures.get(key, 0) >= self._threshold

    def note(self, name: str, *, success: bool) -> None:
        """Count a failed logon, or forget the failures after one that succeeded."""
        key = _plain(name)
        if success:
            self._failures.pop(key, None)
        elif key in self._users:
            self._failures[key] = self._failures.get(key, 0) + 1

    def locked(self) -> list[str]:
        """Name the locked accounts."""
        return sorted(name for name in self._failures if self.is_locked(name))

    def unlock(self) -> None:
        """Forget all failed logons."""
        self._failures.clear()

    @contextlib.contextmanager
    def credential_file(self) -> c.Iterator[None]:
        """Point pyspnego at this server's accounts."""
        before = os.environ.get("NTLM_USER_FILE")
        os.environ["NTLM_USER_FILE"] = str(self._file)
        try:
            yield
        finally:
            if before is None:
                del os.environ["NTLM_USER_FILE"]
            else:
                os.environ["NTLM_USER_FILE"] = before


@dataclasses.dataclass(slots=True)
class ConnectionAuthentication:
    """What one TCP connection has proven so far; ``token`` goes back with the answer that ends a handshake.

    ``bindings`` are those that Negotiate and Kerberos must give (CbtHardeningLevel Strict); None if they need not.
    """

    accounts: Accounts
    schemes: tuple[Scheme, ...]
    bindings: spnego.channel_bindings.GssChannelBindings | None = None
    user: User | None = None
    context: spnego.ContextProxy | None = None
    token: str | None = None
    seal: Seal = "SPNEGO"
    _inner: acceptors.InnerLogon | None = None
    """Of CredSSP."""

    def authenticate(self, header: str | None, certificate: str | None = None) -> User | Refusal:
        """Judge the Authorization header of a request; without one, the connection's earlier proof counts.

        ``certificate`` is the name in the one that the client has shown: the account that it is mapped to.
        """
        self.token = None
        if header == _MUTUAL and "certificate" in self.schemes:
            return self.accounts.find(certificate or "") or self._refuse()
        scheme, _separator, value = (header or "").partition(" ")
        if scheme.lower() == "basic" and "basic" in self.schemes:
            return self._basic(value) or self._refuse()
        if _wanted(scheme) in self.schemes and scheme.lower() != "basic":
            return self._negotiate(scheme, value)
        if not header and self.user is not None:
            return self.user
        return self._refuse()

    @property
    def seals(self) -> spnego.ContextProxy | None:
        """The security context with which this connection seals its messages, once it is authenticated."""
        return self.context if self.user is not None else None

    def _refuse(self) -> Refusal:
        return Refusal(tuple(text for scheme, text in _CHALLENGES.items() if scheme in self.schemes))

    def _basic(self, value: str) -> User | None:
        try:
            name, _separator, password = base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
        except ValueError:
            return None
        user = self.accounts.find(name)
        if self.accounts.is_locked(name):
            return None
        success = user is not None and user.password == password
        self.accounts.note(name, success=success)
        return user if success else None

    def _negotiate(self, scheme: str, value: str) -> User | Refusal:
        try:
            token = base64.b64decode(value.strip(), validate=True)
        except ValueError:
            return self._refuse()
        if self.context is None or self.context.complete:
            self.user = None
            self.context = self._new_context(scheme.lower(), token)
        try:
            with self.accounts.credential_file():
                answer = self.context.step(token)
        except _ACCEPTOR_ERRORS:
            return self._failed(token)
        text = f"{scheme} {base64.b64encode(answer).decode()}" if answer else None
        if self._inner is not None and self._inner.failed_at is not None:
            self._failed(self._inner.failed_at)
            return Refusal((text,)) if text else self._refuse()
        if not self.context.complete:
            return Refusal((text or f"{scheme} ",))
        return self._accepted(text)

    def _new_context(self, scheme: str, token: bytes) -> spnego.ContextProxy:
        raw = token.startswith(b"NTLMSSP\x00")
        self.seal = _SEALS.get(scheme, "SPNEGO")
        self._inner = None
        with self.accounts.credential_file():
            if scheme == "credssp":
                negotiate = spnego.server(options=spnego.NegotiateOptions.use_negotiate)
                self._inner = acceptors.InnerLogon(negotiate, _ACCEPTOR_ERRORS)
                return spnego.server(protocol="credssp", credssp_negotiate_context=self._inner)
            if scheme == "kerberos":
                return spnego.server(protocol="kerberos", channel_bindings=self.bindings)
            return spnego.server(
                protocol="ntlm" if raw else "negotiate",
                options=spnego.NegotiateOptions.use_ntlm if raw else spnego.NegotiateOptions.use_negotiate,
                channel_bindings=self.bindings,
            )

    def _accepted(self, token: str | None) -> User | Refusal:
        name = (self.context.client_principal if self.context is not None else None) or ""
        user = self.accounts.find(name)
        if user is None or self.accounts.is_locked(name) or not self._is_bound():
            self.context = None
            return self._refuse()
        self.accounts.note(name, success=True)
        self.user, self.token = user, token
        return user

    def _is_bound(self) -> bool:
        return self.bindings is None or self.context is None or acceptors.is_bound(self.context)

    @property
    def delegated(self) -> bool:
        """Whether the client has handed over credentials."""
        return acceptors.has_delegated(self.seals)

    @property
    def protocol(self) -> str:
        """What has authenticated this connection: ntlm, kerberos or credssp; empty if each request does so."""
        if self.seals is None:
            return ""
        return "credssp" if self._inner is not None else str(self.seals.negotiated_protocol)

    def _failed(self, token: bytes) -> Refusal:
        name = _user_name(token)
        self.context = None
        if name:
            self.accounts.note(name, success=False)
        return self._refuse()


def _wanted(scheme: str) -> str:
    """The scheme of the listener that an Authorization header asks for."""
    return "negotiate" if scheme.lower() == "ntlm" else scheme.lower()


def _plain(name: str) -> str:
    """An account's own name in ``DOMAIN\\user`` and ``user@REALM``."""
    return name.rpartition("\\")[2].partition("@")[0].lower()


def _user_name(token: bytes) -> str:
    """Read the account's name out of the NTLM AUTHENTICATE message (MS-NLMP 2.2.1.3) in a token."""
    start = token.find(b"NTLMSSP\x00\x03\x00\x00\x00")
    if start < 0:
        return ""
    length = int.from_bytes(token[start + 36 : start + 38], "little")
    offset = int.from_bytes(token[start + 40 : start + 44], "little")
    return token[start + offset : start + offset + length].decode("utf-16-le", "replace")
