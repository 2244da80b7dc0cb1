# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``port_page``: the report's files on the controller; no server is spoken to.

One task for all files, since each task that reads the results of all servers costs more than writing them.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail

from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import FAIL_ON, checked, failure
from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import (
    EarlierReport,
    NoReportError,
    earlier_report,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import READ_AT, Origin, fleet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._port_report import report_files
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import write
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import collection_version, fixes_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._results_action import ResultsAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments


class ActionModule(ResultsAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[t.Mapping[str, t.Any]] = {
        "results": {"type": "dict"},
        "registered": {"type": "str"},
        "directory": {"type": "path", "required": True},
        "title": {"type": "str", "default": "Ports of Windows servers"},
        "maps": {"type": "bool", "default": True},
        "before": {"type": "path"},
        "inventory": {"type": "list", "elements": "str", "default": []},
        "groups": {"type": "dict"},
        "read_at": {"type": "str"},
        "risk_limit": {"type": "float", "default": 0.0},
        "fail_on": {"type": "list", "elements": "str", "choices": list(FAIL_ON), "default": ["never"]},
    }

    def made(self, options: Arguments) -> Result:
        """Make the rows and the texts, and write what differs."""
        directory = pathlib.Path(options["directory"])
        report = fleet(options["results"], origin=_origin(options), earlier=_earlier(options["before"], directory))
        fixes = fixes_of(options["groups"])
        servers = checked(report, fixes, risk_limit=_risk_limit(options["risk_limit"]))
        files = report_files(
            report, directory, title=options["title"], maps=options["maps"], fixes=fixes, servers=servers
        )
        written = write(files, check_mode=self._task.check_mode)
        page = str(directory / "index.html")
        failed = failure(servers, options["fail_on"])
        return {
            "changed": bool(written),
            "written": written,
            "page": page,
            "headline": report.headline,
            "failure": f"{failed} The page: {page}" if failed else "",
            "msg": f"{report.headline} The page: {page}",
        }


def _risk_limit(value: float) -> float:
    if not 0 <= value <= 1:
        raise AnsibleActionFail(f"risk_limit: {value:g} is no probability from 0 to 1")
    return value


def _origin(options: t.Mapping[str, t.Any]) -> Origin:
    now = datetime.datetime.now(datetime.timezone.utc).strftime(READ_AT)
    return Origin(
        product_version=collection_version(),
        read_at=options["read_at"] or now,
        inventory=tuple(options["inventory"]),
    )


def _earlier(before: str | None, directory: pathlib.Path) -> EarlierReport | None:
    if not before:
        return None
    path = pathlib.Path(before)
    if path.resolve() == (directory / "report.json").resolve():
        raise AnsibleActionFail(f"before: {path} is replaced by this report; copy it before, or write to elsewhere")
    try:
        return earlier_report(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AnsibleActionFail(f"before: {path} can't be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        reason = error if isinstance(error, NoReportError) else "it is no JSON"
        raise AnsibleActionFail(f"before: {path} is no report to compare with: {reason}") from None
