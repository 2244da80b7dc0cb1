# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the simulated Windows assumes if no document decides: every contested behaviour, named and switchable.

A green test against the simulator rests on these. Each field carries the evidence tag of its source (D documented,
C seen in public code, T community report, K general knowledge, not verified) and what it does.
"""

from __future__ import annotations

import dataclasses
import typing as t


def _assume(default: t.Any, tag: str, source: str, effect: str) -> t.Any:
    # A shorthand for the dataclass below, which is where the field is used.
    return dataclasses.field(  # pylint: disable=invalid-field-call
        default=default, metadata={"tag": tag, "source": source, "effect": effect}
    )


PoolRangeRule: t.TypeAlias = t.Literal["count_from_start", "from_1024"]
EphemeralOrder: t.TypeAlias = t.Literal["sequential", "random"]

_CHOICES: t.Final[t.Mapping[str, tuple[str, ...]]] = {
    "pool_range_rule": t.get_args(PoolRangeRule),
    "ephemeral_order": t.get_args(EphemeralOrder),
    "netsh_default_store": ("active", "persistent"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Assumptions:
    """The switches; the texts stand with each field and come out of ``assumption_rows``."""

    ad_lds_binds_udp: bool = _assume(
        True,
        "K",
        "field report of 2009: dns.exe on 50636, ADAM failing with 10013",
        "AD LDS binds the UDP twin of each of its TCP ports; without it the DNS pool (UDP) could not hurt AD LDS",
    )
    ad_lds_reuses_address: bool = _assume(
        True,
        "K",
        "the only newcomer that the documented bind tables answer with 10013 on a wildcard holder",
        "AD LDS binds with SO_REUSEADDR: a port of another account gives 10013; false: a plain bind, 10048",
    )
    dns_exclusive_sockets: bool = _assume(
        True,
        "K",
        "no source",
        "dns.exe binds its pool with SO_EXCLUSIVEADDRUSE (no visible difference today)",
    )
    dns_before_ad_lds: bool = _assume(
        True,
        "T",
        "field report of 2009: dns.exe held the port when ADAM started",
        "at boot dns.exe binds its pool before AD LDS binds its ports; false: AD LDS comes first and never loses",
    )
    ipsec_after_dns: bool = _assume(
        True,
        "T",
        "field reports of 2008 on IPSEC Services failing after a boot",
        "on NT 5.x IPSEC Services binds UDP 500 and 4500 after dns.exe has drawn its pool",
    )
    ipsec_block_mode: bool = _assume(
        True,
        "D",
        "KB912023",
        "on NT 5.x an automatic IPSEC Services that fails at boot cuts the server off",
    )
    rras_needs_l2tp: bool = _assume(
        True,
        "K",
        "no source; a field report of 2012 says that the VPN was down until a reboot",
        "Routing and Remote Access fails (10048) when UDP 1701 is taken; false: it runs without L2TP",
    )
    pool_one_draw_for_both_families: bool = _assume(
        True,
        "K",
        "no source",
        "the DNS pool draws once and opens each number on IPv4 and on IPv6",
    )
    pool_ipv6: bool = _assume(
        True,
        "D",
        "DnsServerDsc schema: the size counts sockets per address family",
        "dns.exe has a second set of pool sockets on IPv6 (not on NT 5.x)",
    )
    pool_range_rule: str = _assume(
        "count_from_start",
        "T",
        "the update's text as quoted in 2009; a best-practice rule of 2009 suggests the other",
        "range of the pool on 6.0+ with MaxUserPort set: [start, start+MaxUserPort], or from_1024: [1024, MaxUserPort]",
    )
    pool_default_from_dynamic_range: bool = _assume(
        True,
        "K",
        "no source",
        "on 6.0+ without MaxUserPort the pool is drawn from the dynamic UDP range of netsh; false: always 49152-65535",
    )
    dns_ignores_netsh_exclusions: bool = _assume(
        True,
        "K",
        "not documented anywhere; the pool reads MaxUserPort itself, so it seems to pick numbers itself",
        "administered netsh exclusions do not keep dns.exe off a port; false: the pool honours them",
    )
    dns_honours_reserved_ports: bool = _assume(
        True,
        "D",
        "KB956188, KB956189: the remedy is ReservedPorts",
        "on NT 5.x the pool avoids ReservedPorts (as of boot)",
    )
    reserved_ports_cover_tcp_and_udp: bool = _assume(
        True,
        "K",
        "KB812873 names no protocol",
        "ReservedPorts entries hold for both protocols; false: TCP only",
    )
    reserved_ports_need_ranges: bool = _assume(
        True,
        "D",
        "KB812873: a single port must still be written 4000-4000; what happens to others is not said",
        "a ReservedPorts entry without a hyphen reserves nothing",
    )
    adjacent_single_reservations_fail: bool = _assume(
        True,
        "D",
        "KB812873, warning",
        "touching separate ReservedPorts entries are not reserved (only 'not reliably')",
    )
    other_ephemeral_users: bool = _assume(
        True,
        "K",
        "a field report of 2008 names lsass.exe",
        "RPC servers and others take a few dynamic TCP or UDP ports at boot before AD LDS starts",
    )
    ephemeral_order: str = _assume(
        "sequential",
        "K",
        "RPC servers are commonly seen on the first ports of the dynamic range",
        "how the stack hands out dynamic ports: the lowest free ones, or at random (then only a reservation protects)",
    )
    netsh_needs_free_ports: bool = _assume(
        True,
        "D",
        "CreatePersistentUdpPortReservation: error 32",
        "netsh cannot exclude ports that are in use",
    )
    netsh_failure_exit_code: int = _assume(1, "K", "no source", "netsh's exit code when it fails; never the Win32 code")
    netsh_default_store: str = _assume(
        "persistent",
        "K",
        "no source",
        "store= of `add excludedportrange` when it is not given",
    )
    reboot_method_return: int = _assume(
        0,
        "K",
        "whether WinRM's process holds the shutdown privilege is not documented",
        "ReturnValue of Win32_OperatingSystem.Reboot and the like; 1314 or 0x80041062: privilege not held, no reboot",
    )
    stop_of_stopped_service: int = _assume(
        5,
        "C",
        "a field client saw 5; the documentation would allow 6",
        "StopService of a service that does not run",
    )
    start_with_failed_dependency: int = _assume(
        13,
        "K",
        "Win32 error 1068 seen through Win32_Service",
        "StartService when a dependency cannot start",
    )
    registry_absent_value: int = _assume(
        1,
        "C",
        "clients' tests against real Windows; not proven on every release",
        "StdRegProv's code for an absent value in an existing key",
    )
    registry_in_cimv2: bool = _assume(
        True,
        "C",
        "a Microsoft text quoted in a rule repository",
        "root/cimv2 holds StdRegProv as well",
    )
    utf8_for_programs: bool = _assume(
        False,
        "T",
        "reports of OEM text under code page 65001",
        "programs (netsh, sc, netstat) write UTF-8 in a 65001 shell; false: OEM bytes, only cmd's own words are UTF-8",
    )
    winrm_manual_on_2003: bool = _assume(
        False,
        "K",
        "no source",
        "on NT 5.x WinRM's start type is manual unless somebody ran winrm quickconfig",
    )
    direct_start_value_needs_boot: bool = _assume(
        True,
        "K",
        "the service manager keeps its own database",
        "a Start value written to the registry counts at the next boot",
    )
    auto_start_delay_seconds: int = _assume(
        120,
        "K",
        "Control\\AutoStartDelay, in milliseconds, overrides it",
        "delayed services start this long after the last automatic one",
    )
    type_stops_at_ctrl_z: bool = _assume(
        False,
        "T",
        "experiments with cmd.exe, reported in a question-and-answer forum",
        "`type` into a pipe stops at the first Ctrl-Z; false: it gives every byte",
    )
    findstr_ends_last_line: bool = _assume(
        True,
        "T",
        "experiments with batch files on Windows 2000 to 8",
        "findstr ends the last line of piped input with CRLF where it has no end",
    )
    findstr_longest_piped_line: int = _assume(
        8191,
        "T",
        "experiments with batch files on Windows 2000 to 8",
        "bytes of a piped line that findstr takes; a longer one is cut (how, is a guess)",
    )
    findstr_keeps_every_byte: bool = _assume(
        True,
        "T",
        "batch files that make every byte value by findstr, run on Windows 2000, XP, 7 and 8",
        "findstr writes control characters and bytes above 127 as they are; false: as dots",
    )
    copy_ascii_cuts_at_ctrl_z: bool = _assume(
        True,
        "D",
        "reference of the copy command",
        "`copy FILE /a TARGET /b` copies up to the first Ctrl-Z",
    )
    derived_services: bool = _assume(
        True,
        "C",
        "captured answers of 2008 and 2012",
        "from 2008 on SELECT * FROM Win32_Service gives Terminal Services as Win32_TerminalService",
    )
    dns_honours_own_list: bool = _assume(
        True,
        "D",
        "MS-DNSP 3.1.1.1.4",
        "the DNS pool avoids SocketPoolExcludedPortRanges (2008 R2 and later)",
    )
    pool_list_needs_restart: bool = _assume(
        True,
        "K",
        "the size needs a restart [D]; the list is not documented",
        "SocketPoolExcludedPortRanges counts from the next start of the DNS server; false: the pool is drawn anew",
    )
    pool_value_read_at_start: bool = _assume(
        True,
        "K",
        "no source",
        "the DNS server reads MaxUserPort whenever it starts; false: as it was at boot",
    )
    old_pool_follows_value: bool = _assume(
        True,
        "T",
        "a quotation of the Official SBS blog of 2008",
        "on NT 5.x with MaxUserPort set the pool is drawn from 1024 to it; false: always 49152-65535",
    )
    exclusions_in_force_at_once: bool = _assume(
        True,
        "K",
        "no source",
        "a range that netsh excludes is kept from random binds at once; false: from the next boot on",
    )
    exclusions_stop_explicit_binds: bool = _assume(
        False,
        "T",
        "an answer in a question-and-answer forum on the asterisk of a range",
        "a program that asks for a port of an administered range by its number does not get it (10013)",
    )
    active_exclusions_end_at_boot: bool = _assume(
        True,
        "K",
        "the name of the store; scripts of AKS name the other one",
        "a range of netsh's active store alone is gone after a boot",
    )
    connections_hold_ports: bool = _assume(
        True,
        "K",
        "Microsoft says of the error only that a port is in use",
        "netsh cannot exclude the local port of an outgoing connection",
    )
    waiting_connections_hold_ports: bool = _assume(
        False,
        "K",
        "no source",
        "a connection that has ended and waits (TIME_WAIT) keeps its local port in use",
    )
    reserved_ports_need_boot: bool = _assume(
        True,
        "D",
        "KB812873",
        "ReservedPorts count as they were at boot; false: as they are",
    )
    delayed_in_group_error: int = _assume(
        87,
        "K",
        "that it is impossible is documented, the error is not",
        "error of a delayed start for a service in a load-order group",
    )
    needed_services_lose_delay: bool = _assume(
        True,
        "D",
        "reference of SERVICE_DELAYED_AUTO_START_INFO",
        "a delayed service that an automatic one needs starts with that one; false: both start delayed",
    )
    start_of_disabled_service: int = _assume(
        14,
        "D",
        "reference of Win32_Service.StartService",
        "StartService of a service that is disabled",
    )
    fc_exit_code_tells: bool = _assume(
        True,
        "K",
        "no source",
        "fc ends with 1 where files differ; false: always with 0",
    )


def assumption_rows(assumptions: Assumptions | None = None) -> list[dict[str, str]]:
    """Return one row per assumption (name, value, tag, source, effect), for the documentation."""
    given = assumptions or Assumptions()
    return [
        {
            "name": field.name,
            "value": str(getattr(given, field.name)),
            "tag": field.metadata["tag"],
            "source": field.metadata["source"],
            "effect": field.metadata["effect"],
        }
        for field in dataclasses.fields(Assumptions)
    ]


def assumption_types() -> dict[str, type]:
    """Return the type of each assumption's value."""
    return {field.name: type(field.default) for field in dataclasses.fields(Assumptions)}


def assumptions_from(overrides: t.Mapping[str, t.Any]) -> Assumptions:
    """Return the defaults with some of them overridden; ValueError names an unknown switch or a wrong type."""
    known = {field.name: field for field in dataclasses.fields(Assumptions)}
    for name, value in overrides.items():
        if name not in known:
            raise ValueError(f"unknown assumption {name!r}; known are: {', '.join(sorted(known))}")
        if type(value) is not type(known[name].default):
            raise ValueError(f"assumption {name!r} must be of type {type(known[name].default).__name__}, not {value!r}")
    for name, choices in _CHOICES.items():
        if overrides.get(name, choices[0]) not in choices:
            raise ValueError(f"assumption {name!r} must be one of {', '.join(choices)}, not {overrides[name]!r}")
    return Assumptions(**overrides)
