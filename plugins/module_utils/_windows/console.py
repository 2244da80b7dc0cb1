# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands on the server, for the few things that WMI can't do: one shell for all of a task's commands.

Nothing is opened before the first command. Commands that are wanted together go as one WinRS command, so that all of
them cost the requests of one; markers of our own separate their outputs and show whether each succeeded.
"""

from __future__ import annotations

import re
import types
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import CommandError

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Capabilities
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.shell import CommandOutput

PROGRAMS: t.Final = ("netsh ", "netstat ", "findstr ", "sc.exe ", "shutdown.exe ")
"""The only programs that may run."""
LONGEST_LINE: t.Final = 8000
"""Characters: a little below the 8191 that cmd.exe takes (KB830473)."""

# One command alone: no character that cmd.exe treats specially, except the pipe, and quotes in pairs.
_COMMAND: t.Final = re.compile(r"""(?:[A-Za-z0-9 .,:;=/\\_$#@+~*|()\[\]-]|"[A-Za-z0-9 .,:;=/\\_$#@+~*()\[\]-]*")+""")

# Commands on files, each whole: full paths of plain characters, always quoted; a few may follow one another by &&.
_PATH: t.Final = r'"[A-Za-z]:(?:\\[A-Za-z0-9 _.~*-]+)+"'
FILE_COMMANDS: t.Final = (
    "type PATH",
    "dir /-c /a-d PATH",
    "dir /b /ar PATH",
    "fc /b PATH PATH(?: >nul)?",
    "copy /y /b PATH PATH",
    "copy /y PATH /a PATH /b",
    "move /y PATH PATH",
    "del PATH(?: PATH)*",
    r'findstr "\^" > PATH',
)
_FILE_COMMAND: t.Final = re.compile("|".join(form.replace("PATH", _PATH) for form in FILE_COMMANDS))

_MARKER: t.Final = re.compile(rb"portkeeper-(\d+)-(ok|failed)[ \t]*\r?\n?")
_SHOWN: t.Final = 200
"""Characters of an output in a message."""
_LOOKED_AT: t.Final = 4_000
"""Bytes of an output that are read for it."""


class Output(t.NamedTuple):
    """The stdout of one command, as bytes in an unknown code page, and whether its exit code was 0."""

    raw: bytes
    succeeded: bool
    errors: bytes = b""
    """The stderr of all commands of the same line."""

    @property
    def complaint(self) -> str:
        """The text of Windows about a failure, for messages only."""
        return _readable(self.errors) or self.text

    @property
    def text(self) -> str:
        """For messages only: one line, wrong letters instead of errors."""
        return _readable(self.raw)


class _Commands(t.NamedTuple):
    """Commands that are wanted together, and their input."""

    lines: tuple[str, ...]
    stdin: bytes

    @property
    def program(self) -> str:
        """The first program, for messages."""
        return self.lines[0].partition(" ")[0] if self.lines else ""


class Console:
    """Runs commands; a context manager that closes the shell, if one was opened."""

    def __init__(self, client: Client, capabilities: Capabilities) -> None:
        self._host = client.host
        self._shell = client.shell(codepage=capabilities.shell_codepage, signals=capabilities.signal_between_commands)
        self.was_used = False
        """True if a shell was opened, so that one more command costs less than a first one."""
        self._along: _Commands | None = None
        """What the next run takes along."""
        self._taken: tuple[_Commands, list[Output]] | None = None
        """What the last run took along, with its outputs."""

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self._shell.__exit__(kind, error, trace)

    def close(self) -> None:
        """Delete the shell, if one is open; never raises."""
        self._shell.close()

    def take_along(self, command_lines: t.Sequence[str], *, stdin: bytes = b"") -> None:
        """Let the next run take these commands along, before its own in the same line.

        The run after that one gives their outputs without a request, if it is asked for exactly these commands.
        """
        self._along = _Commands(tuple(command_lines), stdin)

    def run(self, command_lines: t.Sequence[str], *, stdin: bytes = b"") -> list[Output]:
        """Run commands one after the other, even if one fails, and return their outputs in that order.

        ``stdin`` is for the first command that reads it, in the first line that cmd.exe can take.
        Requests: Create, Command, Receive and Delete for the first call, Command and Receive for a later one; one more
        with ``stdin``, and a Signal before a later one if the release needs it.

        Raises:
            CommandError: a line is not allowed (then nothing was run), or the outputs did not come back whole.
        """
        asked = _Commands(tuple(command_lines), stdin)
        taken, self._taken = self._taken, None
        if taken and taken[0] == asked:
            return taken[1]
        along, self._along = self._along, None
        if along is None:
            return self._outputs(asked, asked.program)
        both = _Commands((*along.lines, *asked.lines), along.stdin)
        outputs = self._outputs(both, f"{asked.program} and {along.program}")
        self._taken = along, outputs[: len(along.lines)]
        return outputs[len(along.lines) :]

    def _outputs(self, asked: _Commands, name: str) -> list[Output]:
        for line in asked.lines:
            self._demand_allowed(line)
        outputs: list[Output] = []
        stdin = asked.stdin
        for batch in _batches(asked.lines):
            outputs.extend(self._run_together(batch, stdin, name))
            stdin = b""
        return outputs

    def _run_together(self, command_lines: t.Sequence[str], stdin: bytes, name: str) -> list[Output]:
        output = self._shell.run(_joined(command_lines), stdin=stdin, name=name)
        self.was_used = True
        outputs = _split(output)
        if len(outputs) != len(command_lines):
            raise self._error(command_lines[min(len(outputs), len(command_lines) - 1)], _problem(output))
        return outputs

    def _demand_allowed(self, line: str) -> None:
        if not _is_allowed(line):
            raise self._error(line, "this command line is not on the list of those that are allowed")

    def _error(self, line: str, meaning: str) -> CommandError:
        return CommandError(host=self._host, operation="run", target=f"the command {line!r}", meaning=meaning)


def _is_allowed(line: str) -> bool:
    if all(_FILE_COMMAND.fullmatch(part) for part in line.split(" && ")):
        return True
    programs_allowed = all(part.lstrip().startswith(PROGRAMS) for part in line.split("|"))
    return programs_allowed and _COMMAND.fullmatch(line) is not None


def _marked(number: int, line: str) -> str:
    # cmd.exe expands %errorlevel% before the line runs; && and || see the real exit code, on every release.
    return f"{line} && echo portkeeper-{number}-ok || echo portkeeper-{number}-failed"


def _joined(command_lines: t.Sequence[str]) -> str:
    return " & ".join(_marked(number, line) for number, line in enumerate(command_lines, start=1))


def _batches(command_lines: t.Sequence[str]) -> t.Iterator[list[str]]:
    """Split the commands into groups that cmd.exe can take as one line each."""
    if command_lines and len(_joined(command_lines)) <= LONGEST_LINE:
        yield [*command_lines]
        return
    batch: list[str] = []
    for line in command_lines:
        if batch and len(_joined([*batch, line])) > LONGEST_LINE:
            yield batch
            batch = []
        batch.append(line)
    if batch:
        yield batch


def _split(output: CommandOutput) -> list[Output]:
    """The outputs of the commands whose markers are there, in order."""
    outputs: list[Output] = []
    start = 0
    for marker in _MARKER.finditer(output.stdout):
        if int(marker.group(1)) == len(outputs) + 1:
            raw = output.stdout[start : marker.start()]
            outputs.append(Output(raw, marker.group(2) == b"ok", output.stderr))
            start = marker.end()
    return outputs


def _problem(output: CommandOutput) -> str:
    said = _readable(output.stderr) or _readable(output.stdout)
    return f"its output is incomplete (exit code {output.exit_code}): {said or 'it said nothing'}"


def _readable(raw: bytes) -> str:
    begin = raw.lstrip()[:_LOOKED_AT]
    text = " ".join(begin.decode("utf-8", errors="replace").split())
    return text if len(text) <= _SHOWN and len(begin) < _LOOKED_AT else f"{text[:_SHOWN]}..."
