# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Twins: a scenario's host made of the answers of ``port_info`` on a real server.

The input is the module's result as JSON. Facts that are not in it are assumed, and each assumption is named.
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.dns import TCPIP_PARAMETERS
from tests.simulator.windows.programs import UDP_PORTS_VALUE
from tests.simulator.windows.registry import SERVICES
from tests.simulator.windows.releases import RELEASES, Release
from tests.simulator.windows.roles import expand, rows_for
from tests.simulator.windows.scenario import START_MODES
from tests.simulator.windows.services import OWN_PROCESS

Json: t.TypeAlias = t.Mapping[str, t.Any]

HIGHEST_PORT: t.Final = 65535
PORT_ERRORS: t.Final = frozenset({10013, 10048})
TWIN_TIME_SCALE: t.Final = 0.005

_ROLES: t.Final[t.Mapping[str, str]] = {
    "adam_msexchange": "exchange_edge",
    "blackberry router": "blackberry_router",
    "clussvc": "cluster",
    "dns": "dns",
    "ias": "ias",
    "wdsserver": "wds",
}
"""By service, folded: the role of the simulator that has the service and all that belongs to it."""

_WINDOWS_IMAGES: t.Final = frozenset(
    {"system", "system idle process", "lsass.exe", "services.exe", "svchost.exe", "wininit.exe", "spoolsv.exe"}
    | {"dns.exe", "dsamain.exe", "msdtc.exe", "winlogon.exe", "smss.exe", "csrss.exe", ""}
)
"""Programs that every simulated server has; it holds their ports anyway."""

_AD_LDS: t.Final = "adam_"
_PLAYED_BY: t.Final[t.Mapping[tuple[int, ...], tuple[int, ...]]] = {(6, 2): (6, 3)}
"""Versions of which the simulator has no release at all: 2012 is played by 2012 R2."""
_CUTS_OFF: t.Final = ("policyagent",)
"""Without its port Windows Server 2003 answers no request: no role could be run against such a twin."""
_BY_ITSELF: t.Final = ("auto", "delayed")


_SAVE: t.Final = "save what port_info returns with gather_subset: all and sockets_by: socket"


class NoTwin(ValueError):
    """The file lacks something; the message is one sentence."""


@dataclasses.dataclass(frozen=True, slots=True)
class Twin:
    """A host entry for a scenario, and the assumptions in it."""

    host: dict[str, t.Any]
    assumed: tuple[str, ...]


def twin_of(found: Json) -> Twin:
    """Make a twin of the answer of ``port_info`` with all subsets; NoTwin names what is missing."""
    if found.get("detail", "full") != "full":
        raise NoTwin(f"the file has lines for people: {_SAVE}")
    missing = [name for name in ("release", "services", "risk") if not found.get(name)]
    if missing:
        raise NoTwin(f"the file has no {', '.join(missing)}: {_SAVE}")
    try:
        return _Maker(found).twin()
    except (KeyError, TypeError, AttributeError) as error:
        raise NoTwin(f"the file is not what this version of port_info returns ({error!r}): {_SAVE}") from error


