# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a simulated server, as the tests look at it; and what a module would show of it."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import json
import typing as t

SERVICES: t.Final = r"SYSTEM\CurrentControlSet\Services"
TCPIP: t.Final = rf"{SERVICES}\Tcpip\Parameters"
DNS: t.Final = rf"{SERVICES}\DNS\Parameters"
JOURNAL: t.Final = r"SOFTWARE\Portkeeper"

Protocol: t.TypeAlias = t.Literal["tcp", "udp"]
PROTOCOLS: t.Final[tuple[Protocol, ...]] = ("tcp", "udp")


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One server at one moment; ``data`` is what its control endpoint gave."""

    data: c.Mapping[str, t.Any]

    def value(self, key: str, name: str) -> t.Any:
        """The data of a registry value below HKEY_LOCAL_MACHINE, or None if it is absent."""
        found = self.typed_value(key, name)
        return None if found is None else found["data"]

    def typed_value(self, key: str, name: str) -> dict[str, t.Any] | None:
        """The same with its type."""
        values = self.data["registry"].get(f"HKEY_LOCAL_MACHINE\\{key}", {})
        return t.cast("dict[str, t.Any] | None", values.get(name))

    @property
    def reserved(self) -> list[str] | None:
        """ReservedPorts."""
        return t.cast("list[str] | None", self.value(TCPIP, "ReservedPorts"))

    @property
    def pool_exclusions(self) -> list[str] | None:
        """SocketPoolExcludedPortRanges."""
        return t.cast("list[str] | None", self.value(DNS, "SocketPoolExcludedPortRanges"))

    @property
    def pool_size(self) -> int | None:
        """SocketPoolSize."""
        return t.cast("int | None", self.value(DNS, "SocketPoolSize"))

    @property
    def max_user_port(self) -> int | None:
        """MaxUserPort."""
        return t.cast("int | None", self.value(TCPIP, "MaxUserPort"))

    @property
    def journal(self) -> dict[str, t.Any] | None:
        """The journal's content."""
        text = self.value(JOURNAL, "Journal")
        return None if text is None else json.loads(text)

    def excluded(self, protocol: Protocol) -> list[str]:
        """The blocks that an administrator excluded, as ``n-m``, in order."""
        blocks = sorted((row["first"], row["last"]) for row in self._blocks(protocol) if row["administered"])
        return [f"{first}-{last}" for first, last in blocks]

    def _blocks(self, protocol: Protocol) -> list[dict[str, t.Any]]:
        return t.cast("list[dict[str, t.Any]]", self.data["exclusions"].get(protocol, []))

    def service(self, name: str) -> dict[str, t.Any]:
        """One service: state, exit_code, pid, start, delayed."""
        return t.cast("dict[str, t.Any]", self.data["services"][name])

    def runs(self, *names: str) -> bool:
        """Whether all of these services run."""
        return all(self.service(name)["state"] == "Running" for name in names)

    def start_mode(self, name: str) -> str:
        """auto, delayed, manual or disabled: of an automatic service the flag decides."""
        service = self.service(name)
        if service["start"] == "auto" and service["delayed"]:
            return "delayed"
        return {"demand": "manual"}.get(service["start"], str(service["start"]))

    def holders(self, protocol: Protocol, port: int) -> set[str]:
        """The services (or process numbers, if there is no service) that hold a port."""
        rows = [row for row in self.data["sockets"] if row["protocol"] == protocol and port in _ports(row)]
        return {row["service"] or str(row["pid"]) for row in rows}

    @property
    def boot(self) -> int:
        """The number of its boot."""
        return int(self.data["boot"]["id"])

    def without_journal(self) -> dict[str, t.Any]:
        """Everything but our own notes, to be compared."""
        registry = {key: values for key, values in self.data["registry"].items() if "Portkeeper" not in key}
        return {**self.data, "registry": registry}

    @property
    def configuration(self) -> dict[str, t.Any]:
        """What is configured, apart from our notes: registry values, excluded ranges as blocks, dynamic ranges."""
        whole = self.without_journal()
        return {name: whole[name] for name in ("registry", "exclusions", "dynamic_ranges")}


def _ports(row: c.Mapping[str, t.Any]) -> c.Collection[int]:
    """The ports of a row: of one socket, or of all sockets of a pool."""
    return t.cast("c.Collection[int]", row["pool"] if "pool" in row else (row["port"],))


def shown(module: str, snapshot: Snapshot, sample: c.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The server as ``module`` has to show it in ``before`` and ``after``; ``sample`` tells which parts it shows."""
    return {key: _SHOWN[module, key](snapshot, part) for key, part in sample.items()}


_SHOWN: t.Final[c.Mapping[tuple[str, str], c.Callable[[Snapshot, t.Any], t.Any]]] = {
    ("reserved_ports", "mechanism"): lambda snapshot, _part: (
        "registry" if snapshot.data["release"].startswith("2003") else "netsh"
    ),
    ("reserved_ports", "reserved_ports"): lambda snapshot, _part: snapshot.reserved or [],
    ("reserved_ports", "excluded_tcp"): lambda snapshot, _part: joined(snapshot.excluded("tcp")),
    ("reserved_ports", "excluded_udp"): lambda snapshot, _part: joined(snapshot.excluded("udp")),
    ("dns_socket_pool", "size"): lambda snapshot, _part: (
        "default" if snapshot.pool_size is None else snapshot.pool_size
    ),
    ("dns_socket_pool", "excluded_ports"): lambda snapshot, _part: snapshot.pool_exclusions or [],
    ("dynamic_ports", "max_user_port"): lambda snapshot, _part: (
        "default" if snapshot.max_user_port is None else snapshot.max_user_port
    ),
    ("dynamic_ports", "tcp"): lambda snapshot, _part: snapshot.data["dynamic_ranges"]["ipv4 tcp"],
    ("dynamic_ports", "tcp6"): lambda snapshot, _part: snapshot.data["dynamic_ranges"]["ipv6 tcp"],
    ("dynamic_ports", "udp"): lambda snapshot, _part: snapshot.data["dynamic_ranges"]["ipv4 udp"],
    ("dynamic_ports", "udp6"): lambda snapshot, _part: snapshot.data["dynamic_ranges"]["ipv6 udp"],
    ("service_start_mode", "start_mode"): lambda snapshot, part: {name: snapshot.start_mode(name) for name in part},
    ("service_state", "state"): lambda snapshot, part: {name: snapshot.service(name)["state"] for name in part},
}


def joined(blocks: c.Iterable[str]) -> list[str]:
    """Ranges with neighbours joined."""
    ranges = sorted(tuple(int(number) for number in block.split("-")) for block in blocks)
    result: list[list[int]] = []
    for first, last in ranges:
        if result and first <= result[-1][1] + 1:
            result[-1][1] = max(result[-1][1], last)
        else:
            result.append([first, last])
    return [f"{first}-{last}" for first, last in result]
