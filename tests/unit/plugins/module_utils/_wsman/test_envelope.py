# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Envelopes: what is sent, and what is refused of what comes back."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import (
    ConnectionDropped,
    Origin,
    ProtocolViolation,
    Unsendable,
)
from tests.unit.plugins.module_utils._wsman import answers

EDGE1 = Origin("edge1", "Get", "root/cimv2/Win32_Service")
PREFIXED = dict(soap.NAMESPACES)


def rendered(message: soap.Message) -> ET.Element:
    return ET.fromstring(soap.render(message, message_id="uuid:1", operation_timeout=20))


def test_header_has_everything_windows_wants() -> None:
    message = soap.Message(
        soap.Action.GET.value, "urn:class", selectors={"Name": "a&b <c>"}, options={"WINRS_NOPROFILE": "TRUE"}
    )
    header = rendered(message).find("s:Header", PREFIXED)
    assert header is not None
    texts = {soap.local(node): (node.text or "") for node in header}
    assert texts["Action"] == soap.Action.GET.value
    assert texts["ResourceURI"] == "urn:class"
    assert texts["MessageID"] == "uuid:1"
    assert texts["MaxEnvelopeSize"] == "512000"
    assert texts["OperationTimeout"] == "PT20.000S"
    assert header.findtext("a:ReplyTo/a:Address", None, PREFIXED) == soap.ANONYMOUS
    selector = header.find("w:SelectorSet/w:Selector", PREFIXED)
    assert selector is not None
    assert (selector.get("Name"), selector.text) == ("Name", "a&b <c>")
    assert header.findtext("w:OptionSet/w:Option", None, PREFIXED) == "TRUE"


@pytest.mark.parametrize("name", ["Locale", "DataLocale"])
def test_locale_need_not_be_understood(name: str) -> None:
    header = rendered(soap.Message("urn:action", "urn:class")).find("s:Header", PREFIXED)
    node = soap.child(header, name)
    assert node is not None
    assert node.get(f"{{{PREFIXED['s']}}}mustUnderstand") == "false"


def test_no_empty_sets() -> None:
    text = soap.render(soap.Message("urn:action", "urn:class"), message_id="uuid:1", operation_timeout=1).decode()
    assert "SelectorSet" not in text
    assert "OptionSet" not in text
    assert re.match("<[?]xml version='1.0' encoding='utf-8'[?]>", text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "  blanks at the ends  ", "tab\tand\nline feed", "ä€😀", "<&>\"'", "]]>", "\x7f\x85\u2028", "\ufeffmark"],
    ids=ascii,
)
def test_text_survives(text: str) -> None:
    node = soap.element("p:Value", text, {"xmlns:p": "urn:x", "Name": text})
    back = ET.fromstring(node)
    assert (back.text or "") == text
    assert back.get("Name") == text


@pytest.mark.parametrize(
    "text", ["\x00", "a\x01b", "\x0b", "\x1f", "a\r\nb", "\ud800", "low \udfff", "\ufffe", "\uffff"], ids=ascii
)
def test_text_that_would_not_survive_is_refused(text: str) -> None:
    with pytest.raises(Unsendable, match=r"cannot be carried by XML.*nothing was sent"):
        soap.sendable(text)


@given(st.text())
def test_whatever_is_sendable_survives(text: str) -> None:
    try:
        node = soap.element("p:Value", text, {"xmlns:p": "urn:x", "Name": text})
    except Unsendable:
        return
    back = ET.fromstring(node.encode("utf-8"))
    assert (back.text or "", back.get("Name")) == (text, text)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>' + answers.envelope("<x:A>&c;</x:A>")
)
GOOD = answers.envelope("<x:A/>")

