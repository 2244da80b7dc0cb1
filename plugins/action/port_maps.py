# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``port_maps``: pictures as files on the controller; no server is spoken to.

One task for all servers, since a task that copies a file takes Ansible half a second for each of them.
"""

from __future__ import annotations

import pathlib
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._port_report import drawn_panels, pictures
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import write


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    argument_spec: t.ClassVar[t.Mapping[str, t.Any]] = {
        "results": {"type": "dict", "required": True},
        "directory": {"type": "path", "required": True},
        "style": {"type": "str"},
        "read_at": {"type": "str", "default": ""},
    }

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate, draw, and write what differs."""
        super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", "localhost"))
        return result_of(self._drawn, host=host, action=str(self._task.action))

    def _drawn(self) -> Result:
        _validation, arguments = self.validate_argument_spec(dict(self.argument_spec))  # type: ignore[no-untyped-call]
        if not all(isinstance(result, t.Mapping) for result in arguments["results"].values()):
            raise AnsibleActionFail("results: it is no mapping of server names to results of port_info")
        hosts = fleet(arguments["results"]).hosts
        files = pictures(
            hosts,
            drawn_panels(hosts),
            pathlib.Path(arguments["directory"]),
            read_at=arguments["read_at"],
            style=arguments["style"] or "",
        )
        written = write(files, check_mode=self._task.check_mode)
        return {"changed": bool(written), "written": written}
