# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an ad hoc call of ours takes, against a call that does nothing: Ansible's own debug on the same host."""

from __future__ import annotations

import dataclasses
import statistics
import typing as t

from tests.bench.measuring import ad_hoc, seconds_of
from tests.simulator.control import RunningFleet
from tests.tooling.text_tables import table

PAIRS: t.Final = 10


@dataclasses.dataclass(frozen=True, slots=True)
class AdHoc:
    """Seconds of whole calls, in pairs that ran one after the other."""

    ours: tuple[float, ...]
    debug: tuple[float, ...]

    @property
    def difference(self) -> float:
        """Median of ours minus median of debug's."""
        return statistics.median(self.ours) - statistics.median(self.debug)

    def as_table(self) -> str:
        """Both for a reader."""
        sides = (("reserved_ports, no change", self.ours), ("ansible.builtin.debug", self.debug))
        return table(
            ("call", "median", "fastest", "slowest"),
            (
                (name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}")
                for name, seconds in sides
            ),
        )


def paired_calls(fleet: RunningFleet, host: str, ports: str) -> AdHoc:
    """Call both in turn, so that other load on the machine slows both alike."""
    ours = ad_hoc("reserved_ports", f"ports={ports}", host)
    debug = ad_hoc("ansible.builtin.debug", "msg=nothing", host)
    pairs = [(seconds_of(ours, fleet), seconds_of(debug, fleet)) for _number in range(PAIRS)]
    return AdHoc(tuple(first for first, _second in pairs), tuple(second for _first, second in pairs))
