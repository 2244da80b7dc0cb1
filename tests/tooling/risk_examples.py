# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of docs/risk.md, computed by the collection itself."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.what_if import CANDIDATES, DOUBTS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import RANGES_OF_SETUPS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    EDGE_PORTS,
    SERVICES_BY_KEY,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.next_boot import Chance, Need, NextBoot
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import (
    DEFAULT_POOL_RANGE,
    Release,
    release_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange, PortSet

SERVER: t.Final = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Example:
    """A server: its release, its settings, and the catalogue's keys of its services."""

    version: str
    products: tuple[str, ...]
    max_user_port: int | None = None
    dynamic_udp: PortRange = DEFAULT_POOL_RANGE

    @property
    def release(self) -> Release:
        """The release with its capabilities."""
        return release_of(self.version, SERVER)

    @property
    def boot(self) -> NextBoot:
        """Its next boot, with the pool as it is by default."""
        capabilities = self.release.capabilities
        return NextBoot(
            capabilities=capabilities,
            pool="always" if capabilities.always_has_pool else "confirmed",
            dns="auto",
            size=2500,
            max_user_port=self.max_user_port,
            dynamic_udp=self.dynamic_udp if capabilities.dynamic_port_ranges else None,
            needs=tuple(Need(product=key, service=key, ports=_udp(key)) for key in self.products),
        )

    @property
    def setting(self) -> str:
        """The settings that differ from Windows' defaults."""
        if self.max_user_port is not None:
            return f"`MaxUserPort` {self.max_user_port}"
        return "defaults" if self.dynamic_udp == DEFAULT_POOL_RANGE else f"dynamic range {self.dynamic_udp}"


OF_2003, OF_2008, OF_2008_R2, OF_2022 = "5.2.3790", "6.0.6002", "6.1.7601", "10.0.20348"
EXCHANGE_RANGE, EXCHANGE_2010_RANGE = (row.ports for row in RANGES_OF_SETUPS)
EXAMPLES: t.Final[tuple[Example, ...]] = (
    Example(OF_2003, ("autd",), 60000),
    Example(OF_2003, ("ias", "l2tp", "autd", "ipsec"), 60000),
    Example(OF_2003, ("ias", "l2tp", "autd", "ipsec")),
    Example(OF_2003, (AD_LDS_KEY,)),
    Example(OF_2008, (AD_LDS_KEY,)),
    Example(OF_2008, ("ias",)),
    Example(OF_2008, ("ias",), dynamic_udp=EXCHANGE_RANGE),
    Example(OF_2008_R2, (AD_LDS_KEY,)),
    Example(OF_2008_R2, ("wireguard",), dynamic_udp=EXCHANGE_2010_RANGE),
    Example(OF_2008_R2, ("ias",), 60000),
    Example(OF_2022, ("wireguard",)),
    Example(OF_2022, (AD_LDS_KEY, "wireguard", "bigfix")),
)


def example_rows() -> t.Iterator[tuple[str, ...]]:
    """Release, setting, services, ports at risk, probability, and the rest of it after the release's documented fix."""
    for example in EXAMPLES:
        boot = example.boot
        fixes = [one for one in CANDIDATES if one.applies(boot) and one.advised(boot)]
        best = min((one.change(boot).chance for one in fixes), default=boot.chance)
        names = ", ".join(one.name for one in fixes)
        contested = " (range contested)" if boot.range.contested else ""
        yield (
            example.release.name.removeprefix("Windows Server "),
            example.setting + contested,
            ", ".join(example.products),
            str(boot.exposed.count),
            str(boot.drawable.count),
            percent(boot.chance),
            f"{percent(best)} by `{names}`" if boot.chance else "nothing to fix",
        )


def candidate_rows() -> t.Iterator[tuple[str, ...]]:
    """The candidates, and the releases on which each is advised."""
    for candidate in CANDIDATES:
        yield f"`{candidate.name}`", candidate.how, candidate.takes_effect.replace("_", " "), candidate.note


def doubt_rows() -> t.Iterator[tuple[str, ...]]:
    """The assumptions of the figures."""
    for doubt in DOUBTS:
        yield f"`{doubt.name}`", doubt.sentence


def percent(chance: Chance) -> str:
    """For the page: three digits."""
    return f"{float(chance):.1%}" if chance else "0"


def _udp(key: str) -> PortSet:
    return EDGE_PORTS if key == AD_LDS_KEY else SERVICES_BY_KEY[key].udp
