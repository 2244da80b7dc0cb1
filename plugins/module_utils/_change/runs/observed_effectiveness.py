# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets outweigh the journal: while dns.exe holds ports that a setting forbids, the setting is not in force."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Effectiveness, Plan
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_SHOWN_RANGES: t.Final = 5


def observed_effectiveness(plan: Plan, taken: PortSet) -> Effectiveness:
    """The effectiveness of a plan, given the UDP ports that dns.exe holds although the plan's settings forbid them."""
    if not taken:
        return plan.effectiveness
    held = f"dns.exe holds UDP {_shortened(taken)} although the setting forbids it"
    return plan.effectiveness_if_taken._replace(reason=f"{held}: {plan.effectiveness_if_taken.reason}")


def _shortened(ports: PortSet) -> str:
    shown = ", ".join(item.text for item in ports.ranges[:_SHOWN_RANGES])
    return shown if len(ports.ranges) <= _SHOWN_RANGES else f"{shown} and more"
