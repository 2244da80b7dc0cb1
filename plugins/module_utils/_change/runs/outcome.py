# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a run: its changes, its failures, its verdict, and its one sentence for the administrator."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import EFFECTIVE, Plan, PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.convergence import Convergence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import (
    ERROR_MEANINGS,
    PortStanding,
    VictimReport,
    left_over_sentence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Permission, Report, sentence
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import TAKERS_TOLD, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.service_moves import late_ports
from ansible_collections.portkeeper.windows.plugins.module_utils._change.verdicts import Verdict
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import LACKS


class Outcome(t.NamedTuple):
    """A run: its plan, and the facts after it (those of before, if nothing was done)."""

    request: Request
    planned: Convergence
    final: Convergence
    applied: bool
    """False in check mode and if there was nothing to do."""
    reboot: Report | None = None
    """The reboot after it, or in check mode the one that would come."""
    proof: Outcome | None = None
    """The run after the reboot."""
    broken_off: str = ""
    """The error that ended the run after its steps, at the reboot or in the proof, with the next thing to do."""

    @property
    def end(self) -> Outcome:
        """The last run: how things stand; in check mode, how they would stand after the reboot that would come."""
        if self.proof or self.reboot is None or self.reboot.rebooted:
            return self.proof or self
        plans = tuple(map(_as_rebooted, self.plans))
        return self._replace(planned=self.planned._replace(plans=plans), reboot=None)

    @property
    def changed(self) -> bool:
        """True if anything was done besides book-keeping, or in check mode would be."""
        return self.planned.changed or self.reboot is not None

    @property
    def leave_to_reboot(self) -> Permission | None:
        """The server is to be rebooted now, and may be; ``None`` also where the run failed."""
        wanted = self.request.reboot
        if wanted is None or failures(self) or not (wanted.always or self.reboot_required):
            return None
        # What was taken back waits for the reboot too, but a second look does not see that.
        return self.final.reboot or (self.planned.reboot and self.planned.reboot._replace(settles=()))

    @property
    def plans(self) -> tuple[Plan, ...]:
        """Each planned resource with its effectiveness now, or in check mode as it would be after the steps."""
        # After an undo the second look does not know any more what there was to be taken back.
        if self.request.undo or not self.applied:
            return tuple(map(self._as_planned, self.planned.plans))
        return tuple(self._now(plan, after) for plan, after in zip(self.planned.plans, self.final.plans, strict=True))

    def _now(self, plan: Plan, after: Plan) -> Plan:
        # Without an entry in the journal the second look can't know what the change of just now waits for.
        if plan.changed and not self.request.journal:
            return self._as_planned(plan)
        return plan._replace(effectiveness=after.effectiveness)

    def _as_planned(self, plan: Plan) -> Plan:
        """The effectiveness that was planned, unless the service that it waits for was restarted."""
        if plan.effectiveness.restart_required and self.planned.restarts_dns:
            return plan._replace(effectiveness=EFFECTIVE)
        restarted = plan.restarts and set(plan.restarts) <= set(self.planned.interrupted)
        return plan._replace(effectiveness=plan.effectiveness_after_restart) if restarted else plan

    @property
    def relieved(self) -> tuple[str, ...]:
        """The services that were started and run, or in check mode those that would be started."""
        if not self.applied:
            return self.planned.relieved
        down = {name.casefold() for name in (*self.final.relieved, *self.final.unrelieved)}
        down |= {service.name.casefold() for report in self.final.victims for service in report.down_services}
        return tuple(name for name in self.planned.relieved if name.casefold() not in down)

    @property
    def reboot_required(self) -> bool:
        """True if a setting waits for a reboot."""
        return any(plan.effectiveness.reboot_required for plan in self.plans)

    @property
    def restart_required(self) -> bool:
        """True if a setting waits for a restart of DNS."""
        return any(plan.effectiveness.restart_required for plan in self.plans)


def _as_rebooted(plan: Plan) -> Plan:
    """The plan with its effectiveness after a boot, at which DNS reads its settings too."""
    waits = plan.effectiveness.reboot_required or plan.effectiveness.restart_required
    return plan._replace(effectiveness=EFFECTIVE, restarts=()) if waits else plan


def broken_off(outcome: Outcome, error: PlanError, *, host: str) -> Outcome:
    """The outcome of a run that a refusal ended after its steps.

    The refusal's own advice is left out, since it was written for a run that has changed nothing.
    """
    return outcome._replace(broken_off=f"{host}: {error.subject}: {error.reason}. {_MEND}")


_MEND: t.Final = "What was changed before stays: mend this, and run it again."


