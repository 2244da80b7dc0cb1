# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the page by the names that its readers see, for the tests in a browser."""

from __future__ import annotations

import re
import typing as t

from playwright.sync_api import Locator, Page

SHOWN_ROWS: t.Final = """
    [...document.querySelectorAll('#fleet tbody tr')]
    .filter(row => row.checkVisibility()).map(row => row.querySelector('th').textContent)"""
SHOWN_SECTIONS: t.Final = """
    [...document.querySelectorAll('.host')]
    .filter(node => !node.hidden).map(node => node.querySelector('h3').textContent)"""
ALL: t.Final = [
    *("edge-hostile", "edge-taken", "edge-risk", "edge-fixed"),
    *("edge-gone", "edge-partly", "edge-refused", "edge-delayed", "web-small"),
]
"""The servers of facts.fleet_results, the worst first."""


def shown(page: Page) -> list[str]:
    """The servers in the table, which are those below it, in the same order."""
    rows: list[str] = page.evaluate(SHOWN_ROWS)
    assert page.evaluate(SHOWN_SECTIONS) == rows
    return rows


def chip(page: Page, label: str) -> Locator:
    return page.locator("button.chip", has_text=re.compile(rf"^{re.escape(label)} \d+$"))


def server(page: Page, name: str) -> Locator:
    return page.locator(".host", has=page.get_by_role("heading", name=name, exact=True))
