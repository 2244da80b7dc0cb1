# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocks of the pages say what they are, and each command in them can be run by a test or says why not."""

from __future__ import annotations

import pathlib
import re

import pytest

from tests.documented.commands import KINDS, MARK, PAGES, Command, blocks, commands
from tests.tooling.sources import ROOT

RUN_BY_TESTS = {"ansible", "ansible-playbook", "make", "ansible-galaxy", "export"}
"""Programs of commands that tests run: tests/fleet/test_documented_commands.py, and here."""
_TARGET = re.compile(r"^([a-z][a-z%-]*):(?!=)", re.MULTILINE)


def _targets() -> set[str]:
    files = [ROOT / "Makefile", *ROOT.glob("tests/tooling/*.mk")]
    return {name for file in files for name in _TARGET.findall(file.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_says_what_it_is(page: pathlib.Path) -> None:
    assert [text for kind, text in blocks(page) if kind not in KINDS] == []
    prompts = [text for kind, text in blocks(page) if kind != "console" and re.search(r"^\$ ", text, re.MULTILINE)]
    assert prompts == []
    assert [text for kind, text in blocks(page) if kind == "console" and "$ " not in text] == []


def test_every_command_is_run_by_a_test_or_says_why_not() -> None:
    found = commands()
    assert len(found) > 60
    unknown = [command for command in found if not command.why_not and command.program not in RUN_BY_TESTS]
    assert unknown == [], f"a line above must begin with {MARK!r} and say why"
    texts = [text for page in PAGES for _kind, text in blocks(page)]
    assert [line for text in texts for line in text.splitlines() if line.strip(" :.") == MARK] == []


def test_make_has_the_targets_that_the_pages_name() -> None:
    targets = _targets()
    for command in commands():
        if command.program == "make":
            named = [word for word in command.words[1:] if "=" not in word]
            assert [name for name in named if name not in targets] == [], command


def _of(program: str) -> list[Command]:
    return [command for command in commands() if command.program == program and not command.why_not]


def test_the_tarball_that_the_pages_name_is_the_one_that_make_collection_builds() -> None:
    """``make collection-check``, a part of the gate, installs that one."""
    [version] = re.findall(r"^version: (.*)$", (ROOT / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    tarball = f"build/portkeeper-windows-{version}.tar.gz"
    assert _of("ansible-galaxy")
    assert [
        command for command in _of("ansible-galaxy") if command.words[1:] != ["collection", "install", tarball]
    ] == []


def test_an_export_names_an_inventory() -> None:
    assert [command for command in _of("export") if not command.words[1].startswith("ANSIBLE_INVENTORY=")] == []
