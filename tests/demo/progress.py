# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the demonstration says while it works: the servers that have answered, and what was done to each."""

from __future__ import annotations

import contextlib
import sys
import textwrap
import typing as t

from tests.tooling.ansible_programs import TaskResult, Watcher
from tests.tooling.text_tables import INDENT

WIDTH: t.Final = 120


@contextlib.contextmanager
def answering(action: str) -> t.Iterator[Watcher]:
    """A watcher of a run of Ansible that prints each server's name when the module has answered there."""
    answered = Answered(sys.stdout)

    def watch(result: TaskResult) -> None:
        if result.is_of(action):
            answered.name(result.host)

    yield watch
    answered.end()


class Answered:
    """Writes the name of each server once, in lines of this width."""

    def __init__(self, stream: t.TextIO) -> None:
        self._stream = stream
        self._seen: set[str] = set()
        self._column = 0

    def name(self, host: str) -> None:
        """Write a server's name, unless it stands there."""
        if host in self._seen:
            return
        self._seen.add(host)
        if self._column + 1 + len(host) > WIDTH:
            self.end()
        self._stream.write((" " if self._column else INDENT) + host)
        self._stream.flush()
        self._column += len(host) + (1 if self._column else len(INDENT))

    def end(self) -> None:
        """End the line, if one was begun."""
        if self._column:
            self._stream.write("\n")
            self._column = 0


def change(result: TaskResult, width: int) -> str:
    """What a task did to a server, in its own first sentence behind the verdict.

    ``width`` is that of the longest name.
    """
    said = str(result.result.get("msg", "")).removeprefix(f"{result.result.get('verdict')}. ")
    sentence = said.removeprefix("Before the reboot: ").split(". ", maxsplit=1)[0].rstrip(".")
    reboot = "; rebooted" if result.result.get("rebooted") else ""
    label = f"{INDENT}{result.host:<{width}}{INDENT}"
    return textwrap.fill(
        f"{sentence}{reboot}.",
        WIDTH,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
