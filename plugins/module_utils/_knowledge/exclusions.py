# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The excluded port ranges of a server, as netsh lists them in its two stores.

The active store holds until the next boot, and the persistent one from it on: ``add ... store=persistent`` writes both.
``show`` lists the active one unless told otherwise [C]. Reserved means: in the persistent store.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

SYSTEM_BLOCK: t.Final = PortRange(50000, 50059)
"""With a star in the active store of machines that nobody had configured [T]: taken to be the system's own."""


class ExclusionBlock(t.NamedTuple):
    """One row of ``netsh ... show excludedportrange``; administered rows (``*``) were added by an administrator."""

    ports: PortRange
    administered: bool


class Exclusions(t.NamedTuple):
    """The excluded port ranges as Windows lists them, in its order, one block a row."""

    tcp: tuple[ExclusionBlock, ...]
    udp: tuple[ExclusionBlock, ...]
    """Both of the active store."""
    persistent_tcp: tuple[PortRange, ...] | None = None
    persistent_udp: tuple[PortRange, ...] | None = None
    """Both of the persistent store; ``None``: the administered blocks of the active one."""
    tells_stores: bool = True
    """Whether netsh shows the persistent store at all; if not, it is taken to be the same."""

    def of(self, protocol: Protocol) -> tuple[ExclusionBlock, ...]:
        """The blocks of one protocol that are in force."""
        return self.tcp if protocol == "tcp" else self.udp

    def administered(self, protocol: Protocol) -> tuple[PortRange, ...]:
        """Those of them that an administrator added, in Windows' order."""
        return tuple(block.ports for block in self.of(protocol) if block.administered)

    def persistent(self, protocol: Protocol) -> tuple[PortRange, ...]:
        """The blocks of one protocol that outlive a boot."""
        found = self.persistent_tcp if protocol == "tcp" else self.persistent_udp
        return self.administered(protocol) if found is None else found

    def reserved(self, protocol: Protocol) -> PortSet:
        """The ports of one protocol that are excluded for good."""
        return PortSet(self.persistent(protocol))

    def until_boot(self, protocol: Protocol) -> tuple[PortRange, ...]:
        """Administered blocks of the active store alone: lost at the next boot. The system's own is none of them."""
        kept = self.reserved(protocol)
        return tuple(
            ports for ports in self.administered(protocol) if ports != SYSTEM_BLOCK and PortSet.of(ports) - kept
        )

    def from_boot(self, protocol: Protocol) -> PortSet:
        """Ports of the persistent store alone: not in force before the next boot."""
        return self.reserved(protocol) - PortSet(self.administered(protocol))
