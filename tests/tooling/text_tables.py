# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables of plain text for the output of demo and bench."""

from __future__ import annotations

import collections.abc as c
import itertools
import typing as t

INDENT: t.Final = "  "
GAP: t.Final = "  "


def table(headings: c.Sequence[str], rows: c.Iterable[c.Sequence[object]]) -> str:
    """Rows under headings; columns that hold only numbers (also ``1,000``, ``28.2 %``) stand right."""
    texts = [[str(cell) for cell in row] for row in rows]
    columns = list(zip(headings, *texts, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    right = [bool(column[1:]) and all(map(_is_number, column[1:])) for column in columns]
    ruler = ["-" * width for width in widths]
    return "\n".join(_line(cells, widths, right) for cells in itertools.chain([headings, ruler], texts))


def _line(cells: c.Sequence[str], widths: c.Sequence[int], right: c.Sequence[bool]) -> str:
    placed = [
        cell.rjust(width) if is_right else cell.ljust(width)
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    ]
    return (INDENT + GAP.join(placed)).rstrip()


def _is_number(cell: str) -> bool:
    digits = cell.strip("-+% ").replace(",", "").replace(".", "", 1)
    return cell in ("", "-") or digits.isdigit()


def heading(text: str) -> str:
    """A heading with a line under it, and an empty line before."""
    return f"\n{text}\n{'=' * len(text)}"


def verdicts(checks: c.Iterable[tuple[bool, str]]) -> str:
    """One line per check: its description, and whether it held."""
    return "\n".join(f"{INDENT}{'ok    ' if holds else 'NOT ok'}  {text}" for holds, text in checks)
