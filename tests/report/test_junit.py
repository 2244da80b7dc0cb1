# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JUnit file of a report, as CI servers read it."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib
import typing as t
import xml.etree.ElementTree as ET

import junitparser
import pytest

from tests.report.facts import HOSTILE, edge_server, fleet_results
from tests.report.rendering import reduced, write_page


@dataclasses.dataclass(frozen=True)
class Allowed:
    """What an element may hold, by the schema of Jenkins (junit-10.xsd of its plugin xUnit)."""

    needed: frozenset[str]
    also: frozenset[str]
    inside: frozenset[str]


_NUMBERS: t.Final = frozenset({"tests", "failures", "errors"})
_WHY: t.Final = Allowed(frozenset(), frozenset({"type", "message"}), frozenset())
SCHEMA: t.Final[c.Mapping[str, Allowed]] = {
    "testsuites": Allowed(frozenset(), _NUMBERS | {"name", "time"}, frozenset({"testsuite"})),
    "testsuite": Allowed(
        _NUMBERS | {"name"}, frozenset({"skipped", "time", "timestamp"}), frozenset({"testcase", "properties"})
    ),
    "testcase": Allowed(
        frozenset({"name"}),
        frozenset({"classname", "time"}),
        frozenset({"failure", "error", "skipped", "system-out"}),
    ),
    "failure": _WHY,
    "error": _WHY,
    "skipped": _WHY,
    "system-out": Allowed(frozenset(), frozenset(), frozenset()),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    results = {**fleet_results(reduced), "a\nb\x07<>&\ufffe": {}, "a b": {}}
    results["edge-noted"] = reduced({**edge_server(9, fixed=True), "findings": [NOTE]})
    return write_page(results, tmp_path_factory.mktemp("junit")).with_name("junit.xml")


NOTE: t.Final = {"kind": "network_retransmits", "severity": "information", "summary": "Many segments."}


def misfits(element: ET.Element) -> list[str]:
    """Attributes and elements that the schema does not allow, or misses."""
    allowed = SCHEMA[element.tag]
    names = {*element.attrib}
    wrong = [f"{element.tag} has {name}" for name in names - allowed.needed - allowed.also]
    wrong += [f"{element.tag} has no {name}" for name in allowed.needed - names]
    wrong += [f"{element.tag} holds {child.tag}" for child in element if child.tag not in allowed.inside]
    return wrong + [item for child in element if child.tag in allowed.inside for item in misfits(child)]


def suites(path: pathlib.Path) -> dict[str, junitparser.TestSuite]:
    return {str(suite.name): suite for suite in junitparser.JUnitXml.fromfile(str(path))}


def test_it_keeps_to_the_schema(path: pathlib.Path) -> None:
    root = ET.parse(path).getroot()
    assert misfits(root) == []
    assert {element.tag for element in root.iter()} == {*SCHEMA}


def test_the_numbers_are_those_of_the_cases(path: pathlib.Path) -> None:
    whole = junitparser.JUnitXml.fromfile(str(path))
    written = (whole.tests, whole.failures, whole.errors)
    each = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in whole]
    count: c.Callable[[], None] = whole.update_statistics
    count()
    assert (whole.tests, whole.failures, whole.errors) == written
    assert [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in whole] == each
    assert len(each) == 12


def results_of(suite: junitparser.TestSuite) -> dict[str, list[str]]:
    """The outcomes of the cases that have one."""
    return {str(case.name): [type(one).__name__ for one in case.result] for case in suite if case.result}


def test_a_case_of_each_outcome(path: pathlib.Path) -> None:
    found = suites(path)
    assert results_of(found["edge-risk"]) == {"next_boot": ["Failure"]}
    assert results_of(found["edge-delayed"]) == {}
    read, *others = results_of(found["edge-gone"]).items()
    assert read == ("read", ["Error"])
    assert {outcome for _name, outcomes in others for outcome in outcomes} == {"Skipped"}
    (note,) = [case for case in found["edge-noted"] if case.name == "network_retransmits"]
    assert (note.result, note.system_out) == ([], "Many segments.")


def test_a_failure_has_the_summary_and_the_fix(path: pathlib.Path) -> None:
    (case,) = [case for case in suites(path)["edge-taken"] if case.name == "port_taken_by_dns_pool"]
    (failure,) = case.result
    assert (case.classname, failure.type) == ("edge-taken", "critical")
    assert failure.message == "ADAM_MSExchange is down: dns.exe (process 1084, service DNS) holds UDP 50636."
    assert failure.text.endswith("\nFix:\nansible-playbook portkeeper.windows.edge -e edge_hosts=edge-taken")


def test_the_time_is_that_of_the_reading(path: pathlib.Path) -> None:
    assert {suite.timestamp for suite in suites(path).values()} == {"2026-11-20T13:00:00"}


def test_hostile_texts_are_texts(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "<script" not in text
    assert not {*"\x07\u202e\ufffe"} & {*text}
    names = [name for name in suites(path) if name.startswith("a b")]
    assert len(names) == 2
    assert "\n" not in "".join(str(case.get("message")) for case in ET.parse(path).getroot().iter("failure"))
