# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an ad hoc call of ours takes, against a call that does nothing: Ansible's own debug on the same host."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import pathlib
import statistics
import tempfile
import typing as t

from tests.bench.measuring import ad_hoc
from tests.bench.meter import metered
from tests.bench.recording import task_conversation
from tests.bench.replaying import Host, Replayed, replayed
from tests.fleet.host_cases import Json

PAIRS: t.Final = 10
_HOST: t.Final = "old"
_SERVER: t.Final[Json] = {"release": "2003", "broken": False}
_PORTS: t.Final = ("50389", "50636")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AdHoc:
    """Seconds of processor time of whole calls, in pairs that ran one after the other."""

    ours: tuple[float, ...]
    debug: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios, ours to debug: other load on the machine slows both of a pair alike."""
        return statistics.median(ours / debug for ours, debug in zip(self.ours, self.debug, strict=True))

    @property
    def above(self) -> float:
        """The median of the pairs' differences, in seconds."""
        return statistics.median(ours - debug for ours, debug in zip(self.ours, self.debug, strict=True))

    def rows(self) -> list[tuple[str, ...]]:
        """Median, least and most of each, for a reader."""
        sides = (("reserved_ports, no change", self.ours), ("ansible.builtin.debug", self.debug))
        return [_row(name, seconds) for name, seconds in sides]


def _row(name: str, seconds: c.Sequence[float]) -> tuple[str, ...]:
    return (name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}")


def paired_calls(pairs: int = PAIRS) -> AdHoc:
    """Call both in turn, after one of each that finds nothing compiled."""
    conversation = task_conversation(_SERVER, "reserved_ports", {"ports": list(_PORTS)})
    with replayed({_HOST: conversation}, {_HOST: Host(conversation=_HOST)}) as server:
        ours = ad_hoc("reserved_ports", f"ports={','.join(_PORTS)}", _HOST)
        debug = ad_hoc("ansible.builtin.debug", "msg=nothing", _HOST)
        seconds = [(_processor(ours, server), _processor(debug, server)) for _number in range(pairs + 1)][1:]
        server.counts()
    return AdHoc(ours=tuple(first for first, _second in seconds), debug=tuple(second for _first, second in seconds))


def _processor(arguments: tuple[str, ...], server: Replayed) -> float:
    with tempfile.TemporaryDirectory(prefix="portkeeper-bench-") as name:
        taken, _run = metered((*arguments, "-i", str(server.inventory)), pathlib.Path(name))
    return taken.processor
