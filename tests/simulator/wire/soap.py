# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP envelopes: namespaces, a parser that refuses DTDs, and writing with the prefixes that WinRM uses.

ElementTree writes names and attributes without a brace as they stand; so answers are built with prefixed names and
explicit ``xmlns:`` attributes, which gives the very prefixes and the order of a real server's envelopes.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import re
import typing as t
import uuid
import xml.etree.ElementTree as ET
from xml.parsers import expat

NAMESPACES: t.Final[c.Mapping[str, str]] = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "e": "http://schemas.xmlsoap.org/ws/2004/08/eventing",
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "cim": "http://schemas.dmtf.org/wbem/wscim/1/common",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "wsmid": "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd",
}

ANONYMOUS: t.Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
WMI_PREFIX: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
SHELL_URI: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd"
WQL_DIALECT: t.Final = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
TRANSFER: t.Final = NAMESPACES["x"]
ENUMERATION: t.Final = NAMESPACES["n"]
SHELL: t.Final = NAMESPACES["rsp"]

UNDERSTOOD: t.Final = frozenset(
    f"{{{NAMESPACES[prefix]}}}{name}"
    for prefix, names in {
        "a": "Action To From ReplyTo FaultTo MessageID RelatesTo",
        "w": "ResourceURI MaxEnvelopeSize OperationTimeout Locale SelectorSet OptionSet FragmentTransfer "
        "RequestEPR RequestTotalItemsCountEstimate",
        "p": "DataLocale SessionId OperationID SequenceId FirstSequenceId ActivityId",
    }.items()
    for name in names.split()
)
"""The header elements that a server knows (DSP0226, MS-WSMV 2.2.4); any other with mustUnderstand is refused."""

LANGUAGE_TAGS: t.Final[c.Mapping[str, str]] = {"en": "en-US", "de": "de-DE"}


class NotXml(Exception):
    """The bytes are no XML document that a WS-Management server reads; ``has_dtd`` tells the one special case."""

    def __init__(self, message: str, *, has_dtd: bool = False) -> None:
        super().__init__(message)
        self.has_dtd = has_dtd


def tag(prefixed: str) -> str:
    """Give the ElementTree name of ``prefix:local``."""
    prefix, local = prefixed.split(":")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def local_name(element: ET.Element) -> str:
    """Give the name of an element without its namespace."""
    return element.tag.rpartition("}")[2]


def parse_xml(data: bytes) -> ET.Element:
    """Parse a document; raise NotXml for anything malformed and for every DTD (so no entity can be declared)."""
    try:
        return ET.fromstring(data) if _has_no_declaration(data) else _parsed_with_care(data)
    except (expat.ExpatError, ET.ParseError, ValueError, AssertionError) as error:
        raise NotXml(f"The document is not well-formed: {error}") from error


def _has_no_declaration(data: bytes) -> bool:
    """Whether there can be no DTD, in whatever encoding: then the quick parser will do."""
    return data.isascii() and b"<!" not in data and b"\0" not in data


def _parsed_with_care(data: bytes) -> ET.Element:
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: builder.start(
        _braced(name), {_braced(key): value for key, value in attributes.items()}
    )
    parser.EndElementHandler = lambda name: builder.end(_braced(name))
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse_dtd
    parser.Parse(data, True)
    return builder.close()


def _braced(name: str) -> str:
    return "{" + name if "}" in name else name


def _refuse_dtd(*_arguments: object) -> None:
    raise NotXml("The document has a DTD, which SOAP forbids.", has_dtd=True)


def element(
    name: str, *children: ET.Element, text: str | None = None, attributes: c.Mapping[str, str] | None = None
) -> ET.Element:
    """Build an element with a prefixed name as it shall be written."""
    made = ET.Element(name, dict(attributes or {}))
    made.text = text
    made.extend(children)
    return made


def declarations(*prefixes: str) -> dict[str, str]:
    """Give ``xmlns:`` attributes for these prefixes, in this order."""
    return {f"xmlns:{prefix}": NAMESPACES[prefix] for prefix in prefixes}


def new_identifier() -> str:
    """Give a fresh identifier as Windows writes it: upper case, without braces."""
    return str(uuid.uuid4()).upper()


def envelope(
    action: str, *body: ET.Element, relates_to: str | None, prefixes: c.Iterable[str], language: str = "en"
) -> ET.Element:
    """Build an answer's envelope; the header's elements stand in the order of captured answers."""
    header = element(
        "s:Header",
        element("a:Action", text=action),
        element("a:MessageID", text=f"uuid:{new_identifier()}"),
        element("a:To", text=ANONYMOUS),
    )
    if relates_to:
        header.append(element("a:RelatesTo", text=relates_to))
    attributes = {"xml:lang": LANGUAGE_TAGS.get(language, "en-US"), **declarations(*prefixes)}
    return element("s:Envelope", header, element("s:Body", *body), attributes=attributes)


def render(root: ET.Element) -> bytes:
    """Write an envelope. Characters that XML can't carry go out as they are, so that the reader's parser refuses them.

    The behaviour of a real server with such characters is [K] unverified.
    """
    return written(root).encode("utf-8", "surrogatepass")


