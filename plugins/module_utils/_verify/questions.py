# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions that probes put to a server: each is one short conversation, written down as a value.

Every question of this file only reads, but for the steps of the grades touch and lab. The gate
(``_windows/verification/gate.py``) lets nothing else through.
"""

from __future__ import annotations

import dataclasses
import typing as t

DEFAULT: t.Final = "root/default"
CIMV2: t.Final = "root/cimv2"
STANDARD_CIMV2: t.Final = "root/StandardCimv2"
LOCAL_MACHINE: t.Final = "2147483650"
"""HKEY_LOCAL_MACHINE as StdRegProv takes it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Header:
    """The oddities of one message's header, to see how the server refuses them."""

    reply_to: bool = True
    message_id: bool = True
    envelope_size: int = 0
    """Octets for MaxEnvelopeSize; 0: as in every message of the collection."""
    timeout: str = ""
    """Text for OperationTimeout instead of a duration."""
    unknown_header: bool = False
    """A header of our own that must be understood."""
    locale_demanded: bool = False
    option_demanded: bool = False
    """An option of our own that must be complied with."""


USUAL: t.Final = Header()


@dataclasses.dataclass(frozen=True, slots=True)
class Identify:
    """Ask which stack answers (DSP0226 section 11)."""

    @property
    def does(self) -> str:
        """What it does to the server."""
        return "one Identify"


@dataclasses.dataclass(frozen=True, slots=True)
class Get:
    """Get one object by its keys."""

    class_name: str
    keys: tuple[tuple[str, str], ...] = ()
    namespace: str = CIMV2
    header: Header = USUAL

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"one Get of {self.class_name}" + ("" if self.header == USUAL else ", with an odd header")


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """Read the rows of a WQL query. With ``pulls`` so many Pulls, then Release; -1: to the end."""

    wql: str
    namespace: str = CIMV2
    pulls: int = -1
    elements: int = 0
    """Rows at most in the answer to the last of these Pulls; 0: as many as fit."""
    envelope_size: int = 0
    dialect: str = ""
    """Of the filter, instead of WQL."""
    pull_after_end: bool = False
    """One Pull more before the Release, with a context that was used."""

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"the query {self.wql}"


@dataclasses.dataclass(frozen=True, slots=True)
class Method:
    """Call a reading method of StdRegProv on a key of HKEY_LOCAL_MACHINE."""

    name: str
    key: str
    value: str | None = None
    namespace: str = DEFAULT
    rights: int = 0
    """For CheckAccess: the rights that are asked for."""
    envelope_size: int = 0

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"StdRegProv.{self.name}"


Reader = t.Literal["exclusions", "range", "sockets"]


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """Run one command line in a shell, beside others.

    ``alone``: as a command of its own, with ``stdin`` as its input. Others are joined into few commands.
    """

    line: str
    alone: bool = False
    stdin: bytes = b""
    long: bool = False
    """Its output has thousands of lines: it is joined with no other."""
    reads: Reader | None = None
    """The reader of the modules that reads its output as well."""
    step: str = ""
    """Tells apart what is asked more than once, before and after a change."""

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"the command {self.line}" + (" with input from here" if self.stdin else "")


ShellStep = t.Literal["create", "get", "second command", "unknown command", "deleted shell"]


@dataclasses.dataclass(frozen=True, slots=True)
class ShellPart:
    """One message of the shell in which the commands run."""

    step: ShellStep

    @property
    def does(self) -> str:
        """What it does to the server."""
        return {
            "create": "one shell",
            "get": "one Get of our shell",
            "second command": "a command that only reads, before the one before it is signalled",
            "unknown command": "a Receive for a command that our shell does not have",
            "deleted shell": "a Receive for our shell after it is deleted",
        }[self.step]


@dataclasses.dataclass(frozen=True, slots=True)
class Own:
    """One step of the grade touch, by its name in ``touch_steps``: it changes only what is our own."""

    step: str

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"{self.step} (our own, taken back at the end)"


@dataclasses.dataclass(frozen=True, slots=True)
class LabStep:
    """One step of the grade lab, by its name in ``lab_steps``: it changes the server."""

    step: str

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"{self.step} (a change of the grade lab)"


@dataclasses.dataclass(frozen=True, slots=True)
class At:
    """A question of the grade look that is asked again at a stage of the grade lab."""

    stage: str
    question: Question

    @property
    def does(self) -> str:
        """What it does to the server."""
        return f"{self.question.does} ({self.stage})"


Question: t.TypeAlias = "Identify | Get | Query | Method | Command | ShellPart | Own | LabStep | At"
