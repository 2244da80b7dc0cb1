# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP envelopes of WS-Management: bytes in, bytes out, no network.

Written against DSP0226 (WS-Management 1.0/1.1) and MS-WSMV. What Windows is lenient about is still sent right; what
differs between its releases is matched by local name.
"""

from __future__ import annotations

import codecs
import enum
import itertools
import re
import types
import typing as t
import xml.etree.ElementTree as ET
from xml.parsers import expat
from xml.sax import saxutils

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    ConnectionDropped,
    Origin,
    ProtocolViolation,
    UncarriableText,
    Unsendable,
    WsmanError,
)

NAMESPACES: t.Final[t.Mapping[str, str]] = types.MappingProxyType(
    {
        "s": "http://www.w3.org/2003/05/soap-envelope",  # SOAP 1.2, DSP0226 section 5
        "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",  # DSP0226 section 5.4
        "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",  # DSP0226 annex A
        "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",  # DSP0226 section 8
        "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",  # MS-WSMV 2.2.1
        "rsp": "http://schemas.microsoft.com/wbem/wsman/1/windows/shell",  # MS-WSMV 2.2.1
        "cim": "http://schemas.dmtf.org/wbem/wscim/1/common",  # DSP0230
        "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    }
)
"""Prefix to namespace. The prefixes are ours; answers are read by local name."""


class Action(enum.Enum):
    """Actions that do not depend on the class (Invoke has the class URI and the method's name, MS-WSMV 3.1.4.1.32)."""

    GET = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get"  # DSP0226 section 7.2
    PUT = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Put"  # DSP0226 section 7.3
    DELETE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete"  # DSP0226 section 7.4
    CREATE = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create"  # DSP0226 section 7.5
    ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"  # DSP0226 section 8.2
    PULL = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull"  # DSP0226 section 8.4
    RELEASE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Release"  # DSP0226 section 8.5, MS-WSMV 3.1.4.10
    COMMAND = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command"  # MS-WSMV 3.1.4.11
    SEND = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send"  # MS-WSMV 3.1.4.13
    RECEIVE = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Receive"  # MS-WSMV 3.1.4.14
    SIGNAL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Signal"  # MS-WSMV 3.1.4.12


ANONYMOUS: t.Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
# Windows compares nothing here; this constant tells a server nothing about the controller's names for it.
RECIPIENT: t.Final = "http://windows-host:5985/wsman"
MAX_ENVELOPE_SIZE: t.Final = 512_000
"""Octets that we accept in one answer; a server with a lower limit lowers it silently (MS-WSMV 3.1.4.1.7)."""
MAX_ANSWER: t.Final = 4 * 1024 * 1024
"""Octets at which an answer is refused: eight times what was asked for, since servers count UTF-16."""
MOST_TAGS: t.Final = 65_536
"""Tags, and attributes, at which an answer is refused: of MAX_ENVELOPE_SIZE octets, an array of single letters has
46,000 tags. An element costs twenty times the octets that it is written with."""
MOST_PIECES: t.Final = MAX_ENVELOPE_SIZE // 2
"""Line ends and references: the parser gives out a text in as many pieces, each of 60 octets. Of a real answer, which
is counted as UTF-16, every character could be a line end."""
MOST_NAMES: t.Final = 4_096
"""Different names of elements; the widest classes of Windows have 200 properties."""
LONGEST_NAMESPACE: t.Final = 256
"""Characters; the parser writes the namespace out in the name of every element that is in it."""
_CHUNK: t.Final = 65_536

# Everything that is not a character of XML 1.0, and CR, which every parser turns into LF (XML 1.0 sections 2.2, 2.11).
_UNSENDABLE: t.Final = "[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]"
_ATTRIBUTE: t.Final = rb"=[ \t\r\n]*[\"']"
# What a parser makes of a value has no more characters than the value has octets: an entity needs a declaration.
_DECLARATION_OR_LONG_VALUE: t.Final = re.compile(
    rb"<!DOCTYPE|=[ \t\r\n]*(?:\"[^\"]{%(most)d}|'[^']{%(most)d})" % {b"most": LONGEST_NAMESPACE + 1}
)


NO_FIELDS: t.Final[t.Mapping[str, str]] = types.MappingProxyType({})


class Message(t.NamedTuple):
    """One request before it has an id: the fields of the header, and what is written into the body.

    ``repeatable``: sending it twice does no more than sending it once, so it may be repeated on a dropped connection.
    ``continues``: it continues an enumeration, whose context moves on with every message, so it is never repeated.
    """

    action: str
    resource_uri: str
    body: str = ""
    selectors: t.Mapping[str, str] = NO_FIELDS
    options: t.Mapping[str, str] = NO_FIELDS
    repeatable: bool = False
    continues: bool = False


def element(tag: str, text: str = "", attributes: t.Mapping[str, str] | None = None) -> str:
    """An element with a literal, prefixed tag; text and attribute values are checked to survive the trip."""
    return _written(tag, saxutils.escape(sendable(text)), attributes)


def container(tag: str, *children: str, attributes: t.Mapping[str, str] | None = None) -> str:
    """An element that holds other elements and no text."""
    return _written(tag, "".join(children), attributes)


def _written(tag: str, content: str, attributes: t.Mapping[str, str] | None) -> str:
    """Text itself, in place of a tree that is written out: a message is as long as its tags, and written once."""
    named = [f' {name}="{saxutils.escape(sendable(value), _IN_QUOTES)}"' for name, value in (attributes or {}).items()]
    opening = "".join([tag, *named])
    return f"<{opening}>{content}</{tag}>" if content else f"<{opening} />"


# A parser makes blanks of line ends and tabs in attributes (XML 1.0 section 3.3.3).
_IN_QUOTES: t.Final = {'"': "&quot;", "\n": "&#10;", "\t": "&#09;"}


def sendable(text: str) -> str:
    """Return ``text``, or raise Unsendable: control characters, CR, lone surrogates, U+FFFE, U+FFFF do not survive XML.

    Blanks at the ends, tabs and line feeds do survive, here and in what ElementTree reads.
    """
    # Most texts are known for good at once, and the pattern is compiled for others alone.
    match = None if text.isascii() and text.isprintable() else re.search(_UNSENDABLE, text)
    if match is None:
        return text
    raise Unsendable(
        host="",
        meaning=f"the character U+{ord(match.group()):04X} in {_excerpt(text)!a} cannot be carried by XML",
        advice="nothing was sent; remove the character on the server itself",
    )


def _excerpt(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def render(message: Message, *, message_id: str, operation_timeout: float) -> bytes:
    """The envelope as UTF-8. ``message_id`` is a whole URI (``uuid:...``), ``operation_timeout`` in seconds."""
    parts = {
        "uri": saxutils.escape(sendable(message.resource_uri)),
        "action": saxutils.escape(sendable(message.action)),
        "id": saxutils.escape(sendable(message_id)),
        "seconds": f"{operation_timeout:.3f}",
        "sets": _named("w:SelectorSet", "w:Selector", message.selectors)
        + _named("w:OptionSet", "w:Option", message.options),
        "body": container("s:Body", message.body),
    }
    return (_ENVELOPE % parts).encode("utf-8")


def _envelope() -> str:
    """What all messages have in common, written out once, with the names of the parts in which they differ."""
    must = {"s:mustUnderstand": "true"}
    # MS-WSMV 3.1.4.1.8: a locale that must be understood is answered with UnsupportedFeature.
    locale = {"xml:lang": "en-US", "s:mustUnderstand": "false"}
    header = container(
        "s:Header",
        element("a:To", RECIPIENT),
        container("a:ReplyTo", element("a:Address", ANONYMOUS, must)),
        element("w:ResourceURI", "%(uri)s", must),
        element("a:Action", "%(action)s", must),
        element("a:MessageID", "%(id)s"),
        element("w:MaxEnvelopeSize", str(MAX_ENVELOPE_SIZE), must),
        element("w:OperationTimeout", "PT%(seconds)sS"),
        element("w:Locale", "", locale),
        element("p:DataLocale", "", locale),
        "%(sets)s",
    )
    namespaces = {f"xmlns:{prefix}": uri for prefix, uri in NAMESPACES.items()}
    return _DECLARATION + container("s:Envelope", header, "%(body)s", attributes=namespaces)


_DECLARATION: t.Final = "<?xml version='1.0' encoding='utf-8'?>\n"
_ENVELOPE: t.Final = _envelope()


def _named(tag: str, item: str, values: t.Mapping[str, str]) -> str:
    if not values:
        return ""
    return container(tag, *(element(item, value, {"Name": name}) for name, value in values.items()))


def local(node: ET.Element) -> str:
    """The tag without its namespace."""
    return node.tag.rpartition("}")[2]


def child(node: ET.Element | None, *path: str) -> ET.Element | None:
    """The first descendant along ``path`` of local names, or None."""
    for name in path:
        if node is None:
            return None
        node = _first(node, name)
    return node


def _first(nodes: ET.Element, name: str) -> ET.Element | None:
    ending = "}" + name
    for node in nodes:
        if node.tag.endswith(ending) or node.tag == name:
            return node
    return None


def text_of(node: ET.Element | None) -> str:
    """The stripped text of a node that holds a token (URI, code, id); empty if there is none."""
    return (node.text or "").strip() if node is not None else ""


def parse(answer: bytes, origin: Origin) -> ET.Element:
    """The envelope of an answer, as an element. Anything but a plain SOAP 1.2 envelope is a ProtocolViolation.

    A document type declaration is refused before anything is expanded: no entity, no external reference ever is.
    """
    _demand_bounded(answer, origin)
    _demand_text(answer, origin)
    root = _parsed(answer, origin)
    if root.tag.casefold() != f"{{{NAMESPACES['s']}}}envelope":
        raise violation(origin, f"the answer is not a SOAP envelope but {_excerpt(root.tag)!a}", NO_WINRM)
    return root


RUN_AGAIN: t.Final = "run again: the state is re-read first"
NO_WINRM: t.Final = "check that host, port and path lead to the WinRM service (5985 or 5986; 80 or 443 before KB968930)"


def violation(origin: Origin, meaning: str, advice: str = "") -> ProtocolViolation:
    """A ProtocolViolation at ``origin``."""
    return ProtocolViolation(
        host=origin.host, operation=origin.operation, target=origin.target, meaning=meaning, advice=advice
    )


def _demand_bounded(answer: bytes, origin: Origin) -> None:
    """Refuse an answer that is too large, or small and of so many parts that its elements would fill the memory."""
    if len(answer) > MAX_ANSWER:
        raise violation(origin, f"the answer is larger than {MAX_ANSWER} bytes")
    if answer.count(b"<") > MOST_TAGS or _attributes(answer) > MOST_TAGS:
        raise violation(origin, f"the answer has more than {MOST_TAGS} tags or attributes")
    if sum(map(answer.count, (b"\r", b"\n", b"&"))) > MOST_PIECES:
        raise violation(origin, f"the answer has more than {MOST_PIECES} line ends and references")


def _attributes(answer: bytes) -> int:
    """No fewer than there are; of too many, one more than MOST_TAGS."""
    signs = answer.count(b"=")
    if signs <= MOST_TAGS:
        return signs
    return sum(1 for _attribute in itertools.islice(re.finditer(_ATTRIBUTE, answer), MOST_TAGS + 1))


def _demand_text(answer: bytes, origin: Origin) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in _chunks(answer):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise violation(origin, "the answer is not UTF-8 text", NO_WINRM) from error
    # The parser takes a text that begins with "<" and U+0000 for UTF-16, whatever it is told.
    if b"\0" in answer:
        raise violation(origin, "the answer holds U+0000, which no XML may", NO_WINRM)


def _chunks(answer: bytes) -> t.Iterator[bytes]:
    return (answer[start : start + _CHUNK] for start in range(0, len(answer), _CHUNK))


def _parsed(answer: bytes, origin: Origin) -> ET.Element:
    # Told its encoding, a parser does not listen to the one that a declaration names.
    parser = ET.XMLParser(encoding="utf-8")  # noqa: S314 - nothing is left to expand
    try:
        if _may_declare(answer):
            _refuse_declarations(answer, origin)
        for chunk in _chunks(answer):
            parser.feed(chunk)
        return parser.close()
    except (ET.ParseError, expat.ExpatError, ValueError) as error:
        raise _unparsed(error, answer, origin) from error


def _codes(*names: str) -> frozenset[int]:
    return frozenset(expat.errors.codes[name] for name in names)


_BROKEN_OFF: t.Final = _codes(
    expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN, expat.errors.XML_ERROR_PARTIAL_CHAR
)
_NO_CHARACTER: t.Final = _codes(expat.errors.XML_ERROR_INVALID_TOKEN, expat.errors.XML_ERROR_BAD_CHAR_REF)


def _unparsed(error: Exception, answer: bytes, origin: Origin) -> WsmanError:
    code = getattr(error, "code", None)
    if code in _BROKEN_OFF:
        return _broken_off(answer, origin)
    kind = UncarriableText if code in _NO_CHARACTER else ProtocolViolation
    return kind(
        host=origin.host,
        operation=origin.operation,
        target=origin.target,
        meaning=f"the answer is not well-formed XML ({error})",
        advice=NO_WINRM,
    )


def _broken_off(answer: bytes, origin: Origin) -> ConnectionDropped:
    """An answer that is whole for HTTP, and no whole XML: the server or something between has lost the rest."""
    return ConnectionDropped(
        host=origin.host,
        operation=origin.operation,
        target=origin.target,
        meaning="the answer breaks off in the middle" if _says_anything(answer) else "the answer is empty",
        advice=RUN_AGAIN,
    )


def _says_anything(answer: bytes) -> bool:
    return bool(answer.removeprefix(codecs.BOM_UTF8).strip())


def _may_declare(answer: bytes) -> bool:
    """False if the octets alone show that ``_refuse_declarations`` has nothing to find, as in nearly all answers."""
    return answer.count(b"<") > MOST_NAMES or _DECLARATION_OR_LONG_VALUE.search(answer) is not None


def _refuse_declarations(answer: bytes, origin: Origin) -> None:
    """Let the parser itself find a document type, an endless namespace or endless names, before it expands anything.

    ElementTree does not let its parser be asked, so this is a pass of its own, at the cost of the other.
    """
    names: set[str] = set()

    def refuse_names(name: str, _attributes: object) -> None:
        names.add(name)
        if len(names) > MOST_NAMES:
            raise violation(origin, f"the answer has more than {MOST_NAMES} different elements")

    def refuse_document_type(*_declaration: object) -> None:
        raise violation(origin, "the answer carries a document type declaration, which SOAP forbids", NO_WINRM)

    def refuse_endless(_prefix: str | None, namespace: str | None) -> None:
        if len(namespace or "") > LONGEST_NAMESPACE:
            raise violation(origin, f"the answer has a namespace of more than {LONGEST_NAMESPACE} characters")

    parser = expat.ParserCreate("utf-8", "}")
    parser.StartDoctypeDeclHandler = refuse_document_type
    parser.StartNamespaceDeclHandler = refuse_endless
    parser.StartElementHandler = refuse_names
    for chunk in _chunks(answer):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)


def body_of(envelope: ET.Element, origin: Origin) -> ET.Element:
    """The SOAP body."""
    body = child(envelope, "Body")
    if body is None:
        raise violation(origin, "the answer has no SOAP body")
    return body


def check_relation(envelope: ET.Element, message_id: str, origin: Origin, *, required: bool = True) -> None:
    """Refuse an answer to another message (DSP0226 section 5.4.5); Windows changes the case of the id."""
    relates_to = text_of(child(envelope, "Header", "RelatesTo"))
    if relates_to.casefold() == message_id.casefold() or not (relates_to or required):
        return
    raise violation(origin, f"the answer belongs to another message (RelatesTo {_excerpt(relates_to)!a})")


def required_child(node: ET.Element, origin: Origin, *path: str) -> ET.Element:
    """Like child(), but a missing node is a ProtocolViolation."""
    found = child(node, *path)
    if found is None:
        raise violation(origin, f"the answer has no {path[-1]}")
    return found
