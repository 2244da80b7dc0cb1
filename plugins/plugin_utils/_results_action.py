# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions share that make files on the controller from results of port_info; no server is spoken to.

A task that is given the results of many servers by a template pays for it: Ansible looks into each text of them for a
template, and copies all. So an action may be given the name of the variable that each server's result is registered as.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.plugin_utils._failures import Result, result_of
from ansible_collections.portkeeper.windows.plugins.plugin_utils._task_options import (
    Arguments,
    plain_value,
    validated_options,
)


class ResultsAction(ActionBase):
    """An action with an option ``results``: results of port_info by server name.

    It may have the option ``registered`` in place of it: the variable that has the result of each server of the play.
    """

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
        variables = task_vars or {}
        host = str(variables.get("inventory_hostname", "localhost"))
        return result_of(lambda: self.made(self._options(variables)), host=host, action=str(self._task.action))

    def _options(self, variables: Arguments) -> Arguments:
        options = dict(validated_options(str(self._task.action), self.argument_spec, self._task.args))
        name = options.get("registered")
        if (name is None) == (options["results"] is None):
            raise OptionError(str(self._task.action), "give either results or registered")
        if name is not None:
            options["results"] = _registered(name, variables)
        if not all(isinstance(result, t.Mapping) for result in options["results"].values()):
            raise AnsibleActionFail("results: it is no mapping of server names to results of port_info")
        return options


def _registered(name: str, variables: Arguments) -> dict[str, t.Any]:
    """The value of this variable of each server of the play, no text of it templated; empty if a server lacks it."""
    hostvars = variables["hostvars"]
    found = ((host, hostvars.raw_get(host)) for host in variables["ansible_play_hosts_all"])
    return {str(host): plain_value(own.get(name, {})) for host, own in found}
