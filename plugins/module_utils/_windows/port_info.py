# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``port_info`` on one server; a subset that this Windows can't answer does not hold up the others."""

from __future__ import annotations

import dataclasses

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.options import PortInfoOptions, SubsetName
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import (
    PortInfoReport,
    gather,
    unanswered,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Facts, OperatingSystemFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import Release
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.engine import identified, settle
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.errors import ACCESS_DENIED, WindowsError
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.operating_system import read_operating_system
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.target import Target
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import NotFound


def port_info(client: Client, inquiry: PortInfoOptions, *, now: float) -> PortInfoReport:
    """All subsets that are asked for; ``now`` is the controller's clock, seconds since the epoch (UTC).

    Raises:
        WindowsError: this Windows is not known, or access is denied.
        WsmanError: the conversation failed.
    """
    system = read_operating_system(client)
    release = identified(client.host, system)
    facts = Facts({OperatingSystemFact(): system})
    with Target(client, release.capabilities) as target:
        informant = _PortInfoReader(target, facts, release, now)
        return informant.together(inquiry) or informant.one_by_one(inquiry)


@dataclasses.dataclass(frozen=True, slots=True)
class _PortInfoReader:
    """One run on one server."""

    target: Target
    facts: Facts
    release: Release
    now: float

    def together(self, inquiry: PortInfoOptions) -> PortInfoReport | None:
        """Every subset at once, with the fewest requests; ``None`` where something can't be answered."""
        try:
            return self._report(inquiry)
        except (NotFound, WindowsError) as error:
            _demand_no_refusal(error)
            return None

    def one_by_one(self, inquiry: PortInfoOptions) -> PortInfoReport:
        """Each subset by itself, to find the one that can't be answered; costs more requests, and is rare."""
        reports = [self._alone(name, dataclasses.replace(inquiry, subsets=(name,))) for name in inquiry.subsets]
        values = {name: value for report in reports for name, value in report.values.items()}
        warnings = tuple(text for report in reports for text in report.warnings)
        return PortInfoReport(self.release, inquiry, values, warnings)

    def _alone(self, name: SubsetName, inquiry: PortInfoOptions) -> PortInfoReport:
        try:
            return self._report(inquiry)
        except (NotFound, WindowsError) as error:
            _demand_no_refusal(error)
            answer = unanswered(name, error)
            return PortInfoReport(self.release, inquiry, {name: answer.value}, answer.warnings)

    def _report(self, inquiry: PortInfoOptions) -> PortInfoReport:
        def gathered(known: Facts) -> PortInfoReport:
            return gather(inquiry, known, self.release, self.now)

        report, _facts = settle(gathered, self.facts, self.target, commands_last=True)
        return report


def _demand_no_refusal(error: NotFound | WindowsError) -> None:
    """Raise it again if it is about rights, which no subset gets around."""
    if isinstance(error, WindowsError) and error.code in ACCESS_DENIED:
        raise error
