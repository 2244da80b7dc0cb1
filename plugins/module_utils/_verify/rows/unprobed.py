# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assumptions that no probe settles, with the reason: none of them is left out in silence."""

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
}
"""By the names of the assumptions."""
