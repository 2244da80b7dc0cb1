# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of README.md is one of today's page, as far as words tell."""

from __future__ import annotations

import pathlib

from tests.documented import page_picture

RENEW = "make pictures takes it anew"


def test_the_picture_is_small_and_the_one_whose_words_are_known() -> None:
    picture = page_picture.PATH.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) <= page_picture.LARGEST, f"{len(picture)} bytes: {page_picture.PATH}"
    first, *words = page_picture.WORDS.read_text(encoding="utf-8").splitlines()
    assert first == page_picture.digest(), RENEW
    assert len(words) > 20


def test_the_page_still_says_what_is_read_in_the_picture(tmp_path: pathlib.Path) -> None:
    page = page_picture.write(tmp_path)
    assert page_picture.missing(page) == [], RENEW
    assert page_picture.map_of(page) == page_picture.MAP.read_bytes(), RENEW
