# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the page about a fleet, docs/pictures/page.png, and beside the tests the words that are read in it."""

from __future__ import annotations

import dataclasses
import hashlib
import html
import pathlib
import re
import typing as t

import yaml
from playwright.sync_api import Page

from tests.fleet.host_cases import HostCase, Json, Step
from tests.fleet.in_process import run_in_process
from tests.report.browser import find_browser, running_browser, window
from tests.report.rendering import ORIGIN, write_page
from tests.tooling.sources import ROOT

PATH: t.Final = ROOT / "docs/pictures/page.png"
MAP: t.Final = ROOT / "docs/pictures/map.svg"
"""One of the pictures that a report has for tickets, as it is written."""
WORDS: t.Final = pathlib.Path(__file__).with_name("page_picture.txt")
WIDTH: t.Final = 1000
HEIGHT: t.Final = 760
LARGEST: t.Final = 150_000
"""Bytes: README.md loads the picture."""
_EDGE: t.Final = ["exchange_edge", "dns"]
_DC: t.Final = ["domain_controller", "dns", "ias"]
SERVERS: t.Final[dict[str, Json]] = {
    "edge2003": {"release": "2003", "roles": _EDGE, "broken": True},
    "edge2022": {"release": "2022", "roles": _EDGE, "broken": True},
    "edge2025": {"release": "2025", "roles": _EDGE, "broken": False},
    "dc2008r2": {"release": "2008r2", "roles": _DC, "dynamic_range": "1025-60000", "broken": True},
    "dc2025": {"release": "2025", "roles": _DC, "broken": False},
    "sbs": {"release": "2003", "roles": ["sbs2003"], "broken": ["IAS", "AUTD"]},
    "plain2016": {"release": "2016", "roles": ["member"]},
}
MAPPED: t.Final = "edge2022"
_READ: t.Final = Step(module="port_info", options={"gather_subset": ["all"], "sockets_by": "process"})
_TAG: t.Final = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL)
_IN_SIGHT: t.Final = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.checkVisibility({contentVisibilityAuto: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    const box = range.getBoundingClientRect();
    if (box.height && box.width && box.bottom <= innerHeight) found.push(walker.currentNode.textContent);
  }
  return found;
}"""


def write(folder: pathlib.Path) -> pathlib.Path:
    """Write the page about these servers; its path."""
    cases = [HostCase(id=name, server=server, steps=(_READ,)) for name, server in SERVERS.items()]
    results = {name: {**runs[0].result, "warnings": []} for name, runs in run_in_process(cases).items()}
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    return write_page(results, folder, origin=dataclasses.replace(ORIGIN, product_version=version))


def map_of(page: pathlib.Path) -> bytes:
    """The picture of one server's ports beside the page."""
    return (page.parent / "maps" / f"{MAPPED}.svg").read_bytes()


def take(page: pathlib.Path) -> None:
    """Take the pictures, and write down which words are read in it; raises RuntimeError without a browser."""
    program = find_browser()
    if program is None:
        raise RuntimeError("there is no Chromium on this machine (Debian: apt-get install chromium)")
    with running_browser(program) as browser, window(browser, width=WIDTH, height=HEIGHT) as tab:
        opened = tab.open(page)
        opened.screenshot(path=str(PATH))
        words = _words(opened)
    MAP.write_bytes(map_of(page))
    WORDS.write_text("\n".join([digest(), *words]) + "\n", encoding="utf-8")


def digest() -> str:
    """The first line of the words: which picture they are of."""
    return f"sha256 {hashlib.sha256(PATH.read_bytes()).hexdigest()}"


def missing(page: pathlib.Path) -> list[str]:
    """Words of the picture that the page of today has no more."""
    today = _plain(html.unescape(_TAG.sub(" ", page.read_text(encoding="utf-8"))))
    return [words for words in WORDS.read_text(encoding="utf-8").splitlines()[1:] if words not in today]


def _words(opened: Page) -> list[str]:
    found: list[str] = opened.evaluate(_IN_SIGHT)
    # A new version is no reason for a new picture.
    return [words for words in dict.fromkeys(map(_plain, found)) if words and "Made by" not in words]


def _plain(text: str) -> str:
    return " ".join(text.split())
