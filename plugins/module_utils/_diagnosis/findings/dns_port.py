# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DNS server as the victim: another process has port 53."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder, held_sentence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    CODES,
    events,
    holders_on,
    in_wrong_hands,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    event_evidence,
    finding_ports,
    of_kind,
    service_evidence,
    socket_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import first_free
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import DNS_PORT, PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortSet

SOURCE: t.Final = "DNS"
PORTS: t.Final = PortSet.of(DNS_PORT)
_SHOWN_EVENTS: t.Final = 2


def dns_victim(view: PortInfoView) -> list[Finding]:
    """Another program has port 53 and dns.exe does not; raises FactsNeeded."""
    dns = view.dns_service()
    if dns is None:
        return []
    found = events("DNS Server", SOURCE, CODES["DNS Server"], view)
    holders = holders_on({"tcp": PORTS, "udp": PORTS}, view) if found else ()
    with_dns = {holder.protocol for holder in holders if holder.is_dns}
    intruders = [holder for holder in holders if holder.protocol not in with_dns]
    if not intruders:
        return []
    seen: tuple[Evidence, ...] = (service_evidence(dns), *map(event_evidence, found[:_SHOWN_EVENTS]))
    return [
        Finding(
            **of_kind("dns_is_victim"),
            summary=f"The DNS server is the victim: {held_sentence(intruders)}.",
            cause="Another program serves port 53 here (a second DNS server, internet connection sharing, a proxy). "
            "This is not the doing of the DNS server's socket pool.",
            evidence=(*seen, *map(socket_evidence, intruders)),
            service=dns.name,
            ports=finding_ports({holder.protocol: PORTS for holder in intruders}),
            held_by=in_wrong_hands(intruders),
            fix=_fix(intruders),
        )
    ]


def _fix(intruders: t.Iterable[Holder]) -> str:
    restart = {
        "name": "Restart DNS once the port is free",
        "portkeeper.windows.service_state": {"name": "DNS", "state": "restarted"},
    }
    return tasks(restart, comments=dict.fromkeys(map(first_free, intruders)))
