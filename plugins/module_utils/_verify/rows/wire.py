# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of WS-Management itself: identity, envelopes and enumerations."""

from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import Probe
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import (
    Identify,
    Query,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import (
    CantTell,
    Readings,
    Server,
    fault_of,
    first,
    inner_text,
    local,
    space,
    stack_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.rows.common import (
    OPERATING_SYSTEM,
    SERVICES,
    UNDERSCORE,
)

_SYSTEM: t.Final = "Win32_OperatingSystem"
_ENUMERATION: t.Final = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
_WSMAN: t.Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
SMALL: t.Final = 16_384
"""Octets that the probe of batches allows: small enough that the services of any server need several answers."""
IDENTITY: t.Final = Identify()
BATCHES: t.Final = Query("SELECT * FROM Win32_Service", pulls=2, elements=2, envelope_size=SMALL, pull_after_end=True)


def _stack(server: Server) -> str:
    """The stack of a release that has all its updates; older releases may have either."""
    return "1.1 or 2.0" if server.version < (6, 1) else "2.0" if server.version < (6, 2) else "3.0"


def _stack_seen(found: Readings) -> str:
    stack = stack_of(found.envelope(IDENTITY))
    if not stack:
        raise CantTell("Identify tells no stack")
    return "1.1 or 2.0" if found.server.version < (6, 1) and stack in ("1.1", "2.0") else stack


def _vendor(found: Readings) -> bool:
    vendor = inner_text(first(found.envelope(IDENTITY), "ProductVendor"))
    return vendor.casefold().startswith("microsoft")


def _tells_version(found: Readings) -> bool:
    told = inner_text(first(found.envelope(IDENTITY), "ProductVersion"))
    return f"OS: {found.server.release.version}" in told


def _items(envelope: ET.Element) -> list[ET.Element]:
    holder = first(envelope, "Items")
    return [] if holder is None else list(holder)


def _first_batch(found: Readings) -> str:
    """How much the first answer of a long result holds."""
    found.answered(BATCHES)
    count = len(_items(found.envelope(BATCHES)))
    if first(found.envelope(BATCHES), "EndOfSequence") is not None and count <= 1:
        raise CantTell("the result is too short")
    return "none" if count == 0 else "one" if count == 1 else "many"


def _first_batch_expected(server: Server) -> str:
    return "many" if server.is_old or server.stack == "1.1" else "one"


def _unit(found: Readings) -> str:
    """What MaxEnvelopeSize counts, by the size of an answer that had to leave something out."""
    # The second Pull is limited by the message.
    answers = found.answered(BATCHES).answers[:2]
    full = [answer for answer in answers if len(_items(answer)) > 1 and first(answer, "EndOfSequence") is None]
    if not full:
        raise CantTell("no answer was full")
    largest = max(len(ET.tostring(answer, encoding="unicode")) for answer in full)
    # A service is some 1,500 characters: a full answer is never far from its limit, whichever that is.
    return "characters of two octets" if largest <= SMALL // 2 else "octets"


def _context(envelope: ET.Element) -> str:
    return inner_text(first(envelope, "EnumerationContext"))


def _parts(found: Readings) -> tuple[ET.Element, ...]:
    """The answers: the first one, a full Pull, a limited Pull, one with a context that was used, and the Release."""
    answers = found.answered(BATCHES).answers
    if len(answers) < 5:
        raise CantTell("the result has too few rows")
    return answers


def _context_changes(found: Readings) -> bool:
    opened, pulled = _parts(found)[:2]
    return _context(opened) != _context(pulled)


def _used_context(found: Readings) -> str:
    fault = fault_of(_parts(found)[3])
    return "answered" if fault is None else fault.text


def _as_many(found: Readings) -> int:
    return len(_items(_parts(found)[2]))


def _items_spaces(found: Readings) -> str:
    """The namespaces of Items in the first answer and in a Pull's."""
    known = {_ENUMERATION: "n", _WSMAN: "w"}
    holders = [first(part, "Items") for part in _parts(found)[:2]]
    if any(holder is None for holder in holders):
        raise CantTell("an answer has no items")
    return " ".join(known.get(space(holder), "other") for holder in holders if holder is not None)


def _released(found: Readings) -> bool:
    return fault_of(_parts(found)[4]) is None


def _empty_result(found: Readings) -> str:
    reading = found.reading(UNDERSCORE)
    if reading.fault is not None:
        return "fault"
    return "end without items" if not any(_items(answer) for answer in reading.answers) else "items"


def _fragment(found: Readings) -> str:
    nodes = [item for answer in found.answered(SERVICES).answers for item in _items(answer)]
    if not nodes:
        raise CantTell("no row came back")
    return local(nodes[0])


def _alphabetical(found: Readings) -> bool:
    nodes = [item for answer in found.answered(SERVICES).answers for item in _items(answer)]
    if not nodes:
        raise CantTell("no row came back")
    names = [local(member).casefold() for member in nodes[0]]
    return names == sorted(names)


def _plain_members(found: Readings) -> bool:
    nodes = [item for answer in found.answered(SERVICES).answers for item in _items(answer)]
    if not nodes:
        raise CantTell("no row came back")
    return not any(space(member) for member in nodes[0])


def _whole_object(found: Readings) -> bool:
    """A row of SELECT * is an element of its class, in the namespace of the class."""
    nodes = [item for answer in found.answered(BATCHES).answers for item in _items(answer)]
    if not nodes:
        raise CantTell("no row came back")
    return space(nodes[0]).casefold().endswith(f"/root/cimv2/{local(nodes[0])}".casefold())


def _nil(found: Readings) -> str:
    """How a null text is written in a whole object."""
    nodes = [item for answer in found.answered(BATCHES).answers for item in _items(answer)]
    dates = [member for node in nodes for member in node if local(member) == "InstallDate"]
    if nodes and not dates:
        return "no element"
    if not dates or inner_text(dates[0]) or len(dates[0]):
        raise CantTell("no null came back")
    return "nil" if any(key.rpartition("}")[2] == "nil" for key in dates[0].attrib) else "empty element"


ROWS: t.Final = (
    Probe(id="vendor", asks="Does Identify name Microsoft?", needs=(IDENTITY,), expect=True, see=_vendor, tag="C"),
    Probe(id="stack", asks="Which WinRM stack answers?", needs=(IDENTITY,), expect=_stack, see=_stack_seen, tag="D"),
    Probe(
        id="identify_tells_version",
        asks="Does Identify tell an account that is logged on the version of Windows?",
        needs=(IDENTITY, OPERATING_SYSTEM),
        expect=True,
        see=_tells_version,
        tag="C",
    ),
    Probe(
        id="empty_result",
        asks="What comes for a query that finds nothing?",
        needs=(UNDERSCORE,),
        expect="end without items",
        see=_empty_result,
        tag="C",
    ),
    Probe(
        id="first_batch",
        asks="How many rows has the first answer of a long result, if the message asks for as many as fit?",
        needs=(BATCHES,),
        expect=_first_batch_expected,
        see=_first_batch,
        tag="C",
        settles="first_batch",
    ),
    Probe(
        id="envelope_counts",
        asks="Does MaxEnvelopeSize count octets, or characters of two?",
        needs=(BATCHES,),
        expect="characters of two octets",
        see=_unit,
        tag="C",
        settles="envelope_counts_utf16",
    ),
    Probe(
        id="context_changes",
        asks="Does the context of an enumeration change with each Pull?",
        needs=(BATCHES,),
        expect=True,
        see=_context_changes,
        tag="C",
    ),
    Probe(
        id="used_context",
        asks="How is a Pull with a context refused that was used before?",
        needs=(BATCHES,),
        expect="InvalidEnumerationContext 0x8033801B",
        see=_used_context,
        tag="D",
    ),
    Probe(
        id="as_many_as_asked",
        asks="Has a Pull at most as many rows as the message allows?",
        needs=(BATCHES,),
        expect=2,
        see=_as_many,
        tag="D",
    ),
    Probe(
        id="items_namespaces",
        asks="In which namespaces are the items of the first answer and of a Pull's?",
        needs=(BATCHES,),
        expect="w n",
        see=_items_spaces,
        tag="C",
    ),
    Probe(
        id="release",
        asks="Is an enumeration released on demand?",
        needs=(BATCHES,),
        expect=True,
        see=_released,
        tag="D",
    ),
    Probe(
        id="selected_columns",
        asks="In which element does a row with selected columns come?",
        needs=(SERVICES,),
        expect="XmlFragment",
        see=_fragment,
        tag="C",
    ),
    Probe(
        id="columns_sorted",
        asks="Are selected columns in the order of the alphabet?",
        needs=(SERVICES,),
        expect=True,
        see=_alphabetical,
        tag="C",
    ),
    Probe(
        id="columns_without_namespace",
        asks="Are selected columns in no namespace?",
        needs=(SERVICES,),
        expect=True,
        see=_plain_members,
        tag="C",
    ),
    Probe(
        id="whole_objects",
        asks="Is a row of SELECT * an element of its class?",
        needs=(BATCHES,),
        expect=True,
        see=_whole_object,
        tag="C",
    ),
    Probe(id="nil", asks="How is a null written?", needs=(BATCHES,), expect="nil", see=_nil, tag="C"),
)
