# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``reserved_ports``."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import reserved_ports
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import (
    ResourceAction,
    task_arguments,
)


class ActionModule(ResourceAction):
    """See the module's documentation."""

    resource = reserved_ports.RESOURCE
    argument_spec = task_arguments(reserved_ports.RESOURCE)
