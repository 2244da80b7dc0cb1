# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the services file byte for byte, and replace it as a whole or not at all, with commands of plain Windows.

No document promises that a command writes its input unchanged, so nothing here relies on it: the new content is read
again and compared here, the old bytes are sent back and compared on the server with the file (``fc /b``), and only then
does ``move`` put the new content in place. docs/services-file.md has the reasons.
"""

from __future__ import annotations

import contextlib
import io
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import WriteServicesFile
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rights import FOLDER
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.services_file_contents import (
    BACKUP,
    FILE,
    ServicesFile,
    path_of,
    temporary_file,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.console import Console, Output
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import (
    CommandError,
    Untouched,
    WindowsError,
)

STDIN_TO_FILE: t.Final = 'findstr "^" > "{}"'
"""The command that writes its standard input to a file: every line matches ``^``.

findstr keeps line feeds, carriage returns, tabs and bytes above 127 of piped input, and ends a last line that has no
end (field reports, no document). Another filter would go here and into console.FILE_COMMANDS; the rest stays.
"""
END_OF_TEXT: t.Final = b"\x1a"
"""``copy /a`` copies up to the first Ctrl-Z and leaves it out; ``/b`` on the target adds none (``copy`` reference)."""
_RIGHT: t.Final = f"{FOLDER.name} on that folder"
LARGEST: t.Final = 100_000
"""Bytes that are written; in base64 they fit into the smallest default envelope (150 KB)."""

_ROW: t.Final = re.compile(rb"(?<!\d)(\d{1,12})[ \t]+(services[A-Za-z0-9._~-]*)[ \t]*", re.IGNORECASE)
"""The end of a row of ``dir /-c``: the size without separators, and the name; date and time differ by language."""
_DIFFERENCE: t.Final = rb"(?m)^[0-9A-F]{8}: [0-9A-F]{2} [0-9A-F]{2}\r?$"
"""A row of ``fc /b``; its sentences are localized."""


# --- reading ---------------------------------------------------------------------------------------------------------


def reading_commands(folder: str) -> tuple[str, ...]:
    """The file, the files beside it with their sizes, and whether it is read-only (by the exit code)."""
    return (*_content_commands(folder, FILE), f"dir /b /ar {_quoted(folder, FILE)}")


def backup_commands(folder: str) -> tuple[str, ...]:
    """The same of our backup."""
    return _content_commands(folder, BACKUP)


def _content_commands(folder: str, name: str) -> tuple[str, ...]:
    return (f"type {_quoted(folder, name)}", f"dir /-c /a-d {_quoted(folder, FILE + '*')}")


def file_of(host: str, folder: str, outputs: t.Sequence[Output]) -> ServicesFile:
    """The answer to ``reading_commands``; raises CommandError if the file did not come whole."""
    content = _content_of(host, folder, FILE, outputs)
    beside = frozenset(_sizes(outputs[1])) - {FILE}
    return ServicesFile(content, read_only=outputs[2].succeeded, beside=beside)


def backup_of(host: str, folder: str, outputs: t.Sequence[Output]) -> bytes | None:
    """The answer to ``backup_commands``; raises CommandError."""
    return _content_of(host, folder, BACKUP, outputs)


def _content_of(host: str, folder: str, name: str, outputs: t.Sequence[Output]) -> bytes | None:
    """The content of one file, which must be as long as ``dir`` says; ``None`` if there is none."""
    typed, sizes = outputs[0], _sizes(outputs[1])
    size = sizes.get(name.casefold())
    if size is None and not typed.succeeded:
        return None
    if not typed.succeeded:
        raise _error(host, "read", path_of(folder, name), f"Windows said: {typed.complaint or 'nothing'}")
    if size != len(typed.raw):
        came = f"{len(typed.raw)} bytes came, and dir shows {'no such file' if size is None else f'{size} bytes'}"
        raise _error(host, "read", path_of(folder, name), came, "if it is Unicode, save it as ANSI text")
    return typed.raw


def _sizes(listing: Output) -> dict[str, int]:
    """Sizes by name in lower case."""
    lines = (line.replace(b"\r", b"").removesuffix(b"\n") for line in io.BytesIO(listing.raw))
    rows = map(_ROW.search, lines)
    return {row[2].decode("ascii").casefold(): int(row[1]) for row in rows if row and row.end() == len(row.string)}


# --- writing ---------------------------------------------------------------------------------------------------------


def replace(console: Console, host: str, step: WriteServicesFile) -> ServicesFile:
    """Replace the file, and return it as it is then.

    Raises:
        Untouched: it can't be done byte for byte, or Windows refused; the file is as it was.
        CommandError: the file is neither as it was nor as it should be, or a command gave no whole answer.
    """
    return _Replacement(console, host, step).done()


@contextlib.contextmanager
def begun_along(console: Console, host: str, step: WriteServicesFile) -> t.Iterator[None]:
    """While another step runs, send the first commands of this one along; if that one fails, no file of ours stays.

    They write new files only, and ``replace`` with the same step goes on from there.
    """
    replacement = _Replacement(console, host, step)
    replacement.begin_along()
    try:
        yield
    except WindowsError:
        replacement.tidy()
        raise


def delete(console: Console, host: str, folder: str, names: t.Sequence[str]) -> ServicesFile:
    """Delete files in the folder of the services file, and return the folder's state after that.

    Raises:
        CommandError: the backup could not be deleted.
    """
    outputs = console.run([_deletion(folder, names), *reading_commands(folder)])
    file = file_of(host, folder, outputs[1:])
    if BACKUP in names and BACKUP in file.beside:
        said = f"Windows said: {outputs[0].complaint or 'nothing'}"
        raise _error(host, "delete", path_of(folder, BACKUP), said)
    return file


class _Replacement:
    """One replacement of the file: write, compare, test the way back, move; if a step fails, no file of ours stays.

    Two commands: one writes the new content, which is compared here; one sends the old bytes back, compares them there
    and moves. A third one goes between them if the exit code of ``fc`` can't be the guard of the move.
    """

    def __init__(self, console: Console, host: str, step: WriteServicesFile) -> None:
        self._console, self._host, self._step = console, host, step
        self._folder = step.folder
        self._path = path_of(step.folder)
        self._new = temporary_file(step.number, "new")
        self._old = temporary_file(step.number, "old")
        self._cut = temporary_file(step.number, "cut")
        self._made: tuple[str, ...] = (self._new, self._old, self._cut)

    def begin_along(self) -> None:
        """Let the console's next run take the first command line along, unless the content can't be sent."""
        with contextlib.suppress(Untouched):
            self._demand_both_sendable()
            lines, stdin = self._lines(self._step.after, self._new, self._questions_of_new())
            self._console.take_along(lines, stdin=stdin)

    def done(self) -> ServicesFile:
        """The file as it is once it is replaced; raises CommandError."""
        try:
            self._demand_both_sendable()
            if not self._write_new():
                self._prove_road()
            return self._put_in_place()
        except WindowsError:
            self.tidy()
            raise

    def _demand_both_sendable(self) -> None:
        self._demand_sendable(self._step.before)
        self._demand_sendable(self._step.after)

    def _questions_of_new(self) -> list[str]:
        return [f"type {self._file(self._new)}", f"{self._comparison(self._new)} >nul"]

    def _write_new(self) -> bool:
        """Write the new content; True if the exit code of ``fc`` tells that this file differs from the old one."""
        *written, typed, compared = self._send(self._step.after, self._new, self._questions_of_new())
        self._demand_written(written, self._new)
        if typed.raw != self._step.after:
            raise self._error("the new content does not read as it was sent", "edit that file by hand")
        return not compared.succeeded

    def _prove_road(self) -> None:
        """Send the old bytes back: a comparison on the server shows whether reading and writing keep every byte."""
        *written, compared = self._send(self._step.before, self._old, [self._comparison(self._old)])
        self._demand_proven(written, compared)

    def _demand_proven(self, written: t.Sequence[Output], compared: Output) -> None:
        self._demand_written(written, self._old)
        if not _are_equal(compared):
            reason = "what was read does not come back unchanged, or somebody has just changed it"
            raise self._error(reason, "run this again; if it stays so, edit that file by hand")

    def _put_in_place(self) -> ServicesFile:
        """Send the old bytes back, and move only if the comparison on the server holds: one command line."""
        spent = _deletion(self._folder, (self._old, *self._step.leftovers))
        reading = reading_commands(self._folder)
        moving = [self._comparison(self._old), self._chain(), spent]
        outputs = self._send(self._step.before, self._old, [*moving, *reading])
        *written, compared, moved, _deleted = outputs[: -len(reading)]
        file = file_of(self._host, self._folder, outputs[-len(reading) :])
        if file.content == self._step.after:
            return file
        if not moved.succeeded:
            self._demand_proven(written, compared)
        if self._step.keep_before and not moved.succeeded:
            self._made = (*self._made, BACKUP)
        raise self._not_in_place(moved)

    def _chain(self) -> str:
        """One command line: if the file still has the bytes that were read, the backup, then the move."""
        chain = [self._comparison(self._old)]
        if self._step.keep_before:
            chain.append(f"copy /y /b {self._file(self._old)} {self._file(BACKUP)}")
        chain.append(f"move /y {self._file(self._new)} {self._file(FILE)}")
        if self._step.drop_backup:
            chain.append(_deletion(self._folder, (BACKUP,)))
        return " && ".join(chain)

    def _send(self, content: bytes, name: str, then: t.Sequence[str]) -> list[Output]:
        """Write content to a file of ours; the outputs of what writes it come first, then those of ``then``."""
        lines, stdin = self._lines(content, name, then)
        outputs = self._console.run(lines, stdin=stdin)
        if content.endswith(b"\n"):
            return outputs
        first, second, _deleted, *rest = outputs
        return [first, second, *rest]

    def _lines(self, content: bytes, name: str, then: t.Sequence[str]) -> tuple[list[str], bytes]:
        """The commands, and their input. A last line without an end takes the road over ``copy``, which cuts."""
        if content.endswith(b"\n"):
            return [self._filter(name), *then], content
        cut = f"copy /y {self._file(self._cut)} /a {self._file(name)} /b"
        lines = [self._filter(self._cut), cut, _deletion(self._folder, (self._cut,)), *then]
        return lines, content + END_OF_TEXT + b"\r\n"

    def _demand_sendable(self, content: bytes) -> None:
        if len(content) > LARGEST:
            raise self._error(f"it has {len(content)} bytes, more than the {LARGEST} that can be written this way")
        if END_OF_TEXT in content and not content.endswith(b"\n"):
            raise self._error("it holds a Ctrl-Z and its last line has no end; no command can write that")

    def _demand_written(self, outputs: t.Sequence[Output], name: str) -> None:
        failed = next((output for output in outputs if not output.succeeded), None)
        if failed is not None:
            # What the later commands of the line say of the file that is not there comes behind it.
            reason = failed._replace(errors=failed.errors.lstrip().partition(b"\n")[0]).complaint
            said = f"{path_of(self._folder, name)} can't be written, Windows said: {reason or 'nothing'}"
            raise self._error(said, f"see that nothing protects it, and that the account has {_RIGHT}")

    def _not_in_place(self, moved: Output) -> CommandError:
        if moved.succeeded:
            return _error(
                self._host, "change", self._path, "what was written is not there", "look for a guard of files"
            )
        said = moved.complaint or "nothing"
        return self._error(
            f"it could not be replaced, Windows said: {said}",
            f"see who has it open or protects it, and that the account has {_RIGHT}",
        )

    def tidy(self) -> None:
        """Delete the files that this run made; the error that led here is the one to show."""
        try:
            self._console.run([_deletion(self._folder, self._made)])
        except WindowsError:
            return

    def _comparison(self, name: str) -> str:
        return f"fc /b {self._file(FILE)} {self._file(name)}"

    def _filter(self, name: str) -> str:
        return STDIN_TO_FILE.format(path_of(self._folder, name))

    def _file(self, name: str) -> str:
        return _quoted(self._folder, name)

    def _error(self, meaning: str, advice: str = "") -> Untouched:
        whole = "; ".join(filter(None, ["nothing was changed", advice]))
        return Untouched(host=self._host, operation="change", target=self._path, meaning=meaning, advice=whole)


def _are_equal(compared: Output) -> bool:
    return compared.succeeded and not re.search(_DIFFERENCE, compared.raw)


def _deletion(folder: str, names: t.Sequence[str]) -> str:
    return f"del {' '.join(_quoted(folder, name) for name in names)}"


def _quoted(folder: str, name: str) -> str:
    return f'"{path_of(folder, name)}"'


def _error(host: str, operation: str, target: str, meaning: str, advice: str = "") -> CommandError:
    return CommandError(host=host, operation=operation, target=target, meaning=meaning, advice=advice)
