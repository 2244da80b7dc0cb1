# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``converge``: many resources, one connection, one plan."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import converge_options
from ansible_collections.portkeeper.windows.plugins.module_utils.windows.apply import Clock
from ansible_collections.portkeeper.windows.plugins.module_utils.windows.engine import run
from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.client import Client
from ansible_collections.portkeeper.windows.plugins.plugin_utils.action_base import (
    Arguments,
    PortkeeperAction,
    Result,
    journal_is_on,
    validated_options,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils.results import many_results


class ActionModule(PortkeeperAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[Arguments] = converge_options.ARGUMENT_SPEC

    def prepare(self, arguments: Arguments, variables: Arguments) -> None:
        """Check every resource's and victim's options."""
        self._request = converge_options.request(
            arguments, journal=journal_is_on(variables), validate=validated_options
        )

    def perform(self, client: Client, arguments: Arguments, variables: Arguments) -> Result:
        """Run the engine once for everything."""
        outcome = run(client, self._request, check_mode=self.check_mode, clock=Clock())
        result = many_results(outcome, host=self.host, check_mode=self.check_mode, diff=self.diff_mode)
        if arguments["require"] and outcome.planned.missing_services:
            result["failed"] = True
        return result
