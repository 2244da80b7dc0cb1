# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet at a glance, before and after, and the page's rows and codes."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import PLAYBOOKS
from ansible_collections.portkeeper.windows.plugins.module_utils._page import shown as rows_of_the_page
from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import (
    NoReportError,
    earlier_report,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Fleet, fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Change, host_row
from ansible_collections.portkeeper.windows.plugins.module_utils._page.overview import cause, overview, release_order
from ansible_collections.portkeeper.windows.plugins.module_utils._page.port_code import coded, decoded
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.shown import shown
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import fixes_of
from tests.report.facts import Facts, fleet_results
from tests.report.rendering import reduced
from tests.tooling.sources import ROOT

NOTHING: t.Final[Facts] = {"release": {"name": "Windows Server 2019"}}
WARNING: t.Final[Facts] = {**NOTHING, "findings": [{"kind": "pool_size_small", "severity": "warning"}]}
CRITICAL: t.Final[Facts] = {**NOTHING, "findings": [{"kind": "port_was_taken", "severity": "critical"}]}
UNREAD: t.Final[Facts] = {"unreachable": True}


def risky(probability: float) -> Facts:
    return {**NOTHING, "risk": {"probability": probability}}


def divided(report: Fleet) -> dict[str, list[tuple[str, int]]]:
    return {facet.name: [(value.label, value.count) for value in facet.values] for facet in overview(report).facets}


def test_the_fleet_is_divided_by_state_cause_kind_and_release() -> None:
    roles = {"kinds": [{"kind": "dns", "name": "DNS server"}, {"kind": "radius", "name": "RADIUS (IAS, NPS)"}]}
    controller = {"release": {"name": "Windows Server 2008 R2 SP1", "domain_controller": True}, "roles": roles}
    both = [{"kind": "port_was_taken", "severity": "critical"}] * 2
    report = fleet(
        {"a": {**controller, "findings": both}, "b": {**NOTHING, "roles": roles}, "c": UNREAD, "d": risky(0.1)}
    )
    assert divided(report) == {
        "state": [("\u2715 Critical", 1), ("\u25b2 Warning", 1), ("? Not read", 1), ("\u2713 Well", 1)],
        "cause": [("port was taken", 1), ("the next boot may take a port", 1), ("not, or not all, was read", 1)],
        "role": [("DNS server", 2), ("Domain controller", 1), ("RADIUS (IAS, NPS)", 2), ("another kind", 1)],
        "release": [("2008 R2 SP1", 1), ("2019", 2)],
    }


def test_each_server_has_the_keys_of_its_values() -> None:
    report = fleet(fleet_results(reduced))
    found = overview(report)
    for facet in found.facets:
        for value in facet.values:
            assert sum(value.key in keys for keys in found.keys) == value.count
    states = [value.label for value in found.facets[0].values]
    assert states == ["\u2715 Critical", "\u25b2 Warning", "\u25cf Waiting", "? Not read", "\u2713 Well"]


def test_causes_are_words() -> None:
    assert cause("port_taken_by_dns_pool") == "port taken by DNS pool"
    assert cause("a_kind_of_a_later_version") == "a kind of a later version"
    assert [name for name in KINDS if "_" in cause(name)] == []


def test_releases_have_their_order() -> None:
    names = ["Windows Server 2003", "Windows Server 2008 SP2", "Windows Server 2008 R2 SP1", "Windows Server 2025"]
    orders = [release_order(host_row("a", {"release": {"name": name}})) for name in names]
    assert orders == sorted(set(orders))
    by_version = host_row("a", {"release": {"name": "Windows Server (build 99999)", "version": "10.0.99999"}})
    assert release_order(by_version) >= orders[-1]
    assert release_order(host_row("a", {"release": {"name": "odd", "version": "x.y"}})) == 0


CHANGES: t.Final[list[tuple[str, Facts, Facts, Change]]] = [
    ("mended", CRITICAL, NOTHING, "better"),
    ("worse", NOTHING, WARNING, "worse"),
    ("as it was", WARNING, WARNING, "same"),
    ("less risk", risky(0.3), risky(0.1), "better"),
    ("as much risk", risky(0.30001), risky(0.3), "same"),
    ("not read now", CRITICAL, UNREAD, "unknown"),
    ("not read then", UNREAD, NOTHING, "unknown"),
]


@pytest.mark.parametrize(("then", "now", "change"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_became_of_a_server(then: Facts, now: Facts, change: Change) -> None:
    before = earlier_report(json.loads(json.dumps(plain(fleet({"a": then})))))
    report = fleet({"a": now}, earlier=before)
    (host,) = report.hosts
    assert host.change == change
    assert host.before
    assert host.before.state == fleet({"a": then}).hosts[0].state
    assert report.before
    assert report.before.changes[change] == 1


def test_servers_that_came_and_went() -> None:
    before = earlier_report(plain(fleet({"a": NOTHING, "old": NOTHING})))
    report = fleet({"a": NOTHING, "new": NOTHING}, earlier=before)
    assert report.before
    assert report.before.gone == ("old",)
    assert {host.name: host.change for host in report.hosts} == {"a": "same", "new": "unknown"}
    assert divided(report)["change"] == [("= As before", 1), ("Not to be compared", 1)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "it is no report.json"),
        ([], "it is no report.json"),
        ({"hosts": 1}, "it is no report.json"),
        ({"hosts": [], "schema": "other"}, "it is no report.json"),
        ({"hosts": [], "version": "1"}, "it is no report.json"),
        ({"hosts": [], "version": 99}, "its version is 99, and this release of the collection knows 1"),
    ],
)
def test_what_can_not_be_compared_with(value: t.Any, reason: str) -> None:
    with pytest.raises(NoReportError, match=reason):
        earlier_report(value)


def test_an_earlier_report_in_another_shape_breaks_nothing() -> None:
    rows = [None, {}, {"name": "a"}, {"name": "b", "state": "odd"}, {"name": "c", "state": "well", "headline": None}]
    assert list(earlier_report({"hosts": rows}).hosts) == ["c"]


@given(st.sets(st.integers(0, 65535), max_size=400))
def test_coded_ports_are_the_set_of_ports(ports: set[int]) -> None:
    assert decoded(coded(ports)) == sorted(ports)


def test_a_pool_costs_about_a_letter_a_port() -> None:
    assert len(coded(range(49152, 65535, 6))) == 2731 + 3


def test_very_many_ports_are_left_to_the_json(monkeypatch: pytest.MonkeyPatch) -> None:
    sockets = [
        {
            "protocol": "tcp",
            "port": port,
            "process_id": number,
            "image": f"a{number}.exe",
            "services": [],
            "pool": False,
        }
        for number, step in enumerate((5000, 700, 33))
        for port in range(1024 + number, 65535, step)
    ]
    report = fleet({"a": {**NOTHING, "sockets": sockets}})
    (server,) = shown(report, plain(report), fixes_of(None), {}).sockets
    assert server["missing"] == 0
    assert [decoded(row[1])[0] for row in server["processes"]] == [1024, 1025, 1026]
    monkeypatch.setattr(rows_of_the_page, "MOST_LETTERS", 400)
    (server,) = shown(report, plain(report), fixes_of(None), {}).sockets
    assert server["missing"] == 1
    assert [decoded(row[1])[0] for row in server["processes"]] == [1024, 1025]


@pytest.mark.parametrize("role", PLAYBOOKS)
def test_a_playbook_is_for_the_group_that_its_row_names(role: str) -> None:
    playbook = PLAYBOOKS[t.cast("t.Any", role)]
    text = (ROOT / "playbooks" / f"{playbook.name}.yml").read_text(encoding="utf-8")
    assert f"name: portkeeper.windows.{role}\n" in text
    assert f"hosts: \"{{{{ {playbook.hosts_variable} | default('{playbook.group}') }}}}\"" in text
