# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the connection of an Ansible task to a WS-Man client, without the shell that the plugin would open."""

from __future__ import annotations

import abc
import contextlib
import importlib.util
import types
import typing as t
import weakref

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import (
    line_failures,
    winrm_transport,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.http_transport import HttpTransport
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import (
    USUAL_PATIENCE,
    Deadline,
    Patience,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils import _delegation

# The plugin opens a shell unless it believes to have one; its close() deletes what it believes to have.
_UNOPENED: t.Final = "unopened"
_CLEAR_TEXT_METHODS: t.Final = ("basic", "plaintext")
"""The libraries' names of Basic; Ansible's winrm chooses it for a user without a realm if no transport is named."""
_CLEAR_TEXT: t.Final = (
    "The password crosses the network in clear text: this connection uses Basic over http%s. Set $ntlm for these "
    "hosts%s, which encrypts every message, or use https ($scheme: https and ansible_port: 5986)."
)
_CHOSEN_BY_ANSIBLE: t.Final = " (Ansible's own choice for a user without a realm if ansible_winrm_transport is not set)"
_UNCHECKED_CERTIFICATE: t.Final = (
    "The certificate of the server is not checked, so somebody on the line could answer in its place: remove "
    "$unchecked, and name the authority that signed it in $authority."
)
CLEAR_TEXT: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "winrm": line_failures.WINRM.named(_CLEAR_TEXT % (_CHOSEN_BY_ANSIBLE, "")),
        "psrp": line_failures.PSRP.named(_CLEAR_TEXT % ("", " and remove $encryption: never")),
    }
)
"""The warning about Basic over http, by connection plugin."""
UNCHECKED_CERTIFICATE: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "winrm": line_failures.WINRM.named(_UNCHECKED_CERTIFICATE),
        "psrp": line_failures.PSRP.named(_UNCHECKED_CERTIFICATE),
    }
)
"""The warning about TLS without validation, by connection plugin."""


class UnusableConnection(AnsibleActionFail):
    """The task's connection plugin, or a package that it needs on the controller, does not fit this collection."""

    def __init__(self, message: str) -> None:
        super().__init__(message)  # type: ignore[no-untyped-call]


class Line(abc.ABC):
    """The settings of a task's connection plugin, and the session of its library that they make.

    The session stays open for the next item of a loop: the worker of a task ends with it.
    """

    plugin: t.ClassVar[str]
    package: t.ClassVar[str]
    """The Python package that it needs."""

    def __init__(self, connection: t.Any) -> None:
        self._connection = connection

    @property
    @abc.abstractmethod
    def import_error(self) -> ImportError | None:
        """Why its package can't be imported, if it can't."""

    @abc.abstractmethod
    def transport(self, *, host: str, read_timeout: float | None = None, **limits: t.Any) -> HttpTransport:
        """Messages over the session.

        :raises ansible.errors.AnsibleConnectionFailure: the settings do not work (no user, kinit failed ...).
        """

    @property
    @abc.abstractmethod
    def operation_timeout(self) -> float:
        """Seconds that the server may take for one message."""

    @property
    @abc.abstractmethod
    def port(self) -> int | None:
        """The TCP port of the WinRM service, as far as it is known."""

    @property
    def _end(self) -> tuple[t.Any, ...]:
        """The far end by the plugin's present settings.

        Ansible keeps the plugin for the next item of a loop if the address is the same, though the item may be
        delegated to a host behind another port of that address, as through tunnels.
        """
        return tuple(self._connection.get_option(name) for name in ("remote_addr", "port"))

    @abc.abstractmethod
    def weaknesses(self) -> list[str]:
        """Warnings about an open line; the same for all hosts, so that Ansible shows each once."""

    def _weak(self, endpoint: str, method: str, *, checks: bool) -> list[str]:
        plain = endpoint.startswith("http://")
        if plain and method in _CLEAR_TEXT_METHODS:
            return [CLEAR_TEXT[self.plugin]]
        return [] if plain or checks else [UNCHECKED_CERTIFICATE[self.plugin]]


