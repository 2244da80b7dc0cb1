# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Capabilities of each Windows release: only this file decides anything by a version number.

All other code asks for a capability. If a row rests on something that is not documented, the source beside it says
so: "[K] unverified" is a hypothesis, and ``CONTESTED`` holds the sentences for rules whose sources disagree.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import told
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange

Support = t.Literal["no", "probe", "yes"]
PoolRangeRule = t.Literal["max_user_port", "count_from_start"]
WORKSTATION: t.Final = 1
DOMAIN_CONTROLLER: t.Final = 2
"""Win32_OperatingSystem.ProductType."""

DEFAULT_POOL_RANGE: t.Final = PortRange(49152, 65535)
"""The range of the DNS server's pool while MaxUserPort is not set (6.0+ KB929851; NT 5.x [K] unverified)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The capabilities of a Windows release."""

    reserved_ports_value: bool = dataclasses.field(metadata=told("Windows honours the value C(ReservedPorts).", False))
    """The stack honours ``Tcpip\\Parameters\\ReservedPorts``, after a reboot (KB812873: 2000, XP and 2003 only)."""
    excluded_port_ranges: Support = dataclasses.field(
        metadata=told(
            "Whether netsh has C(excludedportrange). V(yes), V(no), or V(probe) where the server must be asked.", "yes"
        )
    )
    """``netsh interface ipv4 ... excludedportrange``. 6.2+ has it in the box; 6.0 and 6.1 by hotfix KB2665809
    ([K] unverified), so there the verb is probed."""
    dynamic_port_ranges: bool = dataclasses.field(
        metadata=told("The range of ephemeral ports can be set by netsh.", True)
    )
    """``netsh interface ipv4 ... dynamicport`` (KB929851: Vista and 2008 on)."""
    dns_pool_exclusions: bool = dataclasses.field(metadata=told("The DNS server can leave ports alone.", True))
    """dns.exe honours ``SocketPoolExcludedPortRanges`` (2008 R2 on; TechNet ff807375, ee649174)."""
    always_has_pool: bool = dataclasses.field(
        metadata=told("The DNS server has a socket pool without an update.", True)
    )
    """dns.exe has a socket pool without an update (6.1+); before, MS08-037 (KB951746, KB953230) brought it."""
    dns_pool_range: PoolRangeRule = dataclasses.field(
        metadata=told(
            "What C(MaxUserPort) means to the DNS server. V(max_user_port) for the highest port, "
            "V(count_from_start) for a count. The latter is contested.",
            "count_from_start",
        )
    )
    """MaxUserPort as dns.exe reads it. ``max_user_port``: it draws from 1024 to that port; ``count_from_start``: it
    is a count, the range is [start, start + MaxUserPort]. See ``CONTESTED``."""
    delayed_start: bool = dataclasses.field(metadata=told("Services can start delayed.", True))
    """Services can start delayed (SERVICE_DELAYED_AUTO_START_INFO: Vista and 2008 on)."""
    delayed_start_property: bool = dataclasses.field(
        metadata=told("WMI tells of a delayed start; before, the registry does.", True)
    )
    """``Win32_Service.DelayedAutoStart`` exists (Windows 10 and 2016 on); earlier releases have it in the registry."""
    network_endpoint_classes: bool = dataclasses.field(
        metadata=told("WMI tells of sockets; before, C(netstat) does.", True)
    )
    """``MSFT_NetTCPConnection`` and ``MSFT_NetUDPEndpoint`` in root/StandardCimv2 (Windows 8 and 2012 on)."""
    shell_codepage: int = dataclasses.field(metadata=told("Code page of a WinRS shell.", 65001))
    """Code page for WinRS: with 65001 batch files do nothing before 2008 R2 (field reports), so 437 there."""
    signal_between_commands: bool = dataclasses.field(
        metadata=told("A WinRS shell must be told that a command is over before it takes the next one.", False)
    )
    """A shell has one outstanding command (MS-WSMV <116>: WinRM 1.1, which 2003 and 2008 may have)."""
    dfsr_port: int | None = dataclasses.field(
        metadata=told("The port of DFS Replication on a domain controller, where the release fixes it, or none.", 5722)
    )
    """The port of DFS Replication on domain controllers, if it is fixed (5722 on 2008 and 2008 R2; AskDS blog)."""
    ipsec_block_mode: bool = dataclasses.field(
        metadata=told("A failed IPSEC Services blocks all network traffic.", False)
    )
    """A failed IPSEC Services drops all traffic (KB912023: NT 5.x)."""


