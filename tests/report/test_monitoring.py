# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users plug the report into: the dashboard and docs/monitoring.md ask only for what there is."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import typing as t

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import FAIL_ON
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Origin, fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.metrics import METRICS
from tests.report.facts import edge_server
from tests.report.rendering import ROLE, reduced
from tests.tooling.sources import ROOT

Json: t.TypeAlias = dict[str, t.Any]
DASHBOARD: t.Final[Json] = json.loads((ROLE / "files" / "grafana-dashboard.json").read_text(encoding="utf-8"))
PAGE: t.Final = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
BLOCK: t.Final = re.compile(r"^ *```yaml\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LABELS: t.Final = {metric.name: {*metric.labels} for metric in METRICS}


@dataclasses.dataclass
class Asked:
    """What an expression asks for: metrics with the labels of their matchers, and the labels that it groups by."""

    metrics: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)
    grouped: set[str] = dataclasses.field(default_factory=set)

    @classmethod
    def of(cls, expression: str) -> Asked:
        """Read an expression; raises ValueError if Prometheus can't."""
        found = cls()
        promql_parser.walk(promql_parser.parse(expression), found.visit)
        return found

    def visit(self, node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name is not None
            self.metrics[node.name] = {one.name: one.value for one in node.matchers.matchers}
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            self.grouped |= {*node.modifier.labels}

    def misfits(self) -> list[str]:
        """Metrics and labels that no report has."""
        wrong = [name for name in self.metrics if name not in LABELS]
        asked = [(name, label) for name, matchers in self.metrics.items() for label in matchers]
        wrong += [f"{label} of {name}" for name, label in asked if label not in LABELS.get(name, ())]
        labels = {label for name in self.metrics for label in LABELS.get(name, ())}
        return wrong + [f"by {label}" for label in self.grouped - labels]


def blocks() -> list[t.Any]:
    """The pieces of YAML of the page."""
    return [yaml.safe_load(text) for text in BLOCK.findall(PAGE)]


TARGETS: t.Final[list[tuple[str, Json]]] = [
    (f"{panel['title']} {target['refId']}", target) for panel in DASHBOARD["panels"] for target in panel["targets"]
]
(ALERTS,) = [block["groups"][0]["rules"] for block in blocks() if "groups" in block]
EXPRESSIONS: t.Final[list[tuple[str, str]]] = [
    *((name, target["expr"]) for name, target in TARGETS),
    *((rule["alert"], rule["expr"]) for rule in ALERTS),
]


@pytest.mark.parametrize("expression", [row[1] for row in EXPRESSIONS], ids=[row[0] for row in EXPRESSIONS])
def test_an_expression_asks_only_for_what_is_exported(expression: str) -> None:
    asked = Asked.of(expression)
    assert asked.metrics
    assert asked.misfits() == []


def test_an_expression_with_a_slip_is_found() -> None:
    asked = Asked.of('sum by (state, kind) (portkeeper_server_stat{state="a"}) / portkeeper_server_state{stat="b"}')
    assert asked.misfits() == [
        *("portkeeper_server_stat", "state of portkeeper_server_stat", "stat of portkeeper_server_state", "by kind"),
    ]


def test_the_dashboard_shows_every_metric() -> None:
    assert {name for _title, target in TARGETS for name in Asked.of(target["expr"]).metrics} == {*LABELS}


@pytest.fixture(scope="module")
def known() -> dict[tuple[str, str], set[str]]:
    """The values of each label of each metric, about one server; labels of closed sets have all their values."""
    report = fleet({"edge1": reduced(edge_server(1, taken=True))}, origin=Origin(read_at="2026-11-20 13:00 UTC"))
    return {
        (metric.name, label): {values[place] for values, _value in metric.samples(report)}
        for metric in METRICS
        for place, label in enumerate(metric.labels)
    }


@pytest.mark.parametrize("expression", [row[1] for row in EXPRESSIONS], ids=[row[0] for row in EXPRESSIONS])
def test_a_label_is_asked_for_values_that_it_has(expression: str, known: dict[tuple[str, str], set[str]]) -> None:
    for name, matchers in Asked.of(expression).metrics.items():
        for label, value in matchers.items():
            assert value == "$server" or {*value.split("|")} <= known[name, label]


def test_legends_show_labels_that_the_expression_has() -> None:
    for _name, target in TARGETS:
        asked = Asked.of(target["expr"])
        shown = {*re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))}
        assert (target["expr"], shown - asked.grouped) == (target["expr"], set())


def test_annotations_show_labels_that_the_alert_has() -> None:
    for rule in ALERTS:
        (name,) = list(Asked.of(rule["expr"]).metrics)
        shown = {*re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {})))}
        assert shown <= LABELS[name]


def lost(written: t.Any, read: t.Any, place: str = "") -> list[str]:
    """What of a value is not in another one, or is another there."""
    if isinstance(written, dict) and isinstance(read, dict):
        inside = (lost(value, read.get(key), f"{place}.{key}") for key, value in written.items())
        return [item for items in inside for item in items]
    if isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        pairs = enumerate(zip(written, read, strict=True))
        return [item for number, (one, other) in pairs for item in lost(one, other, f"{place}[{number}]")]
    return [] if written == read else [f"{place}: {written!r} is {read!r}"]


def test_grafanas_types_know_every_field_of_the_dashboard() -> None:
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert lost(DASHBOARD, read) == []
    assert lost({**DASHBOARD, "titel": "x"}, read) == [".titel: 'x' is None"]


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len({*numbers}) == len(numbers)
    cells = [
        (panel["gridPos"]["x"] + column, panel["gridPos"]["y"] + row)
        for panel in DASHBOARD["panels"]
        for column in range(panel["gridPos"]["w"])
        for row in range(panel["gridPos"]["h"])
    ]
    assert len({*cells}) == len(cells)
    assert {column for column, _row in cells} == {*range(24)}


def test_its_variables_are_the_data_source_and_the_server() -> None:
    source, server = DASHBOARD["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == ("datasource", "datasource", "prometheus")
    asked = re.fullmatch(r"label_values\((\w+), (\w+)\)", server["query"]["query"])
    assert asked
    assert asked[2] == server["name"] == "server"
    assert asked[2] in LABELS[asked[1]]
    uses = [panel["datasource"] for panel in DASHBOARD["panels"]] + [target["datasource"] for _name, target in TARGETS]
    assert {use["uid"] for use in uses} == {"${datasource}"}


def test_the_page_names_variables_and_words_that_the_role_takes() -> None:
    specs = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    options = specs["options"]
    assert {*re.findall(r"port_report_\w+", PAGE)} <= {*options}
    assert list(FAIL_ON) == options["port_report_fail_on"]["choices"]
    table = PAGE.partition("| `port_report_fail_on` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == list(FAIL_ON)
    used = re.findall(r"port_report_fail_on=([\w,]+)", PAGE)
    assert {word for words in used for word in words.split(",")} <= {*FAIL_ON}


def test_the_page_names_files_that_are_written(path: pathlib.Path) -> None:
    names = {*re.findall(r"[\w/]*/(\w+\.(?:prom|xml|html))\b", PAGE)}
    assert names == {"ports.prom", "junit.xml", "index.html"}
    assert names <= {path.name for path in path.parent.iterdir()}
