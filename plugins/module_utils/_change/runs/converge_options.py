# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ``converge``: several resources, the victims to relieve and to prove, and what the run may do."""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.journal_entries import OWNER_NAME
from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError, Resource
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources import (
    dns_socket_pool,
    dynamic_ports,
    reserved_ports,
    service_start_mode,
    service_state,
    services_file,
    static_rpc_port,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import item_values, reboot, risks
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.known_service_victims import why_not
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.protected_services import (
    SilentEvent,
    Victim,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.request import TAKERS_TOLD, Item, Request
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs.shared_ports import (
    ITEM_KEYS,
    SharedPorts,
    counts,
    expanded,
    is_left_out,
    victim_ports,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import PROTOCOLS, Protocol
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import (
    SERVICES_BY_KEY,
    KnownService,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.releases import LACKS, Condition
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.ports import (
    PortSet,
    PortSyntaxError,
    parse_ports,
)

RESOURCES: t.Final[t.Mapping[str, Resource]] = {
    module.RESOURCE.name: module.RESOURCE
    for module in (
        reserved_ports,
        dns_socket_pool,
        dynamic_ports,
        static_rpc_port,
        service_start_mode,
        service_state,
        services_file,
    )
}
"""Every resource by its name, which is also its module's."""

SAYS: t.Final = ("nothing", "message", "notes")
"""What a task can print of its result; the notes come with the message."""

CAPABILITIES: t.Final = tuple(LACKS)
"""Conditions for a resource, for a victim, or for the whole request."""

_WHEN_INSTALLED: t.Final = "when_installed"
"""The condition that only a resource takes: services that must be installed."""

_CONDITIONS: t.Final[t.Mapping[str, t.Any]] = {
    name: {"type": "list", "elements": "str", "choices": list(CAPABILITIES), "default": []}
    for name in ("when_capable", "unless_capable")
}

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
            "udp_ports": {"type": "list", "elements": "str", "default": []},
            "rpc_ports": {"type": "bool", "default": False},
            "optional_ports": {"type": "list", "elements": "str", "default": []},
            "ad_lds_instance": {"type": "str"},
            "dependents": {"type": "list", "elements": "str", "default": []},
            "if_installed": {"type": "bool", "default": False},
            "if_automatic": {"type": "bool", "default": False},
            "restart": {"type": "bool", "default": False},
            "silent_events": {"type": "list", "elements": "str", "default": []},
            "silent_after_reboot": {"type": "list", "elements": "str", "default": []},
            **_CONDITIONS,
        },
    },
    "known_services": {"type": "list", "elements": "str", "choices": list(SERVICES_BY_KEY), "default": []},
    "rpc_ports": {"type": "dict", "default": {}},
    "required_services": {"type": "list", "elements": "str", "default": []},
    "required_one_of": {"type": "list", "elements": "str", "default": []},
    "required_capabilities": {"type": "list", "elements": "str", "choices": list(CAPABILITIES), "default": []},
    "require": {"type": "bool", "default": False},
    "relieve": {"type": "bool", "default": False},
    "restart_dns": {"type": "bool", "default": False},
    "stop_owners": {"type": "bool", "default": False},
    "prove": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "owner": {"type": "str"},
    "advice": {
        "type": "dict",
        "options": {taker: {"type": "str"} for taker in TAKERS_TOLD},
    },
    "role_options": {"type": "str"},
    "say": {"type": "str", "choices": list(SAYS), "default": SAYS[0]},
    "reboot": {"type": "str", "choices": ["never", "where_needed"], "default": "never"},
    "reboot_timeout": reboot.ARGUMENT_SPEC["reboot_timeout"],
    "reboot_message": reboot.ARGUMENT_SPEC["msg"],
    "ignore_block_mode": reboot.ARGUMENT_SPEC["ignore_block_mode"],
    **risks.ARGUMENT,
}

Validate = t.Callable[[str, t.Mapping[str, t.Any], t.Mapping[str, t.Any]], t.Mapping[str, t.Any]]
"""From (where the options stand, argument specification, given options) to checked options; raises OptionError."""


def request(arguments: t.Mapping[str, t.Any], *, journal: bool, validate: Validate) -> Request:
    """The typed request; raises OptionError."""
    owner, undo = _owner(arguments.get("owner")), arguments["state"] == "absent"
    if not (any(arguments[option] for option in ("resources", "victims", "known_services")) or (undo and owner)):
        more = ", or the owner whose changes are to be taken back" if undo else ""
        raise OptionError("resources", f"nothing to do: give resources, victims or known_services{more}")
    shared = SharedPorts.of(arguments["rpc_ports"], arguments["known_services"])
    return Request(
        items=_items(arguments["resources"], _Reader(validate=validate, shared=shared, undo=undo)),
        victims=_victims(arguments["victims"], shared),
        known_services=tuple(map(_known_service, shared.known_services)),
        required_services=tuple(arguments["required_services"]),
        required_one_of=tuple(arguments["required_one_of"]),
        required_capabilities=tuple(arguments["required_capabilities"]),
        require=arguments["require"],
        relieve=arguments["relieve"],
        restart_dns=arguments["restart_dns"],
        stop_owners=arguments["stop_owners"],
        prove=arguments["prove"],
        undo=undo,
        journal=journal,
        owner=owner,
        kinds=tuple(RESOURCES.values()),
        reboot=_reboot(arguments, journal=journal),
        accepted_risks=risks.accepted_risks(arguments),
        advice={taker: text for taker, text in (arguments.get("advice") or {}).items() if text},
    )


def _owner(name: str | None) -> str:
    if name is not None and not OWNER_NAME.fullmatch(name):
        raise OptionError("owner", f"{name!r} is no name of an owner (1 to 64 letters, digits, blank and _ . : / -)")
    return name or ""


def _reboot(arguments: t.Mapping[str, t.Any], *, journal: bool) -> reboot.Reboot | None:
    """The reboot that is permitted, with the defaults of ``server_reboot`` for what can't be chosen here.

    Its options are checked even if none is permitted, so that a mistake shows before the day of the reboot.
    """
    defaults = {name: spec["default"] for name, spec in reboot.ARGUMENT_SPEC.items()}
    chosen = {name: arguments[option] for option, name in _REBOOT_OPTIONS.items()}
    try:
        permitted = reboot.options({**defaults, **chosen}, always=False, journal=journal)
    except OptionError as error:
        option = next(option for option, name in _REBOOT_OPTIONS.items() if name == error.option)
        raise OptionError(option, error.reason) from error
    return None if arguments["reboot"] == "never" else permitted


_REBOOT_OPTIONS: t.Final = {
    "reboot_timeout": "reboot_timeout",
    "reboot_message": "msg",
    "ignore_block_mode": "ignore_block_mode",
    risks.OPTION: risks.OPTION,
}
"""The options of a reboot that can be chosen here, each with its name in ``server_reboot``."""


def _known_service(key: str) -> KnownService:
    row = SERVICES_BY_KEY[key]
    if reason := why_not(row):
        raise OptionError("known_services", f"{key} can't be among them, since {reason}")
    return row


class _Reader(t.NamedTuple):
    """The options that all items of one run share while they are read."""

    validate: Validate
    shared: SharedPorts
    undo: bool


def _items(given: t.Sequence[t.Mapping[str, t.Any]], reader: _Reader) -> tuple[Item, ...]:
    named = [name for item in given for name in item]
    items = (
        _item(
            f"resources[{index}]",
            item,
            reader,
            is_one_of_many=any(named.count(name) > 1 for name in RESOURCES if name in item),
        )
        for index, item in enumerate(given)
    )
    return tuple(item for item in items if item)


def _item(place: str, item: t.Mapping[str, t.Any], reader: _Reader, *, is_one_of_many: bool) -> Item | None:
    """``is_one_of_many``: the resource alone does not tell which item a sentence is about. ``None``: no item.

    Of the options of an item that is not wanted only names and types are checked, and nothing if there are none: what
    they say may be the very choice against it, such as ``max_user_port: keep``.
    """
    names = [name for name in item if name not in (*_CONDITIONS, _WHEN_INSTALLED, *ITEM_KEYS)]
    if len(names) != 1 or names[0] not in RESOURCES:
        given = ", ".join(repr(name) for name in names) or "nothing"
        raise OptionError(place, f"it names {given}; give exactly one of {', '.join(RESOURCES)}")
    resource = RESOURCES[names[0]]
    options, where = item[resource.name], f"{place}.{resource.name}" if is_one_of_many else resource.name
    if not isinstance(options, c.Mapping):
        raise OptionError(where, "its options must be a dictionary")
    condition = Condition(*(_capabilities(f"{place}.{name}", item.get(name) or ()) for name in _CONDITIONS))
    installed = item_values.names(f"{place}.{_WHEN_INSTALLED}", item.get(_WHEN_INSTALLED) or ())
    is_wanted = counts(place, item, undo=reader.undo)
    whole = expanded(place, resource.name, item, options, reader.shared)
    if whole is None or not (whole or is_wanted):
        return None
    checked = reader.validate(where, resource.argument_spec, whole)
    if not is_wanted:
        return None
    typed = _typed(where, resource, checked)
    return Item(resource, typed, condition, installed, risks.accepted_risks(checked))


def _typed(place: str, resource: Resource, checked: t.Mapping[str, t.Any]) -> t.Any:
    try:
        return resource.options(checked)
    except OptionError as error:
        raise OptionError(f"{place}.{error.option}", error.reason) from error


def _capabilities(place: str, given: t.Any) -> tuple[str, ...]:
    names = item_values.names(place, given)
    for name in names:
        if name not in CAPABILITIES:
            raise OptionError(place, f"{name!r} is not a capability; known are {', '.join(CAPABILITIES)}")
    return names


def _victims(given: t.Sequence[t.Mapping[str, t.Any]], shared: SharedPorts) -> tuple[Victim, ...]:
    return tuple(
        _victim(f"victims[{index}]", {**item, "ports": victim_ports(item, shared)})
        for index, item in enumerate(given)
        if not is_left_out(item, shared)
    )


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
        if_automatic=item["if_automatic"],
        condition=Condition(*(tuple(item[name]) for name in _CONDITIONS)),
        restart=item["restart"],
        silent_events=_silent_events(place, "silent_events", item),
        silent_after_reboot=_silent_events(place, "silent_after_reboot", item),
        ad_lds_instance=item.get("ad_lds_instance") or "",
    )


def _silent_events(place: str, option: str, item: t.Mapping[str, t.Any]) -> tuple[SilentEvent, ...]:
    return tuple(_silent_event(f"{place}.{option}", text) for text in item[option])


def _silent_event(place: str, text: str) -> SilentEvent:
    """``Application/Server ActiveSync/3015``: log, source and code."""
    parts = [part.strip() for part in text.split("/")]
    if len(parts) != _EVENT_PARTS or not all(parts) or not parts[-1].isdigit():
        raise OptionError(place, f"{text!r} is not of the form log/source/code")
    log, source, code = parts
    return SilentEvent(log, source, int(code[:6]))


_EVENT_PARTS: t.Final = 3


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
