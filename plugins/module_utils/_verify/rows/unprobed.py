# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no probe settles, with the reason: nothing is left out in silence."""

from __future__ import annotations

import typing as t

_CHANGES: t.Final = "a look changes nothing, and this is seen only after a change"
_PLAIN: t.Final = "the collection never sends such a message, and one that did would lie open on the line"

UNPROBED: t.Final[t.Mapping[str, str]] = {
    "dns_exclusive_sockets": "it has no effect that can be seen from outside",
    "ipsec_after_dns": "sockets have no times on NT 5.x, so that only a lost port would show the order",
    "ipsec_block_mode": "a server in block mode can't be reached any more: nobody could be asked",
    "netsh_needs_free_ports": _CHANGES,
    "reboot_method_return": "it would reboot the server",
    "stop_of_stopped_service": _CHANGES,
    "start_with_failed_dependency": _CHANGES,
    "direct_start_value_needs_boot": _CHANGES,
    "type_stops_at_ctrl_z": "no file of Windows is known to hold a Ctrl-Z, and a look writes none",
    "copy_ascii_cuts_at_ctrl_z": "it writes a file",
    "plain_text_refusal": _PLAIN,
    "stale_seal": "the library that seals the messages never uses old keys on purpose",
    "idle_close": "the library opens a new connection by itself, so that the end of the old one can't be seen",
    "lockout": "it would lock the account: never probed",
    "credssp_logon_failure": "it takes a wrong password, which counts towards a lockout",
    "channel_binding_refusal": "it takes a failed logon, and the listener's own setting",
    "enumeration_counts_as_operation": "it would use up what the account may do at once, and hinder others",
    "commands_keep_their_operation": "it would use up what the account may do at once, and hinder others",
    "old_shell_quota_fault": "it would use up the shells of the account, and hinder others",
    "unrelated_faults": "it is told by the fault for too many shells alone, which would hinder others",
    "characters_beyond_xml": "no message of ours can put such a character into the registry",
    "canned_powershell": "it is about the simulator alone: no task of this collection starts PowerShell",
    "dns_honours_own_list": _CHANGES,
    "pool_list_needs_restart": _CHANGES,
    "pool_value_read_at_start": _CHANGES,
    "old_pool_follows_value": _CHANGES,
    "exclusions_in_force_at_once": _CHANGES,
    "exclusions_stop_explicit_binds": _CHANGES,
    "active_exclusions_end_at_boot": _CHANGES,
    "connections_hold_ports": _CHANGES,
    "waiting_connections_hold_ports": _CHANGES,
    "reserved_ports_need_boot": _CHANGES,
    "delayed_in_group_error": _CHANGES,
    "needed_services_lose_delay": _CHANGES,
    "start_of_disabled_service": _CHANGES,
}
"""By the names of the assumptions."""

_A_PROGRAM: t.Final = "it takes a program that binds ports, and none of ours comes onto a server"
_A_RESTART: t.Final = "it takes a restart of the DNS server, or a reboot"
_UNUSED: t.Final = "the collection does not use it"

OPEN: t.Final[t.Mapping[str, str]] = {
    "A program gets a port of an administered range if it asks for it by its number": _A_PROGRAM,
    "A range without the asterisk answers every bind with 10013": _A_PROGRAM,
    "An exclusion is in force at once, for later binds alone": _A_PROGRAM,
    "What an outgoing connection, and one that waits for its end, do to their local port": _A_PROGRAM,
    "A change of SocketPoolExcludedPortRanges needs a restart of the DNS server": _A_RESTART,
    "Ranges of WinNAT are others after each boot": _A_RESTART,
    "An exclusion of the active store is gone after a boot": _A_RESTART,
    "An automatic service that needs a delayed one makes it start at boot": _A_RESTART,
    "The DNS server does not honour exclusions, on a server that has none": (
        "it takes an exclusion of thousands of ports while the DNS server stands still; where an administrator has "
        "excluded so many, the probe pool_ignores_netsh tells"
    ),
    "The error of a delayed start in a load-order group": "it takes a service that is changed",
    "Whether netsh excludes a port that is in use": "a touch stays on ports that nobody has",
    "Syntax and exit codes of dnscmd; what Set-DnsServerSetting does to other settings": _UNUSED,
    "32-bit views by an option of the message": _UNUSED,
    "Batch files do nothing under code page 65001 before 2008 R2": _UNUSED,
    "Whether a local account loses its rights over the network": "it takes a second account; this one has got in",
    "A message larger than the server's limit is answered with HTTP status 413": "no message of the collection is",
    "What a sealed message with old keys is answered with": "the library that seals never sends one on purpose",
    "Which process has the ports of Exchange, ActiveSync or DFS Replication": (
        "it takes a server with these products; port_info shows the holders there"
    ),
    "Where Exchange 2007 keeps its version": "it takes a server with Exchange 2007",
    "An NPS that was set up with other ports": "its list of ports is not read",
}
"""Sentences about Windows that are neither an assumption of the simulator nor asked by a probe."""
