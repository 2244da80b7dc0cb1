# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``converge``: several resources, the victims to relieve and to prove, and what the run may do."""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils.domain.convergence import Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.plan import OptionError, Resource
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.ports import (
    PortSet,
    PortSyntaxError,
    parse_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.resources import (
    dns_socket_pool,
    reserved_ports,
    service_start_mode,
    service_state,
)
from ansible_collections.portkeeper.windows.plugins.module_utils.domain.victims import Victim

RESOURCES: t.Final[t.Mapping[str, Resource]] = {
    module.RESOURCE.name: module.RESOURCE
    for module in (reserved_ports, dns_socket_pool, service_start_mode, service_state)
}
"""Every resource by its name, which is also its module's."""

CAPABILITIES: t.Final = (
    "reserved_ports_value",
    "excluded_port_ranges",
    "dynamic_port_ranges",
    "dns_pool_exclusions",
    "delayed_start",
)
"""What a resource of a list can be made to depend on."""

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "resources": {"type": "list", "elements": "dict", "default": []},
    "victims": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "service": {"type": "str", "required": True},
            "image": {"type": "str"},
            "ports": {"type": "list", "elements": "str", "default": []},
            "optional_ports": {"type": "list", "elements": "str", "default": []},
            "ad_lds_instance": {"type": "str"},
            "dependents": {"type": "list", "elements": "str", "default": []},
            "if_installed": {"type": "bool", "default": False},
        },
    },
    "required_services": {"type": "list", "elements": "str", "default": []},
    "require": {"type": "bool", "default": False},
    "relieve": {"type": "bool", "default": False},
    "restart_dns": {"type": "bool", "default": False},
    "stop_owners": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}

_CONDITIONS: t.Final = ("when_capable", "unless_capable")

Validate = t.Callable[[str, t.Mapping[str, t.Any], t.Mapping[str, t.Any]], t.Mapping[str, t.Any]]
"""From (where the options stand, argument specification, given options) to checked options; raises OptionError."""


def request(arguments: t.Mapping[str, t.Any], *, journal: bool, validate: Validate) -> Request:
    """The typed request; raises OptionError."""
    wanted = Request(
        items=tuple(_item(f"resources[{index}]", item, validate) for index, item in enumerate(arguments["resources"])),
        victims=tuple(_victim(f"victims[{index}]", item) for index, item in enumerate(arguments["victims"])),
        required_services=tuple(arguments["required_services"]),
        require=arguments["require"],
        relieve=arguments["relieve"],
        restart_dns=arguments["restart_dns"],
        stop_owners=arguments["stop_owners"],
        prove=arguments["prove"],
        undo=arguments["state"] == "absent",
        journal=journal,
    )
    if not wanted.items and not wanted.victims:
        raise OptionError("resources", "nothing to do: give resources, victims or both")
    return wanted


def _item(place: str, item: t.Mapping[str, t.Any], validate: Validate) -> Item:
    names = [name for name in item if name not in _CONDITIONS]
    if len(names) != 1 or names[0] not in RESOURCES:
        given = ", ".join(repr(name) for name in names) or "nothing"
        raise OptionError(place, f"it names {given}; give exactly one of {', '.join(RESOURCES)}")
    resource = RESOURCES[names[0]]
    options = item[resource.name]
    if not isinstance(options, t.Mapping):
        raise OptionError(f"{place}.{resource.name}", "its options must be a dictionary")
    checked = validate(f"{place}.{resource.name}", resource.argument_spec, options)
    return Item(
        resource,
        _typed(f"{place}.{resource.name}", resource, checked),
        *(_capabilities(f"{place}.{condition}", item.get(condition)) for condition in _CONDITIONS),
    )


def _typed(place: str, resource: Resource, checked: t.Mapping[str, t.Any]) -> t.Any:
    try:
        return resource.options(checked)
    except OptionError as error:
        raise OptionError(f"{place}.{error.option}", error.reason) from error


def _capabilities(place: str, given: t.Any) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else list(given or [])
    for name in names:
        if name not in CAPABILITIES:
            raise OptionError(place, f"{name!r} is not a capability; known are {', '.join(CAPABILITIES)}")
    return tuple(names)


def _victim(place: str, item: t.Mapping[str, t.Any]) -> Victim:
    own = _ports_by_protocol(f"{place}.ports", item["ports"])
    optional = _ports_by_protocol(f"{place}.optional_ports", item["optional_ports"])
    return Victim(
        service=item["service"],
        image=item.get("image") or "",
        own=own,
        optional={protocol: optional[protocol] - own[protocol] for protocol in PROTOCOLS},
        dependents=tuple(item["dependents"]),
        if_installed=item["if_installed"],
        ad_lds_instance=item.get("ad_lds_instance") or "",
    )


def _ports_by_protocol(place: str, texts: t.Iterable[str]) -> dict[Protocol, PortSet]:
    """``50389``, ``50389/tcp``, ``1812-1813/udp``; without a protocol both are meant."""
    found: dict[Protocol, PortSet] = {protocol: PortSet() for protocol in PROTOCOLS}
    for text in texts:
        ports, slash, protocol = text.partition("/")
        if slash and protocol not in PROTOCOLS:
            raise OptionError(place, f"{text!r} has a protocol other than tcp and udp")
        try:
            parsed = parse_ports([ports])
        except PortSyntaxError as error:
            raise OptionError(place, str(error)) from error
        for meant in [protocol] if slash else PROTOCOLS:
            found[t.cast(Protocol, meant)] |= parsed
    return found