class _Maker:
    """Goes through the answer, part by part."""

    def __init__(self, found: Json) -> None:
        self.found = found
        self.assumed: list[str] = []
        self.release = self._release()
        self.services: list[Json] = [row for row in found["services"] if row["start_mode"] in START_MODES]
        self.roles = self._roles()
        self.built_in = {row.name.casefold(): row.name for row in rows_for(self.release, expand(self.roles))}

    def twin(self) -> Twin:
        foreigners = self._foreigners()
        host: dict[str, t.Any] = {
            "release": self.release.key,
            "roles": self.roles,
            "update": self.found["risk"]["pool"] != "not_seen",
            "uptime": float(self.found["release"].get("uptime") or 0),
            "time_scale": TWIN_TIME_SCALE,
            **self._ranges(),
            **self._reservations(),
            **self._pool(),
            **self._ad_lds(),
            "foreigners": foreigners,
            "start_modes": self._start_modes(),
            **self._state(foreigners),
        }
        host["registry"] = [*self._installed(), *self._odd_values()]
        self._assume_update()
        self._assume_the_rest()
        return Twin(host, tuple(self.assumed))

    # -- the release
    def _release(self) -> Release:
        version = str(self.found["release"]["version"])
        family = _numbers(version)[:2]
        family = _PLAYED_BY.get(family, family)
        rows = sorted((row for row in RELEASES.values() if _numbers(row.version)[:2] == family), key=_build)
        older = [row for row in rows if _numbers(row.version) <= _numbers(version)]
        near = (older or rows[:1])[-1:]
        if not near:
            raise NoTwin(f"the simulator has no release near {version}")
        if near[0].version != version:
            self.assumed.append(f"{self.found['release']['name']} behaves as {near[0].caption.strip()}.")
        return near[0]

    def _roles(self) -> list[str]:
        present = {row["service"].casefold(): row for row in self.services}
        roles = [role for service, role in _ROLES.items() if service in present]
        if self.found["release"].get("domain_controller"):
            roles.append("domain_controller")
        if present.get("remoteaccess", {}).get("start_mode") in _BY_ITSELF:
            roles.append("rras")
        # The role sets MaxUserPort; without it, W3SVC is installed by its registry values as any other service.
        has_push = any("autd" in row["products"] for row in self.services)
        if has_push and (self.found.get("dynamic_ranges") or {}).get("max_user_port") is not None:
            roles.append("exchange2003")
        return roles or ["member"]

    # -- where ports are drawn from
    def _ranges(self) -> dict[str, t.Any]:
        ranges = self.found.get("dynamic_ranges")
        if not ranges:
            self.assumed.append("The dynamic ranges are the release's: they were not saved.")
            return {}
        entry: dict[str, t.Any] = {}
        highest = ranges["max_user_port"]
        if highest is not None and 1 <= highest <= HIGHEST_PORT:
            entry["max_user_port"] = highest
        if ranges["mechanism"] == "netsh":
            entry["dynamic_range"] = {name: "{first}-{last}".format(**ranges[name]) for name in ("tcp", "udp")}
        return entry

    def _odd_values(self) -> list[dict[str, t.Any]]:
        """MaxUserPort as some installers write it, above the highest port."""
        highest = (self.found.get("dynamic_ranges") or {}).get("max_user_port")
        if highest is None or 1 <= highest <= HIGHEST_PORT:
            return []
        return [{"path": TCPIP_PARAMETERS, "name": "MaxUserPort", "type": "DWORD", "data": highest}]

    # -- reserved and excluded ports
    def _reservations(self) -> dict[str, t.Any]:
        found = self.found.get("reservations")
        if not found:
            return {}
        # An empty list overrides the one that a role's setup would leave; an absent value and an empty one are alike.
        entry: dict[str, t.Any] = {
            "netsh_hotfix": found["mechanism"] == "netsh",
            "reserved_ports": list(found["entries"]),
        }
        blocks = [({"protocol": row["protocol"], "ports": _range(row)}, row["administered"]) for row in found["blocks"]]
        entry["exclusions"] = [block for block, administered in blocks if administered]
        entry["runtime_blocks"] = [block for block, administered in blocks if not administered]
        if entry["runtime_blocks"]:
            self.assumed.append("Windows takes the same blocks for itself at each boot; really they differ.")
        return entry

    def _pool(self) -> dict[str, t.Any]:
        pool = self.found.get("dns_pool")
        if not pool:
            return {}
        entry: dict[str, t.Any] = {}
        if pool["configured_size"] is not None:
            entry["dns_pool_size"] = pool["configured_size"]
        if pool["excluded_ports"]:
            entry["dns_pool_exclusions"] = list(pool["excluded_ports"])
        return entry

    # -- services
    def _ad_lds(self) -> dict[str, t.Any]:
        edge = next((row for row in self.found.get("ad_lds") or () if row["service"].casefold() in _ROLES), None)
        ports = {"ldap_port": edge["ldap_port"], "ssl_port": edge["ssl_port"]} if edge else {}
        return {name: port for name, port in ports.items() if port is not None}

    def _start_modes(self) -> dict[str, str]:
        return {
            self.built_in[row["service"].casefold()]: row["start_mode"]
            for row in self.services
            if row["service"].casefold() in self.built_in
        }

    def _installed(self) -> list[dict[str, t.Any]]:
        """Registry values that make a service of each one which no role of the simulator brings."""
        others = [row for row in self.services if row["service"].casefold() not in self.built_in]
        return [value for row in others for value in self._values_of(row)]

    def _values_of(self, row: Json) -> list[dict[str, t.Any]]:
        name, (start, delayed) = row["service"], START_MODES[row["start_mode"]]
        path = f"{SERVICES}\\{name}"
        values: list[tuple[str, str, str, t.Any]] = [
            (path, "Type", "DWORD", OWN_PROCESS),
            (path, "Start", "DWORD", int(start)),
            (path, "ErrorControl", "DWORD", 1),
            (path, "ImagePath", "EXPAND_SZ", f"C:\\Program Files\\{name}\\{row.get('image') or name + '.exe'}"),
            (path, "DisplayName", "SZ", row["display_name"]),
            (path, "ObjectName", "SZ", "LocalSystem"),
            *([(path, "DelayedAutostart", "DWORD", 1)] if delayed else []),
            *self._ports_of(name, f"{path}\\Parameters"),
        ]
        return [dict(zip(("path", "name", "type", "data"), value, strict=True)) for value in values]

    def _ports_of(self, service: str, path: str) -> list[tuple[str, str, str, t.Any]]:
        if service.casefold().startswith(_AD_LDS):
            instance: Json = next((one for one in self.found.get("ad_lds") or () if one["service"] == service), {})
            named = (("Port LDAP", instance.get("ldap_port")), ("Port SSL", instance.get("ssl_port")))
            return [(path, name, "DWORD", port) for name, port in named if port is not None]
        needs = [row for row in self.found["risk"]["services"] if row["service"] == service]
        if any(row["probability"] is None for row in needs):
            self.assumed.append(f"{service} is there, but opens no ports: it takes any of a range.")
            return []
        ports = [text for row in needs for text in row["udp"]]
        if ports:
            self.assumed.append(
                f"{service} opens UDP {', '.join(ports)} after DNS has its pool, and fails without them."
            )
        return [(path, UDP_PORTS_VALUE, "MULTI_SZ", ports)] if ports else []

    def _state(self, foreigners: list[dict[str, t.Any]]) -> dict[str, t.Any]:
        """Whether a service has lost its port now; more than one at a time is left to chance."""
        down = [
            row["service"] for row in self.services if row["exit_code"] in PORT_ERRORS and row["state"] == "Stopped"
        ]
        held = {row["port"] for row in foreigners if row["protocol"] == "udp"}
        ports = self.found["risk"]["ports"]
        losing = {row["service"] for row in ports if row["probability"] or row["port"] in held}
        always = any(row["port"] in held for row in ports)
        if len(down) == 1 and down[0] in losing and down[0].casefold() not in _CUTS_OFF:
            return {"broken": down[0]}
        self.assumed += [
            f"{name} is down, but nothing that the twin has takes its ports." for name in down if name not in losing
        ]
        return {} if always else {"broken": False}

    # -- other programs
    def _foreigners(self) -> list[dict[str, t.Any]]:
        sockets = self.found.get("sockets")
        if sockets is None:
            self.assumed.append("No other program holds a port: the sockets were not saved.")
            return []
        named = {row["service"].casefold() for row in self.services} | set(self.built_in)
        held = {
            (row["image"], row["protocol"], row["port"])
            for row in sockets
            if not row["pool"]
            and not row.get("outgoing")
            and row["image"].casefold() not in _WINDOWS_IMAGES
            and not named & {service.casefold() for service in row["services"]}
            and not self._is_needed(row["port"], row["image"])
        }
        held = {(image, protocol, port) for image, protocol, port in held if port}
        if any(row.get("outgoing") for row in sockets):
            self.assumed.append("Outgoing connections are left out: at the next boot they have other ports.")
        if held:
            count = "1 port" if len(held) == 1 else f"{len(held)} ports"
            self.assumed.append(f"Other programs hold {count} at each boot, before any service starts.")
        return [{"image": image, "protocol": protocol, "port": port} for image, protocol, port in sorted(held)]

    def _is_needed(self, port: int, image: str) -> bool:
        """Whether it is w3wp.exe with the port of a web service, which the twin's service holds itself."""
        needed = {row["port"] for row in self.found["risk"]["ports"] if row["service"].casefold() == "w3svc"}
        return image.casefold() == "w3wp.exe" and port in needed

    # -- facts that port_info does not have
    def _assume_update(self) -> None:
        if self.found["risk"]["pool"] == "assumed":
            self.assumed.append("The update that brought the DNS socket pool (MS08-037) is installed.")

    def _assume_the_rest(self) -> None:
        unknown = [row["service"] for row in self.found["risk"]["services"] if row["start_order"] == "unknown"]
        if unknown:
            self.assumed.append(f"DNS draws its pool before these open their ports: {', '.join(unknown)}.")
        self.assumed.append("All else is as setup leaves it: dependencies, accounts, language, the other services.")


def _build(release: Release) -> tuple[int, ...]:
    return _numbers(release.version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _range(row: Json) -> str:
    return f"{row['first']}-{row['last']}"
