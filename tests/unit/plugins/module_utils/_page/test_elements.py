# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Elements of a page as HTML and as JSON: whatever a server says stays a text."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import (
    COLUMNS,
    Cell,
    Node,
    element,
    html_text,
    script_text,
    table,
)


@given(st.text())
def test_any_text_survives_in_xml(text: str) -> None:
    found = ET.fromstring(html_text(element("a", text, b=text)))
    assert len(found) == 0
    assert (found.text or "").count("<") == text.count("<") == (found.get("b") or "").count("<")


@given(st.text())
def test_any_text_survives_in_a_script_and_does_not_end_it(text: str) -> None:
    written = script_text([element("a", text, b=text), table("waits", text, [(text, [text], "", "")])])
    assert "<" not in written
    (tag, attributes, children), (kind, caption, rows) = json.loads(written)
    assert (tag, [attributes["b"]], kind, [caption]) == ("a", children, "waits", children)
    assert rows == [[children[0], children, "", ""]]


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\u202e", "\u2066", "\ud800", "\ufffe"])
def test_what_no_page_may_contain_is_replaced(text: str) -> None:
    nodes: list[Node] = [element("a", text, b=text), table("waits", text, [(text, [text], "", "")])]
    for written in (html_text(*nodes), script_text(nodes)):
        assert text[0] not in written
        assert written.count("\ufffd") == 5


def test_a_table_has_a_heading_for_each_of_its_cells() -> None:
    row: list[Cell] = ["UDP 1", "DNS", [element("span", "taken", class_="taken"), "!"], "a & b", "no", "1 %"]
    found = ET.fromstring(html_text(table("needs", "Who", [row])))
    assert (found.get("class"), found.findtext("caption")) == ("cards needs", "Who")
    assert [(one.text, one.get("scope")) for one in found.iterfind("thead/tr/th")] == [
        (head, "col") for head, _kind in COLUMNS["needs"]
    ]
    first, *cells = found.iterfind("tbody/tr/*")
    assert (first.tag, first.get("scope"), first.get("class")) == ("th", "row", "port")
    assert ["".join(cell.itertext()) for cell in cells] == ["DNS", "taken!", "a & b", "no", "1 %"]
    assert [cell.get("class") for cell in cells] == [None, None, None, None, "number"]


def test_elements_without_children_are_written_as_browsers_read_them() -> None:
    assert html_text(element("td"), "a", element("wbr"), "<") == "<td></td>a<wbr/>&lt;"
