# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of the figures, each with the measured value."""

from __future__ import annotations

import collections.abc as c
import typing as t

from tests.bench import tasks
from tests.bench.ad_hoc import AdHoc
from tests.bench.rows import Row

REQUESTS: t.Final[t.Mapping[str, int]] = {
    tasks.REGISTRY_UNCHANGED: 3,
    tasks.REGISTRY_FIRST: 7,
    # The absence of a value is confirmed before the value is written, since one error code stands for too much.
    tasks.REGISTRY_FIRST_ABSENT: 8,
    tasks.REGISTRY_LATER: 6,
    tasks.NETSH_UNCHANGED: 7,
    tasks.NETSH_CHANGE: 14,
    tasks.ROLE: 14,
}
"""Requests per host with Basic authentication, by task."""

SMALLER_THAN_PEER: t.Final = 20
AD_HOC_SECONDS: t.Final = 0.3

Check: t.TypeAlias = tuple[bool, str]
"""Whether it holds, and the limit with the measured figure."""


def checks(rows: c.Sequence[Row], ad_hoc: AdHoc) -> list[Check]:
    """Every limit."""
    return [*_requests(rows), *_against_peer(rows), _ad_hoc(ad_hoc)]


def _requests(rows: c.Sequence[Row]) -> c.Iterator[Check]:
    for task, limit in REQUESTS.items():
        most = max(_by_task(rows, task), key=lambda row: row.requests)
        where = f" (most of all releases: {most.release})" if len(_by_task(rows, task)) > 1 else ""
        yield most.requests <= limit, f"{task}: {most.requests} requests, at most {limit}{where}"


def _against_peer(rows: c.Sequence[Row]) -> c.Iterator[Check]:
    (first,), (peer,) = _by_task(rows, tasks.REGISTRY_FIRST), _by_task(rows, tasks.PEER_RESERVED)
    most = max((row for row in rows if row.task.startswith(tasks.REGISTRY)), key=lambda row: row.bytes_out)
    share = peer.bytes_out / most.bytes_out
    sent = f"at most {most.bytes_out:,} bytes sent, 1/{share:.1f} of win_regedit's {peer.bytes_out:,}"
    yield share >= SMALLER_THAN_PEER, f"{tasks.REGISTRY}: {sent}, at most 1/{SMALLER_THAN_PEER}"
    asked = f"{first.requests} requests, win_regedit {peer.requests}, at most as many"
    yield first.requests <= peer.requests, f"{tasks.REGISTRY_FIRST}: {asked}"


def _ad_hoc(ad_hoc: AdHoc) -> Check:
    return (
        ad_hoc.difference <= AD_HOC_SECONDS,
        f"ad hoc call: {ad_hoc.difference:+.2f} s against debug, at most {AD_HOC_SECONDS:+.2f} s",
    )


def _by_task(rows: c.Sequence[Row], task: str) -> list[Row]:
    return [row for row in rows if row.task == task]
