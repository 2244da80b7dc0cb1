# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cause of TCP ports that are local ends of outgoing connections: Windows draws them from a known range."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.ephemeral_range import (
    as_set_by,
    drawn_by_programs,
    range_by_max_user_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import DynamicRangesFact, FactUnread
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

_DRAWN: t.Final = (
    "A program connected to somewhere, and Windows drew the port for the near end of its connection before the service "
    "asked for it: {why}. The DNS server's socket pool, which is UDP, has no part in it."
)
_NAMED: t.Final = (
    "A program connected to somewhere with the port as the near end of its connection before the service asked for it. "
    "Windows does not draw it now ({why}): the program asks for it by its number, or the range was another one then."
)


_UNKNOWN: t.Final = (
    "A program connected to somewhere with the port as the near end of its connection before the service asked for it. "
    "Whether Windows draws such ports now could not be read."
)


def cause(tcp: PortSet, view: PortInfoView) -> str:
    """The reason why these ports are near ends of connections; raises FactsNeeded."""
    try:
        drawn, why = _drawn(view)
    except FactUnread:
        return _UNKNOWN
    return (_DRAWN if tcp <= drawn else _NAMED).format(why=why)


def _drawn(view: PortInfoView) -> tuple[PortSet, str]:
    """The TCP ports that programs get which ask for any, and the rule in words."""
    if not view.context.capabilities.dynamic_port_ranges:
        highest = max_user_port(view.facts)
        ports = range_by_max_user_port(highest)
        said = "MaxUserPort is not set" if highest is None else f"MaxUserPort is {highest}"
        return PortSet.of(ports), f"{said}, so it draws from {ports}"
    found = drawn_by_programs(view.facts[DynamicRangesFact()], "tcp")
    setup = as_set_by(found.ranges[0]) if len(found.ranges) == 1 else ""
    return found, f"it draws TCP ports from {found}{setup}"
