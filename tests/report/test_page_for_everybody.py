# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a browser: its maps, the keyboard, screen readers, phones, both colour schemes, and paper."""

from __future__ import annotations

import itertools
import pathlib
import re
import typing as t

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.report.browser import Scheme, window
from tests.report.page_parts import ALL, SHOWN_ROWS, SHOWN_SECTIONS, chip, server, shown

SMALLEST_TEXT: t.Final = """
    Math.min(...[...document.querySelectorAll('text')].map(node => parseFloat(getComputedStyle(node).fontSize)))"""

# --- the map ----------------------------------------------------------------------------------------------------------

WHO: t.Final = "the DNS server's pool, dns.exe (process 1084, service DNS)"


def test_a_bar_says_who_uses_its_ports_if_it_is_pointed_at(page: Page) -> None:
    figure = server(page, "edge-taken").locator("figure").first
    figure.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    box = figure.locator("svg").bounding_box()
    assert box
    for place, who in ((0.9, f"UDP used by {WHO}: "), (0.5, "used by nobody")):
        figure.locator("svg").hover(position={"x": box["width"] * place, "y": box["height"] / 2}, force=True)
        expect(figure.locator("output")).to_contain_text(who)


def test_a_bar_says_who_uses_its_ports_to_the_keyboard(page: Page) -> None:
    slider = server(page, "edge-taken").locator("input.probe").first
    slider.focus()
    page.keyboard.press("End")
    assert f"UDP used by {WHO}: " in (slider.get_attribute("aria-valuetext") or "")
    page.keyboard.press("ArrowLeft")
    told = slider.get_attribute("aria-valuetext") or ""
    ports = re.search(r"Ports (\d+) to (\d+): ", told)
    assert ports
    assert 64000 < int(ports[1]) < int(ports[2]) < 65300


def test_a_picture_opens_by_itself(path: pathlib.Path, browser: Browser) -> None:
    with window(browser, scheme="dark", width=800) as tab:
        for picture in sorted((path.parent / "maps").iterdir())[:3]:
            page = tab.open(picture)
            assert tab.complaints == []
            box = page.locator("svg").first.bounding_box()
            assert box
            assert box["width"] <= 800
            assert box["height"] > 300
            paper = "getComputedStyle(document.querySelector('.paper')).fill"
            assert page.evaluate(paper) == "rgb(255, 255, 255)"
            assert page.evaluate(SMALLEST_TEXT) * 800 / 1040 >= 10


# --- for everybody ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing(path: pathlib.Path, browser: Browser, scheme: Scheme, width: int) -> None:
    with window(browser, scheme=scheme, width=width) as tab:
        page = tab.open(path)
        for summary in page.locator("#host-2 summary, details.is-well > summary, .help > summary").all():
            summary.click()
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_keyboard_reaches_everything_in_order(page: Page) -> None:
    reached: list[str] = []
    for _turn in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "(node => (node.labels && node.labels[0] || node).textContent.trim()"
                " || node.getAttribute('aria-label'))(document.activeElement)"
            )
        )
    assert reached[0] == "To the servers"
    assert reached[1:4] == ["How to read this", "\u2715 Critical 2", "\u25b2 Warning 1"]
    columns = ["State", "Server", "Risk", "Findings", "Waits for", "Windows"]
    start = reached.index("Filter")
    assert reached[start : start + 8] == ["Filter", "Show all", *columns]
    names = start + 8
    assert reached[names : names + 9] == ALL
    assert reached[names + 9 : names + 12] == ["To the top", "Copy", reached[names + 11]]
    assert "Move along the ports: who uses them" in reached
    assert "Save as SVG" in reached


def test_keyboard_works_the_controls(page: Page) -> None:
    chip(page, "\u2713 Well").focus()
    page.keyboard.press("Enter")
    assert shown(page) == ["edge-delayed", "web-small"]
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    server(page, "web-small").locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(server(page, "web-small").locator("svg.map").first).to_be_visible()


