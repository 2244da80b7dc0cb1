# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets by process: nothing is lost but addresses."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import ProcessRow, SocketRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.socket_groups import by_process
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain, rows_from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import parse_ports
from tests.report.facts import Facts, socket


def typed(rows: list[Facts]) -> tuple[SocketRow, ...]:
    return rows_from_plain(SocketRow, rows)


def test_neighbours_are_merged_and_addresses_count_once() -> None:
    rows = [socket("udp", port, "dns.exe", 9, ["DNS"], pool=True) for port in (5, 4, 5, 80)]
    rows[2]["address"] = "::"
    (row,) = by_process(typed(rows))
    assert (row.ports, row.count) == ("4-5, 80", 3)
    assert list(as_plain(row)) == [
        *("protocol", "process_id", "image", "services", "outgoing", "far_ends", "pool", "ports", "count"),
    ]


def test_what_differs_stays_apart() -> None:
    pool, other = (socket("udp", port, "dns.exe", 9, ["DNS"], pool=port > 53) for port in (2000, 53))
    listening, outgoing = ({**socket("tcp", 80, "a.exe", 7, []), "outgoing": value} for value in (False, True))
    assert [row.count for row in by_process(typed([pool, other, listening, outgoing]))] == [1, 1, 1, 1]


SOCKETS: t.Final = st.builds(
    socket,
    st.sampled_from(["tcp", "udp"]),
    st.integers(0, 65535),
    st.sampled_from(["a.exe", "b.exe"]),
    st.integers(0, 2),
    st.lists(st.sampled_from(["A", "B"]), max_size=2),
)


@given(st.lists(SOCKETS))
def test_every_port_is_there_again(rows: list[Facts]) -> None:
    def key(row: SocketRow | ProcessRow) -> tuple[t.Any, ...]:
        return row.protocol, row.image, row.process_id, row.services

    told = {(key(row), port) for row in by_process(typed(rows)) for port in parse_ports(row.ports.split(", "))}
    assert told == {(key(row), row.port) for row in typed(rows)}
