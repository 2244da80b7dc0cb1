# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of sockets: how WMI and netstat give them out, who holds which port, and who was first at the last boot."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet, split_entries
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Question
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Row,
    Server,
    number,
    text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.commands import ACTIVE_TCP, RANGE_TCP
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    LISTENING,
    MAX_USER_PORT,
    NETSTAT,
    OPERATING_SYSTEM,
    PROCESSES,
    RESERVED,
    SERVICES,
    TCP,
    UDP,
    Bound,
    bound,
    image_of,
    max_user_port,
    process_of,
    reserved_entries,
    service,
    started,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.system import SLOWEST_BOOT

SOCKETS: t.Final[tuple[Question, ...]] = (OPERATING_SYSTEM, UDP, TCP, NETSTAT)
WITH_OWNERS: t.Final[tuple[Question, ...]] = (*SOCKETS, SERVICES, PROCESSES)
ESTABLISHED: t.Final = 5
TIME_WAIT: t.Final = 11
BOUND: t.Final = 100
FIRST_WITH_BOUND: t.Final = 14393
NEAR_START: t.Final = 64
"""Ports from the start of the dynamic range within which the first few are, if they are handed out in order."""
_ROW: t.Final = re.compile(rb"^  (TCP|UDP) ", re.MULTILINE)
_CODES: t.Final = (10013, 10048)


def _has_classes(found: Readings) -> bool:
    return found.reading(UDP).fault is None and found.reading(TCP).fault is None


def has_classes(server: Server) -> bool:
    """True if the release has WMI's classes of sockets."""
    return server.release.capabilities.network_endpoint_classes


def _with_classes(found: Readings) -> tuple[Row, ...]:
    if not found.server.release.capabilities.network_endpoint_classes:
        raise CantTell("this release has no WMI classes of sockets")
    return found.rows(TCP)


def _listener_state(found: Readings) -> int:
    """The state of SMB's listener."""
    rows = [row for row in _with_classes(found) if number(row, "LocalPort") == 445 and not number(row, "RemotePort")]
    if not rows:
        raise CantTell("nothing listens on 445")
    return number(rows[0], "State")


def _bound_rows(found: Readings) -> bool:
    """Bound sockets have rows of their own, beside outgoing connections."""
    rows = _with_classes(found)
    listeners = {number(row, "LocalPort") for row in rows if number(row, "State") == LISTENING}
    states = [number(row, "State") for row in rows]
    outgoing = [row for row in rows if number(row, "State") == ESTABLISHED]
    if not any(number(row, "LocalPort") not in listeners for row in outgoing):
        raise CantTell("this server has no outgoing connection")
    return BOUND in states


def _waiting(found: Readings) -> int:
    """The process of connections that wait for their end."""
    owners = {number(row, "OwningProcess") for row in _with_classes(found) if number(row, "State") == TIME_WAIT}
    if not owners:
        raise CantTell("no connection waits for its end")
    return max(owners)


def _read_rows(found: Readings) -> bool:
    """The reader finds every UDP row of netstat, by its shape."""
    sockets = found.answered(NETSTAT).sockets
    rows = len(re.findall(rb"^ +UDP +", found.ran(NETSTAT).raw, re.MULTILINE))
    return rows > 0 and rows == sum(1 for one in sockets if one.protocol == "udp")


