# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The socket table and Windows' rules for binding.

The two tables of results are those of Microsoft's "Using SO_REUSEADDR and SO_EXCLUSIVEADDRUSE" for Windows Server 2003
and later: one for two binds of the same account, one for binds of different accounts.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import typing as t

Protocol: t.TypeAlias = t.Literal["tcp", "udp"]
Family: t.TypeAlias = t.Literal[4, 6]
Option: t.TypeAlias = t.Literal["default", "reuse", "exclusive"]
TcpState: t.TypeAlias = t.Literal["", "listen", "syn_sent", "established", "close_wait", "time_wait", "bound"]

WSAEADDRINUSE: t.Final = 10048
WSAEACCES: t.Final = 10013

WILDCARDS: t.Final[dict[Family, str]] = {4: "0.0.0.0", 6: "::"}
BOTH_FAMILIES: t.Final[tuple[Family, ...]] = (4, 6)
OWN_ADDRESSES: t.Final[dict[Family, str]] = {4: "192.0.2.10", 6: "2001:db8::10"}
FAR_ADDRESSES: t.Final[dict[Family, str]] = {4: "192.0.2.99", 6: "2001:db8::99"}
FAR_PORT: t.Final = 389
VISITORS: t.Final = (3101, 50389, 50636, 51515)
"""Ports from which others have connected to this server: numbers that services here need, on the far side."""
ENDED: t.Final = (1305, 3101, 49901, 50389, 50636)
"""Ports of connections that are over and wait (TIME_WAIT): they belong to no process and hold nothing [K]."""

_OPTIONS: t.Final[tuple[Option, ...]] = ("default", "reuse", "exclusive")
_RESULTS: t.Final = {"ok": 0, "use": WSAEADDRINUSE, "acc": WSAEACCES}

# Columns: newcomer default wildcard, default specific, reuse wildcard, reuse specific, exclusive wildcard, specific.
_SAME_ACCOUNT: t.Final = {
    ("default", True): "use ok acc ok use ok",
    ("default", False): "ok use ok acc use use",
    ("reuse", True): "use ok ok ok use ok",
    ("reuse", False): "ok use ok ok use use",
    ("exclusive", True): "use acc acc acc use acc",
    ("exclusive", False): "ok use ok acc use use",
}
_OTHER_ACCOUNT: t.Final = {
    ("default", True): "use acc acc acc use acc",
    ("default", False): "ok use ok acc use use",
    ("reuse", True): "use acc ok ok use acc",
    ("reuse", False): "ok use ok ok use use",
    ("exclusive", True): "use acc acc acc use acc",
    ("exclusive", False): "ok use ok acc use use",
}


def bind_result(
    *, holder: Option, holder_wildcard: bool, newcomer: Option, newcomer_wildcard: bool, same_account: bool
) -> int:
    """Return 0, 10048 or 10013 for a second bind to a port on addresses that overlap."""
    row = (_SAME_ACCOUNT if same_account else _OTHER_ACCOUNT)[holder, holder_wildcard]
    return _RESULTS[row.split()[2 * _OPTIONS.index(newcomer) + (not newcomer_wildcard)]]


class Socket(t.NamedTuple):
    """One bound socket. ``created`` is simulated time; ``service`` the owner inside a shared process, or "".

    ``client``: connect() chose its port, which takes the port on all addresses, even if ``address`` names one [K].

    A tuple, because a lottery makes half a million of them.
    """

    protocol: Protocol
    family: Family
    port: int
    pid: int
    account: str
    service: str = ""
    option: Option = "default"
    address: str = ""
    state: TcpState = ""
    remote_address: str = ""
    remote_port: int = 0
    created: float = 0.0
    client: bool = False

    @property
    def wildcard(self) -> bool:
        """Whether the socket is bound to all addresses."""
        return self.client or self.address == WILDCARDS[self.family]


@dataclasses.dataclass(frozen=True, slots=True)
class SocketPool:
    """Thousands of UDP sockets of one process as a set of ports: dns.exe's pool."""

    ports: frozenset[int]
    families: tuple[Family, ...]
    pid: int
    account: str
    service: str
    option: Option
    created: float

    def socket(self, port: int, family: Family) -> Socket:
        """Return the one socket of the pool on this port."""
        return Socket(
            "udp",
            family,
            port,
            self.pid,
            self.account,
            self.service,
            self.option,
            WILDCARDS[family],
            created=self.created,
        )


@functools.lru_cache(maxsize=64)
def _sockets_of(pool: SocketPool, family: Family) -> tuple[Socket, ...]:
    return tuple(pool.socket(port, family) for port in pool.ports)


