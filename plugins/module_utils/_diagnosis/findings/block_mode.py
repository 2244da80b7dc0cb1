# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IPsec trap of NT 5.x: a block mode that was, and the danger that the next boot brings one."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import ipsec
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    PORT_TAKEN,
    displayed,
    events,
    holders_on,
    in_wrong_hands,
    service_failures,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    Ports,
    event_evidence,
    finding_ports,
    of_kind,
    service_evidence,
    socket_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import REBOOT, by_role
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.protection import standing
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import (
    Evidence,
    Finding,
    HeldPort,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event, Service, ServiceFact
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    DNS_SERVICE,
    IPSEC_NAT_PORT,
    IPSEC_SERVICE,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.pool_range import max_user_port

SOURCE: t.Final = "IPSec"
CODE: t.Final = 4292
TOGETHER: t.Final = datetime.timedelta(minutes=10)
"""4292 alone can mean a corrupt policy store (KB912023): then 7023 says that a file was not found."""
_PORTS: t.Final = ipsec.NAT_TRAVERSAL
_RESERVE: t.Final = {
    "name": "Reserve UDP 4500, so that IPSEC Services gets it at every boot",
    "portkeeper.windows.reserved_ports": {"services": ["ipsec"]},
}
_IN_FORCE: t.Final = "In force at the next boot, which is when it is needed."
_AUTOMATIC: t.Final = {
    "name": "Let IPSEC Services start by itself again",
    "portkeeper.windows.service_start_mode": {"name": IPSEC_SERVICE, "start_mode": "auto"},
}


def block_mode(view: PortInfoView) -> list[Finding]:
    """IPSEC Services does not run since a boot at which its port was taken; raises FactsNeeded."""
    if not view.context.capabilities.ipsec_block_mode:
        return []
    service = view.facts[ServiceFact(IPSEC_SERVICE)]
    if service is None or service.runs:
        return []
    seen = _block_and_cause(view)
    return [_blocked(service, seen, view)] if seen else []


def _block_and_cause(view: PortInfoView) -> tuple[Event, Event] | None:
    """The newest 4292 with the 7023 of IPSEC Services beside it."""
    failures = service_failures(PORT_TAKEN, view)
    services = displayed(failures, view)
    of_ipsec = [
        event
        for name, found in failures.items()
        if any(service.name.casefold() == IPSEC_SERVICE.casefold() for service in services[name])
        for event in found
    ]
    pairs = (
        (block, cause)
        for block in events("System", SOURCE, (CODE,), view)
        for cause in of_ipsec
        if abs(block.time - cause.time) <= TOGETHER
    )
    return next(pairs, None)


def _blocked(service: Service, seen: tuple[Event, Event], view: PortInfoView) -> Finding:
    ports: Ports = {"udp": _PORTS}
    intruders = holders_on(ports, view)
    held_by = in_wrong_hands(intruders)
    automatic = [] if service.start_mode == "Auto" else [_AUTOMATIC]
    return Finding(
        **of_kind("ipsec_block_mode", None if service.start_mode == "Auto" else "warning"),
        summary=f"IPSEC Services lost UDP {IPSEC_NAT_PORT} at a boot, and Windows blocked all network traffic.",
        cause="Without IPSEC Services, Windows Server 2003 lets no packet through (block mode). Somebody got the "
        "server back; the port can be lost again at any boot.",
        evidence=(service_evidence(service), *map(event_evidence, seen), *map(socket_evidence, intruders)),
        service=service.name,
        ports=finding_ports(ports),
        held_by=held_by,
        **standing(ports, "dns_pool", view),
        fix=("" if automatic else _role(held_by, view)) or tasks(_RESERVE, *automatic, REBOOT),
    )


def _role(held_by: t.Sequence[HeldPort], view: PortInfoView) -> str:
    return by_role("Keep the port of IPSEC Services, and those of the others", IPSEC_SERVICE, held_by, view.context)


def block_mode_danger(view: PortInfoView) -> list[Finding]:
    """The next boot's pool can take the port that IPSEC Services needs; raises FactsNeeded."""
    if not ipsec.next_boot_may_block(view.context):
        return []
    starting = (view.facts[ServiceFact(name)] for name in (DNS_SERVICE, IPSEC_SERVICE))
    evidence = [service_evidence(service) for service in starting if service]
    evidence.append(Evidence("registry", f"MaxUserPort is {max_user_port(view.facts)}"))
    evidence.append(Evidence("registry", f"ReservedPorts does not keep {IPSEC_NAT_PORT} back"))
    return [
        Finding(
            **of_kind("ipsec_block_mode_danger"),
            summary="The next boot may cut this server off from the network.",
            cause="MaxUserPort moves the DNS server's pool down to 1024, so that it may take UDP 4500. IPSEC Services "
            "then fails, and Windows Server 2003 blocks all traffic: no remote tool gets in any more.",
            evidence=tuple(evidence),
            service=IPSEC_SERVICE,
            ports=finding_ports({"udp": _PORTS}),
            **standing({"udp": _PORTS}, "dns_pool", view),
            fix=_role((), view) or tasks(_RESERVE, comments=(_IN_FORCE,)),
        )
    ]
