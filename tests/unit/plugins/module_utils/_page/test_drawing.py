# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The port map: its panels, lanes and marks, and what it says in words."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import (
    MARK,
    Drawing,
    drawing,
    page_drawings,
    panels,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import html_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host, host_row
from ansible_collections.portkeeper.windows.plugins.module_utils._page.svg import svg
from tests.report.facts import HOSTILE, Facts, edge_server, socket, span

DOWN: t.Final[Facts] = {
    "service": "IAS",
    "start_mode": "auto",
    "products": ["ias"],
    "state": "Stopped",
    "exit_code": 10048,
}
THIEF: t.Final = socket("udp", 1812, "dns.exe", 9, ["DNS"], pool=True)


def read(**facts: t.Any) -> Host:
    return host_row("server", {"release": {"name": "Windows Server 2019"}, **facts})


def drawn(host: Host, read_at: str = "") -> Drawing:
    return drawing(host, panels(host), read_at=read_at)


def titles(host: Host) -> list[str]:
    return [panel.title for panel in panels(host)]


def test_a_picture_says_whose_it_is_and_what_collides() -> None:
    head = drawn(host_row("edge1", edge_server(1, taken=True)), "2026-11-20 13:00 UTC").head
    assert [line.text for line in head[:4]] == [
        "edge1",
        "Critical, Windows Server 2022, read 2026-11-20 13:00 UTC",
        "ADAM_MSExchange is down: dns.exe (process 1084, service DNS) holds UDP 50636.",
        "\u2715 UDP 50636 of ADAM_MSExchange is used by dns.exe (process 1084, service DNS).",
    ]


def test_the_head_of_a_picture_has_bounds() -> None:
    words = "word " * 500
    finding = {"severity": "critical", "summary": words, "service": words}
    findings = [{**finding, "ports": [{"protocol": "udp", "port": port}]} for port in range(2000, 2020)]
    thieves = [socket("udp", port, words, 9, []) for port in range(2000, 2020)]
    head = drawn(read(findings=findings, sockets=thieves)).head
    assert max(len(line.text) for line in head) <= 125
    assert len(head) == 13
    assert head[-2].text == "and 14 more needed ports that others use"


def test_the_pools_range_is_enlarged() -> None:
    picture = drawn(host_row("a", edge_server(1, taken=True)))
    assert [panel.title for panel in picture.panels] == [
        "Ports 1024 to 65535",
        "Enlarged: 49152 to 65535, where the DNS pool is drawn from",
    ]
    assert [len(panel.collisions) for panel in picture.panels] == [1, 1]
    assert picture.height == sum(panel.height for panel in picture.panels)


def test_a_pool_all_over_the_map_is_not_drawn_twice() -> None:
    pool = {"range": span(1024, 65534)}
    assert titles(read(dns_pool=pool)) == ["Ports 1024 to 65535"]
    near = read(dns_pool=pool, services=[DOWN], sockets=[THIEF])
    assert titles(near)[1:] == ["Enlarged: 1024 to 5120, where the needed ports are"]


EDGE: t.Final = {"service": "ADAM_MSExchange", "start_mode": "auto", "products": ["ad_lds"], "state": "Running"}
INSTANCE: t.Final = {"instance": "MSExchange", "service": "ADAM_MSExchange", "ldap_port": 50389, "ssl_port": 50636}
POOL: t.Final = {"range": span(49152, 65535)}
FIRST: t.Final[list[tuple[str, Facts, list[tuple[int, int]]]]] = [
    ("all in the enlarged part", {"services": [EDGE]}, [(49152, 65535), (1024, 65535)]),
    ("a needed port outside", {"services": [EDGE, DOWN]}, [(1024, 65535), (49152, 65535)]),
    ("nothing is needed", {}, [(1024, 65535), (49152, 65535)]),
    ("a small pool, and needs elsewhere", {"services": [DOWN]}, [(1024, 65535), (49152, 65535)]),
    ("no pool", {"services": [DOWN], "dns_pool": None}, [(1024, 5120), (1024, 65535)]),
    ("neither", {"dns_pool": None}, [(1024, 65535)]),
]


@pytest.mark.parametrize(("facts", "ranges"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_a_page_shows_the_enlarged_part_if_that_holds_all(facts: Facts, ranges: list[tuple[int, int]]) -> None:
    instances = [INSTANCE] if EDGE in facts.get("services", []) else []
    host = read(**{"dns_pool": POOL, "ad_lds": instances, **facts})
    shown = [one.panels[0].ports for one in page_drawings(host, panels(host))]
    assert [(ports.first, ports.last) for ports in shown] == ranges


def test_equal_ranges_of_both_protocols_are_one_strip() -> None:
    ranges = {"tcp": span(1025, 5000), "udp": span(1025, 5000)}
    lane = panels(read(dynamic_ranges=ranges))[0].lanes[-1]
    assert [said.text for said in lane.said] == ["1025-5000 programs"]
    ranges = {"tcp": span(1025, 65534), "udp": span(1025, 5000)}
    lane = panels(read(dynamic_ranges=ranges))[0].lanes[-1]
    assert [said.text for said in lane.said] == ["1025-65534 programs, TCP", "1025-5000 programs, UDP"]


def test_lanes_lie_below_each_other() -> None:
    for panel in panels(host_row("a", edge_server(4, fixed=True))):
        tops = [lane.top for lane in panel.lanes]
        bases = [lane.base for lane in panel.lanes]
        assert tops[0] > 0
        assert all(base < top for base, top in zip(bases, tops[1:], strict=False))
        assert bases[-1] < panel.height
        assert [lane.name for lane in panel.lanes] == [
            *("Needed by services", "UDP used by", "TCP used by", "Reserved", "Drawn at random from"),
        ]


@pytest.mark.parametrize("count", [1, 4, 60, 80, 400])
def test_marks_do_not_overlap(count: int) -> None:
    finding = {"service": "A", "ports": [{"protocol": "udp", "port": 50000 + 3 * number} for number in range(count)]}
    for panel in panels(read(findings=[finding], dns_pool=POOL)):
        marks = sorted(mark.x for mark in panel.lanes[0].marks)
        assert marks
        assert all(second - first >= MARK - 0.2 for first, second in itertools.pairwise(marks))


def test_nothing_from_a_server_becomes_markup() -> None:
    host = host_row(HOSTILE, edge_server(1, taken=True, words=HOSTILE))
    for style in ("", "text {}"):
        text = html_text(svg(drawn(host), name=host.name, key="map", style=style))
        assert "<script" not in text
        assert "<img" not in text
        assert "\x07" not in text
