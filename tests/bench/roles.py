# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a whole role costs one converged host in traffic, ours and the peers', by every way to log on."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import itertools
import typing as t

from tests.bench.cells import Traffic, conversation, host_of, run, traffic
from tests.bench.domain import domain, transports
from tests.bench.kinds import KINDS, Kind
from tests.bench.replay import Transport
from tests.bench.replaying import replayed
from tests.bench.sides import SIDES, Side
from tests.fleet.kerberos_realm import Realm

FORKS: t.Final = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class RoleRow:
    """One side's traffic with one host."""

    role: str
    release: str
    side: Side
    transport: Transport
    traffic: Traffic


def role_rows() -> c.Iterator[RoleRow]:
    """Each role by each side; ours on each release that it has a fix of its own for."""
    with domain(transports()) as realm:
        for kind, side in itertools.product(KINDS.values(), SIDES):
            yield from _rows(kind, side, realm)


def _rows(kind: Kind, side: Side, realm: Realm | None) -> c.Iterator[RoleRow]:
    releases = kind.releases if side == "ours" else (kind.release,)
    ways = {f"on{release}-{way}": (release, way) for release, way in itertools.product(releases, transports())}
    conversations = {release: conversation(kind.on(release), side) for release in releases}
    hosts = {name: host_of(kind, release, way) for name, (release, way) in ways.items()}
    with replayed(conversations, hosts, realm) as server:
        run(kind, side, server, forks=FORKS)
        counts = server.counts()
    for name, (release, way) in ways.items():
        cost = traffic(side, [counts[name]])
        yield RoleRow(role=kind.role, release=release, side=side, transport=way, traffic=cost)
