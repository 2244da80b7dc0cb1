# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services as the service manager knows them: their configuration in the registry and their running state."""

from __future__ import annotations

import dataclasses
import enum
import functools
import typing as t

from tests.simulator.windows.registry import SERVICES, Key, Registry, RegistryValue

ServiceState: t.TypeAlias = t.Literal["Stopped", "Start Pending", "Running", "Stop Pending"]

ERROR_FILE_NOT_FOUND: t.Final = 2
ERROR_SERVICE_DISABLED: t.Final = 1058
ERROR_SERVICE_DOES_NOT_EXIST: t.Final = 1060
ERROR_SERVICE_NOT_ACTIVE: t.Final = 1062
ERROR_DEPENDENCY_FAILED: t.Final = 1068
ERROR_NEVER_STARTED: t.Final = 1077

OWN_PROCESS: t.Final = 0x10
SHARE_PROCESS: t.Final = 0x20
INTERACTIVE: t.Final = 0x100


class Start(enum.IntEnum):
    """The start types in ``Services\\NAME\\Start``."""

    BOOT = 0
    SYSTEM = 1
    AUTO = 2
    DEMAND = 3
    DISABLED = 4


@functools.lru_cache(maxsize=1024)
def image_of(image_path: str) -> str:
    """Return the file name of the program that a command line starts."""
    path = image_path.strip()
    program = path[1:].split('"', 1)[0] if path.startswith('"') else path.split(" ", 1)[0]
    return program.rsplit("\\", 1)[-1]


@dataclasses.dataclass(frozen=True, slots=True)
class ServiceConfig:
    """The values of ``Services\\NAME``. Dependencies are services, or load-order groups with a ``+`` before."""

    name: str
    display_name: str
    image_path: str
    account: str
    start: Start
    delayed: bool
    type: int
    group: str
    dependencies: tuple[str, ...]
    description: str
    error_control: int

    @property
    def is_driver(self) -> bool:
        """Whether this is a driver (Win32_SystemDriver), not a service."""
        return not self.type & (OWN_PROCESS | SHARE_PROCESS)

    @property
    def image(self) -> str:
        """The executable's file name."""
        return image_of(self.image_path)

    def depends_on(self, other: ServiceConfig) -> bool:
        """Whether the other service, or the group that it is in, is among the dependencies."""
        names = {name.casefold() for name in self.dependencies}
        return other.name.casefold() in names or (bool(other.group) and "+" + other.group.casefold() in names)


@dataclasses.dataclass(slots=True)
class Service:
    """A service with its present state. ``specific_exit_code`` is its own code beside an exit code of 1066."""

    config: ServiceConfig
    state: ServiceState = "Stopped"
    exit_code: int = ERROR_NEVER_STARTED
    pid: int = 0
    specific_exit_code: int = 0

    def as_json(self) -> dict[str, t.Any]:
        """Return the state for a snapshot."""
        return {
            "display_name": self.config.display_name,
            "state": self.state,
            "exit_code": self.exit_code,
            "pid": self.pid,
            "start": self.config.start.name.lower(),
            "delayed": self.config.delayed,
        }


def _text(value: RegistryValue | None, default: str = "") -> str:
    return value.data if value is not None and isinstance(value.data, str) else default


def _number(value: RegistryValue | None, default: int = 0) -> int:
    return value.data if value is not None and isinstance(value.data, int) else default


def _texts(value: RegistryValue | None) -> tuple[str, ...]:
    return value.data if value is not None and isinstance(value.data, tuple) else ()


def read_service(key: Key) -> ServiceConfig | None:
    """Read one subkey of Services; None for one that is no service (it has no valid Type or Start)."""
    values = key.values
    start = _number(values.get("start"), -1)
    if start not in set(Start) or "type" not in values:
        return None
    groups = tuple("+" + group for group in _texts(values.get("dependongroup")))
    return ServiceConfig(
        name=key.name,
        display_name=_text(values.get("displayname"), key.name),
        image_path=_text(values.get("imagepath")),
        account=_text(values.get("objectname"), "LocalSystem"),
        start=Start(start),
        delayed=bool(_number(values.get("delayedautostart"))),
        type=_number(values.get("type")),
        group=_text(values.get("group")),
        dependencies=_texts(values.get("dependonservice")) + groups,
        description=_text(values.get("description")),
        error_control=_number(values.get("errorcontrol"), 1),
    )


def read_services(registry: Registry) -> dict[str, ServiceConfig]:
    """Read all services and drivers, by folded name, in the registry's order."""
    root = registry.find(SERVICES)
    found = {} if root is None else {folded: read_service(root.subkeys[folded]) for folded in sorted(root.subkeys)}
    return {folded: config for folded, config in found.items() if config is not None}
