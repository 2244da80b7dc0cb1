# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts: the words that every answer begins with, of a run that changes something as of a look.

A calm word is said only of what was read from the server.
"""

from __future__ import annotations

import typing as t

Verdict = t.Literal[
    "OK, in force",
    "OK, in force with the next boot",
    "OK, taken back",
    "TAKEN BACK, NOT IN FORCE YET",
    "OK, rebooted",
    "OK",
    "OK as far as seen",
    "OK until the next boot: REBOOT NEEDED",
    "NOT SAFE YET: REBOOT NEEDED",
    "NOT SAFE YET",
    "NOT SURELY SAFE",
    "NOT ALL READ",
    "NOT DONE YET",
    "CRITICAL",
    "FAILED",
    "Nothing to do here",
]
MEANINGS: t.Final[t.Mapping[Verdict, str]] = {
    "OK, in force": "what was asked for is there and in force, as read from the server at the end",
    "OK, in force with the next boot": "the same, but from the next boot on, and nothing needs to be done for it",
    "OK, taken back": "what was to be taken back is gone",
    "TAKEN BACK, NOT IN FORCE YET": "the same, but it waits for a restart or a reboot",
    "OK, rebooted": "the server was rebooted and is back",
    "OK": "nothing wrong was found, and nothing waits",
    "OK as far as seen": "the same, but the sockets were not looked at",
    "OK until the next boot: REBOOT NEEDED": "the services that were looked at have their ports; a reboot is to come",
    "NOT SAFE YET: REBOOT NEEDED": "a setting waits for a reboot; more is missing, or no service was looked at",
    "NOT SAFE YET": "something is missing: a port that others can take, a restart, a service that is down",
    "NOT SURELY SAFE": "it is not known if a setting is in force, sources disagree, or programs can take a free port",
    "NOT ALL READ": "no trouble was seen, but not all could be read",
    "NOT DONE YET": "check mode: this is what a run would do",
    "CRITICAL": "something is broken now",
    "FAILED": "the run did not reach what was asked for",
    "Nothing to do here": "the task is not meant for this server, or asks for nothing there",
}


def opened(verdict: Verdict, reasons: str) -> str:
    """The verdict with its reasons behind it."""
    return f"{verdict}. {reasons}".rstrip()
