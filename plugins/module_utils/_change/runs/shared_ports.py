# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that several items and victims of one ``converge`` speak of: given once, and written out here for each.

Fixed RPC ports, known services and ports of UDP. Roles give them as data; nothing is left for them to compute.
"""

from __future__ import annotations

import collections.abc as c
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError
from ansible_collections.portkeeper.windows.plugins.module_utils._change.resources.static_rpc_port import (
    NOT_FIXED,
    port_number,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._change.runs import item_values
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.known_services import SERVICES_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.rpc_ports import PORTS_BY_KEY
from ansible_collections.portkeeper.windows.plugins.module_utils._ports.port_lists import LOWEST_DRAWN_PORT

Given = t.Mapping[str, t.Any]

WANTED: t.Final = "wanted"
RPC_PORTS: t.Final = "rpc_ports"
KNOWN_SERVICES: t.Final = "known_services"
UDP_PORTS: t.Final = "udp_ports"
ITEM_KEYS: t.Final = (WANTED, RPC_PORTS, KNOWN_SERVICES, UDP_PORTS)
"""The keys that an item may have beside its resource and its conditions."""

_NAMES_OF_PORTS: t.Final = ("ports", "excluded_ports", "ad_lds_instances", "services", "entries", "size")
"""Options by which an item is about anything at all."""


class SharedPorts(t.NamedTuple):
    """The options of a run that its items and victims can speak of."""

    rpc_ports: t.Mapping[str, str]
    """By the keys of ``static_rpc_port``: a port from 1 to 65535, or ``default``."""
    known_services: tuple[str, ...]

    @classmethod
    def of(cls, rpc_ports: Given, known_services: t.Iterable[str]) -> SharedPorts:
        """The options as they are given; raises OptionError for what is no key or no port of ``static_rpc_port``."""
        given = {key: str(port) for key, port in rpc_ports.items() if port is not None}
        for key in given:
            if key not in PORTS_BY_KEY:
                raise OptionError(f"{RPC_PORTS}.{key}", f"it is not known; give one of {', '.join(PORTS_BY_KEY)}")
        numbers = {key: port_number(f"{RPC_PORTS}.{key}", port) for key, port in given.items()}
        return cls({key: str(port or NOT_FIXED) for key, port in numbers.items()}, tuple(dict.fromkeys(known_services)))

    def is_given(self, kinds: t.Container[str]) -> bool:
        """True if any port of these kinds is given; if none is, an item without ports of its own is a mistake."""
        return bool((RPC_PORTS in kinds and self.rpc_ports) or (KNOWN_SERVICES in kinds and self.known_services))

    @property
    def fixed(self) -> dict[str, str]:
        """The RPC ports that have a number."""
        return {key: port for key, port in self.rpc_ports.items() if port != NOT_FIXED}

    @property
    def drawable(self) -> list[str]:
        """Those of them that can be drawn at random."""
        return [f"{port}/tcp" for port in self.fixed.values() if int(port) >= LOWEST_DRAWN_PORT]

    def on(self, service: str, image: str) -> list[str]:
        """Those of them that a service listens on, or, where the listener is no service, its process."""
        return [
            f"{port}/tcp"
            for row, port in ((PORTS_BY_KEY[key], port) for key, port in self.fixed.items())
            if (row.service.casefold() == service.casefold() if row.service else row.image == image)
        ]


def counts(place: str, item: Given, *, undo: bool) -> bool:
    """True if the user wants an item, or gives anything for it. For an undo each counts: it may have been wanted once.

    Raises:
        OptionError: the item says neither yes nor no.
    """
    wanted = item.get(WANTED, True)
    given = bool(wanted) if isinstance(wanted, c.Mapping) else item_values.truth(f"{place}.{WANTED}", wanted)
    return given or undo


def expanded(place: str, resource: str, item: Given, options: Given, shared: SharedPorts) -> Given | None:
    """The options of an item with all ports that it speaks of; ``None`` if none of those that were given is for it.

    Raises:
        OptionError: the resource takes no such ports, or they are not given as they must be.
    """
    spoken = _spoken(place, resource, item)
    written = dict(options)
    for key, value in spoken.items():
        writers = _WRITERS[key]
        if resource not in writers:
            raise OptionError(f"{place}.{key}", f"{resource} takes none; it goes with {', '.join(writers)}")
        writers[resource](written, shared, value)
    is_idle = shared.is_given(spoken) and not any(map(written.get, _NAMES_OF_PORTS))
    return None if is_idle else written


def _spoken(place: str, resource: str, item: Given) -> Given:
    """The kinds of ports that an item speaks of, each with what stands there; raises OptionError."""
    read = {key: _value(f"{place}.{key}", key, resource, item[key]) for key in _WRITERS if key in item}
    return {key: value for key, value in read.items() if value}


def _value(place: str, key: str, resource: str, given: t.Any) -> t.Any:
    if key == UDP_PORTS:
        return item_values.ports(place, given)
    if isinstance(given, c.Mapping) and _WRITERS[key].get(resource) is _document_rpc:
        return given or True
    return item_values.truth(place, given)


def victim_ports(victim: Given, shared: SharedPorts) -> list[str]:
    """The ports that a victim must hold, with those of the shared ones that are its own."""
    fixed = shared.on(victim["service"], victim.get("image") or "") if victim[RPC_PORTS] else []
    return [*victim["ports"], *map(_udp, victim[UDP_PORTS]), *fixed]


def is_left_out(victim: Given, shared: SharedPorts) -> bool:
    """True if a victim is meant only for RPC ports, and none of its own is fixed."""
    return bool(victim[RPC_PORTS]) and not victim_ports(victim, shared)


def _udp(ports: str) -> str:
    """``1812`` and ``1812/udp`` mean the same; another protocol stays for the resource to refuse."""
    return ports if "/" in ports else f"{ports}/udp"


# --- what each resource makes of them ---------------------------------------------------------------------------------

Writer = t.Callable[[dict[str, t.Any], SharedPorts, t.Any], None]


def _listed(options: dict[str, t.Any], name: str, more: t.Iterable[t.Any]) -> None:
    own = item_values.listed(options.get(name) or [])
    # What is no list stays for Ansible's own check of the option to refuse.
    if own is not None and (found := [*own, *more]):
        options[name] = found


def _reserve_rpc(options: dict[str, t.Any], shared: SharedPorts, _value: t.Any) -> None:
    _listed(options, "ports", shared.drawable)


def _fix_rpc(options: dict[str, t.Any], shared: SharedPorts, _value: t.Any) -> None:
    options["ports"] = {**(options.get("ports") or {}), **shared.rpc_ports}


def _document_rpc(options: dict[str, t.Any], shared: SharedPorts, value: t.Any) -> None:
    """``value`` may be a mapping of what each entry has beside its name, port and protocol."""
    more = value if isinstance(value, c.Mapping) else {}
    _listed(
        options,
        "entries",
        ({"name": key, "port": port, "protocol": "tcp", **more} for key, port in shared.fixed.items()),
    )


def _reserve_udp(options: dict[str, t.Any], _shared: SharedPorts, value: t.Any) -> None:
    _listed(options, "ports", map(_udp, value))


def _keep_known(options: dict[str, t.Any], shared: SharedPorts, _value: t.Any) -> None:
    _listed(options, "services", shared.known_services)


def _keep_known_udp(options: dict[str, t.Any], shared: SharedPorts, _value: t.Any) -> None:
    """The DNS server's pool is UDP alone."""
    _listed(options, "services", (key for key in shared.known_services if "udp" in SERVICES_BY_KEY[key].protocols))


_WRITERS: t.Final[t.Mapping[str, t.Mapping[str, Writer]]] = {
    RPC_PORTS: {"static_rpc_port": _fix_rpc, "reserved_ports": _reserve_rpc, "services_file": _document_rpc},
    KNOWN_SERVICES: {"reserved_ports": _keep_known, "dns_socket_pool": _keep_known_udp},
    UDP_PORTS: {"reserved_ports": _reserve_udp},
}
