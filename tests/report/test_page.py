# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a real browser: it loads without a complaint, filters and sorts, and can be used by everybody."""

from __future__ import annotations

import itertools
import json
import pathlib
import re
import typing as t

import pytest

from tests.report.conftest import Made
from tests.report.devtools import Browser, Scheme

SHOWN_ROWS: t.Final = """
    [...document.querySelectorAll('#fleet tbody tr')]
    .filter(row => row.checkVisibility()).map(row => row.cells[1].textContent)"""
SHOWN_SECTIONS: t.Final = """
    [...document.querySelectorAll('.host')]
    .filter(node => !node.hidden).map(node => node.querySelector('h3').textContent)"""
SAID: t.Final = "document.getElementById('said').textContent"
LAID_OUT: t.Final = """
    new Promise(done => {
      const shown = (node) => node.checkVisibility({ contentVisibilityAuto: true });
      const look = () => [...document.querySelectorAll('.host figure')].every(shown) ? done() : setTimeout(look, 50);
      look();
    })"""
SMALLEST_TEXT: t.Final = """
    Math.min(...[...document.querySelectorAll('text')].map(node => parseFloat(getComputedStyle(node).fontSize)))"""
FOCUSED: t.Final = (
    "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent).trim().slice(0, 40)"
)


def filter_by(page: Browser, words: str) -> None:
    page.evaluate(
        f"(() => {{ const field = document.getElementById('search'); field.value = {json.dumps(words)};"
        " field.dispatchEvent(new Event('input')); })()"
    )


def click(page: Browser, selector: str) -> None:
    page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def sort_by(page: Browser, heading: str) -> None:
    page.evaluate(
        "[...document.querySelectorAll('#fleet thead button')]"
        f".find(button => button.textContent === {json.dumps(heading)}).click()"
    )


def test_loads_without_a_complaint(page: Browser) -> None:
    page.evaluate("new Promise(done => setTimeout(done, 200))")
    assert page.complaints == []
    assert page.evaluate("document.querySelectorAll('script').length") == 1
    assert page.evaluate("document.title") == "Ports of Windows servers"


def test_the_worst_stands_first(page: Browser) -> None:
    assert page.evaluate(SHOWN_ROWS) == [
        *("edge-hostile", "edge-taken", "edge-risk", "edge-fixed"),
        *("edge-gone", "edge-partly", "edge-refused", "edge-delayed", "web-small"),
    ]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("hostile", ["edge-hostile"]),
        ("EDGE risk", ["edge-risk"]),
        ("2003", ["web-small"]),
        ("50636", ["edge-hostile", "edge-taken"]),
        ("no such server", []),
        ("waits for nobody", []),
        ("next boot, by itself", ["edge-delayed"]),
        ("restart DNS", ["edge-fixed"]),
    ],
)
def test_filter_by_words(page: Browser, words: str, shown: list[str]) -> None:
    filter_by(page, words)
    assert page.evaluate(SHOWN_ROWS) == shown
    assert page.evaluate(SHOWN_SECTIONS) == shown
    assert page.evaluate(SAID) == f"Showing {len(shown)} of 9 servers."


def test_filter_by_state(page: Browser) -> None:
    click(page, "button[data-state=waiting]")
    assert page.evaluate(SHOWN_ROWS) == ["edge-fixed"]
    click(page, "button[data-state=warning]")
    assert page.evaluate(SHOWN_ROWS) == ["edge-risk", "edge-fixed"]
    assert page.evaluate("document.querySelector('button[data-state=warning]').ariaPressed") == "true"
    click(page, "button[data-state=waiting]")
    click(page, "button[data-state=warning]")
    assert len(page.evaluate(SHOWN_ROWS)) == 9


def test_sort(page: Browser) -> None:
    sort_by(page, "Server")
    names = page.evaluate(SHOWN_ROWS)
    assert names == sorted(names)
    assert page.evaluate(SHOWN_SECTIONS) == names
    assert page.evaluate("document.querySelector('#fleet [aria-sort]').textContent") == "Server"
    sort_by(page, "Server")
    assert page.evaluate(SHOWN_ROWS) == names[::-1]
    assert page.evaluate("document.querySelector('#fleet [aria-sort]').getAttribute('aria-sort')") == "descending"
    sort_by(page, "Risk")
    sort_by(page, "Risk")
    assert page.evaluate(SHOWN_ROWS)[:3] in (
        ["edge-hostile", "edge-taken", "edge-risk"],
        ["edge-taken", "edge-hostile", "edge-risk"],
    )


def test_sort_by_what_is_waited_for(page: Browser) -> None:
    sort_by(page, "Waits for")
    assert page.evaluate(SHOWN_ROWS)[:2] == ["edge-fixed", "edge-delayed"]


def test_sort_by_findings(page: Browser) -> None:
    sort_by(page, "Findings")
    sort_by(page, "Findings")
    assert sorted(page.evaluate(SHOWN_ROWS)[:2]) == ["edge-hostile", "edge-taken"]


def test_a_phone_shows_what_matters_without_scrolling_aside(page: Browser) -> None:
    page.see_as(width=400)
    right = (
        "Math.max(...[...document.querySelectorAll('#fleet .matter')].map(cell => cell.getBoundingClientRect().right))"
    )
    assert page.evaluate(right) <= 400
    filter_by(page, "edge-risk")
    assert page.evaluate(SHOWN_ROWS) == ["edge-risk"]


