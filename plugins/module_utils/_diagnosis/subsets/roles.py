# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server is, and which roles of this collection are for it."""

from __future__ import annotations

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import Finding, View
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import identity


def roles(view: View) -> Finding:
    """All that the server is, the roles that fit, and those that wait for a decision; raises FactsNeeded."""
    found = identity(view.facts, view.context.release, instance=view.inquiry.ad_lds_instance)
    return Finding(
        {
            "kinds": [kind.as_dict() for kind in found.kinds],
            "fitting": list(found.fitting),
            "by_choice": [{"role": choice.role, "note": choice.note} for choice in found.choices],
        }
    )