REFUSED = {
    "text": (b"SSH-2.0-OpenSSH_9.2", "not well-formed"),
    "web page": (b"<html><body>It works</body></html>", "not a SOAP envelope but 'html'"),
    "soap 1.1": (GOOD.replace("http://www.w3.org/2003/05/soap-envelope", "urn:old").encode(), "not a SOAP envelope"),
    "entity bomb": (BOMB.encode(), "document type declaration"),
    "external entity": (
        ('<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + GOOD).encode(),
        "document type declaration",
    ),
    "hidden by encoding": (BOMB.encode("utf-16"), "not UTF-8"),
    "UTF-16 without a mark": (BOMB.encode("utf-16-le"), "U[+]0000"),
    "UTF-16 without a mark, the other order": (BOMB.encode("utf-16-be"), "U[+]0000"),
    "U+0000": (GOOD.replace("<x:A/>", "<x:A>\0</x:A>").encode(), "U[+]0000"),
    "document type alone": (("<!DOCTYPE s>" + GOOD).encode(), "document type declaration"),
    "latin 1": (GOOD.replace("<x:A/>", "<x:A>ü</x:A>").encode("latin-1"), "not UTF-8"),
    "too large": (b"<" + b" " * soap.MAX_ANSWER, "larger than"),
    "control character": (answers.envelope("<x:A>&#1;</x:A>").encode(), "not well-formed"),
    "unknown entity": (answers.envelope("<x:A>&nbsp;</x:A>").encode(), "not well-formed"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_answers(case: str) -> None:
    answer, reason = REFUSED[case]
    with pytest.raises(ProtocolViolation, match=reason) as caught:
        soap.parse(answer, EDGE1)
    assert caught.value.host == "edge1"
    assert str(caught.value).startswith("Get of root/cimv2/Win32_Service on edge1 failed: the answer ")


BROKEN_OFF = {
    "empty": (b"", "the answer is empty"),
    "blank": (b" \r\n", "the answer is empty"),
    "cut between elements": (GOOD[: GOOD.rindex("</")].encode(), "breaks off in the middle"),
    "cut in a tag": (GOOD[:-20].encode(), "breaks off in the middle"),
    "cut in the declaration": (b"<?xml ver", "breaks off in the middle"),
}


@pytest.mark.parametrize("case", BROKEN_OFF)
def test_answers_that_are_not_whole(case: str) -> None:
    """They are no fault of the text that was asked for: what changes nothing may be asked again."""
    answer, reason = BROKEN_OFF[case]
    with pytest.raises(ConnectionDropped, match=f"edge1 failed: {reason}|edge1 failed: the answer {reason}"):
        soap.parse(answer, EDGE1)


@pytest.mark.parametrize("prologue", ["", "\ufeff", '<?xml version="1.0" encoding="utf-16"?>\n', "\n "], ids=ascii)
def test_accepted_prologues(prologue: str) -> None:
    root = soap.parse((prologue.encode() + GOOD.encode()), EDGE1)
    assert soap.local(root) == "Envelope"


def test_the_letters_of_a_document_type_may_be_data() -> None:
    answer = answers.envelope("<x:A><![CDATA[<!DOCTYPE s>]]></x:A>")
    assert "".join(soap.parse(answer.encode(), EDGE1).itertext()).strip().endswith("<!DOCTYPE s>")


@pytest.mark.parametrize(
    "element",
    ['<x xmlns="%s"/>', "<y:x xmlns:y='%s'/>", '<x a="=" xmlns\n=\t"%s"/>', "<x a='\"' xmlns \r\n = '%s'/>"],
    ids=ascii,
)
@pytest.mark.parametrize("letter", ["u", "&#x75;", "ü", "&lt;"])
def test_the_longest_namespace(element: str, letter: str) -> None:
    soap.parse(answers.envelope(element % (letter * soap.LONGEST_NAMESPACE)).encode(), EDGE1)
    with pytest.raises(ProtocolViolation, match="a namespace of more than 256 characters"):
        soap.parse(answers.envelope(element % (letter * (soap.LONGEST_NAMESPACE + 1))).encode(), EDGE1)


def test_the_most_names() -> None:
    names = [f"<a{number}/>" for number in range(soap.MOST_NAMES)]
    others = len({node.tag for node in soap.parse(answers.envelope("").encode(), EDGE1).iter()})
    soap.parse(answers.envelope("".join(names[others:])).encode(), EDGE1)
    with pytest.raises(ProtocolViolation, match="more than 4096 different elements"):
        soap.parse(answers.envelope("".join(names[others - 1 :])).encode(), EDGE1)


def test_a_document_type_behind_a_comment_and_a_long_value() -> None:
    answer = f"<!-- = '{'x' * 300} --><!DOCTYPE s [<!ENTITY a 'b'>]>" + answers.envelope("<x:A>&a;</x:A>")
    with pytest.raises(ProtocolViolation, match="document type declaration"):
        soap.parse(answer.encode(), EDGE1)


def test_namespace_case_does_not_matter() -> None:
    answer = GOOD.replace("http://www.w3.org/2003/05/soap-envelope", "http://www.w3.org/2003/05/SOAP-Envelope")
    assert soap.local(soap.parse(answer.encode(), EDGE1)) == "Envelope"


def test_missing_body() -> None:
    root = soap.parse(GOOD.replace("s:Body", "s:Other").encode(), EDGE1)
    with pytest.raises(ProtocolViolation, match="no SOAP body"):
        soap.body_of(root, EDGE1)


RELATIONS = {
    "same": ("uuid:1", True, True),
    "other case": ("UUID:1", True, True),
    "other": ("uuid:2", True, False),
    "other, even in a fault": ("uuid:2", False, False),
    "missing": ("", True, False),
    "missing in a fault": ("", False, True),
}


@pytest.mark.parametrize("case", RELATIONS)
def test_relation(case: str) -> None:
    relates_to, required, fine = RELATIONS[case]
    root = soap.parse(answers.envelope("", relates_to=relates_to).encode(), EDGE1)
    if fine:
        soap.check_relation(root, "uuid:1", EDGE1, required=required)
    else:
        with pytest.raises(ProtocolViolation, match="belongs to another message"):
            soap.check_relation(root, "uuid:1", EDGE1, required=required)
