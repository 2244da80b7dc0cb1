# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How commands are joined into one line, so that many cost the requests of one; a mark follows each output."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.questions import Command
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.readings import Ran, Reading

LONGEST_LINE: t.Final = 7000
_START: t.Final = 'cmd.exe /v:on /c "'
_MARK: t.Final = re.compile(r" & echo portkeeper-[0-9]+-!errorlevel!(?: & |\"\Z)")
_END: t.Final = re.compile(rb"portkeeper-(\d{1,4})-(-?\d{1,10})[ \t]*\r?\n?")


def joined(lines: t.Iterable[str]) -> str:
    """Several commands as one line.

    cmd.exe expands ``!errorlevel!`` when it comes to it, and ``%errorlevel%`` before it runs anything.
    """
    marked = (f"{line} & echo portkeeper-{number}-!errorlevel!" for number, line in enumerate(lines, start=1))
    return f'{_START}{" & ".join(marked)}"'


def parts_of(line: str) -> tuple[str, ...]:
    """The commands of a line: those that were joined, or itself."""
    if not line.startswith(_START):
        return (line,)
    parts = tuple(_MARK.split(line.removeprefix(_START))[:-1])
    return parts if joined(parts) == line else (line,)


def command_lines(questions: t.Iterable[Command]) -> list[tuple[str, list[Command]]]:
    """The lines that are sent, each with the questions that it answers."""
    wanted = list(dict.fromkeys(questions))
    batches: list[list[Command]] = [[]]
    for question in (one for one in wanted if not (one.alone or one.long)):
        if len(joined(one.line for one in (*batches[-1], question))) > LONGEST_LINE:
            batches.append([])
        batches[-1].append(question)
    together = [*filter(None, batches), *([one] for one in wanted if one.long and not one.alone)]
    lines = [(joined(one.line for one in batch), batch) for batch in together]
    return lines + [(one.line, [one]) for one in wanted if one.alone]


def parted(questions: t.Sequence[Command], ran: Ran) -> dict[Command, Reading]:
    """Each question's part of a line's output."""
    if questions[0].alone:
        return {questions[0]: Reading(ran=ran)}
    found: dict[Command, Reading] = {}
    start = 0
    ends = {int(end[1]): end for end in _END.finditer(ran.raw)}
    for number, question in enumerate(questions, start=1):
        end = ends.get(number)
        if end is None or end.start() < start:
            found[question] = Reading(problem="its output did not come back whole")
            continue
        found[question] = Reading(ran=Ran(ran.raw[start : end.start()], int(end[2]), ran.errors))
        start = end.end()
    return found
