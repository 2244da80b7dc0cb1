# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server of the report: what ``port_info`` found there, put into rows, with one sentence and one state."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.held_ports import PortHolder
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.kept_ports import KeptPorts
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.needed_ports import NeededPort
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import (
    ChangeRow,
    EffectiveRow,
    RiskRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import ServiceRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import ESSENTIAL, State
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import from_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import DrawnFrom, drawn_from

Facts: t.TypeAlias = t.Mapping[str, t.Any]
Reading = t.Literal["read", "failed", "unreachable"]
Change = t.Literal["worse", "better", "same", "unknown"]
_NOT_READ: t.Final = "This server was not read, or not yet."
_FOR_PEOPLE: t.Final = "Only lines for people were read of this server; a report needs port_info with detail: full."
_ANSIBLES_WORDS: t.Final = "Task failed: "
_DOMAIN_CONTROLLER: t.Final = "Domain controller"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A server as an earlier report has it."""

    state: State
    headline: str
    probability: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One server of the report."""

    name: str
    reading: Reading
    message: str
    """The reason why the server was not read; empty if it was."""
    state: State = "not_read"
    headline: str = ""
    """The one sentence that matters most."""
    release: str = ""
    version: str = ""
    domain_controller: bool = False
    roles: tuple[str, ...] = ()
    """All that the server is, in words."""
    uptime: int | None = None
    critical: int = 0
    warning: int = 0
    information: int = 0
    taken: int = 0
    """Needed ports that another process holds."""
    probability: float | None = None
    best_fix: ChangeRow | None = None
    """The advised change after which the risk is smallest."""
    waits_for: tuple[str, ...] = ()
    """Events that must come first, keys of ``waits.AWAITED``: an administrator's, or that a finding lasts until."""
    by_itself: tuple[str, ...] = ()
    """The settings that the next boot puts in force without an action, with nothing at risk before it."""
    findings: tuple[Finding, ...] = ()
    risk: RiskRow | None = None
    needs: tuple[NeededPort, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    drawn_from: tuple[DrawnFrom, ...] = ()
    kept: tuple[KeptPorts, ...] = ()
    holders: tuple[PortHolder, ...] = ()
    waiting: tuple[EffectiveRow, ...] = ()
    notes: tuple[str, ...] = ()
    """The facts that could not be read, a sentence each."""
    answered: tuple[str, ...] = ()
    """The subsets of ``port_info`` that have an answer."""
    unknown: tuple[str, ...] = ()
    """The answers that a verdict needs and that were asked for and not given: subsets, or parts of them in words."""
    before: Earlier | None = None
    """What an earlier report said of this server, if there is one to compare with."""
    change: Change | None = None
    """What became of the server since then."""


def host_row(name: str, result: t.Mapping[str, t.Any]) -> Host:
    """The row of a server from the result of the task that read it; an empty result means that none did."""
    facts = result.get("result")
    if not isinstance(facts, t.Mapping):
        facts = result if "release" in result else {}
    if not facts or result.get("failed") or result.get("unreachable"):
        return _unread(name, result)
    if facts.get("detail", "full") != "full":
        return _unread(name, {"msg": _FOR_PEOPLE})
    return _read(name, facts, _texts(result.get("warnings")))


def _read(name: str, facts: Facts, warnings: tuple[str, ...]) -> Host:
    info = from_plain(PortInfo, facts) or PortInfo()
    seen = verdict.seen_of(info, asked=facts)
    release, risk = info.release, info.risk
    return Host(
        name=name,
        reading="read",
        message="",
        state=verdict.state(seen),
        headline=verdict.headline(seen),
        release=release.name if release else "",
        version=release.version if release else "",
        domain_controller=bool(release and release.domain_controller),
        roles=_roles(info),
        uptime=release.uptime if release else None,
        critical=seen.count("critical"),
        warning=seen.count("warning"),
        information=seen.count("information"),
        taken=len(seen.taken),
        probability=seen.chance,
        best_fix=risk.best if risk else None,
        waits_for=seen.waits_for,
        by_itself=tuple(seen.by_itself),
        findings=info.findings or (),
        risk=risk,
        needs=seen.needs,
        services=seen.services,
        drawn_from=drawn_from(info),
        kept=seen.kept,
        holders=seen.holders,
        waiting=seen.waiting,
        notes=_notes(info, warnings),
        answered=_answered(info),
        unknown=tuple(seen.unknown),
    )


def _answered(info: PortInfo) -> tuple[str, ...]:
    subsets = (field.name for field in dataclasses.fields(info) if field.default is None)
    return tuple(name for name in subsets if getattr(info, name) is not None)


def _roles(info: PortInfo) -> tuple[str, ...]:
    kinds = [kind.name for kind in info.roles.kinds] if info.roles else []
    return (*kinds, *([_DOMAIN_CONTROLLER] if info.release and info.release.domain_controller else []))


def _unread(name: str, result: t.Mapping[str, t.Any]) -> Host:
    state: Reading = "unreachable" if result.get("unreachable") else "failed"
    message = str(result.get("msg") or _NOT_READ).removeprefix(_ANSIBLES_WORDS)
    return Host(name=name, reading=state, message=message, headline=message)


def _notes(info: PortInfo, warnings: tuple[str, ...]) -> tuple[str, ...]:
    missing = [name for name in ESSENTIAL if getattr(info, name) is None]
    said = {lost for row in info.unread for lost in row.lost}
    unread = [
        f"Nothing is known of {name}."
        for name in missing
        if name not in said and not any(note.startswith(name) for note in warnings)
    ]
    return (*warnings, *unread)


def _texts(value: t.Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()
