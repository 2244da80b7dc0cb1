# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of docs/ against the code: generated tables, links, and the sentences that Troubleshooting explains."""

from __future__ import annotations

import ast
import pathlib
import re
import typing as t

import pytest

from tests.tooling import documentation_tables
from tests.tooling.sources import ROOT

PAGES = [ROOT / "README.md", *documentation_tables.pages()]
_LINK: t.Final = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING: t.Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_QUOTED: t.Final = re.compile(r"`([^`]+)`")


def anchor(heading: str) -> str:
    """The anchor that Markdown viewers give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def dead_links(page: pathlib.Path) -> list[str]:
    """Links to files that are not there, and to headings that they do not have."""
    dead = []
    for path, heading in _LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            dead.append(path)
        elif heading and heading not in map(anchor, _HEADING.findall(target.read_text(encoding="utf-8"))):
            dead.append(f"{path}#{heading}")
    return dead


def pieces_of_text() -> list[str]:
    """Every piece of text in the code, as it is once neighbouring literals are joined."""
    files = sorted((ROOT / "plugins").rglob("*.py"))
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    constants = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [node.value for node in constants if isinstance(node.value, str)]


def explained_sentences() -> list[str]:
    """What stands in the first column of Troubleshooting's tables."""
    text = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [re.sub(r"\([^)`]*`[^)]*\)", "", row.split(" | ")[0]) for row in rows]
    return [quoted for cell in cells for quoted in _QUOTED.findall(cell)]


def test_tables_are_current() -> None:
    stale = [page.name for page in documentation_tables.outdated()]
    assert stale == [], "run `python -m tests.tooling.documentation_tables`"


def test_every_table_stands_on_its_page() -> None:
    found = {page.name: documentation_tables.tables_in(page.read_text(encoding="utf-8")) for page in PAGES}
    wanted = {name: table.page for name, table in documentation_tables.TABLES.items()}
    assert {name: page for page, names in found.items() for name in names} == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    assert dead_links(page) == []


def test_explained_sentences_are_what_the_code_says() -> None:
    pieces = pieces_of_text()
    sentences = explained_sentences()
    assert len(sentences) > 40
    assert [sentence for sentence in sentences if not any(sentence in piece for piece in pieces)] == []
