# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the servers stand, seen by the collection's own modules over WinRM, and as a table for a reader."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib
import typing as t

from tests.tooling.ansible_programs import AnsibleFailure, AnsibleRun, run_ansible
from tests.tooling.text_tables import INDENT, table

PLAYBOOK: t.Final = "tests/demo/look.yml"
PORTS: t.Final = (50389, 50636)
"""What AD LDS of the Edge role listens on, in the demonstration as by default."""

_NOBODY: t.Final = "nobody"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """One server: what its services report, and who holds the ports of AD LDS.

    ``down`` has the exit code of each service that does not run, ``meanings`` those codes in words, ``holders`` for
    each port its programs with their protocols. ``is_right``: each port is with its owner or free.
    """

    host: str
    release: str
    down: t.Mapping[str, int]
    meanings: t.Mapping[int, str]
    holders: t.Mapping[int, t.Mapping[str, tuple[str, ...]]]
    is_right: bool


def look(inventory: pathlib.Path) -> dict[str, Standing]:
    """Look at all servers; raises AnsibleFailure where one of them can't be looked at."""
    run = run_ansible(command(inventory)).checked()
    information = {result.host: result.result for result in run.of("port_info")}
    services = {result.host: result.result for result in run.of("converge")}
    if set(information) != set(services) or set(services) != set(run.recap):
        raise AnsibleFailure(f"Not every server answered:\n{run.output}")
    return {host: _standing(host, information[host], services[host]["victims"]) for host in sorted(run.recap)}


def command(inventory: pathlib.Path) -> list[str]:
    """The command line that looks at all servers."""
    return ["ansible-playbook", "-i", str(inventory), PLAYBOOK]


def _standing(host: str, information: t.Mapping[str, t.Any], services: c.Sequence[t.Mapping[str, t.Any]]) -> Standing:
    down = [service for service in services if service["state"] != "Running"]
    return Standing(
        host=host,
        release=information["release"]["name"].removeprefix("Windows Server "),
        down={service["service"]: service["exit_code"] for service in down},
        meanings={service["exit_code"]: service["exit_code_meaning"] for service in down},
        holders={port: _holders(information["sockets"], port) for port in PORTS},
        is_right=all(service["ok"] for service in services),
    )


def _holders(sockets: c.Iterable[t.Mapping[str, t.Any]], port: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for socket in sockets:
        if socket["port"] == port:
            protocols = {*found.get(socket["image"], ()), socket["protocol"].upper()}
            found[socket["image"]] = tuple(sorted(protocols))
    return found


def as_table(standings: c.Iterable[Standing]) -> str:
    """One line per server, and one more for each further service that is down; below, the error codes in words."""
    standings = tuple(standings)
    headings = ("server", "Windows Server", *(f"port {port} is held by" for port in PORTS), "service down", "error")
    rows = [row for standing in standings for row in _rows(standing)]
    return "\n".join([table(headings, rows), *_meanings(standings)])


def _rows(standing: Standing) -> c.Iterator[tuple[str, ...]]:
    first = (standing.host, standing.release, *(_held(standing.holders[port]) for port in PORTS))
    down = [(name, str(code)) for name, code in standing.down.items()] or [("none", "")]
    for number, service in enumerate(down):
        yield (*(first if number == 0 else [""] * len(first)), *service)


def _held(holders: t.Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(f"{image} ({'+'.join(protocols)})" for image, protocols in holders.items()) or _NOBODY


def _meanings(standings: c.Iterable[Standing]) -> list[str]:
    meanings = {code: text for standing in standings for code, text in standing.meanings.items()}
    lines = [f"{INDENT}{code}: {text or 'no meaning is known'}" for code, text in sorted(meanings.items())]
    return ["", *lines] if lines else []


def recap_table(run: AnsibleRun) -> str:
    """Ansible's recap of a run whose output was not shown."""
    counts = ("ok", "changed", "unreachable", "failures", "skipped")
    rows = ((host, *(numbers[count] for count in counts)) for host, numbers in run.recap.items())
    return table(("server", *counts), rows)
