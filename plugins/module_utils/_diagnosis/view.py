# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The input of every subset of ``port_info``, and the answer that it returns."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Fact,
    Facts,
    Service,
    ServiceFact,
    Socket,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE

DNS_PORT: t.Final = 53


@dataclasses.dataclass(frozen=True, slots=True)
class PortInfoView:
    """The facts of one server and what is asked of it."""

    context: Context
    inquiry: PortInfoOptions

    @property
    def facts(self) -> Facts:
        """The answers read so far; asking for another raises FactsNeeded."""
        return self.context.facts

    def dns_service(self) -> Service | None:
        """The DNS server's service, ``None`` if it is not installed; raises FactsNeeded."""
        return self.facts[ServiceFact(DNS_SERVICE)]

    def pool_sockets_seen(self) -> int | None:
        """The number of UDP sockets that dns.exe holds beside port 53; ``None`` unless every socket is read anyway."""
        if not self.inquiry.sees_all_sockets:
            return None
        self.facts.require(SocketsFact(None), ServiceFact(DNS_SERVICE))
        dns = self.dns_service()
        if not self.facts.is_read(SocketsFact(None)):
            return None
        return sum(1 for _socket in self._pool_sockets(dns.process_id if dns else 0))

    def pool_ports(self, dns: Service) -> frozenset[int]:
        """The UDP ports that dns.exe holds beside 53, each once for all addresses; raises FactsNeeded, FactUnread."""
        return frozenset(socket.port for socket in self._pool_sockets(dns.process_id))

    def _pool_sockets(self, process_id: int) -> t.Iterator[Socket]:
        return (socket for socket in self.facts[SocketsFact(None)] if _is_of_pool(socket, process_id))


@dataclasses.dataclass(frozen=True, slots=True)
class Gap:
    """The gap that one missing answer leaves: a subset, or some parts of it."""

    fact: Fact[t.Any]
    subset: str
    parts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class SubsetAnswer:
    """A subset's row or rows, sentences that the user should read, and what it could not look at."""

    value: t.Any
    warnings: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()


Subset = t.Callable[[PortInfoView], SubsetAnswer]
"""Raises FactsNeeded for what is not read yet, FactUnread for what can't be read, and PlanError if this Windows can't
answer."""


def _is_of_pool(socket: Socket, process_id: int) -> bool:
    return socket.protocol == "udp" and socket.port != DNS_PORT and bool(process_id) and socket.process_id == process_id
