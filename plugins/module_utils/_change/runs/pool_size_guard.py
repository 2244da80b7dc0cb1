# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A socket pool of one socket: every query of the DNS server leaves from the same port."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import WriteValue
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.planned_run import PlannedRun
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.risks import Danger
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import number
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import POOL_SIZE_FACT


def dangers(run: PlannedRun) -> list[Danger]:
    """The plan writes the size 0."""
    written = (step for step in run.steps_of(WriteValue) if POOL_SIZE_FACT in step.touches())
    return [_ONE_SOCKET for step in written if number(step.value) == 0]


_ONE_SOCKET = Danger(
    "small_pool",
    "a socket pool of size 0",
    "it makes every query leave from one port, which brings back the cache poisoning that MS08-037 closed",
    "Exclude the ports that must stay free (excluded_ports) instead",
)
