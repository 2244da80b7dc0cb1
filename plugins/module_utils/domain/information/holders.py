# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens where: TCP listeners and bound UDP sockets, with their processes and services."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import Socket, SocketsFact
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.information.view import DNS_PORT, Finding, View
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_holders import Holder, holders


def sockets(view: View) -> Finding:
    """One row per socket, sorted by port, protocol and address."""
    found = view.facts[SocketsFact(view.inquiry.ports)]
    known = {(holder.protocol, holder.port, holder.process_id): holder for holder in holders(found, view.context)}
    rows = sorted(set(found), key=lambda socket: (socket.port, socket.protocol, socket.address, socket.process_id))
    return Finding([_row(socket, known[socket.protocol, socket.port, socket.process_id]) for socket in rows])


def _row(socket: Socket, holder: Holder) -> dict[str, t.Any]:
    return {
        "protocol": socket.protocol,
        "address": socket.address,
        "port": socket.port,
        "process_id": socket.process_id,
        "image": holder.image,
        "services": list(holder.services),
        "pool": socket.protocol == "udp" and socket.port != DNS_PORT and holder.is_dns,
    }
