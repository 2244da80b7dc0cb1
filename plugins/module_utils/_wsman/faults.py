# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP faults of the WinRM stacks 1.1, 2.0 and 3.0, and their meanings.

One and the same condition comes as a SOAP subcode, as a ``WSManFault`` code, as an ``MSFT_WmiError`` or inside a
``ProviderFault``, depending on the release. All places are read; the table decides. Texts are in the language of the
server and never decide anything.
"""

from __future__ import annotations

import re
import types
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import errors

OPERATION_TIMEOUT: t.Final = 0x80338029
"""The operation timeout of the header passed (MS-WSMV; on Receive and Pull: nothing yet, ask again)."""
OPERATION_QUOTA: t.Final = 0x803381A6
"""MaxConcurrentOperationsPerUser; up to 2008 R2 a shell's commands count until the shell is deleted (MS-WSMV <118>)."""
CONTEXT_GONE: t.Final = 0x8033801B
"""The server does not know the context of this enumeration any more."""
SHELL_GONE: t.Final = 0x8033805B
"""Unexpected selectors; on a shell's messages: the shell or command that they name does not exist any more."""

LONGEST_WORDING: t.Final = 1_000
"""Characters of the server's words in a message."""

ACCESS_ADVICE: t.Final = (
    "the account must be a member of the local Administrators group, or hold Remote Enable and Execute Methods on the "
    "WMI namespace; for a local account other than the built-in Administrator set LocalAccountTokenFilterPolicy to 1"
)
STACK_ADVICE: t.Final = "install KB936059 (WinRM 1.1) or KB968930 (WinRM 2.0) on the server"
_STACK_05: t.Final = "http://schemas.xmlsoap.org/wsman/2005/"  # MS-WSMAN, Windows Server 2003 R2 as it was shipped
_WMI_ADVICE: t.Final = "check the Windows Management Instrumentation service of the server"
_SHELLS_ADVICE: t.Final = (
    "wait until other shells end, or raise MaxShellsPerUser: those that a killed run of this collection left end after "
    "3 minutes, idle ones of others after 15 minutes with WinRM 1.1, 3 with 2.0 and 2 hours with 3.0"
)
_OPERATIONS_ADVICE: t.Final = "wait until other operations end, or raise MaxConcurrentOperationsPerUser"


class FaultMeaning(t.NamedTuple):
    """The meaning of a code: the exception, a clause, and advice."""

    error: type[errors.WsmanFault]
    meaning: str
    advice: str = ""


_DENIED: t.Final = FaultMeaning(errors.AccessDenied, "access is denied", ACCESS_ADVICE)
_NO_CLASS: t.Final = FaultMeaning(errors.NotFound, "the class or object does not exist on this server")
_NO_METHOD: t.Final = FaultMeaning(errors.NotFound, "the class has no such operation or method")
_NO_NAMESPACE: t.Final = FaultMeaning(errors.NotFound, "the WMI namespace does not exist on this server")
_TIMEOUT: t.Final = FaultMeaning(errors.TimedOut, "the server did not finish within the operation timeout")
_MANY_SHELLS: t.Final = FaultMeaning(errors.QuotaExceeded, "too many shells of this user are open", _SHELLS_ADVICE)
_MANY_OPERATIONS: t.Final = FaultMeaning(
    errors.QuotaExceeded, "too many operations of this user are open", _OPERATIONS_ADVICE
)
_MANY_USERS: t.Final = FaultMeaning(
    errors.QuotaExceeded,
    "too many users have shells open",
    "wait until other shells end (idle ones after 15 minutes), or raise MaxConcurrentUsers",
)
_USER_QUOTA: t.Final = FaultMeaning(
    errors.ServerBusy,
    "this user has too many requests open, or has sent too many in a short time",
    "wait a minute and run this again with fewer forks, or raise the quotas of the WinRM service",
)
_SYSTEM_QUOTA: t.Final = FaultMeaning(
    errors.ServerBusy,
    "the WinRM service has too many requests open, from all of its users",
    "wait a minute and run this again",
)
_PLUGIN_QUOTA: t.Final = FaultMeaning(
    errors.QuotaExceeded,
    "a quota of the WinRM plug-in is used up",
    "wait until other operations and shells end, or raise the quotas of the plug-in (winrm get winrm/config/plugin)",
)
_BUSY: t.Final = FaultMeaning(errors.ServerBusy, "the WinRM service is busy with other requests", "try again later")
_TOO_LARGE: t.Final = FaultMeaning(
    errors.WsmanFault,
    "the answer does not fit into an envelope of this server",
    "raise MaxEnvelopeSizekb on the server (winrm set winrm/config @{MaxEnvelopeSizekb=500})",
)
_UNREPORTED: t.Final = FaultMeaning(
    errors.UnreportedSuccess,
    "the operation was carried out, but its answer was too large to be sent",
    "run this again: the state is read first",
)
_BAD_SELECTORS: t.Final = FaultMeaning(errors.NotFound, "no object has these selectors (key properties)")
_BAD_PARAMETERS: t.Final = FaultMeaning(errors.WsmanFault, "the parameters do not fit the method")
_BAD_QUERY: t.Final = FaultMeaning(errors.WsmanFault, "the server rejects the query")

