# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The excluded port ranges of Windows Vista and later (``netsh int ipv4 ... excludedportrange``)."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.portranges import PortRange, ports_of
from tests.simulator.windows.sockets import Protocol

Store: t.TypeAlias = t.Literal["active", "persistent"]

ERROR_SHARING_VIOLATION: t.Final = 32
ERROR_INVALID_PARAMETER: t.Final = 87
ERROR_NOT_FOUND: t.Final = 1168


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Block:
    """One excluded block. ``administered`` ones (with a star) stop random binds only, others every bind (10013).

    ``persistent``: it outlives a boot; ``active``: it is in force before the next one.
    """

    first: int
    last: int
    administered: bool = True
    persistent: bool = True
    active: bool = True

    @property
    def range(self) -> PortRange:
        """First and last port."""
        return (self.first, self.last)


class ExclusionStore:
    """The blocks of both protocols; IPv4 and IPv6 commands share them [T]."""

    def __init__(self) -> None:
        """Begin with none."""
        self._blocks: dict[Protocol, list[Block]] = {"tcp": [], "udp": []}
        self.generation = 0

    def blocks(self, protocol: Protocol) -> list[Block]:
        """Return the blocks as they were added, not merged [K], in order of their ports."""
        return sorted(self._blocks[protocol])

    def add(self, protocol: Protocol, block: Block, *, is_used: t.Callable[[int], bool]) -> int:
        """Add a block; 0, 87 (bad range) or 32 (a port is in use, or the block overlaps another one)."""
        if not 1 <= block.first <= block.last <= 65535:
            return ERROR_INVALID_PARAMETER
        overlaps = any(other.first <= block.last and block.first <= other.last for other in self._blocks[protocol])
        if overlaps or any(is_used(port) for port in range(block.first, block.last + 1)):
            return ERROR_SHARING_VIOLATION
        self._blocks[protocol].append(block)
        self.generation += 1
        return 0

    def delete(self, protocol: Protocol, port_range: PortRange, *, store: Store = "persistent") -> int:
        """Delete an administered block by its exact range; 0, 1168 (not in that store) or 5 (not administered).

        Deleted for good, a block is gone from the active store too; the other way round it comes back at a boot [K].
        """
        for block in self._blocks[protocol]:
            if block.range == port_range:
                if not block.administered:
                    return 5
                if not (block.persistent if store == "persistent" else block.active):
                    return ERROR_NOT_FOUND
                self._blocks[protocol].remove(block)
                if store == "active" and block.persistent:
                    self._blocks[protocol].append(dataclasses.replace(block, active=False))
                self.generation += 1
                return 0
        return ERROR_NOT_FOUND

    def at_boot(
        self, runtime_blocks: t.Iterable[tuple[Protocol, PortRange]], *, active_last: bool = False
    ) -> ExclusionStore:
        """Return the store as a boot finds it: persistent blocks, and new ones that programs make while they run.

        ``active_last``: blocks of the active store alone outlive the boot, too.
        """
        store = ExclusionStore()
        store.generation = self.generation + 1
        for protocol, blocks in self._blocks.items():
            lasting = (block for block in blocks if block.administered and (block.persistent or active_last))
            store._blocks[protocol] = [dataclasses.replace(block, active=True) for block in lasting]
        for protocol, (first, last) in runtime_blocks:
            store._blocks[protocol].append(Block(first, last, administered=False, persistent=False))
        return store

    def ports(self, protocol: Protocol, *, administered: bool) -> frozenset[int]:
        """Return the ports of all administered blocks that are in force, or of all others."""
        in_force = (block for block in self._blocks[protocol] if block.active)
        return ports_of(block.range for block in in_force if block.administered is administered)

    def as_json(self) -> dict[str, list[dict[str, t.Any]]]:
        """Return the blocks by protocol."""
        return {protocol: [dataclasses.asdict(block) for block in self.blocks(protocol)] for protocol in self._blocks}