class _Winrm(Line):
    """The session is the plugin's own, without the shell that it would open."""

    plugin = "winrm"
    package = "pywinrm"

    @property
    def import_error(self) -> ImportError | None:
        return winrm_transport.IMPORT_ERROR

    def transport(self, *, host: str, read_timeout: float | None = None, **limits: t.Any) -> HttpTransport:
        return winrm_transport.WinrmTransport(self._protocol, host=host, read_timeout=read_timeout, **limits)

    @property
    def operation_timeout(self) -> float:
        return float(self._protocol.operation_timeout_sec)

    @property
    def port(self) -> int | None:
        port = self._connection.get_option("port")
        return int(port) if port else None

    def weaknesses(self) -> list[str]:
        protocol = getattr(self._connection, "protocol", None)
        if protocol is None:
            return []
        session = protocol.transport
        checks = session.server_cert_validation != "ignore"
        weak = self._weak(str(session.endpoint), str(session.auth_method), checks=checks)
        return [*weak, *_delegation.lost_by_pywinrm(session)]

    @property
    def _end_of_protocol(self) -> tuple[t.Any, ...]:
        """The settings that the plugin's Protocol was made with."""
        return (self._connection._winrm_host, self._connection._winrm_port)  # noqa: SLF001 - kept nowhere else

    @property
    def _protocol(self) -> t.Any:
        """The plugin's pywinrm Protocol, connected without a shell.

        Works the same from ansible-core 2.16 to 2.20: ``_connect`` opens a shell only if ``shell_id`` is empty, and
        ``close`` deletes one only if it is not, so it is emptied again at once, also after an error.
        """
        connection = self._connection
        if connection.protocol is None or self._end != self._end_of_protocol:
            connection.protocol = None
            connection.shell_id = _UNOPENED
            try:
                connection._connect()  # noqa: SLF001 - the public ways in all open a shell
            finally:
                connection.shell_id = None
        return connection.protocol


class _Psrp(Line):
    """The session is one beside the plugin's, made from the same settings: the plugin's own would run PowerShell."""

    plugin = "psrp"
    package = "pypsrp"
    _sessions: t.ClassVar[weakref.WeakKeyDictionary[t.Any, t.Any]] = weakref.WeakKeyDictionary()

    def __init__(self, connection: t.Any) -> None:
        super().__init__(connection)
        # It imports pypsrp, and most hosts are not reached by that.
        from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import psrp_transport  # noqa: PLC0415

        self._psrp = psrp_transport

    @property
    def import_error(self) -> ImportError | None:
        return self._psrp.IMPORT_ERROR

    def transport(self, *, host: str, read_timeout: float | None = None, **limits: t.Any) -> HttpTransport:
        return self._psrp.PsrpTransport(self._session, host=host, read_timeout=read_timeout, **limits)

    @property
    def operation_timeout(self) -> float:
        return float(self._session.operation_timeout)

    @property
    def port(self) -> int | None:
        port, protocol = (self._connection.get_option(name) for name in ("port", "protocol"))
        return int(port) if port else (5985 if protocol == "http" else 5986)

    def weaknesses(self) -> list[str]:
        _end, session = self._sessions.get(self._connection, ((), None))
        if session is None:
            return []
        transport = session.transport
        weak = self._weak(transport.endpoint, transport.auth, checks=transport.cert_validation is not False)
        return [*weak, *_delegation.lost_by_pypsrp(transport.session)]

    @property
    def _session(self) -> t.Any:
        """A pypsrp WSMan with the plugin's settings; the same one for all items of a loop that go to one host."""
        end, session = self._sessions.get(self._connection, ((), None))
        if session is None or end != self._end:
            session = self._new_session()
            self._sessions[self._connection] = (self._end, session)
            # Else Ansible would make a new connection for the next item.
            self._connection._connected = True  # noqa: SLF001 - nothing else sets it without a runspace
        return session

    def _new_session(self) -> t.Any:
        connection = self._connection
        connection._build_kwargs()  # noqa: SLF001 - what its _connect does before it opens a runspace
        if connection._psrp_conn_kwargs["auth"] == "kerberos":  # noqa: SLF001 - the same
            _demand_gssapi()
        try:
            return self._psrp.new_session(connection._psrp_conn_kwargs)  # noqa: SLF001 - the same
        except ImportError as error:
            raise _missing("requests-credssp", error) from error
        except ValueError as error:
            sentence = f"The settings of the psrp connection do not work: {error}"
            raise AnsibleConnectionFailure(sentence) from error


