# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases that the offline kit serves: those of the modules, and Windows 2000, which the kit alone knows.

The facts of Windows 2000 stand here, each with its source; [K] unverified is a hypothesis.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release, release_of

SERVER: t.Final = 3
"""Win32_OperatingSystem.ProductType; a domain controller has the same capabilities."""
WINDOWS_2000: t.Final = "2000"
_RESERVING_PACK: t.Final = 4
"""Windows 2000 reads ReservedPorts (KB812873), but before this service pack only with a hotfix ([K] unverified)."""

_VERSIONS: t.Final[t.Mapping[str, str]] = {
    WINDOWS_2000: "5.0.2195",
    "2003": "5.2.3790",
    "2008": "6.0.6002",
    "2008r2": "6.1.7601",
    "2012": "6.2.9200",
    "2012r2": "6.3.9600",
    "2016": "10.0.14393",
    "2019": "10.0.17763",
    "2022": "10.0.20348",
    "2025": "10.0.26100",
}
RELEASES: t.Final = tuple(_VERSIONS)
"""The names that the inventory may give; 2003 stands for SBS 2003 and 2003 R2 too, which report the same version."""


@dataclasses.dataclass(frozen=True, slots=True)
class KitRelease:
    """A release with the programs that its console has."""

    release: Release
    has_reg: bool
    """reg.exe is in the box from XP and 2003 on; Windows 2000 has it in its Support Tools only (pg-fl.jp/doscmd)."""
    has_sc: bool
    """sc.exe the same ([K] unverified for 2000, where the Resource Kit brings it)."""

    @property
    def netstat(self) -> str:
        """The command that lists sockets; ``-o``, the process, came with XP and 2003 ([K] unverified)."""
        return "netstat -ano" if self.has_sc else "netstat -an"

    @property
    def numbers(self) -> tuple[int, int]:
        """The part of the version that tells releases apart."""
        return self.release.major, self.release.minor


def kit_release(key: str) -> KitRelease:
    """The release of this name, one of ``RELEASES``."""
    if key != WINDOWS_2000:
        return KitRelease(release_of(_VERSIONS[key], SERVER), has_reg=True, has_sc=True)
    # ReservedPorts (KB812873), MaxUserPort (cc938196) and the DNS server's pool (KB956188) are documented for 2000 as
    # they are for 2003; that a failed IPSEC service blocks all traffic there too is [K] unverified, and taken for
    # granted since the guard against it costs one reserved port.
    like = release_of(_VERSIONS["2003"], SERVER)
    windows_2000 = like._replace(name="Windows 2000 Server", minor=0, build=2195)
    return KitRelease(windows_2000, has_reg=False, has_sc=False)


def refuse_old_pack(kit: KitRelease, service_pack: int, *, reserves: bool) -> None:
    """Raise PlanError if this Windows 2000 may not honour a reservation."""
    if kit.has_reg or not reserves or service_pack >= _RESERVING_PACK:
        return
    raise PlanError(
        "ReservedPorts",
        f"Windows 2000 is taken to read it from service pack {_RESERVING_PACK} on, and service_pack is {service_pack}",
        f"Install service pack {_RESERVING_PACK}, and give its number as service_pack",
    )