BY_CODE: t.Final[t.Mapping[int, FaultMeaning]] = types.MappingProxyType(
    {
        5: _DENIED,  # ERROR_ACCESS_DENIED
        0x80070005: _DENIED,  # E_ACCESSDENIED
        0x80041003: _DENIED,  # WBEM_E_ACCESS_DENIED
        0x80338000: _NO_CLASS,  # unknown resource URI on Get and Invoke
        0x80041002: _NO_CLASS,  # WBEM_E_NOT_FOUND
        0x80041010: _NO_CLASS,  # WBEM_E_INVALID_CLASS
        0x8033801A: FaultMeaning(  # captured from WinRM 1.1 and 2.0 for an unknown class
            errors.NotFound, "the class or a column of the query does not exist on this server"
        ),
        0x80338001: _NO_METHOD,  # ERROR_WSMAN_INVALID_ACTIONURI
        0x80338013: _NO_METHOD,  # ERROR_WSMAN_ACTION_NOT_SUPPORTED
        0x8004100E: _NO_NAMESPACE,  # WBEM_E_INVALID_NAMESPACE
        0x8004102E: _NO_METHOD,  # WBEM_E_INVALID_METHOD
        0x80041008: FaultMeaning(errors.WsmanFault, "a parameter is invalid"),  # WBEM_E_INVALID_PARAMETER
        0x8004102F: _BAD_PARAMETERS,  # WBEM_E_INVALID_METHOD_PARAMETERS
        0x80041017: _BAD_QUERY,  # WBEM_E_INVALID_QUERY
        0x80041001: FaultMeaning(errors.WsmanFault, "WMI failed without a reason", _WMI_ADVICE),  # WBEM_E_FAILED
        0x80041004: FaultMeaning(errors.WsmanFault, "the WMI provider failed", _WMI_ADVICE),  # WBEM_E_PROVIDER_FAILURE
        0x80041006: FaultMeaning(errors.WsmanFault, "WMI is out of memory", _WMI_ADVICE),  # WBEM_E_OUT_OF_MEMORY
        0x80041033: FaultMeaning(errors.WsmanFault, "WMI is shutting down", _WMI_ADVICE),  # WBEM_E_SHUTTING_DOWN
        0x800706BA: FaultMeaning(errors.WsmanFault, "the WMI service does not answer", _WMI_ADVICE),  # RPC unavailable
        0x8033803D: _BAD_SELECTORS,  # ERROR_WSMAN_INVALID_SELECTORS
        0x8033805A: _BAD_SELECTORS,  # a selector is missing
        SHELL_GONE: _BAD_SELECTORS,
        0x80338035: _TOO_LARGE,  # ERROR_WSMAN_ENCODING_LIMIT
        0x80338048: _TOO_LARGE,  # ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED, the limit of the request
        0x80338049: _TOO_LARGE,  # ERROR_WSMAN_SERVER_ENVELOPE_LIMIT
        0x8033804D: _UNREPORTED,  # ERROR_WSMAN_UNREPORTABLE_SUCCESS
        0x8033803F: _BUSY,  # ERROR_WSMAN_QUOTA_LIMIT
        OPERATION_TIMEOUT: _TIMEOUT,
        0x803381A5: _MANY_SHELLS,  # MaxShellsPerUser
        OPERATION_QUOTA: _MANY_OPERATIONS,
        0x803381A7: _USER_QUOTA,
        0x803381A8: _SYSTEM_QUOTA,
        0x803381AB: _MANY_USERS,  # MaxConcurrentUsers
        0x803381E4: _MANY_SHELLS,  # from here on the same for one plug-in, since 2012
        0x803381E5: _MANY_USERS,
        0x803381E6: _PLUGIN_QUOTA,  # shells of the plug-in
        0x803381E7: _PLUGIN_QUOTA,  # its operations
        0x803381E8: _MANY_OPERATIONS,
        0x803381E9: _PLUGIN_QUOTA,  # commands of one shell
        0x803381EA: _PLUGIN_QUOTA,  # less is free than the least that it needs
    }
)
"""Numbers, wherever they stand in the fault. Sources: wsmerror.h, wbemcli.h, captured faults."""

