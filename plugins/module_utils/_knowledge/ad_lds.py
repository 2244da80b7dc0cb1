# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of AD LDS instances (ADAM), from the server's registry.

An instance is the service ``ADAM_<instance>``; its key ``Parameters`` holds the DWORDs ``Port LDAP`` and ``Port SSL``
(seen in public code). Exchange's Edge Transport role uses the instance ``MSExchange`` with 50389 and 50636
(TechNet bb693319).
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Facts,
    ServicesLikeFact,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_SERVICE_PREFIX,
    EDGE_INSTANCE,
    EDGE_PORTS,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import ad_lds_port_facts
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

DEFAULT_PORTS: t.Final[t.Mapping[str, PortSet]] = {EDGE_INSTANCE.casefold(): EDGE_PORTS}
"""By service, case-folded: the ports of an instance whose registry values are missing."""


def instance_ports(facts: Facts, instance: str) -> PortSet:
    """The ports of one instance: as its registry says, else the defaults known for its name, else none."""
    service = AD_LDS_SERVICE_PREFIX + instance
    questions = ad_lds_port_facts(service)
    facts.require(*questions)
    numbers = [found for question in questions if (found := number(facts[question])) is not None]
    if not numbers:
        return DEFAULT_PORTS.get(service.casefold(), PortSet())
    return PortSet.of(*(port for port in numbers if 0 < port <= 65535))


def all_instances_ports(facts: Facts) -> PortSet:
    """The ports of every instance on the server; none if it has no instance. Raises FactsNeeded."""
    services = facts[ServicesLikeFact(AD_LDS_SERVICE_PREFIX)]
    facts.require(*(question for service in services for question in ad_lds_port_facts(service.name)))
    ports = PortSet()
    for service in services:
        ports |= instance_ports(facts, service.name[len(AD_LDS_SERVICE_PREFIX) :])
    return ports
