# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The types that cross the border between the simulated Windows and the protocols that lead to it."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

Moment: t.TypeAlias = datetime.datetime
Span: t.TypeAlias = datetime.timedelta
CimValue: t.TypeAlias = "str | int | bool | Moment | Span | CimReference | CimInstance | list[CimValue] | None"
"""How a CIM value looks in Python.

Moments are aware datetimes (on the wire ``cim:Datetime``), spans are timedeltas (``cim:Interval``), references are
``CimReference`` (an endpoint reference), embedded objects are ``CimInstance``; ``[]`` is an empty array.
"""

FaultKind: t.TypeAlias = t.Literal[
    "invalid_namespace",
    "invalid_class",
    "invalid_query",
    "not_found",
    "access_denied",
    "invalid_method",
    "invalid_parameter",
    "unexpected_selectors",
    "missing_selectors",
    "provider_failure",
]

Operation: t.TypeAlias = t.Literal["GetObject", "PutInstance", "ExecQuery", "ExecMethod"]

HRESULTS: t.Final[dict[FaultKind, int]] = {
    "invalid_namespace": 0x8004100E,
    "invalid_class": 0x80041010,
    "invalid_query": 0x80041017,
    "not_found": 0x80041002,
    "access_denied": 0x80041003,
    "invalid_method": 0x8004102E,
    "invalid_parameter": 0x80041008,
    "unexpected_selectors": 0x8004103A,
    "missing_selectors": 0x8004103A,
    "provider_failure": 0x80041004,
}
"""WBEM status codes (WbemErrorEnum) by kind of fault."""


@dataclasses.dataclass(frozen=True, slots=True)
class CimReference:
    """A reference to one instance: what becomes an endpoint reference on the wire."""

    namespace: str
    class_name: str
    selectors: t.Mapping[str, str]


@dataclasses.dataclass(slots=True)
class CimInstance:
    """One WMI object.

    ``projected`` is true for a query that named its columns: such an answer has no class on the wire
    (``w:XmlFragment``). Properties are in alphabetical order, as Windows gives them.
    """

    class_name: str
    namespace: str
    properties: dict[str, CimValue]
    projected: bool = False


RIGHTS: t.Final = (
    "wmi",
    "methods",
    "shell",
    "read",
    "registry",
    "service start",
    "service stop",
    "service config",
    "network",
    "files",
    "shutdown",
)
"""What an account may lack: a namespace, its methods, command shells, reading a key and all below it, writing it, three
rights on a service, netsh's changes, writing files, and the privilege to shut down. Behind a blank may stand the one
object."""


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """An account that may log on over WinRM.

    ``filtered_token`` is User Account Control's answer to a local administrator from the network (no
    LocalAccountTokenFilterPolicy, [K] unverified); ``remote_wmi`` lets a plain user read WMI without the group.
    ``lacks`` are rights that even this account has not: ``registry`` alone, or ``registry SYSTEM\\...`` of one key.
    """

    name: str
    password: str = dataclasses.field(repr=False)
    domain: str = ""
    is_administrator: bool = True
    filtered_token: bool = False
    remote_wmi: bool = False
    lacks: frozenset[str] = frozenset()

    def may(self, right: str, place: str = "") -> bool:
        """Whether nothing takes this right away, everywhere or on one object; see ``RIGHTS``."""
        return not {right, f"{right} {place}".casefold()} & self.lacks

    @property
    def elevated(self) -> bool:
        """Whether the account acts with an administrator's full token."""
        return self.is_administrator and not self.filtered_token

    @property
    def writes_files(self) -> bool:
        """Whether it may write where only administrators may."""
        return self.elevated and self.may("files")


@dataclasses.dataclass(frozen=True, slots=True)
class CommandResult:
    """What one command line left behind: bytes in the code page of the shell or the program, and the exit code."""

    stdout: bytes
    stderr: bytes
    exit_code: int


@dataclasses.dataclass(frozen=True, slots=True)
class WinrmLimits:
    """The quotas and habits of one WinRM stack (MS-WSMV appendix; facts that rest on captures say so in the table)."""

    max_envelope_kb: int
    max_timeout_ms: int
    max_batch_items: int
    max_shells_per_user: int
    max_operations_per_user: int
    idle_timeout_seconds: int
    batching: t.Literal["all_in_first", "one_then_pulls"]
    one_command_per_shell: bool
    signal_releases_operation: bool


class WmiFault(Exception):
    """WMI refused an operation; the wire turns it into the SOAP fault of the release's stack."""

    def __init__(self, kind: FaultKind, message: str, *, operation: Operation = "GetObject", target: str = "") -> None:
        """Name the kind of refusal, the sentence, the operation and the object that it was about."""
        super().__init__(message)
        self.kind: FaultKind = kind
        self.hresult = HRESULTS[kind]
        self.message = message
        self.operation: Operation = operation
        self.target = target