def failures(outcome: Outcome) -> tuple[str, ...]:
    """The reasons why the run failed, a sentence each: services that are down; with ``prove``, ports in wrong hands.

    A problem that a reboot solves is no failure: ports in wrong hands, and a service that is down because another
    process drew a port that the reboot reserves, and keeps it until then. In check mode nothing has been tried, so
    nothing has failed. After a reboot, the state after it counts.
    """
    if outcome.broken_off:
        return (outcome.broken_off,)
    if outcome.proof:
        return failures(outcome.proof)
    request, final = outcome.request, outcome.final
    if not final.applicable:
        return (_missing_sentence(final),) if request.require else ()
    if not (request.relieve or request.prove) or (outcome.planned.changed and not outcome.applied):
        return ()
    waiting = {report.service.name for report in _down_until_reboot(outcome)}
    down = [
        _down_sentence(report, outcome)
        for report in final.victims
        if report.is_down and report.service.name not in waiting
    ]
    if not request.prove:
        return tuple(down)
    reports = [report for report in final.victims if not report.is_down]
    wrong = [(report, _wrong_ports(report, outcome)) for report in reports]
    return (
        *down,
        *(_ports_sentence(report, ports) for report, ports in wrong if ports),
        *(_noise_sentence(report) for report in reports if report.noises),
    )


def _wrong_ports(report: VictimReport, outcome: Outcome) -> tuple[PortStanding, ...]:
    """Ports in wrong hands, less those that a reboot or a restart is still to bring."""
    late = late_ports(outcome.final.plans)
    wrong = (port for port in report.ports if not port.is_right)
    if outcome.reboot_required:
        return tuple(port for port in wrong if port.standing == "free" and port.port not in late)
    return tuple(port for port in wrong if port.standing != "free" or port.port not in late)


def _down_until_reboot(outcome: Outcome) -> tuple[VictimReport, ...]:
    """Victims that are down, and that the reboot to come brings back: it frees their ports, and keeps them free.

    That holds for ports that were drawn by chance: by outgoing connections, and by what lsass.exe listens on.
    """
    kept = [plan.guarded for plan in outcome.plans if plan.effectiveness.reboot_required]

    def comes_back(port: PortStanding) -> bool:
        was_drawn = port.holder is not None and (port.holder.outgoing or not port.holder.can_be_stopped)
        return was_drawn and any(port.port in ports for ports in kept)

    down = (report for report in outcome.final.victims if report.is_down)
    starting = (report for report in down if all(service.start_mode == "Auto" for service in report.down_services))
    return tuple(report for report in starting if report.intruders and all(map(comes_back, report.intruders)))


def still_settling(outcome: Outcome) -> bool:
    """True if another look may be better: a service was started, and the services that fail are still starting.

    A service that is stopped does not start by itself, and a victim that could not be relieved stays as it is.
    """
    moving = (report for report in outcome.final.victims if not report.is_right)
    hopeless = outcome.final.unrelieved
    return (
        outcome.applied
        and bool(failures(outcome))
        and any(report.service.name not in hopeless and not _has_ended(report) for report in moving)
    )


def _has_ended(report: VictimReport) -> bool:
    return any(service.state == "Stopped" for service in report.down_services)


def _missing_sentence(final: Convergence) -> str:
    if final.missing_capabilities:
        return f"{final.release.name} {', '.join(LACKS[name] for name in final.missing_capabilities)}."
    if len(final.missing_choice) > 1 and not final.missing_services:
        return f"this server has none of the services {', '.join(final.missing_choice)}."
    return f"this server has no service {', '.join(final.missing_services or final.missing_choice)}."


def _down_sentence(report: VictimReport, outcome: Outcome) -> str:
    names = ", ".join(service.name for service in report.down_services)
    reason = outcome.final.unrelieved.get(report.service.name)
    return f"{names} is down: {reason or _exit_reason(report) + _what_next(report, outcome)}."


def _what_next(report: VictimReport, outcome: Outcome) -> str:
    """Advice for a service that lost a port which is not known here."""
    if not report.lost_unknown_port:
        return ""
    advice = "name its ports (ports of the victim), and this says who has them"
    if not outcome.request.restart_dns:
        advice = f"set restart_dns to true, so that it can start before DNS draws its ports; or {advice}"
    return f"; its ports are not known here: {advice}"


def _exit_reason(report: VictimReport) -> str:
    service = report.down_services[0]
    meaning = ERROR_MEANINGS.get(service.exit_code)
    state = f"its state is {service.state}, its last exit code {service.exit_code}"
    return f"{state} ({meaning})" if meaning else f"{state}; its entries in the event log say why"


def _ports_sentence(report: VictimReport, wrong: tuple[PortStanding, ...]) -> str:
    return f"{report.service.name} runs, but {'; '.join(map(str, wrong))}."


