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
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.module_utils._page.comparison import (
    EarlierReport,
    NoReportError,
    earlier_report,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Origin, fleet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._port_report import report_files
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import write
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import collection_version


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    argument_spec: t.ClassVar[t.Mapping[str, t.Any]] = {
        "results": {"type": "dict", "required": True},
        "directory": {"type": "path", "required": True},
        "title": {"type": "str", "default": "Ports of Windows servers"},
        "maps": {"type": "bool", "default": True},
        "before": {"type": "path"},
        "inventory": {"type": "list", "elements": "str", "default": []},
        "groups": {"type": "dict"},
        "read_at": {"type": "str"},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate, make the rows and the texts, and write what differs."""
        super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", "localhost"))
        return result_of(self._reported, host=host, action=str(self._task.action))

    def _reported(self) -> Result:
        _validation, options = self.validate_argument_spec(dict(self.argument_spec))  # type: ignore[no-untyped-call]
        if not all(isinstance(result, t.Mapping) for result in options["results"].values()):
            raise AnsibleActionFail("results: it is no mapping of server names to results of port_info")
        directory = pathlib.Path(options["directory"])
        report = fleet(options["results"], origin=_origin(options), earlier=_earlier(options["before"], directory))
        files = report_files(report, directory, title=options["title"], maps=options["maps"], groups=options["groups"])
        written = write(files, check_mode=self._task.check_mode)
        page = str(directory / "index.html")
        return {
            "changed": bool(written),
            "written": written,
            "page": page,
            "headline": report.headline,
            "msg": f"{report.headline} The page: {page}",
        }


def _origin(options: t.Mapping[str, t.Any]) -> Origin:
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
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
