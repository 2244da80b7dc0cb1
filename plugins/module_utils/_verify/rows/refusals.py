# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of refusals: which fault answers which mistake. The messages are all reads; only their form is wrong."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY, TCPIP_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Expected, Probe, Tag
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    Get,
    Header,
    Method,
    Query,
    Question,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    first,
    inner_text,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import OPERATING_SYSTEM

_NOBODYS: t.Final = "PortkeeperNoSuchClass"
_SYSTEM: t.Final = "Win32_OperatingSystem"
_SERVICE: t.Final = "Win32_Service"
LEAST: t.Final = 8_192
"""Octets below which no server takes MaxEnvelopeSize."""

NO_REPLY_TO: t.Final = Get(_SYSTEM, header=Header(reply_to=False))
TOO_SMALL: t.Final = Get(_SYSTEM, header=Header(envelope_size=LEAST - 1))
NO_DURATION: t.Final = Get(_SYSTEM, header=Header(timeout="soon"))
UNKNOWN_HEADER: t.Final = Get(_SYSTEM, header=Header(unknown_header=True))
LOCALE: t.Final = Get(_SYSTEM, header=Header(locale_demanded=True))
OPTION: t.Final = Get(_SYSTEM, header=Header(option_demanded=True))
NO_CLASS: t.Final = Get(_NOBODYS)
NO_NAMESPACE: t.Final = Get(_SYSTEM, namespace="root/portkeeper")
NO_SERVICE: t.Final = Get(_SERVICE, (("Name", "portkeeper-verify-no-such-name"),))
NO_KEYS: t.Final = Get(_SERVICE)
WRONG_KEY: t.Final = Get(_SERVICE, (("Nickname", "WinRM"),))
FOLDED_KEY: t.Final = Get("win32_service", (("NAME", "winrm"),))
NO_CLASS_IN_QUERY: t.Final = Query("SELECT * FROM PortkeeperNoSuchClass")
NO_DIALECT: t.Final = Query("SELECT Name FROM Win32_Service", dialect="urn:portkeeper:verify")
NO_METHOD: t.Final = Method("GetNothingValue", TCPIP_KEY, "portkeeper")
LARGE: t.Final = Method("EnumKey", SERVICES_KEY, envelope_size=LEAST)


def _fault(name: str, asks: str, question: Question, expect: Expected, *, tag: Tag = "C", settles: str = "") -> Probe:
    """A probe of the fault that answers a question."""

    def see(found: Readings) -> str:
        return found.fault_text(question)

    return Probe(id=name, asks=asks, needs=(question,), expect=expect, see=see, tag=tag, settles=settles)


def _detail(found: Readings) -> str:
    fault = found.reading(NO_CLASS).fault
    return "answered" if fault is None else fault.detail


def _related(found: Readings) -> bool:
    fault = found.reading(NO_CLASS).fault
    if fault is None:
        raise CantTell("there is no fault")
    return fault.related


def _names_query(found: Readings) -> bool:
    """The fault of a query tells the query's text, if it has an extended status at all."""
    told = first(found.envelope(NO_CLASS_IN_QUERY), "ParameterInfo")
    if told is None:
        raise CantTell("the fault has no extended status")
    return inner_text(told) == NO_CLASS_IN_QUERY.wql


def _answered(question: Question) -> t.Callable[[Readings], bool]:
    def see(found: Readings) -> bool:
        return found.reading(question).fault is None

    return see


def _large(found: Readings) -> str:
    text = found.fault_text(LARGE)
    if text == "answered" and len(ET.tostring(found.envelope(LARGE))) * 2 <= LEAST:
        raise CantTell("the answer is too short")
    return text


ROWS: t.Final = (
    _fault(
        "no_reply_to",
        "How is a message without ReplyTo refused?",
        NO_REPLY_TO,
        "MessageInformationHeaderRequired 0x80338011",
        tag="D",
    ),
    _fault(
        "small_envelope",
        "How is a MaxEnvelopeSize below 8192 refused?",
        TOO_SMALL,
        "EncodingLimit 0x8033807E",
        tag="D",
    ),
    _fault(
        "no_duration",
        "How is an OperationTimeout that is no duration refused?",
        NO_DURATION,
        "InvalidMessageInformationHeader 0x8033800F",
    ),
    _fault(
        "unknown_header",
        "How is a header refused that must be understood and is not known?",
        UNKNOWN_HEADER,
        " 0x80338010",
        tag="D",
    ),
    _fault(
        "demanded_locale",
        "How is a locale refused that must be understood?",
        LOCALE,
        "UnsupportedFeature 0x80338087",
        tag="D",
    ),
    _fault(
        "demanded_option",
        "How is an option refused that must be complied with?",
        OPTION,
        "InvalidOptions 0x80338039",
        tag="D",
    ),
    _fault("no_class", "How is a class refused that does not exist?", NO_CLASS, "DestinationUnreachable 0x80338000"),
    Probe(
        id="no_class_detail",
        asks="Which FaultDetail has that refusal?",
        needs=(NO_CLASS,),
        expect="InvalidResourceURI",
        see=_detail,
        tag="C",
    ),
    Probe(
        id="faults_are_related",
        asks="Does a fault of WMI say to which message it belongs?",
        needs=(NO_CLASS,),
        expect=True,
        see=_related,
        tag="C",
    ),
    _fault(
        "no_namespace",
        "How is a namespace refused that does not exist?",
        NO_NAMESPACE,
        "DestinationUnreachable 0x80338000",
        tag="K",
    ),
    _fault(
        "no_service",
        "How is an object refused that does not exist?",
        NO_SERVICE,
        "DestinationUnreachable 0x80338000",
    ),
    _fault("no_keys", "How is a Get without keys refused?", NO_KEYS, "InvalidSelectors 0x8033805A", tag="D"),
    _fault("wrong_key", "How is a Get with an unknown key refused?", WRONG_KEY, "InvalidSelectors 0x8033805B", tag="D"),
    Probe(
        id="folded_key",
        asks="Are classes and keys found in any case?",
        needs=(FOLDED_KEY,),
        expect=True,
        see=_answered(FOLDED_KEY),
        tag="D",
    ),
    Probe(
        id="singleton",
        asks="Is Win32_OperatingSystem read without keys?",
        needs=(OPERATING_SYSTEM,),
        expect=True,
        see=_answered(OPERATING_SYSTEM),
        tag="C",
    ),
    _fault(
        "no_class_in_query",
        "How is a query of a class refused that does not exist?",
        NO_CLASS_IN_QUERY,
        "CannotProcessFilter 0x8033801A",
    ),
    Probe(
        id="refused_query_named",
        asks="Does the refusal of a query name its text?",
        needs=(NO_CLASS_IN_QUERY,),
        expect=True,
        see=_names_query,
        tag="C",
    ),
    _fault(
        "no_dialect",
        "How is a filter in an unknown dialect refused?",
        NO_DIALECT,
        "FilterDialectRequestedUnavailable 0x80338019",
        tag="D",
    ),
    _fault(
        "no_method",
        "How is a method refused that the class does not have?",
        NO_METHOD,
        "ActionNotSupported 0x80338013",
        tag="K",
        settles="unknown_method_fault",
    ),
    Probe(
        id="large_answer",
        asks="How is an answer refused that passes MaxEnvelopeSize?",
        needs=(LARGE,),
        expect="EncodingLimit 0x80338048",
        see=_large,
        tag="D",
        settles="large_answer_fault",
    ),
)
