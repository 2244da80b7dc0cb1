# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``dns_socket_pool``."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import dns_socket_pool
from ansible_collections.portkeeper.windows.plugins.plugin_utils._action_base import (
    ResourceAction,
    task_arguments,
)


class ActionModule(ResourceAction):
    """See the module's documentation."""

    resource = dns_socket_pool.RESOURCE
    argument_spec = task_arguments(dns_socket_pool.RESOURCE)
