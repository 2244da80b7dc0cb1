# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cmd.exe: runs a command line out of built-in commands and the programs that the other rooms simulate."""

from __future__ import annotations

import codecs
import dataclasses
import re
import typing as t

from tests.simulator.windows.commands import (
    files,
    findstr,
    misc,
    net,
    netsh,
    netstat,
    registration,
    sc,
    setup,
    shutdown,
    syntax,
)
from tests.simulator.windows.commands.program import Invocation, Output, Program, Raw, lines
from tests.simulator.windows.context import Context
from tests.simulator.windows.disk import DiskError
from tests.simulator.windows.interface import CommandResult
from tests.simulator.windows.texts import win32_message

ForeignProgram: t.TypeAlias = t.Callable[[str, bytes], CommandResult]
"""A program that other code simulates, outside of the model: (arguments as written, standard input) -> result."""

PROGRAMS: t.Final[t.Mapping[str, Program]] = {
    "adaminstall": setup.make_instance,
    "dism": setup.dism,
    "hostname": misc.hostname,
    "net": net.run,
    "netsh": netsh.run,
    "netstat": netstat.run,
    "reg": registration.reg,
    "regedit": registration.regedit,
    "sc": sc.run,
    "shutdown": shutdown.run,
    "tasklist": misc.tasklist,
    "whoami": misc.whoami,
}

NOT_ON_2000: t.Final = frozenset({"reg", "sc", "shutdown", "tasklist", "whoami"})
"""Programs of the Support Tools, of the Resource Kit or of later releases."""
UTF8: t.Final = 65001

_UNKNOWN_COMMAND: t.Final = {
    "en": ("'{name}' is not recognized as an internal or external command,", "operable program or batch file."),
    "de": (
        'Der Befehl "{name}" ist entweder falsch geschrieben oder',
        "konnte nicht gefunden werden.",
    ),
}
_ACTIVE_CODE_PAGE: t.Final = {"en": "Active code page: {number}", "de": "Aktive Codepage: {number}."}


def codec_of(codepage: int) -> str:
    """Return Python's codec of a Windows code page; LookupError when there is none."""
    name = "utf-8" if codepage == UTF8 else f"cp{codepage}"
    codecs.lookup(name)
    return name


@dataclasses.dataclass(slots=True)
class _Streams:
    """Bytes that one command wrote."""

    stdout: bytes = b""
    stderr: bytes = b""


