# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action for test playbooks only: the result of `port_info` that a file holds, as if a server had been read."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Returns DIRECTORY/HOST.json; `unreachable` or `failed` in it make the task end so."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        name = (task_vars or {})["inventory_hostname"]
        path = pathlib.Path(self._task.args["directory"]) / f"{name}.json"
        given = json.loads(path.read_text(encoding="utf-8"))
        if "unreachable" in given:
            raise AnsibleConnectionFailure(given["unreachable"])
        if "failed" in given:
            raise AnsibleActionFail(given["failed"])
        return {"changed": False, **given}
