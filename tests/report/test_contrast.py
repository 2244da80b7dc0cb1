# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contrast in light and dark, computed from the colours that the style sheets name."""

from __future__ import annotations

import pytest

from tests.report.contrast import GRAPHICS, SCHEMES, SHEETS, TEXT, Scheme, colours_outside_variables, contrast, palette
from tests.report.rendering import TEMPLATES

PAGE_TEXTS = [
    *((name, paper) for name in ("ink", "soft", "link", "bad", "warn") for paper in ("paper", "panel")),
    ("bad", "bad-paper"),
    ("warn", "warn-paper"),
    ("wait", "wait-paper"),
    ("good", "good-paper"),
    ("paper", "ink"),
]
MAP_TEXTS = ["ink", "soft", "bad"]
MAP_SHAPES = ["pool", "others", "bad", "kept", "range", "ink"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "paper"), PAGE_TEXTS)
def test_texts_of_the_page(scheme: Scheme, text: str, paper: str) -> None:
    colours = palette(scheme)
    assert contrast(colours[text], colours[paper]) >= TEXT


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_and_shapes_of_the_map(scheme: Scheme) -> None:
    colours = palette(scheme)
    assert min(contrast(colours[name], colours["paper"]) for name in MAP_TEXTS) >= TEXT
    assert min(contrast(colours[name], colours["paper"]) for name in MAP_SHAPES) >= GRAPHICS


@pytest.mark.parametrize("scheme", SCHEMES)
def test_focus_is_seen(scheme: Scheme) -> None:
    colours = palette(scheme)
    assert contrast(colours["focus"], colours["paper"]) >= GRAPHICS


def test_dark_sets_every_colour_anew() -> None:
    light, dark = palette("light"), palette("dark")
    assert [name for name in light if light[name] == dark[name]] == []


def test_a_picture_of_its_own_is_always_light() -> None:
    assert "prefers-color-scheme" not in (TEMPLATES / "map.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_colour_is_one_of_these(sheet: str) -> None:
    assert colours_outside_variables(TEMPLATES / sheet) == []


def test_ratio_is_that_of_the_recommendation() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
