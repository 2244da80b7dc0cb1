# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""netsh's command lines for port ranges, which have no WMI class that all releases share.

Pure text. Parameters are always named and the store is always given: netsh's defaults are not documented. Success is
never judged by netsh's words or exit code, but by reading the state again.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Family, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

Store = t.Literal["active", "persistent"]


def show_exclusions(family: Family, protocol: Protocol, store: Store = "active") -> str:
    """List the excluded ranges in force, those of the administrator (``*``) and all others; or those that will be."""
    return f"netsh interface {family} show excludedportrange protocol={protocol} store={store}"


def add_exclusion(protocol: Protocol, ports: PortRange, store: Store = "persistent") -> str:
    """Exclude a range for good, or until the next boot; one row of ipv4 covers both families (field report)."""
    return f"netsh interface ipv4 add excludedportrange {_block(protocol, ports)} store={store}"


def delete_exclusion(protocol: Protocol, ports: PortRange, store: Store = "persistent") -> str:
    """Delete an excluded range, which must be a whole block as it was added."""
    return f"netsh interface ipv4 delete excludedportrange {_block(protocol, ports)} store={store}"


def show_dynamic_range(family: Family, protocol: Protocol) -> str:
    """Show the range that ephemeral ports are drawn from (KB929851)."""
    return f"netsh interface {family} show dynamicport protocol={protocol} store=active"


def set_dynamic_range(family: Family, protocol: Protocol, ports: PortRange) -> str:
    """Set the range that ephemeral ports are drawn from, for good (KB929851)."""
    return f"netsh interface {family} set dynamicport {_block(protocol, ports)} store=persistent"


def _block(protocol: Protocol, ports: PortRange) -> str:
    return f"protocol={protocol} startport={ports.first} numberofports={ports.count}"
