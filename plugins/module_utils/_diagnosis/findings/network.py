# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many retransmitted segments together with teamed adapters or old drivers: reported, never changed."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import local_time
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import of_kind
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import report_only
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    NetworkAdapter,
    NetworkAdaptersFact,
    NetworkDriver,
    NetworkDriversFact,
    TcpSegments,
    TcpSegmentsFact,
)

ENOUGH_SEGMENTS: t.Final = 100_000
"""Below that a share says little."""
TEAM_DRIVERS: t.Final = ("blfp", "blfm", "cpqteam", "ians", "ndisimplatform")
"""First letters of teaming drivers' key names: Broadcom, HP, Intel, Windows Server 2012 and later; [K] unverified."""
IN_BOX_PROVIDER: t.Final = "microsoft"
"""Windows' own drivers all carry the date 2006-06-21, at any age ([K] unverified)."""
DAYS_OF_A_YEAR: t.Final = 365.25


def retransmits(view: PortInfoView) -> list[Finding]:
    """Adapters are looked at only where the counters say that something is wrong. Raises FactsNeeded."""
    segments = view.facts[TcpSegmentsFact()]
    limits = view.inquiry.limits
    if segments is None or segments.sent < ENOUGH_SEGMENTS or percent(segments) <= limits.retransmitted_percent:
        return []
    view.facts.require(NetworkAdaptersFact(), NetworkDriversFact())
    adapters = [adapter for adapter in view.facts[NetworkAdaptersFact()] if adapter.connected]
    suspects = (*_teams(adapters), *_old_drivers(adapters, view))
    if not suspects:
        return []
    share = f"{percent(segments):.1f} % of {segments.sent} TCP segments since the boot were sent again"
    return [
        Finding(
            **of_kind("network_retransmits"),
            summary=f"{share}; {'; '.join(item.text for item in suspects)}.",
            cause="In one report two servers exchanged mail at 557 bytes a second until their teamed adapters got "
            "drivers of this decade and the team was dissolved. Segments are also sent again where the network loses "
            "them.",
            evidence=(Evidence("counter", share), *suspects),
            fix=report_only(
                "Report only. Renew the adapters' drivers in a maintenance window, stop services with data on iSCSI "
                "before, and try a single adapter instead of the team."
            ),
        )
    ]


def percent(segments: TcpSegments) -> float:
    """The part of the segments that was sent again, in percent."""
    return 100 * segments.retransmitted / segments.sent


def _teams(adapters: t.Iterable[NetworkAdapter]) -> t.Iterator[Evidence]:
    for adapter in adapters:
        if adapter.service.casefold().startswith(TEAM_DRIVERS):
            yield Evidence("adapter", f"{adapter.name} is a team")


def _old_drivers(adapters: t.Iterable[NetworkAdapter], view: PortInfoView) -> t.Iterator[Evidence]:
    connected = {adapter.device_id.casefold() for adapter in adapters if adapter.device_id}
    oldest = local_time(view) - datetime.timedelta(days=view.inquiry.limits.driver_years * DAYS_OF_A_YEAR)
    for driver in view.facts[NetworkDriversFact()]:
        if driver.device_id.casefold() in connected and _is_older(driver, oldest):
            made = driver.date.date().isoformat() if driver.date else ""
            yield Evidence("adapter", f"{driver.name} has driver {driver.version} of {made}")


def _is_older(driver: NetworkDriver, moment: datetime.datetime) -> bool:
    return driver.date is not None and driver.date < moment and driver.provider.casefold() != IN_BOX_PROVIDER
