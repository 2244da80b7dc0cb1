# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``port_info``: check, read, then answer the query or show everything."""

from __future__ import annotations

import dataclasses

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import options
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets import summary
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import PortInfoReport
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.socket_groups import by_process
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.port_info import port_info
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import Arguments, PortkeeperAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._query import Query


class PortInfoAction(PortkeeperAction):
    """Reads only: check mode makes no difference, and there is never a diff."""

    def prepare(self, arguments: Arguments) -> None:
        """Check subsets, ports and the expression."""
        expression = arguments.get("query")
        self._by_process = options.wants_processes(arguments)
        self._query = None if expression is None else Query(expression)
        scope = self._query.scope if self._query else None
        self._inquiry = options.port_info_options(arguments, scope, journal=self.shared.journal)

    def perform(self, client: Client, _arguments: Arguments, _variables: Arguments) -> Result:
        """Read what is asked for."""
        report = port_info(client, self._inquiry, now=Clock().now())
        result: Result = {"changed": False, "warnings": list(report.warnings)}
        if self._query is None:
            return {**result, **self._shaped(report).plain(), "msg": summary.summary(report)}
        answer = self._query.answer({**report.plain(), "msg": summary.summary(report)})
        unread = as_plain(report.unread)
        return {**result, "result": answer, "unread": unread, "msg": summary.query_summary(answer, report)}

    def _shaped(self, report: PortInfoReport) -> PortInfoReport:
        sockets = report.values.get("sockets")
        if not (self._by_process and sockets):
            return report
        return dataclasses.replace(report, values={**report.values, "sockets": by_process(sockets)})
