# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of Windows: the meaning of each code, and advice.

Three families of numbers come back as return values: Win32 errors (winerror.h), WMI errors (wbemcli.h, 0x8004....) and
the return codes of Win32_Service's methods. Each stands once, here.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import rights
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import FULL_ACCOUNT
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import AccessDenied


class CodeMeaning(t.NamedTuple):
    """A code in words: its meaning, and advice for an administrator (may be empty)."""

    text: str
    advice: str = ""


_PORT_TAKEN: t.Final = "find the process that holds the port with the module portkeeper.windows.port_info"
_ACCESS_DENIED: t.Final = CodeMeaning("access denied", FULL_ACCOUNT)
_MARKED_FOR_DELETION: t.Final = CodeMeaning(
    "the service is marked for deletion", "close every program that has it open, or reboot the server"
)
_DISABLED: t.Final = CodeMeaning("the service is disabled", "set its start mode first")
_DEPENDENTS_RUN: t.Final = CodeMeaning("other services that depend on it are running", "stop those first")
_DEPENDENCY_FAILED: t.Final = CodeMeaning("a service that it depends on did not start", "look at that service first")
_TOO_SLOW: t.Final = CodeMeaning(
    "the service did not answer the start or stop request in time", "look at its entries in the event log"
)

WIN32_ERRORS: t.Final[t.Mapping[int, CodeMeaning]] = {
    1: CodeMeaning("incorrect function"),
    2: CodeMeaning("it does not exist"),
    5: _ACCESS_DENIED,
    32: CodeMeaning(
        "a port of the range is in use, or the range overlaps a reservation that exists",
        "stop the process that holds the port, then try again",
    ),
    87: CodeMeaning("a parameter is wrong"),
    1053: _TOO_SLOW,
    1055: CodeMeaning("the service database is locked", "try again in a moment"),
    1058: _DISABLED,
    1060: CodeMeaning("there is no such service", "check the key name; it is not the display name"),
    1062: CodeMeaning("the service is not running"),
    1066: CodeMeaning("the service reported an error of its own", "look at its entries in the event log"),
    1068: _DEPENDENCY_FAILED,
    1069: CodeMeaning("the service could not log on", "check the account and password that the service runs under"),
    1072: _MARKED_FOR_DELETION,
    1077: CodeMeaning("the service has not been started since the last boot"),
    1168: CodeMeaning("the entry was not found"),
    1314: CodeMeaning("the account lacks a privilege", FULL_ACCOUNT),
    1639: CodeMeaning("the command line is wrong"),
    1717: CodeMeaning("the interface is not known"),
    10013: CodeMeaning("the port is excluded, or another process holds it exclusively", _PORT_TAKEN),
    10048: CodeMeaning("another process already holds the port", _PORT_TAKEN),
}
"""Win32 errors (winerror.h) that this collection can meet. 0 means success and has no row."""

WMI_ERRORS: t.Final[t.Mapping[int, CodeMeaning]] = {
    0x80041001: CodeMeaning("WMI failed without saying why", "look at the server's event log"),
    0x80041002: CodeMeaning("WMI does not find the object"),
    0x80041003: _ACCESS_DENIED,
    0x80041005: CodeMeaning("the value has another type"),
    0x80041008: CodeMeaning("WMI refuses a parameter"),
    0x80041010: CodeMeaning("this Windows has no such WMI class"),
    0x80041062: CodeMeaning("the account lacks a privilege", FULL_ACCOUNT),
}
"""WBEM status codes (wbemcli.h), which StdRegProv returns in some cases in place of Win32 errors."""

