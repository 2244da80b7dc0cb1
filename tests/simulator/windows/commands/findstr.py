# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""findstr.exe: the part of it that filters piped bytes, or those of one file."""

from __future__ import annotations

import functools
import re
import typing as t

from tests.simulator.windows.assumptions import Assumptions
from tests.simulator.windows.commands.program import Output, Raw
from tests.simulator.windows.context import Context

_LINE: t.Final = re.compile(rb"[^\n]*\n|[^\n]+\Z")
_UNUSUAL: t.Final = re.compile(rb"[^\t\r\n -~]")
_ARGUMENT: t.Final = re.compile(r'(?:\\"|[^\s"]|"(?:\\"|[^"])*(?:"|\Z))+')
"""Quotes enclose blanks; one behind a backslash is an ordinary character."""
_SWITCHES: t.Final = frozenset("bcegilnrvxm")


def _expression(text: str) -> str:
    """Translate findstr's regular expressions: ``. * ^ $ [class] \\x \\< \\>``."""
    pieces = re.findall(r"\\.|\[\^?[^\]]*\]|.", text, flags=re.DOTALL)
    translated = {".": ".", "*": "*", "^": "^", "$": "$", "\\<": r"\b", "\\>": r"\b"}
    return "".join(
        piece if piece.startswith("[") and len(piece) > 1 else translated.get(piece, re.escape(piece[-1]))
        for piece in pieces
    )


class _Options:
    """The options and search strings of one call."""

    def __init__(self, context: Context, tail: str) -> None:
        self.flags: set[str] = set()
        self.literals: list[str] = []
        self.words: list[str] = []
        self.file = ""
        self._files = context.machine.files
        for quoted_argument in _ARGUMENT.findall(tail):
            self._take(quoted_argument)

    def _take(self, argument: str) -> None:
        bare = re.sub(r'\\(")|"', r"\1", argument)
        if re.match(r"/c:", argument, re.IGNORECASE):
            self.literals.append(bare[3:])
        elif re.match(r"/g:", argument, re.IGNORECASE):
            self.literals += self._files[bare[3:]].decode("latin-1").splitlines()
        elif re.match(r"/[A-Za-z]+\Z", argument):
            self.flags |= set(bare[1:].casefold()) & _SWITCHES
        elif not (self.words or self.literals):
            self.words = [bare] if not bare.split() else bare.split()
        else:
            self.file = bare

    def pattern(self) -> re.Pattern[str]:
        """Return one expression for all: words are expressions and ``/c:`` texts literals, unless /l or /r say else."""
        as_literal = "l" in self.flags
        parts = [re.escape(word) if as_literal else _expression(word) for word in self.words]
        parts += [_expression(text) if "r" in self.flags else re.escape(text) for text in self.literals]
        before = "^" if {"b", "x"} & self.flags else ""
        after = "$" if {"e", "x"} & self.flags else ""
        joined = "|".join(f"(?:{before}{part}{after})" for part in parts)
        return re.compile(joined, re.IGNORECASE if "i" in self.flags else 0)


def run(context: Context, tail: str, stdin: bytes) -> Raw:
    """Filter standard input or a file; exit code 0 when a line was found, 1 when none was, 2 for wrong usage."""
    options = _Options(context, tail)
    if not (options.words or options.literals):
        return Raw(Output(stderr="FINDSTR: Bad command line\r\n", code=2))
    if options.file and options.file not in context.machine.files:
        return Raw(Output(stderr=f"FINDSTR: Cannot open {options.file}\r\n", code=1))
    if options.file:
        stdin = context.machine.files[options.file]
    found = _found(options.pattern(), stdin, inverted="v" in options.flags)
    written = b"".join(_written(line, context.machine.assumptions) for line in found)
    return Raw(Output(code=0 if found else 1), written)


@functools.lru_cache(maxsize=16)
def _found(pattern: re.Pattern[str], stdin: bytes, *, inverted: bool) -> tuple[bytes, ...]:
    """The lines that are written. Kept, since one run after another filters the same five thousand lines."""
    lines = _LINE.findall(stdin)
    return tuple(line for line in lines if bool(pattern.search(line.rstrip(b"\r\n").decode("latin-1"))) is not inverted)


def _written(line: bytes, assumptions: Assumptions) -> bytes:
    """A line as findstr writes it when its input is a pipe."""
    if assumptions.findstr_longest_piped_line < len(line):
        line = line[: assumptions.findstr_longest_piped_line - 2] + b"\r\n"
    if not assumptions.findstr_keeps_every_byte:
        line = _UNUSUAL.sub(b".", line)
    return line + b"\r\n" if assumptions.findstr_ends_last_line and not line.endswith(b"\n") else line
