# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``converge``: many resources, one connection, one plan."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import Arguments
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._reboot import RebootingAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._role_options import OPTION, role_options
from ansible_collections.portkeeper.windows.plugins.plugin_utils._role_task import say
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options


class ActionModule(RebootingAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[Arguments] = converge_options.ARGUMENT_SPEC

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """What every action does; then the sentences of the result, if the task asks for them."""
        self._said = "nothing"
        result = super().run(tmp, task_vars)
        if not self._task.no_log:
            say(result, self._said, host=self.host)
        return result

    def given_options(self, variables: Arguments) -> Arguments:
        """Those of the task, and those of its role, which come first."""
        given = super().given_options(variables)
        name = given.get(OPTION)
        return {**given, **role_options(name, variables, self._templar.template)} if name else given

    def request(self, arguments: Arguments, *, journal: bool) -> Request:
        """All resources and victims, checked by Ansible's rules and by their own."""
        self._said = arguments["say"]
        return converge_options.request(arguments, journal=journal, validate=validated_options)
