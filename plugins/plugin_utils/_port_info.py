# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``port_info``: check, read, then answer the query or show everything."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis import options
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.short_answer import finding_line, short
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets import summary
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.report import PortInfoReport
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.subsets.socket_groups import by_process
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import seen_of
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.typed_rows import as_plain
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.port_info import port_info
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import Arguments, PortkeeperAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._query import Query
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import next_steps


class PortInfoAction(PortkeeperAction):
    """Reads only: check mode makes no difference, and there is never a diff."""

    def prepare(self, arguments: Arguments) -> None:
        """Check subsets, ports, the form of the answer and the expression."""
        expression = arguments.get("query")
        self._form = options.form(arguments, registered=bool(self._task.register))
        self._query = None if expression is None else Query(expression)
        scope = self._query.scope if self._query else None
        self._inquiry = options.port_info_options(arguments, scope, journal=self.shared.journal)

    def perform(self, client: Client, _arguments: Arguments, variables: Arguments) -> Result:
        """Read what is asked for."""
        report = port_info(client, self._inquiry, now=Clock().now())
        result: Result = {"changed": False, "warnings": list(report.warnings)}
        verdict = summary.verdict_of(report)
        said = {"msg": summary.summary(report), **({"verdict": verdict} if verdict else {})}
        if self._query is None:
            return {**result, **self._shown(report, variables), **said, "detail": self._form.detail}
        answer = self._query.answer({**report.plain(), **said})
        unread = as_plain(report.unread)
        return {**result, "result": answer, "unread": unread, "msg": summary.query_summary(answer, report)}

    def _shown(self, report: PortInfoReport, variables: Arguments) -> Result:
        if self._form.detail == "sentences":
            return self._sentences(report, variables.get("group_names"))
        shaped = self._shaped(report)
        return shaped.plain() if self._form.detail == "full" else short({**shaped.values, "unread": report.unread})

    def _sentences(self, report: PortInfoReport, groups: t.Collection[str] | None) -> Result:
        """What was found and what to do about it; neither if it was not looked for."""
        info = report.info
        if info.findings is None:
            return {}
        steps = next_steps(info, seen_of(info, report.values), self.host, groups)
        return {"findings": [finding_line(row) for row in info.findings], "fixes": steps}

    def _shaped(self, report: PortInfoReport) -> PortInfoReport:
        sockets = report.values.get("sockets")
        if not (self._form.by_process and sockets):
            return report
        return dataclasses.replace(report, values={**report.values, "sockets": by_process(sockets)})