def _demand_gssapi() -> None:
    """pypsrp would find out at the first message, by an ImportError."""
    for name in ("gssapi", "krb5"):
        if importlib.util.find_spec(name) is None:
            raise _missing("pypsrp[kerberos]", ImportError(f"No module named {name!r}"))


_LINES: t.Final[t.Mapping[str, type[Line]]] = types.MappingProxyType({line.plugin: line for line in (_Winrm, _Psrp)})


def _missing(package: str, error: ImportError) -> UnusableConnection:
    return UnusableConnection(
        f"the Python package {package} is missing on the controller ({error}); "
        f"install it into the environment that runs ansible, for example with 'pip install {package}'"
    )


def line_of(connection: t.Any) -> Line:
    """The line that a task's connection stands for; nothing is opened yet.

    :raises UnusableConnection: another connection plugin, or the package of this one is missing.
    """
    name = getattr(connection, "transport", type(connection).__name__)
    if name not in _LINES:
        raise UnusableConnection(
            f"portkeeper.windows works through the connection plugins winrm and psrp, and this task uses {name!r}; "
            "set ansible_connection: ansible.builtin.winrm for these hosts (and do not delegate to localhost)"
        )
    line = _LINES[name](connection)
    if line.import_error is not None:
        raise _missing(line.package, line.import_error)
    return line


@contextlib.contextmanager
def open_client(connection: t.Any, name: str = "", patience: Patience = USUAL_PATIENCE) -> t.Iterator[Client]:
    """A client over the settings of a task's connection.

    Nothing is sent here; the first message connects and authenticates, and its failure is a WsmanError. The session
    stays open afterwards for the next item of a loop.

    :param name: the host's name in the inventory; errors have it and the address.
    :param patience: how often messages are sent again, and how long the task may take from now on.
    :raises UnusableConnection: another connection plugin, or the package of this one is missing.
    :raises AuthenticationFailed: kinit failed, or the package of Kerberos is missing.
    :raises ansible.errors.AnsibleConnectionFailure: the plugin's own settings do not work (no user ...).
    """
    line = line_of(connection)
    deadline = Deadline(patience.deadline)
    address = str(connection.get_option("remote_addr"))
    host = address if name in ("", address) else f"{name} ({address})"
    with _failures_on(host):
        client = Client(
            line.transport(host=host, task=deadline),
            operation_timeout=line.operation_timeout,
            patience=patience,
            deadline=deadline,
        )
    # The reference keeps the plugin alive while messages are sent: it owns the Kerberos ticket cache's file.
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: connection)
        yield client


@contextlib.contextmanager
def _failures_on(host: str) -> t.Iterator[None]:
    """Name the host in what the plugin says before anything is sent, and its meaning if it is about Kerberos."""
    try:
        yield
    except AnsibleConnectionFailure as error:
        # Only a failure needs these tables.
        from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import (  # noqa: PLC0415
            authentication_failures,
        )

        message = str(error.message)
        failure = authentication_failures.of_plugin(message, host)
        raise failure or AnsibleConnectionFailure(f"{host}: {message}") from error


def server_port(connection: t.Any) -> int | None:
    """The TCP port that an open connection leads to; ``None`` if it is not known."""
    return line_of(connection).port


def weaknesses(connection: t.Any) -> list[str]:
    """Warnings about the line that this connection takes; the same for all hosts, so that Ansible shows each once."""
    return line_of(connection).weaknesses()
