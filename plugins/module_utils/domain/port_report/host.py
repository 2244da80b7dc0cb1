# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the report: what ``port_info`` found there, put into rows, with one sentence and one state."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report import reading
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.needs import needs
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.reading import Facts
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.port_report.rows import (
    Host,
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


def host_row(name: str, result: t.Mapping[str, t.Any]) -> Host:
    """The row of a server from the result of the task that read it; an empty result means that none did."""
    facts = result.get("result")
    if not isinstance(facts, t.Mapping):
        facts = result if "release" in result else {}
    if not facts or result.get("failed") or result.get("unreachable"):
        return _unread(name, result)
    held = reading.held_ports(facts)
    holders, kept, services = reading.holders(held), reading.kept_ports(facts), reading.services(facts)
    needed = needs(facts, services, holders, kept)
    waiting = reading.waiting(facts)
    findings = tuple(reading.rows(facts, "findings"))
    counted = [reading.text(finding, "severity") for finding in findings]
    risk = reading.section(facts, "risk")
    release = reading.section(facts, "release")
    chance = reading.probability(risk)
    state = _state(counted, needed, services, waiting, chance)
    return Host(
        name=name,
        reading="read",
        message="",
        state=state,
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
        best_fix=_best_fix(risk),
        waits_for=_waits_for(findings, waiting),
        findings=findings,
        risk=risk or None,
        needs=needed,
        services=services,
        drawn_from=reading.drawn_from(facts),
        kept=kept,
        holders=holders,
        waiting=waiting,
        notes=_notes(facts, result),
    )


def percent(probability: float) -> str:
    """A probability for people: ``28.2 %``, and never a zero for what is possible."""
    if probability == 0:
        return "0 %"
    if 0 < probability < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= probability < 1:
        return "over 99.9 %"
    return f"{probability * 100:.1f} %"


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
    findings: t.Sequence[Facts],
    needed: t.Sequence[Need],
    services: t.Sequence[ServiceRow],
    waiting: t.Sequence[Waiting],
    chance: float | None,
) -> str:
    if findings:
        return reading.text(findings[0], "summary")
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


def _best_fix(risk: Facts) -> Facts | None:
    advised = [row for row in reading.rows(risk, "candidates") if row.get("advised")]
    return min(advised, key=lambda row: reading.probability(row) or 0.0, default=None)


def _waits_for(findings: t.Iterable[Facts], waiting: t.Iterable[Waiting]) -> tuple[str, ...]:
    named = {row.waits_for for row in waiting} | {reading.text(row, "waits_for") for row in findings}
    return tuple(name for name in WAITS if name in named)


def _notes(facts: Facts, result: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    warnings = reading.texts(result, "warnings")
    missing = [name for name in ("services", "findings", "risk") if facts.get(name) is None]
    missing += [] if reading.knows_sockets(facts) else ["sockets"]
    unread = [f"Nothing is known of {name}." for name in missing if not any(note.startswith(name) for note in warnings)]
    return (*warnings, *unread)
