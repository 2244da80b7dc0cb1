# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info`` on one server; what this Windows can't answer does not hold up the rest."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import (
    PortInfoReport,
    gather,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Facts, OperatingSystemFact
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.engine import identified, settle
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.separate_readings import read_separately
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client


def port_info(client: Client, inquiry: PortInfoOptions, *, now: float) -> PortInfoReport:
    """All subsets that are asked for; ``now`` is the controller's clock, seconds since the epoch (UTC).

    Raises:
        WindowsError: this Windows is not known, or nothing that is asked for could be read.
        WsmanError: the same, or the conversation failed.
    """
    system = read_operating_system(client)
    release = identified(client.host, system)
    facts = Facts({OperatingSystemFact(): system})
    with Target(client, release.capabilities, with_delays=True) as target:

        def gathered(known: Facts) -> PortInfoReport:
            return gather(inquiry, known, release, now)

        report, facts = settle(gathered, facts, target, commands_last=True, read=read_separately)
    unread = facts.unread
    # The operating system was read before anything else.
    if unread and (not report.tells_anything or len(unread) == len(list(facts)) - 1):
        raise next(iter(unread.values())).error
    return report
