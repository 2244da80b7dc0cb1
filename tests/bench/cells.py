# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cell of the tables: a side does the job of a role on so many hosts, with so many forks."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import pathlib
import re
import statistics
import tempfile

from tests.bench.conversation import Conversation
from tests.bench.domain import VARIABLES, domain
from tests.bench.kinds import KINDS, Kind
from tests.bench.meter import Taken, metered
from tests.bench.recording import powershell_conversation, role_conversation
from tests.bench.replay import Counts, Transport
from tests.bench.replaying import Host, Replayed, ReplayFailure, replayed
from tests.bench.sides import Side, arguments, settings


@dataclasses.dataclass(frozen=True, order=True, kw_only=True)
class Cell:
    """What is measured."""

    role: str
    transport: Transport
    hosts: int
    forks: int
    side: Side

    @property
    def kind(self) -> Kind:
        """The role with its server."""
        return KINDS[self.role]

    def __str__(self) -> str:
        return f"{self.role}, {self.transport}, {self.hosts} hosts, {self.forks} forks, {self.side}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Traffic:
    """What one host costs: HTTP requests, bytes with their headers, connections, logons. The controller sends out."""

    requests: int
    bytes_out: int
    bytes_in: int
    connections: int
    logons: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figures:
    """What one run took: the traffic of a host (the mean over all, rounded), and the resources of the controller."""

    cell: Cell
    traffic: Traffic
    taken: Taken


def conversation(kind: Kind, side: Side) -> Conversation:
    """What the side's hosts answer."""
    return _role(kind.role, kind.release) if side == "ours" else _powershell()


@functools.cache
def _role(role: str, release: str) -> Conversation:
    return role_conversation(KINDS[role].on(release))


@functools.cache
def _powershell() -> Conversation:
    return powershell_conversation()


def figures(cell: Cell) -> Figures:
    """Measure one cell; raises AnsibleFailure and ReplayFailure."""
    hosts = dict.fromkeys(map("server{:04}".format, range(cell.hosts)), host_of(cell.kind, cell.side, cell.transport))
    conversations = {str(cell.side): conversation(cell.kind, cell.side)}
    with domain([cell.transport]) as realm, replayed(conversations, hosts, realm) as server:
        taken = run(cell.kind, cell.side, server, forks=cell.forks)
        counts = server.counts()
    return Figures(cell=cell, traffic=traffic(cell.side, list(counts.values())), taken=taken)


def host_of(kind: Kind, conversation: str, transport: Transport) -> Host:
    """A host of a role, on which one logs on in this way."""
    variables = {**kind.variables, **(VARIABLES if transport == "kerberos" else {})}
    return Host(conversation=conversation, transport=transport, group=kind.group, variables=variables)


def run(
    kind: Kind,
    side: Side,
    server: Replayed,
    *,
    forks: int,
    variables: c.Sequence[str] = (),
    environment: c.Mapping[str, str] | None = None,
) -> Taken:
    """Let one side do its job on all hosts of a server; raises ReplayFailure if something was changed.

    ``variables`` are more words for Ansible's command line, ``environment`` more environment variables.
    """
    with tempfile.TemporaryDirectory(prefix="portkeeper-bench-") as name:
        usual = arguments(kind, side, pathlib.Path(name))
        command = (*usual, *variables, "-i", str(server.inventory), "--forks", str(forks))
        given = {**settings(side), **server.environment, **(environment or {})}
        taken, program = metered(command, pathlib.Path(name), settings=given)
    if re.search(r"changed=[1-9]", program.output) or "changed=0" not in program.output:
        raise ReplayFailure(f"{kind.role}, {side}: nothing was to be changed:\n{program.output}")
    return taken


def traffic(side: Side, counts: c.Sequence[Counts]) -> Traffic:
    """The mean of a host, rounded; raises ReplayFailure if a host was not asked, or answered for the other side."""
    if any((count.canned == 0) is not (side == "ours") or not count.requests for count in counts):
        raise ReplayFailure(f"{side}: hosts were not asked what this side asks: {counts[0]}")
    return Traffic(
        requests=_mean(count.requests for count in counts),
        bytes_out=_mean(count.bytes_in for count in counts),
        bytes_in=_mean(count.bytes_out for count in counts),
        connections=_mean(count.connections for count in counts),
        logons=_mean(count.logons for count in counts),
    )


def _mean(numbers: c.Iterable[int]) -> int:
    return round(statistics.fmean(numbers))
