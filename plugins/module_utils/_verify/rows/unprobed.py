# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no probe settles, with the reason: nothing is left out in silence."""

from __future__ import annotations

import typing as t

_PLAIN: t.Final = "the collection never sends such a message, and one that did would lie open on the line"

UNPROBED: t.Final[t.Mapping[str, str]] = {
    "dns_exclusive_sockets": "it has no effect that can be seen from outside",
    "ipsec_after_dns": "sockets have no times on NT 5.x, so that only a lost port would show the order",
    "ipsec_block_mode": "a server in block mode can't be reached any more: nobody could be asked",
    "plain_text_refusal": _PLAIN,
    "stale_seal": "the library that seals the messages never uses old keys on purpose",
    "idle_close": "the library opens a new connection by itself, so that the end of the old one can't be seen",
    "lockout": "it would lock the account: never probed",
    "credssp_logon_failure": "it takes a wrong password, which counts towards a lockout",
    "channel_binding_refusal": "it takes a failed logon, and the listener's own setting",
    "characters_beyond_xml": "no message of ours can put such a character into the registry",
    "canned_powershell": "it is about the simulator alone: no task of this collection starts PowerShell",
}
"""By the names of the assumptions."""

_UNUSED: t.Final = "the collection does not use it"

OPEN: t.Final[t.Mapping[str, str]] = {
    "A range without the asterisk answers every bind with 10013": (
        "netsh makes no such range, and no program of ours that could bind a port comes onto a server"
    ),
    "Ranges of WinNAT are others after each boot": "it takes a server with WinNAT, and nothing rests on which they are",
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
