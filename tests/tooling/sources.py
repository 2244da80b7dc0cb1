# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's Python files as syntax trees: their imports, calls and functions. For the tests of the walls."""

from __future__ import annotations

import ast
import dataclasses
import pathlib
import typing as t

ROOT: t.Final = pathlib.Path(__file__).parents[2]

Function: t.TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclasses.dataclass(frozen=True)
class Import:
    """One imported name, its place, and whether its absence would be noticed there.

    Attributes:
        module: the dotted name; `from a import b` gives a.b, since b may be a module.
        level: the number of dots before it.
        sheltered: it stands in a function, below TYPE_CHECKING, or in a `try` that catches ImportError.
    """

    place: str
    module: str
    level: int
    sheltered: bool

    @property
    def package(self) -> str:
        """The first part of its name."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.place} imports {'.' * self.level}{self.module}"


@dataclasses.dataclass(frozen=True)
class Source:
    """One Python file; the path is relative to the checkout's root."""

    path: pathlib.Path

    @property
    def text(self) -> str:
        """The file's text."""
        return (ROOT / self.path).read_text(encoding="utf-8")

    @property
    def tree(self) -> ast.Module:
        """The file's syntax tree."""
        return ast.parse(self.text, filename=str(self.path))

    def __str__(self) -> str:
        return self.path.as_posix()

    def imports(self) -> list[Import]:
        """All imports except those of __future__."""
        return [item for item in self._imports_below(self.tree, sheltered=False) if item.package != "__future__"]

    def functions(self) -> list[Function]:
        """All functions and methods."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    def calls(self) -> list[tuple[str, int]]:
        """The calls, each by the last part of its name, with the line."""
        return [(last_name(node.func), node.lineno) for node in ast.walk(self.tree) if isinstance(node, ast.Call)]

    def _imports_below(self, node: ast.AST, *, sheltered: bool) -> t.Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.Import, ast.ImportFrom)):
                for module, level in _modules_of(child):
                    yield Import(f"{self}:{child.lineno}", module, level, sheltered)
            yield from self._imports_below(child, sheltered=sheltered or _shelters(child))


def sources(*folders: str, name: str = "*.py") -> list[Source]:
    """All Python files below the folders that are called so."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob(name))
    return [Source(path.relative_to(ROOT)) for path in sorted(paths)]


def last_name(node: ast.expr) -> str:
    """The part behind the last dot."""
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)


def body_length(function: Function) -> int:
    """Lines of a function without its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def _modules_of(node: ast.Import | ast.ImportFrom) -> list[tuple[str, int]]:
    if isinstance(node, ast.Import):
        return [(alias.name, 0) for alias in node.names]
    return [(".".join(filter(None, (node.module, alias.name))), node.level) for alias in node.names]


def _shelters(node: ast.AST) -> bool:
    if isinstance(node, ast.Try):
        return any("ImportError" in ast.unparse(handler.type) for handler in node.handlers if handler.type)
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return isinstance(node, Function)