def test_everything_is_there_without_the_script(made: Made, browser: Browser) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(made.page)
        assert len(browser.evaluate(SHOWN_ROWS)) == 9
        assert browser.evaluate("document.querySelector('.controls').checkVisibility()") is False
        assert browser.evaluate("[...document.querySelectorAll('[data-script]')].every(node => node.hidden)")
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_a_fix_is_copied(page: Browser) -> None:
    copied = page.evaluate(
        "new Promise(done => { navigator.clipboard.writeText = text => { done(text); return Promise.resolve(); };"
        " document.querySelector('[data-copies]').click(); })"
    )
    assert copied == page.evaluate("document.querySelector('.finding pre').textContent")
    assert copied.startswith("- name: Give AD LDS its ports back")


def test_a_picture_is_saved_whole(page: Browser) -> None:
    saved = page.evaluate(
        "new Promise(done => { URL.createObjectURL = blob => { blob.text().then(done); return '#'; };"
        " document.querySelector('[data-saves]').click(); })"
    )
    assert saved.startswith("<svg ")
    for part in ("<style", 'class="paper"', 'id="stripes"', "DNS pool"):
        assert part in saved
    assert re.search(r'viewBox="0 -\d+ 1040 ', saved)


@pytest.mark.parametrize("scheme", t.get_args(Scheme))
def test_a_picture_opens_by_itself(made: Made, browser: Browser, scheme: Scheme) -> None:
    browser.see_as(scheme=scheme, width=800)
    for path in sorted((made.directory / "maps").iterdir()):
        browser.open(path)
        assert browser.complaints == []
        box = browser.evaluate(
            "(({ width, height }) => [width, height])(document.documentElement.getBoundingClientRect())"
        )
        assert box[0] <= 800
        assert box[1] > 300
        assert browser.evaluate("getComputedStyle(document.querySelector('.paper')).fill") == "rgb(255, 255, 255)"
        assert browser.evaluate(SMALLEST_TEXT) * 800 / 1040 >= 10


def test_keyboard_reaches_everything_in_order(page: Browser) -> None:
    page.evaluate("document.body.focus()")
    reached = []
    for _turn in range(16):
        page.press("Tab")
        reached.append(page.evaluate(FOCUSED))
    assert reached[0] == "To the servers"
    assert reached[2:7] == ["✕ Critical 2", "▲ Warning 1", "● Waiting 1", "? Not read 3", "✓ Well 2"]
    assert reached[8:13] == ["State", "Server", "What matters most", "Risk", "Findings"]


def test_keyboard_works_the_controls(page: Browser) -> None:
    page.evaluate("document.querySelector('button[data-state=well]').focus()")
    page.press("Enter")
    assert page.evaluate(SHOWN_ROWS) == ["edge-delayed", "web-small"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_screen_readers_get_names_for_everything(page: Browser) -> None:
    # What lies far below the window is not laid out, and then has no picture yet.
    page.see_as(height=20000)
    page.evaluate(LAID_OUT)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored")
        and node.get("role", {}).get("value") in ("button", "link", "searchbox", "image", "img", "region", "table")
    ]
    assert [role for role, name in named if not name] == []
    assert ("searchbox", "Filter") in named
    pictures = [name for role, name in named if role in ("image", "img")]
    assert len(pictures) == 7
    assert "Port map of edge-taken" in pictures


def test_headings_leave_no_level_out(page: Browser) -> None:
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(node => Number(node.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] - pair[0] > 1] == []


@pytest.mark.parametrize("scheme", t.get_args(Scheme))
def test_nothing_is_wider_than_the_window(page: Browser, scheme: Scheme) -> None:
    for width in (360, 800, 1280):
        page.see_as(scheme=scheme, width=width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_scheme_is_the_users(page: Browser) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.see_as(scheme="dark")
    assert light == "rgb(255, 255, 255)" != page.evaluate(background)


def test_print_shows_all_and_no_controls(page: Browser, tmp_path: pathlib.Path) -> None:
    page.see_as(scheme="dark", media="print", width=794)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details:not(.bulk)')].every(node => node.open)")
    assert page.evaluate("document.querySelector('.controls').checkVisibility()") is False
    assert page.evaluate("document.querySelector('[data-copies]').checkVisibility()") is False
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.querySelectorAll('details[open]').length") == 0
    page.print_to(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


PRINTED: t.Final = """
    [...document.querySelectorAll('.host')]
    .filter(node => node.checkVisibility()).map(node => node.querySelector('h3').textContent)"""


def test_what_is_well_is_printed_only_where_nothing_else_is(page: Browser) -> None:
    page.see_as(media="print")
    assert page.evaluate(PRINTED) == [
        *("edge-hostile", "edge-taken", "edge-risk", "edge-fixed", "edge-gone", "edge-partly", "edge-refused"),
    ]
    assert len(page.evaluate(SHOWN_ROWS)) == 9
    filter_by(page, "web-small")
    assert page.evaluate(PRINTED) == ["web-small"]


def test_what_is_filtered_out_is_not_printed(page: Browser) -> None:
    filter_by(page, "edge-risk")
    page.see_as(media="print")
    assert page.evaluate(SHOWN_SECTIONS) == ["edge-risk"]
