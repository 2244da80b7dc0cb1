# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP faults in the shapes of the three WinRM stacks; codes are those of wsmerror.h.

The wording is ours: clients decide by codes, and the text follows the language of the server. Rows marked "[K]" are
likely but unverified: no public capture shows them.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t
import xml.etree.ElementTree as ET

from tests.simulator.windows.interface import WmiFault
from tests.simulator.wire.soap import LANGUAGE_TAGS, declarations, element, envelope

Stack: t.TypeAlias = t.Literal["1.1", "2.0", "3.0"]
_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"
_ACTIONS: t.Final[c.Mapping[str, str]] = {
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration/fault",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer/fault",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
    "": "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
    "s": "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
}
_PREFIXES: t.Final[c.Mapping[Stack, tuple[str, ...]]] = {
    "1.1": ("s", "a", "x", "e", "n", "w"),
    "2.0": ("s", "a", "x", "e", "n", "w", "p"),
    "3.0": ("s", "a", "x", "e", "n", "w", "p"),
}
MSFT_WMI_ERROR: t.Final = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"


@dataclasses.dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table: SOAP code and subcode, the number in the detail, and the reason in two languages.

    ``unrelated_since``: the stack from which on the fault was captured without RelatesTo.
    """

    code: t.Literal["s:Sender", "s:Receiver", "s:MustUnderstand"]
    subcode: str
    number: int
    english: str
    german: str
    detail: str | None = None
    wmi_error_since: Stack | None = None
    unrelated_since: Stack | None = None

    def reason(self, language: str) -> str:
        """Give the reason's text in the server's language."""
        return self.german if language == "de" else self.english


FaultName: t.TypeAlias = t.Literal[
    "access_denied",
    "invalid_resource",
    "cannot_process_filter",
    "filter_dialect",
    "unexpected_selectors",
    "missing_selectors",
    "unknown_shell",
    "unknown_command",
    "timed_out",
    "bad_header",
    "missing_header",
    "not_understood",
    "action_not_supported",
    "too_many_shells",
    "too_many_operations",
    "concurrency",
    "invalid_context",
    "small_envelope",
    "encoding_limit",
    "unreportable_success",
    "locale",
    "invalid_options",
    "schema",
    "invalid_parameter",
    "provider_failure",
    "internal_error",
]

KINDS: t.Final[c.Mapping[FaultName, FaultKind]] = {
    "access_denied": FaultKind("s:Sender", "w:AccessDenied", 5, "Access is denied. ", "Zugriff verweigert "),
    "invalid_resource": FaultKind(
        "s:Sender",
        "a:DestinationUnreachable",
        0x80338000,
        "The resource URI names no class or instance that this server has. ",
        "Der Ressourcen-URI bezeichnet keine Klasse oder Instanz dieses Servers. ",
        detail=_DETAIL + "InvalidResourceURI",
    ),
    "cannot_process_filter": FaultKind(
        "s:Sender",
        "n:CannotProcessFilter",
        0x8033801A,
        "The filter of the enumeration could not be processed. ",
        "Der Filter der Aufz\u00e4hlung konnte nicht verarbeitet werden. ",
    ),
    "filter_dialect": FaultKind(
        "s:Sender",
        "n:FilterDialectRequestedUnavailable",
        0x80338019,
        "The dialect of the filter is not supported. ",
        "Der Dialekt des Filters wird nicht unterst\u00fctzt. ",
    ),
    "unexpected_selectors": FaultKind(
        "s:Sender",
        "w:InvalidSelectors",
        0x8033805B,
        "The request has selectors that the resource does not know. ",
        "Die Anforderung hat Selektoren, die die Ressource nicht kennt. ",
        detail=_DETAIL + "UnexpectedSelectors",
    ),
    "missing_selectors": FaultKind(
        "s:Sender",
        "w:InvalidSelectors",
        0x8033805A,
        "The request lacks selectors that the resource needs. ",
        "Der Anforderung fehlen Selektoren, die die Ressource braucht. ",
        detail=_DETAIL + "InsufficientSelectors",
    ),
    "unknown_shell": FaultKind(
        "s:Sender",
        "w:InvalidSelectors",
        0x8033805B,
        "The selectors name no shell of this server. ",
        "Die Selektoren bezeichnen keine Shell dieses Servers. ",
        detail=_DETAIL + "UnexpectedSelectors",
    ),
    "unknown_command": FaultKind(
        "s:Sender",
        "w:InvalidSelectors",
        0x8033805B,
        "There is no command with this identifier in the shell. ",
        "In der Shell gibt es keinen Befehl mit dieser Kennung. ",
        detail=_DETAIL + "UnexpectedSelectors",
    ),
    "timed_out": FaultKind(
        "s:Receiver",
        "w:TimedOut",
        0x80338029,
        "The operation was not complete within its OperationTimeout. ",
        "Der Vorgang wurde nicht innerhalb von OperationTimeout abgeschlossen. ",
    ),
    "bad_header": FaultKind(
        "s:Sender",
        "a:InvalidMessageInformationHeader",
        0x8033800F,
        "A header of the message has a value that is not valid. ",
        "Ein Header der Nachricht hat einen ung\u00fcltigen Wert. ",
    ),
    "missing_header": FaultKind(
        "s:Sender",
        "a:MessageInformationHeaderRequired",
        0x80338011,
        "A header that the message needs is missing. ",
        "Ein erforderlicher Header der Nachricht fehlt. ",
    ),
    "not_understood": FaultKind(  # the number is wsmerror.h's; no subcode goes with this code (SOAP 1.2 section 5.4.6)
        "s:MustUnderstand",
        "",
        0x80338010,
        "A header that must be understood is not known. ",
        "Ein Header, der verstanden werden muss, ist nicht bekannt. ",
    ),
    "action_not_supported": FaultKind(  # [K] for a WMI method that the class does not have
        "s:Sender",
        "a:ActionNotSupported",
        0x80338013,
        "The action is not supported by the resource. ",
        "Die Aktion wird von der Ressource nicht unterst\u00fctzt. ",
    ),
    "too_many_shells": FaultKind(  # [K] for the older stacks, captured for 3.0
        "s:Sender",
        "w:QuotaLimit",
        0x803381A5,
        "This user has the maximum number of concurrent shells. ",
        "Dieser Benutzer hat bereits die maximale Anzahl gleichzeitiger Shells. ",
        wmi_error_since="3.0",
        unrelated_since="3.0",
    ),
    "too_many_operations": FaultKind(  # captured as a WSManFault on an older stack, MSFT_WmiError elsewhere
        "s:Receiver",
        "w:InternalError",
        0x803381A6,
        "This user has the maximum number of concurrent operations. ",
        "Dieser Benutzer hat bereits die maximale Anzahl gleichzeitiger Vorg\u00e4nge. ",
        wmi_error_since="3.0",
    ),
    "concurrency": FaultKind(
        "s:Sender",
        "w:Concurrency",
        0x80338032,
        "The shell runs a command already. ",
        "In der Shell wird bereits ein Befehl ausgef\u00fchrt. ",
    ),
    "invalid_context": FaultKind(
        "s:Receiver",
        "n:InvalidEnumerationContext",
        0x8033801B,
        "The enumeration context is not valid. ",
        "Der Aufz\u00e4hlungskontext ist ung\u00fcltig. ",
    ),
    "small_envelope": FaultKind(
        "s:Sender",
        "w:EncodingLimit",
        0x8033807E,
        "MaxEnvelopeSize is below the smallest envelope of this server. ",
        "MaxEnvelopeSize liegt unter der kleinsten Nachricht dieses Servers. ",
        detail=_DETAIL + "MinimumEnvelopeLimit",
    ),
    "encoding_limit": FaultKind(
        "s:Sender",
        "w:EncodingLimit",
        0x80338048,
        "The answer is larger than MaxEnvelopeSize. ",
        "Die Antwort ist gr\u00f6\u00dfer als MaxEnvelopeSize. ",
        detail=_DETAIL + "MaxEnvelopeSizeExceeded",
    ),
    "unreportable_success": FaultKind(
        "s:Receiver",
        "w:UnreportableSuccess",
        0x8033804D,
        "The operation was carried out, and its answer is too large to be sent. ",
        "Der Vorgang wurde ausgef\u00fchrt, und seine Antwort ist zu gro\u00df zum Senden. ",
    ),
    "locale": FaultKind(
        "s:Sender",
        "w:UnsupportedFeature",
        0x80338087,
        "The locale can't be guaranteed. ",
        "Das Gebietsschema kann nicht garantiert werden. ",
        detail=_DETAIL + "Locale",
    ),
    "invalid_options": FaultKind(
        "s:Sender",
        "w:InvalidOptions",
        0x80338039,
        "An option that must be complied with is not known. ",
        "Eine zwingende Option ist nicht bekannt. ",
        detail=_DETAIL + "InvalidName",
    ),
    "schema": FaultKind(  # w:SchemaValidationError before 2.0, see schema_fault
        "s:Sender",
        "w:InvalidValue",
        0x80338043,
        "The XML of the request does not match the schema. ",
        "Das XML der Anforderung entspricht nicht dem Schema. ",
    ),
    "invalid_parameter": FaultKind(
        "s:Sender",
        "w:InvalidParameter",
        0x8033803A,
        "A parameter of the method is not valid. ",
        "Ein Parameter der Methode ist ung\u00fcltig. ",
        detail=_DETAIL + "InvalidValue",
        wmi_error_since="3.0",
    ),
    "provider_failure": FaultKind(  # [K]
        "s:Receiver",
        "w:InternalError",
        0x80338003,
        "The provider failed. ",
        "Fehler beim Anbieter. ",
        wmi_error_since="3.0",
    ),
    "internal_error": FaultKind(
        "s:Receiver", "w:InternalError", 1359, "An internal error happened. ", "Interner Fehler. "
    ),
}


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderDetail:
    """The additions of the WMI plug-in to a fault: its inner message, and from 2.0 on the ``__ExtendedStatus``."""

    message: str
    number: int
    operation: str
    target: str
    is_shell: bool = False


class SoapFault(Exception):
    """An operation that ends in a fault; ``number`` and ``subcode`` override the row if a test asks for others."""

    def __init__(
        self,
        name: FaultName,
        message: str = "",
        *,
        provider: ProviderDetail | None = None,
        number: int | None = None,
        subcode: str | None = None,
        hresult: int | None = None,
    ) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.kind = KINDS[name]
        self.message = message
        self.provider = provider
        self.number = self.kind.number if number is None else number
        self.subcode = self.kind.subcode if subcode is None else subcode
        self.hresult = self.number if hresult is None else hresult


def schema_fault(stack: Stack, message: str) -> SoapFault:
    """Give the fault for XML that does not fit (MS-WSMV <89>: the subcode changed with 2.0)."""
    return SoapFault("schema", message, subcode="w:SchemaValidationError" if stack == "1.1" else None)


_WMI_FAULTS: t.Final[c.Mapping[str, FaultName]] = {
    "invalid_namespace": "invalid_resource",
    "invalid_class": "invalid_resource",
    "not_found": "invalid_resource",
    "invalid_query": "cannot_process_filter",
    "access_denied": "access_denied",
    "invalid_method": "action_not_supported",
    "invalid_parameter": "invalid_parameter",
    "unexpected_selectors": "unexpected_selectors",
    "missing_selectors": "missing_selectors",
    "provider_failure": "provider_failure",
}


def from_wmi(error: WmiFault) -> SoapFault:
    """Turn WMI's refusal into a SOAP fault: a query that can't be processed is a filter, for whatever reason."""
    name = _WMI_FAULTS[error.kind]
    if error.operation == "ExecQuery" and name == "invalid_resource":
        name = "cannot_process_filter"
    inner = ProviderDetail(error.message, KINDS[name].number, error.operation, error.target)
    with_provider = name in ("invalid_resource", "cannot_process_filter", "provider_failure")
    return SoapFault(name, error.message, provider=inner if with_provider else None, hresult=error.hresult)


def fault_envelope(
    fault: SoapFault, *, stack: Stack, language: str, relates_to: str | None, machine: str
) -> ET.Element:
    """Build the whole envelope of a fault as this stack writes it."""
    reason = element("s:Text", text=fault.kind.reason(language), attributes={"xml:lang": LANGUAGE_TAGS[language]})
    subcode = [element("s:Subcode", element("s:Value", text=fault.subcode))] if fault.subcode else []
    unrelated = fault.kind.unrelated_since is not None and stack >= fault.kind.unrelated_since
    body = element(
        "s:Fault",
        element("s:Code", element("s:Value", text=fault.kind.code), *subcode),
        element("s:Reason", reason),
        element("s:Detail", *_detail(fault, stack=stack, language=language, machine=machine)),
    )
    action = _ACTIONS[fault.subcode.partition(":")[0]]
    related = None if unrelated else relates_to
    return envelope(action, body, relates_to=related, prefixes=_PREFIXES[stack], language=language)


def _detail(fault: SoapFault, *, stack: Stack, language: str, machine: str) -> list[ET.Element]:
    if fault.kind.wmi_error_since is not None and stack >= fault.kind.wmi_error_since:
        return [_wmi_error(fault, language)]
    found = [] if fault.kind.detail is None else [element("w:FaultDetail", text=fault.kind.detail)]
    return [*found, _wsman_fault(fault, stack=stack, language=language, machine=machine)]


def _wsman_fault(fault: SoapFault, *, stack: Stack, language: str, machine: str) -> ET.Element:
    attributes = {**declarations("f"), "Code": str(fault.number), "Machine": machine}
    message = element("f:Message", text=fault.message or fault.kind.reason(language))
    if fault.provider is not None:
        message = element("f:Message", _provider_fault(fault.provider, stack=stack, machine=machine))
    return element("f:WSManFault", message, attributes=attributes)


def _provider_fault(provider: ProviderDetail, *, stack: Stack, machine: str) -> ET.Element:
    inner = element(
        "f:WSManFault",
        element("f:Message", text=provider.message),
        attributes={"Code": str(provider.number), "Machine": machine},
    )
    if provider.is_shell:
        attributes = {"provider": "Shell provider", "path": "%systemroot%\\system32\\WsmSvc.dll"}
        return element("f:ProviderFault", inner, attributes=attributes)
    name = "WMIv1 plugin for Windows Remote Management " if stack == "1.1" else "WMI Provider"
    attributes = {"provider": name, "path": "%systemroot%\\system32\\WsmWmiPl.dll"}
    extended = [] if stack == "1.1" else [element("f:ExtendedError", _extended_status(provider))]
    return element("f:ProviderFault", inner, *extended, attributes=attributes)


def _extended_status(provider: ProviderDetail) -> ET.Element:
    nil = {"xsi:nil": "true"}
    return element(
        "p:__ExtendedStatus",
        element("p:Description", attributes=nil),
        element("p:Operation", text=provider.operation),
        element("p:ParameterInfo", text=provider.target),
        element("p:ProviderName", text="WinMgmt"),
        element("p:StatusCode", attributes=nil),
        attributes={
            **declarations("xsi"),
            "xmlns:p": "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/__ExtendedStatus",
            **declarations("cim"),
            "xsi:type": "p:__ExtendedStatus_Type",
        },
    )


_CIM_STATUS: t.Final[c.Mapping[FaultName, int]] = {
    "invalid_parameter": 4,
    "too_many_shells": 27,
    "too_many_operations": 27,
}


def _wmi_error(fault: SoapFault, language: str) -> ET.Element:
    text = fault.message or fault.kind.reason(language)
    rows: tuple[tuple[str, str, str | None], ...] = (
        ("CIMStatusCode", "cim:cimUnsignedInt", str(_CIM_STATUS.get(fault.name, 1))),
        ("CIMStatusCodeDescription", "cim:cimString", None),
        ("ErrorSource", "cim:cimString", None),
        ("ErrorSourceFormat", "cim:cimUnsignedShort", "0"),
        ("ErrorType", "cim:cimUnsignedShort", "0"),
        ("Message", "cim:cimString", text),
        ("MessageID", "cim:cimString", f"HRESULT 0x{fault.hresult:08x}"),
        ("OtherErrorSourceFormat", "cim:cimString", None),
        ("OtherErrorType", "cim:cimString", None),
        ("OwningEntity", "cim:cimString", None),
        ("PerceivedSeverity", "cim:cimUnsignedShort", "0"),
        ("ProbableCause", "cim:cimUnsignedShort", "0"),
        ("ProbableCauseDescription", "cim:cimString", None),
        ("error_Category", "cim:cimUnsignedInt", "30"),
        ("error_Code", "cim:cimUnsignedInt", str(fault.hresult)),
        ("error_Type", "cim:cimString", "HRESULT"),
        ("error_WindowsErrorMessage", "cim:cimString", text),
    )
    attributes = {
        "xmlns:b": "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd",
        "b:IsCIM_Error": "true",
        **declarations("cim"),
        "xmlns:p": MSFT_WMI_ERROR,
        **declarations("xsi"),
        "xsi:type": "p:MSFT_WmiError_Type",
    }
    return element("p:MSFT_WmiError", *(_typed(*row) for row in rows), attributes=attributes)


def _typed(name: str, kind: str, text: str | None) -> ET.Element:
    nil = {} if text is not None else {"xsi:nil": "true"}
    return element(f"p:{name}", text=text, attributes={**nil, "xsi:type": kind})
