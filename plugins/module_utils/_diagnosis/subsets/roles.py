# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of a server, and the roles of this collection that are for it."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import left_over
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import (
    ChoiceRow,
    KindRow,
    RolesRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.gathering import gathered
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.server_kinds import Recognised, identity


def roles(view: PortInfoView) -> SubsetAnswer:
    """All that the server is, the roles that fit, and those that wait for a decision; raises FactsNeeded."""
    looks: tuple[t.Callable[[], t.Any], ...] = (
        lambda: identity(view.facts, view.context.release, instance=view.inquiry.ad_lds_instance),
        # In the same query for services as the signs of what the server is.
        lambda: left_over(view.facts),
    )
    found, down = gathered(looks)
    return SubsetAnswer(
        RolesRow(
            kinds=tuple(map(_kind, found.kinds)),
            fitting=found.fitting,
            by_choice=tuple(ChoiceRow(role=choice.role, note=choice.note) for choice in found.choices),
            left_over=down,
        )
    )


def _kind(found: Recognised) -> KindRow:
    return KindRow(
        kind=found.kind.key,
        name=found.kind.name,
        services=found.services,
        role=found.kind.role,
        fits=found.fits,
        reason=found.obstacle,
        by_choice=tuple(choice.role for choice in found.choices),
    )
