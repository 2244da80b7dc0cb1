# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of the catalogue that are installed on a server: how they start, and the UDP ports that they need."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import ad_lds
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Fact, Service
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.installed_known_services import (
    InstalledService,
    installed,
    questions,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    AD_LDS_SERVICE_PREFIX,
    KNOWN_SERVICES,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import delayed_flag
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

BY_ITSELF: t.Final = ("auto", "delayed")
"""Start modes with which a service starts at the boot without being asked."""


def known_service_questions(context: Context) -> list[Fact[t.Any]]:
    """All that ``installed_known_services`` asks, for callers that have more to ask in the same round."""
    return questions(KNOWN_SERVICES, context.capabilities)


def installed_known_services(context: Context) -> tuple[InstalledService, ...]:
    """The products of the catalogue whose services are installed, in its order; raises FactsNeeded."""
    return installed(KNOWN_SERVICES, context.facts, context.capabilities)


def require_start_modes(services: t.Iterable[Service], context: Context) -> None:
    """Ask for what tells a delayed start from an automatic one, of all these services at once."""
    if context.capabilities.delayed_start:
        context.facts.require(*(delayed_flag(found.name) for found in services if found.start_mode == "Auto"))


def udp_ports(item: InstalledService, context: Context) -> PortSet:
    """The UDP ports that it needs: for AD LDS the twins of the ports in the registry; raises FactsNeeded."""
    if item.product.key == AD_LDS_KEY:
        return ad_lds.instance_ports(context.facts, item.service.name[len(AD_LDS_SERVICE_PREFIX) :])
    return item.product.udp
