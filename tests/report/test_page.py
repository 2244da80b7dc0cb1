# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page in a browser: the fleet at a glance, the filter, the order, and the fixes."""

from __future__ import annotations

import pathlib
import re
import typing as t

from playwright.sync_api import Browser, Page, expect

from tests.report.browser import window
from tests.report.facts import fleet_results
from tests.report.page_parts import ALL, chip, server, shown
from tests.report.rendering import reduced


def sort_by(page: Page, heading: str) -> list[str]:
    page.locator("#fleet thead button", has_text=re.compile(f"^{heading}$")).click()
    return shown(page)


def test_loads_without_a_complaint(path: pathlib.Path, browser: Browser) -> None:
    with window(browser) as tab:
        page = tab.open(path)
        page.wait_for_timeout(200)
        assert tab.complaints == []
        assert page.title() == "Ports"


def test_the_head_says_what_made_it_of_what_and_when(page: Page) -> None:
    head = page.locator("#top").inner_text()
    assert re.search(r"Read until \d{4}-\d\d-\d\d \d\d:\d\d UTC", head)
    assert re.search(r"Inventory: \S*inventory.yml", head)
    assert re.search(r"Made by portkeeper.windows \d+\.\d+\.\d+", head)
    assert page.locator("#top details.help").get_attribute("open") is None


def test_the_worst_stands_first(page: Page) -> None:
    assert shown(page) == ALL


def test_one_screen_shows_the_fleet(page: Page) -> None:
    labels = page.locator(".facet-name").all_inner_texts()
    assert labels == ["State", "Cause", "What it is", "Windows"]
    box = page.locator(".overview").bounding_box()
    assert box
    assert box["y"] + box["height"] < 900


WORDS: t.Final = [
    ("hostile", ["edge-hostile"]),
    ("EDGE-risk", ["edge-risk"]),
    ("critical DNS", ["edge-hostile", "edge-taken"]),
    ("web-small", ["web-small"]),
    ("50636", [*ALL[:4], "edge-partly", "edge-delayed"]),
    ("no such server", []),
    ("waits for nobody", []),
    ("next boot, by itself", ["edge-delayed"]),
    ("DNS has not restarted", ["edge-fixed"]),
    ("dsamain.exe", ["edge-risk", "edge-fixed", "edge-partly", "edge-delayed"]),
    ("IKE and AuthIP", [*ALL[:4], "edge-partly", "edge-delayed"]),
    ("KB959215", ["edge-hostile", "edge-taken"]),
    ("445", [*ALL[:4], "edge-partly", "edge-delayed"]),
]


def test_filter_by_words(page: Page) -> None:
    for words, names in WORDS:
        page.fill("#search", words)
        assert (words, shown(page)) == (words, names)
        expect(page.locator("#said")).to_have_text(f"Showing {len(names)} of 9 servers.")


def test_filter_finds_a_port_of_the_pool(page: Page) -> None:
    """One that stands nowhere in the page as a number."""
    pools = {name: _pool(result) for name, result in fleet_results(reduced).items()}
    alone = pools["edge-risk"] - set().union(*(ports for name, ports in pools.items() if name != "edge-risk"))
    said = page.locator("main").inner_text()
    page.fill("#search", next(str(port) for port in sorted(alone) if str(port) not in said))
    assert shown(page) == ["edge-risk"]


def _pool(result: dict[str, t.Any]) -> set[int]:
    rows = (row for row in result.get("sockets") or () if row.get("pool"))
    ranges = (text.partition("-") for row in rows for text in row["ports"].split(", "))
    return {port for first, _dash, last in ranges for port in range(int(first), int(last or first) + 1)}


def test_filter_by_buttons(page: Page) -> None:
    chip(page, "\u25cf Waiting").click()
    assert shown(page) == ["edge-fixed"]
    chip(page, "\u25b2 Warning").click()
    assert shown(page) == ["edge-risk", "edge-fixed"]
    assert chip(page, "\u25b2 Warning").get_attribute("aria-pressed") == "true"
    chip(page, "waits for a restart of DNS").click()
    assert shown(page) == ["edge-fixed"]
    page.click("#reset")
    assert shown(page) == ALL
    chip(page, "2003").click()
    assert shown(page) == ["web-small"]


