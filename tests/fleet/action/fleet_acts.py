# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action for test playbooks only: what happens to a simulated server behind Ansible's back."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from tests.simulator.control import ControlClient


class ActionModule(ActionBase):
    """Sends each of ``acts`` to the control endpoint of the fleet, see tests.simulator.windows.acts."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        server = ControlClient(variables["fleet_control"]).host(variables["inventory_hostname"])
        return {"changed": False, "results": [server.act(**dict(act)) for act in self._task.args["acts"]]}
