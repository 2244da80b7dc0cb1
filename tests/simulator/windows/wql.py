# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small honest evaluator of WQL: SELECT with WHERE, and the two association queries.

Anything else, or anything that it does not understand, is an error, never an empty answer.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import re
import typing as t

from tests.simulator.windows.interface import CimReference, CimValue

Properties: t.TypeAlias = t.Mapping[str, CimValue]
Condition: t.TypeAlias = t.Callable[[Properties], bool]


class WqlError(ValueError):
    """The query is not WQL, or not the part of WQL that is simulated."""


@dataclasses.dataclass(frozen=True, slots=True)
class Select:
    """``SELECT columns FROM class_name WHERE ...``; no columns stand for ``*``."""

    class_name: str
    columns: tuple[str, ...]
    names: frozenset[str]
    condition: Condition | None


@dataclasses.dataclass(frozen=True, slots=True)
class Association:
    """``ASSOCIATORS OF`` or ``REFERENCES OF`` one object; options by folded name (assocclass, role ...)."""

    kind: t.Literal["associators", "references"]
    class_name: str
    selectors: t.Mapping[str, str]
    options: t.Mapping[str, str]


_TOKEN: t.Final = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><>|!=|<=|>=|[=<>(),*])
    )""",
    re.VERBOSE,
)
_ASSOCIATION: t.Final = re.compile(
    r"\s*(associators|references)\s+of\s*\{\s*(.+?)\s*\}\s*(?:where\s+(.*))?\Z", re.IGNORECASE | re.DOTALL
)
_DMTF: t.Final = re.compile(r"(\d{14})(?:\.(\d{1,6}))?([+-]\d{3})?\Z")

Token: t.TypeAlias = tuple[str, str]


def parse(text: str) -> Select | Association:
    """Parse a query; WqlError names the mistake in it."""
    match = _ASSOCIATION.match(text)
    return _association(match) if match else _Parser(_tokens(text)).select()


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise WqlError(f"unexpected text at {text[position : position + 20]!r}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens


def unescape(literal: str) -> str:
    """Return the text of a quoted literal: a backslash takes the next character as it is."""
    return re.sub(r"\\(.)", r"\1", literal[1:-1], flags=re.DOTALL)


class _Parser:
    """Recursive descent over the tokens of one SELECT."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.names: set[str] = set()

    # -- tokens
    def peek(self) -> Token:
        return self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")

    def take(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def accept(self, word: str) -> bool:
        if self.peek()[0] in ("name", "symbol") and self.peek()[1].casefold() == word:
            self.position += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise WqlError(f"{word!r} expected, found {self.peek()[1]!r}")

    def name(self) -> str:
        kind, text = self.take()
        if kind != "name":
            raise WqlError(f"a name expected, found {text!r}")
        return text

    # -- grammar
    def select(self) -> Select:
        self.expect("select")
        columns = self.columns()
        self.expect("from")
        class_name = self.name()
        condition = self.disjunction() if self.accept("where") else None
        if self.peek()[0] != "end":
            raise WqlError(f"unexpected {self.peek()[1]!r}")
        return Select(class_name, columns, frozenset(self.names), condition)

    def columns(self) -> tuple[str, ...]:
        if self.accept("*"):
            return ()
        columns = [self.name()]
        while self.accept(","):
            columns.append(self.name())
        return tuple(columns)

    def disjunction(self) -> Condition:
        terms = [self.conjunction()]
        while self.accept("or"):
            terms.append(self.conjunction())
        return terms[0] if len(terms) == 1 else lambda row: any(term(row) for term in terms)

    def conjunction(self) -> Condition:
        terms = [self.negation()]
        while self.accept("and"):
            terms.append(self.negation())
        return terms[0] if len(terms) == 1 else lambda row: all(term(row) for term in terms)

    def negation(self) -> Condition:
        if self.accept("not"):
            inner = self.negation()
            return lambda row: not inner(row)
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            return inner
        return self.comparison()

    def comparison(self) -> Condition:
        if self.peek()[0] in ("string", "number"):
            literal = self.literal()
            operator = _MIRRORED.get(self.take()[1])
            if operator is None:
                raise WqlError("a comparison operator expected")
            return self.compared(self.column(), operator, literal)
        column = self.column()
        if self.accept("is"):
            return self.null_test(column)
        if self.accept("like"):
            return _like(column, self.literal())
        operator = self.take()[1]
        if operator not in _OPERATORS:
            raise WqlError(f"a comparison operator expected, found {operator!r}")
        return self.compared(column, operator, self.literal())

    def column(self) -> str:
        name = self.name().casefold()
        self.names.add(name)
        return name

    def null_test(self, column: str) -> Condition:
        negated = self.accept("not")
        self.expect("null")
        return lambda row: (row[column] is None) is not negated

    def literal(self) -> CimValue:
        kind, text = self.take()
        if kind == "string":
            return unescape(text)
        if kind == "number" and "." not in text:
            return int(text)
        if kind == "name" and text.casefold() in _WORDS:
            return _WORDS[text.casefold()]
        raise WqlError(f"a literal expected, found {text!r}")

    def compared(self, column: str, operator: str, literal: CimValue) -> Condition:
        if literal is None:
            if operator not in ("=", "<>", "!="):
                raise WqlError(f"{operator!r} cannot be used with NULL")
            return lambda row: (row[column] is None) is (operator == "=")
        compare = _OPERATORS[operator]

        def holds(row: Properties) -> bool:
            value = row[column]
            return value is not None and compare(*_comparable(value, literal))

        return holds


_WORDS: t.Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_OPERATORS: t.Final[dict[str, t.Callable[[t.Any, t.Any], bool]]] = {
    "=": lambda left, right: left == right,
    "<>": lambda left, right: left != right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}
_MIRRORED: t.Final = {"=": "=", "<>": "<>", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _comparable(value: CimValue, literal: CimValue) -> tuple[t.Any, t.Any]:
    """Bring a property and a literal to one kind: WMI compares by the property's type, texts without regard to case."""
    if isinstance(value, bool):
        return value, _as_boolean(literal)
    if isinstance(value, int):
        return value, _as_number(literal)
    if isinstance(value, datetime.datetime):
        return value, read_dmtf(str(literal))
    if isinstance(value, CimReference):
        return _folded_path(value.class_name, value.selectors), _read_path(str(literal))
    if isinstance(value, str) and not isinstance(literal, bool):
        return value.casefold(), str(literal).casefold()
    raise WqlError(f"{literal!r} cannot be compared with this property")


def _as_boolean(literal: CimValue) -> bool:
    if str(literal).casefold() in ("true", "1", "-1"):
        return True
    if str(literal).casefold() in ("false", "0"):
        return False
    raise WqlError(f"{literal!r} is not a truth value")


def _as_number(literal: CimValue) -> int:
    if isinstance(literal, (int, str)):
        try:
            return int(literal)
        except ValueError:
            pass
    raise WqlError(f"{literal!r} is not a number")


def read_dmtf(text: str) -> datetime.datetime:
    """Read a moment as WQL writes it: ``yyyymmddHHMMSS.ffffff+UUU``, the offset in minutes."""
    match = _DMTF.match(text)
    if match is None:
        raise WqlError(f"{text!r} is not a moment")
    try:
        moment = datetime.datetime.strptime(match[1] + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError as error:
        raise WqlError(f"{text!r} is not a moment") from error
    zone = datetime.timezone(datetime.timedelta(minutes=int(match[3] or 0)))
    return moment.replace(microsecond=int((match[2] or "0").ljust(6, "0")), tzinfo=zone)


def _like(column: str, pattern: CimValue) -> Condition:
    if not isinstance(pattern, str):
        raise WqlError("LIKE needs a text")
    expression = like_expression(pattern)

    def holds(row: Properties) -> bool:
        value = row[column]
        return isinstance(value, str) and expression.match(value) is not None

    return holds


@functools.lru_cache(maxsize=64)
def like_expression(pattern: str) -> re.Pattern[str]:
    """Translate a LIKE pattern: ``%``, ``_``, ``[a-f]``, ``[^a-f]``."""
    parts: list[str] = []
    for piece in re.findall(r"\[\^?[^\]]+\]|.", pattern, flags=re.DOTALL):
        if len(piece) > 1:
            parts.append(piece.replace("\\", "\\\\"))
        else:
            parts.append({"%": ".*", "_": "."}.get(piece, re.escape(piece)))
    return re.compile("".join(parts) + r"\Z", re.IGNORECASE | re.DOTALL)


Path: t.TypeAlias = tuple[str, frozenset[tuple[str, str]]]


def _split_path(text: str) -> tuple[str, dict[str, str]]:
    """Split an object path such as ``root\\cimv2:Win32_Service.Name="DNS"`` into class and keys."""
    path = re.match(r"(?:.*:)?(\w+)\.(.+)\Z", text, flags=re.DOTALL)
    if path is None:
        raise WqlError(f"an object path expected, found {text!r}")
    selectors = {
        name: unescape(value)
        for name, value in re.findall(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")", path[2])
    }
    if not selectors:
        raise WqlError(f"an object path with a key expected, found {text!r}")
    return path[1], selectors


def _folded_path(class_name: str, selectors: t.Mapping[str, str]) -> Path:
    return class_name.casefold(), frozenset((name.casefold(), value.casefold()) for name, value in selectors.items())


def _read_path(text: str) -> Path:
    return _folded_path(*_split_path(text))


def _association(match: re.Match[str]) -> Association:
    class_name, selectors = _split_path(match[2])
    options = {name.casefold(): value for name, value in re.findall(r"(\w+)\s*=\s*(\w+)", match[3] or "")}
    unknown = set(options) - {"assocclass", "resultclass", "role", "resultrole"}
    if unknown or (match[3] and not options):
        raise WqlError(f"unknown association options in {match[3]!r}")
    kind: t.Literal["associators", "references"] = (
        "associators" if match[1].casefold() == "associators" else "references"
    )
    return Association(kind, class_name, selectors, options)
