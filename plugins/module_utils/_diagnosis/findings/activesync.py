# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange's ActiveSync and its port for up-to-date notifications (AUTD): no service of its own, so its events tell."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder, held_sentence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    events,
    holders_on,
    in_wrong_hands,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.finding import (
    Ports,
    event_evidence,
    finding_ports,
    of_kind,
    socket_evidence,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import REBOOT, by_role
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.protection import standing
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.installed_services import (
    installed_known_services,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Event
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    SERVICES_BY_KEY,
    owner_of,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortSet

PRODUCT: t.Final = "autd"
W3SVC: t.Final = "W3SVC"
SOURCE: t.Final = "Server ActiveSync"
CODES: t.Final = (3015, 3024)
_SHOWN_EVENTS: t.Final = 2
_PORT: t.Final = re.compile(r"\[?([0-9]{4,5})\]?", re.ASCII)


def activesync(view: PortInfoView) -> list[Finding]:
    """Another program has its port; once w3wp.exe has it, old events mean nothing. Raises FactsNeeded."""
    if not any(item.product.key == PRODUCT for item in installed_known_services(view.context)):
        return []
    found = events("Application", SOURCE, CODES, view)
    ports: Ports = {"udp": port_of(found)}
    intruders = holders_on(ports, view) if found else ()
    if not intruders or any(_is_rightful(holder) for holder in intruders):
        return []
    return [_diagnosis(found, ports, intruders, view)]


def port_of(found: t.Iterable[Event]) -> PortSet:
    """The port that event 3015 names, a number alone in one of its strings; else the usual one, UDP 2883."""
    texts = (text.strip() for event in found if event.code == CODES[0] for text in event.strings)
    numbers = (int(match[1]) for match in map(_PORT.fullmatch, texts) if match)
    named = next((number for number in numbers if LOWEST_DRAWN_PORT <= number <= HIGHEST_PORT), None)
    return SERVICES_BY_KEY[PRODUCT].udp if named is None else PortSet.of(named)


def _is_rightful(holder: Holder) -> bool:
    usual = min(SERVICES_BY_KEY[PRODUCT].udp)
    return owner_of("udp", usual, holder.image, holder.services) is not None


def _diagnosis(found: t.Sequence[Event], ports: Ports, intruders: t.Sequence[Holder], view: PortInfoView) -> Finding:
    held_by = in_wrong_hands(intruders)
    reservation = {
        "name": "Reserve the port of ActiveSync",
        "portkeeper.windows.reserved_ports": {"services": [PRODUCT]},
    }
    after = "In force after a reboot. Until then: stop the holder, wait until w3wp.exe has the port, start the holder."
    return Finding(
        **of_kind("activesync_port_taken"),
        summary=f"ActiveSync can't have its port: {held_sentence(intruders)}.",
        cause="Exchange's worker process binds the port only when a mobile device needs it; until then it is free for "
        "whoever draws ports by chance.",
        evidence=(*map(event_evidence, found[:_SHOWN_EVENTS]), *map(socket_evidence, intruders)),
        service=W3SVC,
        ports=finding_ports(ports),
        held_by=held_by,
        **standing(ports, held_by[0].held_as, view),
        fix=by_role("Give ActiveSync its port back", W3SVC, held_by, view.context)
        or tasks(reservation, REBOOT, comments=(after,)),
    )
