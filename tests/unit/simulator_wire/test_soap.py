# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator writes XML as ElementTree does, and its quick parser refuses what its careful one refuses."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.simulator.wire.soap import NotXml, declarations, element, parse_xml, render

TEXTS = ["", "plain", "a & b < c > d", "\"quoted\" 'text'", "line\r\n\tend", "Dienst für Grüße", "\x01", "]]>"]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_is_what_elementtree_writes(text: str) -> None:
    child = element("p:Name", text=text, attributes={"xsi:nil": "true", "Name": text})
    child.tail = text
    root = element("s:Envelope", child, element("s:Body"), attributes=declarations("s", "xsi"))
    assert render(root) == ET.tostring(root, encoding="unicode").encode()


@pytest.mark.parametrize("text", ["a &amp; b", "&#65;", "<![CDATA[x < y]]>", "<!-- said -->z", "für"])
def test_both_parsers_read_the_same(text: str) -> None:
    """The comment, the marked section and the umlaut go to the careful one."""
    document = f'<s:Body xmlns:s="urn:s" xmlns="urn:d"><Name s:a="1" b="2">{text}</Name>tail</s:Body>'
    expected = ET.fromstring(document)
    assert ET.tostring(parse_xml(document.encode())) == ET.tostring(expected)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_a_dtd_is_refused_in_every_encoding(encoding: str) -> None:
    document = '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    if encoding == "utf-16-le":
        document = f'<?xml version="1.0" encoding="utf-16"?>{document}'
    with pytest.raises(NotXml, match="DTD") as refused:
        parse_xml(document.encode(encoding))
    assert refused.value.has_dtd


@pytest.mark.parametrize("data", [b"", b"<a>", b"<a></b>", b"<a>&b;</a>", b"<p:a/>", b"a", b"\xff"])
def test_what_is_not_well_formed_is_refused(data: bytes) -> None:
    with pytest.raises(NotXml, match="not well-formed"):
        parse_xml(data)
