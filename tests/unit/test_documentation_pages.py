# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages against the code: generated tables, links, what CONTRIBUTING names, what Troubleshooting explains, MyST."""

from __future__ import annotations

import ast
import collections
import itertools
import pathlib
import re
import typing as t

import pytest

from tests.tooling import documentation, documentation_tables
from tests.tooling.sources import ROOT

PAGES = [ROOT / "README.md", *documentation.pages()]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
OF_THE_PROJECT = [ROOT / name for name in ("CODE_OF_CONDUCT.md", "MAINTAINERS.md", "SECURITY.md")]
WRITTEN = [CONTRIBUTING, *OF_THE_PROJECT, *PAGES, *sorted(ROOT.glob("roles/*/README.md"))]
"""All pages that a reader follows links through."""
_LINK: t.Final = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]*))?\)")
_HEADING: t.Final = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_FENCED: t.Final = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_CODE: t.Final = re.compile(r"`[^`]*`")
_HTML: t.Final = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)
_PATH: t.Final = re.compile(r"(?:plugins|tests|roles|docs|changelogs|meta|playbooks)/[\w./-]*[\w/]")
_QUOTED: t.Final = re.compile(r"`([^`]+)`")


def prose(page: pathlib.Path) -> str:
    """A page without its blocks of code, whose comments look like headings."""
    return _FENCED.sub("", page.read_text(encoding="utf-8"))


def headings(page: pathlib.Path) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    return [(len(marks), text) for marks, text in _HEADING.findall(prose(page))]


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
        elif heading and heading not in [anchor(text) for _level, text in headings(target)]:
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


def test_every_table_stands_on_its_page() -> None:
    found = {page.name: documentation_tables.places(page.read_text(encoding="utf-8")) for page in PAGES}
    wanted = {name: table.page for name, table in documentation_tables.TABLES.items()}
    assert {place.name: page for page, places in found.items() for place in places} == wanted


def name_of(page: pathlib.Path) -> str:
    """The page's path in the checkout."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_links_lead_somewhere(page: pathlib.Path) -> None:
    assert dead_links(page) == []


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_pages_are_the_markdown_that_myst_takes(page: pathlib.Path) -> None:
    """One title, no level left out, no anchor twice, no HTML: the docs site can take each page as it is."""
    levels = [level for level, _text in headings(page)]
    assert levels[:1] == [1]
    assert levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1] == []
    anchors = collections.Counter(anchor(text) for _level, text in headings(page))
    assert [found for found, count in anchors.items() if count > 1] == []
    assert _HTML.findall(_CODE.sub("", prose(page))) == []


def parts_of_the_gate() -> list[str]:
    """What ``make test`` runs, in its order; parts that run side by side in the order of their list."""
    gate = (ROOT / "tests/tooling/gate.mk").read_text(encoding="utf-8")
    [parts] = re.findall(r"for part in ([a-z -]+); do", gate)
    together = re.findall(r"^([A-Z_]+) := ((?:[a-z]+-?)+(?: [a-z-]+)+)$", gate, re.MULTILINE)
    names = {variable.lower().replace("_", "-"): names for variable, names in together}
    return [name for part in str(parts).split() for name in names.get(part, part).split()]


def test_contributing_names_what_is_there() -> None:
    """Every path in its tables, and every part of the gate in the order of the gate."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    paths = {path for row in text.splitlines() if row.startswith("|") for path in _PATH.findall(row)}
    assert len(paths) > 20
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    assert re.findall(r"^\| `make ([a-z-]+)` \|", text, re.MULTILINE) == parts_of_the_gate()


def test_the_page_of_roles_and_modules_has_every_one() -> None:
    text = (ROOT / "docs/modules.md").read_text(encoding="utf-8")
    roles = re.findall(r"^\| \[`([a-z0-9_]+)`\]", text, re.MULTILINE)
    assert sorted(roles) == sorted(path.parent.name for path in ROOT.glob("roles/*/README.md"))
    modules = re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE)
    assert sorted(modules) == sorted(path.stem for path in ROOT.glob("plugins/modules/[a-z]*.py"))


def test_explained_sentences_are_what_the_code_says() -> None:
    pieces = pieces_of_text()
    sentences = explained_sentences()
    assert len(sentences) > 40
    assert [sentence for sentence in sentences if not any(sentence in piece for piece in pieces)] == []
