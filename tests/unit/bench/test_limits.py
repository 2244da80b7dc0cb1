# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's limits: each one that is missed is told, by its figure."""

from __future__ import annotations

import dataclasses
import json
import pathlib

import pytest

from tests.bench import tasks
from tests.bench.ad_hoc import AdHoc
from tests.bench.limits import REQUESTS, checks
from tests.bench.rows import Row, write

PEER = Row(
    task=tasks.PEER_RESERVED, side="peer", release="2022", requests=7, bytes_out=300_000, bytes_in=7_000, seconds=0.2
)
AT_THE_LIMIT = [
    *(
        Row(task=task, side="ours", release="2003", requests=limit, bytes_out=15_000, bytes_in=1, seconds=0.1)
        for task, limit in REQUESTS.items()
    ),
    PEER,
]
FAST = AdHoc(ours=(1.25,), debug=(1.0,))


def missed(rows: list[Row], ad_hoc: AdHoc = FAST) -> list[str]:
    """What was missed, without the figures."""
    return [text.partition(":")[0] for holds, text in checks(rows, ad_hoc) if not holds]


def test_at_the_limit_everything_holds() -> None:
    assert missed(AT_THE_LIMIT) == []


@pytest.mark.parametrize("task", REQUESTS)
def test_one_request_more_is_told(task: str) -> None:
    rows = [dataclasses.replace(row, requests=row.requests + (row.task == task)) for row in AT_THE_LIMIT]
    assert task in missed(rows)


def test_the_worst_release_counts() -> None:
    worse = Row(task=tasks.ROLE, side="ours", release="2008", requests=15, bytes_out=1, bytes_in=1, seconds=0.1)
    assert missed([*AT_THE_LIMIT, worse]) == [tasks.ROLE]


def test_too_many_bytes_of_any_registry_task_are_told() -> None:
    rows = [
        dataclasses.replace(row, bytes_out=15_001) if row.task == tasks.REGISTRY_LATER else row for row in AT_THE_LIMIT
    ]
    assert missed(rows) == [tasks.REGISTRY]


def test_a_slow_ad_hoc_call_is_told() -> None:
    assert missed(AT_THE_LIMIT, AdHoc(ours=(1.4, 1.4, 1.0), debug=(1.0, 1.0, 3.0))) == ["ad hoc call"]


def test_the_report_has_exactly_the_fields_of_a_row(tmp_path: pathlib.Path) -> None:
    write([PEER], tmp_path / "build" / "bench.json")
    (row,) = json.loads((tmp_path / "build" / "bench.json").read_text(encoding="utf-8"))
    assert list(row) == ["task", "side", "release", "requests", "bytes_out", "bytes_in", "seconds"]
    assert Row(**row) == PEER
