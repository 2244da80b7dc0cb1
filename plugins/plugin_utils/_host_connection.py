# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a host outside of a play: Ansible's own plugin with the variables that an inventory would give it."""

from __future__ import annotations

import contextlib
import os
import threading
import typing as t

from ansible import constants
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError

Variables = t.Mapping[str, t.Any]

_PLUGIN: t.Final = "ansible_connection"
_BUILTIN: t.Final = "ansible.builtin."
_PLUGINS: t.Final = ("winrm", "psrp")
_LOADING: t.Final = threading.Lock()
"""Ansible's loader is made for one thread."""
_TICKETS: t.Final = threading.Lock()
_TICKET_CACHE: t.Final = "KRB5CCNAME"


def new_connection(name: str, variables: Variables) -> t.Any:
    """A connection plugin with these variables, as a task has it; nothing is opened yet.

    :param name: the host's name in the inventory, which is its address unless ``ansible_host`` is among the variables.
    :param variables: as they stand in an inventory, without templates.
    :raises OptionError: the connection is neither winrm nor psrp.
    :raises ansible.errors.AnsibleError: a variable of the plugin has a value that it can't have.
    """
    plugin = _plugin(name, variables)
    with _LOADING:
        connection = connection_loader.get(plugin, PlayContext(), "/dev/null")
        connection.set_options(var_options=_options_of(plugin, {"inventory_hostname": name, **variables}))
    return connection


@contextlib.contextmanager
def ticket_of_its_own(connection: t.Any) -> t.Iterator[None]:
    """Room for all that is sent over this connection, so that no connection uses the Kerberos ticket of another one.

    Ansible's winrm gets a ticket for each connection and names its file in the environment, which all threads share. So
    such connections are used one after another, and the environment is as it was afterwards. psrp keeps its tickets for
    itself.
    """
    if not _names_its_ticket(connection):
        yield
        return
    with _TICKETS:
        before = os.environ.get(_TICKET_CACHE)
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(_TICKET_CACHE, None)
            else:
                os.environ[_TICKET_CACHE] = before


def _names_its_ticket(connection: t.Any) -> bool:
    if connection.transport != "winrm":
        return False
    transports = connection.get_option("transport")
    # Ansible's own choice if none is named.
    return "kerberos" in transports if transports else "@" in str(connection.get_option("remote_user"))


def _plugin(name: str, variables: Variables) -> str:
    asked = str(variables.get(_PLUGIN, _PLUGINS[0]))
    plugin = asked.removeprefix(_BUILTIN)
    if plugin not in _PLUGINS:
        raise OptionError(f"{_PLUGIN} of {name}", f"{asked!r} must be {' or '.join(_PLUGINS)}")
    return plugin


def _options_of(plugin: str, variables: Variables) -> dict[str, t.Any]:
    """As ansible-core's task executor does it: the variables that the plugin names, and its extras by their prefix."""
    named = {key: variables[key] for key in constants.config.get_plugin_vars("connection", plugin) if key in variables}
    # Both plugins take extras, by their own name. ansible-core has a property for it, but 2.17.0 does not.
    prefix = f"ansible_{plugin}_"
    extras = {key: value for key, value in variables.items() if key.startswith(prefix) and key not in named}
    return {**named, "_extras": extras}
