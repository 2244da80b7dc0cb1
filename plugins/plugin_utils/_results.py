# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An outcome as the dictionary that Ansible returns to the user."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Plan
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.outcome import Outcome, failures, summary
from ansible_collections.portkeeper.windows.plugins.module_utils._change.value_parts import weakest


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
    return result


def many_results(outcome: Outcome, *, host: str, check_mode: bool, diff: bool) -> dict[str, t.Any]:
    """The result of ``converge``."""
    plans = outcome.plans
    forces = [plan.force for plan in plans]
    result = {
        **_common(outcome, check_mode=check_mode),
        "changed": outcome.planned.changed,
        "applicable": outcome.planned.applicable,
        "missing_services": [*outcome.planned.missing_services, *outcome.planned.missing_choice],
        "missing_capabilities": list(outcome.planned.missing_capabilities),
        "resources": [{"resource": plan.resource, **_of_plan(plan), **plan.details} for plan in plans],
        "victims": [report.as_dict() for report in outcome.final.victims],
        "victims_before": [report.as_dict() for report in outcome.planned.victims],
        "relieved": list(outcome.planned.relieved),
        "dns_restarted": outcome.planned.restarts_dns and outcome.applied,
        "effective": weakest(forces).effective,
        "reasons": [force.reason for force in forces if force.reason],
    }
    if diff:
        result["diff"] = [_diff(plan, host) for plan in plans if plan.changed] + _services_diff(outcome, host)
    failed = failures(outcome)
    return {**result, "failed": True, "failures": list(failed)} if failed else result


def _common(outcome: Outcome, *, check_mode: bool) -> dict[str, t.Any]:
    warnings = [warning for plan in outcome.planned.plans for warning in plan.warnings]
    return {
        "msg": summary(outcome, check_mode=check_mode),
        "release": outcome.planned.release.name,
        "reboot_required": outcome.reboot_required,
        "restart_required": outcome.restart_required,
        "warnings": warnings,
    }


def _of_plan(plan: Plan) -> dict[str, t.Any]:
    return {
        "changed": plan.changed,
        "before": dict(plan.before),
        "after": dict(plan.after),
        "effective": plan.force.effective,
        "reasons": [plan.force.reason] if plan.force.reason else [],
        "reboot_required": plan.force.reboot_required,
        "restart_required": plan.force.restart_required,
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


def _services_diff(outcome: Outcome, host: str) -> list[dict[str, t.Any]]:
    relieved = outcome.planned.relieved
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
