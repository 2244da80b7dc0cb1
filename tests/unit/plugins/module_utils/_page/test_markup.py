# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts on their way into pages and spreadsheets: nothing in them acts."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._page.markup import csp_source, escaped


@given(st.text())
def test_any_text_survives_in_xml(text: str) -> None:
    safe = escaped(text)
    element = ET.fromstring(f'<a b="{safe}">{safe}</a>')
    assert len(element) == 0
    assert (element.text or "").replace("\n", "").count("<") == text.count("<")


def test_trees_are_escaped_to_their_leaves() -> None:
    assert escaped({"<a>": ["&", ("'", {"b": '"'})], "n": 1, "f": 0.5, "t": True, "x": None}) == {
        "&lt;a&gt;": ["&amp;", ["&#x27;", {"b": "&quot;"}]],
        "n": 1,
        "f": 0.5,
        "t": True,
        "x": None,
    }


@pytest.mark.parametrize("text", ["\x00", "\x1b[31m", "\u202e", "\u2066", "\ud800", "\ufffe"])
def test_what_no_page_may_contain_is_replaced(text: str) -> None:
    assert escaped(text)[0] == "\ufffd"


def test_the_hash_is_that_of_browsers() -> None:
    # The example of the recommendation (Content Security Policy Level 2, 7.17.1).
    assert csp_source("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
