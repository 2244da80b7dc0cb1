# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Binding: the documented tables, pools, reservations."""

from __future__ import annotations

import random
import typing as t

import pytest

from tests.simulator.windows.assumptions import Assumptions, assumption_rows, assumptions_from
from tests.simulator.windows.dns import draw_ports, pool_exclusions, pool_range, pool_size
from tests.simulator.windows.exclusions import Block, ExclusionStore
from tests.simulator.windows.portranges import read_range, without_touching
from tests.simulator.windows.registry import Registry, ValueType
from tests.simulator.windows.releases import RELEASES
from tests.simulator.windows.sockets import Socket, SocketPool, SocketTable, bind_result

SYSTEM, NETWORK = "LocalSystem", "NT AUTHORITY\\NetworkService"

# holder, on the wildcard, newcomer, on the wildcard, same account -> result
BINDS: t.Final = [
    ("default", True, "default", True, True, 10048),
    ("default", True, "default", False, True, 0),
    ("default", True, "reuse", True, True, 10013),
    ("default", True, "default", True, False, 10048),
    ("default", True, "default", False, False, 10013),
    ("default", True, "reuse", True, False, 10013),
    ("default", False, "default", True, True, 0),
    ("default", False, "exclusive", True, True, 10048),
    ("reuse", True, "reuse", True, True, 0),
    ("reuse", True, "reuse", True, False, 0),
    ("reuse", True, "default", False, False, 10013),
    ("exclusive", True, "default", True, True, 10048),
    ("exclusive", True, "default", False, True, 10013),
    ("exclusive", True, "reuse", True, True, 10013),
    ("exclusive", True, "reuse", True, False, 10013),
    ("exclusive", True, "exclusive", True, False, 10048),
    ("exclusive", False, "default", True, True, 0),
    ("exclusive", False, "reuse", False, False, 10013),
]


@pytest.mark.parametrize("row", BINDS, ids=str)
def test_bind_result(row: tuple[t.Any, bool, t.Any, bool, bool, int]) -> None:
    holder, holder_wildcard, newcomer, newcomer_wildcard, same_account, expected = row
    result = bind_result(
        holder=holder,
        holder_wildcard=holder_wildcard,
        newcomer=newcomer,
        newcomer_wildcard=newcomer_wildcard,
        same_account=same_account,
    )
    assert result == expected


def test_protocols_families_and_addresses_are_apart() -> None:
    table = SocketTable()
    table.add(Socket("tcp", 4, 53, 8, SYSTEM, address="10.0.0.1", state="listen"))
    assert table.conflict(Socket("tcp", 4, 53, 12, SYSTEM, address="10.0.0.1")) == 10048
    assert table.conflict(Socket("tcp", 4, 53, 12, SYSTEM, address="10.0.0.2")) == 0
    assert table.conflict(Socket("udp", 4, 53, 12, SYSTEM, address="10.0.0.1")) == 0
    assert table.conflict(Socket("tcp", 6, 53, 12, SYSTEM, address="::")) == 0


def test_a_pool_behaves_like_its_sockets() -> None:
    table = SocketTable()
    table.add_pool(SocketPool(frozenset({50000, 50001}), (4, 6), 8, SYSTEM, "DNS", "exclusive", 1.0))
    assert table.count() == 4
    assert [socket.port for socket in table.all("udp", 6)] == [50000, 50001]
    assert table.is_used("udp", 50001)
    assert not table.is_used("tcp", 50001)
    newcomer = Socket("udp", 4, 50000, 12, NETWORK, option="reuse", address="0.0.0.0")
    assert table.conflict(newcomer) == 10013
    table.close(service="DNS")
    assert table.count() == 0
    assert table.conflict(newcomer) == 0


RANGES: t.Final = [
    ("4000-4000", (4000, 4000)),
    (" 4000 - 5000 ", (4000, 5000)),
    ("51820", (51820, 51820)),
    ("5-3", None),
    ("65536", None),
    ("abc", None),
    ("", None),
    ("-5", None),
]


@pytest.mark.parametrize(("text", "expected"), RANGES)
def test_read_range(text: str, expected: tuple[int, int] | None) -> None:
    assert read_range(text) == expected


def test_touching_entries_are_left_out() -> None:
    assert without_touching([(1645, 1645), (1646, 1646), (1812, 1813), (4500, 4500)]) == ((1812, 1813), (4500, 4500))


@pytest.mark.parametrize(("first", "last"), [(49152, 65535), (1024, 60000), (1024, 1100)])
def test_draws_are_distinct_inside_and_never_taken(first: int, last: int) -> None:
    taken = {first, first + 7, last, 99}
    drawn = draw_ports(random.Random(3), count=60, port_range=(first, last), taken=taken)
    assert len(drawn) == 60
    assert all(first <= port <= last for port in drawn)
    assert not drawn & taken


