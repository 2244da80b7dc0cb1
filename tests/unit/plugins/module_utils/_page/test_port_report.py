# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From results of `port_info` to rows: who is in trouble and why, also where half of the answer is missing."""

from __future__ import annotations

import dataclasses
import json
import typing as t
import xml.etree.ElementTree as ET

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.filter.port_report import port_report
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED, WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import State, percent
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import checked
from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import panels
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host, host_row
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import finding_columns, plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.shown import shown
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_junit import junit_text
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_metrics import metrics_text
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import fixes_of
from tests.report.facts import DELAYED_START, Facts, edge_server, fleet_results, socket, span
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


def worst_check(host: Host) -> State:
    """The worst state that a failed check of this server causes."""
    (server,) = checked(dataclasses.replace(fleet({}), hosts=(host,)), fixes_of(None), risk_limit=0.0)
    return server.failed(verdict.STATES) or "well"


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
    ("a reboot that comes by itself", {"configured_versus_effective": [DELAYED_START]}, "well"),
    ("one of each", {"configured_versus_effective": [DELAYED_START, WAITING]}, "waiting"),
    ("findings that could not be read", {"findings": None}, "not_read"),
    (
        "a part of them",
        {"unread": [{"reading": "the drivers", "lost": ["findings (network_retransmits)"]}]},
        "not_read",
    ),
    (
        "a reboot that is due, and unread findings",
        {"findings": None, "configured_versus_effective": [WAITING]},
        "waiting",
    ),
    ("somebody else's value", {"configured_versus_effective": [{**WAITING, "effective": "unknown"}]}, "well"),
    ("a disabled service", {"services": [{**DOWN, "start_mode": "disabled", "exit_code": 1077}]}, "well"),
]


def test_what_answered_and_what_did_not() -> None:
    lost = {"reading": "the drivers", "lost": ["findings (network_retransmits)"]}
    host = read(findings=[], services=None, unread=[lost])
    assert (host.answered, host.unknown) == (("release", "findings"), ("services", "findings (network_retransmits)"))
    assert host_row("server", {}).answered == ()


def connected(port: int, image: str, services: list[str]) -> Facts:
    row = socket("tcp", port, image, 7, services)
    return {**row, "outgoing": True, "far_ends": ["192.0.2.99:389"]}


ROUTER: t.Final[Facts] = {"service": "BlackBerry Router", "start_mode": "auto", "products": ["blackberry_router"]}


def test_a_needed_port_in_an_outgoing_connection_is_taken() -> None:
    host = read(services=[{**ROUTER, "state": "Running"}], sockets=[connected(3101, "java.exe", [])])
    holder = "an outgoing connection of java.exe (process 7) to 192.0.2.99:389"
    assert [(need.state, need.held_by) for need in host.needs] == [("taken", (holder,))]
    assert [(row.text, row.outgoing) for row in host.holders] == [(holder, True)]
    (lane,) = [lane for lane in panels(host)[0].lanes if lane.name == "TCP used by"]
    assert [said.text for said in lane.said[:2]] == ["listeners 0", "outgoing connections 1"]


def test_a_services_own_connection_neither_takes_nor_holds_its_port() -> None:
    own = connected(3101, "BlackBerryRouter.exe", ["BlackBerry Router"])
    host = read(services=[{**ROUTER, "state": "Running"}], sockets=[own])
    assert [need.state for need in host.needs] == ["free"]


@pytest.mark.parametrize(("facts", "state"), [row[1:] for row in STATES], ids=[row[0] for row in STATES])
def test_state(facts: Facts, state: State) -> None:
    host = read(**facts)
    assert host.state == state
    assert host.headline
    assert worst_check(host) == state


NEVER: t.Final[Facts] = {
    "resource": "reserved_ports",
    "part": "ReservedPorts",
    "effective": "no",
    "waits_for": None,
    "reason": "Windows Server 2008 ignores it.",
}
STOP_OWNER: t.Final[Facts] = {**WAITING, "part": "netsh", "waits_for": "owner"}
UNTIL_THEN: t.Final = "until then this is configured, but not in force:"
RESERVED_PORTS: t.Final = "reserved ports (ReservedPorts)"
DUE: t.Final[list[tuple[str, list[Facts], str, tuple[str, ...], tuple[str, ...]]]] = [
    (
        "somebody must reboot",
        [WAITING],
        f"Reboot the server: {UNTIL_THEN} {RESERVED_PORTS}.",
        ("reboot",),
        (),
    ),
    (
        "the next boot does it",
        [DELAYED_START],
        "Nothing to do; the next boot by itself puts in force: start mode (DNS).",
        (),
        ("start mode (DNS)",),
    ),
    (
        "several things to do, the dearest first, and one that comes with them",
        [STOP_OWNER, DELAYED_START, WAITING],
        f"Reboot the server and stop the ports' owner: {UNTIL_THEN} reserved ports (netsh) and {RESERVED_PORTS}.",
        ("reboot", "owner"),
        ("start mode (DNS)",),
    ),
    (
        "it waits for nothing",
        [NEVER],
        "Configured, but not in force: reserved ports (ReservedPorts). Windows Server 2008 ignores it.",
        (),
        (),
    ),
    ("nobody knows", [{**WAITING, "effective": "unknown"}], "Nothing to do.", (), ()),
]


