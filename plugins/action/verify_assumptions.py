# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action behind the module ``verify_assumptions``."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.options import ARGUMENT_SPEC
from ansible_collections.portkeeper.windows.plugins.plugin_utils._verify import VerifyAction


class ActionModule(VerifyAction):
    """See the module's documentation."""

    argument_spec = ARGUMENT_SPEC
