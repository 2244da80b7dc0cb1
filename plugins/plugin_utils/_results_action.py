# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share that make files on the controller from results of port_info; no server is spoken to."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments, validated_options


class ResultsAction(ActionBase):
    """An action with an option ``results``: results of port_info by server name."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    argument_spec: t.ClassVar[Arguments]

    def made(self, options: Arguments) -> Result:
        """Make the files of these options, and give what the task returns."""
        raise NotImplementedError

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate the options, then make the files."""
        super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", "localhost"))
        return result_of(lambda: self.made(self._options()), host=host, action=str(self._task.action))

    def _options(self) -> Arguments:
        options = validated_options(str(self._task.action), self.argument_spec, self._task.args)
        if not all(isinstance(result, t.Mapping) for result in options["results"].values()):
            raise AnsibleActionFail("results: it is no mapping of server names to results of port_info")
        return options
