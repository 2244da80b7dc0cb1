# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `ansible-test windows-integration` printed: which target ran on which server, and which it left out and why."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

_TARGET: t.Final = re.compile(r"^Running (\S+) integration test role$")
_RESULT: t.Final = re.compile(r"^ok: \[(.+)\] => \{$")
_LEFT_OUT: t.Final = re.compile(r'^    "msg": ("Left out: .*")$')
_RECAP: t.Final = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=\d+\s+unreachable=(\d+)\s+failed=(\d+)\s")


@dataclasses.dataclass
class Outcome:
    """One target. ``hosts`` in the order of Ansible's recap; without any the target never came to its end."""

    target: str
    hosts: list[str] = dataclasses.field(default_factory=list)
    failed: list[str] = dataclasses.field(default_factory=list)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    """By server, the reason that the target gave."""

    @property
    def passed(self) -> bool:
        """Whether it came to its end, and failed nowhere."""
        return bool(self.hosts) and not self.failed


def read_output(output: str) -> list[Outcome]:
    """Read the whole output of a run; the targets come in its order."""
    outcomes: list[Outcome] = []
    host = ""
    for line in output.splitlines():
        if target := _TARGET.match(line):
            outcomes.append(Outcome(target[1]))
        elif not outcomes:
            continue
        elif (reason := _LEFT_OUT.match(line)) and host:
            outcomes[-1].left_out[host] = json.loads(reason[1]).removeprefix("Left out: ")
        elif recap := _RECAP.match(line):
            outcomes[-1].hosts.append(recap[1])
            if int(recap[2]) or int(recap[3]):
                outcomes[-1].failed.append(recap[1])
        result = _RESULT.match(line)
        host = result[1] if result else ""
    return outcomes
