# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix: versions of ansible-core, Python and libraries that the collection is tried with.

tests/tooling/matrix.mk asks it, before there is an environment: only the standard library. ``python -m
tests.tooling.matrix`` says what can be asked.
"""

from __future__ import annotations

import argparse
import collections.abc as c
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import typing as t

ROOT: t.Final = pathlib.Path(__file__).parents[2]
REQUIREMENTS: t.Final = ROOT / "tests" / "requirements"
LIBRARIES: t.Final = ("pywinrm", "pypsrp", "jmespath")
"""What the collection imports at run time, beside ansible-core."""
CHOSEN_BY_CORE: t.Final = "resolvelib"
"""Each branch of ansible-core takes a range of its own."""
CORES: t.Final = ("2.17.14", "2.18.19", "2.19.14", "2.20.10", "2.21.5")
"""The supported branches of ansible-core, as they were last seen green. To renew: the newest of each on the index."""
LOWEST: t.Final = "lowest"
"""The lowest versions that the collection takes (tests/requirements/lowest.txt)."""
NEWEST: t.Final = "newest"
"""The newest of the package index on the day; never in the gate, which must not fail of a release of others."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One row, named WHAT-PYTHON.

    Attributes:
        what: a branch of ansible-core (libraries as in constraints.txt), ``lowest`` or ``newest``.
        python: a branch of Python, such as 3.11.
        seen: it has run. No machine that ran the matrix had the Python of the others.
    """

    what: str
    python: str
    seen: bool = True

    @property
    def name(self) -> str:
        """As make and the workflow call it."""
        return f"{self.what}-{self.python}"

    def version(self, package: str) -> str:
        """The version of ansible-core or of a library; ``newest`` if only the day tells."""
        if self.what == NEWEST:
            return NEWEST
        if self.what == LOWEST:
            return pins("lowest.txt")[package]
        if package == "ansible-core":
            return next(version for version in CORES if version.startswith(f"{self.what}."))
        return pins("constraints.txt")[package]

    def title(self) -> str:
        """The row in words."""
        versions = [f"{package} {self.version(package)}" for package in ("ansible-core", *LIBRARIES)]
        return f"{self.name}: {', '.join(versions)} on Python {self.python}"

    def requirements(self) -> str:
        """For pip: ansible-core and what the tests need."""
        return f"{self._exactly('ansible-core')}\n-r {REQUIREMENTS / 'matrix.txt'}\n"

    def constraints(self) -> str:
        """For pip: everything else as the gate has it, and the libraries as the row has them."""
        if self.what == NEWEST:
            return ""
        others = (*LIBRARIES, CHOSEN_BY_CORE)
        tools = {**pins("constraints.txt"), **(pins("constraints-3.10.txt") if self.python == "3.10" else {})}
        lines = [f"{name}=={version}" for name, version in tools.items() if name not in others]
        return "".join(f"{line}\n" for line in [*lines, *map(self._exactly, LIBRARIES)])

    def _exactly(self, package: str) -> str:
        version = self.version(package)
        return package if version == NEWEST else f"{package}=={version}"


ROWS: t.Final = (
    Row(LOWEST, "3.10"),
    Row(LOWEST, "3.11"),
    Row("2.17", "3.10"),
    Row("2.17", "3.12"),
    Row("2.18", "3.13"),
    Row("2.19", "3.12"),
    Row("2.20", "3.13"),
    Row("2.21", "3.13"),
    Row("2.21", "3.14", seen=False),
    Row(NEWEST, "3.13"),
    Row(NEWEST, "3.14", seen=False),
)


def pins(file: str) -> dict[str, str]:
    """The versions in a file of tests/requirements, by package."""
    text = (REQUIREMENTS / file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))


def row_of(name: str) -> Row:
    """The row of this name; also one that the matrix has not, such as 2.18-3.11."""
    what, _dash, python = name.rpartition("-")
    known = (LOWEST, NEWEST, *(core.rpartition(".")[0] for core in CORES))
    if what not in known or not re.fullmatch(r"3\.\d+", python):
        raise ValueError(f"{name}: a row is WHAT-PYTHON, such as {ROWS[0].name}; WHAT is one of {', '.join(known)}")
    return Row(what, python)


def interpreter(python: str) -> str | None:
    """A Python of this branch with venv: on the PATH, or among those of pyenv.

    A name on the PATH may be a version manager's wrapper that runs nothing: each candidate is tried.
    """
    of_pyenv = sorted(pathlib.Path.home().glob(f".pyenv/versions/{python}.*/bin/python"))
    return next(filter(None, map(_executable, (f"python{python}", *map(str, of_pyenv)))), None)


def _executable(candidate: str) -> str:
    command = [candidate, "-c", "import ensurepip, sys, venv; print(sys.executable)"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except OSError:
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


def pythons_here() -> set[str]:
    """The branches of Python in the matrix that are found here."""
    return {python for python in {row.python for row in ROWS} if interpreter(python)}


def chosen(tree: str, pythons: c.Collection[str]) -> Row | None:
    """The row that the gate takes for a commit with this tree (its hash), if these branches of Python are there."""
    rows = [row for row in ROWS if row.what != NEWEST and row.python in pythons]
    return rows[int(tree[:8], 16) % len(rows)] if rows else None


def left_out(pythons: c.Collection[str]) -> str:
    """The rows that need other branches of Python, for a sentence."""
    return ", ".join(row.name for row in ROWS if row.python not in pythons) or "none"


def tree_of_head() -> str:
    """The hash of what is committed here; the history does not count."""
    command = ["git", "rev-parse", "HEAD^{tree}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _rows_for_a_workflow() -> str:
    rows = [{"row": row.name, "core": row.version("ansible-core"), "python": row.python} for row in ROWS]
    return json.dumps({"include": rows})


def _choice() -> str:
    row = chosen(tree_of_head(), pythons_here())
    return row.name if row else ""


def _told() -> str:
    pythons = pythons_here()
    row = chosen(tree_of_head(), pythons)
    again = f" (again: make matrix-sample ROW={row.name}; all of it: make matrix-{row.name})" if row else ""
    taken = f"{row.name if row else 'none'}{again}"
    return f"the matrix's row of this commit: {taken}; left out for want of their Python: {left_out(pythons)}"


def _here() -> str:
    pythons = pythons_here()
    return " ".join(row.name for row in ROWS if row.python in pythons)


def _write(row: Row, folder: pathlib.Path) -> str:
    (folder / "requirements.txt").write_text(row.requirements(), encoding="utf-8")
    (folder / "constraints.txt").write_text(row.constraints(), encoding="utf-8")
    return row.title()


_ANSWERS: t.Final[c.Mapping[str, tuple[str, c.Callable[[], str]]]] = {
    "rows": ("the rows as JSON, for a workflow's matrix", _rows_for_a_workflow),
    "here": ("the rows whose Python is found here", _here),
    "left-out": ("the other rows", lambda: left_out(pythons_here())),
    "choice": ("the row of the commit that is checked out, among those of `here`", _choice),
    "told": ("the same in a sentence", _told),
}


def main(arguments: c.Sequence[str] | None = None) -> int:
    """Answer one question of make."""
    parser = argparse.ArgumentParser(prog="python -m tests.tooling.matrix")
    questions = parser.add_subparsers(dest="question", required=True)
    for name, (help_text, _answer) in _ANSWERS.items():
        questions.add_parser(name, help=help_text)
    questions.add_parser("interpreter", help="the program of a row's Python").add_argument("row", type=row_of)
    write = questions.add_parser("write", help="requirements.txt and constraints.txt of a row, into a folder")
    write.add_argument("row", type=row_of)
    write.add_argument("folder", type=pathlib.Path)
    asked = parser.parse_args(arguments)
    if asked.question == "interpreter":
        print(interpreter(asked.row.python) or "")
    elif asked.question == "write":
        print(_write(asked.row, asked.folder))
    else:
        print(_ANSWERS[asked.question][1]())
    return 0


if __name__ == "__main__":
    sys.exit(main())