class Interpreter:
    """One cmd.exe. ``level`` is ERRORLEVEL."""

    def __init__(
        self,
        context: Context,
        *,
        shell_codec: str,
        program_codec: str,
        foreign: t.Mapping[str, ForeignProgram],
        delayed_expansion: bool = False,
    ) -> None:
        """Start with ERRORLEVEL 0."""
        self.context = context
        self.shell_codec = shell_codec
        self.program_codec = program_codec
        self.foreign = foreign
        self.delayed_expansion = delayed_expansion
        self.level = 0
        self.exited = False

    # -- a line
    def run_line(self, line: str, stdin: bytes) -> _Streams:
        """Run a whole line; variables are expanded once, before anything runs."""
        written = _Streams()
        try:
            commands = syntax.split_commands(syntax.expand(line, self.variables()))
        except ValueError as error:
            self.level = 1
            return _Streams(stderr=f"{error}\r\n".encode(self.shell_codec, "replace"))
        index = 0
        while index < len(commands) and not self.exited:
            end = index + 1
            while end < len(commands) and commands[end].operator == "|":
                end += 1
            if self._wanted(commands[index].operator):
                self._pipeline(commands[index:end], stdin, written)
            index = end
        return written

    def _wanted(self, operator: syntax.Operator) -> bool:
        return not ((operator == "&&" and self.level) or (operator == "||" and not self.level))

    def _pipeline(self, commands: t.Sequence[syntax.Command], stdin: bytes, written: _Streams) -> None:
        flowing = stdin
        for command in commands:
            refusal = self._refusal(command)
            result = refusal or self._redirected(command, self._command(command.text, flowing))
            written.stderr += result.stderr
            flowing = result.stdout
        written.stdout += flowing

    def _redirected(self, command: syntax.Command, result: _Streams) -> _Streams:
        streams = {1: result.stdout, 2: result.stderr}
        for redirection in command.redirections:
            data = streams[redirection.stream]
            streams[redirection.stream] = b""
            if redirection.target in ("&1", "&2"):
                streams[int(redirection.target[1])] += data
            elif redirection.target.casefold() != "nul":
                self._write_file(redirection, data)
        return _Streams(streams[1], streams[2])

    def _refusal(self, command: syntax.Command) -> _Streams | None:
        """What is said instead of running a command whose redirection can't be opened."""
        targets = [one.target for one in command.redirections if one.target.casefold() not in ("&1", "&2", "nul")]
        try:
            for target in targets:
                self.context.machine.files.demand_writable(target, elevated=self.context.user.writes_files)
        except DiskError as error:
            self.level = 1
            said = lines(win32_message(error.code, self.context.machine.language))
            return _Streams(stderr=said.encode(self.shell_codec, "replace"))
        return None

    def _write_file(self, redirection: syntax.Redirection, data: bytes) -> None:
        disk = self.context.machine.files
        before = disk.get(redirection.target, b"") if redirection.append else b""
        disk[redirection.target] = before + data

    def variables(self) -> dict[str, str]:
        """Return the environment, by folded name."""
        directory = self.context.machine.release.windows_directory
        return {
            "computername": self.context.machine.name,
            "comspec": f"{directory}\\system32\\cmd.exe",
            "errorlevel": str(self.level),
            "os": "Windows_NT",
            "systemdrive": "C:",
            "systemroot": directory,
            "windir": directory,
        }

    # -- a command
    def _command(self, text: str, stdin: bytes) -> _Streams:
        if self.delayed_expansion:
            text = syntax.expand(text, self.variables(), delayed=True)
        name, tail = split_name(text.lstrip("@"))
        if name in _BUILT_IN:
            return self._encode(_BUILT_IN[name](self, tail), self.shell_codec)
        if name == "cmd":
            return self._nested(tail, stdin)
        if name in self.foreign:
            result = self.foreign[name](tail, stdin)
            self.level = result.exit_code
            return _Streams(result.stdout, result.stderr)
        return self._on_bytes(name, tail, stdin) or self._program(name, text, tail, stdin)

    def _on_bytes(self, name: str, tail: str, stdin: bytes) -> _Streams | None:
        """Run a command that deals in bytes; None when this is none of them."""
        if name in files.BUILT_IN:
            return self._raw(files.run(files.BUILT_IN[name], self.context, tail), self.shell_codec)
        if name in files.PROGRAMS:
            return self._raw(files.run(files.PROGRAMS[name], self.context, tail), self.program_codec)
        return self._raw(findstr.run(self.context, tail, stdin), self.program_codec) if name == "findstr" else None

    def _program(self, name: str, text: str, tail: str, stdin: bytes) -> _Streams:
        is_missing = name in NOT_ON_2000 and self.context.machine.release.key == "2000"
        program = None if is_missing else PROGRAMS.get(name)
        if program is None:
            return self._encode(self._unknown(text), self.shell_codec)
        given = stdin.decode(self.program_codec, "replace")
        output = program(Invocation(self.context, syntax.split_arguments(tail), tail, given))
        self.level = output.code
        return self._encode(output, self.program_codec)

    def _raw(self, raw: Raw, codec: str) -> _Streams:
        self.level = raw.output.code
        written = self._encode(raw.output, codec)
        return _Streams(raw.data + written.stdout, written.stderr)

    def _encode(self, output: Output, codec: str) -> _Streams:
        return _Streams(_encoded(output.stdout, codec), _encoded(output.stderr, codec))

    def _unknown(self, text: str) -> Output:
        self.level = 1
        name = text.split(" ", 1)[0].strip('"')
        message = _UNKNOWN_COMMAND[self.context.machine.language]
        return Output(stderr=lines(*(line.format(name=name) for line in message)))

    def _nested(self, tail: str, stdin: bytes) -> _Streams:
        """Run ``cmd [/v:on] /c line``."""
        match = re.match(r"\s*((?:/[^\s]+\s+)*?)/[cC]\s*(.*)\Z", tail, re.DOTALL)
        if match is None:
            return _Streams()
        inner = Interpreter(
            self.context,
            shell_codec=self.shell_codec,
            program_codec=self.program_codec,
            foreign=self.foreign,
            delayed_expansion="/v:on" in match[1].casefold(),
        )
        written = inner.run_line(syntax.strip_outer_quotes(match[2]), stdin)
        self.level = inner.level
        return written

    # -- built-in commands
    def echo(self, tail: str) -> Output:
        """Write the rest of the line."""
        text = tail[1:] if tail[:1] in (" ", ".", ":") else tail
        return Output(lines(text))

    def ver(self, _tail: str) -> Output:
        """Write the version of Windows."""
        return Output(lines("", f"Microsoft Windows [Version {self.context.machine.release.ver_text}]"))

    def change_directory(self, tail: str) -> Output:
        """Write the current directory; changing it has no effect here."""
        return Output() if tail.strip() else Output(lines(f"{self.context.machine.release.windows_directory}"))

    def leave(self, tail: str) -> Output:
        """End the interpreter with an exit code."""
        match = re.search(r"-?\d+", tail)
        self.level = int(match[0]) if match else self.level
        self.exited = True
        return Output()

    def change_codepage(self, tail: str) -> Output:
        """Change the code page of the console, and write which one it is."""
        if tail.strip().isdigit():
            self.shell_codec = codec_of(int(tail))
        number = str(UTF8) if self.shell_codec == "utf-8" else self.shell_codec.removeprefix("cp")
        return Output(lines(_ACTIVE_CODE_PAGE[self.context.machine.language].format(number=number)))

    def nothing(self, _tail: str) -> Output:
        """Do nothing."""
        self.level = 0
        return Output()


