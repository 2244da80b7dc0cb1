# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of the figures, each with the measured value: requests, bytes, and ratios within one run.

No limit is on seconds, which are those of a machine. Requests have no room at all; bytes have what the texts of another
port and another address take; ratios have what a busy machine adds.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from tests.bench import budgets, tasks
from tests.bench.ad_hoc import AdHoc
from tests.bench.cells import Cell, Figures
from tests.bench.information import ReportRow
from tests.bench.kinds import EDGE
from tests.bench.roles import RoleRow
from tests.bench.rows import Row
from tests.bench.sides import Side

REQUESTS: t.Final[t.Mapping[str, int]] = {
    tasks.REGISTRY_UNCHANGED: budgets.REGISTRY_UNCHANGED,
    tasks.REGISTRY_FIRST: budgets.REGISTRY_FIRST,
    tasks.REGISTRY_FIRST_ABSENT: budgets.REGISTRY_FIRST_ABSENT,
    tasks.REGISTRY_LATER: budgets.REGISTRY_LATER,
    tasks.NETSH_UNCHANGED: budgets.NETSH_UNCHANGED,
    tasks.NETSH_FIRST: budgets.NETSH_FIRST,
    tasks.POOL: budgets.POOL_FIRST,
}
"""Requests per host with Basic authentication, by task."""

SMALLER_THAN_PEER: t.Final = 15
"""Each registry task sends at most this part of what win_regedit sends, also the questions of budgets.SIDE_BY_SIDE."""
ROLE_BYTES_OUT: t.Final[t.Mapping[str, int]] = {
    EDGE: 21_700,
    "sbs2003": 16_300,
    "dc_ias": 21_700,
    "exchange_rpc_ports": 22_100,
    "known_services": 17_800,
}
"""Bytes that a whole role sends with Basic authentication to a host that is converged."""
ROLE_TO_PEER: t.Final[t.Mapping[Side, float]] = {"as_written": 0.30, "hand_tuned": 0.50, "one_script": 1.60}
"""Processor time of the controller, ours to the peer's, in cells of one run."""
AD_HOC_TO_DEBUG: t.Final = 1.25
"""Processor time of an ad hoc call, ours to debug's."""
REPORT_GROWTH: t.Final = 8.0
"""Processor time of the report, 1,000 servers to 100."""
REPORT_TO_READING: t.Final = 2.2
"""Processor time of the report about 1,000 servers, to that of `ansible-inventory`, which reads the same results."""

Check: t.TypeAlias = tuple[bool, str]
"""Whether it holds, and the limit with the measured figure."""


def checks(rows: c.Sequence[Row], roles: c.Sequence[RoleRow], cells: c.Sequence[Figures], calls: AdHoc) -> list[Check]:
    """Every limit of `make bench`."""
    return [*_requests(rows), *_against_peer(rows), *_roles(roles), *_processor(cells), _ad_hoc(calls)]


def _requests(rows: c.Sequence[Row]) -> c.Iterator[Check]:
    for task, limit in REQUESTS.items():
        (row,) = _by_task(rows, task)
        yield row.requests <= limit, f"{task}: {row.requests} requests, at most {limit}"


def _against_peer(rows: c.Sequence[Row]) -> c.Iterator[Check]:
    (first,), (peer,) = _by_task(rows, tasks.REGISTRY_FIRST), _by_task(rows, tasks.PEER_RESERVED)
    most = max((row for row in rows if row.task.startswith(tasks.REGISTRY)), key=lambda row: row.bytes_out)
    share = peer.bytes_out / most.bytes_out
    sent = f"at most {most.bytes_out:,} bytes sent, 1/{share:.1f} of win_regedit's {peer.bytes_out:,}"
    yield share >= SMALLER_THAN_PEER, f"{tasks.REGISTRY}: {sent}, at most 1/{SMALLER_THAN_PEER}"
    # win_regedit does not look whether another controller writes the same value.
    most_asked = peer.requests + budgets.SIDE_BY_SIDE
    asked = f"{first.requests} requests, win_regedit {peer.requests}, at most {budgets.SIDE_BY_SIDE} more"
    yield first.requests <= most_asked, f"{tasks.REGISTRY_FIRST}: {asked}"


def _roles(rows: c.Sequence[RoleRow]) -> c.Iterator[Check]:
    for row in rows:
        if row.side == "ours":
            limit = budgets.ROLES_CONVERGED[row.role, row.release] + budgets.HANDSHAKE[row.transport]
            name = f"role {row.role} on {row.release}, {row.transport}"
            yield row.traffic.requests <= limit, f"{name}: {row.traffic.requests} requests, at most {limit}"
    connections = max(row.traffic.connections for row in rows if row.side == "ours")
    yield connections <= 1, f"roles, connections: {connections} for one run, at most 1"
    for role, most in ROLE_BYTES_OUT.items():
        sent = max(row.traffic.bytes_out for row in rows if _is_ours(row, role))
        yield sent <= most, f"role {role}, bytes: {sent:,} sent, at most {most:,}"


def _is_ours(row: RoleRow, role: str) -> bool:
    return (row.role, row.side, row.transport) == (role, "ours", "basic")


def _processor(cells: c.Sequence[Figures]) -> c.Iterator[Check]:
    """Ours to each peer, in cells that differ in nothing else."""
    for ours in (figures for figures in cells if figures.cell.side == "ours"):
        for peer in cells:
            if peer.cell.side in ROLE_TO_PEER and peer.cell == _as(ours, peer.cell.side):
                limit = ROLE_TO_PEER[peer.cell.side]
                ratio = ours.taken.processor / peer.taken.processor
                name = f"role {ours.cell.role}, {ours.cell.hosts} hosts, processor time to {peer.cell.side}"
                yield ratio <= limit, f"{name}: {ratio:.2f}, at most {limit:.2f}"


def _as(figures: Figures, side: Side) -> Cell:
    return dataclasses.replace(figures.cell, side=side)


def _ad_hoc(calls: AdHoc) -> Check:
    return (
        calls.ratio <= AD_HOC_TO_DEBUG,
        f"ad hoc call, processor time to debug: {calls.ratio:.2f}, at most {AD_HOC_TO_DEBUG:.2f}",
    )


def fleet_checks(reports: c.Sequence[ReportRow]) -> list[Check]:
    """Every limit of `make bench-fleet` whose figures are there."""
    seconds = {row.servers: row.taken.processor for row in reports}
    if not {100, 1000} <= set(seconds):
        return []
    ratio = seconds[1000] / seconds[100]
    text = f"report, processor time of 1,000 servers to 100: {ratio:.1f}, at most {REPORT_GROWTH:.1f}"
    return [(ratio <= REPORT_GROWTH, text), *(_writing(row) for row in reports if row.servers == 1000)]


def _writing(row: ReportRow) -> Check:
    ratio = row.taken.processor / row.reading
    text = f"report, 1,000 servers, processor time to that of reading its results: {ratio:.2f}"
    return ratio <= REPORT_TO_READING, f"{text}, at most {REPORT_TO_READING:.2f}"


def _by_task(rows: c.Sequence[Row], task: str) -> list[Row]:
    return [row for row in rows if row.task == task]