def test_screen_readers_get_names_for_everything(page: Page) -> None:
    page.locator("details.is-well > summary").first.click()
    for role in ("button", "link", "searchbox", "slider", "table", "img"):
        nodes = page.get_by_role(t.cast("t.Any", role))
        named = page.get_by_role(t.cast("t.Any", role), name=re.compile(r"\S"))
        assert nodes.count() == named.count() > 0, role
    assert page.get_by_role("searchbox", name="Filter").count() == 1
    assert page.get_by_role("img", name="Port map of edge-taken").count() == 1


def test_headings_leave_no_level_out(page: Page) -> None:
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(node => Number(node.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] - pair[0] > 1] == []


@pytest.mark.parametrize("width", [320, 800, 1000])
def test_nothing_is_wider_than_the_window(path: pathlib.Path, browser: Browser, width: int) -> None:
    with window(browser, width=width) as tab:
        page = tab.open(path)
        for summary in page.locator("summary:visible").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # And nothing is cut: no part scrolls by itself or reaches beyond the window's edge.
        beyond = page.evaluate(
            "width => [...document.querySelectorAll('main *, #top *')].filter(node => node.checkVisibility()"
            " && !node.closest('svg') && !node.closest('.cards thead')"
            " && node.getBoundingClientRect().right > width + 0.5).map(node => node.outerHTML.slice(0, 80))",
            width,
        )
        assert beyond == []


def test_long_names_break_at_their_dots(browser: Browser, tmp_path: pathlib.Path, path: pathlib.Path) -> None:
    name = "mailserverlongname.branchofficesomewhere.largecompany.example.com"
    text = path.read_text(encoding="utf-8").replace(">edge-taken<", f">{name.replace('.', '.<wbr>')}<")
    renamed = tmp_path / "page.html"
    renamed.write_text(text, encoding="utf-8")
    with window(browser, width=360) as tab:
        page = tab.open(renamed)
        lines = page.evaluate(
            "(node => { const range = document.createRange(); const tops = [];"
            " for (const text of node.childNodes) { if (text.nodeType === 3) { range.selectNodeContents(text);"
            " tops.push(range.getClientRects().length); } } return tops; })"
            "([...document.querySelectorAll('h3')].find(node => node.textContent.startsWith('mailserver')))"
        )
        assert lines == [1, 1, 1, 1, 1]


def test_the_scheme_is_the_users(page: Page) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    assert light == "rgb(255, 255, 255)" != page.evaluate(background)


# --- on paper ---------------------------------------------------------------------------------------------------------

PRINTED: t.Final = """
    [...document.querySelectorAll('.host')]
    .filter(node => node.checkVisibility()).map(node => node.querySelector('h3').textContent)"""


def test_print_shows_all_and_no_controls(page: Page) -> None:
    page.emulate_media(color_scheme="dark", media="print")
    page.set_viewport_size({"width": 794, "height": 1123})
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('.finding details:not(.task)')].every(node => node.open)")
    for hidden in (".controls", "[data-copies]", "input.probe", ".help"):
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 794
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0


def test_sixteen_sick_servers_take_at_most_twenty_pages(sick: pathlib.Path, browser: Browser) -> None:
    with window(browser) as tab:
        page = tab.open(sick)
        assert page.locator(".host.is-critical").count() == 16
        printed = page.pdf(format="A4")
    assert 2 <= len(re.findall(rb"/Type\s*/Page[^s]", printed)) <= 20


def test_what_is_well_is_printed_only_where_nothing_else_is(page: Page) -> None:
    page.emulate_media(media="print")
    assert page.evaluate(PRINTED) == ALL[:7]
    assert page.evaluate(SHOWN_ROWS) == ALL
    page.emulate_media(media="screen")
    page.fill("#search", "web-small")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(PRINTED) == ["web-small"]
    expect(server(page, "web-small").locator("svg.map").first).to_be_visible()


def test_what_is_filtered_out_is_not_printed(page: Page) -> None:
    page.fill("#search", "edge-risk")
    page.emulate_media(media="print")
    assert page.evaluate(SHOWN_SECTIONS) == ["edge-risk"]
