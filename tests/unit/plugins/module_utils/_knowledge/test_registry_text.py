# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values can be written without loss."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType, RegistryValue
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.registry_text import why_not_writable

STRING, MULTI, DWORD, QWORD = (
    RegistryType.STRING,
    RegistryType.MULTI_STRING,
    RegistryType.DWORD,
    RegistryType.QWORD,
)
WRITABLE = [
    RegistryValue(STRING, ""),
    RegistryValue(STRING, ' {"a": "<&>"} \t\n'),
    RegistryValue(STRING, "Prüfung \U0001f600"),
    RegistryValue(MULTI, ()),
    RegistryValue(MULTI, ("1645-1646", "  abc ")),
    RegistryValue(DWORD, 0),
    RegistryValue(DWORD, 2**32 - 1),
    RegistryValue(QWORD, 2**64 - 1),
]
NOT_WRITABLE = [
    (RegistryValue(MULTI, ("1-1", "", "2-2")), "empty entry"),
    (RegistryValue(MULTI, ("1-1", "a\x01b")), r"U\+0001"),
    (RegistryValue(STRING, "a\rb"), r"U\+000D"),
    (RegistryValue(STRING, "\x00"), r"U\+0000"),
    (RegistryValue(STRING, "\ud800"), r"U\+D800"),
    (RegistryValue(STRING, "\ufffe"), r"U\+FFFE"),
    (RegistryValue(STRING, "lost: \ufffd"), r"U\+FFFD"),
    (RegistryValue(DWORD, "7"), "no data of type DWORD"),
    (RegistryValue(DWORD, True), "no data of type DWORD"),
    (RegistryValue(STRING, 7), "no data of type STRING"),
    (RegistryValue(STRING, ("a",)), "no data of type STRING"),
    (RegistryValue(MULTI, "1-1"), "no data of type MULTI_STRING"),
    (RegistryValue(DWORD, -1), "outside 0 to 4294967295"),
    (RegistryValue(DWORD, 2**32), "outside 0 to 4294967295"),
    (RegistryValue(QWORD, 2**64), "outside 0 to"),
]


@pytest.mark.parametrize("value", WRITABLE, ids=repr)
def test_what_survives_is_writable(value: RegistryValue) -> None:
    assert why_not_writable(value) is None


@pytest.mark.parametrize(("value", "reason"), NOT_WRITABLE, ids=[ascii(row[0].data) for row in NOT_WRITABLE])
def test_what_would_come_back_changed_is_refused(value: RegistryValue, reason: str) -> None:
    problem = why_not_writable(value)
    assert problem is not None
    with pytest.raises(ValueError, match=reason):
        raise ValueError(problem)


@given(st.text())
def test_every_writable_text_survives_xml(text: str) -> None:
    if why_not_writable(RegistryValue(STRING, text)) is None:
        node = ET.Element("value")
        node.text = text
        sent = io.BytesIO()
        ET.ElementTree(node).write(sent, encoding="utf-8")
        assert (ET.fromstring(sent.getvalue()).text or "") == text
