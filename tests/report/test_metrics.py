# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a report as the libraries of Prometheus read them: whole, and the same in both text formats."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Origin, fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.metrics import METRICS
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_metrics import metrics_text
from tests.report.facts import Facts, fleet_results
from tests.report.rendering import reduced

Series: t.TypeAlias = dict[tuple[str, frozenset[tuple[str, str]]], float]
ORIGIN: t.Final = Origin(product_version="1.2.3", read_at="2026-11-20 13:00 UTC")
HOSTILE_NAMES: t.Final = [
    *("edge1", "edge1\n", "edge 1", "edge\n1", "edge\t1", 'ed"ge', "ed\\ge", "ed\\\\ge", "ed\\nge"),
    *("} 1\n# EOF\n", '"} 1 # {a="b"} 1', "\x00", "\x1b[31m", "\u202e", "\u2028", "\ud800", "", "=1+1", "{{ 7 * 7 }}"),
]


def metrics(results: dict[str, Facts]) -> str:
    return metrics_text(fleet(results, origin=ORIGIN))


def families(text: str) -> list[Metric]:
    read: t.Callable[[str], t.Iterable[Metric]] = openmetrics.text_string_to_metric_families
    return list(read(text))


def series(found: t.Iterable[Metric]) -> Series:
    """Every series once; fails if one is there twice, for which Prometheus refuses the file."""
    samples = [
        ((sample.name, frozenset(sample.labels.items())), sample.value) for one in found for sample in one.samples
    ]
    assert len({key for key, _value in samples}) == len(samples)
    return dict(samples)


@pytest.fixture(scope="module")
def text() -> str:
    return metrics(fleet_results(reduced))


def test_both_formats_read_the_same(text: str) -> None:
    found = families(text)
    assert text.endswith("# EOF\n")
    assert series(found) == series(text_format(text))
    assert [(one.name, one.type, one.documentation, one.unit) for one in found] == [
        (metric.name, "gauge", metric.says, metric.unit) for metric in METRICS
    ]
    assert [sample.name for one in found for sample in one.samples if sample.timestamp] == []
    assert {tuple(sample.labels) for one in found for sample in one.samples} == {
        tuple(metric.labels) for metric in METRICS
    }


def test_a_server_is_found_by_its_name(text: str) -> None:
    found = series(families(text))
    risk = "portkeeper_next_boot_loss_probability"
    assert found[risk, frozenset({("server", "edge-risk")})] == 0.281932
    assert found["portkeeper_report_info", frozenset({("version", "1.2.3")})] == 1
    assert found["portkeeper_report_timestamp_seconds", frozenset()] == 1795179600


def test_hostile_names_stay_apart() -> None:
    text = metrics({name: {"unreachable": True} for name in HOSTILE_NAMES})
    assert text.count("\n") == len(text.splitlines()) == text.count("\n#") + text.count("\nportkeeper") + 1
    (read,) = [one for one in families(text) if one.name == "portkeeper_server_read"]
    names = [sample.labels["server"] for sample in read.samples]
    assert len({*names}) == len(HOSTILE_NAMES)
    assert {"edge1", "edge 1", 'ed"ge', "ed\\ge", "ed\\\\ge", "ed\\nge", "{{ 7 * 7 }}"} <= {*names}


@settings(max_examples=40)
@given(st.sets(st.text(max_size=8), max_size=8))
def test_any_names_stay_apart(names: set[str]) -> None:
    text = metrics({name: {"release": {"name": name, "version": name}} for name in names})
    assert len([key for key in series(families(text)) if key[0] == "portkeeper_server_info"]) == len(names)
    assert series(families(text)) == series(text_format(text))


@settings(max_examples=40)
@example(["a\x00", "a\x01", "a\n", "a"])
@given(st.lists(st.text(max_size=3), max_size=8))
def test_any_kinds_are_counted_once(kinds: list[str]) -> None:
    findings = [{"kind": kind, "severity": "warning"} for kind in kinds]
    found = series(families(metrics({"edge1": {"release": {}, "findings": findings}})))
    assert sum(value for key, value in found.items() if key[0] == "portkeeper_findings_of_kind") == len(kinds)
