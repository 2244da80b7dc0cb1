# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as checks that hold or fail: the same ones for every server, so that a job can follow each over time.

A check of a server fails at the level of the state that it causes: the worst failed check and the state of the server
are the same, unless a limit above 0 lets a risk pass.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import KINDS
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import (
    STATES,
    State,
    is_loss,
    listed,
    loss_sentence,
    lost_its_port,
    order_sentence,
    percent,
    risk_sentence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fixes import Fix
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import WORDS, Fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host

FailOn = t.Literal["never", "critical", "warning", "waiting", "not_read"]
FAIL_ON: t.Final[t.Mapping[FailOn, tuple[State, ...]]] = {
    "never": (),
    "critical": ("critical",),
    "warning": ("critical", "warning"),
    "waiting": ("critical", "warning", "waiting"),
    "not_read": ("not_read",),
}
"""The levels that each word of the user means."""
CHECKS: t.Final[t.Mapping[str, tuple[str, tuple[State, ...]]]] = {
    "read": ("the server, and all that a verdict needs, was read", ("not_read",)),
    "services": ("no service is down because its port was taken", ("critical",)),
    "needed_ports": ("no process holds a port that another service needs", ("critical", "warning")),
    "next_boot": ("the risk that the next boot costs a service its port is not above the limit", ("warning",)),
    "settings_in_force": ("no setting waits for an action of an administrator", ("waiting",)),
}
"""The checks that are no kinds of findings: what holds if they hold, and the levels at which they fail."""
_MOST_NAMED: t.Final = 10
_UNNAMED: t.Final = "finding_without_a_kind"
_WORD: t.Final = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of a server. It holds if it has no level and is known."""

    name: str
    level: State | None = None
    """The state that its failure causes; ``None`` if it did not fail."""
    known: bool = True
    message: str = ""
    """One sentence: why it failed, or why it is not known."""
    text: str = ""
    """All that is to be said of it, in lines."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A server with its checks."""

    host: Host
    checks: tuple[Check, ...]

    def failed(self, levels: t.Collection[State]) -> State | None:
        """The worst of these levels at which a check failed."""
        found = {check.level for check in self.checks if check.level in levels}
        return next((state for state in STATES if state in found), None)


def checked(report: Fleet, fixes: t.Callable[[Host], t.Sequence[Fix]], *, risk_limit: float) -> tuple[Checked, ...]:
    """All servers of a report with their checks; a risk above ``risk_limit`` (0 to 1) fails."""
    return tuple(Checked(host=host, checks=_checks(host, fixes(host), risk_limit)) for host in report.hosts)


def failure(servers: t.Sequence[Checked], fail_on: t.Iterable[FailOn]) -> str:
    """The sentence with which a job fails that must not pass these levels; empty if it passes."""
    levels = {level for word in fail_on for level in FAIL_ON[word]}
    failed = [(level, server.host.name) for server in servers if (level := server.failed(levels))]
    if not failed:
        return ""
    counts = [(sum(level == state for level, _name in failed), WORDS[state]) for state in STATES]
    (first, words), *others = [(count, words) for count, words in counts if count]
    said = [f"{first} of {len(servers)} server{'s' * (len(servers) != 1)} {words}"]
    said += [f"{count} {words}" for count, words in others]
    names = [name for _level, name in failed]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(said)}: {', '.join(names[:_MOST_NAMED])}{more}."


def _checks(host: Host, fixes: t.Sequence[Fix], risk_limit: float) -> tuple[Check, ...]:
    found = (_read(host), _services(host), _ports(host), _next_boot(host, risk_limit), _waits(host))
    return (*found, *_kinds(host, fixes))


def _read(host: Host) -> Check:
    check = Check(name="read")
    if host.reading != "read":
        return dataclasses.replace(check, level="not_read", message=host.message)
    if host.unknown:
        message = f"Not all was read: nothing is known of {listed(host.unknown)}."
        return dataclasses.replace(check, level="not_read", message=message, text="\n".join(host.notes))
    return check


def _services(host: Host) -> Check:
    check = Check(name="services")
    lost = [loss_sentence(row) for row in host.services if lost_its_port(row)]
    if lost:
        return _failed(check, "critical", lost)
    return check if host.services else _known(check, host, "services")


def _ports(host: Host) -> Check:
    check = Check(name="needed_ports")
    taken = [need for need in host.needs if need.state == "taken"]
    if taken:
        return _failed(check, "critical" if any(map(is_loss, taken)) else "warning", [need.collision for need in taken])
    return _known(check, host, "sockets")


def _next_boot(host: Host, risk_limit: float) -> Check:
    check = Check(name="next_boot")
    if host.probability is None:
        return _unknown(check, "The risk of the next boot is not known.")
    if host.probability <= risk_limit:
        return check
    said = [risk_sentence(host.probability, host.risk.at_risk if host.risk else ())]
    said += [host.risk.reason] if host.risk and host.risk.reason else []
    if host.best_fix and host.best_fix.probability is not None:
        said.append(f"{percent(host.best_fix.probability)} after this fix: {host.best_fix.how}")
    return _failed(check, "warning", said)


def _waits(host: Host) -> Check:
    check = Check(name="settings_in_force")
    due = [row for row in host.waiting if row.is_due]
    if due:
        return _failed(check, "waiting", [order_sentence(due), *dict.fromkeys(row.reason for row in due if row.reason)])
    return _known(check, host, "configured_versus_effective")


def _kinds(host: Host, fixes: t.Sequence[Fix]) -> t.Iterator[Check]:
    found: dict[str, list[tuple[Finding, Fix]]] = {kind: [] for kind in KINDS}
    for finding, fix in zip(host.findings, fixes, strict=True):
        found.setdefault(str(finding.kind) or _UNNAMED, []).append((finding, fix))
    lost = {word for text in host.unknown if text.startswith("findings") for word in _WORD.findall(text)}
    for kind, rows in found.items():
        check = Check(name=kind)
        if rows:
            yield _found(check, rows)
        elif kind in lost:
            yield _unknown(check, "What this finding rests on was not read.")
        else:
            yield _known(check, host, "findings")


def _found(check: Check, rows: t.Sequence[tuple[Finding, Fix]]) -> Check:
    severities = {finding.severity for finding, _fix in rows}
    level: State | None = "critical" if "critical" in severities else "warning" if "warning" in severities else None
    more = f" And {len(rows) - 1} more of this kind." if len(rows) > 1 else ""
    text = "\n\n".join("\n".join(_lines(finding, fix)) for finding, fix in rows)
    return dataclasses.replace(check, level=level, message=f"{rows[0][0].summary}{more}", text=text)


def _lines(finding: Finding, fix: Fix) -> t.Iterator[str]:
    """A finding with its fix: as command lines, or as tasks if there are none."""
    yield finding.summary
    if finding.cause:
        yield finding.cause
    yield from fix.advice
    told = fix.commands or tuple(fix.tasks.splitlines())
    if told:
        yield from ("Fix:", *told)


def _failed(check: Check, level: State, said: t.Sequence[str]) -> Check:
    return dataclasses.replace(check, level=level, message=said[0], text="\n".join(said))


def _known(check: Check, host: Host, subset: str) -> Check:
    """The check as it is, if the server gave the answer that it rests on."""
    return check if subset in host.answered else _unknown(check, f"Nothing is known of {subset}.")


def _unknown(check: Check, message: str) -> Check:
    return dataclasses.replace(check, known=False, message=message)
