# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a server from all facts about it: one state, and the one sentence that matters most."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.verdicts import Verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED, WaitsFor
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.held_ports import PortHolder, port_holders
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.kept_ports import KeptPorts, kept_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.needed_ports import NeededPort, needed_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.kinds import Severity
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import EffectiveRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import InstanceRow, ServiceRow
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import AD_LDS_KEY

State = t.Literal["critical", "warning", "waiting", "not_read", "well"]
STATES: t.Final[tuple[State, ...]] = t.get_args(State)
"""Worst first; that nothing, or not enough, is known of a server is better than any trouble, and not yet well."""
ESSENTIAL: t.Final = ("findings", "risk", "services", "sockets")
"""Without one of these answers a server can't be called well."""
JUDGED_BY: t.Final = ("findings", "risk", "services", "configured_versus_effective")
"""Without one of these subsets there is no verdict."""
LOST_ITS_PORT: t.Final = (10048, 10013, 32)
"""Exit codes of a service whose port was in use, forbidden or shared (winerror.h)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The facts that a verdict rests on.

    ``chance``: the risk of the next boot, from 0 to 1, ``None`` if it is not known, and ``at_risk`` the services that
    may lose a port then; ``waiting``: settings that are
    configured and not surely in force; ``unknown``: answers that a verdict needs and the server did not give.
    """

    findings: t.Sequence[Finding]
    holders: tuple[PortHolder, ...]
    kept: tuple[KeptPorts, ...]
    needs: tuple[NeededPort, ...]
    services: tuple[ServiceRow, ...]
    waiting: tuple[EffectiveRow, ...]
    chance: float | None
    at_risk: tuple[str, ...]
    unknown: t.Sequence[str]

    @property
    def taken(self) -> list[NeededPort]:
        """Needed ports that another process holds, the losses first."""
        return sorted((need for need in self.needs if need.state == "taken"), key=is_loss, reverse=True)

    @property
    def due(self) -> list[EffectiveRow]:
        """The settings that need an action of an administrator."""
        return [row for row in self.waiting if row.is_due]

    @property
    def by_itself(self) -> list[str]:
        """The settings that the next boot puts in force without an action."""
        return [row.what for row in self.waiting if row.effective == "no" and row.by_itself]

    @property
    def waits_for(self) -> tuple[WaitsFor, ...]:
        """The events that must come first: an administrator must cause them, or a finding lasts until then."""
        named = {row.waits_for for row in self.waiting if row.is_due} | {row.waits_for for row in self.findings}
        return tuple(name for name in AWAITED if name in named)

    def count(self, severity: Severity) -> int:
        """The number of findings of this severity."""
        return sum(finding.severity == severity for finding in self.findings)


def seen_of(info: PortInfo, asked: t.Collection[str]) -> Seen:
    """The facts of a verdict on a server; ``asked``: the subsets that the result has, answered or not."""
    holders, kept = port_holders(info), kept_ports(info)
    services = info.services or tuple(map(_as_service, info.ad_lds or ()))
    return Seen(
        findings=info.findings or (),
        holders=holders,
        kept=kept,
        needs=needed_ports(info, services, holders, kept),
        services=services,
        waiting=tuple(row for row in info.configured_versus_effective or () if row.effective != "yes"),
        chance=info.risk.probability if info.risk else None,
        at_risk=info.risk.at_risk if info.risk else (),
        unknown=_unknown(info, asked),
    )


def _unknown(info: PortInfo, asked: t.Collection[str]) -> list[str]:
    """The answers that were asked for and not given, whole subsets first, then parts of others."""
    missing = [name for name in ESSENTIAL if name in asked and getattr(info, name) is None]
    return list(dict.fromkeys((*missing, *(lost for row in info.unread for lost in row.lost))))


def _as_service(instance: InstanceRow) -> ServiceRow:
    """An AD LDS instance, where the services were not asked for."""
    return ServiceRow(
        service=instance.service,
        display_name="",
        image="",
        products=(AD_LDS_KEY,),
        state=instance.state,
        start_mode=instance.start_mode.lower(),
        process_id=instance.process_id,
        exit_code=instance.exit_code,
    )


def state(seen: Seen) -> State:
    """The worst state that holds."""
    return next((name for name, holds in _STATES if holds(seen)), "well")


def verdict(seen: Seen, asked: t.Collection[str]) -> Verdict | None:
    """The verdict in words; ``None`` if not enough was asked for one."""
    if not set(JUDGED_BY) <= set(asked):
        return None
    found = state(seen)
    if found == "well":
        return _calm(seen, asked)
    if found == "waiting" and not seen.unknown and {row.waits_for for row in seen.due} == {"reboot"}:
        return "OK until the next boot: REBOOT NEEDED"
    return _VERDICTS[found]


