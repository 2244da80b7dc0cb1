# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places of all settings in the registry: each key and value of HKEY_LOCAL_MACHINE that is read or written.

The rows of ``rpc_ports`` name their own values, below ``SERVICES_KEY``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    RegistryFact,
    RegistryNamesFact,
    RegistryType,
)

SERVICES_KEY: t.Final = r"SYSTEM\CurrentControlSet\Services"

# --- TCP/IP ----------------------------------------------------------------------------------------------------------

TCPIP_KEY: t.Final = rf"{SERVICES_KEY}\Tcpip\Parameters"
MAX_USER_PORT_FACT: t.Final = RegistryFact(TCPIP_KEY, "MaxUserPort", RegistryType.DWORD)
RESERVED_PORTS_FACT: t.Final = RegistryFact(TCPIP_KEY, "ReservedPorts", RegistryType.MULTI_STRING)
DATA_BASE_PATH_FACT: t.Final = RegistryFact(TCPIP_KEY, "DataBasePath", RegistryType.EXPAND_STRING)
"""The folder of hosts, services and the like; WMI gives it out expanded."""

# --- the DNS server --------------------------------------------------------------------------------------------------

DNS_KEY: t.Final = rf"{SERVICES_KEY}\DNS\Parameters"
DNS_NAMES_FACT: t.Final = RegistryNamesFact(DNS_KEY)
POOL_SIZE_FACT: t.Final = RegistryFact(DNS_KEY, "SocketPoolSize", RegistryType.DWORD)
POOL_EXCLUSIONS_FACT: t.Final = RegistryFact(DNS_KEY, "SocketPoolExcludedPortRanges", RegistryType.MULTI_STRING)
DEAD_EXCLUSIONS_NAME: t.Final = "SocketPoolPortExclusionList"
"""Named by one article of 2009; no Windows ever read it."""

# --- services --------------------------------------------------------------------------------------------------------

AD_LDS_PORT_VALUES: t.Final = ("Port LDAP", "Port SSL")
"""DWORD values in the ``Parameters`` key of an instance's service [C]."""


def ad_lds_port_facts(service: str) -> tuple[RegistryFact, RegistryFact]:
    """The two registry values that hold the ports of the AD LDS service ``ADAM_<instance>``."""
    key = rf"{SERVICES_KEY}\{service}\Parameters"
    ldap, ssl = (RegistryFact(key, name, RegistryType.DWORD) for name in AD_LDS_PORT_VALUES)
    return ldap, ssl


DELAYED_FLAG_NAME: t.Final = "DelayedAutostart"


def delayed_flag(service: str) -> RegistryFact:
    """The registry value that makes an automatic start a delayed one."""
    return RegistryFact(rf"{SERVICES_KEY}\{service}", DELAYED_FLAG_NAME, RegistryType.DWORD)


def needed_services(service: str) -> RegistryFact:
    """The registry value that names the services, and the groups (``+``), that a service needs."""
    return RegistryFact(rf"{SERVICES_KEY}\{service}", "DependOnService", RegistryType.MULTI_STRING)


def load_order_group(service: str) -> RegistryFact:
    """The registry value that names a service's load-order group; absent or empty if it has none."""
    return RegistryFact(rf"{SERVICES_KEY}\{service}", "Group", RegistryType.STRING)


# --- Windows and products --------------------------------------------------------------------------------------------

SYSTEM_ROOT_FACT: t.Final = RegistryFact(
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "SystemRoot", RegistryType.STRING
)
POLICIES_KEY: t.Final = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
POLICY_NAMES_FACT: t.Final = RegistryNamesFact(POLICIES_KEY)
FILTER_POLICY_FACT: t.Final = RegistryFact(POLICIES_KEY, "LocalAccountTokenFilterPolicy", RegistryType.DWORD)
UAC_FACT: t.Final = RegistryFact(POLICIES_KEY, "EnableLUA", RegistryType.DWORD)
EXCHANGE_2007_NAMES_FACT: t.Final = RegistryNamesFact(r"SOFTWARE\Microsoft\Exchange\v8.0\Setup")
"""The version of Exchange 2007; place and meaning of the numbers are [K] unverified."""
EXCHANGE_2007_PACK_FACT: t.Final = RegistryFact(EXCHANGE_2007_NAMES_FACT.key, "MsiProductMinor", RegistryType.DWORD)
_DOTNET_KEY: t.Final = r"SOFTWARE\Microsoft\NET Framework Setup\NDP"
DOTNET_2_PACK_FACT: t.Final = RegistryFact(rf"{_DOTNET_KEY}\v2.0.50727", "SP", RegistryType.DWORD)
DOTNET_35_PACK_FACT: t.Final = RegistryFact(rf"{_DOTNET_KEY}\v3.5", "SP", RegistryType.DWORD)

CONTROL_SET_KEY: t.Final = r"SYSTEM\CurrentControlSet"
"""Has subkeys and no values."""
GROUP_ORDER_FACT: t.Final = RegistryFact(
    rf"{CONTROL_SET_KEY}\Control\ServiceGroupOrder", "List", RegistryType.MULTI_STRING
)
AUTO_START_DELAY_FACT: t.Final = RegistryFact(rf"{CONTROL_SET_KEY}\Control", "AutoStartDelay", RegistryType.DWORD)
"""Milliseconds until delayed services start; absent by default [K]."""
PROGRAMS_FOLDER_FACT: t.Final = RegistryFact(
    r"SOFTWARE\Microsoft\Windows\CurrentVersion", "ProgramFilesDir", RegistryType.STRING
)

# --- our own ---------------------------------------------------------------------------------------------------------

JOURNAL_KEY: t.Final = r"SOFTWARE\Portkeeper"
VERIFY_KEY: t.Final = r"SOFTWARE\Portkeeper Verify"
"""Of a verification that touches: it holds a note of what must be taken back, and what is written to see how it is
read; gone at the end."""
JOURNAL_FACT: t.Final = RegistryFact(JOURNAL_KEY, "Journal", RegistryType.STRING)
BEGUN_FACT: t.Final = RegistryFact(rf"{JOURNAL_KEY}\Begun", "Journal", RegistryType.STRING)
"""The journal as the run that began last is going to leave it.

It has a key of its own, since Windows deletes no key that has keys in it: so an undo that has found the journal's key
empty can't delete what another run has just begun to write there (documentation of RegDeleteKey)."""
