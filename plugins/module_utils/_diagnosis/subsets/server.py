# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server itself: its release, the update that brought the DNS socket pool, its AD LDS instances."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.pool_presence import pool_presence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.server import (
    InstanceRow,
    ReleaseRow,
    UpdatesRow,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView, SubsetAnswer
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import ad_lds
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    OperatingSystemFact,
    RegistryFact,
    Service,
    ServicesLikeFact,
    UpdatesFact,
    number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import AD_LDS_SERVICE_PREFIX
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_settings import (
    POOL_UPDATES,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import DOMAIN_CONTROLLER
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import (
    AD_LDS_PORT_VALUES,
    ad_lds_port_facts,
)


def release(view: PortInfoView) -> SubsetAnswer:
    """Name, version and uptime, and what this release offers to the collection."""
    system, found = view.facts[OperatingSystemFact()], view.context.release
    return SubsetAnswer(
        ReleaseRow(
            name=found.name,
            version=system.version,
            caption=system.caption,
            uptime=int(system.uptime),
            domain_controller=system.product_type == DOMAIN_CONTROLLER,
            capabilities=found.capabilities,
        )
    )


def updates(view: PortInfoView) -> SubsetAnswer:
    """The evidence for a socket pool of the DNS server; the list of updates can confirm one, never refute it."""
    if view.context.capabilities.always_has_pool:
        reason = f"{view.context.release.name} came with the socket pool; no update is needed for it."
        return SubsetAnswer(UpdatesRow(seen=(), dns_pool="always", reason=reason))
    found = pool_presence(view)
    neither = f"Windows lists neither {' nor '.join(POOL_UPDATES)}"
    if not view.facts.is_read(UpdatesFact()):
        neither = "The list of updates can't be read"
    if found.listed:
        reason = f"Windows lists {' and '.join(found.listed)} (MS08-037)."
    elif found.held is None:
        reason = f"{neither}{_PROVES_NOTHING}"
    elif found.presence == "confirmed":
        reason = f"dns.exe holds {found.held} UDP ports beside port 53."
    else:
        reason = f"{neither}, and dns.exe holds {found.held} UDP ports beside port 53: far too few for a pool."
    return SubsetAnswer(UpdatesRow(seen=found.listed, dns_pool=found.presence, reason=reason))


_PROVES_NOTHING: t.Final = (
    ", which proves nothing: superseded and slipstreamed updates do not show. The pool is assumed."
)


def ad_lds_instances(view: PortInfoView) -> SubsetAnswer:
    """The AD LDS instances, their services and the ports that their registry values name."""
    services = view.facts[ServicesLikeFact(AD_LDS_SERVICE_PREFIX)]
    view.facts.require(*(question for service in services for question in ad_lds_port_facts(service.name)))
    return SubsetAnswer(tuple(_instance(service, view) for service in services))


def _instance(service: Service, view: PortInfoView) -> InstanceRow:
    ldap, ssl = (_port(question, view) for question in ad_lds_port_facts(service.name))
    source = "registry"
    if ldap is None and ssl is None:
        usual = tuple(ad_lds.DEFAULT_PORTS.get(service.name.casefold(), ()))
        source = "default" if usual else "unknown"
        ldap, ssl = usual if len(usual) == len(AD_LDS_PORT_VALUES) else (None, None)
    return InstanceRow(
        instance=service.name[len(AD_LDS_SERVICE_PREFIX) :],
        service=service.name,
        state=service.state,
        start_mode=service.start_mode,
        process_id=service.process_id,
        exit_code=service.exit_code,
        ldap_port=ldap,
        ssl_port=ssl,
        ports_source=source,
    )


def _port(question: RegistryFact, view: PortInfoView) -> int | None:
    return number(view.facts[question])