_VERDICTS: t.Final[t.Mapping[State, Verdict]] = {
    "critical": "CRITICAL",
    "warning": "NOT SAFE YET",
    "waiting": "NOT SAFE YET",
    "not_read": "NOT ALL READ",
}


def _calm(seen: Seen, asked: t.Collection[str]) -> Verdict:
    if any(row.effective == "unknown" for row in seen.waiting):
        return "NOT SURELY SAFE"
    return "OK" if "sockets" in asked else "OK as far as seen"


def headline(seen: Seen) -> str:
    """The sentence about the worst thing."""
    return next(filter(None, (say(seen) for say in _SENTENCES)), "Nothing to do.")


def percent(probability: float) -> str:
    """A probability for people: ``28.2 %``, and never a zero for what is possible."""
    if probability == 0:
        return "0 %"
    if 0 < probability < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= probability < 1:
        return "over 99.9 %"
    return f"{probability * 100:.1f} %"


# --- states ------------------------------------------------------------------------------------------------------


def _is_critical(seen: Seen) -> bool:
    return seen.count("critical") > 0 or any(map(is_loss, seen.taken)) or any(map(lost_its_port, seen.services))


def _is_in_danger(seen: Seen) -> bool:
    return seen.count("warning") > 0 or bool(seen.taken) or bool(seen.chance)


_STATES: t.Final[tuple[tuple[State, t.Callable[[Seen], bool]], ...]] = (
    ("critical", _is_critical),
    ("warning", _is_in_danger),
    ("waiting", lambda seen: bool(seen.due)),
    ("not_read", lambda seen: bool(seen.unknown)),
)


def is_loss(need: NeededPort) -> bool:
    """A taken port is a loss if its service is known not to run; that AD LDS needs its UDP twins is not certain."""
    return need.state == "taken" and need.service_runs is False


def lost_its_port(row: ServiceRow) -> bool:
    """True if a service is down because its port was taken."""
    return row.state == "Stopped" and row.exit_code in LOST_ITS_PORT


# --- sentences: each empty where it has nothing to say ------------------------------------------------------------


def _trouble(seen: Seen) -> str:
    return seen.findings[0].summary if seen.findings and seen.findings[0].severity != "information" else ""


def _collision(seen: Seen) -> str:
    return next((need.collision for need in seen.taken), "")


def _loss(seen: Seen) -> str:
    return next((loss_sentence(row) for row in seen.services if lost_its_port(row)), "")


def loss_sentence(row: ServiceRow) -> str:
    """That this service is down because its port was taken."""
    return f"{row.service} is stopped with error {row.exit_code}: its port was taken."


def _risk(seen: Seen) -> str:
    return risk_sentence(seen.chance, seen.at_risk) if seen.chance else ""


def risk_sentence(chance: float, services: t.Sequence[str]) -> str:
    """The risk of the next boot, from 0 to 1, with the services that may lose a port then."""
    named = f" ({', '.join(services)})" if services else ""
    return f"The next boot costs a service its port{named} with a probability of {percent(chance)}."


def _order(seen: Seen) -> str:
    return order_sentence(seen.due) if seen.due else ""


def order_sentence(due: t.Sequence[EffectiveRow]) -> str:
    """The action that these settings need, at least one, or why they can't come into force."""
    named = {row.waits_for for row in due}
    order = listed([awaited.order for name, awaited in AWAITED.items() if name in named])
    what = listed(list(dict.fromkeys(row.what for row in due)))
    if not order:
        return f"Configured, but not in force: {what}. {due[0].reason}".rstrip()
    return f"{order[0].upper()}{order[1:]}: until then this is configured, but not in force: {what}."


def _gap(seen: Seen) -> str:
    if not seen.unknown:
        return ""
    return f"No trouble was seen, but not all was read: nothing is known of {listed(seen.unknown)}."


def _note(seen: Seen) -> str:
    return seen.findings[0].summary if seen.findings else ""


def _patience(seen: Seen) -> str:
    if not seen.by_itself:
        return ""
    return f"Nothing to do; the next boot by itself puts in force: {listed(seen.by_itself)}."


_SENTENCES: t.Final = (_trouble, _collision, _loss, _risk, _order, _gap, _note, _patience)
"""In the order of the states that they explain."""


def listed(words: t.Sequence[str]) -> str:
    """The words as a part of a sentence: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
