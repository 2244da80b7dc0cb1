# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of exceptions that leaves the WS-Management layer.

Every error has host, operation and target, a meaning, and advice. ``str()`` of it is one
sentence that can be shown to a user as it is.
"""

from __future__ import annotations

import typing as t


class Origin(t.NamedTuple):
    """The origin of an answer or an error: ``edge1``, ``Invoke GetDWORDValue``, ``root/default/StdRegProv``."""

    host: str
    operation: str = ""
    target: str = ""


class WsmanError(Exception):
    """Base of the family.

    :param host: the host as the connection names it.
    :param operation: the verb, for example ``Get`` or ``Invoke StopService``; empty if the message is not known yet.
    :param target: the object of the operation, for example ``root/cimv2/Win32_Service``.
    :param meaning: the event, as a clause without a full stop.
    :param advice: the remedy, as a clause without a full stop; may be empty.
    :param code: the number that decided (HTTP status, WS-Man, WMI or Windows error), as unsigned 32 bit.

    ``tries`` is how often the message was sent before this error ended it.
    """

    def __init__(
        self,
        *,
        host: str,
        meaning: str,
        operation: str = "",
        target: str = "",
        advice: str = "",
        code: int | None = None,
    ) -> None:
        super().__init__(meaning)
        self.host = host
        self.operation = operation
        self.target = target
        self.meaning = meaning
        self.advice = advice
        self.code = code
        self.tries = 1

    def located(self, origin: Origin) -> WsmanError:
        """Fill in the fields that the raising code could not know, and return the same error."""
        self.host = self.host or origin.host
        self.operation = self.operation or origin.operation
        self.target = self.target or origin.target
        return self

    def __str__(self) -> str:
        what = " of ".join(part for part in (self.operation, self.target) if part)
        where = f"{what} on {self.host} failed" if what else self.host
        code = "" if self.code is None else f" ({readable(self.code)})"
        advice = f"; {self.advice}" if self.advice else ""
        tries = f" Tried {self.tries} times." if self.tries > 1 else ""
        return f"{where}: {self.meaning}{code}{advice}.{tries}"


class HostUnreachable(WsmanError):
    """No conversation is possible: refused, unknown name, timeout, TLS, no WinRM behind the port."""


class NotTaken(HostUnreachable):
    """The server has not taken the message, so nothing was done: it may be sent again, whatever it asks for."""


class NoConnection(NotTaken):
    """No connection came about: refused, or no answer to it in time."""


class ConnectionDropped(HostUnreachable):
    """The message was sent, and no whole answer came: the server may or may not have acted on it."""


class DeadlinePassed(WsmanError):
    """The task has used up the time that it may take; the message was not sent, or its answer was not waited for."""


class AuthenticationFailed(WsmanError):
    """The server (HTTP 401) or the authentication library rejected the credentials."""


class ProtocolViolation(WsmanError):
    """The answer breaks the rules of WS-Management: redirect, too large, not XML, wrong RelatesTo, old dialect."""


class UncarriableText(ProtocolViolation):
    """The answer is no XML for one character in it: a text that XML can't carry, most probably."""


class Unsendable(WsmanError):
    """The message was not sent, because its text would not survive the trip (XML) or is not safe (command line)."""


class WsmanFault(WsmanError):
    """A SOAP fault (DSP0226 section 14; MS-WSMV 2.2.4.43).

    ``subcode`` as the server wrote it (``w:AccessDenied``), ``wsman_code`` from ``WSManFault@Code``, ``wmi_code`` from
    ``MSFT_WmiError`` or ``__ExtendedStatus``, ``provider`` the innermost text (in the server's language: show it, never
    decide by it).
    """

    def __init__(
        self,
        *,
        subcode: str = "",
        wsman_code: int | None = None,
        wmi_code: int | None = None,
        provider: str = "",
        **fields: t.Any,
    ) -> None:
        super().__init__(**fields)
        self.subcode = subcode
        self.wsman_code = wsman_code
        self.wmi_code = wmi_code
        self.provider = provider


class AccessDenied(WsmanFault):
    """The account is known but lacks a right."""


class NotFound(WsmanFault):
    """The namespace, class, instance, method, shell or command does not exist."""


class QuotaExceeded(WsmanFault):
    """A limit of the WinRM service (shells, operations, users) is used up."""


class ServerBusy(QuotaExceeded):
    """The WinRM service has no room at the moment: the message was not carried out and may be sent again later."""


class UnreportedSuccess(WsmanFault):
    """The operation was carried out, but its answer was too large to be sent: the state must be read."""


class TimedOut(WsmanFault):
    """The server did not finish within the operation timeout, or a command not within its deadline."""


def readable(code: int) -> str:
    """Small numbers as people know them (5, 413), HRESULTs in hexadecimal."""
    return f"0x{code:08X}" if code > 0xFFFF else str(code)
