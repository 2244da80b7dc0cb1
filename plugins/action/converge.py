# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``converge``: many resources, one connection, one plan."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import Arguments, EngineAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result
from ansible_collections.portkeeper.windows.plugins.plugin_utils._role_task import refuse_wrong_role_variables, say
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import validated_options


class ActionModule(EngineAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[Arguments] = converge_options.ARGUMENT_SPEC

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        """What every action does; then the sentences of the result, if the task asks for them."""
        self._said = "nothing"
        result = super().run(tmp, task_vars)
        if not self._task.no_log:
            say(result, self._said, host=self.host)
        return result

    def check_options(self, options: Arguments, variables: Arguments) -> None:
        """The variables of the role first: an option that comes of a wrong one says less."""
        if boolean(options.get("check_role_variables", False), strict=False):
            refuse_wrong_role_variables(variables, self._templar.template)

    def request(self, arguments: Arguments, *, journal: bool) -> Request:
        """All resources and victims, checked by Ansible's rules and by their own."""
        self._said = arguments["say"]
        return converge_options.request(arguments, journal=journal, validate=validated_options)
