# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Batch files: what cmd.exe does between the command lines of a file that lies on the server's disk.

The part of it that Windows 2000 has too: labels, ``goto``, ``call`` of a label or a file, ``if``, ``set``, ``exit /b``,
``%~dp0``. A statement that is none of these is a command line.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from tests.simulator.windows.commands.interpreter import Interpreter, codec_of
from tests.simulator.windows.context import Context
from tests.simulator.windows.interface import CommandResult

_VARIABLE: t.Final = re.compile(r"%~dp0|%%|%([A-Za-z_][A-Za-z0-9_]*)%")
_IF: t.Final = re.compile(
    r"if\s+(?P<fold>/i\s+)?(?P<not>not\s+)?"
    r'(?:errorlevel\s+(?P<level>\d+)|exist\s+"(?P<path>[^"]*)"|(?P<left>"[^"]*")==(?P<right>"[^"]*"))\s+(?P<then>.*)',
    re.IGNORECASE,
)
_MOST_STATEMENTS: t.Final = 20_000


@dataclasses.dataclass(slots=True)
class _Ended(Exception):
    """``exit /b`` or ``goto :eof``: the called label or file is over."""


class BatchError(Exception):
    """What cmd.exe would stop the whole run for, or what this one does not know."""


class BatchRun:
    """One cmd.exe that runs batch files."""

    def __init__(self, context: Context) -> None:
        """Start with an empty environment of its own."""
        self.context = context
        codec = codec_of(context.machine.release.oem_code_page(context.machine.language))
        self.interpreter = Interpreter(context, shell_codec=codec, program_codec=codec, foreign={})
        self.environment: dict[str, str] = {}
        self.written = b""
        self.complaints = b""
        self._statements = 0

    def run_file(self, path: str) -> None:
        """Run a file to its end."""
        if path not in self.context.machine.files:
            raise BatchError(f"{path} is not there")
        text = self.context.machine.files[path].decode("ascii")
        _File(self, path.rpartition("\\")[0] + "\\", text.splitlines()).run(0)

    def count(self) -> None:
        """Give up on a file that never ends."""
        self._statements += 1
        if self._statements > _MOST_STATEMENTS:
            raise BatchError("it never ends")

    def expanded(self, text: str, folder: str) -> str:
        """Expand variables; one that is not set becomes nothing, as in every batch file."""
        known = {**self.interpreter.variables(), **self.environment}

        def value(match: re.Match[str]) -> str:
            if match[0] in ("%~dp0", "%%"):
                return folder if match[0] == "%~dp0" else "%"
            return known.get(match[1].casefold(), "")

        return _VARIABLE.sub(value, text)

    def command(self, line: str) -> None:
        """Run one command line."""
        result = self.interpreter.run_line(line, b"")
        self.written += result.stdout
        self.complaints += result.stderr


class _File:
    """One batch file while it runs."""

    def __init__(self, batch: BatchRun, folder: str, lines: list[str]) -> None:
        self.batch, self.folder, self.lines = batch, folder, lines

    def run(self, start: int) -> None:
        place: int | None = start
        try:
            while place is not None and place < len(self.lines):
                self.batch.count()
                target = self._statement(self.batch.expanded(self.lines[place].strip(), self.folder))
                place = place + 1 if target is None else target
        except _Ended:
            pass

    def _statement(self, text: str) -> int | None:
        """Run one statement; gives the line to go on with if it is not the next one."""
        word = text.lstrip("@").partition(" ")[0].casefold()
        if not text or text.startswith(":") or word in ("rem", "setlocal", "mkdir") or text.casefold() == "@echo off":
            return None
        handler = _STATEMENTS.get(word)
        if handler is not None:
            return handler(self, text.partition(" ")[2])
        self.batch.command(text)
        return None

    def _if(self, tail: str) -> int | None:
        match = _IF.fullmatch(f"if {tail}")
        if match is None:
            raise BatchError(f"the syntax of the command is incorrect: if {tail}")
        return self._statement(match["then"]) if self._holds(match) is not bool(match["not"]) else None

    def _holds(self, match: re.Match[str]) -> bool:
        if match["level"]:
            return self.batch.interpreter.level >= int(match["level"])
        if match["path"] is not None:
            return match["path"] in self.batch.context.machine.files
        sides = (match["left"], match["right"])
        left, right = map(str.casefold, sides) if match["fold"] else sides
        return left == right

    def _goto(self, label: str) -> int | None:
        if label.strip().casefold() == ":eof":
            raise _Ended
        return self._place_of(label)

    def _place_of(self, label: str) -> int:
        wanted = label.strip().lstrip(":").casefold()
        for place, line in enumerate(self.lines):
            if line.startswith(":") and line[1:].strip().casefold() == wanted:
                return place
        raise BatchError(f"the system cannot find the batch label specified: {wanted}")

    def _call(self, tail: str) -> int | None:
        if tail.startswith(":"):
            _File(self.batch, self.folder, self.lines).run(self._place_of(tail))
        else:
            self.batch.run_file(tail.strip().strip('"'))
        return None

    def _set(self, tail: str) -> int | None:
        name, _equals, value = tail.strip().removeprefix('"').removesuffix('"').partition("=")
        self.batch.environment[name.casefold()] = value
        return None

    def _exit(self, tail: str) -> int | None:
        switch, _blank, number = tail.strip().partition(" ")
        if switch.casefold() != "/b":
            raise BatchError("exit without /b would close the console")
        self.batch.interpreter.level = int(number or self.batch.interpreter.level)
        raise _Ended

    def _start(self, tail: str) -> int | None:
        switch, _blank, command = tail.partition(" ")
        if switch.casefold() != "/wait":
            raise BatchError("start without /wait goes on at once, which nothing here does")
        self.batch.command(command)
        return None


_STATEMENTS: t.Final[t.Mapping[str, t.Callable[[_File, str], int | None]]] = {
    "if": _File._if,
    "goto": _File._goto,
    "call": _File._call,
    "set": _File._set,
    "exit": _File._exit,
    "start": _File._start,
}


def run(context: Context, path: str) -> CommandResult:
    """Start a batch file as ``cmd /c`` does."""
    batch = BatchRun(context)
    batch.run_file(path)
    return CommandResult(batch.written, batch.complaints, batch.interpreter.level)