SERVICE_DENIED: t.Final = 2
"""Access is denied, as Win32_Service's methods say it."""
SERVICE_CODES: t.Final[t.Mapping[int, CodeMeaning]] = {
    1: CodeMeaning("the service does not support that"),
    SERVICE_DENIED: _ACCESS_DENIED,
    3: _DEPENDENTS_RUN,
    4: CodeMeaning("the request is not valid for this service"),
    5: CodeMeaning("the service can't accept the request in its present state", "try again when it has settled"),
    6: CodeMeaning("the service is not running"),
    7: _TOO_SLOW,
    8: CodeMeaning("the service failed while starting or stopping", "its exit code and the event log say why"),
    9: CodeMeaning("the program file of the service was not found"),
    10: CodeMeaning("the service is already running"),
    11: CodeMeaning("the service database is locked", "try again in a moment"),
    12: CodeMeaning("a service that it depends on is gone"),
    13: _DEPENDENCY_FAILED,
    14: _DISABLED,
    15: CodeMeaning("the service could not log on", "check the account and password that the service runs under"),
    16: _MARKED_FOR_DELETION,
    17: CodeMeaning("the service has no execution thread"),
    18: CodeMeaning("its dependencies are circular"),
    19: CodeMeaning("a service of that name is already running"),
    20: CodeMeaning("the service name has invalid characters"),
    21: CodeMeaning("a parameter is wrong"),
    22: CodeMeaning("the account of the service is not valid, or may not run it"),
    23: CodeMeaning("the service already exists"),
    24: CodeMeaning("the service is already paused"),
}
"""Return codes of Win32_Service's methods (Microsoft's documentation of StartService, StopService, ChangeStartMode)."""

ACCESS_DENIED: t.Final = frozenset({5, 0x80041003})
"""Both forms in which StdRegProv says that access is denied."""


def win32_meaning(code: int) -> CodeMeaning:
    """The meaning of a Win32 or WMI error; an unknown one says its number."""
    return WIN32_ERRORS.get(code) or WMI_ERRORS.get(code) or CodeMeaning(f"error {code_text(code)}")


def service_meaning(code: int) -> CodeMeaning:
    """The meaning of a Win32_Service method's return code; above 24 they are Win32 errors."""
    return SERVICE_CODES.get(code) or win32_meaning(code)


def code_text(code: int) -> str:
    """A code as people look it up: decimal, or hexadecimal for the 0x8....... families."""
    return f"0x{code:08X}" if code >= 0x80000000 else str(code)


class WindowsError(Exception):
    """Windows refused or failed to do an operation.

    Attributes:
        host: the server.
        operation: as a verb ("write", "start").
        target: the object of the operation.
        code: the number that Windows returned, or ``None``.
        meaning: that number in words.
        advice: for an administrator; may be empty.
    """

    def __init__(
        self, *, host: str, operation: str, target: str, meaning: str, code: int | None = None, advice: str = ""
    ) -> None:
        self.host = host
        self.operation = operation
        self.target = target
        self.code = code
        self.meaning = meaning
        self.advice = advice
        number = "" if code is None else f" (code {code_text(code)})"
        hint = f"; {advice}" if advice else ""
        super().__init__(f"{host}: can't {operation} {target}: {meaning}{number}{hint}.")


class RegistryError(WindowsError):
    """The registry (StdRegProv) refused."""

    def advised(self, advice: str) -> RegistryError:
        """The same error with other advice, from code that knows the purpose of the value."""
        return RegistryError(
            host=self.host,
            operation=self.operation,
            target=self.target,
            meaning=self.meaning,
            code=self.code,
            advice=advice,
        )


class ServiceError(WindowsError):
    """The service manager (Win32_Service) refused."""


class CommandError(WindowsError):
    """A command in a WinRS shell gave no usable answer."""


class Untouched(CommandError):
    """A step was refused as a whole: the server is as it was before it."""


class AnswerError(WindowsError):
    """WMI answered something that can't be: a property is missing or has an impossible value."""


# --- access denied by the WS-Management layer -------------------------------------------------------------------------

Error = t.TypeVar("Error", bound=Exception)

_WMI_DENIED: t.Final = 0x80041003
"""WBEM_E_ACCESS_DENIED: WMI refused, so that WinRM has let the message in."""


def explained(error: Error) -> Error:
    """The same error; if access was denied, its advice names the right that is missing, and on what."""
    if isinstance(error, AccessDenied):
        error.advice = _advice(error)
    return error


def _advice(error: AccessDenied) -> str:
    if not error.target.startswith("root/"):
        return rights.lacks(rights.SHELL, "the WinRM service")
    namespace = error.target.rpartition("/")[0]
    is_method = error.operation.startswith("Invoke")
    right = rights.NAMESPACE_METHODS if is_method else rights.NAMESPACE_READ
    name = f"{rights.NAMESPACE_READ.name}, with {right.name}," if is_method else right.name
    place = f"the WMI namespace {namespace}"
    if error.code != _WMI_DENIED:
        place += f", or {rights.LISTENER.name} on the WinRM service"
    return rights.lacks(right._replace(name=name), place)
