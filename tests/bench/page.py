# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench-page`: the tables of docs/benchmark.md and its pictures, of all that was measured.

The figures themselves come along as docs/benchmark.json, so that the page can be written again. A table stands between
``<!-- figures: NAME -->`` and ``<!-- end of figures -->``.
"""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

from tests.bench import tables
from tests.bench.store import MEASURED, Measured, read
from tests.tooling.sources import ROOT

PAGE: t.Final = ROOT / "docs" / "benchmark.md"
FIGURES: t.Final = PAGE.with_suffix(".json")
DRAWING: t.Final = pathlib.Path(__file__).with_name("drawing.py")
NOTHING: t.Final = "Not measured yet.\n"
_PLACE: t.Final = re.compile(
    r"(?P<begin><!-- figures: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(?P<end><!-- end of figures -->)", re.DOTALL
)


def filled(text: str, measured: Measured) -> str:
    """The page with these figures; raises KeyError for a table that is not known."""
    parts = {name: _table(rows) for name, (_title, rows) in tables.all_tables(measured).items()}
    parts["setting"] = tables.setting_line(measured) + "\n"
    return _PLACE.sub(lambda place: f"{place['begin']}\n{parts[place['name']]}\n{place['end']}", text)


def _table(rows: tables.Rows) -> str:
    return tables.markdown(rows) if len(rows) > 1 else NOTHING


def names(text: str) -> list[str]:
    """The tables of a page."""
    return [place["name"] for place in _PLACE.finditer(text)]


def main(python: str) -> None:
    """Write everything. ``python`` runs with the packages of tests/requirements/bench.txt."""
    if not MEASURED.exists():
        sys.exit("Nothing is measured yet: run `make bench` and `make bench-fleet` first.")
    shutil.copyfile(MEASURED, FIGURES)
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), read(FIGURES)), encoding="utf-8")
    subprocess.run((python, str(DRAWING), str(FIGURES), str(PAGE.parent)), check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
