# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of simulated servers: the roles of a scenario, as rows of services and settings of their setup programs."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.catalogue import BASE, DNS_ROWS, EDGE_ROWS, IAS_ROWS
from tests.simulator.windows.portranges import PortRange
from tests.simulator.windows.products import directory, exchange, others
from tests.simulator.windows.releases import Release
from tests.simulator.windows.rows import ServiceRow

CLUSTER_RESERVATION: t.Final = ("3343-3343",)
"""Found on servers as setup left them (ISC diary 11401) [T]."""
EXCHANGE_MAX_USER_PORT: t.Final = 60000
EXCHANGE_2007_RANGE: t.Final[PortRange] = (1025, 60000)
EXCHANGE_2010_RANGE: t.Final[PortRange] = (6005, 65534)
"""Exchange 2003 sets the first, Exchange 2007 on 2008 the second (KB929851), Exchange 2010 the third: 59,530 ports from
6005 up (TechNet wiki 864)."""
SMALL_BUSINESS: t.Final = 0x1 | 0x20
"""Bits of OSProductSuite: Small Business Server, and its licence's restrictions (Win32_OperatingSystem)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role. ``parts`` are roles that it brings with it; ``releases`` those that it exists on (none: all).

    ``victim``: the service that ``broken: true`` means. ``max_user_port`` and ``reserved_ports`` are found on NT 5.x,
    ``dynamic_range`` from 6.0 on, where the scenario does not say otherwise. ``suites`` are bits of OSProductSuite.
    """

    rows: tuple[ServiceRow, ...] = ()
    parts: tuple[str, ...] = ()
    releases: tuple[str, ...] = ()
    victim: str = ""
    max_user_port: int | None = None
    reserved_ports: tuple[str, ...] | None = None
    dynamic_range: PortRange | None = None
    domain_controller: bool = False
    caption: str = ""
    suites: int = 0


ROLES: t.Final[t.Mapping[str, Role]] = {
    "dns": Role(rows=DNS_ROWS),
    "blackberry_router": Role(rows=others.BLACKBERRY_ROWS, victim="BlackBerry Router"),
    "cluster": Role(rows=others.CLUSTER_ROWS, victim="ClusSvc", reserved_ports=CLUSTER_RESERVATION),
    "domain_controller": Role(rows=directory.ROWS, domain_controller=True),
    "exchange2003": Role(
        rows=exchange.ROWS_2003, releases=("2003",), victim="AUTD", max_user_port=EXCHANGE_MAX_USER_PORT
    ),
    "exchange2007": Role(
        rows=exchange.ROWS_2007, releases=("2003", "2008", "2008r2"), dynamic_range=EXCHANGE_2007_RANGE
    ),
    "exchange2010": Role(rows=exchange.ROWS_2010, releases=("2008", "2008r2"), dynamic_range=EXCHANGE_2010_RANGE),
    # It never ran on 2003; the simulator has no older release.
    "exchange55": Role(rows=exchange.ROWS_55, releases=("2003",)),
    "exchange_edge": Role(rows=EDGE_ROWS, victim="ADAM_MSExchange"),
    "ias": Role(rows=IAS_ROWS, victim="IAS"),
    "member": Role(),
    "rras": Role(rows=others.RRAS_ROWS, victim="RemoteAccess"),
    "sbs2003": Role(
        parts=("dns", "domain_controller", "ias", "rras", "exchange2003"),
        releases=("2003",),
        victim="IAS",
        reserved_ports=CLUSTER_RESERVATION,
        caption="Microsoft(R) Windows(R) Server 2003 for Small Business Server",
        suites=SMALL_BUSINESS,
    ),
    "wds": Role(rows=others.WDS_ROWS, victim="WDSServer"),
}


def expand(names: t.Iterable[str]) -> tuple[str, ...]:
    """Return roles with those that they bring, each once, in order."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        found.update(dict.fromkeys(expand(ROLES[name].parts)))
    return tuple(found)


def misplaced(names: t.Iterable[str], release: Release) -> str:
    """Return a sentence about the first role that cannot be on this release, or ""."""
    for name in names:
        releases = ROLES[name].releases
        if releases and release.key not in releases:
            return f"role {name} can be on {', '.join(releases)}"
    return ""


def rows_for(release: Release, names: t.Collection[str]) -> list[ServiceRow]:
    """Return the rows of a release with some expanded roles; a later row of the same service replaces the former."""
    era = "nt5" if release.nt5 else "nt6"
    rows = [*BASE, *(row for name in names for row in ROLES[name].rows)]
    found = {row.name: row for row in rows if row.era in ("all", era)}
    if "NTDS" in found and "DNS" in found:
        # The zones are in the directory [K].
        found["DNS"] = dataclasses.replace(found["DNS"], needs=(*found["DNS"].needs, "NTDS"))
    return list(found.values())


def release_with(release: Release, names: t.Iterable[str]) -> Release:
    """Return the release as the server's own setup calls it."""
    for name in names:
        role = ROLES[name]
        if role.caption:
            release = dataclasses.replace(release, caption=role.caption)
        release = dataclasses.replace(release, suite_mask=release.suite_mask | role.suites)
    return release
