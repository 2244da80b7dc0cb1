# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The excluded port ranges of a server, as netsh lists them."""

from __future__ import annotations

import dataclasses

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange


@dataclasses.dataclass(frozen=True, slots=True)
class ExclusionBlock:
    """One row of ``netsh ... show excludedportrange``; administered rows (``*``) were added by an administrator."""

    ports: PortRange
    administered: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Exclusions:
    """The excluded port ranges as Windows lists them, in its order, one block a row."""

    tcp: tuple[ExclusionBlock, ...]
    udp: tuple[ExclusionBlock, ...]

    def of(self, protocol: Protocol) -> tuple[ExclusionBlock, ...]:
        """The blocks of one protocol."""
        return self.tcp if protocol == "tcp" else self.udp

    def administered(self, protocol: Protocol) -> tuple[PortRange, ...]:
        """The blocks of one protocol that an administrator added, in Windows' order."""
        return tuple(block.ports for block in self.of(protocol) if block.administered)