def written(root: ET.Element) -> str:
    """Write an element as ElementTree would, whose own writer looks for namespaces first: here names have prefixes."""
    pieces: list[str] = []
    _write(root, pieces.append)
    return "".join(pieces)


def _write(item: ET.Element, write: c.Callable[[str], None]) -> None:
    attributes = "".join([f' {name}="{_quoted(value)}"' for name, value in item.attrib.items()])
    if item.text or len(item):
        write(f"<{item.tag}{attributes}>{_escaped(item.text or '')}")
        for child in item:
            _write(child, write)
        write(f"</{item.tag}>")
    else:
        write(f"<{item.tag}{attributes} />")
    if item.tail:
        write(_escaped(item.tail))


def _escaped(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    return text.replace(">", "&gt;") if ">" in text else text


def _quoted(text: str) -> str:
    quoted = _escaped(text).replace('"', "&quot;")
    return quoted.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#09;")


@dataclasses.dataclass(frozen=True, slots=True)
class Message:
    """A request's envelope, taken apart.

    ``max_envelope_size`` is in bytes, ``operation_timeout`` in seconds; both None where the header is absent.
    ``has_broken_timeout``: it is there and is no duration. ``not_understood``: the first mandatory header that is
    not known, empty if there is none.
    Selector and option names keep the sender's case.
    """

    action: str
    resource_uri: str
    message_id: str | None
    selectors: c.Mapping[str, str]
    options: c.Mapping[str, str]
    must_comply: frozenset[str]
    max_envelope_size: int | None
    operation_timeout: float | None
    has_reply_to: bool
    locale_must_be_understood: bool
    has_broken_timeout: bool
    not_understood: str
    body: ET.Element
    size: int

    @property
    def payload(self) -> ET.Element | None:
        """The first element of the body."""
        return next(iter(self.body), None)

    @property
    def method(self) -> str:
        """The last part of the action: ``Enumerate``, ``Receive``, ``GetStringValue``."""
        return self.action.rstrip("/").rpartition("/")[2]

    @property
    def resource(self) -> str:
        """The last part of the resource URI: a class name, ``*`` or ``cmd``."""
        return self.resource_uri.rstrip("/").rpartition("/")[2]

    def selector(self, name: str) -> str | None:
        """Give one selector's value; names are compared without regard to case."""
        return next((value for key, value in self.selectors.items() if key.lower() == name.lower()), None)


def read_message(data: bytes) -> Message:
    """Parse a request. Raises NotXml if it is no SOAP 1.2 envelope; the header's rules are not checked here."""
    root = parse_xml(data)
    body = root.find(tag("s:Body"))
    if root.tag != tag("s:Envelope") or body is None:
        raise NotXml(f"The document is no SOAP envelope but <{local_name(root)}>.")
    found = root.find(tag("s:Header"))
    header = ET.Element("header") if found is None else found
    options = header.findall(f"{tag('w:OptionSet')}/{tag('w:Option')}")
    timeout = _text(header, "w:OperationTimeout")
    return Message(
        action=_text(header, "a:Action") or "",
        resource_uri=_text(header, "w:ResourceURI") or "",
        message_id=_text(header, "a:MessageID"),
        selectors=_named_texts(header.findall(f"{tag('w:SelectorSet')}/{tag('w:Selector')}")),
        options=_named_texts(options),
        must_comply=frozenset(item.get("Name", "") for item in options if item.get("MustComply") == "true"),
        max_envelope_size=whole_number(_text(header, "w:MaxEnvelopeSize")),
        operation_timeout=parse_duration(timeout),
        has_reply_to=bool(_text(header, f"a:ReplyTo/{tag('a:Address')}", path=True)),
        locale_must_be_understood=any(_must_understand(header, name) for name in ("w:Locale", "p:DataLocale")),
        has_broken_timeout=timeout is not None and parse_duration(timeout) is None,
        not_understood=_not_understood(header),
        body=body,
        size=len(data),
    )


def _text(parent: ET.Element, name: str, *, path: bool = False) -> str | None:
    first, _separator, rest = name.partition("/") if path else (name, "", "")
    found = parent.find(tag(first) + (f"/{rest}" if rest else ""))
    return None if found is None else (found.text or "").strip()


def _named_texts(elements: c.Iterable[ET.Element]) -> dict[str, str]:
    return {item.get("Name", ""): "".join(item.itertext()) for item in elements}


def whole_number(text: str | None) -> int | None:
    """Read a number of up to ten digits; None for anything else."""
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 10 else None


def _must_understand(header: ET.Element, name: str) -> bool:
    found = header.find(tag(name))
    return found is not None and _is_mandatory(found)


def _is_mandatory(item: ET.Element) -> bool:
    return item.get(tag("s:mustUnderstand")) in ("true", "1")


def _not_understood(header: ET.Element) -> str:
    return next((local_name(item) for item in header if item.tag not in UNDERSTOOD and _is_mandatory(item)), "")


_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def parse_duration(text: str | None) -> float | None:
    """Read an xs:duration of days and less, such as ``PT60.000S``; None for anything else."""
    match = _DURATION.fullmatch(text or "")
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
