# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the wire assumes if no document and no capture decides, for the documentation.

Tags as in the model's table: D documented, C seen in public code or captures, T community report, K unverified.
``switch`` names the wire setting of a scenario's host that changes it; empty if there is none.
"""

from __future__ import annotations

import typing as t


class WireAssumption(t.NamedTuple):
    """One row: the assumption, its evidence, and how to change it."""

    name: str
    tag: t.Literal["D", "C", "T", "K"]
    source: str
    effect: str
    switch: str = ""


WIRE_ASSUMPTIONS: t.Final[tuple[WireAssumption, ...]] = (
    WireAssumption(
        "plain_text_refusal",
        "T",
        "reports of pywinrm's users: HTTP 500 without a body",
        "an unencrypted body over http gets HTTP 500 without SOAP unless AllowUnencrypted is on",
        "allow_unencrypted",
    ),
    WireAssumption(
        "stale_seal",
        "C",
        "a comment in Ansible's winrm plugin",
        "a body sealed with the keys of another connection gets HTTP 400",
        "stale_seal_status",
    ),
    WireAssumption(
        "idle_close",
        "D",
        "MS-WSMV <22>: up to two minutes",
        "an idle connection is closed, in order, after 120 seconds",
        "idle_seconds",
    ),
    WireAssumption(
        "lockout",
        "K",
        "a policy of the domain or machine, no default of WinRM",
        "ten failed logons in a row lock an account until it is unlocked",
        "lockout_threshold",
    ),
    WireAssumption(
        "first_batch",
        "C",
        "captured answers of 2003, 2008 and 2012; a report of Windows 10 (WinRb/WinRM issue 168)",
        "with OptimizeEnumeration 2003 gives all in the first answer, 2008 and later one item and the rest by Pull",
        "first_batch",
    ),
    WireAssumption(
        "envelope_counts_utf16",
        "C",
        "captured Pulls of 75 KB under a limit of 153,600 bytes",
        "a batch ends where the answer, in UTF-16, would pass MaxEnvelopeSize",
        "envelope_counts",
    ),
    WireAssumption(
        "enumeration_counts_as_operation",
        "K",
        "no source",
        "an enumeration that was not pulled to its end counts for MaxConcurrentOperationsPerUser for 10 minutes",
        "enumerations_count",
    ),
    WireAssumption(
        "commands_keep_their_operation",
        "D",
        "MS-WSMV <118>",
        "up to 2008 R2 a command counts as an operation until its shell is deleted, whatever Signal says",
        "commands_keep_operation",
    ),
    WireAssumption(
        "one_command_until_signal",
        "K",
        "MS-WSMV <116> says one outstanding command; when it ceases to be outstanding is not said",
        "with WinRM 1.1 a shell takes the next command only after a Signal for the one before",
        "one_command_until_signal",
    ),
    WireAssumption(
        "old_shell_quota_fault",
        "K",
        "captured for newer stacks only",
        "too many shells: MSFT_WmiError on WinRM 3.0, a WSManFault with the same number before",
        "shell_quota_fault",
    ),
    WireAssumption(
        "idle_timeout_of_a_shell",
        "K",
        "MS-WSMV has the element; that WinRM 1.1 takes it is not said",
        "a shell ends after the idle timeout that its Create asks for; one that is refused for it is opened without",
        "idle_timeout",
    ),
    WireAssumption(
        "unknown_method_fault",
        "K",
        "no source",
        "a WMI method that the class does not have gives a:ActionNotSupported",
        "unknown_method",
    ),
    WireAssumption(
        "large_answer_fault",
        "D",
        "wsmerror.h has the numbers; which operation gets which is not said",
        "an answer that passes MaxEnvelopeSize gives w:EncodingLimit, 0x80338048; after an operation that has changed "
        "something, w:UnreportableSuccess, 0x8033804D",
        "large_answer",
    ),
    WireAssumption(
        "characters_beyond_xml",
        "D",
        "MS-WSMV 3.1.4.1.25, for U+0001 to U+001F but tab, line feed and carriage return",
        "text that XML can't carry goes out with ? in its place; switched on, as it is, so that the reader's parser "
        "refuses the answer",
        "raw_control_characters",
    ),
    WireAssumption(
        "unrelated_faults",
        "C",
        "a captured quota fault of a newer stack",
        "too many shells: the fault of WinRM 3.0 has no RelatesTo",
        "unrelated_faults",
    ),
    WireAssumption(
        "credssp_logon_failure",
        "K",
        "MS-CSSP has the field errorCode; which number WinRM puts there is not said",
        "CredSSP answers a wrong password with STATUS_LOGON_FAILURE, 0xC000006D",
    ),
    WireAssumption(
        "channel_binding_refusal",
        "K",
        "no source for the answer; CbtHardeningLevel is documented",
        "a logon without the channel binding that the listener demands gets a plain 401",
        "channel_binding",
    ),
    WireAssumption(
        "canned_powershell",
        "K",
        "no PowerShell runs in the simulator",
        "every PowerShell module is said to have changed something; a script without input goes to cmd.exe",
    ),
)
