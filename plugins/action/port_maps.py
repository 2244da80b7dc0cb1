# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``port_maps``: pictures as files on the controller; no server is spoken to.

One task for all servers, since a task that copies a file takes Ansible half a second for each of them.
"""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._port_report import drawn_panels, pictures
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import write
from ansible_collections.portkeeper.windows.plugins.plugin_utils._results_action import ResultsAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments


class ActionModule(ResultsAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[t.Mapping[str, t.Any]] = {
        "results": {"type": "dict", "required": True},
        "directory": {"type": "path", "required": True},
        "style": {"type": "str"},
        "read_at": {"type": "str", "default": ""},
    }

    def made(self, options: Arguments) -> Result:
        """Draw, and write what differs."""
        hosts = fleet(options["results"]).hosts
        files = pictures(
            hosts,
            drawn_panels(hosts),
            pathlib.Path(options["directory"]),
            read_at=options["read_at"],
            style=options["style"] or "",
        )
        written = write(files, check_mode=self._task.check_mode)
        return {"changed": bool(written), "written": written}
