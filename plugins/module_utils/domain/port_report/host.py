# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the report: what ``port_info`` found there, put into rows, with one sentence and one state."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report import judgements, reading
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.judgements import (
    Candidate,
    Finding,
    Risk,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.needs import needs
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.reading import Facts
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.rows import (
    DrawnFrom,
    Holder,
    KeptPorts,
    Need,
    Reading,
    ServiceRow,
    State,
    Waiting,
)

LOST_ITS_PORT: t.Final = (10048, 10013, 32)
"""Exit codes of a service whose port was in use, forbidden or shared (winerror.h)."""
WAITS: t.Final[t.Mapping[str, str]] = {
    "reboot": "a reboot",
    "dns_restart": "a restart of DNS",
    "boot": "the next boot",
    "owner": "a stop of the ports' owner",
}
_NOT_READ: t.Final = "Nothing was read from this server."
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


def percent(probability: float) -> str:
    """A probability for people: ``28.2 %``, and never a zero for what is possible."""
    if probability == 0:
        return "0 %"
    if 0 < probability < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= probability < 1:
        return "over 99.9 %"
    return f"{probability * 100:.1f} %"


def _read(name: str, facts: Facts, warnings: tuple[str, ...]) -> Host:
    holders, kept = reading.holders(reading.held_ports(facts)), reading.kept_ports(facts)
    services, waiting = reading.services(facts), reading.waiting(facts)
    needed = needs(facts, services, holders, kept)
    findings, risk = judgements.findings(facts), judgements.risk(facts)
    counted = [finding.severity for finding in findings]
    release = reading.section(facts, "release")
    chance = risk.probability if risk else None
    return Host(
        name=name,
        reading="read",
        message="",
        state=_state(counted, needed, services, waiting, chance),
        headline=_headline(findings, needed, services, waiting, chance),
        release=reading.text(release, "name"),
        version=reading.text(release, "version"),
        domain_controller=bool(release.get("domain_controller")),
        uptime=reading.number(release, "uptime", -1) if "uptime" in release else None,
        critical=counted.count("critical"),
        warning=counted.count("warning"),
        information=counted.count("information"),
        taken=sum(need.state == "taken" for need in needed),
        probability=chance,
        best_fix=risk.best if risk else None,
        waits_for=_waits_for(findings, waiting),
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


def _state(
    severities: t.Collection[str],
    needed: t.Iterable[Need],
    services: t.Iterable[ServiceRow],
    waiting: t.Collection[Waiting],
    chance: float | None,
) -> State:
    if "critical" in severities or any(_is_loss(need) for need in needed) or any(map(_lost_its_port, services)):
        return "critical"
    if "warning" in severities or any(need.state == "taken" for need in needed) or chance:
        return "warning"
    return "waiting" if any(map(_is_due, waiting)) else "well"


def _is_loss(need: Need) -> bool:
    """A taken port is a loss where its service is known not to run; that AD LDS needs its UDP twins is not certain."""
    return need.state == "taken" and need.service_runs is False


def _is_due(row: Waiting) -> bool:
    """Where nobody knows whether it is in force (somebody else wrote it), nothing is due."""
    return row.effective == "no"


def _lost_its_port(row: ServiceRow) -> bool:
    return row.state == "Stopped" and row.exit_code in LOST_ITS_PORT


def _headline(
    findings: t.Sequence[Finding],
    needed: t.Sequence[Need],
    services: t.Sequence[ServiceRow],
    waiting: t.Sequence[Waiting],
    chance: float | None,
) -> str:
    if findings:
        return findings[0].summary
    taken = sorted((need for need in needed if need.state == "taken"), key=_is_loss, reverse=True)
    if taken:
        first = taken[0]
        return f"{first.protocol.upper()} {first.first} of {first.service} is held by {first.held_by[0]}."
    lost = next((row for row in services if _lost_its_port(row)), None)
    if lost:
        return f"{lost.service} is stopped with error {lost.exit_code}: its port was taken."
    if chance:
        return f"The next boot costs a service its port with a probability of {percent(chance)}."
    if any(map(_is_due, waiting)):
        return "What is configured is not in force yet."
    return "Nothing to do."


def _waits_for(findings: t.Iterable[Finding], waiting: t.Iterable[Waiting]) -> tuple[str, ...]:
    named = {row.waits_for for row in waiting} | {row.waits_for for row in findings}
    return tuple(name for name in WAITS if name in named)


def _notes(facts: Facts, warnings: tuple[str, ...]) -> tuple[str, ...]:
    missing = [name for name in ("services", "findings", "risk") if facts.get(name) is None]
    missing += [] if reading.knows_sockets(facts) else ["sockets"]
    unread = [f"Nothing is known of {name}." for name in missing if not any(note.startswith(name) for note in warnings)]
    return (*warnings, *unread)
