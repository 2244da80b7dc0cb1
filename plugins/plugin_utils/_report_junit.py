# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of a report as JUnit's XML, which Jenkins, GitLab and others read: a suite for each server.

A check that failed is a ``failure``, or an ``error`` if the server, or a part of its data, was not read. A check that
is not known is ``skipped``.
"""

from __future__ import annotations

import datetime
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import printable
from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import Check, Checked
from ansible_collections.portkeeper.windows.plugins.module_utils._page.metrics import read_seconds
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import distinct_names
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_metrics import plain_text

_HEAD: t.Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NO_TIME: t.Final = "0"
"""Seconds that a check took. Readers want the attribute; reading a server answers all its checks at once."""
_OUTCOMES: t.Final = ("failure", "error", "skipped")


def junit_text(servers: t.Sequence[Checked], *, title: str, read_at: str) -> str:
    """The XML of all checks."""
    names = distinct_names((server.host.name for server in servers), plain_text)
    suites = [_suite(server, names[server.host.name], read_at) for server in servers]
    root = ET.Element("testsuites", {"name": plain_text(title), **_counts(suites), "time": _NO_TIME})
    # Jenkins' schema has no such attribute at this place.
    del root.attrib["skipped"]
    root.extend(suites)
    ET.indent(root)
    return f"{_HEAD}{ET.tostring(root, encoding='unicode')}\n"


def _suite(server: Checked, name: str, read_at: str) -> ET.Element:
    cases = [_case(check, name) for check in server.checks]
    seconds = read_seconds(read_at)
    when = {} if seconds is None else {"timestamp": _iso(seconds)}
    suite = ET.Element("testsuite", {"name": name, **_counts(cases), "time": _NO_TIME, **when})
    suite.extend(cases)
    return suite


def _iso(seconds: int) -> str:
    """The time as the schemas of JUnit have it: of the zone UTC, which they don't write."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def _counts(parts: t.Sequence[ET.Element]) -> dict[str, str]:
    """Numbers of cases, over suites or over cases."""
    found = {"tests": sum(int(part.get("tests", "1")) for part in parts)}
    for outcome, count in zip(_OUTCOMES, ("failures", "errors", "skipped"), strict=True):
        found[count] = sum(int(part.get(count, "0")) + (part.find(outcome) is not None) for part in parts)
    return {name: str(number) for name, number in found.items()}


def _case(check: Check, server: str) -> ET.Element:
    case = ET.Element("testcase", {"classname": server, "name": plain_text(check.name), "time": _NO_TIME})
    if not check.known:
        ET.SubElement(case, "skipped", {"message": plain_text(check.message)})
    elif check.level:
        outcome = "error" if check.level == "not_read" else "failure"
        found = ET.SubElement(case, outcome, {"type": check.level, "message": plain_text(check.message)})
        found.text = printable(check.text or check.message)
    elif check.text:
        ET.SubElement(case, "system-out").text = printable(check.text)
    return case
