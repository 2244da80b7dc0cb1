# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the report: what ``port_info`` found there, put into rows, with one sentence and one state."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._page import judgements, reading, verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._page.judgements import Candidate, Finding, Risk
from ansible_collections.portkeeper.windows.plugins.module_utils._page.needs import needs
from ansible_collections.portkeeper.windows.plugins.module_utils._page.reading import Facts
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import (
    DrawnFrom,
    Holder,
    KeptPorts,
    Need,
    Reading,
    ServiceRow,
    State,
    Waiting,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.verdict import Seen

ESSENTIAL: t.Final = ("findings", "risk", "services", "sockets")
"""Without one of these answers nobody can say that a server is well."""
_NOT_READ: t.Final = "This server was not read, or not yet."
_ANSIBLES_WORDS: t.Final = "Task failed: "


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One server of the report."""

    name: str
    reading: Reading
    message: str
    """Why it was not read; empty where it was."""
    state: State = "not_read"
    headline: str = ""
    """The one sentence that matters most."""
    release: str = ""
    version: str = ""
    domain_controller: bool = False
    uptime: int | None = None
    critical: int = 0
    warning: int = 0
    information: int = 0
    taken: int = 0
    """Needed ports that another process holds."""
    probability: float | None = None
    best_fix: Candidate | None = None
    """The advised change after which the risk is smallest."""
    waits_for: tuple[str, ...] = ()
    """What must come first, keys of ``waits.AWAITED``: somebody must do it, or a finding lasts until then."""
    by_itself: tuple[str, ...] = ()
    """What the next boot puts in force, though nobody does anything, with nothing at risk before it."""
    findings: tuple[Finding, ...] = ()
    risk: Risk | None = None
    needs: tuple[Need, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    drawn_from: tuple[DrawnFrom, ...] = ()
    kept: tuple[KeptPorts, ...] = ()
    holders: tuple[Holder, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be known, a sentence each."""


def host_row(name: str, result: t.Mapping[str, t.Any]) -> Host:
    """The row of a server from the result of the task that read it; an empty result means that none did."""
    facts = result.get("result")
    if not isinstance(facts, t.Mapping):
        facts = result if "release" in result else {}
    if not facts or result.get("failed") or result.get("unreachable"):
        return _unread(name, result)
    return _read(name, facts, reading.texts(result, "warnings"))


def _read(name: str, facts: Facts, warnings: tuple[str, ...]) -> Host:
    holders, kept = reading.holders(reading.held_ports(facts)), reading.kept_ports(facts)
    services, waiting = reading.services(facts), reading.waiting(facts)
    needed = needs(facts, services, holders, kept)
    unknown = [name for name in ESSENTIAL if name in facts and facts[name] is None]
    findings, risk = judgements.findings(facts), judgements.risk(facts)
    counted = [finding.severity for finding in findings]
    release = reading.section(facts, "release")
    chance = risk.probability if risk else None
    seen = Seen(findings=findings, needs=needed, services=services, waiting=waiting, chance=chance, unknown=unknown)
    return Host(
        name=name,
        reading="read",
        message="",
        state=verdict.state(seen),
        headline=verdict.headline(seen),
        release=reading.text(release, "name"),
        version=reading.text(release, "version"),
        domain_controller=bool(release.get("domain_controller")),
        uptime=reading.number(release, "uptime", -1) if "uptime" in release else None,
        critical=counted.count("critical"),
        warning=counted.count("warning"),
        information=counted.count("information"),
        taken=len(seen.taken),
        probability=chance,
        best_fix=risk.best if risk else None,
        waits_for=_waits_for(findings, waiting),
        by_itself=tuple(seen.by_itself),
        findings=findings,
        risk=risk,
        needs=needed,
        services=services,
        drawn_from=reading.drawn_from(facts),
        kept=kept,
        holders=holders,
        waiting=waiting,
        notes=_notes(facts, warnings),
    )


def _unread(name: str, result: t.Mapping[str, t.Any]) -> Host:
    state: Reading = "unreachable" if result.get("unreachable") else "failed"
    message = str(result.get("msg") or _NOT_READ).removeprefix(_ANSIBLES_WORDS)
    return Host(name=name, reading=state, message=message, headline=message)


def _waits_for(findings: t.Iterable[Finding], waiting: t.Iterable[Waiting]) -> tuple[str, ...]:
    named = {row.waits_for for row in waiting if row.is_due} | {row.waits_for for row in findings}
    return tuple(name for name in AWAITED if name in named)


def _notes(facts: Facts, warnings: tuple[str, ...]) -> tuple[str, ...]:
    missing = [name for name in ESSENTIAL if facts.get(name) is None]
    unread = [f"Nothing is known of {name}." for name in missing if not any(note.startswith(name) for note in warnings)]
    return (*warnings, *unread)
