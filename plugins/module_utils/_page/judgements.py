# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``port_info`` makes of a server, findings and the risk of the next boot, read into typed values."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._page import reading
from ansible_collections.portkeeper.windows.plugins.module_utils._page.reading import Facts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port that a finding names."""

    protocol: Protocol
    port: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that was seen; ``time`` by the server's clock, empty where there is none."""

    seen_in: str
    text: str
    time: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding; ``configured`` is ``None`` where nothing could be configured against it."""

    kind: str
    severity: str
    summary: str
    service: str
    ports: tuple[Port, ...]
    held_by: tuple[str, ...]
    cause: str
    evidence: tuple[Evidence, ...]
    configured: bool | None
    waits_for: str
    fix: str
    source: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that could be changed, and what the risk would be then."""

    name: str
    how: str
    advised: bool
    takes_effect: str
    note: str
    probability: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A rule that is not certain, and the risk if it is otherwise."""

    sentence: str
    probability: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The risk of the next boot: ``drawn`` of ``drawable`` ports are drawn."""

    probability: float | None
    formula: str
    reason: str
    drawn: int
    drawable: int
    candidates: tuple[Candidate, ...]
    doubts: tuple[Doubt, ...]

    @property
    def best(self) -> Candidate | None:
        """The advised change after which the risk is smallest."""
        known = [row for row in self.candidates if row.advised and row.probability is not None]
        return min(known, key=lambda row: row.probability or 0.0, default=None)


def findings(facts: Facts) -> tuple[Finding, ...]:
    """All findings, as they are ordered: the worst first."""
    return tuple(_finding(row) for row in reading.rows(facts, "findings"))


def risk(facts: Facts) -> Risk | None:
    """The risk; ``None`` where it was not computed."""
    found = reading.section(facts, "risk")
    if not found:
        return None
    return Risk(
        probability=reading.probability(found),
        formula=reading.text(found, "formula"),
        reason=reading.text(found, "reason"),
        drawn=reading.number(found, "drawn"),
        drawable=reading.number(found, "drawable"),
        candidates=tuple(_candidate(row) for row in reading.rows(found, "candidates")),
        doubts=tuple(
            Doubt(sentence=reading.text(row, "sentence"), probability=reading.probability(row))
            for row in reading.rows(found, "doubts")
        ),
    )


def _finding(row: Facts) -> Finding:
    configured = row.get("configured")
    return Finding(
        kind=reading.text(row, "kind"),
        severity=reading.text(row, "severity"),
        summary=reading.text(row, "summary") or "A finding without a summary.",
        service=reading.text(row, "service"),
        ports=tuple(_ports(row)),
        held_by=tuple(_held(item) for item in reading.rows(row, "held_by")),
        cause=reading.text(row, "cause"),
        evidence=tuple(_evidence(item) for item in reading.rows(row, "evidence")),
        configured=configured if isinstance(configured, bool) else None,
        waits_for=reading.text(row, "waits_for"),
        fix=reading.text(row, "fix"),
        source=reading.text(row, "source"),
    )


def _evidence(row: Facts) -> Evidence:
    return Evidence(
        seen_in=reading.text(row, "seen_in"), text=reading.text(row, "text"), time=reading.text(row, "time")
    )


def _ports(row: Facts) -> t.Iterator[Port]:
    for item in reading.rows(row, "ports"):
        protocol, port = reading.protocol_of(item), reading.number(item, "port", -1)
        if protocol and port in reading.ALL_PORTS:
            yield Port(protocol=protocol, port=port)


def _held(row: Facts) -> str:
    return f"{reading.text(row, 'protocol').upper()} {reading.number(row, 'port')}: {reading.owner_of(row).text}"


def _candidate(row: Facts) -> Candidate:
    return Candidate(
        name=reading.text(row, "name"),
        how=reading.text(row, "how"),
        advised=bool(row.get("advised")),
        takes_effect=reading.text(row, "takes_effect"),
        note=reading.text(row, "note"),
        probability=reading.probability(row),
    )
