# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the connection of an Ansible task to a WS-Man client, without the shell that the plugin would open."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import winrm_transport
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.patience import (
    USUAL_PATIENCE,
    Deadline,
    Patience,
)

# The plugin opens a shell unless it believes to have one; its close() deletes what it believes to have.
_UNOPENED: t.Final = "unopened"


_CLEAR_TEXT_METHODS: t.Final = ("basic", "plaintext")
"""pywinrm's names of Basic; Ansible chooses it for a user without a realm if no transport is named."""
CLEAR_TEXT: t.Final = (
    "The password crosses the network in clear text: this connection uses Basic over http (Ansible's own choice for a "
    "user without a realm if ansible_winrm_transport is not set). Set ansible_winrm_transport: ntlm for these hosts, "
    "which encrypts every message, or use https (ansible_winrm_scheme: https and ansible_port: 5986)."
)
UNCHECKED_CERTIFICATE: t.Final = (
    "The certificate of the server is not checked, so somebody on the line could answer in its place: remove "
    "ansible_winrm_server_cert_validation: ignore, and name the authority that signed it in "
    "ansible_winrm_ca_trust_path."
)


class UnusableConnection(AnsibleActionFail):
    """The task's connection plugin, or a package that it needs on the controller, does not fit this collection."""

    def __init__(self, message: str) -> None:
        super().__init__(message)  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def open_client(connection: t.Any, name: str = "", patience: Patience = USUAL_PATIENCE) -> t.Iterator[Client]:
    """A client over the settings of a task's ``winrm`` connection.

    Nothing is sent here; the first message connects and authenticates, and its failure is a WsmanError. The plugin's
    session stays open afterwards for the next item of a loop; the plugin itself closes it at the end of the task.

    :param name: the host's name in the inventory; errors have it and the address.
    :param patience: how often messages are sent again, and how long the task may take from now on.
    :raises UnusableConnection: another connection plugin, or pywinrm is missing.
    :raises ansible.errors.AnsibleConnectionFailure: the plugin's own settings do not work (no user, kinit failed ...).
    """
    _check_plugin(connection)
    protocol = _protocol(connection)
    address = str(connection.get_option("remote_addr"))
    host = address if name in ("", address) else f"{name} ({address})"
    deadline = Deadline(patience.deadline)
    client = Client(
        winrm_transport.WinrmTransport(protocol, host=host, task=deadline),
        operation_timeout=float(protocol.operation_timeout_sec),
        patience=patience,
        deadline=deadline,
    )
    # The reference keeps the plugin alive while messages are sent: it owns the Kerberos ticket cache's file.
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: connection)
        yield client


def server_port(connection: t.Any) -> int | None:
    """The TCP port that an open connection leads to; ``None`` if it is not known."""
    port = connection.get_option("port")
    return int(port) if port else None


def weaknesses(connection: t.Any) -> list[str]:
    """Warnings about the line that this connection takes; the same for all hosts, so that Ansible shows each once."""
    protocol = getattr(connection, "protocol", None)
    if protocol is None:
        return []
    session = protocol.transport
    plain = str(session.endpoint).startswith("http://")
    if plain and session.auth_method in _CLEAR_TEXT_METHODS:
        return [CLEAR_TEXT]
    return [UNCHECKED_CERTIFICATE] if not plain and session.server_cert_validation == "ignore" else []


def _check_plugin(connection: t.Any) -> None:
    name = getattr(connection, "transport", type(connection).__name__)
    if name != "winrm":
        raise UnusableConnection(
            f"portkeeper.windows works through the winrm connection plugin, and this task uses {name!r}; "
            "set ansible_connection: ansible.builtin.winrm for these hosts (and do not delegate to localhost)"
        )
    if winrm_transport.IMPORT_ERROR is not None:
        raise UnusableConnection(
            f"the Python package pywinrm is missing on the controller ({winrm_transport.IMPORT_ERROR}); "
            "install it into the environment that runs ansible, for example with 'pip install pywinrm'"
        )


def _protocol(connection: t.Any) -> t.Any:
    """The plugin's pywinrm Protocol, connected without a shell.

    Works the same from ansible-core 2.16 to 2.20: ``_connect`` opens a shell only if ``shell_id`` is empty, and
    ``close`` deletes one only if it is not, so it is emptied again at once, also after an error.
    """
    if connection.protocol is None:
        connection.shell_id = _UNOPENED
        try:
            connection._connect()  # noqa: SLF001 - the public ways in all open a shell
        finally:
            connection.shell_id = None
    return connection.protocol
