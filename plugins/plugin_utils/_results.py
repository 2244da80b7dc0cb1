# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An outcome as the dictionary that Ansible returns to the user."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import EFFECTIVE, Plan
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import (
    Outcome,
    failures,
    notes,
    run_verdict,
    summary,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import Report
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import weakest
from ansible_collections.portkeeper.windows.plugins.module_utils._change.verdicts import opened
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client


def single_result(outcome: Outcome, *, host: str, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The result of a module with one resource."""
    (plan,) = outcome.plans
    result = {
        **_common(outcome, check_mode=check_mode),
        **_of_plan(plan),
        **plan.details,
        "changed": outcome.planned.changed,
    }
    if diff:
        result["diff"] = _diff(plan, host)
    return {**result, "failed": True} if outcome.broken_off else result


def many_results(outcome: Outcome, *, host: str, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The result of ``converge``."""
    end = outcome.end
    judged = [plan.effectiveness for plan in end.plans]
    victims_before = [report.as_dict() for report in outcome.planned.victims]
    victims = [report.as_dict() for report in end.final.victims]
    result = {
        **_common(outcome, check_mode=check_mode),
        "changed": outcome.changed,
        "applicable": outcome.planned.applicable,
        "missing_services": [*outcome.planned.missing_services, *outcome.planned.missing_choice],
        "missing_capabilities": list(outcome.planned.missing_capabilities),
        "resources": _resources(outcome),
        # One object, where it can be: Ansible's parent process keeps the results of all servers of a batch.
        "victims": victims_before if victims == victims_before else victims,
        "victims_before": victims_before,
        "relieved": list(dict.fromkeys((*outcome.relieved, *end.relieved))),
        "left_over": as_plain(end.final.left_over),
        "dns_restarted": any(run.planned.restarts_dns and run.applied for run in (outcome, end)),
        "rebooted": outcome.reboot is not None and outcome.reboot.rebooted,
        "effective": weakest(judged).effective,
        "reasons": [effectiveness.reason for effectiveness in judged if effectiveness.reason],
        "notes": list(notes(outcome)),
    }
    if outcome.reboot:
        result["elapsed"] = round(outcome.reboot.elapsed, 1)
    if diff:
        later = outcome.proof.plans if outcome.proof else ()
        changed = [plan for plan in (*outcome.plans, *later) if plan.changed]
        result["diff"] = [_diff(plan, host) for plan in changed] + _services_diff(result["relieved"], host)
    failed = failures(outcome)
    return {**result, "failed": True, "failures": list(failed)} if failed else result


def reboot_result(outcome: Outcome, *, host: str, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The result of ``server_reboot``."""
    # A run that always reboots has one, or has raised.
    report = t.cast(Report, outcome.reboot)
    waiting = list(report.settled)
    before = {"uptime": round(report.uptime_before), "waiting_for_reboot": waiting}
    after = {"uptime": round(report.uptime or 0), "waiting_for_reboot": []}
    result = {
        **_common(outcome, check_mode=check_mode),
        "changed": True,
        "rebooted": report.rebooted,
        "elapsed": round(report.elapsed, 1),
        "before": before,
        "after": after,
        # How it stands after the reboot, which in check mode would come.
        "effective": "yes",
        "reasons": [],
        "reboot_required": False,
        "services": dict(report.services),
    }
    if report.method:
        result["method"] = report.method
    if diff:
        result["diff"] = {"before_header": host, "after_header": host, "before": before, "after": after}
    return result


def with_rights(result: dict[str, t.Any], outcome: Outcome, client: Client) -> dict[str, t.Any]:
    """The result of check mode with the rights that the account lacks for the planned steps, as far as Windows says."""
    if not (outcome.planned.steps or outcome.reboot):
        return result
    # Only a check mode that finds something to do asks for rights.
    from ansible_collections.portkeeper.windows.plugins.module_utils._windows.rights import (  # noqa: PLC0415
        asked,
        needs_of,
    )

    needs = needs_of(outcome.planned.steps, reboots=outcome.reboot is not None)
    if not needs:
        return result
    found = asked(client, needs)
    return {**result, "rights": found.as_dict(), "warnings": [*result["warnings"], *filter(None, [found.warning])]}


def _resources(outcome: Outcome) -> list[dict[str, t.Any]]:
    """Each resource as it is in the end, with what the whole run changed."""
    return [
        {
            "resource": last.resource,
            **_of_plan(last),
            **last.details,
            "changed": first.changed or last.changed,
            "before": dict(first.before),
        }
        for first, last in _first_and_last(outcome)
    ]


def _first_and_last(outcome: Outcome) -> list[tuple[Plan, Plan]]:
    """The plan of each resource, and the one of the run after the reboot, if there was one."""
    first, last = outcome.plans, outcome.end.plans
    if not (outcome.request.undo and outcome.proof):
        return list(zip(first, last, strict=True))
    # What is taken back by now is no resource of that run any more, and waits for nothing.
    later = {plan.resource: plan for plan in last}
    return [
        (plan, later.get(plan.resource) or plan._replace(before=plan.after, effectiveness=EFFECTIVE)) for plan in first
    ]


def _common(outcome: Outcome, *, check_mode: bool) -> dict[str, t.Any]:
    verdict = run_verdict(outcome, check_mode=check_mode)
    said = summary(outcome, check_mode=check_mode)
    return {
        "verdict": verdict,
        "msg": said if said.startswith(verdict) else opened(verdict, said),
        "release": outcome.planned.release.name,
        "reboot_required": outcome.end.reboot_required,
        "restart_required": outcome.end.restart_required,
        "warnings": _warnings(outcome),
    }


def _warnings(outcome: Outcome) -> list[str]:
    """Those of the run, of its reboot, and what the run after that adds."""
    said = [warning for plan in outcome.planned.plans for warning in plan.warnings]
    said += outcome.planned.warnings
    said += outcome.reboot.warnings if outcome.reboot else ()
    later = (warning for plan in outcome.end.planned.plans for warning in plan.warnings)
    return said + [warning for warning in later if warning not in said]


def _of_plan(plan: Plan) -> dict[str, t.Any]:
    return {
        "changed": plan.changed,
        "before": dict(plan.before),
        "after": dict(plan.after),
        "effective": plan.effectiveness.effective,
        "reasons": [plan.effectiveness.reason] if plan.effectiveness.reason else [],
        "reboot_required": plan.effectiveness.reboot_required,
        "restart_required": plan.effectiveness.restart_required,
        "waiting_for": [dict(item) for item in plan.waiting_for],
    }


def _diff(plan: Plan, host: str) -> dict[str, t.Any]:
    header = f"{host}: {plan.resource}"
    return {
        "before_header": header,
        "after_header": header,
        "before": dict(plan.before),
        "after": dict(plan.after) if plan.changed else dict(plan.before),
    }


def _services_diff(relieved: t.Sequence[str], host: str) -> list[dict[str, t.Any]]:
    if not relieved:
        return []
    header = f"{host}: services"
    return [
        {
            "before_header": header,
            "after_header": header,
            "before": dict.fromkeys(relieved, "Stopped"),
            "after": dict.fromkeys(relieved, "Running"),
        }
    ]