_BUILT_IN: t.Final[t.Mapping[str, t.Callable[[Interpreter, str], Output]]] = {
    "cd": Interpreter.change_directory,
    "chcp": Interpreter.change_codepage,
    "echo": Interpreter.echo,
    "exit": Interpreter.leave,
    "rem": Interpreter.nothing,
    "ver": Interpreter.ver,
}


def split_name(text: str) -> tuple[str, str]:
    """Split a command into the program's folded name (no path, no .exe) and the rest of the line as written."""
    match = re.match(r'\s*("[^"]*"|[^\s/"&|.:]*(?:[:.\\/][^\s"]*)?)(.*)\Z', text, re.DOTALL)
    if match is None:
        return "", ""
    word, tail = match[1].strip('"'), match[2]
    plain = re.match(r"(echo|cd)([.:].*)\Z", word, re.IGNORECASE | re.DOTALL)
    if plain:
        return plain[1].casefold(), plain[2] + tail
    name = re.split(r"[\\/]", word)[-1].casefold() if "\\" in word else word.split("/", 1)[0].casefold()
    if "\\" not in word and "/" in word:
        tail = "/" + word.split("/", 1)[1] + tail
    return name.removesuffix(".exe"), tail


def run(
    context: Context, command_line: str, stdin: bytes, *, codepage: int, foreign: t.Mapping[str, ForeignProgram]
) -> CommandResult:
    """Run one command line as ``cmd /c`` does, in a console with this code page."""
    oem = context.machine.release.oem_code_page(context.machine.language)
    as_utf8 = context.machine.assumptions.utf8_for_programs
    interpreter = Interpreter(
        context,
        shell_codec=codec_of(codepage),
        program_codec=codec_of(oem if codepage == UTF8 and not as_utf8 else codepage),
        foreign=foreign,
    )
    written = interpreter.run_line(syntax.strip_outer_quotes(command_line), stdin)
    return CommandResult(written.stdout, written.stderr, interpreter.level)


def _encoded(text: str, codec: str) -> bytes:
    # The codecs of code pages are slow, and netstat's tables are long.
    return text.encode("ascii") if text.isascii() else text.encode(codec, "replace")
