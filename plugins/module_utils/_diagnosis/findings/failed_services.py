# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that are down because a port was taken when they started, by the errors that they left."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    FILE_IN_USE,
    PORT_TAKEN,
    displayed,
    errors_of,
    service_failures,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    Ports,
    event_evidence,
    service_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import (
    installed_known_services,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge import ad_lds
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Event,
    FactUnread,
    OperatingSystemFact,
    Service,
    ServicesFailedFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    AD_LDS_KEY,
    AD_LDS_SERVICE_PREFIX,
    KnownService,
)

LOST: t.Final = PORT_TAKEN | {FILE_IN_USE}
FAILED_FACT: t.Final = ServicesFailedFact(tuple(sorted(LOST)))
NEVER_STARTED: t.Final = 1077
_STARTING: t.Final = frozenset({"Running", "Start Pending"})


@dataclasses.dataclass(frozen=True, slots=True)
class FailedService:
    """A service that is down for the sake of a port, and what tells so."""

    service: Service
    error: int
    evidence: tuple[Evidence, ...]
    product: KnownService | None
    ports: Ports


def victims(view: PortInfoView) -> tuple[FailedService, ...]:
    """All of them; a service that runs again is none, even if the log still has its event. Raises FactsNeeded."""
    by_exit_code = {service.name: service for service in view.facts[FAILED_FACT] if service.state not in _STARTING}
    events = _by_events(view)
    products = {item.service.name.casefold(): item.product for item in installed_known_services(view.context)}
    found = []
    for name in sorted({*by_exit_code, *events}):
        service, event = by_exit_code.get(name), events.get(name)
        error = service.error if service else min(errors_of(event[1]) & LOST) if event else 0
        product = products.get(name.casefold())
        if error == FILE_IN_USE and product is None:
            continue
        known = service or (event[0] if event else None)
        if known:
            told = (service_evidence(known), *((event_evidence(event[1]),) if event else ()))
            found.append(FailedService(known, error, told, product, ports_of(known, product, view)))
    return tuple(found)


def ports_of(service: Service, product: KnownService | None, view: PortInfoView) -> Ports:
    """The ports that it needs; none if they are not known for certain, or can't be read. Raises FactsNeeded."""
    if product is None or product.any_port_will_do:
        return {}
    if product.key != AD_LDS_KEY:
        return {protocol: product.ports(protocol) for protocol in product.protocols}
    try:
        ports = ad_lds.instance_ports(view.facts, service.name[len(AD_LDS_SERVICE_PREFIX) :])
    except FactUnread:
        return {}
    return {"tcp": ports, "udp": ports}


def _by_events(view: PortInfoView) -> dict[str, tuple[Service, Event]]:
    """Services that should run and don't, with the newest 7023 of this boot that names a lost port."""
    system = view.facts[OperatingSystemFact()]
    failures = {
        name: events[0] for name, events in service_failures(LOST, view).items() if events[0].time >= system.boot_time
    }
    services = displayed(failures, view)
    return {
        service.name: (service, event)
        for name, event in failures.items()
        for service in services[name]
        if service.state not in _STARTING and (service.error in LOST or _says_nothing(service))
    }


def _says_nothing(service: Service) -> bool:
    """Down, should not be, and no other exit code: a tool may have cleared it."""
    return service.start_mode == "Auto" and service.error in (0, NEVER_STARTED)
