# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of findings, as rows: what each says, what must be seen for it, and where the rule comes from.

The documentation's table is made of these rows. A tag such as [T] or [K] tells how well a rule is known.
"""

from __future__ import annotations

import dataclasses
import typing as t

Severity = t.Literal["critical", "warning", "information"]
SEVERITIES: t.Final[tuple[Severity, ...]] = t.get_args(Severity)
"""Worst first."""

KindName = t.Literal[
    "port_taken_by_dns_pool",
    "port_taken_by_rpc",
    "port_taken_by_connection",
    "port_taken_by_process",
    "port_taken_by_unknown",
    "port_in_windows_block",
    "port_was_taken",
    "service_lost_unknown_port",
    "activesync_port_taken",
    "dns_is_victim",
    "ipsec_block_mode",
    "ipsec_block_mode_danger",
    "static_rpc_port_taken",
    "static_rpc_ports_collide",
    "mta_endpoint_failed",
    "pool_size_small",
    "dead_pool_value",
    "delayed_start_void",
    "max_user_port_out_of_range",
    "reserved_ports_ignored",
    "reserved_ports_touch",
    "exclusion_until_boot",
    "dns_update_missing",
    "range_nearly_used_up",
    "dotnet_breaks_autodiscover",
    "exchange_2007_on_2008r2",
    "network_retransmits",
    "administrator_filtered",
]


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind. ``severity`` is the usual one; ``seen_by`` is the evidence without which there is no such finding."""

    severity: Severity
    says: str
    seen_by: str
    source: str


_LOST: t.Final = "the service does not run, its exit code (or event 7023 of this boot) is 10048, 10013 or 32"

