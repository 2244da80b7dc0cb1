# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest rights that each module needs on a server, and the sentences that name one that is missing.

Tags as everywhere: [D] documented, [C] seen in code, [T] reported, [K] not verified. No right was ever tried on a real
Windows: the default holders are those of its documents.
"""

from __future__ import annotations

import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    FILTER_POLICY_FACT,
    JOURNAL_FACT,
)

Purpose = t.Literal["reads", "changes"]


class Right(t.NamedTuple):
    """One right: ``name`` as Windows calls it, ``place`` in general, who has it by default, and the source of both.

    ``mask`` is its number for StdRegProv's CheckAccess, 0 if Windows can't be asked for it without trying.
    """

    name: str
    place: str
    holders: str
    source: str
    mask: int = 0


_ADMINISTRATORS: t.Final = "Administrators"
_NAMESPACE_SOURCE: t.Final = "[D] Namespace Access Rights Constants (WMI); that WinRM asks for it, too, [K]"
_KEY_SOURCE: t.Final = "[D] StdRegProv CheckAccess; the default holders [K]"
_SERVICE_SOURCE: t.Final = "[D] Service Security and Access Rights"
_SDDL_SOURCE: t.Final = "[D] Installation and configuration for WinRM (RootSDDL)"

LISTENER: t.Final = Right(
    "Read (GR) and Execute (GX)",
    "the WinRM service (winrm configSDDL default)",
    "Administrators; since 2012 also Remote Management Users [D]",
    _SDDL_SOURCE + "; GX for a method and GR for a query [T]",
)
SHELL: t.Final = Right(
    "Execute (GX) for command shells",
    "the WinRM service (winrm configSDDL default)",
    "Administrators; since 2012 also Remote Management Users [K]",
    _SDDL_SOURCE + "; that it holds for shells [K]",
)
NAMESPACE_READ: t.Final = Right(
    "Enable Account and Remote Enable",
    "the WMI namespaces that it asks",
    "Enable Account: everybody; Remote Enable: Administrators",
    _NAMESPACE_SOURCE,
)
NAMESPACE_METHODS: t.Final = Right(
    "Execute Methods", "the WMI namespaces root/default and root/cimv2", "everybody", _NAMESPACE_SOURCE
)
KEY_READ: t.Final = Right(
    "KEY_QUERY_VALUE and KEY_ENUMERATE_SUB_KEYS", "the registry keys that it reads", "Users", _KEY_SOURCE, 0x1 | 0x8
)
KEY_WRITE: t.Final = Right("KEY_SET_VALUE", "the registry keys that it writes", _ADMINISTRATORS, _KEY_SOURCE, 0x2)
KEY_CREATE: t.Final = Right(
    "KEY_CREATE_SUB_KEY", "the key above one that does not exist yet", _ADMINISTRATORS, _KEY_SOURCE, 0x4
)
KEY_DELETE: t.Final = Right("DELETE", "a key that it made itself", _ADMINISTRATORS, _KEY_SOURCE, 0x10000)
SERVICE_READ: t.Final = Right(
    "SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_QUERY_STATUS and SERVICE_QUERY_CONFIG",
    "the service manager and its services",
    "Administrators; an account from the network alone has SC_MANAGER_CONNECT",
    _SERVICE_SOURCE,
)
SERVICE_START: t.Final = Right("SERVICE_START", "the services that it starts", _ADMINISTRATORS, _SERVICE_SOURCE)
SERVICE_STOP: t.Final = Right("SERVICE_STOP", "the services that it stops", _ADMINISTRATORS, _SERVICE_SOURCE)
SERVICE_CONFIGURE: t.Final = Right(
    "SERVICE_CHANGE_CONFIG", "the services whose start it sets", _ADMINISTRATORS, _SERVICE_SOURCE
)
NETWORK: t.Final = Right(
    "the unfiltered rights of an administrator",
    "the TCP/IP settings (netsh)",
    "Administrators; Network Configuration Operators, perhaps [K]",
    "[T] netsh's own message (it asks for elevation)",
)
FOLDER: t.Final = Right(
    "Modify (NTFS)", r"the folder drivers\etc (files in it are made, moved and deleted)", _ADMINISTRATORS, "[K]"
)
EVENT_LOG: t.Final = Right(
    "Read (event logs)",
    "the event logs System and Application",
    "Administrators, Event Log Readers (since 2008)",
    "[K]",
)
SHUTDOWN: t.Final = Right(
    "SeShutdownPrivilege and SeRemoteShutdownPrivilege",
    "the server",
    "Administrators, Server Operators",
    "[D] Win32ShutdownTracker (Win32_OperatingSystem); which of the two counts over WinRM [K]",
)

FULL_ACCOUNT: t.Final = (
    "use an account that is a member of Administrators on the server; for a local account other than the built-in "
    "Administrator, Windows strips these rights over the network unless the registry value "
    rf"HKLM\{FILTER_POLICY_FACT.key}\{FILTER_POLICY_FACT.name} is 1"
)
"""What always helps; that of the filter is [D] (User Account Control and remote restrictions, KB951016)."""


def lacks(right: Right, place: str) -> str:
    """The missing right as advice, without a full stop: ``place`` is the object that it is missing on."""
    return f"the account lacks {right.name} on {place}; grant that, or {FULL_ACCOUNT}"


_LOOKING: t.Final = (LISTENER, NAMESPACE_READ, NAMESPACE_METHODS, KEY_READ)
_JOURNAL: t.Final = (KEY_WRITE, KEY_CREATE, KEY_DELETE)
_RESTART: t.Final = (SERVICE_STOP, SERVICE_START)


class ModuleRights(t.NamedTuple):
    """The rights that a module needs: to look (all of check mode), and to change what its options can ask for.

    ``sometimes`` are those of ``reads`` and ``changes`` that only some releases or options need.
    """

    reads: tuple[Right, ...]
    changes: tuple[Right, ...] = ()
    sometimes: frozenset[Right] = frozenset()


RIGHTS: t.Final[t.Mapping[str, ModuleRights]] = types.MappingProxyType(
    {
        "port_info": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL, EVENT_LOG), sometimes=frozenset({SERVICE_READ, SHELL, EVENT_LOG})
        ),
        "verify_assumptions": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL, EVENT_LOG), sometimes=frozenset({SHELL, EVENT_LOG})
        ),
        "reserved_ports": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL), (*_JOURNAL, NETWORK), frozenset({SERVICE_READ, SHELL, NETWORK})
        ),
        "dns_socket_pool": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL), (*_JOURNAL, *_RESTART), frozenset({SHELL, *_RESTART})
        ),
        "dynamic_ports": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL), (*_JOURNAL, NETWORK), frozenset({SERVICE_READ, SHELL, NETWORK})
        ),
        "service_start_mode": ModuleRights(
            (*_LOOKING, SERVICE_READ), (*_JOURNAL, SERVICE_CONFIGURE, SHELL), frozenset({SHELL})
        ),
        "service_state": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL), (*_JOURNAL, *_RESTART), frozenset({SHELL, *_JOURNAL, *_RESTART})
        ),
        "services_file": ModuleRights((*_LOOKING, SHELL), (*_JOURNAL, FOLDER)),
        "static_rpc_port": ModuleRights((*_LOOKING, SERVICE_READ, SHELL), _JOURNAL, frozenset({SERVICE_READ, SHELL})),
        "converge": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL),
            (*_JOURNAL, *_RESTART, SERVICE_CONFIGURE, NETWORK, FOLDER, SHUTDOWN),
            frozenset({SHELL, *_RESTART, SERVICE_CONFIGURE, NETWORK, FOLDER, SHUTDOWN}),
        ),
        "server_reboot": ModuleRights(
            (*_LOOKING, SERVICE_READ, SHELL),
            (*_JOURNAL, SHUTDOWN),
            frozenset({SERVICE_READ, SHELL, *_JOURNAL}),
        ),
    }
)
"""By module. A module that contacts no server has no row."""

ALL: t.Final = (
    *(LISTENER, SHELL, NAMESPACE_READ, NAMESPACE_METHODS, KEY_READ, KEY_WRITE, KEY_CREATE, KEY_DELETE, SERVICE_READ),
    *(SERVICE_START, SERVICE_STOP, SERVICE_CONFIGURE, NETWORK, FOLDER, EVENT_LOG, SHUTDOWN),
)
"""Every right, in the order of the table."""

JOURNAL_PARENT: t.Final = JOURNAL_FACT.key.rpartition("\\")[0]
"""The key above the journal's: what must be allowed before the first change."""
