# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a TCP port comes to be the near end of somebody's outgoing connection: Windows draws it, from a known range."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ephemeral_range import range_by_max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import FAMILIES, DynamicRangesFact
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.information.view import View
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.pool_range import max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import PortSet
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.releases import DEFAULT_POOL_RANGE

_DRAWN: t.Final = (
    "A program connected to somewhere, and Windows drew the port for the near end of its connection before the service "
    "asked for it: {why}. The DNS server's socket pool, which is UDP, has no part in it."
)
_NAMED: t.Final = (
    "A program connected to somewhere with the port as the near end of its connection before the service asked for it. "
    "Windows does not draw it now ({why}): the program asks for it by its number, or the range was another one then."
)


def cause(tcp: PortSet, view: View) -> str:
    """Why these ports are the near ends of connections; raises FactsNeeded."""
    drawn, why = _drawn(view)
    return (_DRAWN if tcp <= drawn else _NAMED).format(why=why)


def _drawn(view: View) -> tuple[PortSet, str]:
    """The TCP ports that programs get which ask for any, and the rule in words."""
    if not view.context.capabilities.dynamic_port_ranges:
        highest = max_user_port(view.facts)
        ports = range_by_max_user_port(highest)
        said = "MaxUserPort is not set" if highest is None else f"MaxUserPort is {highest}"
        return PortSet.of(ports), f"{said}, so it draws from {ports}"
    ranges = view.facts[DynamicRangesFact()]
    found = PortSet.of(*(ranges.of(family, "tcp") for family in FAMILIES)) if ranges else PortSet.of(DEFAULT_POOL_RANGE)
    return found, f"it draws TCP ports from {found}"