KINDS: t.Final[t.Mapping[KindName, Kind]] = {
    "port_taken_by_dns_pool": Kind(
        "critical",
        "A service is down because the DNS server's socket pool has its port.",
        f"{_LOST}; `dns.exe` holds the port",
        "KB956188, KB956189, KB959215; field reports",
    ),
    "port_taken_by_rpc": Kind(
        "critical",
        "A service is down because a dynamic RPC endpoint in `lsass.exe` has its port.",
        f"{_LOST}; `lsass.exe` holds the port and does not own it",
        "field report of 2008 [T]",
    ),
    "port_taken_by_connection": Kind(
        "critical",
        "A service is down because an outgoing connection of another program has its TCP port as its own end.",
        f"{_LOST}; nobody listens on the port, and a process has a TCP socket with that local port",
        "KB812873, KB929851, TechNet cc758002 (MaxUserPort); the BlackBerry article of 2008 [T]",
    ),
    "port_taken_by_process": Kind(
        "critical",
        "A service is down because another process has its port.",
        f"{_LOST}; a process that neither owns the port nor is one of those above holds it",
        "KB812873, KB929851",
    ),
    "port_taken_by_unknown": Kind(
        "critical",
        "A service is down because a port was taken, and who has its ports now could not be read.",
        f"{_LOST}; the sockets can't be read",
        "KB956188, KB956189",
    ),
    "port_in_windows_block": Kind(
        "critical",
        "A service is down because Windows itself keeps a block of ports (HTTP.sys, WinNAT, containers) with its port.",
        "the service does not run, its error is 10013, nobody holds the port, a netsh row without `*` has it",
        "field reports [T]",
    ),
    "port_was_taken": Kind(
        "critical",
        "A service is down because its port was taken when it started; the port is free now.",
        f"{_LOST}; nobody holds any of its ports",
        "KB956188, KB956189",
    ),
    "service_lost_unknown_port": Kind(
        "critical",
        "A service that this collection does not know is down because a port was taken.",
        "the service does not run, its exit code is 10048 or 10013",
        "winerror.h",
    ),
    "activesync_port_taken": Kind(
        "critical",
        "Mobile devices get no push: Exchange's ActiveSync can't have its port.",
        "Server ActiveSync 3015 or 3024; somebody other than `w3wp.exe` holds the port now",
        "KB956189",
    ),
    "dns_is_victim": Kind(
        "critical",
        "The DNS server itself can't have port 53: it is the victim here, not the thief.",
        "DNS Server 404, 407 or 408; another process holds port 53 and `dns.exe` does not",
        "the DNS server's event messages [C]",
    ),
    "ipsec_block_mode": Kind(
        "critical",
        "IPSEC Services lost its port at a boot and Windows blocked all network traffic; it still does not run.",
        "IPSec 4292 and, within ten minutes, event 7023 of IPSEC Services with 10048 or 10013",
        "KB912023, KB956189",
    ),
    "ipsec_block_mode_danger": Kind(
        "critical",
        "The next boot may block all network traffic: the DNS server's pool may take UDP 4500.",
        "Windows Server 2003; DNS and IPSEC Services start by themselves, `MaxUserPort` reaches 4500, 4500 is not "
        "reserved",
        "KB956188, KB912023",
    ),
    "static_rpc_port_taken": Kind(
        "critical",
        "A fixed RPC port is with another process; the service then has no such endpoint and may say nothing.",
        "the registry value, and a process other than the service's holds the port",
        "KB224196, KB270836",
    ),
    "static_rpc_ports_collide": Kind(
        "warning",
        "Two services have the same fixed RPC port.",
        "two registry values with the same number",
        "KB224196 (event 5809), KB270836",
    ),
    "mta_endpoint_failed": Kind(
        "warning",
        "Exchange's MTA could not listen for RPC over TCP.",
        "MSExchangeMTA 9321 with error 1720, newer than the MTA's process",
        "the RPC port article (KB148732, KB161931)",
    ),
    "pool_size_small": Kind(
        "warning",
        "The DNS server draws fewer ports than by default, so its answers are easier to forge (critical for 0).",
        "`SocketPoolSize` below 2500",
        "MS08-037, TechNet ee649174, ff807375",
    ),
    "dead_pool_value": Kind(
        "warning",
        "Somebody set a value that no Windows reads.",
        "`SocketPoolPortExclusionList` exists",
        "MS-DNSP 3.1.1.1.4: the name is `SocketPoolExcludedPortRanges`",
    ),
    "delayed_start_void": Kind(
        "warning",
        "DNS is set to start delayed, and Windows starts it at the boot all the same.",
        "DNS is set to start delayed; a service that starts automatically, at once, depends on it, directly or not",
        "SERVICE_DELAYED_AUTO_START_INFO",
    ),
    "max_user_port_out_of_range": Kind(
        "warning",
        "`MaxUserPort` is outside of what Windows documents.",
        "the registry value, on Windows Server 2003",
        "TechNet cc758002",
    ),
    "reserved_ports_ignored": Kind(
        "warning",
        "Ports stand in `ReservedPorts`, which this Windows ignores, and nothing else keeps them.",
        "the value's entries (other than 3343 and 1801, which Windows' own setups leave there), on 2008 and later",
        "KB812873",
    ),
    "reserved_ports_touch": Kind(
        "warning",
        "Entries of `ReservedPorts` touch each other or name no range, and are not reserved reliably.",
        "the value's entries, on Windows Server 2003",
        "KB812873",
    ),
    "exclusion_until_boot": Kind(
        "warning",
        "Ports are excluded with netsh until the next boot only, and open to everybody after it.",
        "an administered block of netsh's active store that its persistent store lacks (not 50000-50059, the system's)",
        "netsh's two stores [C]",
    ),
    "dns_update_missing": Kind(
        "warning",
        "The DNS server has no socket pool: the update against cache poisoning is missing.",
        "Windows lists neither KB951746 nor KB953230, DNS runs, its pool is not set smaller, and `dns.exe` holds fewer "
        "than 100 UDP sockets",
        "MS08-037",
    ),
    "range_nearly_used_up": Kind(
        "warning",
        "Programs, or the DNS server's pool, draw ports from a range that is nearly used up (critical below 255 free "
        "ports, for the pool below its size and 255 more).",
        "fewer ports than that, or than a tenth of a dynamic range, are neither reserved, excluded nor in use (those "
        "in use count if every socket is read, as with `all`, or few ports are left without them)",
        "KB929851 (255 ports are the smallest range); that so few are too few: [K] unverified",
    ),
    "dotnet_breaks_autodiscover": Kind(
        "information",
        ".NET Framework 2.0 SP2 (it came with 3.5 SP1) on Exchange 2007 before SP2: Autodiscover may fail.",
        "the registry values of both setups",
        "one field report of 2008, KB948609 [T]",
    ),
    "exchange_2007_on_2008r2": Kind(
        "information",
        "Exchange 2007 before SP3 is not supported on Windows Server 2008 R2.",
        "the registry values of Exchange's setup",
        "the Edge article of 2009 [T]; that SP3 supports it: [K] unverified",
    ),
    "network_retransmits": Kind(
        "information",
        "Many TCP segments are sent again, and the adapters are a team or have old drivers.",
        "TCP counters above `retransmitted_percent`, and a team or a driver older than `driver_years`",
        "the shutdown article of 2010 [T]",
    ),
    "administrator_filtered": Kind(
        "information",
        "Windows strips the rights of local administrators over the network, and somebody set it so.",
        "`LocalAccountTokenFilterPolicy` is there and 0, `EnableLUA` is not 0",
        "KB951016; that it concerns WinRM: [K] unverified",
    ),
}
