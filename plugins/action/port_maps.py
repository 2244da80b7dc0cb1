# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``port_maps``: pictures as files on the controller; no server is spoken to.

One task for all servers, since a task that copies a file takes Ansible half a second for each of them.
"""

from __future__ import annotations

import pathlib
import re
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import drawing
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.module_utils._page.svg import svg
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of

_HEADING: t.Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_MODE: t.Final = 0o644


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    argument_spec: t.ClassVar[t.Mapping[str, t.Any]] = {
        "results": {"type": "dict", "required": True},
        "directory": {"type": "path", "required": True},
        "style": {"type": "str", "required": True},
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
        directory = pathlib.Path(arguments["directory"])
        hosts = [host for host in fleet(arguments["results"]).hosts if host.reading == "read"]
        pictures = {directory / _file_name(host.name): _picture(host, arguments) for host in hosts}
        try:
            written = [str(path) for path, text in pictures.items() if self._written(path, text)]
        except OSError as error:
            raise AnsibleActionFail(f"The port maps can't be written to {directory}: {error.strerror}") from None
        return {"changed": bool(written), "written": written}

    def _written(self, path: pathlib.Path, text: str) -> bool:
        """Write a picture unless the file has it already; True if it differed. Check mode writes nothing."""
        if path.is_file() and path.read_bytes() == text.encode():
            return False
        if not self._task.check_mode:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            path.chmod(_MODE)
        return True


def _file_name(host: str) -> str:
    return f"{re.sub('[^A-Za-z0-9._-]', '_', host)}.svg"


def _picture(host: Host, arguments: t.Mapping[str, t.Any]) -> str:
    drawn = drawing(host, read_at=arguments["read_at"])
    return f"{_HEADING}{svg(drawn, name=host.name, key='map', style=arguments['style'])}\n"