@pytest.mark.parametrize(
    ("rows", "headline", "waits_for", "by_itself"), [row[1:] for row in DUE], ids=[row[0] for row in DUE]
)
def test_what_somebody_must_do_and_what_comes_by_itself(
    rows: list[Facts], headline: str, waits_for: tuple[str, ...], by_itself: tuple[str, ...]
) -> None:
    host = read(configured_versus_effective=rows)
    assert (host.headline, host.waits_for, host.by_itself) == (headline, waits_for, by_itself)


def test_a_finding_lasts_until_the_boot_that_its_fix_waits_for() -> None:
    finding = {"severity": "critical", "summary": "Down.", "configured": True, "waits_for": "boot"}
    host = read(findings=[finding], configured_versus_effective=[DELAYED_START])
    assert (host.state, host.headline, host.waits_for) == ("critical", "Down.", ("boot",))


def test_a_note_is_less_than_what_is_due() -> None:
    note = {"severity": "information", "summary": "A note."}
    assert read(findings=[note], configured_versus_effective=[WAITING]).headline.startswith("Reboot the server")
    assert read(findings=[note], configured_versus_effective=[DELAYED_START]).headline == "A note."


def test_all_that_can_be_waited_for_has_words() -> None:
    assert set(AWAITED) == set(t.get_args(WaitsFor))
    assert [name for name, awaited in AWAITED.items() if awaited.by_itself] == ["boot"]


