# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that README.md, CONTRIBUTING.md and the pages of docs/ and roles/ show for a controller.

They stand in blocks of the kind ``console``, each behind ``$ ``. A test runs each; a comment that begins with ``MARK``
excepts those below it, up to the next empty line, and says why.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex
import typing as t

from tests.tooling.sources import ROOT

MARK: t.Final = "# Not run by a test"
KINDS: t.Final = frozenset({"console", "bat", "powershell", "yaml", "ini", "json", "groovy", "text"})
"""What a block may be: commands of a controller, commands of a server, or no commands."""
PAGES: t.Final = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("roles/*/README.md")),
)
_BLOCK: t.Final = re.compile(r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PROMPT: t.Final = "$ "


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A command line as a reader types it, its page, and why no test runs it (empty: one does)."""

    page: str
    line: str
    why_not: str

    @property
    def words(self) -> list[str]:
        """The line as a shell reads it, without a comment at its end."""
        return shlex.split(self.line, comments=True)

    @property
    def program(self) -> str:
        """Its first word."""
        return self.words[0]

    def option(self, *names: str) -> list[str]:
        """The values of an option, in their order; ``names`` are its long and its short form."""
        words = self.words
        return [words[at + 1] for at, word in enumerate(words[:-1]) if word in names]


def blocks(page: pathlib.Path) -> list[tuple[str, str]]:
    """Kind and text of each block of a page, less what it is indented by."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [(one["kind"], re.sub(f"^{one['indent']}", "", one["text"], flags=re.MULTILINE)) for one in found]


def commands() -> list[Command]:
    """All of them, page by page."""
    return [
        command
        for page in PAGES
        for kind, text in blocks(page)
        if kind == "console"
        for command in _in_block(page.relative_to(ROOT).as_posix(), text)
    ]


def _in_block(page: str, text: str) -> t.Iterator[Command]:
    why_not = ""
    # A backslash at the end goes on in the next line, as in a shell.
    for line in text.replace("\\\n", "").splitlines():
        if line.startswith(MARK):
            why_not = line.removeprefix(MARK).strip(" :.")
        elif not line:
            why_not = ""
        elif line.startswith(_PROMPT):
            yield Command(page, line.removeprefix(_PROMPT), why_not)
