# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How cmd.exe reads a command line: quotes, carets, variables, operators, redirections."""

from __future__ import annotations

import dataclasses
import functools
import re
import typing as t

Operator: t.TypeAlias = t.Literal["", "&", "&&", "||", "|"]

_SPECIAL: t.Final = frozenset("&<>()@^|")
_EXECUTABLE_ENDS: t.Final = ('.exe"', '.com"', '.bat"', '.cmd"')
_REDIRECTION: t.Final = re.compile(r"([12])?(>>?)\s*(&[12]|\"[^\"]*\"|[^\s<>&|]+)|<\s*(\"[^\"]*\"|[^\s<>&|]+)")
_VARIABLE: t.Final = re.compile(r"%([A-Za-z_][A-Za-z0-9_()]*)%")
_DELAYED: t.Final = re.compile(r"!([A-Za-z_][A-Za-z0-9_()]*)!")


@dataclasses.dataclass(frozen=True, slots=True)
class Redirection:
    """The target of one stream: a file, ``nul``, or ``&1``/``&2`` for the other stream."""

    stream: t.Literal[1, 2]
    append: bool
    target: str


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """One simple command; ``operator`` is the one before it."""

    operator: Operator
    text: str
    redirections: tuple[Redirection, ...] = ()


def strip_outer_quotes(line: str) -> str:
    """Apply the rule of ``cmd /c``: a leading quote and the last one go, unless they enclose just a program's name."""
    line = line.strip()
    if not line.startswith('"'):
        return line
    if line.count('"') == 2 and not _SPECIAL & set(line) and line.casefold().endswith(_EXECUTABLE_ENDS):
        return line
    last = line.rindex('"')
    return line[1:] if last == 0 else line[1:last] + line[last + 1 :]


def expand(text: str, variables: t.Mapping[str, str], *, delayed: bool = False) -> str:
    """Expand ``%NAME%`` (or ``!NAME!``); a name that is not set stays as it is written, as on a command line."""
    pattern = _DELAYED if delayed else _VARIABLE
    return pattern.sub(lambda match: variables.get(match[1].casefold(), match[0]), text)


@functools.lru_cache(maxsize=1024)
def split_commands(line: str) -> tuple[Command, ...]:
    """Split a line at its operators, outside of quotes and carets; an operator without a command is a ValueError."""
    commands: list[Command] = []
    operator: Operator = ""
    text: list[str] = []
    quoted = False
    position = 0
    while position < len(line):
        character = line[position]
        if character == '"':
            quoted = not quoted
        if character == "^" and not quoted:
            text.append(line[position : position + 2])
            position += 2
            continue
        found = "" if quoted else _operator_at(line, position)
        if found:
            commands.append(_command(operator, "".join(text)))
            operator, text = found, []
        else:
            text.append(character)
        position += max(len(found), 1)
    if "".join(text).strip() or operator in ("&&", "||", "|"):
        commands.append(_command(operator, "".join(text)))
    return tuple(commands)


def _operator_at(line: str, position: int) -> Operator:
    if line[position] == "&" and line[:position].rstrip().endswith(">"):
        return ""
    operators: tuple[Operator, ...] = ("&&", "||", "&", "|")
    return next((operator for operator in operators if line.startswith(operator, position)), "")


def _command(operator: Operator, text: str) -> Command:
    if not text.strip():
        raise ValueError(f"{operator or '&'} was unexpected at this time.")
    redirections: list[Redirection] = []

    def note(match: re.Match[str]) -> str:
        if match[2]:
            stream: t.Literal[1, 2] = 2 if match[1] == "2" else 1
            redirections.append(Redirection(stream, match[2] == ">>", match[3].strip('"')))
        return ""

    bare = _outside_quotes(text, note)
    return Command(operator, bare.lstrip(), tuple(redirections))


def _outside_quotes(text: str, note: t.Callable[[re.Match[str]], str]) -> str:
    """Cut redirections out of a command, but not out of quoted text."""
    pieces: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == '"':
            end = text.find('"', position + 1)
            end = len(text) if end < 0 else end + 1
            pieces.append(text[position:end])
            position = end
            continue
        if text[position] == "^":
            pieces.append(text[position + 1 : position + 2])
            position += 2
            continue
        match = _REDIRECTION.match(text, position) if _may_redirect(text, position) else None
        if match:
            note(match)
            position = match.end()
        else:
            pieces.append(text[position])
            position += 1
    return "".join(pieces)


def _may_redirect(text: str, position: int) -> bool:
    """A digit counts as a stream number only after a blank."""
    return text[position] in "<>" or (text[position] in "12" and (position == 0 or text[position - 1].isspace()))


def split_arguments(tail: str) -> tuple[str, ...]:
    """Split arguments at blanks outside of quotes, and take the quotes away."""
    return tuple(piece.replace('"', "") for piece in re.findall(r'(?:[^\s"]|"[^"]*(?:"|\Z))+', tail))
