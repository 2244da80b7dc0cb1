# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``server_reboot``."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain import reboot
from ansible_collections.portkeeper.windows.plugins.plugin_utils.action_base import (
    Arguments,
    PortkeeperAction,
    Result,
    journal_is_on,
)
from ansible_collections.portkeeper.windows.plugins.plugin_utils.reboot import perform

if t.TYPE_CHECKING:
    from ansible_collections.portkeeper.windows.plugins.module_utils.wsman.client import Client


class ActionModule(PortkeeperAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[Arguments] = reboot.ARGUMENT_SPEC

    def prepare(self, arguments: Arguments, variables: Arguments) -> None:
        """Check the options' own rules."""
        self._wanted = reboot.options(arguments)

    def perform(self, client: Client, arguments: Arguments, variables: Arguments) -> Result:
        """Ask for the reboot and wait for it."""
        return perform(
            client,
            self._connection,
            self._wanted,
            with_journal=journal_is_on(variables),
            check_mode=self.check_mode,
            diff=self.diff_mode,
        )