class Release(t.NamedTuple):
    """One Windows release as in ``Win32_OperatingSystem.Version``."""

    name: str
    major: int
    minor: int
    build: int
    capabilities: Capabilities

    @property
    def version(self) -> str:
        """``major.minor.build``."""
        return f"{self.major}.{self.minor}.{self.build}"


class Condition(t.NamedTuple):
    """A condition on the release: it has all capabilities of ``when_capable`` and none of ``unless_capable``."""

    when_capable: tuple[str, ...] = ()
    unless_capable: tuple[str, ...] = ()

    def holds(self, release: Release) -> bool:
        """True if the condition is met on a release."""
        return all(offers(release, name) for name in self.when_capable) and not any(
            offers(release, name) for name in self.unless_capable
        )


EVERYWHERE: t.Final = Condition()
LACKS: t.Final[t.Mapping[str, str]] = {
    "reserved_ports_value": "ignores the value ReservedPorts, which this sets (Windows Server 2003 reads it)",
    "excluded_port_ranges": "has no netsh excludedportrange (Windows Server 2008 and later may have it)",
    "dynamic_port_ranges": "has no dynamic port range that netsh could set (Windows Server 2008 and later have)",
    "dns_pool_exclusions": "has no list of ports that the DNS server leaves alone (2008 R2 and later have)",
    "delayed_start": "has no delayed start of services (Windows Server 2008 and later have)",
}
"""The clause for a release without a capability, for the capabilities that a request can depend on."""


def offers(release: Release, capability: str) -> bool:
    """True if a release has a capability, or may have it."""
    return getattr(release.capabilities, capability) not in (False, "no", None)


class UnknownRelease(Exception):
    """This Windows is not one that the collection can manage.

    Attributes:
        version: as Windows reported it.
        reason: why it is refused.
    """

    def __init__(self, version: str, reason: str) -> None:
        self.version = version
        self.reason = reason
        super().__init__(f"Windows version {version!r} can't be managed: {reason}")


_NT_5_2: t.Final = Capabilities(
    reserved_ports_value=True,
    excluded_port_ranges="no",
    dynamic_port_ranges=False,
    dns_pool_exclusions=False,
    always_has_pool=False,
    dns_pool_range="max_user_port",
    delayed_start=False,
    delayed_start_property=False,
    network_endpoint_classes=False,
    shell_codepage=437,
    signal_between_commands=True,
    dfsr_port=None,
    ipsec_block_mode=True,
)
_NT_6_0: t.Final = dataclasses.replace(
    _NT_5_2,
    reserved_ports_value=False,
    excluded_port_ranges="probe",
    dynamic_port_ranges=True,
    dns_pool_range="count_from_start",
    delayed_start=True,
    dfsr_port=5722,
    ipsec_block_mode=False,
)
_NT_6_1: t.Final = dataclasses.replace(
    _NT_6_0, dns_pool_exclusions=True, always_has_pool=True, shell_codepage=65001, signal_between_commands=False
)
_NT_6_2: t.Final = dataclasses.replace(
    _NT_6_1, excluded_port_ranges="yes", network_endpoint_classes=True, dfsr_port=None
)
_NT_10_0: t.Final = dataclasses.replace(_NT_6_2, delayed_start_property=True)

