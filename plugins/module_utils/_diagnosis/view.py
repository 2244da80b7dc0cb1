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
        process_id = dns.process_id if dns else 0
        return sum(_is_of_pool(socket, process_id) for socket in self.facts[SocketsFact(None)])


@dataclasses.dataclass(frozen=True, slots=True)
class SubsetAnswer:
    """A subset's row or rows, and sentences that the user should read."""

    value: t.Any
    warnings: tuple[str, ...] = ()


Subset = t.Callable[[PortInfoView], SubsetAnswer]
"""Raises FactsNeeded for what is not read yet, and PlanError if this Windows can't answer."""


def _is_of_pool(socket: Socket, process_id: int) -> bool:
    return socket.protocol == "udp" and socket.port != DNS_PORT and bool(process_id) and socket.process_id == process_id
