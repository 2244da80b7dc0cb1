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
_CAUSE: t.Final = (
    "In one report two Exchange 2007 servers in two sites exchanged mail at 557 bytes a second. The symptoms: queues "
    "with '421 4.4.2 Connection dropped' or '451 4.4.0', no trouble with any other server, and in captures of SMTP and "
    "SMB the same segment sent again and again, marked with a bad checksum. One server had a team of adapters, the "
    "other a single one, both had drivers of 2006. New drivers, and no team, ended it. Segments are also sent again if "
    "the network loses them."
)
_FIX: t.Final = (
    "Report only. Compare both servers of a slow pair: team or single adapter, and the drivers. The report of the",
    "role port_report does so, if both are in its play. In a maintenance window, renew the drivers and try a single",
    "adapter instead of the team. Stop services with data on iSCSI before, such as Exchange's information store.",
    "Bad checksums in a capture of a server's own segments prove nothing: the adapter may compute them later.",
)
_HP_FIX: t.Final = (
    "HP: if the driver package ends with 'HP Virtual Bus Device installation requires a newer version', install that",
    "device's driver first, in the report version 4.6.16.0 before 5.0.13.0.",
)


def retransmits(view: PortInfoView) -> list[Finding]:
    """Adapters are looked at only where the counters say that something is wrong. Raises FactsNeeded."""
    segments = view.facts[TcpSegmentsFact()]
    limits = view.inquiry.limits
    if segments.sent < ENOUGH_SEGMENTS or percent(segments) <= limits.retransmitted_percent:
        return []
    view.facts.require(NetworkAdaptersFact(), NetworkDriversFact())
    adapters = [adapter for adapter in view.facts[NetworkAdaptersFact()] if adapter.connected]
    drivers = _connected_drivers(adapters, view)
    suspects = (*_teams(adapters), *_old_drivers(drivers, view))
    if not suspects:
        return []
    others = (item for item in map(_driver_evidence, drivers) if item not in suspects)
    share = f"{percent(segments):.1f} % of {segments.sent} TCP segments since the boot were sent again"
    return [
        Finding(
            **of_kind("network_retransmits"),
            summary=f"{share}; {'; '.join(item.text for item in suspects)}.",
            cause=_CAUSE,
            evidence=(Evidence("counter", share), *suspects, *others),
            fix=report_only(*_FIX, *(_HP_FIX if any(_is_of_hp(driver) for driver in drivers) else ())),
        )
    ]


def percent(segments: TcpSegments) -> float:
    """The part of the segments that was sent again, in percent."""
    return 100 * segments.retransmitted / segments.sent


def _teams(adapters: t.Iterable[NetworkAdapter]) -> t.Iterator[Evidence]:
    for adapter in adapters:
        if adapter.service.casefold().startswith(TEAM_DRIVERS):
            yield Evidence("adapter", f"{adapter.name} is a team")


def _connected_drivers(adapters: t.Iterable[NetworkAdapter], view: PortInfoView) -> tuple[NetworkDriver, ...]:
    connected = {adapter.device_id.casefold() for adapter in adapters if adapter.device_id}
    return tuple(
        driver for driver in view.facts.optional(NetworkDriversFact(), ()) if driver.device_id.casefold() in connected
    )


def _old_drivers(drivers: t.Iterable[NetworkDriver], view: PortInfoView) -> t.Iterator[Evidence]:
    oldest = local_time(view) - datetime.timedelta(days=view.inquiry.limits.driver_years * DAYS_OF_A_YEAR)
    for driver in drivers:
        if _is_older(driver, oldest):
            yield _driver_evidence(driver)


def _driver_evidence(driver: NetworkDriver) -> Evidence:
    made = f" of {driver.date.date().isoformat()}" if driver.date else ""
    return Evidence("adapter", f"{driver.name} has driver {driver.version}{made}")


def _is_older(driver: NetworkDriver, moment: datetime.datetime) -> bool:
    return driver.date is not None and driver.date < moment and driver.provider.casefold() != IN_BOX_PROVIDER


def _is_of_hp(driver: NetworkDriver) -> bool:
    return driver.name.casefold().startswith("hp ") or driver.provider.casefold().startswith(("hp", "hewlett"))