def _same_sockets(found: Readings) -> bool:
    """netstat and WMI count the same UDP sockets, but for those that came and went between both."""
    _with_classes(found)
    by_netstat = sum(1 for one in found.answered(NETSTAT).sockets if one.protocol == "udp")
    by_wmi = len(found.rows(UDP))
    return abs(by_netstat - by_wmi) <= max(20, by_wmi // 20)


def _brackets(found: Readings) -> bool:
    rows = [line for line in found.ran(NETSTAT).raw.splitlines() if _ROW.match(line)]
    six = [line for line in rows if line.split()[1].count(b":") > 1]
    if not six:
        raise CantTell("nothing is bound on IPv6")
    return all(line.split()[1].startswith(b"[") for line in six)


def _http_owner(found: Readings) -> int:
    """The process that listens for WinRM: http.sys is in the kernel."""
    owners = {one.process_id for one in bound(found) if one.protocol == "tcp" and one.port in (5985, 5986)}
    if not owners:
        owners = {one.process_id for one in bound(found) if one.protocol == "tcp" and one.port in (80, 443)}
    if len(owners) != 1:
        raise CantTell("no usual port of WinRM is listened on by one process alone")
    return owners.pop()


def _dynamic(found: Readings) -> PortRange:
    if found.server.is_old:
        return PortRange(1025, max_user_port(found) or 5000)
    return found.ports(RANGE_TCP)


def _ephemeral(found: Readings) -> list[Bound]:
    """Listeners of other programs than the DNS server in the dynamic range."""
    dynamic = _dynamic(found)
    return [
        one
        for one in bound(found)
        if one.protocol == "tcp" and one.port in dynamic and image_of(found, one.process_id) != "dns.exe"
    ]


def _others(found: Readings) -> bool:
    """Programs other than AD LDS hold dynamic ports; those of products with fixed ports there are few."""
    images = {image_of(found, one.process_id) for one in _ephemeral(found)}
    return bool(images & {"lsass.exe", "services.exe", "wininit.exe", "svchost.exe", "spoolsv.exe"})


def _order(found: Readings) -> str:
    ports = sorted({one.port for one in _ephemeral(found)})
    if len(ports) < 3:
        raise CantTell("too few programs have a dynamic port")
    kept = _kept(found)
    passed = sum(1 for port in range(_dynamic(found).first, ports[2]) if port not in kept)
    return "sequential" if passed < NEAR_START else "random"


def _kept(found: Readings) -> PortSet:
    """The TCP ports that no program gets by chance."""
    if found.server.is_old:
        reserved = reserved_entries(found) if found.code(RESERVED) == 0 else ()
        return PortSet.of(*(ports for _text, ports in split_entries(reserved)[0]))
    blocks = found.answered(ACTIVE_TCP).blocks or ()
    return PortSet.of(*(block.ports for block in blocks))


def _instances(found: Readings) -> list[Row]:
    rows = [row for row in found.rows(SERVICES) if text(row, "Name").casefold().startswith("adam_")]
    if not rows:
        raise CantTell("this server has no AD LDS")
    return rows


def _directory(found: Readings) -> int:
    running = [number(row, "ProcessId") for row in _instances(found) if number(row, "ProcessId")]
    if not running:
        raise CantTell("no AD LDS instance runs")
    return running[0]


def _binds_udp(found: Readings) -> bool:
    process = _directory(found)
    own = [one for one in bound(found) if one.process_id == process]
    listening = {one.port for one in own if one.protocol == "tcp"}
    return bool(listening & {one.port for one in own if one.protocol == "udp"})


def directory_ports(found: Readings) -> frozenset[int]:
    """The TCP ports from 1024 on that AD LDS has; none if it does not run."""
    try:
        process = _directory(found)
    except CantTell:
        return frozenset()
    own = (one for one in bound(found) if one.process_id == process and one.protocol == "tcp")
    return frozenset(one.port for one in own if one.port >= 1024)


def _reuses(found: Readings) -> bool:
    """By the error of an instance that lost its port."""
    codes = [number(row, name) for row in _instances(found) for name in ("ExitCode", "ServiceSpecificExitCode")]
    lost = [code for code in codes if code in _CODES]
    if not lost:
        raise CantTell("no AD LDS instance has lost its port on this server")
    return lost[0] == _CODES[0]


def dns_first(found: Readings) -> bool:
    """The order of the last boot, by the times of the sockets."""
    processes = (process_of(found, "DNS"), _directory(found))
    if any(not 0 < started(found, process) < SLOWEST_BOOT for process in processes):
        raise CantTell("one of both was started after the boot")
    times = [
        [one.created for one in bound(found) if one.process_id == process and one.port >= 1024 and one.created]
        for process in processes
    ]
    if not all(times):
        raise CantTell("this release tells no times of sockets")
    return min(times[0]) < min(times[1])


def _needs_l2tp(found: Readings) -> bool:
    row = service(found, "RemoteAccess")
    own = number(row, "ProcessId")
    holders = {one.process_id for one in bound(found) if one.protocol == "udp" and one.port == 1701}
    if text(row, "State") == "Running" and holders and own not in holders:
        return False
    if text(row, "State") == "Stopped" and number(row, "ExitCode") in _CODES and holders:
        return True
    raise CantTell("UDP 1701 is not in the hands of another program")


def _traversal_owner(found: Readings) -> str:
    """The program with UDP 4500 on Windows Server 2003."""
    if not found.server.is_old:
        raise CantTell("this is about Windows Server 2003")
    owners = {one.process_id for one in bound(found) if one.protocol == "udp" and one.port == 4500}
    if len(owners) != 1:
        raise CantTell("UDP 4500 is free")
    image = image_of(found, owners.pop())
    if image == "dns.exe":
        raise CantTell("dns.exe has taken it")
    return image


def _radius_image(found: Readings) -> str:
    return image_of(found, process_of(found, "IAS"))


ROWS: t.Final = (
    Probe(
        id="socket_classes",
        asks="Has WMI the classes of sockets?",
        needs=(UDP, TCP),
        expect=has_classes,
        see=_has_classes,
        tag="D",
    ),
    Probe(
        id="listener_state",
        asks="Which State has a listener in MSFT_NetTCPConnection?",
        needs=(TCP,),
        expect=2,
        see=_listener_state,
        tag="D",
    ),
    Probe(
        id="bound_sockets_shown",
        asks="Does MSFT_NetTCPConnection show a bound socket (State 100) beside outgoing connections?",
        needs=(TCP,),
        expect=lambda server: server.release.build >= FIRST_WITH_BOUND,
        see=_bound_rows,
        tag="T",
        depends_on=("other_ephemeral_users",),
    ),
    Probe(
        id="waiting_connections",
        asks="Which process has a connection that waits for its end?",
        needs=(TCP,),
        expect=0,
        see=_waiting,
        tag="D",
    ),
    Probe(
        id="netstat_rows",
        asks="Are all UDP rows of netstat read by their shape?",
        needs=(NETSTAT,),
        expect=True,
        see=_read_rows,
        tag="C",
    ),
    Probe(
        id="netstat_agrees",
        asks="Do netstat and WMI show the same UDP sockets?",
        needs=(NETSTAT, UDP, TCP),
        expect=True,
        see=_same_sockets,
        tag="K",
    ),
    Probe(
        id="netstat_brackets",
        asks="Does netstat write IPv6 addresses in brackets?",
        needs=(NETSTAT,),
        expect=True,
        see=_brackets,
        tag="C",
    ),
    Probe(
        id="winrm_listener",
        asks="Which process listens for WinRM?",
        needs=SOCKETS,
        expect=4,
        see=_http_owner,
        tag="K",
    ),
    Probe(
        id="other_ephemeral_users",
        asks="Do programs of Windows hold dynamic TCP ports from the boot on?",
        needs=(*WITH_OWNERS, RANGE_TCP, MAX_USER_PORT),
        expect=True,
        see=_others,
        tag="K",
        settles="other_ephemeral_users",
    ),
    Probe(
        id="ephemeral_order",
        asks="Are dynamic ports handed out from the lowest on, or at random?",
        needs=(*WITH_OWNERS, RANGE_TCP, ACTIVE_TCP, MAX_USER_PORT, RESERVED),
        expect="sequential",
        see=_order,
        tag="K",
        settles="ephemeral_order",
        depends_on=("other_ephemeral_users",),
    ),
    Probe(
        id="ad_lds_binds_udp",
        asks="Does AD LDS bind the UDP twin of its TCP ports?",
        needs=WITH_OWNERS,
        expect=True,
        see=_binds_udp,
        tag="K",
        settles="ad_lds_binds_udp",
    ),
    Probe(
        id="ad_lds_error",
        asks="Does AD LDS fail with 10013 (and not 10048) if another program has its port?",
        needs=(SERVICES,),
        expect=True,
        see=_reuses,
        tag="K",
        settles="ad_lds_reuses_address",
    ),
    Probe(
        id="dns_before_ad_lds",
        asks="Did the DNS server bind its pool before AD LDS bound its ports at the last boot?",
        needs=WITH_OWNERS,
        expect=True,
        see=dns_first,
        tag="T",
        settles="dns_before_ad_lds",
    ),
    Probe(
        id="rras_needs_l2tp",
        asks="Does Routing and Remote Access fail if UDP 1701 is taken?",
        needs=WITH_OWNERS,
        expect=True,
        see=_needs_l2tp,
        tag="K",
        settles="rras_needs_l2tp",
    ),
    Probe(
        id="traversal_owner",
        asks="Which program has UDP 4500 on Windows Server 2003?",
        needs=WITH_OWNERS,
        expect="lsass.exe",
        see=_traversal_owner,
        tag="K",
    ),
    Probe(
        id="radius_image",
        asks="In which program does the RADIUS server run?",
        needs=WITH_OWNERS,
        expect="svchost.exe",
        see=_radius_image,
        tag="K",
    ),
)
