# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A delayed start of DNS that Windows does not keep."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.service_start_mode import (
    current_mode,
    pulled_forward_by,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    of_kind,
    service_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.delayed_start import way_out, why_void
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import FactUnread
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import delayed_flag


def void_delay(view: PortInfoView) -> list[Finding]:
    """A delayed start of DNS that Windows does not keep; dependencies are read only for one. Raises FactsNeeded."""
    dns = view.dns_service()
    if dns is None or not view.context.capabilities.delayed_start or dns.start_mode != "Auto":
        return []
    view.facts.require(delayed_flag(dns.name))
    if current_mode(dns, view.context) != "delayed":
        return []
    pulled_by = pulled_forward_by(dns.name, view.context)
    if not pulled_by:
        return []
    advice = way_out(dns.name, pulled_by, pool_exclusions=view.context.capabilities.dns_pool_exclusions)
    task = {
        "name": "Let them start late, too",
        "portkeeper.windows.service_start_mode": {"name": list(pulled_by), "start_mode": "delayed"},
    }
    return [
        Finding(
            **of_kind("delayed_start_void"),
            summary=why_void(dns.name, pulled_by),
            cause="What starts at the boot takes along what it needs: the service manager does not keep the delay, and "
            "DNS may draw the ports of other services before these have them.",
            evidence=(
                service_evidence(dns),
                *(Evidence("service", f"{name} starts automatically and depends on {dns.name}") for name in pulled_by),
            ),
            service=dns.name,
            fix=tasks(task, comments=(advice,)),
        )
    ]


def known_pullers(context: Context) -> tuple[str, ...]:
    """The services that make a delayed start of DNS void, as far as that can be read. Raises FactsNeeded."""
    try:
        return pulled_forward_by(DNS_SERVICE, context)
    except FactUnread:
        return ()
