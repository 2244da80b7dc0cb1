# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of playbooks/report.yml: its path, and its data about each server."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import pathlib
import typing as t

from tests.demo.look import FORKS
from tests.tooling.ansible_programs import AnsibleFailure, Watcher, run_ansible
from tests.tooling.text_tables import table

PLAYBOOK: t.Final = "playbooks/report.yml"
WELL: t.Final = "well"


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A report: the page itself, and by server its state in a word and a sentence, its risk, and who needs ports.

    ``tcp_only`` are those of the ``services`` that need no UDP port: the DNS server's pool takes none of theirs.
    """

    path: pathlib.Path
    headline: str
    states: t.Mapping[str, str]
    sentences: t.Mapping[str, str]
    risks: t.Mapping[str, t.Mapping[str, t.Any]]
    services: t.Mapping[str, frozenset[str]]
    tcp_only: t.Mapping[str, frozenset[str]]

    @property
    def critical(self) -> frozenset[str]:
        """The servers that have a service down, or are in danger of worse."""
        return frozenset(name for name, state in self.states.items() if state == "critical")

    @property
    def at_risk(self) -> int:
        """How many servers may lose a port at the next boot."""
        return sum(risk["probability"] > 0 for risk in self.risks.values())


def command(inventory: pathlib.Path, directory: pathlib.Path) -> list[str]:
    """The command line that writes the report."""
    return ["ansible-playbook", "-i", str(inventory), *FORKS, PLAYBOOK, "-e", f"port_report_directory={directory}"]


def write(inventory: pathlib.Path, directory: pathlib.Path, watch: Watcher | None = None) -> Page:
    """Write the report, and read it; raises AnsibleFailure if it can't be written."""
    run = run_ansible(command(inventory, directory), watch=watch).checked()
    path = directory / "index.html"
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    hosts = {host["name"]: host for host in report["hosts"]}
    if not path.is_file() or set(hosts) != set(run.recap):
        raise AnsibleFailure(f"The report lacks servers:\n{run.output}")
    return Page(
        path=path,
        headline=report["headline"],
        states={name: host["state"] for name, host in hosts.items()},
        sentences={name: host["headline"] for name, host in hosts.items()},
        risks={name: host["risk"] for name, host in hosts.items()},
        services={name: _services(host["needs"], "tcp", "udp") for name, host in hosts.items()},
        tcp_only={
            name: _services(host["needs"], "tcp") - _services(host["needs"], "udp") for name, host in hosts.items()
        },
    )


def _services(needs: c.Iterable[t.Mapping[str, t.Any]], *protocols: str) -> frozenset[str]:
    return frozenset(need["service"] for need in needs if need["protocol"] in protocols)


def as_table(page: Page) -> str:
    """The servers that are not simply well, for a reader."""
    return table(("server", "state", "why"), _not_well(page))


def _not_well(page: Page) -> c.Iterator[tuple[str, str, str]]:
    for host, state in page.states.items():
        if state != WELL:
            yield host, state, page.sentences[host]