BY_SUBCODE: t.Final[t.Mapping[str, FaultMeaning]] = types.MappingProxyType(
    {
        "AccessDenied": _DENIED,
        "DestinationUnreachable": _NO_CLASS,
        "InvalidSelectors": _BAD_SELECTORS,
        "TimedOut": _TIMEOUT,
        "QuotaLimit": _BUSY,
        "Concurrency": FaultMeaning(
            errors.QuotaExceeded, "the object is busy with another operation", "try again later"
        ),
        "CannotProcessFilter": _BAD_QUERY,
        "EncodingLimit": _TOO_LARGE,
        "UnreportableSuccess": _UNREPORTED,
        "ActionNotSupported": _NO_METHOD,
        "SchemaValidationError": _BAD_PARAMETERS,
        "InvalidParameter": FaultMeaning(errors.WsmanFault, "a parameter is invalid"),
    }
)
"""SOAP subcodes by local name (DSP0226 section 14.6), for faults without a known number."""

_CIM_STATUS: t.Final[t.Mapping[int, FaultMeaning]] = types.MappingProxyType(
    {
        2: _DENIED,  # CIM_ERR_ACCESS_DENIED
        3: _NO_NAMESPACE,
        4: FaultMeaning(errors.WsmanFault, "a parameter is invalid"),
        5: _NO_CLASS,
        6: _NO_CLASS,
        16: _NO_METHOD,
    }
)
"""CIMStatusCode of MSFT_WmiError (DSP0200); looked at last, since a HRESULT in the same fault says more."""


class Fault(t.NamedTuple):
    """The raw facts of one fault; codes as unsigned 32 bit, in the order in which they are believed."""

    subcode: str
    reason: str
    wsman_code: int | None
    wmi_code: int | None
    cim_status: int | None
    codes: tuple[int, ...]
    provider: str


def fault_in(body: ET.Element) -> Fault | None:
    """The fault of a SOAP body, or None."""
    node = soap.child(body, "Fault")
    if node is None:
        return None
    detail = soap.child(node, "Detail")
    wsman_codes = [number(item.get("Code")) for item in _all(detail, "WSManFault")]
    wmi_code = _wmi_code(detail)
    return Fault(
        subcode=soap.text_of(soap.child(node, "Code", "Subcode", "Value")),
        reason=soap.text_of(soap.child(node, "Reason", "Text")),
        wsman_code=wsman_codes[0] if wsman_codes else None,
        wmi_code=wmi_code,
        cim_status=next((number(item.text) for item in _all(detail, "CIMStatusCode")), None),
        # The innermost number is the provider's own; the outer ones only say that a provider failed.
        codes=tuple(code for code in (wmi_code, *reversed(wsman_codes)) if code is not None),
        provider=_provider_text(detail),
    )


