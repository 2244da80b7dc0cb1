# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the servers stand, seen by the collection's own modules over WinRM, and as a table for a reader."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib
import typing as t

from tests.tooling.ansible_programs import AnsibleFailure, Watcher, run_ansible
from tests.tooling.text_tables import INDENT, table

PLAYBOOK: t.Final = "tests/demo/look.yml"
FORKS: t.Final = ("--forks", "12")
"""As many servers at a time; most of the time is spent waiting for them."""

_RUNNING: t.Final = "Running"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A service of a server, and the ports that it needs.

    ``exit_code`` with its ``meaning`` says why it is down; ``right`` of so many ``ports`` are as they should be;
    ``taken`` has those that another program holds, such as ``UDP 1645``, with that program.
    """

    service: str
    is_running: bool
    exit_code: int
    meaning: str
    ports: int
    right: int
    taken: t.Mapping[str, str]
    is_well: bool

    @property
    def is_hit(self) -> bool:
        """Whether it is down, or another program has its port."""
        return bool(self.taken) or not self.is_running


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """One server with its services that need ports or that depend on such a service."""

    host: str
    release: str
    needs: tuple[Need, ...]

    @property
    def hit(self) -> tuple[Need, ...]:
        """The services that are down, or whose port another program has."""
        return tuple(need for need in self.needs if need.is_hit)

    @property
    def is_well(self) -> bool:
        """Whether every service runs and owns its ports."""
        return all(need.is_well for need in self.needs)


def look(inventory: pathlib.Path, hosts: c.Iterable[str], watch: Watcher | None = None) -> dict[str, Standing]:
    """Look at all servers, in this order; raises AnsibleFailure if one of them can't be read."""
    run = run_ansible(command(inventory), watch=watch).checked()
    found = {result.host: result.result for result in run.of("converge")}
    if set(found) != set(run.recap):
        raise AnsibleFailure(f"Not every server answered:\n{run.output}")
    return {host: standing(host, found[host]) for host in hosts}


def command(inventory: pathlib.Path) -> list[str]:
    """The command line that looks at all servers."""
    return ["ansible-playbook", "-i", str(inventory), *FORKS, PLAYBOOK]


def standing(host: str, found: t.Mapping[str, t.Any]) -> Standing:
    """The result of `converge` for a server, for the demonstration."""
    release = found["release"].removeprefix("Windows Server ")
    return Standing(host, release, tuple(_need(victim) for victim in found["victims"]))


def _need(victim: t.Mapping[str, t.Any]) -> Need:
    ports = victim["ports"]
    is_running = victim["state"] == _RUNNING
    return Need(
        service=victim["service"],
        is_running=is_running,
        exit_code=victim["exit_code"],
        meaning=victim["exit_code_meaning"],
        ports=len(ports),
        right=len(ports) if victim["ok"] else sum(port["standing"] == "owner" for port in ports),
        taken={
            f"{port['protocol'].upper()} {port['port']}": port["holder"]["image"]
            for port in ports
            if port["standing"] == "intruder"
        },
        is_well=victim["ok"],
    )


def as_table(standings: c.Iterable[Standing]) -> str:
    """One line per server, and one more for each further service that is hit; below, the error codes in words."""
    standings = tuple(standings)
    headings = ("server", "Windows Server", "ports right", "service hit", "error", "its port", "is held by")
    rows = [row for standing in standings for row in _rows(standing)]
    return "\n".join([table(headings, rows), *_meanings(standings)])


def _rows(standing: Standing) -> c.Iterator[tuple[str, ...]]:
    ports = sum(need.ports for need in standing.needs)
    right = f"{sum(need.right for need in standing.needs)} of {ports}" if ports else "none needed"
    first = (standing.host, standing.release, right)
    hits = [*_own_ports(standing.hit), *_fallen(standing.hit)] or [("none", "", "", "")]
    for number, hit in enumerate(hits):
        yield (*(first if number == 0 else [""] * len(first)), *hit)


def _own_ports(hit: c.Iterable[Need]) -> c.Iterator[tuple[str, str, str, str]]:
    for need in hit:
        if need.taken:
            error = "runs" if need.is_running else str(need.exit_code)
            yield need.service, error, ", ".join(need.taken), ", ".join(dict.fromkeys(need.taken.values()))


def _fallen(hit: c.Iterable[Need]) -> c.Iterator[tuple[str, str, str, str]]:
    """Services that are down although no process holds a port of theirs."""
    for need in hit:
        if not need.taken:
            yield need.service, str(need.exit_code), "", ""


def _meanings(standings: c.Iterable[Standing]) -> list[str]:
    down = [need for standing in standings for need in standing.hit if not need.is_running]
    meanings = {need.exit_code: need.meaning for need in down}
    lines = [f"{INDENT}{code}: {text or 'no meaning is known'}" for code, text in sorted(meanings.items())]
    return ["", *lines] if lines else []
