# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before and after: what became of each server since an earlier report."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import STATES
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Change, Earlier, Host

SCHEMA: t.Final = "portkeeper.windows/port_report"
"""The name of the form of a report's JSON."""
SCHEMA_VERSION: t.Final = 1
"""Rises if a program that reads the JSON must change; new fields don't raise it."""
CHANGES: t.Final[tuple[Change, ...]] = t.get_args(Change)


class NoReportError(ValueError):
    """The earlier report is none, or of a later version of this collection."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EarlierReport:
    """The servers of an earlier report by their names, and when they were read, in words."""

    read_at: str
    hosts: t.Mapping[str, Earlier]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The earlier report that this one is compared with."""

    read_at: str
    changes: t.Mapping[Change, int]
    """The number of servers to which each change happened."""
    gone: tuple[str, ...]
    """Servers of the earlier report that this one lacks."""


def earlier_report(value: t.Any) -> EarlierReport:
    """An earlier report out of its JSON; raises NoReportError if it can't be compared with."""
    if not isinstance(value, t.Mapping) or not isinstance(value.get("hosts"), (list, tuple)):
        raise NoReportError("it is no report.json of the role port_report")
    version = value.get("version", SCHEMA_VERSION)
    if value.get("schema", SCHEMA) != SCHEMA or not isinstance(version, int):
        raise NoReportError("it is no report.json of the role port_report")
    if version > SCHEMA_VERSION:
        raise NoReportError(f"its version is {version}, and this release of the collection knows {SCHEMA_VERSION}")
    rows = {str(row.get("name", "")): from_plain(Earlier, row) for row in value["hosts"] if isinstance(row, t.Mapping)}
    return EarlierReport(
        read_at=str(value.get("read_at") or "an earlier time"),
        hosts={name: row for name, row in rows.items() if name and row},
    )


def with_earlier(hosts: t.Sequence[Host], earlier: EarlierReport) -> tuple[tuple[Host, ...], Comparison]:
    """The servers, each with what the earlier report said of it; and the comparison of both reports."""
    compared = tuple(_with_earlier(host, earlier.hosts.get(host.name)) for host in hosts)
    return compared, Comparison(
        read_at=earlier.read_at,
        changes={change: sum(host.change == change for host in compared) for change in CHANGES},
        gone=tuple(sorted(earlier.hosts.keys() - {host.name for host in hosts})),
    )


def _with_earlier(host: Host, before: Earlier | None) -> Host:
    return dataclasses.replace(host, before=before, change=_change(host, before))


def _change(host: Host, before: Earlier | None) -> Change:
    if before is None or "not_read" in (host.state, before.state):
        return "unknown"
    then, now = _badness(before.state, before.probability), _badness(host.state, host.probability)
    return "same" if then == now else "better" if now < then else "worse"


def _badness(state: str, probability: float | None) -> tuple[int, float]:
    """The state, then the risk, to as many digits as a page shows."""
    return -STATES.index(t.cast("t.Any", state)), round(probability or 0.0, 3)
