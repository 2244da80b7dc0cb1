# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes in words."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    SERVICE_CODES,
    WIN32_ERRORS,
    WMI_ERRORS,
    WindowsError,
    code_text,
    service_meaning,
    win32_meaning,
)

NEEDED = {5, 32, 87, 1053, 1058, 1060, 1062, 1068, 1072, 1168, 10013, 10048}


def test_every_code_that_can_be_met_has_a_meaning() -> None:
    assert set(WIN32_ERRORS) >= NEEDED
    assert set(SERVICE_CODES) == set(range(1, 25))
    assert all(0x80040000 <= code < 0x80050000 for code in WMI_ERRORS)
    meanings = [*WIN32_ERRORS.values(), *WMI_ERRORS.values(), *SERVICE_CODES.values()]
    assert all(meaning.text and not meaning.text.endswith(".") for meaning in meanings)


@pytest.mark.parametrize(("code", "text"), [(5, "5"), (10048, "10048"), (0x80041003, "0x80041003")])
def test_codes_are_written_as_people_look_them_up(code: int, text: str) -> None:
    assert code_text(code) == text


def test_codes_are_found_in_every_family() -> None:
    assert win32_meaning(0x80041003) == win32_meaning(5)
    assert service_meaning(2) == win32_meaning(5)
    assert service_meaning(1060) == win32_meaning(1060)
    assert win32_meaning(31).text == "error 31"


def test_the_message_is_one_sentence_with_its_facts() -> None:
    error = WindowsError(host="edge1", operation="start", target="the service DNS", code=14, meaning="off", advice="do")
    assert str(error) == "edge1: can't start the service DNS: off (code 14); do."
    assert str(WindowsError(host="h", operation="o", target="x", meaning="m")) == "h: can't o x: m."