def _all(node: ET.Element | None, name: str) -> list[ET.Element]:
    return [] if node is None else [item for item in node.iter() if soap.local(item) == name]


def _wmi_code(detail: ET.Element | None) -> int | None:
    places = (*_all(detail, "error_Code"), *_all(detail, "MessageID"), *_all(detail, "StatusCode"))
    return next((code for code in (number(place.text) for place in places) if code), None)


_NUMBER: t.Final = r"(?i)(?:HRESULT\s+)?(0x[0-9a-f]{1,8}|-?[0-9]{1,10})"


def number(text: str | None) -> int | None:
    """``5``, ``2150858793``, ``-2147217405`` or ``HRESULT 0x803381a5`` as unsigned 32 bit; None for anything else."""
    given = (text or "").strip()
    if len(given) <= 10 and given.isascii() and given.isdigit():
        # Each command that ends well has such a number: no worker compiles a pattern for it.
        return int(given) & 0xFFFFFFFF
    match = re.fullmatch(_NUMBER, given)
    return None if match is None else int(match[1], 0 if "x" in match[1].lower() else 10) & 0xFFFFFFFF


def _provider_text(detail: ET.Element | None) -> str:
    places = [
        *_all(detail, "error_WindowsErrorMessage"),
        *(item for item in _all(detail, "Message") if len(item) == 0),
        *_all(detail, "Description"),
        *_all(detail, "ParameterInfo"),
    ]
    return next((text for text in (_sentence(place.text or "") for place in places) if text), "")


def _sentence(text: str) -> str:
    """On one line; a fault can be as long as an answer, and everything after the first part is cut off."""
    begin = text.lstrip()
    cut = "..." if len(begin) > LONGEST_WORDING else ""
    return " ".join(begin[:LONGEST_WORDING].split()) + cut


def error_for(fault: Fault, origin: errors.Origin) -> errors.WsmanFault:
    """The exception for a fault: by number, else by subcode, else by CIM status, else as the server words it."""
    meaning = _meaning(fault)
    wording = _sentence(fault.provider or fault.reason)
    return meaning.error(
        host=origin.host,
        operation=origin.operation,
        target=origin.target,
        meaning=meaning.meaning or wording.rstrip(".") or "the server answers with a fault that has no text",
        advice=meaning.advice,
        code=_deciding_code(fault),
        subcode=fault.subcode,
        wsman_code=fault.wsman_code,
        wmi_code=fault.wmi_code,
        provider=wording,
    )


def _meaning(fault: Fault) -> FaultMeaning:
    known = [BY_CODE[code] for code in fault.codes if code in BY_CODE]
    subcode = BY_SUBCODE.get(fault.subcode.rpartition(":")[2])
    status = _CIM_STATUS.get(fault.cim_status or 0)
    return next((meaning for meaning in (*known, subcode, status) if meaning), FaultMeaning(errors.WsmanFault, ""))


def _deciding_code(fault: Fault) -> int | None:
    return next((code for code in fault.codes if code in BY_CODE), fault.codes[0] if fault.codes else None)


def is_stack_05(envelope: ET.Element) -> bool:
    """True if the answer speaks the dialect of 2005 (MS-WSMAN), which has no WQL and which we do not speak."""
    tags = any(node.tag.startswith("{" + _STACK_05) for node in envelope.iter())
    return tags or any(_STACK_05 in (node.text or "") for node in _all(envelope, "FaultDetail"))


def raise_fault(envelope: ET.Element, fault: Fault, origin: errors.Origin) -> t.NoReturn:
    """Raise the exception for the fault."""
    if is_stack_05(envelope):
        raise soap.violation(origin, "the server speaks only the WS-Management of 2005 (WinRM 0.5)", STACK_ADVICE)
    raise error_for(fault, origin)