def test_the_numbers_on_the_buttons_are_true(page: Page) -> None:
    for button in page.locator("button.chip").all():
        button.click()
        assert len(shown(page)) == int(button.locator("b").inner_text())
        button.click()


def test_sort(page: Page) -> None:
    names = sort_by(page, "Server")
    assert names == sorted(ALL)
    assert page.locator("#fleet [aria-sort]").inner_text() == "Server"
    assert sort_by(page, "Server") == names[::-1]
    assert page.locator("#fleet [aria-sort]").get_attribute("aria-sort") == "descending"


WORST: t.Final = [
    ("State", {"edge-hostile", "edge-taken"}, {"web-small", "edge-delayed"}),
    ("Risk", {"edge-hostile", "edge-taken", "edge-risk"}, {"edge-gone", "edge-refused", "web-small"}),
    ("Findings", {"edge-hostile", "edge-taken"}, {"edge-gone", "edge-refused"}),
    ("Waits for", {"edge-fixed"}, {"edge-gone", "edge-refused"}),
    ("Windows", {"web-small"}, {"edge-gone", "edge-refused", "edge-hostile"}),
]
"""A column, and the servers that stand first and last if it is sorted by value."""


def test_sort_by_value_the_worst_first(page: Page) -> None:
    for heading, first, last in WORST:
        names = sort_by(page, heading)
        if page.locator("#fleet [aria-sort]").get_attribute("aria-sort") != "descending":
            names = sort_by(page, heading)
        assert (heading, set(names[: len(first)]), set(names[-len(last) :])) == (heading, first, last)


# --- what is wrong, and what is there without the script --------------------------------------------------------------


def test_a_sick_server_says_first_what_is_wrong_and_how_to_mend_it(page: Page) -> None:
    sick = server(page, "edge-taken")
    tops = [sick.locator(part).first.bounding_box() for part in (".finding", ".finding pre", ".needs", "figure")]
    places = [box["y"] for box in tops if box]
    assert len(places) == 4
    assert places == sorted(places)
    assert sick.locator(".finding pre").first.text_content() == (
        "ansible-playbook portkeeper.windows.edge -e edge_hosts=edge-taken"
    )


def test_no_button_copies_a_comment(page: Page) -> None:
    texts = page.evaluate(
        "[...document.querySelectorAll('[data-copies]')]"
        ".map(button => document.getElementById(button.dataset.copies).textContent)"
    )
    assert len(texts) > 2
    assert [text for text in texts if text.lstrip().startswith("#")] == []


def test_what_is_wrong_is_there_without_the_script(path: pathlib.Path, browser: Browser) -> None:
    with window(browser, script=False) as tab:
        page = tab.open(path)
        assert page.locator("#fleet tbody tr").count() == 9
        expect(page.locator(".controls")).to_be_hidden()
        assert page.locator("[data-script]:not([hidden])").count() == 0
        assert page.locator(".chip:enabled").count() == 0
        expect(page.locator("main > noscript p")).to_be_visible()
        sick = server(page, "edge-taken")
        for part in (".finding pre", "table.needs", "svg.map"):
            expect(sick.locator(part).first).to_be_visible()
        expect(sick.locator("details.later").first).to_be_hidden()
        well = server(page, "web-small")
        well.locator("summary").click()
        expect(well.get_by_text("Windows Server 2003")).to_be_visible()


def test_a_fix_is_copied(page: Page) -> None:
    copied = page.evaluate(
        "new Promise(done => { navigator.clipboard.writeText = text => { done(text); return Promise.resolve(); };"
        " document.querySelector('#host-2 [data-copies]').click(); })"
    )
    assert copied == page.locator("#host-2 .finding pre").first.text_content()
    assert copied.startswith("ansible-playbook portkeeper.windows.edge ")


def test_a_picture_is_saved_whole(page: Page) -> None:
    saved = page.evaluate(
        "new Promise(done => { URL.createObjectURL = blob => { blob.text().then(done); return '#'; };"
        " document.querySelector('#host-2 [data-saves]').click(); })"
    )
    assert saved.startswith("<svg ")
    for part in ("<style", 'class="paper"', 'id="stripes"', "the DNS server's pool", ">edge-taken<", "Critical, read"):
        assert part in saved
    assert re.search(r'viewBox="0 -\d+ 1040 ', saved)
