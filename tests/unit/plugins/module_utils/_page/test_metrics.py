# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows of servers to metrics: what each counts, and that silence is no zero."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.kept_ports import Kept
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import READ_AT, Origin, fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.metrics import METRICS, Sample, read_seconds
from tests.report.facts import DELAYED_START, Facts, edge_server
from tests.report.rendering import reduced

RELEASE: t.Final[Facts] = {"release": {"name": "Windows Server 2019", "version": "10.0.17763"}}
FINDINGS: t.Final[Facts] = {
    "findings": [
        {"kind": "pool_size_small", "severity": "warning"},
        {"kind": "port_was_taken", "severity": "critical", "service": "IAS"},
        {"kind": "port_was_taken", "severity": "critical", "service": "NTDS"},
    ]
}
EDGE: t.Final = reduced(edge_server(1, taken=True))
NO_RISK: t.Final[Facts] = {**RELEASE, "risk": {"probability": 0.0}}
RESTART: t.Final = reduced(edge_server(1, fixed=True))
DELAYED: t.Final[Facts] = {**RELEASE, "configured_versus_effective": [DELAYED_START]}
NEVER_WAITS: t.Final[list[Sample]] = [((event,), 0) for event in AWAITED]
AFTER_DNS: t.Final[list[Sample]] = [((event,), event == "dns_restart") for event in AWAITED]

SAMPLES: t.Final[list[tuple[str, Facts, str, list[Sample]]]] = [
    ("its Windows", RELEASE, "server_info", [(("Windows Server 2019", "10.0.17763"), 1)]),
    ("no Windows of a server that is not there", {}, "server_info", []),
    ("it was read", RELEASE, "server_read", [((), 1)]),
    ("it was not read", {}, "server_read", [((), 0)]),
    (
        "one state of all",
        {},
        "server_state",
        [(("critical",), 0), (("warning",), 0), (("waiting",), 0), (("not_read",), 1), (("well",), 0)],
    ),
    ("the risk", EDGE, "next_boot_loss_probability", [((), 0.281932)]),
    ("no risk is a zero", NO_RISK, "next_boot_loss_probability", [((), 0)]),
    ("an unknown risk is none", RELEASE, "next_boot_loss_probability", []),
    (
        "findings, none of a severity too",
        {**RELEASE, **FINDINGS},
        "findings",
        [(("critical",), 2), (("warning",), 1), (("information",), 0)],
    ),
    ("findings that nobody asked for are none", RELEASE, "findings", []),
    ("findings that could not be read are none", {**RELEASE, "findings": None}, "findings", []),
    (
        "kinds",
        {**RELEASE, **FINDINGS},
        "findings_of_kind",
        [(("pool_size_small", "warning"), 1), (("port_was_taken", "critical"), 2)],
    ),
    ("taken ports", EDGE, "taken_ports", [((), 1)]),
    ("taken ports without sockets", RELEASE, "taken_ports", []),
    ("the pool of the next boot", EDGE, "dns_pool_drawn_ports", [((), 2500)]),
    ("what it is drawn from", EDGE, "dns_pool_drawable_ports", [((), 16382)]),
    ("the pool of now", EDGE, "dns_pool_held_ports", [((), 2500)]),
    ("no pool without a DNS server", {**EDGE, "dns_pool": None}, "dns_pool_drawn_ports", []),
    ("no pool of now without sockets", {**EDGE, "sockets": None}, "dns_pool_held_ports", []),
    (
        "kept ports",
        RESTART,
        "kept_ports",
        [
            *((("reserved", "tcp"), 0), (("reserved", "udp"), 1), (("left_out_of_pool", "udp"), 2)),
            *((("windows_block", "tcp"), 100), (("windows_block", "udp"), 0)),
        ],
    ),
    ("kept ports that were not read", RELEASE, "kept_ports", []),
    ("a restart of DNS", RESTART, "waits_for", AFTER_DNS),
    ("the next boot is no wait", DELAYED, "waits_for", NEVER_WAITS),
    ("but a setting for it", DELAYED, "settings_for_next_boot", [((), 1)]),
    ("waits that were not read", RELEASE, "waits_for", []),
]


@pytest.mark.parametrize(("facts", "name", "samples"), [row[1:] for row in SAMPLES], ids=[row[0] for row in SAMPLES])
def test_what_a_metric_says_of_a_server(facts: Facts, name: str, samples: list[Sample]) -> None:
    (metric,) = [metric for metric in METRICS if metric.name == f"portkeeper_{name}"]
    expected = sorted((("edge1", *values), value) for values, value in samples)
    assert sorted(metric.samples(fleet({"edge1": facts}))) == expected


def test_every_metric_of_a_server_stands_in_that_table() -> None:
    named = {f"portkeeper_{row[2]}" for row in SAMPLES}
    assert {metric.name for metric in METRICS if "server" in metric.labels} == named


def test_a_server_that_was_not_read_has_only_its_state() -> None:
    report = fleet({"edge1": {"unreachable": True}})
    about = [metric.name for metric in METRICS if "server" in metric.labels and list(metric.samples(report))]
    assert about == ["portkeeper_server_read", "portkeeper_server_state"]


def test_every_kind_of_kept_ports_is_counted() -> None:
    (metric,) = [metric for metric in METRICS if metric.name == "portkeeper_kept_ports"]
    assert {values[1] for values, _value in metric.samples(fleet({"edge1": RESTART}))} == set(t.get_args(Kept))


def test_names_are_those_of_prometheus() -> None:
    """Base units, and no ending that another type of OpenMetrics has for itself."""
    names = [metric.name for metric in METRICS]
    assert len({*names}) == len(names)
    assert [name for name in names if not re.fullmatch(r"portkeeper(_[a-z]+)+", name)] == []
    assert [name for name in names if name.endswith(("_total", "_count", "_sum", "_bucket", "_created"))] == []
    assert [metric.name for metric in METRICS if not metric.name.endswith(f"{metric.unit and '_'}{metric.unit}")] == []
    assert [metric.says for metric in METRICS if not metric.says.endswith(".") or set('\\"\n') & {*metric.says}] == []


@pytest.mark.parametrize(
    ("read_at", "seconds"),
    [("1970-01-02 00:01 UTC", 86460), ("2026-11-20 13:00 UTC", 1795179600), ("today", None), ("", None)],
)
def test_the_time_in_words_as_a_number(read_at: str, seconds: int | None) -> None:
    (metric,) = [metric for metric in METRICS if metric.name == "portkeeper_report_timestamp_seconds"]
    assert read_seconds(read_at) == seconds
    samples = list(metric.samples(fleet({}, origin=Origin(read_at=read_at))))
    assert samples == ([] if seconds is None else [((), seconds)])
    assert READ_AT.endswith(" UTC")


def test_who_wrote_it() -> None:
    (metric,) = [metric for metric in METRICS if metric.name == "portkeeper_report_info"]
    assert list(metric.samples(fleet({}, origin=Origin(product_version="1.2.3")))) == [(("1.2.3",), 1)]