def _noise_sentence(report: VictimReport) -> str:
    said = ", ".join(f"{event.source} {event.code}" for event in report.noises)
    return f"{report.service.name} runs, but since the boot the log has its complaint {said}."


# --- the verdict: read off what was seen of the server at the end, never off what was meant ---------------------------


def run_verdict(outcome: Outcome, *, check_mode: bool) -> Verdict:
    """The verdict; of a run that would change something in check mode, that it is not done."""
    if failures(outcome):
        return "FAILED"
    if not outcome.planned.applicable:
        return "Nothing to do here"
    if check_mode and outcome.changed:
        return "NOT DONE YET"
    if outcome.request.is_empty and outcome.reboot:
        return "OK, rebooted"
    end = outcome.end
    return _after_undo(end) if _takes_back(outcome.request) else _standing(end)


def _takes_back(request: Request) -> bool:
    """True if all that is asked for is that something goes away."""
    asked = [getattr(item.options, "state", "") for item in request.items]
    return request.undo or (bool(asked) and set(asked) == {"absent"})


def _after_undo(end: Outcome) -> Verdict:
    done = all(plan.effectiveness.effective == "yes" for plan in end.plans)
    return "OK, taken back" if done else "TAKEN BACK, NOT IN FORCE YET"


def _standing(end: Outcome) -> Verdict:
    """The verdict on what the plans and the protected services are at the end."""
    plans, victims = end.plans, end.final.victims
    is_well = all(report.is_right for report in victims) and not end.final.left_over and not _open(plans, "dns_pool")
    missing = [plan for plan in plans if plan.effectiveness.effective == "no" and not _bears_it(plan)]
    if any(plan.effectiveness.reboot_required for plan in missing):
        only_that = all(plan.effectiveness.reboot_required for plan in missing)
        calm = is_well and bool(victims) and only_that
        return "OK until the next boot: REBOOT NEEDED" if calm else "NOT SAFE YET: REBOOT NEEDED"
    if missing or not is_well:
        return "NOT SAFE YET"
    return _calm(end)


def _bears_it(plan: Plan) -> bool:
    """True if a plan that is not in force needs no action, or has none: programs alone can take what it leaves open."""
    effectiveness = plan.effectiveness
    if effectiveness.reboot_required or effectiveness.restart_required:
        return False
    return effectiveness.by_itself or (_open([plan], "programs") and not _open([plan], "dns_pool"))


def _calm(end: Outcome) -> Verdict:
    """The verdict where nothing is missing; without a setting nothing can be in force."""
    plans = end.plans
    doubts = [plan for plan in plans if plan.effectiveness.effective != "yes" and not plan.effectiveness.by_itself]
    if doubts or _open(plans, "disputed"):
        return "NOT SURELY SAFE"
    if _only_reports(end.request):
        return "NOT SURELY SAFE" if _open(plans, "programs") else "OK"
    if not plans:
        return "OK" if end.final.victims else "Nothing to do here"
    waits = any(plan.effectiveness.effective == "no" for plan in plans)
    return "OK, in force with the next boot" if waits else "OK, in force"


def _only_reports(request: Request) -> bool:
    """True if nothing is asked for but to say who can take ports: then no setting is in force."""
    return bool(request.items) and all(getattr(item.options, "report_only", False) for item in request.items)


def _open(plans: t.Iterable[Plan], taker: str) -> bool:
    """True if a plan leaves ports to this taker."""
    return any(plan.details.get("unprotected", {}).get(taker) for plan in plans)


# --- the sentence ----------------------------------------------------------------------------------------------------


def summary(outcome: Outcome, *, check_mode: bool) -> str:
    """The changes and their results, in one or a few short sentences."""
    if outcome.reboot is None and not outcome.broken_off:
        return _summary(outcome, check_mode=check_mode)
    first = "" if outcome.request.is_empty else _course(outcome, check_mode=check_mode)
    first = f"Before the reboot: {first}" if first and outcome.reboot else first
    reboot = sentence(outcome.reboot) if outcome.reboot else ""
    return " ".join(part for part in (first, reboot, _afterwards(outcome)) if part)


def notes(outcome: Outcome) -> tuple[str, ...]:
    """Notes beside the changes: why settings are in force, and which ports stay unprotected, with advice."""
    plans = outcome.end.plans
    done = (note for plan in outcome.plans if plan.changed for note in plan.notes)
    in_force = (
        plan.effectiveness.reason
        for plan in plans
        if plan.effectiveness.effective == "yes" and plan.effectiveness.reason
    )
    return (*done, *in_force, *_advice(outcome.request.advice, plans))


