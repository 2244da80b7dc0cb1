# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the same job is spread over a fleet: forks, `serial` and strategies, with the Edge role on converged hosts."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import itertools
import typing as t

from tests.bench.cells import conversation, host_of, run, traffic
from tests.bench.kinds import EDGE, KINDS
from tests.bench.meter import Taken
from tests.bench.replaying import replayed

Strategy: t.TypeAlias = t.Literal["linear", "free", "host_pinned"]
STRATEGIES: t.Final[tuple[Strategy, ...]] = t.get_args(Strategy)
SERIALS: t.Final = ("1", "10", "100%")
HOSTS: t.Final = (50, 200)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spread:
    """How a run is spread; ``serial`` as in a play."""

    hosts: int
    serial: str
    forks: int
    strategy: Strategy

    @property
    def batch(self) -> int:
        """Hosts in a batch; Ansible rounds a percentage down, to 1 at least."""
        number = self.serial.removesuffix("%")
        size = self.hosts * int(number) // 100 if number != self.serial else int(number)
        return max(1, min(size, self.hosts))

    def __str__(self) -> str:
        return f"{self.hosts} hosts, serial {self.serial}, {self.forks} forks, {self.strategy}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class StrategyRow:
    """What one run took."""

    spread: Spread
    taken: Taken


def spreads(
    hosts: c.Iterable[int], serials: c.Iterable[str], forks: c.Collection[int], strategies: c.Iterable[Strategy]
) -> list[Spread]:
    """All that differ in what they do: forks beyond the hosts of a batch are left out, but for the least number."""
    grid = itertools.product(sorted(hosts), serials, sorted(forks), strategies)
    every = (Spread(hosts=many, serial=serial, forks=most, strategy=strategy) for many, serial, most, strategy in grid)
    return [spread for spread in every if spread.forks == min(forks) or spread.forks <= spread.batch]


def strategy_row(spread: Spread) -> StrategyRow:
    """Measure one; raises AnsibleFailure and ReplayFailure."""
    kind = KINDS[EDGE]
    hosts = dict.fromkeys(map("server{:04}".format, range(spread.hosts)), host_of(kind, "ours", "basic"))
    variables = ("-e", f"{kind.playbook}_serial={spread.serial}")
    with replayed({"ours": conversation(kind, "ours")}, hosts) as server:
        environment = {"ANSIBLE_STRATEGY": spread.strategy}
        taken = run(kind, "ours", server, forks=spread.forks, variables=variables, environment=environment)
        traffic("ours", list(server.counts().values()))
    return StrategyRow(spread=spread, taken=taken)
