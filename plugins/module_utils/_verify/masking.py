# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may stand in a result: words of a closed list, numbers and codes. A name of anybody or anything can't.

A server's answers are never copied into a result. What a probe has seen is made of words that the probes know; any
other word, whatever it is, becomes one and the same mark.
"""

from __future__ import annotations

import re
import typing as t

OTHER: t.Final = "something else"
"""For a text that holds any word that is not on the list."""
SUBCODES: t.Final = frozenset(
    {"AccessDenied", "ActionNotSupported", "AlreadyExists", "CannotProcessFilter", "Concurrency"}
    | {"DestinationUnreachable", "EncodingLimit", "FilterDialectRequestedUnavailable", "FilteringNotSupported"}
    | {"InternalError", "InvalidBookmark", "InvalidEnumerationContext", "InvalidExpirationTime"}
    | {"InvalidMessageInformationHeader", "InvalidOptions", "InvalidParameter", "InvalidRepresentation"}
    | {"InvalidSelectors", "InvalidTimeout", "InvalidValue", "MessageInformationHeaderRequired"}
    | {"NoAck", "NotUnderstood", "QuotaLimit", "SchemaValidationError", "TimedOut", "UnableToRenew"}
    | {"UnreportableSuccess", "UnsupportedFeature", "UnsupportedExpirationType"}
)
"""Subcodes of faults: DSP0226, WS-Addressing, WS-Enumeration."""
DETAILS: t.Final = frozenset(
    {"InvalidResourceURI", "InvalidName", "InvalidValue", "Locale", "UnexpectedSelectors", "InsufficientSelectors"}
    | {"MinimumEnvelopeLimit", "MaxEnvelopeSizeExceeded", "MaximumEnvelopeSize"}
)
WORDS: t.Final = (
    SUBCODES
    | DETAILS
    | {"GetStringValue_OUTPUT", "GetStringValue", "XmlFragment", "Win32_Service", "Win32_TerminalService"}
    | {"lsass.exe", "svchost.exe", "dns.exe", "services.exe", "System", "1024-MaxUserPort"}
    | {"a", "an", "and", "another", "answered", "active", "characters", "elements", "element"}
    | {"elsewhere", "empty", "end", "fault", "from", "group", "items", "many", "n"}
    | {"nil", "no", "none", "not", "octets", "of", "offset", "one", "or"}
    | {"other", "persistent", "random", "sequential", "there", "two", "w", "without", "Z"}
    | {"count_from_start", "from_1024", "max_user_port", "MSFT_WmiError", "WSManFault"}
)
_NUMBER: t.Final = re.compile(r"-?[0-9]{1,10}|0x[0-9A-F]{8}|[0-9]{1,5}-[0-9]{1,5}|[0-9]\.[0-9]", re.ASCII)


def masked(seen: bool | int | str | None) -> bool | int | str | None:
    """What was seen, as it may be told to anybody."""
    if not isinstance(seen, str):
        return seen
    known = all(word in WORDS or _NUMBER.fullmatch(word) for word in seen.split())
    return seen if known else OTHER