def _advice(advice: t.Mapping[str, str], plans: t.Iterable[Plan]) -> t.Iterator[str]:
    """For each taker of ports that stay open; what keeps DNS away says enough about programs."""
    found: t.Mapping[str, t.Sequence[str]] = next(
        (plan.details["unprotected"] for plan in plans if "unprotected" in plan.details), {}
    )
    taking = [taker for taker in TAKERS_TOLD if found.get(taker)]
    for taker in taking:
        if taker in advice and not (taker == "programs" and "dns_pool" in taking):
            yield " ".join(advice[taker].replace("{ports}", ", ".join(found[taker])).split())


def _summary(outcome: Outcome, *, check_mode: bool) -> str:
    failed = failures(outcome)
    said = " ".join(failed) if failed else _course(outcome, check_mode=check_mode)
    return " ".join(part for part in (said, left_over_sentence(outcome.final.left_over)) if part)


def _afterwards(outcome: Outcome) -> str:
    """The proof after the reboot, or what kept it from its end; in check mode, that there would be one."""
    if outcome.broken_off:
        return outcome.broken_off
    if outcome.proof:
        return f"After the reboot: {_summary(outcome.proof, check_mode=False)}"
    return "" if outcome.request.is_empty else "After the reboot: everything would be looked at again."


def _course(outcome: Outcome, *, check_mode: bool) -> str:
    if not outcome.planned.applicable:
        return f"Nothing to do here: {_missing_sentence(outcome.planned)}"
    kept = (sentence for plan in outcome.planned.plans for sentence in plan.kept)
    return " ".join(part for part in (_done(outcome, check_mode=check_mode), *kept, *_waits(outcome)) if part)


def _done(outcome: Outcome, *, check_mode: bool) -> str:
    if not outcome.planned.changed:
        return f"Nothing to change{_proof(outcome)}."
    verbs = _PLANNED_VERBS if check_mode else _DONE_VERBS
    resources = tuple(dict.fromkeys(plan.resource for plan in outcome.planned.plans if plan.changed))
    restarted = (*outcome.planned.interrupted, *((DNS_SERVICE,) if outcome.planned.restarts_dns else ()))
    objects = (resources, outcome.relieved, restarted)
    parts = [f"{verb} {', '.join(names)}" for verb, names in zip(verbs, objects, strict=True) if names]
    said = "; ".join(parts)
    proof = _proof(outcome) if outcome.applied else ""
    return f"{said[:1].upper()}{said[1:]}{proof}."


_DONE_VERBS: t.Final = ("changed", "started", "restarted")
_PLANNED_VERBS: t.Final = ("would change", "would start", "would restart")


def _proof(outcome: Outcome) -> str:
    """The proof in words, with the names of the services that were checked; empty if nothing was proved."""
    if not _is_proved(outcome):
        return ""
    owning = [report.service.name for report in outcome.final.victims if report.ports]
    running = [report.service.name for report in outcome.final.victims if not report.ports]
    parts = [
        f"{_listed(owning)} {'runs and owns its' if len(owning) == 1 else 'run and own their'} ports" if owning else "",
        f"{_listed(running)} {'runs' if len(running) == 1 else 'run'}, no port of it is known here" if running else "",
    ]
    return "".join(f"; {part}" for part in parts if part)


def _listed(names: t.Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _is_proved(outcome: Outcome) -> bool:
    """True if proof was asked for and every victim runs with its ports."""
    victims = outcome.final.victims
    return outcome.request.prove and bool(victims) and all(report.is_right for report in victims)


def _waits(outcome: Outcome) -> t.Iterator[str]:
    for report in _down_until_reboot(outcome):
        yield f"{report.service.name} stays down until the reboot: {'; '.join(map(str, report.intruders))}."
        if all(port.holder and port.holder.can_be_stopped for port in report.intruders):
            yield "To have it sooner, stop or restart that process, and run this again."
    for plan in outcome.plans:
        if plan.effectiveness.reason and (plan.effectiveness.effective != "yes" or _only_reports(outcome.request)):
            yield plan.effectiveness.reason
    yield from _waiting_resources(outcome.plans)


def _waiting_resources(plans: t.Sequence[Plan]) -> t.Iterator[str]:
    """Of several resources those that wait, by name; one alone has said so by its reason."""
    if len(plans) < 2:
        return
    waits = (
        ("a reboot", [plan.resource for plan in plans if plan.effectiveness.reboot_required]),
        ("a restart of DNS", [plan.resource for plan in plans if plan.effectiveness.restart_required]),
    )
    for event, names in waits:
        if names:
            yield f"Waiting for {event}: {', '.join(dict.fromkeys(names))}."
