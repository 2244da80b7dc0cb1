# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Windows releases that can be simulated: one row each, with its capabilities."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.interface import WinrmLimits

Language: t.TypeAlias = t.Literal["en", "de"]
WinrmStack: t.TypeAlias = t.Literal["1.1", "2.0", "3.0"]
NetshExclusions: t.TypeAlias = t.Literal["never", "with_hotfix", "always"]

OEM_CODE_PAGES: t.Final[dict[Language, int]] = {"en": 437, "de": 850}
ANSI_CODE_PAGES: t.Final[dict[Language, int]] = {"en": 1252, "de": 1252}
LOCALES: t.Final[dict[Language, int]] = {"en": 1033, "de": 1031}


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """One Windows Server release with its service pack, and its capabilities.

    ``netsh_exclusions``: in the box from 2012 on, by hotfix on 2008 and 2008 R2, absent on NT 5.x [K unverified].
    ``pool_built_in``: from 2008 R2 on the DNS server always has a pool; before, update KB951746/KB953230 brings it.
    ``dynamic_port_command``: ``netsh int ipv4 show dynamicport``, Vista and later (KB929851).
    """

    key: str
    caption: str
    version: str
    service_pack: int
    winrm_stacks: tuple[WinrmStack, ...]
    suite_mask: int
    windows_directory: str = "C:\\Windows"
    reserved_ports_honoured: bool = False
    netsh_exclusions: NetshExclusions = "always"
    dynamic_port_command: bool = True
    delayed_start: bool = True
    delayed_property: bool = False
    pool_built_in: bool = True
    pool_exclusion_list: bool = True
    standard_cimv2: bool = False
    per_service_processes: bool = False
    ad_lds_directory: str = "C:\\Windows"

    @property
    def build(self) -> int:
        """The build number, such as 7601."""
        return int(self.version.rsplit(".", 1)[1])

    @property
    def nt5(self) -> bool:
        """Whether this is an NT 5.x release (old TCP/IP stack, ReservedPorts, IPSEC Services)."""
        return self.version.startswith("5.")

    @property
    def ver_text(self) -> str:
        """The version as ``ver`` prints it."""
        return self.version if self.build < 10000 else f"{self.version}.{UPDATE_REVISIONS[self.key]}"

    def oem_code_page(self, language: Language) -> int:
        """Return the OEM code page of a language version."""
        return OEM_CODE_PAGES[language]


UPDATE_REVISIONS: t.Final = {"2016": 5717, "2019": 5696, "2022": 2402, "2025": 1742}
"""Plausible revision numbers for ``ver``; nothing depends on them."""

_ROWS: t.Final = (
    Release(
        key="2003",
        caption="Microsoft(R) Windows(R) Server 2003, Standard Edition",
        version="5.2.3790",
        service_pack=2,
        winrm_stacks=("1.1", "2.0"),
        suite_mask=272,
        windows_directory="C:\\WINDOWS",
        reserved_ports_honoured=True,
        netsh_exclusions="never",
        dynamic_port_command=False,
        delayed_start=False,
        pool_built_in=False,
        pool_exclusion_list=False,
        ad_lds_directory="C:\\WINDOWS\\ADAM",
    ),
    Release(
        key="2008",
        caption="Microsoft\u00ae Windows Server\u00ae 2008 Standard",
        version="6.0.6002",
        service_pack=2,
        winrm_stacks=("1.1", "2.0"),
        suite_mask=272,
        netsh_exclusions="with_hotfix",
        pool_built_in=False,
        pool_exclusion_list=False,
    ),
    Release(
        key="2008r2",
        caption="Microsoft Windows Server 2008 R2 Standard ",
        version="6.1.7601",
        service_pack=1,
        winrm_stacks=("2.0",),
        suite_mask=272,
        netsh_exclusions="with_hotfix",
    ),
    Release(
        key="2012r2",
        caption="Microsoft Windows Server 2012 R2 Standard",
        version="6.3.9600",
        service_pack=0,
        winrm_stacks=("3.0",),
        suite_mask=272,
        standard_cimv2=True,
    ),
    *(
        Release(
            key=key,
            caption=f"Microsoft Windows Server {key} Standard",
            version=f"10.0.{build}",
            service_pack=0,
            winrm_stacks=("3.0",),
            suite_mask=272,
            standard_cimv2=True,
            delayed_property=True,
            per_service_processes=key != "2016",
        )
        for key, build in (("2016", 14393), ("2019", 17763), ("2022", 20348), ("2025", 26100))
    ),
)

WINDOWS_2000: t.Final = dataclasses.replace(
    _ROWS[0],
    key="2000",
    caption="Microsoft Windows 2000 Server",
    version="5.00.2195",
    service_pack=4,
    winrm_stacks=(),
    windows_directory="C:\\WINNT",
)
"""Beside the others: it has no WinRM, so no fleet has it. What it has of 2003 is [K] unverified but for KB812873."""

RELEASES: t.Final[t.Mapping[str, Release]] = {row.key: row for row in _ROWS}

WINRM_LIMITS: t.Final[t.Mapping[WinrmStack, WinrmLimits]] = {
    "1.1": WinrmLimits(
        max_envelope_kb=150,
        max_timeout_ms=60000,
        max_batch_items=20,
        max_shells_per_user=2,
        max_operations_per_user=15,
        idle_timeout_seconds=900,
        batching="all_in_first",
        one_command_per_shell=True,
        signal_releases_operation=False,
    ),
    "2.0": WinrmLimits(
        max_envelope_kb=150,
        max_timeout_ms=60000,
        max_batch_items=32000,
        max_shells_per_user=5,
        max_operations_per_user=15,
        idle_timeout_seconds=180,
        batching="one_then_pulls",
        one_command_per_shell=False,
        signal_releases_operation=False,
    ),
    "3.0": WinrmLimits(
        max_envelope_kb=500,
        max_timeout_ms=60000,
        max_batch_items=32000,
        max_shells_per_user=30,
        max_operations_per_user=1500,
        idle_timeout_seconds=7200,
        batching="one_then_pulls",
        one_command_per_shell=False,
        signal_releases_operation=True,
    ),
}
"""Quotas by stack: MS-WSMV appendix for 1.1, known figures for 2.0, defaults of 2012 for 3.0 (some [K] unverified)."""


def limits_of(release: Release, stack: WinrmStack) -> WinrmLimits:
    """Return the quotas of a host; NT 5.x gave everything in the first answer in the known captures, even with 2.0."""
    limits = WINRM_LIMITS[stack]
    return dataclasses.replace(limits, batching="all_in_first") if release.nt5 else limits