# Version and build numbers: Microsoft's release information pages for Windows Server; 6003 is 2008 SP2 with the updates
# of 2019 (KB4489887). SBS and the R2 edition of 2003 report 5.2.3790 like 2003 itself.
RELEASES: t.Final[tuple[Release, ...]] = (
    Release("Windows Server 2003", 5, 2, 3790, _NT_5_2),
    Release("Windows Server 2008", 6, 0, 6001, _NT_6_0),
    Release("Windows Server 2008 SP2", 6, 0, 6002, _NT_6_0),
    Release("Windows Server 2008 SP2", 6, 0, 6003, _NT_6_0),
    Release("Windows Server 2008 R2", 6, 1, 7600, _NT_6_1),
    Release("Windows Server 2008 R2 SP1", 6, 1, 7601, _NT_6_1),
    Release("Windows Server 2012", 6, 2, 9200, _NT_6_2),
    Release("Windows Server 2012 R2", 6, 3, 9600, _NT_6_2),
    Release("Windows Server 2016", 10, 0, 14393, _NT_10_0),
    Release("Windows Server 1709", 10, 0, 16299, _NT_10_0),
    Release("Windows Server 1803", 10, 0, 17134, _NT_10_0),
    Release("Windows Server 2019", 10, 0, 17763, _NT_10_0),
    Release("Windows Server 1903", 10, 0, 18362, _NT_10_0),
    Release("Windows Server 1909", 10, 0, 18363, _NT_10_0),
    Release("Windows Server 2004", 10, 0, 19041, _NT_10_0),
    Release("Windows Server 20H2", 10, 0, 19042, _NT_10_0),
    Release("Windows Server 2022", 10, 0, 20348, _NT_10_0),
    Release("Windows Server 23H2", 10, 0, 25398, _NT_10_0),
    Release("Windows Server 2025", 10, 0, 26100, _NT_10_0),
)

CONTESTED: t.Final[t.Mapping[str, str]] = {
    "dns_pool_range": (
        "sources disagree about what MaxUserPort means to the DNS server from Windows Server 2008 on: an article that "
        "repeats Microsoft's text for the update says a count from the start of the range, Microsoft's best practice "
        "rule for the socket pool suggests the highest port"
    ),
    "excluded_port_ranges": (
        "that Windows Server 2008 and 2008 R2 get netsh excludedportrange by the hotfix KB2665809 is not confirmed; "
        "whether the verb is there is asked of the server"
    ),
}
"""Capabilities that reports must name as contested, with the sentence to say."""

_REFUSED: t.Final[t.Mapping[tuple[int, int], str]] = {
    (5, 0): "Windows 2000 has no WinRM; this collection starts at Windows Server 2003",
    (5, 1): "Windows XP is a client system without a DNS server; this collection starts at Windows Server 2003",
}
_VERSION: t.Final = re.compile(r"\s*([0-9]{1,5})\.([0-9]{1,5})\.([0-9]{1,9})(?:\.[0-9]+)?\s*", re.ASCII)


def release_of(version: str, product_type: int) -> Release:
    """The release with its capabilities, by ``Win32_OperatingSystem``'s Version and ProductType.

    A build that is not in the table has what the newest build of its version has, so that a new Windows Server
    works on the day it appears. Client Windows from 6.0 on has the capabilities of the server with the same kernel
    (by design, [K] unverified): ports are reserved there in the same way, and there is no DNS server to ask about.

    Raises:
        UnknownRelease: the version can't be read, is too old, or is of a family that this table does not know.
    """
    match = _VERSION.fullmatch(version)
    if match is None:
        raise UnknownRelease(version, "it is not of the form major.minor.build")
    major, minor, build = (int(number) for number in match.groups())
    release = _row(version, major, minor, build)
    return _as_client(release) if product_type == WORKSTATION else release


def _row(version: str, major: int, minor: int, build: int) -> Release:
    family = [row for row in RELEASES if (row.major, row.minor) == (major, minor)]
    if not family:
        reason = _REFUSED.get((major, minor), "this version of Windows is not known to this release of the collection")
        raise UnknownRelease(version, reason)
    newest = family[-1]
    unlisted = newest._replace(name=f"Windows Server (build {build})", build=build)
    return next((row for row in family if row.build == build), unlisted)


def _as_client(release: Release) -> Release:
    if release.major < 6:
        raise UnknownRelease(release.version, _REFUSED[(5, 1)])
    return release._replace(name=f"Windows client {release.version}")
