# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that ``port_info`` returns of a server, by its subsets."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.next_boot import EffectiveRow, RiskRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.ports import (
    DnsPoolRow,
    DynamicRangesRow,
    ProcessRow,
    ReservationsRow,
    SocketRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import (
    InstanceRow,
    ReleaseRow,
    RolesRow,
    ServiceRow,
    UpdatesRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import told

NOT_SEEN: t.Final = "not_seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadRow:
    """A reading that failed."""

    reading: str = field(
        metadata=told("What could not be read.", "the list of updates (Win32_QuickFixEngineering)", key=True)
    )
    reason: str = field(
        metadata=told(
            "Why, in a sentence.",
            "Enumerate of root/cimv2 on dc1 failed: WMI failed without saying why (0x80041001).",
        )
    )
    lost: tuple[str, ...] = field(
        metadata=told("What is not known for want of it, subsets by their names.", ["findings (dns_update_missing)"])
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PortInfo:
    """A subset that was not gathered, or that this Windows could not answer, is ``None``."""

    release: ReleaseRow | None = field(
        default=None, metadata=told("The server's Windows and what it offers to this collection.")
    )
    updates: UpdatesRow | None = field(
        default=None,
        metadata=told(
            "The update that brought the DNS socket pool (MS08-037). Windows Server 2008 R2 and later have the "
            "pool without it and are not asked."
        ),
    )
    dynamic_ranges: DynamicRangesRow | None = field(
        default=None, metadata=told("Where ports are drawn from at random.")
    )
    reservations: ReservationsRow | None = field(
        default=None,
        metadata=told("The ports that nobody gets by chance. None where the release honours neither mechanism."),
    )
    dns_pool: DnsPoolRow | None = field(
        default=None, metadata=told("The DNS server and its socket pool. None where the DNS server is not installed.")
    )
    sockets: tuple[ProcessRow | SocketRow, ...] | None = field(
        default=None,
        metadata=told(
            (
                "TCP listeners, bound UDP sockets, and outgoing TCP connections that hold a port, sorted by port.",
                (
                    "Outgoing connections are looked at on O(ports), if these are 64 at most, and without O(ports) on "
                    "those of the catalogue of known services. On a port that somebody listens on there is none, since "
                    "an accepted connection shares its listener's port. netstat, on releases before Windows Server "
                    "2012, does not show sockets that are bound and nothing more."
                ),
            )
        ),
    )
    ad_lds: tuple[InstanceRow, ...] | None = field(default=None, metadata=told("The AD LDS (ADAM) instances."))
    services: tuple[ServiceRow, ...] | None = field(
        default=None,
        metadata=told(
            "The services that matter here, as far as they are installed - DNS, WinRM, and those of the catalogue"
            " of known services."
        ),
    )
    roles: RolesRow | None = field(
        default=None,
        metadata=told(
            "What this server is, and which roles of this collection are for it. See the role C(port_baseline)."
        ),
    )
    configured_versus_effective: tuple[EffectiveRow, ...] | None = field(
        default=None,
        metadata=told("One row for each thing that is configured here, or that this collection has changed."),
    )
    risk: RiskRow | None = field(
        default=None,
        metadata=told(
            "How probable it is that at the next boot the DNS server's socket pool takes a UDP port that a "
            "service needs, now and after each thing that could be changed. What is configured counts, also where"
            " it waits for a reboot. Needed are the ports of installed services of the catalogue that start by "
            "themselves, and those of AD LDS. Computed in closed form, not measured. See docs/risk.md."
        ),
    )
    findings: tuple[Finding, ...] | None = field(
        default=None,
        metadata=told(
            "What is wrong, worst first. Empty on a server where nothing is. The kinds stand in "
            "docs/troubleshooting.md. With O(detail=sentences) a line for each."
        ),
    )
    unread: tuple[UnreadRow, ...] = field(
        default=(),
        metadata=told(
            "What could not be read, although it was asked for. Everything that does not rest on it is known all the "
            "same; RV(msg) names it, and a warning says why. Also returned with O(query).",
            returned="success",
        ),
    )

    @property
    def lacks_pool(self) -> bool:
        """True if the DNS server was seen to have no socket pool."""
        return bool((self.updates and self.updates.dns_pool == NOT_SEEN) or (self.risk and self.risk.pool == NOT_SEEN))
