# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""netstat.exe."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import re
import typing as t

from tests.simulator.windows.commands.program import Invocation, Output, lines
from tests.simulator.windows.context import Context
from tests.simulator.windows.releases import Language
from tests.simulator.windows.sockets import Family, Protocol, Socket, SocketTable

_HEADINGS: t.Final[t.Mapping[Language, tuple[str, str, str, str, str]]] = {
    "en": ("Active Connections", "Proto", "Local Address", "Foreign Address", "State"),
    "de": ("Aktive Verbindungen", "Proto", "Lokale Adresse", "Remoteadresse", "Status"),
}
_STATES: t.Final[t.Mapping[Language, t.Mapping[str, str]]] = {
    "en": {
        "": "",
        "listen": "LISTENING",
        "syn_sent": "SYN_SENT",
        "established": "ESTABLISHED",
        "close_wait": "CLOSE_WAIT",
        "time_wait": "TIME_WAIT",
    },
    "de": {
        "": "",
        "listen": "ABH\u00d6REN",
        "syn_sent": "SYN_GESENDET",
        "established": "HERGESTELLT",
        "close_wait": "SCHLIESSEN_WARTEN",
        "time_wait": "WARTEND",
    },
}
_TABLES: t.Final[t.Mapping[str, tuple[tuple[Protocol, Family], ...]]] = {
    "": (("tcp", 4), ("tcp", 6), ("udp", 4), ("udp", 6)),
    "tcp": (("tcp", 4),),
    "udp": (("udp", 4),),
    "tcpv6": (("tcp", 6),),
    "udpv6": (("udp", 6),),
}


def _address(address: str, family: Family, port: int) -> str:
    return f"{address}:{port}" if family == 4 else f"[{address}]:{port}"


def _row(socket: Socket, language: Language, *, with_pid: bool) -> str:
    local = _address(socket.address, socket.family, socket.port)
    if socket.protocol == "udp":
        remote = "*:*"
    else:
        unbound = "0.0.0.0" if socket.family == 4 else "::"
        remote = _address(socket.remote_address or unbound, socket.family, socket.remote_port)
    pid = str(socket.pid) if with_pid else ""
    state = _STATES[language][socket.state]
    return f"  {socket.protocol.upper():<6} {local:<22} {remote:<22} {state:<15} {pid}".rstrip()


@dataclasses.dataclass(frozen=True)
class _Wanted:
    """What a text depends on; of the sockets, their fingerprint is compared."""

    sockets: SocketTable = dataclasses.field(compare=False)
    fingerprint: c.Hashable
    language: Language
    protocol: str
    listening: bool
    with_pid: bool


def table(context: Context, *, protocol: str = "", listening: bool = True, with_pid: bool = True) -> str:
    """Return the text of ``netstat -n``."""
    sockets = context.session.sockets
    return _text(_Wanted(sockets, sockets.fingerprint(), context.machine.language, protocol, listening, with_pid))


@functools.lru_cache(maxsize=16)
def _text(wanted: _Wanted) -> str:
    """The text. Kept, since a pool has thousands of rows, and nothing changes from most questions to the next."""
    title, proto, local, remote, state = _HEADINGS[wanted.language]
    heading = f"  {proto:<6} {local:<22} {remote:<22} {state:<15} {'PID' if wanted.with_pid else ''}".rstrip()
    states = _STATES[wanted.language]
    rows = [
        _row(socket, wanted.language, with_pid=wanted.with_pid)
        for kind, family in _TABLES[wanted.protocol]
        for socket in wanted.sockets.shown(kind, family)
        if socket.state in states and (wanted.listening or socket.state not in ("", "listen"))
    ]
    return lines("", title, "", heading, *rows)


def run(invocation: Invocation) -> Output:
    """Show connections and listening ports: ``-a -n -o`` in any order, ``-p tcp|udp|tcpv6|udpv6``."""
    flags: set[str] = set()
    protocol = ""
    arguments = iter(invocation.arguments)
    for argument in arguments:
        match = re.match(r"[-/]([anobp]+)\Z", argument.casefold())
        if match is None:
            return Output(lines("", "NETSTAT [-a] [-n] [-o] [-p proto]"), code=1)
        flags |= set(match[1])
        if "p" in match[1]:
            protocol = next(arguments, "?").casefold()
    if protocol not in _TABLES:
        return Output(lines("", "NETSTAT [-a] [-n] [-o] [-p proto]"), code=1)
    return Output(table(invocation.context, protocol=protocol, listening="a" in flags, with_pid="o" in flags))
