# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The holders of a port: by WMI's classes if they exist, else by ``netstat -ano``.

Both are filtered on the server, since a DNS server alone holds thousands of sockets, and a busy web server has tens of
thousands of connections.

A TCP row that is no listener holds its local port only if no process listens there: an accepted connection shows the
same local port as its listener and blocks no other. One whose listener has gone can't be told from an outgoing
connection, and may keep others from the port as well (Microsoft, "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE").
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import NO_PORTS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Connection, Protocol, Socket
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import wql

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client, Instance

NAMESPACE: t.Final = "root/StandardCimv2"
COLUMNS: t.Final = ("LocalAddress", "LocalPort", "OwningProcess")
CONNECTION_COLUMNS: t.Final = (*COLUMNS, "RemoteAddress", "RemotePort")
LISTENING: t.Final = "State = 2"
"""MSFT_NetTCPConnection.State, up to 12 as in MIB_TCP_STATE (MS-RRASM 2.2.1.1.11): 2 is Listen."""
HOLDING: t.Final = "State > 2 AND State <> 11 AND State <> 12 AND OwningProcess <> 0"
"""Neither Closed (1) nor Listen, TimeWait (11) or DeleteTCB (12). The states between are connections; Bound, of which
Get-NetTCPConnection knows, is 100 [K]: a socket that has its port and does not listen (on 2016 one stands beside each
outgoing connection [T]). A row in TimeWait belongs to no process (its id is 0): there is no program to name or to
stop, it ends within minutes, and whether it blocks the port is contested: it does not count as a holder."""
NETSTAT: t.Final = "netstat -ano"
MOST_NAMED_PORTS: t.Final = 64
"""Above that many ports a filter by their numbers is longer than it is worth."""


def read_sockets(client: Client, ports: PortSet | None) -> tuple[Socket, ...]:
    """TCP listeners and bound UDP sockets on these ports (``None``: all), by WMI; 2 to 4 requests.

    For releases with the capability ``network_endpoint_classes``.
    """
    if ports is not None and not ports:
        return ()
    udp = read_udp_sockets(client, ports)
    return (*read_listeners(client, ports), *udp)


def read_udp_sockets(client: Client, ports: PortSet | None) -> tuple[Socket, ...]:
    """The bound UDP sockets among them alone; 1 to 2 requests."""
    where = "" if ports is None else wql.within("LocalPort", ports)
    return tuple(_sockets("udp", client.query(NAMESPACE, wql.select(COLUMNS, "MSFT_NetUDPEndpoint", where))))


def read_listeners(client: Client, ports: PortSet | None) -> tuple[Socket, ...]:
    """The TCP listeners among them alone; 1 to 2 requests."""
    if ports is not None and not ports:
        return ()
    listening = LISTENING if ports is None else f"{LISTENING} AND ({wql.within('LocalPort', ports)})"
    return tuple(_sockets("tcp", client.query(NAMESPACE, wql.select(COLUMNS, "MSFT_NetTCPConnection", listening))))


def read_connections(client: Client, ports: PortSet) -> tuple[Connection, ...]:
    """The TCP rows that hold one of these ports, on which no process may be listening; 1 to 2 requests.

    For releases with the capability ``network_endpoint_classes``. A listener's port would give all its accepted
    connections, which may be tens of thousands.
    """
    if not ports:
        return ()
    where = f"{HOLDING} AND ({wql.within('LocalPort', ports)})"
    rows = client.query(NAMESPACE, wql.select(CONNECTION_COLUMNS, "MSFT_NetTCPConnection", where))
    return tuple(filter(None, map(_connection, rows)))


def without_listener(ports: PortSet, sockets: t.Iterable[Socket]) -> PortSet:
    """The ports on which no process listens over TCP: only there a connection holds its port."""
    return ports - PortSet.of(*{socket.port for socket in sockets if socket.protocol == "tcp"})


def netstat_command(ports: PortSet | None, connected: PortSet = NO_PORTS) -> str:
    """The command whose output holds at least the sockets on these ports (``None``: all), for every release.

    Where the ports are few, findstr looks for their numbers; otherwise for what only listeners and UDP sockets have as
    their foreign address. Beside that for the numbers of ``connected``: ports, few, of which every TCP row is wanted. A
    number is found in foreign addresses too; such rows are for the reader to leave out.
    """
    few = ports is not None and 0 < ports.count <= MOST_NAMED_PORTS
    named = (ports or NO_PORTS) | connected if few else connected
    patterns = [*([] if few else [":0 ", "*:*"]), *(f":{port} " for port in named)]
    return f"{NETSTAT} | findstr /l " + " ".join(f'/c:"{pattern}"' for pattern in patterns)


def on_ports(sockets: t.Iterable[Socket], ports: PortSet | None) -> tuple[Socket, ...]:
    """Those on these ports (``None``: all)."""
    return tuple(socket for socket in sockets if ports is None or socket.port in ports)


def _connection(row: Instance) -> Connection | None:
    port, far_port = row.integer("LocalPort"), row.integer("RemotePort") or 0
    far_end = endpoint(row.text("RemoteAddress") or "", far_port) if far_port else ""
    address, process_id = row.text("LocalAddress") or "", row.integer("OwningProcess") or 0
    return None if port is None else Connection(address, port, process_id, far_end)


def endpoint(address: str, port: int) -> str:
    """As netstat writes it: ``192.0.2.99:389``, ``[2001:db8::99]:389``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _sockets(protocol: Protocol, rows: t.Iterable[Instance]) -> t.Iterator[Socket]:
    for row in rows:
        port = row.integer("LocalPort")
        if port is not None:
            yield Socket(protocol, row.text("LocalAddress") or "", port, row.integer("OwningProcess") or 0)