def test_a_draw_takes_all_when_there_are_not_enough() -> None:
    assert draw_ports(random.Random(3), count=10, port_range=(1024, 1030), taken={1025}) == frozenset(
        {1024, 1026, 1027, 1028, 1029, 1030}
    )


def test_every_port_is_as_likely_as_any_other() -> None:
    rng = random.Random(11)
    counts = dict.fromkeys(range(1024, 1124), 0)
    for _index in range(4000):
        for port in draw_ports(rng, count=20, port_range=(1024, 1123), taken=frozenset()):
            counts[port] += 1
    assert all(abs(count - 800) < 5 * 25.3 for count in counts.values())


def _registry(**values: int) -> Registry:
    registry = Registry()
    for name, value in values.items():
        path = "SYSTEM\\CurrentControlSet\\Services\\" + ("DNS" if name.startswith("Socket") else "Tcpip")
        registry.set(path + "\\Parameters", name, ValueType.DWORD, value)
    return registry


POOL_RANGES: t.Final = [
    ("2003", None, {}, (49152, 65535)),
    ("2003", 60000, {}, (1024, 60000)),
    ("2003", 65536, {}, (1024, 65535)),
    ("2008", None, {}, (50000, 51000)),
    ("2008", 5000, {}, (50000, 55000)),
    ("2022", 60000, {}, (50000, 65535)),
    ("2022", 60000, {"pool_range_rule": "from_1024"}, (1024, 60000)),
    ("2022", None, {"pool_default_from_dynamic_range": False}, (49152, 65535)),
]


@pytest.mark.parametrize(("release", "maximum", "assumed", "expected"), POOL_RANGES)
def test_pool_range(release: str, maximum: int | None, assumed: dict[str, t.Any], expected: tuple[int, int]) -> None:
    registry = _registry(**({} if maximum is None else {"MaxUserPort": maximum}))
    found = pool_range(registry, RELEASES[release], assumptions_from(assumed), dynamic_udp=(50000, 51000))
    assert found == expected


def test_pool_size_and_exclusions() -> None:
    registry = Registry()
    path = "SYSTEM\\CurrentControlSet\\Services\\DNS\\Parameters"
    assert pool_size(registry) == 2500
    registry.set(path, "SocketPoolSize", ValueType.DWORD, 20000)
    assert pool_size(registry) == 10000
    registry.set(path, "SocketPoolExcludedPortRanges", ValueType.MULTI_SZ, ("50389-50390", "rubbish", "50636"))
    assert pool_exclusions(registry, RELEASES["2008r2"]) == {50389, 50390, 50636}
    assert pool_exclusions(registry, RELEASES["2008"]) == frozenset()


def test_exclusions_refuse_overlaps_ports_in_use_and_nonsense() -> None:
    store = ExclusionStore()
    assert store.add("udp", Block(50000, 50009), is_used=lambda _port: False) == 0
    assert store.add("udp", Block(50009, 50010), is_used=lambda _port: False) == 32
    assert store.add("tcp", Block(50009, 50010), is_used=lambda _port: False) == 0
    assert store.add("udp", Block(50020, 50029), is_used=lambda port: port == 50025) == 32
    assert store.add("udp", Block(0, 5), is_used=lambda _port: False) == 87
    assert store.add("udp", Block(65000, 65536), is_used=lambda _port: False) == 87
    assert store.delete("udp", (50000, 50008)) == 1168
    assert store.delete("udp", (50000, 50009)) == 0
    assert store.blocks("udp") == []


def test_runtime_blocks_come_anew_at_each_boot_and_cannot_be_deleted() -> None:
    store = ExclusionStore()
    store.add("tcp", Block(50000, 50009), is_used=lambda _port: False)
    store.add("tcp", Block(51000, 51009, persistent=False), is_used=lambda _port: False)
    booted = store.at_boot([("tcp", (52000, 52099))])
    assert [(block.first, block.administered) for block in booted.blocks("tcp")] == [(50000, True), (52000, False)]
    assert booted.delete("tcp", (52000, 52099)) == 5


def test_assumptions_are_documented_and_checked() -> None:
    rows = assumption_rows(Assumptions())
    assert all(row["tag"] in "DCTK" and row["source"] and row["effect"] for row in rows)
    with pytest.raises(ValueError, match="unknown assumption 'nonsense'"):
        assumptions_from({"nonsense": True})
    with pytest.raises(ValueError, match="must be of type bool"):
        assumptions_from({"ad_lds_binds_udp": 1})
    with pytest.raises(ValueError, match="must be one of"):
        assumptions_from({"pool_range_rule": "whatever"})
