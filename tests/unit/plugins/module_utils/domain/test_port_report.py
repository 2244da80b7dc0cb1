# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From results of `port_info` to rows: who is in trouble and why, also where half of the answer is missing."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.filter.port_report import port_report
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.drawing import Drawing, drawing
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.host import Host, host_row, percent
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.rows import State, plain
from tests.report.facts import HOSTILE, Facts, edge_server, fleet_results, socket, span
from tests.report.rendering import reduced

NOTHING: t.Final[Facts] = {"release": {"name": "Windows Server 2019"}}
WAITING: t.Final[Facts] = {
    "effective": "no",
    "resource": "reserved_ports",
    "part": "ReservedPorts",
    "waits_for": "reboot",
}
IAS: t.Final[Facts] = {"service": "IAS", "start_mode": "auto", "products": ["ias"]}
DOWN: t.Final[Facts] = {**IAS, "state": "Stopped", "exit_code": 10048}
UP: t.Final[Facts] = {**IAS, "state": "Running", "exit_code": 0}
THIEF: t.Final = socket("udp", 1812, "dns.exe", 9, ["DNS"], pool=True)
OWNER: t.Final = socket("udp", 1812, "svchost.exe", 8, ["IAS"])


def read(**facts: t.Any) -> Host:
    return host_row("server", {**NOTHING, **facts})


STATES: t.Final[list[tuple[str, Facts, State]]] = [
    ("nothing known", {}, "well"),
    ("a finding", {"findings": [{"severity": "critical"}]}, "critical"),
    ("two findings", {"findings": [{"severity": "information"}, {"severity": "warning"}]}, "warning"),
    ("a note alone", {"findings": [{"severity": "information"}]}, "well"),
    ("a service that lost its port", {"services": [DOWN]}, "critical"),
    ("and who has it", {"services": [DOWN], "sockets": [THIEF]}, "critical"),
    ("a service that runs without it", {"services": [UP], "sockets": [THIEF]}, "warning"),
    ("a rightful owner", {"services": [UP], "sockets": [OWNER]}, "well"),
    ("a risk", {"risk": {"probability": 0.01}}, "warning"),
    ("no risk", {"risk": {"probability": 0.0}}, "well"),
    ("a reboot that is due", {"configured_versus_effective": [WAITING]}, "waiting"),
    ("somebody else's value", {"configured_versus_effective": [{**WAITING, "effective": "unknown"}]}, "well"),
    ("a disabled service", {"services": [{**DOWN, "start_mode": "disabled", "exit_code": 1077}]}, "well"),
]


@pytest.mark.parametrize(("facts", "state"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_state(facts: Facts, state: State) -> None:
    host = read(**facts)
    assert host.state == state
    assert host.headline


@pytest.mark.parametrize(
    ("result", "reading", "message"),
    [
        ({}, "failed", "Nothing was read from this server."),
        ({"unreachable": True, "msg": "no connection"}, "unreachable", "no connection"),
        ({"failed": True, "msg": "Task failed: access denied"}, "failed", "access denied"),
        ({"result": None, "msg": "odd"}, "failed", "odd"),
        ({"skipped": True}, "failed", "Nothing was read from this server."),
    ],
)
def test_what_was_not_read(result: Facts, reading: str, message: str) -> None:
    host = host_row("server", result)
    assert (host.state, host.reading, host.message) == ("not_read", reading, message)


def test_a_collision_names_its_holder_and_what_keeps_the_port() -> None:
    host = read(
        services=[DOWN],
        sockets=[THIEF],
        reservations={"udp": ["1812-1813"], "tcp": []},
        dns_pool={"excluded_ports": ["1645-1646"], "range": span(1024, 65535)},
        risk={"ports": [{"protocol": "udp", "port": 1812, "service": "ias", "probability": 0.5}]},
    )
    needs = {need.first: need for need in host.needs}
    assert (needs[1812].state, needs[1812].held_by) == ("taken", ("dns.exe (process 9, service DNS)",))
    assert (needs[1812].reserved, needs[1812].left_out_of_pool, needs[1812].probability) == (True, False, 0.5)
    assert (needs[1645].state, needs[1645].left_out_of_pool) == ("free", True)
    assert host.headline == "UDP 1812 of IAS is held by dns.exe (process 9, service DNS)."
    assert host.taken == 1


def test_ports_that_only_findings_name_are_needed_too() -> None:
    finding = {
        "severity": "critical",
        "summary": "NTDS",
        "service": "NTDS",
        "ports": [{"protocol": "tcp", "port": 49200}],
    }
    host = read(findings=[finding], sockets=[socket("tcp", 49200, "other.exe", 5, [])])
    assert [(need.first, need.service, need.state) for need in host.needs] == [(49200, "NTDS", "taken")]


def test_any_port_of_a_range_is_no_collision() -> None:
    wds = {"service": "WDSServer", "state": "Running", "start_mode": "auto", "products": ["wds"], "exit_code": 0}
    host = read(services=[wds], sockets=[socket("udp", 64001, "dns.exe", 9, ["DNS"], pool=True)])
    assert [(need.first, need.last, need.any_will_do, need.state) for need in host.needs] == [
        (64001, 65000, True, "free")
    ]


def test_packed_sockets_say_the_same_as_rows() -> None:
    facts = edge_server(1, taken=True)
    whole, packed = host_row("a", facts), host_row("a", reduced(facts))
    assert plain(whole) == plain(packed)


def test_the_worst_server_comes_first() -> None:
    report = fleet(fleet_results(reduced))
    assert [host.state for host in report.hosts] == [
        *("critical", "critical", "warning", "waiting", "well", "not_read", "not_read"),
    ]
    assert report.headline == (
        "2 of 7 servers critical, 1 with a warning, 1 waiting for a restart or reboot, 1 well, 2 not read."
    )
    assert report.waits_for == {"reboot": 0, "dns_restart": 1, "boot": 0, "owner": 0}
    assert fleet({}).headline == "There are no servers in this report."


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "0 %"), (1e-9, "under 0.1 %"), (0.281932, "28.2 %"), (0.99999, "over 99.9 %"), (1, "100.0 %")],
)
def test_percent(probability: float, text: str) -> None:
    assert percent(probability) == text


