# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``server_reboot``."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.reboot import ARGUMENT_SPEC, options
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import Request
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import Arguments
from ansible_collections.portkeeper.windows.plugins.plugin_utils._reboot import RebootingAction
from ansible_collections.portkeeper.windows.plugins.plugin_utils._results import reboot_result


class ActionModule(RebootingAction):
    """See the module's documentation."""

    argument_spec: t.ClassVar[Arguments] = ARGUMENT_SPEC

    def request(self, arguments: Arguments, *, journal: bool) -> Request:
        """Nothing but the reboot. A journal that can't be read does not stop it, so the engine reads none."""
        return Request(items=(), reboot=options(arguments, always=True, journal=journal), journal=False)

    shown = staticmethod(reboot_result)