class SocketTable:
    """All sockets of a running server."""

    def __init__(self, *, waiting_hold: bool = False) -> None:
        """Begin with none. ``waiting_hold``: connections that are over and wait keep their ports."""
        self._waiting_hold = waiting_hold
        self._sockets: dict[tuple[Protocol, Family], dict[int, list[Socket]]] = {
            ("tcp", 4): {},
            ("tcp", 6): {},
            ("udp", 4): {},
            ("udp", 6): {},
        }
        self._pools: list[SocketPool] = []

    def holders(self, protocol: Protocol, family: Family, port: int) -> list[Socket]:
        """Return the sockets bound to a port."""
        sockets = self._sockets[protocol, family].get(port, ())
        found = [socket for socket in sockets if self._waiting_hold or socket.state != "time_wait"]
        if protocol == "udp" and self._pools:
            found += [
                pool.socket(port, family) for pool in self._pools if family in pool.families and port in pool.ports
            ]
        return found

    def is_used(self, protocol: Protocol, port: int) -> bool:
        """Whether anything is bound to the port, on IPv4 or IPv6."""
        return (
            port in self._sockets[protocol, 4]
            or port in self._sockets[protocol, 6]
            or (protocol == "udp" and any(port in pool.ports for pool in self._pools))
        )

    def used_ports(self, protocol: Protocol, *, clients: bool = True) -> set[int]:
        """Return all ports in use, on IPv4 or IPv6; without ``clients`` not those that only connections have."""
        used = set(self._sockets[protocol, 4]) | set(self._sockets[protocol, 6])
        if protocol == "tcp":
            used = {port for port in used if self._is_held(port, clients=clients)}
            used.update(ENDED if self._waiting_hold else ())
        if protocol == "udp":
            for pool in self._pools:
                used |= pool.ports
        return used

    def _is_held(self, port: int, *, clients: bool) -> bool:
        """Whether a TCP port is held by more than connections that do not count."""
        holders = [socket for family in BOTH_FAMILIES for socket in self._sockets["tcp", family].get(port, ())]
        lasting = [socket for socket in holders if self._waiting_hold or socket.state != "time_wait"]
        return any(clients or not socket.client for socket in lasting)

    def drop_pools(self, service: str) -> None:
        """Close the pools of a service, and nothing else of it."""
        self._pools = [pool for pool in self._pools if pool.service != service]

    def conflict(self, newcomer: Socket) -> int:
        """Return the result of bind() for the newcomer: 0, 10048 or 10013."""
        for holder in self.holders(newcomer.protocol, newcomer.family, newcomer.port):
            if not (holder.wildcard or newcomer.wildcard or holder.address == newcomer.address):
                continue
            result = bind_result(
                holder=holder.option,
                holder_wildcard=holder.wildcard,
                newcomer=newcomer.option,
                newcomer_wildcard=newcomer.wildcard,
                same_account=holder.account.casefold() == newcomer.account.casefold(),
            )
            if result:
                return result
        return 0

    def add(self, socket: Socket) -> None:
        """Add a socket without asking (the caller has asked ``conflict``)."""
        self._sockets[socket.protocol, socket.family].setdefault(socket.port, []).append(socket)

    def add_pool(self, pool: SocketPool) -> None:
        """Add a pool of UDP sockets."""
        self._pools.append(pool)

    def close(self, *, pid: int | None = None, service: str | None = None) -> None:
        """Close the sockets of a process, or of one service."""

        def stays(owner: Socket | SocketPool) -> bool:
            return not ((pid is None or owner.pid == pid) and (service is None or owner.service == service))

        for ports in self._sockets.values():
            for port in [port for port, sockets in ports.items() if not all(map(stays, sockets))]:
                ports[port] = [socket for socket in ports[port] if stays(socket)]
                if not ports[port]:
                    del ports[port]
        self._pools = [pool for pool in self._pools if stays(pool)]

    def fingerprint(self) -> c.Hashable:
        """Return something that is equal for tables with the same sockets in the same order."""
        single = tuple(socket for ports in self._sockets.values() for sockets in ports.values() for socket in sockets)
        return single, tuple(self._pools)

    def count(self) -> int:
        """Return the number of sockets."""
        single = sum(len(sockets) for ports in self._sockets.values() for sockets in ports.values())
        return single + sum(len(pool.ports) * len(pool.families) for pool in self._pools)

    def all(self, protocol: Protocol, family: Family) -> list[Socket]:
        """Return the sockets of one protocol and family in order of their ports."""
        found = [socket for sockets in self._sockets[protocol, family].values() for socket in sockets]
        if protocol == "udp":
            for pool in self._pools:
                if family in pool.families:
                    found += _sockets_of(pool, family)
        return sorted(found, key=lambda socket: socket.port)

    def shown(self, protocol: Protocol, family: Family) -> list[Socket]:
        """Return the rows that tools show: sockets, an accepted connection per listener, connections that are over.

        These share the port of their listener, or have none: they block no bind.
        """
        found = self.all(protocol, family)
        if protocol == "udp":
            return found
        near, far = OWN_ADDRESSES[family], FAR_ADDRESSES[family]
        listeners = [socket for socket in found if socket.state == "listen"]
        accepted = [
            listener._replace(
                state="established",
                address=near,
                remote_address=far,
                remote_port=VISITORS[number % len(VISITORS)],
            )
            for number, listener in enumerate(listeners)
        ]
        ended = Socket(
            "tcp", family, 0, 0, "", address=near, state="time_wait", remote_address=far, remote_port=FAR_PORT
        )
        over = [ended._replace(port=port) for port in (ENDED if listeners else ())]
        return sorted([*found, *accepted, *over], key=lambda socket: socket.port)

    def as_json(self) -> list[dict[str, t.Any]]:
        """Return all sockets; those of a pool are one row."""
        rows = [
            {
                "protocol": socket.protocol,
                "family": socket.family,
                "address": socket.address,
                "port": socket.port,
                "state": socket.state,
                "pid": socket.pid,
                "service": socket.service,
            }
            for ports in self._sockets.values()
            for port in sorted(ports)
            for socket in ports[port]
        ]
        pools = [
            {
                "protocol": "udp",
                "families": list(pool.families),
                "pool": sorted(pool.ports),
                "pid": pool.pid,
                "service": pool.service,
            }
            for pool in self._pools
        ]
        return rows + pools