JSON_VALUES: t.Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PARTS: t.Final = ("release", "sockets", "services", "ad_lds", "findings", "risk", "reservations", "dns_pool")
MORE_PARTS: t.Final = ("dynamic_ranges", "configured_versus_effective", "packed_sockets", "pool_ports", "warnings")


@given(st.dictionaries(st.sampled_from(PARTS + MORE_PARTS), JSON_VALUES))
def test_an_answer_in_another_shape_breaks_nothing(facts: Facts) -> None:
    report = port_report({"a": {"result": facts}, "b": {}}, maps=True, escaped=True)
    assert json.dumps(report)
    assert report["total"] == 2


@pytest.mark.parametrize("wrong", [None, [], "text", {"a": 1}])
def test_the_filter_refuses_what_is_no_set_of_results(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="mapping of server names"):
        port_report(wrong)


def test_nothing_from_a_server_stays_unescaped() -> None:
    report = port_report(fleet_results(reduced), maps=True, escaped=True)
    assert "<script" not in json.dumps(report)
    assert HOSTILE not in json.dumps(report, ensure_ascii=False)


def panels(drawn: Drawing) -> list[str]:
    return [panel.title for panel in drawn.panels]


def test_the_pools_range_is_enlarged() -> None:
    drawn = drawing(host_row("a", edge_server(1, taken=True)))
    assert panels(drawn) == ["Ports 1024 to 65535", "Enlarged: 49152 to 65535, where the DNS pool is drawn from"]
    assert [len(panel.collisions) for panel in drawn.panels] == [1, 1]
    assert drawn.height == drawn.panels[-1].bottom


def test_a_pool_all_over_the_map_is_not_drawn_twice() -> None:
    pool = {"range": span(1024, 65534)}
    assert panels(drawing(read(dns_pool=pool))) == ["Ports 1024 to 65535"]
    near = drawing(read(dns_pool=pool, services=[DOWN], sockets=[THIEF]))
    assert panels(near)[1:] == ["Enlarged: 1024 to 5120, where the needed ports are"]


def test_equal_ranges_of_both_protocols_are_one_strip() -> None:
    ranges = {"tcp": span(1025, 5000), "udp": span(1025, 5000)}
    lane = drawing(read(dynamic_ranges=ranges)).panels[0].lanes[-1]
    assert [said.text for said in lane.said] == ["programs 1025-5000"]
    ranges = {"tcp": span(1025, 65534), "udp": span(1025, 5000)}
    lane = drawing(read(dynamic_ranges=ranges)).panels[0].lanes[-1]
    assert [said.text for said in lane.said] == ["programs, TCP 1025-65534", "programs, UDP 1025-5000"]


def test_lanes_lie_below_each_other() -> None:
    for panel in drawing(host_row("a", edge_server(4, fixed=True))).panels:
        tops = [lane.top for lane in panel.lanes]
        bases = [lane.base for lane in panel.lanes]
        assert panel.top < tops[0]
        assert all(base < top for base, top in zip(bases, tops[1:], strict=False))
        assert bases[-1] < panel.bottom
