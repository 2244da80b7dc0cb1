# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start modes that are the user's to choose, and still worth a word: they help the thief, or take DNS away."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import SetDelayedStart
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    OperatingSystemFact,
    ServiceFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    udp_ports_by_name,
)

_DOMAIN_CONTROLLER: t.Final = 2
"""Win32_OperatingSystem.ProductType."""


def warnings(run: PlannedRun) -> tuple[str, ...]:
    """A sentence for each; raises FactsNeeded."""
    return () if run.request.undo else (*_delayed_victims(run), *_dns_left_out(run))


def _delayed_victims(run: PlannedRun) -> t.Iterator[str]:
    """Warnings of services that start after the DNS server: they lose the ports that the pool has drawn by then."""
    delayed = {
        step.service: ports
        for step in run.steps_of(SetDelayedStart)
        if step.delayed
        if (ports := udp_ports_by_name(step.service))
    }
    dns = run.context.facts[ServiceFact(DNS_SERVICE)] if delayed else None
    if dns is None or dns.start_mode != "Auto":
        return
    for name, ports in delayed.items():
        yield (
            f"{name} starts delayed now, and so after the DNS server, whose pool may hold its ports (UDP {ports}) by "
            "then: keep these ports from the pool (dns_socket_pool, reserved_ports), or delay DNS instead."
        )


def _dns_left_out(run: PlannedRun) -> t.Iterator[str]:
    for plan in run.plans:
        modes = plan.after.get("start_mode", {})
        mode = next((mode for name, mode in modes.items() if name.casefold() == DNS_SERVICE.casefold()), "")
        if mode not in ("disabled", "manual"):
            continue
        is_controller = run.context.facts[OperatingSystemFact()].product_type == _DOMAIN_CONTROLLER
        who = "This server is a domain controller: who asks it for the domain" if is_controller else "Who asks it"
        yield (
            f"With the start mode {mode} the DNS server does not start at the next boot. {who} gets no answer from "
            "then on."
        )
