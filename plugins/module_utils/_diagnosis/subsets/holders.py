# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports with their holders: TCP listeners, bound UDP sockets, outgoing connections, with processes and services."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import (
    MOST_CONNECTION_PORTS,
    Holder,
    connection_questions,
    holders,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import SocketRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import (
    DNS_PORT,
    PortInfoView,
    SubsetAnswer,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Connection,
    ConnectionsFact,
    Protocol,
    Socket,
    SocketsFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import widened


def sockets(view: PortInfoView) -> SubsetAnswer:
    """One row per address that a process has a port on, sorted by port, protocol and address."""
    listening, connections = SocketsFact(view.inquiry.ports), _connection_questions(view)
    view.facts.require(listening, *connections)
    found = view.facts[listening]
    connected = dict.fromkeys(row for question in connections for row in view.facts.optional(question, ()))
    known = {(one.protocol, one.port, one.process_id): one for one in holders(found, view.context, connected)}
    addressed = {*map(_of_socket, found), *map(_of_connection, connected)}
    rows = (
        _row(address, known[protocol, port, process_id]) for port, protocol, address, process_id in sorted(addressed)
    )
    return SubsetAnswer(tuple(rows), _warnings(view))


def _connection_questions(view: PortInfoView) -> tuple[ConnectionsFact, ...]:
    """Those of the ports that are asked for; beside all sockets also what findings ask, so that both show the same."""
    own = connection_questions(view.inquiry.connection_ports)
    known = (fact for fact in view.facts if isinstance(fact, ConnectionsFact) and view.inquiry.sees_all_sockets)
    return tuple(dict.fromkeys((*own, *known)))


_Row: t.TypeAlias = tuple[int, Protocol, str, int]
"""Port, protocol, address, process id: by these the rows are sorted."""


def _of_socket(socket: Socket) -> _Row:
    return socket.port, socket.protocol, socket.address, socket.process_id


def _of_connection(connection: Connection) -> _Row:
    return connection.port, "tcp", connection.address, connection.process_id


def _row(address: str, holder: Holder) -> SocketRow:
    pool = holder.protocol == "udp" and holder.port != DNS_PORT and holder.is_dns
    return widened(SocketRow, holder, address=address, pool=pool)


def _warnings(view: PortInfoView) -> tuple[str, ...]:
    if not view.inquiry.leaves_connections_out:
        return ()
    return (f"sockets: outgoing TCP connections were not looked at; ask for {MOST_CONNECTION_PORTS} ports at most.",)
