# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The presence of the DNS server's socket pool, decided once for every subset that needs it."""

from __future__ import annotations

import dataclasses

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import SocketsFact, UpdatesFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.next_boot import Presence
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    POOL_IN_USE,
    POOL_UPDATES,
    pool_settings,
)


@dataclasses.dataclass(frozen=True, slots=True)
class PoolPresence:
    """``held``: the UDP ports that dns.exe holds beside 53; ``None`` if they tell nothing, or were not needed."""

    presence: Presence
    listed: tuple[str, ...] = ()
    held: int | None = None


def pool_presence(view: PortInfoView) -> PoolPresence:
    """From the release, the list of updates, or the sockets of the DNS server; raises FactsNeeded.

    The list can confirm an update, never refute it; the sockets of a DNS server that runs, and whose pool was not made
    smaller than ``POOL_IN_USE``, can do both. They are read only if the list does not say it.
    """
    if view.context.capabilities.always_has_pool:
        return PoolPresence("always")
    known = {name.upper() for name in view.facts.optional(UpdatesFact(), ())}
    listed = tuple(name for name in POOL_UPDATES if name in known)
    if listed:
        return PoolPresence("confirmed", listed)
    dns = view.dns_service()
    if dns is None or not dns.runs or pool_settings(view.facts).effective_size < POOL_IN_USE:
        return PoolPresence("assumed")
    if not view.facts.is_read(SocketsFact(None)):
        return PoolPresence("assumed")
    held = len(view.pool_ports(dns))
    return PoolPresence("confirmed" if held >= POOL_IN_USE else "not_seen", (), held)
