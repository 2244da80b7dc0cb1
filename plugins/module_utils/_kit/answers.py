# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of a look to the planners' questions, one function for each kind of question."""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import PlanError
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.look import LOOK_AGAIN, PROCESSES, Look
from ansible_collections.portkeeper.windows.plugins.module_utils._kit.releases import SERVER
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.dependencies import Dependencies
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.exclusions import ExclusionBlock, Exclusions
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import (
    FAMILIES,
    PROTOCOLS,
    Absent,
    ConnectionsFact,
    DependenciesFact,
    DynamicRanges,
    DynamicRangesFact,
    ExclusionsFact,
    Fact,
    Family,
    OperatingSystem,
    OperatingSystemFact,
    Process,
    ProcessFact,
    Protocol,
    RegistryFact,
    RegistryNamesFact,
    Service,
    ServiceFact,
    ServicesLikeFact,
    ServicesOfProcessFact,
    SocketsFact,
    texts,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import DOMAIN_CONTROLLER
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.used_ports import UsedPortsFact
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import PortRange
from ansible_collections.portkeeper.windows.plugins.module_utils._windows import console_text
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.services import in_process, with_prefix
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.sockets import on_ports, without_listener

_PROCESS: t.Final = re.compile(rb'"([^"]{1,260})","([0-9]{1,10})"')
_GROUP: t.Final = "+"
_DIRECTORY_KEY: t.Final = rf"{SERVICES_KEY}\NTDS\Parameters"
_NO_TIME: t.Final = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def answer(look: Look, fact: Fact[t.Any]) -> t.Any:
    """The answer to one question; raises PlanError if a look does not hold it."""
    reader = _ANSWERS.get(type(fact))
    if reader is None:
        raise PlanError(
            "offline kit", f"this plan needs what no look holds ({type(fact).__name__})", "Ask for less in one kit"
        )
    return reader(look, fact)


def _registry_value(look: Look, fact: t.Any) -> t.Any:
    _demand_exported(fact.key)
    raw = look.raw(fact.key, fact.name)
    if raw is None:
        return Absent.VALUE if look.has_key(fact.key) else Absent.KEY
    return raw.value


def _registry_names(look: Look, fact: t.Any) -> t.Any:
    _demand_exported(fact.key)
    if not look.has_key(fact.key):
        return Absent.KEY
    return tuple((value.name, value.kind) for value in look.keys[fact.key.casefold()].values.values())


def _demand_exported(key: str) -> None:
    if not f"{key}\\".casefold().startswith(f"{SERVICES_KEY}\\".casefold()):
        raise PlanError("offline kit", f"this plan needs HKLM\\{key}, which no look holds", "Ask for less")


def _operating_system(look: Look, _fact: t.Any) -> OperatingSystem:
    """With an uptime of none: only the journal asks for it, and a kit writes none."""
    release = look.kit.release
    # The directory's key tells a domain controller ([K] unverified).
    role = DOMAIN_CONTROLLER if look.has_key(_DIRECTORY_KEY) else SERVER
    return OperatingSystem(release.version, release.name, role, _NO_TIME, _NO_TIME)


def _service(look: Look, fact: t.Any) -> Service | None:
    return next((one for one in look.services if one.name.casefold() == fact.name.casefold()), None)


def _dependencies(look: Look, _fact: t.Any) -> Dependencies:
    needed = {one.name: texts(_needed(look, one.name)) for one in look.services}
    pairs = ((name, other) for name, others in needed.items() for other in others)
    return Dependencies(frozenset(pair for pair in pairs if not pair[1].startswith(_GROUP)))


def _needed(look: Look, service: str) -> t.Any:
    raw = look.raw(rf"{SERVICES_KEY}\{service}", "DependOnService")
    return raw.value if raw else Absent.VALUE


def _sockets(look: Look, fact: t.Any) -> t.Any:
    return on_ports(console_text.sockets(look.netstat), fact.ports)


def _connections(look: Look, fact: t.Any) -> t.Any:
    ports = without_listener(fact.ports, console_text.sockets(look.netstat))
    return tuple(one for one in console_text.connections(look.netstat) if one.port in ports)


def _process(look: Look, fact: t.Any) -> Process | None:
    rows = _PROCESS.findall(look.files.get(PROCESSES, b""))
    images = {int(number): image.decode("ascii", "replace") for image, number in rows}
    return Process(fact.process_id, images[fact.process_id], None) if fact.process_id in images else None


def _exclusions(look: Look, _fact: t.Any) -> Exclusions | None:
    if look.kit.release.capabilities.excluded_port_ranges == "no" or not _has_table(look, "active"):
        return None
    active = Exclusions(tcp=_blocks(look, "active", "tcp"), udp=_blocks(look, "active", "udp"))
    if not _has_table(look, "persistent"):
        return active._replace(tells_stores=False)
    tcp, udp = (tuple(block.ports for block in _blocks(look, "persistent", protocol)) for protocol in PROTOCOLS)
    return active._replace(persistent_tcp=tcp, persistent_udp=udp)


def _has_table(look: Look, store: str) -> bool:
    return all(console_text.is_exclusion_table(look.files[f"{store}-ipv4-{one}.txt"]) for one in PROTOCOLS)


def _blocks(look: Look, store: str, protocol: Protocol) -> tuple[ExclusionBlock, ...]:
    found = (console_text.exclusion_blocks(look.files[f"{store}-{one}-{protocol}.txt"]) for one in FAMILIES)
    return tuple(dict.fromkeys(block for blocks in found for block in blocks))


def _dynamic_ranges(look: Look, _fact: t.Any) -> DynamicRanges | None:
    if not look.kit.release.capabilities.dynamic_port_ranges:
        return None
    tcp, udp = (_dynamic_range(look, "ipv4", protocol) for protocol in PROTOCOLS)
    if tcp is None or udp is None:
        raise PlanError("look", "the dynamic port ranges can't be read", LOOK_AGAIN)
    tcp6, udp6 = (_dynamic_range(look, "ipv6", protocol) for protocol in PROTOCOLS)
    return DynamicRanges(tcp=tcp, udp=udp, tcp6=tcp6 or tcp, udp6=udp6 or udp)


def _dynamic_range(look: Look, family: Family, protocol: Protocol) -> PortRange | None:
    return console_text.dynamic_range(look.files[f"dynamic-{family}-{protocol}.txt"])


_ANSWERS: t.Final[t.Mapping[type[Fact[t.Any]], t.Callable[[Look, t.Any], t.Any]]] = {
    OperatingSystemFact: _operating_system,
    RegistryFact: _registry_value,
    RegistryNamesFact: _registry_names,
    ServiceFact: _service,
    ServicesLikeFact: lambda look, fact: with_prefix(look.services, fact.prefix),
    ServicesOfProcessFact: lambda look, fact: in_process(look.services, fact.process_id),
    DependenciesFact: _dependencies,
    ProcessFact: _process,
    SocketsFact: _sockets,
    ConnectionsFact: _connections,
    UsedPortsFact: lambda look, _fact: console_text.used_ports(look.netstat),
    ExclusionsFact: _exclusions,
    DynamicRangesFact: _dynamic_ranges,
}
