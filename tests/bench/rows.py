# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one task on one host, and their format in the file."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import pathlib
import typing as t

from tests.tooling.text_tables import table

Side: t.TypeAlias = t.Literal["ours", "peer"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task on one host: HTTP requests, and the bytes that the controller sent (out) and got (in), headers included.

    ``seconds`` is the time of the task on the controller; the simulated server itself takes very little of it.
    """

    task: str
    side: Side
    release: str
    requests: int
    bytes_out: int
    bytes_in: int
    seconds: float


def as_table(rows: c.Iterable[Row]) -> str:
    """The rows for a reader."""
    headings = ("task", "side", "release", "requests", "bytes out", "bytes in", "seconds")
    return table(headings, map(_cells, rows))


def _cells(row: Row) -> tuple[object, ...]:
    traffic = (row.requests, f"{row.bytes_out:,}", f"{row.bytes_in:,}", f"{row.seconds:.2f}")
    return (row.task, row.side, row.release, *traffic)


def write(rows: c.Iterable[Row], path: pathlib.Path) -> None:
    """The rows for a program: a list of objects with exactly the fields of Row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