@pytest.mark.parametrize(
    ("result", "reading", "message"),
    [
        ({}, "failed", "This server was not read, or not yet."),
        ({"unreachable": True, "msg": "no connection"}, "unreachable", "no connection"),
        ({"failed": True, "msg": "Task failed: access denied"}, "failed", "access denied"),
        ({"result": None, "msg": "odd"}, "failed", "odd"),
        ({"skipped": True}, "failed", "This server was not read, or not yet."),
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
        dns_pool={"excluded_ports_supported": True, "excluded_ports": ["1645-1646"], "range": span(1024, 65535)},
        risk={"ports": [{"protocol": "udp", "port": 1812, "service": "ias", "probability": 0.5}]},
    )
    needs = {need.first: need for need in host.needs}
    assert (needs[1812].state, needs[1812].held_by) == ("taken", ("dns.exe (process 9, service DNS)",))
    assert (needs[1812].reserved, needs[1812].left_out_of_pool, needs[1812].probability) == (True, False, 0.5)
    assert (needs[1645].state, needs[1645].left_out_of_pool) == ("free", True)
    assert host.headline == "UDP 1812 of IAS is held by dns.exe (process 9, service DNS)."
    assert host.taken == 1


OTHER_INSTANCE: t.Final[Facts] = socket("udp", 50389, "dsamain.exe", 7, ["ADAM_Other"])


@pytest.mark.parametrize("state", ["Running", "Stopped"])
def test_another_instance_is_no_owner(state: str) -> None:
    mine = {"service": "ADAM_Mine", "start_mode": "auto", "products": ["ad_lds"], "state": state}
    instance = {"instance": "Mine", "service": "ADAM_Mine", "ldap_port": 50389}
    host = read(services=[mine], ad_lds=[instance], sockets=[OTHER_INSTANCE])
    assert [need.state for need in host.needs if need.protocol == "udp"] == ["taken"]


@pytest.mark.parametrize(("service", "state"), [(UP, "held"), (DOWN, "taken")], ids=["running", "stopped"])
def test_nobody_holds_a_port_for_a_stopped_service(service: Facts, state: str) -> None:
    host = read(services=[service], sockets=[OWNER])
    assert [need.state for need in host.needs if (need.protocol, need.first) == ("udp", 1812)] == [state]


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


def test_rows_of_processes_say_the_same_as_rows_of_sockets() -> None:
    facts = edge_server(1, taken=True)
    by_socket, by_process = host_row("a", facts), host_row("a", reduced(facts))
    assert len(reduced(facts)["sockets"]) < 100 < len(facts["sockets"])
    assert plain(by_socket) == plain(by_process)


@pytest.mark.parametrize(
    ("ports", "found"),
    [("80", "80"), ("80, 443-445", "80, 443-445"), ("", ""), ("x, 9-, -3, 7-5, 70000, 65535-70000", "9, 65535")],
)
def test_ports_of_a_process_as_text(ports: str, found: str) -> None:
    (holder,) = read(sockets=[{**OWNER, "ports": ports}]).holders
    assert plain(holder)["udp"] == found


def test_the_worst_server_comes_first() -> None:
    report = fleet(fleet_results(reduced))
    assert [host.state for host in report.hosts] == [
        *("critical", "critical", "warning", "waiting", "not_read", "not_read", "not_read", "well", "well"),
    ]
    assert report.headline == (
        "2 of 9 servers critical, 1 with a warning, 1 waiting for a restart or reboot, 3 not fully read, 2 well."
    )
    assert report.waits_for == {"reboot": 0, "dns_restart": 1, "service_restart": 0, "owner": 0, "holder": 0, "boot": 0}
    assert report.by_itself == 1
    assert fleet({"alone": NOTHING}).headline == "1 server: well."
    assert fleet({"alone": {}}).headline == "1 server: not fully read."
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
MORE_PARTS: t.Final = ("dynamic_ranges", "configured_versus_effective", "warnings")


@given(st.dictionaries(st.sampled_from(PARTS + MORE_PARTS), JSON_VALUES))
def test_an_answer_in_another_shape_breaks_nothing(facts: Facts) -> None:
    results = {"a": {"result": facts}, "b": {}}
    report = port_report(results)
    assert json.dumps(report)
    assert report["total"] == 2
    rows = fleet(results)
    page = shown(rows, plain(rows), fixes_of(None), {})
    assert json.dumps([page.hosts, page.parts, page.sockets])
    assert [worst_check(host) for host in rows.hosts] == [host.state for host in rows.hosts]
    assert metrics_text(rows).endswith("# EOF\n")
    assert ET.fromstring(junit_text(checked(rows, fixes_of(None), risk_limit=0.0), title="", read_at=""))


def test_the_columns_of_findings_are_the_fields_with_one_value() -> None:
    columns = finding_columns()
    assert columns[:9] == (
        *("severity", "kind", "service", "summary", "cause", "configured", "waits_for", "source", "fix"),
    )
    (finding,) = read(findings=[{}]).findings
    assert set(columns) == {name for name, value in as_plain(finding).items() if not isinstance(value, list)}


@pytest.mark.parametrize("wrong", [None, [], "text", {"a": 1}])
def test_the_filter_refuses_what_is_no_set_of_results(wrong: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="mapping of server names"):
        port_report(wrong)


# --- two ends of one connection ---------------------------------------------------------------------------------------


def _retransmits(*texts: str) -> Facts:
    evidence = [{"seen_in": "adapter", "text": text} for text in texts]
    return {**NOTHING, "findings": [{"kind": "network_retransmits", "severity": "information", "evidence": evidence}]}


def _seen(results: dict[str, Facts], name: str) -> list[str]:
    (host,) = (row for row in fleet(results).hosts if row.name == name)
    return [item.text for found in host.findings for item in found.evidence]


def test_retransmitted_segments_are_compared_with_the_other_servers() -> None:
    results = {
        "mail1": _retransmits("HP Network Team 1 is a team"),
        "mail2": _retransmits("HP NC373i has driver 2.8.13.0"),
        "mail3": NOTHING,
        "mail4": {"unreachable": True, "msg": "no answer"},
    }
    team, driver = "HP Network Team 1 is a team", "HP NC373i has driver 2.8.13.0"
    assert _seen(results, "mail1") == [team, f"the other side, mail2: {driver}", "no such finding on mail3"]
    assert _seen(results, "mail2") == [driver, f"the other side, mail1: {team}", "no such finding on mail3"]
    assert _seen(results, "mail3") == []
    assert _seen({"mail1": results["mail1"]}, "mail1") == [team]


def test_a_report_about_many_servers_names_a_few_to_compare_with() -> None:
    busy = {f"busy{number}": _retransmits(f"card {number}") for number in range(8)}
    seen = _seen({**busy, **{f"calm{number}": NOTHING for number in range(8)}}, "busy0")
    assert seen[1:] == [
        *(f"the other side, busy{number}: card {number}" for number in range(1, 6)),
        "2 more servers of this report have such a finding",
        "no such finding on calm0, calm1, calm2, calm3, calm4 and 3 more",
    ]
