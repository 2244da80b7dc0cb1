# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixed RPC ports that two services have, or that another process holds."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.port_holders import Holder, held_sentence
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.evidence import (
    events,
    events_question,
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
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.fixes import REBOOT, first_free
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.protection import standing
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.findings.yaml_text import tasks
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.findings import Evidence, Finding
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.view import PortInfoView
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    Absent,
    Fact,
    OperatingSystemFact,
    RegistryNamesFact,
    RegistryValue,
    ServiceFact,
    ServicesLikeFact,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import DOMAIN_CONTROLLER
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import REBOOT as AT_REBOOT
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import RPC_PORTS, RpcPort
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import HIGHEST_PORT, PortSet

EXCHANGE: t.Final = ServicesLikeFact("MSExchange")
"""One comparison instead of one for each of them: WMI limits their number."""
NETLOGON: t.Final = ("NETLOGON", 5809)
"""Also logged harmlessly at every restart (KB224196): the registry or a socket must say the same."""


@dataclasses.dataclass(frozen=True, slots=True)
class Configured:
    """One service with its fixed port."""

    row: RpcPort
    port: int

    @property
    def evidence(self) -> Evidence:
        """The registry value."""
        return Evidence("registry", rf"HKLM\{self.row.fact.key}, {self.row.value} is {self.port} ({self.row.key})")


def colliding(view: PortInfoView) -> list[Finding]:
    """Two services with one port: the second one can't have it. Raises FactsNeeded."""
    by_port: dict[int, list[Configured]] = collections.defaultdict(list)
    for item in configured(view):
        by_port[item.port].append(item)
    return [_collision(port, items, view) for port, items in sorted(by_port.items()) if len(items) > 1]


def taken(view: PortInfoView) -> list[Finding]:
    """A fixed port that another process holds, and its service does not; raises FactsNeeded."""
    found = configured(view)
    ports: Ports = {"tcp": PortSet.of(*(item.port for item in found))}
    holders = holders_on(ports, view) if found else ()
    # A connection of the service's own is neither a thief nor a proof that the service listens.
    own = [(item, holder) for item in found for holder in holders if _is_rightful(holder, item)]
    owned = {item.port for item, holder in own if not holder.outgoing}
    strangers = [holder for holder in holders if holder not in [one for _item, one in own]]
    cases = ((item, [holder for holder in strangers if holder.port == item.port]) for item in found)
    return [_taken(item, on_port, view) for item, on_port in cases if on_port and item.port not in owned]


def configured(view: PortInfoView) -> tuple[Configured, ...]:
    """The fixed ports of the services that are here; only values that exist are read. Raises FactsNeeded."""
    view.facts.require(*service_questions(view))
    rows = [row for row in RPC_PORTS if _is_here(row, view)]
    names = {row.fact.key: RegistryNamesFact(row.fact.key) for row in rows}
    view.facts.require(*names.values())
    listed = [row for row in rows if _has(row.value, view.facts[names[row.fact.key]])]
    view.facts.require(*(row.fact for row in listed))
    numbers = ((row, _number(view.facts[row.fact])) for row in listed)
    return tuple(Configured(row, number) for row, number in numbers if 0 < number <= HIGHEST_PORT)


def service_questions(view: PortInfoView) -> list[Fact[t.Any]]:
    """The services that can have a fixed port here; those of the directory only on domain controllers."""
    named = {row.service for row in RPC_PORTS if row.service and not row.service.startswith(EXCHANGE.prefix)}
    return [EXCHANGE, *(ServiceFact(name) for name in sorted(named) if _is_domain_controller(view))]


def _is_here(row: RpcPort, view: PortInfoView) -> bool:
    if row.service.startswith(EXCHANGE.prefix):
        installed = {found.name.casefold() for found in view.facts[EXCHANGE]}
        return row.service.casefold() in installed and row.replaced_by.casefold() not in installed
    return _is_domain_controller(view) and (not row.service or view.facts[ServiceFact(row.service)] is not None)


def _is_domain_controller(view: PortInfoView) -> bool:
    return view.facts[OperatingSystemFact()].product_type == DOMAIN_CONTROLLER


def _has(name: str, listed: tuple[tuple[str, int], ...] | Absent) -> bool:
    return not isinstance(listed, Absent) and any(found.casefold() == name.casefold() for found, _type in listed)


def _number(reading: t.Any) -> int:
    text = str(reading.data).strip() if isinstance(reading, RegistryValue) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST_PORT)) else 0


def _is_rightful(holder: Holder, item: Configured) -> bool:
    hosted = {name.casefold() for name in holder.services}
    same_image = holder.image.casefold() == item.row.image.casefold()
    return holder.port == item.port and (same_image or item.row.service.casefold() in hosted)


def _collision(port: int, items: t.Sequence[Configured], view: PortInfoView) -> Finding:
    task = {
        "name": "Give the second one any port again, or name a free one",
        "portkeeper.windows.static_rpc_port": {"ports": {items[-1].row.key: "default"}},
    }
    return Finding(
        **of_kind("static_rpc_ports_collide"),
        summary=f"{' and '.join(item.row.name for item in items)} both have the fixed port TCP {port}.",
        cause="Each of these services needs a port of its own; the one that starts later goes without.",
        evidence=(*(item.evidence for item in items), *_said(items, view)),
        service=items[-1].row.service,
        ports=finding_ports({"tcp": PortSet.of(port)}),
        fix=tasks(task, comments=(_then(items[-1]),)),
    )


def _taken(item: Configured, holders: t.Sequence[Holder], view: PortInfoView) -> Finding:
    ports: Ports = {"tcp": PortSet.of(item.port)}
    held_by = in_wrong_hands(holders)
    at_boot = view.context.capabilities.reserved_ports_value
    options = {"ports": [f"{item.port}-{item.port}"], **({} if at_boot else {"protocol": "tcp"})}
    reserve = {"name": "Keep the port from programs that take any", "portkeeper.windows.reserved_ports": options}
    first = [first_free(holder) for holder in holders]
    return Finding(
        **of_kind("static_rpc_port_taken"),
        summary=f"{item.row.name} does not have its fixed port: {held_sentence(holders)}.",
        cause="The port is in the range that ports are drawn from, or another program asks for it too. Some of these "
        "services log nothing when their endpoint fails.",
        evidence=(item.evidence, *_said([item], view), *map(socket_evidence, holders)),
        service=item.row.service,
        ports=finding_ports(ports),
        held_by=held_by,
        **standing(ports, held_by[0].held_as, view),
        fix=tasks(reserve, *([REBOOT] if at_boot else []), comments=(*first, _then(item))),
    )


def _said(items: t.Iterable[Configured], view: PortInfoView) -> tuple[Evidence, ...]:
    """The event that Net Logon logs about its port; other services log none."""
    if not any(item.row.key == "netlogon" for item in items) or not view.facts.is_read(events_question("System", view)):
        return ()
    return tuple(map(event_evidence, events("System", NETLOGON[0], NETLOGON[1:], view)[:1]))


def _then(item: Configured) -> str:
    return "In force after a reboot." if item.row.restart == AT_REBOOT else f"Then restart {item.row.restart}."
