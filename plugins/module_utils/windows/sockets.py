# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who listens on a port: by WMI's classes where they exist, by ``netstat -ano`` elsewhere.

Both are filtered on the server, since a DNS server alone holds thousands of sockets.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import Protocol, Socket
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils.windows import wql

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.client import Client, Instance

NAMESPACE: t.Final = "root/StandardCimv2"
COLUMNS: t.Final = ("LocalAddress", "LocalPort", "OwningProcess")
LISTENING: t.Final = "State = 2"
"""MSFT_NetTCPConnection.State: 2 is Listen."""
MOST_NAMED_PORTS: t.Final = 64
"""Above that many ports a filter by their numbers is longer than it is worth."""


def read_sockets(client: Client, ports: PortSet | None) -> tuple[Socket, ...]:
    """TCP listeners and bound UDP sockets on these ports (``None``: all), by WMI; 2 to 4 requests.

    For releases with the capability ``network_endpoint_classes``.
    """
    if ports is not None and not ports:
        return ()
    where = "" if ports is None else wql.within("LocalPort", ports)
    listening = f"{LISTENING} AND ({where})" if where else LISTENING
    tcp = client.query(NAMESPACE, wql.select(COLUMNS, "MSFT_NetTCPConnection", listening))
    udp = client.query(NAMESPACE, wql.select(COLUMNS, "MSFT_NetUDPEndpoint", where))
    return (*_sockets("tcp", tcp), *_sockets("udp", udp))


def netstat_command(ports: PortSet | None) -> str:
    """The command whose output holds at least the sockets on these ports (``None``: all), for every release.

    Where the ports are few, findstr looks for their numbers; otherwise for what only listeners and UDP sockets have as
    their foreign address.
    """
    few = ports is not None and 0 < ports.count <= MOST_NAMED_PORTS
    patterns = [f":{port} " for port in ports or ()] if few else [":0 ", "*:*"]
    return "netstat -ano | findstr /l " + " ".join(f'/c:"{pattern}"' for pattern in patterns)


def on_ports(sockets: t.Iterable[Socket], ports: PortSet | None) -> tuple[Socket, ...]:
    """Those on these ports (``None``: all)."""
    return tuple(socket for socket in sockets if ports is None or socket.port in ports)


def _sockets(protocol: Protocol, rows: t.Iterable[Instance]) -> t.Iterator[Socket]:
    for row in rows:
        port = row.integer("LocalPort")
        if port is not None:
            yield Socket(protocol, row.text("LocalAddress") or "", port, row.integer("OwningProcess") or 0)
