# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a browser: servers that are well, and parts of the others, are drawn when they are opened."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from playwright.sync_api import Browser, Page, expect

from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import Node, html_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.shown import shown as rows_of_the_page
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import fixes_of
from tests.report.browser import window
from tests.report.facts import DELAYED_START, HOSTILE, Facts, edge_server, fleet_results
from tests.report.page_parts import SHOWN_ROWS, server, shown
from tests.report.rendering import ORIGIN, reduced, write_page

ELEMENTS: t.Final = "document.querySelectorAll('*').length"
MANY: t.Final = 300
MOST_ELEMENTS: t.Final = 20
"""Of a server that is well and was not opened: 10 in its row of the table, 6 below it, 4 for two dots in its name."""
FRAME: t.Final = 120
"""Elements of a page without servers, at most."""
HOSTILE_NAME: t.Final = "a.<img src=x onerror=alert(1)>"
SEEN: t.Final = """
    details => (details.normalize(), [...details.querySelectorAll('*')])
    .filter(node => !node.matches('.probe, .told, .cursor'))
    .map(node => [node.namespaceURI, node.tagName, node.getAttributeNames().filter(name => name !== 'hidden').sort()
      .map(name => [name, node.getAttribute(name)]), [...node.childNodes].filter(one => one.nodeType === 3)
      .map(one => one.data)])"""
"""What a part consists of, without what the script adds for those who move along a map."""


def well(seed: int, words: str = "") -> Facts:
    return reduced({**edge_server(seed, fixed=True, words=words), "configured_versus_effective": [DELAYED_START]})


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A page about servers that are well, and one that is not; one of them says what no page should run."""
    like = well(1)
    results = {f"edge{number:03}.example.com": like for number in range(MANY - 1)}
    results |= {HOSTILE_NAME: well(1, words=HOSTILE), "edge-taken": reduced(edge_server(1, taken=True))}
    return write_page(results, tmp_path_factory.mktemp("many"))


def test_hundreds_of_well_servers_are_few_elements_until_they_are_opened(many: pathlib.Path, browser: Browser) -> None:
    with window(browser) as tab:
        page = tab.open(many)
        sick = page.locator("article.host *").count()
        assert page.locator("details.is-well").count() == MANY
        before = page.evaluate(ELEMENTS)
        assert before - sick <= MANY * MOST_ELEMENTS + FRAME
        # To look for words, for a process and for a port opens none.
        for words, found in (("dsamain.exe", MANY), ("IKE and AuthIP", MANY + 1), ("4500", MANY + 1)):
            page.fill("#search", words)
            assert (words, len(shown(page))) == (words, found)
        assert page.evaluate(ELEMENTS) == before
        line = server(page, "edge007.example.com")
        line.locator("summary").first.click()
        expect(line.locator("table.needs")).to_contain_text("UDP 50636")
        drawn = line.locator("*").count()
        assert drawn > 150
        assert page.evaluate(ELEMENTS) < before + drawn
        assert tab.complaints == []


def test_what_is_drawn_on_demand_is_what_would_be_drawn_at_once(path: pathlib.Path, browser: Browser) -> None:
    report = fleet(fleet_results(reduced), origin=ORIGIN)
    parts = rows_of_the_page(report, plain(report), fixes_of({}), {}).parts
    with window(browser) as tab, window(browser) as other:
        page = tab.open(path)
        places = page.evaluate("[...document.querySelectorAll('[data-part]')].map(node => Number(node.dataset.part))")
        assert places == list(range(len(parts)))
        assert len(places) > 10
        waiting = page.locator("[data-part]").element_handles()
        for details, nodes in zip(waiting, parts, strict=True):
            # The line and what stands below it without the script.
            given = len(details.evaluate(SEEN))
            details.evaluate("node => { node.open = true; }")
            page.wait_for_function("node => !node.dataset.part", arg=details)
            assert details.evaluate(SEEN)[given:] == _at_once(other.page, nodes)


def _at_once(page: Page, nodes: t.Sequence[Node]) -> t.Any:
    page.set_content(f"<details>{html_text(*nodes)}</details>")
    return page.locator("details").first.evaluate(SEEN)


def test_a_hostile_server_stays_text_when_it_is_opened(many: pathlib.Path, browser: Browser) -> None:
    with window(browser) as tab:
        page = tab.open(many)
        scripts = page.locator("script").count()
        assert HOSTILE_NAME in page.evaluate(SHOWN_ROWS)
        line = server(page, HOSTILE_NAME)
        line.locator("summary").first.click()
        expect(line.locator("table.needs")).to_be_visible()
        for summary in line.locator("details.later > summary").all():
            summary.click()
        expect(line.locator("table.services")).to_contain_text("<script>alert(1)</script><img src=x onerror=alert(2)>")
        expect(line.locator("svg.map title").first).to_have_text(f"Port map of {HOSTILE_NAME}")
        assert line.locator("[data-saves]").get_attribute("data-name") == HOSTILE_NAME
        assert (page.locator("img").count(), page.locator("script").count()) == (0, scripts)
        assert tab.complaints == []


def test_the_keyboard_opens_a_well_server_and_goes_on_into_it(page: Page) -> None:
    server(page, "edge-delayed").locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(server(page, "edge-delayed").locator("table.needs")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "probe"
    page.keyboard.press("End")
    assert "Ports " in page.evaluate("document.activeElement.getAttribute('aria-valuetext')")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Save as SVG"


def test_a_well_server_is_one_line_until_it_is_opened(page: Page) -> None:
    line = server(page, "edge-delayed")
    box = line.bounding_box()
    assert box
    assert box["height"] < 40
    assert line.locator("*").count() < 12
    before = page.evaluate(ELEMENTS)
    line.locator("summary").first.click()
    expect(line.locator("svg.map").first).to_be_visible()
    expect(line.locator("table.needs")).to_contain_text("UDP 50636")
    assert page.evaluate(ELEMENTS) > before + 150
    line.locator("summary").first.click()
    line.locator("summary").first.click()
    assert line.locator("input.probe").count() == line.locator("figure").count()


def test_a_link_opens_a_well_server(page: Page) -> None:
    page.locator("#fleet").get_by_role("link", name="edge-delayed").click()
    expect(server(page, "edge-delayed").locator("table.needs")).to_be_visible()


def test_the_rest_of_a_sick_server_is_drawn_when_it_is_opened(page: Page) -> None:
    sick = server(page, "edge-taken")
    assert sick.locator("svg.map").count() == 1
    assert sick.locator("table.holders, table.changes, table.services").count() == 0
    for summary in sick.locator("details.later > summary").all():
        summary.click()
    expect(sick.locator("svg.map")).to_have_count(2)
    expect(sick.locator("table.holders, table.changes, table.services")).to_have_count(3)
    expect(sick.locator("table.holders")).to_contain_text("dns.exe 1084, socket pool")
