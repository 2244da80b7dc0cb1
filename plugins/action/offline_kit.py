# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``offline_kit``: a folder on the controller; no server is spoken to."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._offline_kit import ARGUMENT_SPEC, made
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_defaults import refuse_accepted_by_default
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import Arguments, validated_options


class ActionModule(ActionBase):
    """See the module's documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    argument_spec: t.ClassVar[Arguments] = ARGUMENT_SPEC

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate the options, then plan and write."""
        super().run(tmp, task_vars)
        host = str((task_vars or {}).get("inventory_hostname", "localhost"))
        return result_of(lambda: self._made(host), host=host, action=str(self._task.action))

    def _made(self, server: str) -> Result:
        refuse_accepted_by_default(self._task, self._templar)
        options = validated_options(str(self._task.action), self.argument_spec, self._task.args)
        return made(options, server, check_mode=bool(self._task.check_mode))
