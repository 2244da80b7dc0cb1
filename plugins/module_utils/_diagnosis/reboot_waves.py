# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers are due for a reboot, in which waves, and which servers must be mended before any is rebooted.

All of it comes from what the servers said: a server that has been rebooted waits for nothing any more, so a run that
was broken off goes on with the rest when it is started again.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import BY_ITSELF
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import ServiceRow
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import lost_its_port
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import DNS_SERVICE
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import from_plain

Result = t.Mapping[str, t.Any]
WAITS: t.Final = "configured_versus_effective"
RUNNING: t.Final = "Running"
DNS_PORT: t.Final = "53"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A server as it was read."""

    name: str
    error: str = ""
    """Why it could not be read; empty if it was."""
    down: tuple[str, ...] = ()
    """What keeps it from serving, in words: services that do not run, and ports that the DNS server lacks."""
    lost: tuple[str, ...] = ()
    """Services that have lost their ports, in words. Of another server's reboot they are no worse."""
    waits: tuple[str, ...] = ()
    """Settings that wait for a reboot, in words."""
    uptime: int | None = None
    """Seconds since the boot."""
    services: tuple[str, ...] = ()
    """Key names of the services that must run after a reboot."""

    @property
    def refusal(self) -> str:
        """Why no other server may go down as long as this one stands so; empty if it is well."""
        if self.error:
            return f"{self.name} could not be read: {self.error}"
        return f"{self.name} does not serve: {', '.join(self.ill)}." if self.ill else ""

    @property
    def ill(self) -> tuple[str, ...]:
        """All that is down."""
        return (*self.down, *self.lost)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A server that is to be rebooted. ``wave`` counts from 1; ``others`` are the other servers of its site."""

    site: str
    wave: int
    why: tuple[str, ...]
    services: tuple[str, ...]
    others: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The waves by names, the servers in them, a line for each, and what must be mended before the first wave."""

    waves: tuple[tuple[str, ...], ...]
    servers: t.Mapping[str, Due]
    lines: tuple[str, ...]
    refusals: tuple[str, ...]


# --- what was read ---------------------------------------------------------------------------------------------------


def looked(name: str, looked_at: Result, served: Result) -> Looked:
    """A server by the results of ``port_info`` and of ``service_state`` in check mode, empty if there is none."""
    results = (looked_at, served)
    failed = [result for result in results if result.get("failed") or result.get("unreachable")]
    if failed:
        return Looked(name=name, error=str(failed[0].get("msg", "")))
    if not all(results) or looked_at.get(WAITS, ()) is None:
        return Looked(name=name, error="it did not answer all questions.")
    info = from_plain(PortInfo, looked_at) or PortInfo()
    states = _states(served)
    services = info.services or ()
    return Looked(
        name=name,
        down=(
            *(f"{key} is {state}" for key, state in states.items() if state != RUNNING),
            *_without_port(info, states),
        ),
        lost=tuple(
            f"{row.service} is {row.state} with error {row.exit_code}" for row in services if lost_its_port(row)
        ),
        waits=tuple(dict.fromkeys(row.what for row in info.configured_versus_effective or () if row.reboot_required)),
        uptime=info.release.uptime if info.release else None,
        services=tuple(dict.fromkeys((*states, *_started_by_itself(services)))),
    )


def _states(result: Result) -> dict[str, str]:
    """The states that ``service_state`` found, by the key names of the installed services."""
    before = result.get("before")
    states = before.get("state") if isinstance(before, t.Mapping) else None
    return {str(key): str(state) for key, state in states.items()} if isinstance(states, t.Mapping) else {}


def _without_port(info: PortInfo, states: t.Mapping[str, str]) -> t.Iterator[str]:
    """A DNS server that runs answers only if it holds its port, which takes it longer than to run."""
    if states.get(DNS_SERVICE) != RUNNING:
        return
    if info.sockets is None:
        yield f"it is not known who holds port {DNS_PORT}"
        return
    held = {row.protocol for row in info.sockets if DNS_SERVICE in row.services}
    for protocol in PROTOCOLS:
        if protocol not in held:
            yield f"{DNS_SERVICE} does not hold {protocol.upper()} {DNS_PORT}"


def _started_by_itself(services: t.Iterable[ServiceRow]) -> list[str]:
    """The services with ports that run and come back at a boot."""
    return [row.service for row in services if row.state == RUNNING and row.start_mode in BY_ITSELF]


# --- what follows ----------------------------------------------------------------------------------------------------


def reboot_plan(
    looks: t.Sequence[Looked],
    sites: t.Mapping[str, str],
    *,
    at_once: int,
    uptime_hours: float | None = None,
) -> Plan:
    """The waves for these servers, in their order; those that do not serve come first, since nobody misses them.

    ``sites``: the site of each server of the inventory, also of those that are not looked at. Servers without a site
    count as one site together. ``at_once``: servers in a wave, at least 1. ``uptime_hours``: servers that have been up
    for so long are due whether anything waits or not; ``None``: only those on which something waits.
    """
    why = {look.name: _why(look, uptime_hours) for look in looks if not look.error}
    due = sorted((look for look in looks if why.get(look.name)), key=lambda look: not look.ill)
    of_site = {look.name: _site(look.name, sites) for look in looks}
    found = waves([look.name for look in due], of_site, at_once)
    numbers = {name: number for number, wave in enumerate(found, start=1) for name in wave}
    servers = {
        look.name: Due(
            site=of_site[look.name],
            wave=numbers[look.name],
            why=why[look.name],
            services=look.services,
            others=tuple(name for name in sites if name != look.name and _site(name, sites) == of_site[look.name]),
        )
        for look in due
    }
    return Plan(
        waves=found,
        servers=servers,
        lines=tuple(_lines(found, servers, [look.name for look in looks if not look.error])),
        refusals=tuple(look.refusal for look in looks if look.refusal and look.name not in servers),
    )


def waves(names: t.Sequence[str], sites: t.Mapping[str, str], at_once: int) -> tuple[tuple[str, ...], ...]:
    """The names in waves of at most ``at_once``, no two of one site in a wave, each as early as it can be."""
    left, found = list(names), []
    while left:
        wave: dict[str, str] = {}
        for name in left:
            if len(wave) < at_once:
                wave.setdefault(sites[name], name)
        found.append(tuple(wave.values()))
        left = [name for name in left if name not in found[-1]]
    return tuple(found)


def _site(name: str, sites: t.Mapping[str, str]) -> str:
    """Sites are compared as Active Directory does it: without regard to case."""
    return sites.get(name, "").strip().casefold()


def _why(look: Looked, uptime_hours: float | None) -> tuple[str, ...]:
    up = () if uptime_hours is None or look.uptime is None else (look.uptime / 3600,)
    return (*look.waits, *(f"up for {hours:.1f} hours" for hours in up if hours >= t.cast("float", uptime_hours)))


def _lines(found: t.Sequence[t.Sequence[str]], servers: t.Mapping[str, Due], names: t.Sequence[str]) -> t.Iterator[str]:
    for name in (name for wave in found for name in wave):
        due = servers[name]
        yield f"wave {due.wave} of {len(found)}: {name} ({_words(due.site)}): {', '.join(due.why)}"
    if rest := [name for name in names if name not in servers]:
        yield f"not rebooted, since nothing waits for it: {', '.join(rest)}"


def _words(site: str) -> str:
    return f"site {site}" if site else "no site"
