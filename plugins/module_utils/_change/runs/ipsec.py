# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPsec trap of NT 5.x: a server whose IPSEC Services can't start drops all traffic and can't be reached again.

IPSEC Services binds UDP 4500 (KB956188). When it fails, the driver enters block mode (KB912023), and no remote tool
gets in any more. So a plan with a reservation or a reboot there looks at what the next boot may do.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import Context
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import reserved_ports_value
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import ServiceFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_NAT_PORT,
    IPSEC_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

NAT_TRAVERSAL: t.Final = PortSet.of(IPSEC_NAT_PORT)


def next_boot_may_block(context: Context) -> bool:
    """True if the DNS server's pool may take UDP 4500 at the next boot from an IPSEC Services that starts by itself.

    On NT 5.x the pool is drawn from 1024 to MaxUserPort if that is set, else from 49152 up (security update 953230);
    that the update is installed is assumed. Configured settings count, in force or not: the boot reads them. Raises
    FactsNeeded.
    """
    if not context.capabilities.ipsec_block_mode:
        return False
    context.facts.require(*_QUESTIONS)
    if (max_user_port(context.facts) or 0) < IPSEC_NAT_PORT:
        return False
    starting = [context.facts[ServiceFact(name)] for name in (DNS_SERVICE, IPSEC_SERVICE)]
    both_start = all(service and service.start_mode == "Auto" for service in starting)
    return both_start and IPSEC_NAT_PORT not in reserved_ports_value.reserved(context)


_QUESTIONS: t.Final = (
    ServiceFact(DNS_SERVICE),
    ServiceFact(IPSEC_SERVICE),
    MAX_USER_PORT_FACT,
    RESERVED_PORTS_FACT,
)
