# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`port_info` on many servers, and the report about them."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import resource
import tempfile
import typing as t

from tests.bench.cells import Traffic, traffic
from tests.bench.kinds import EDGE, KINDS
from tests.bench.meter import Taken, metered
from tests.bench.recording import information_conversation
from tests.bench.replaying import Host, replayed
from tests.fleet.engine_tasks import INFORM
from tests.fleet.host_cases import Json
from tests.report.facts import DELAYED_START, edge_server
from tests.report.rendering import inventory_of_variables, reduced, report_of_variables
from tests.tooling.ansible_programs import run_ansible

EVERYTHING: t.Final[Json] = {"gather_subset": ["all"], "sockets_by": "process"}
"""What the role port_report asks."""
_SERVERS: t.Final[t.Mapping[str, Json]] = {
    "well": KINDS[EDGE].server,
    "ill": {**KINDS[EDGE].server, "broken": True},
}
"""Half of the servers each."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class InformationRow:
    """`port_info` with all subsets on so many servers, by one task."""

    servers: int
    forks: int
    traffic: Traffic
    taken: Taken


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReportRow:
    """The report's files for so many servers, whose results are given; bytes of the page and of all files.

    ``reading`` is the processor time of `ansible-inventory`, which only reads what is given.
    """

    servers: int
    page: int
    files: int
    taken: Taken
    reading: float


def information_row(servers: int, forks: int) -> InformationRow:
    """Ask all servers."""
    conversations = {name: information_conversation(server, EVERYTHING) for name, server in _SERVERS.items()}
    kinds = [*conversations]
    hosts = {f"server{number:04}": Host(conversation=kinds[number % len(kinds)]) for number in range(servers)}
    with replayed(conversations, hosts) as server, tempfile.TemporaryDirectory(prefix="portkeeper-bench-") as name:
        playbook = pathlib.Path(name) / "port_info.json"
        task = {"name": "Read all that there is to know", INFORM: EVERYTHING}
        playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]), encoding="utf-8")
        command = ("ansible-playbook", str(playbook), "-i", str(server.inventory), "--forks", str(forks))
        taken, _run = metered(command, pathlib.Path(name))
        counts = server.counts()
    return InformationRow(servers=servers, forks=forks, traffic=traffic("ours", list(counts.values())), taken=taken)


def report_row(servers: int) -> ReportRow:
    """Write the report about made-up Edge servers: a third is ill, a third is fixed and waits, a third is well."""
    ill, waiting, well = (edge_server(number, taken=not number, fixed=number > 0) for number in range(3))
    kinds = [reduced(facts) for facts in (ill, waiting, {**well, "configured_versus_effective": [DELAYED_START]})]
    results = {f"edge{number:04}.example.com": kinds[number % 3] for number in range(servers)}
    with tempfile.TemporaryDirectory(prefix="portkeeper-bench-") as name:
        directory = pathlib.Path(name)
        started = _children()
        run = report_of_variables(results, directory, recorded=False)
        written = _children()
        listed = ("ansible-inventory", "-i", str(inventory_of_variables(directory)), "--list")
        run_ansible((*listed, "--output", str(directory / "listed.json")), recorded=False).checked()
        reading = _children() - written
        files = [path for path in (directory / "report").rglob("*") if path.is_file()]
        page = (directory / "report" / "index.html").stat().st_size
        size = sum(path.stat().st_size for path in files)
    taken = Taken(processor=written - started, wall=run.seconds)
    return ReportRow(servers=servers, page=page, files=size, taken=taken, reading=reading)


def _children() -> float:
    """Seconds of processor time that all programs took that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
