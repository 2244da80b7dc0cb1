# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All documentation that repeats what the code knows: ``make documentation`` writes it anew.

It stands in tables of docs/, in parts of the modules' and roles' YAML, in the entries of RETURN that modules share, and
in the schema of a report.
``--check`` writes nothing and names what is out of date, as ``FILE: NAME`` (exit code 1).
"""

from __future__ import annotations

import argparse
import pathlib
import sys
import typing as t

from tests.tooling import documentation_parts, documentation_returns, documentation_tables, report_schema
from tests.tooling.documentation_text import Place, filled
from tests.tooling.sources import ROOT

COMMAND: t.Final = "make documentation"
FILES: t.Final = (
    *("docs/*.md", "plugins/doc_fragments/*.py", "plugins/modules/*.py", "roles/*/*/*.yml"),
    "roles/port_report/files/report.schema.json",
)


def files() -> list[pathlib.Path]:
    """The files that may hold something that is written here."""
    return sorted(path for pattern in FILES for path in ROOT.glob(pattern))


def pages() -> list[pathlib.Path]:
    """The pages of docs/."""
    return sorted((ROOT / "docs").glob("*.md"))


def places(file: pathlib.Path, text: str) -> list[Place]:
    """What is written in a file; raises KeyError and Unwritable."""
    if file.suffix == ".json":
        return [Place("report-schema", 0, len(text), report_schema.text())]
    if file.suffix == ".md":
        return documentation_tables.places(text)
    return [*documentation_parts.places(text), *documentation_returns.places(name_of(file), text)]


def name_of(file: pathlib.Path) -> str:
    """The file's path in the collection."""
    return file.relative_to(ROOT).as_posix()


def renew(file: pathlib.Path, *, check: bool) -> list[str]:
    """Write a file's places, or with ``check`` only look; the names of those that were out of date."""
    text = file.read_text(encoding="utf-8")
    found = places(file, text)
    stale = [place.name for place in found if place.differs(text)]
    if stale and not check:
        file.write_text(filled(text, found), encoding="utf-8")
    return stale


def outdated() -> list[str]:
    """What is out of date, as ``FILE: NAME``."""
    return [f"{name_of(file)}: {name}" for file in files() for name in renew(file, check=True)]


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Write everything, or with ``--check`` only look."""
    parser = argparse.ArgumentParser(prog="python -m tests.tooling.documentation")
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 if something is out of date")
    check = parser.parse_args(arguments).check
    stale = [(file, name) for file in files() for name in renew(file, check=check)]
    for file, name in stale:
        print(f"{name_of(file)}: {name} {'is out of date' if check else 'written'}")
    if check and stale:
        print(f"{COMMAND} writes all of this anew")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
