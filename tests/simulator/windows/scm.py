# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The service manager at work: the requests of its clients (WMI, sc.exe, net.exe) to a running server.

Return values are Win32 error codes; the WMI provider has its own numbers for them (``WMI_CODES``).
"""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.boot import resolve_dependencies
from tests.simulator.windows.registry import SERVICES, ValueType
from tests.simulator.windows.services import (
    ERROR_DEPENDENCY_FAILED,
    ERROR_FILE_NOT_FOUND,
    ERROR_SERVICE_DISABLED,
    ERROR_SERVICE_DOES_NOT_EXIST,
    ERROR_SERVICE_NOT_ACTIVE,
    OWN_PROCESS,
    Service,
    ServiceConfig,
    Start,
    read_service,
)
from tests.simulator.windows.session import Session

ERROR_INVALID_PARAMETER: t.Final = 87
ERROR_DEPENDENT_SERVICES_RUNNING: t.Final = 1051
ERROR_INVALID_SERVICE_CONTROL: t.Final = 1052
ERROR_SERVICE_ALREADY_RUNNING: t.Final = 1056
ERROR_SERVICE_CANNOT_ACCEPT_CONTROL: t.Final = 1061
ERROR_PROCESS_ABORTED: t.Final = 1067
ERROR_SERVICE_MARKED_FOR_DELETE: t.Final = 1072
ERROR_SERVICE_EXISTS: t.Final = 1073

_UNSTOPPABLE: t.Final = frozenset({"rpcss", "dcomlaunch", "samss", "plugplay", "eventlog", "gpsvc"})
"""Services that accept no stop control."""


class ServiceManager:
    """The service manager of one session at one moment (``now``: true time)."""

    def __init__(self, session: Session, now: float) -> None:
        """Act on this session."""
        self.session = session
        self.now = now

    def find(self, name: str) -> Service | None:
        """Return a service (not a driver), or None."""
        service = self.session.services.get(name.casefold())
        return None if service is None or service.config.is_driver else service

    def dependents(self, name: str) -> list[Service]:
        """Return the services that need this one, directly, by name."""
        folded = name.casefold()
        needs = self.session.plan.dependencies
        return [service for other, service in self.session.services.items() if folded in needs.get(other, ())]

    def all_dependents(self, name: str) -> list[Service]:
        """Return the services that need this one, directly or not, those that need others first."""
        found: dict[str, Service] = {}
        for dependent in self.dependents(name):
            for further in self.all_dependents(dependent.config.name):
                found.setdefault(further.config.name, further)
            found.setdefault(dependent.config.name, dependent)
        return list(found.values())

    # -- start and stop
    def start(self, name: str) -> int:
        """Start a service and, before it, its dependencies; returns while it is still pending."""
        service = self.find(name)
        if service is None:
            return ERROR_SERVICE_DOES_NOT_EXIST
        if service.state != "Stopped":
            return ERROR_SERVICE_ALREADY_RUNNING
        if service.config.start is Start.DISABLED:
            return ERROR_SERVICE_DISABLED
        if not self._start_needed(service.config):
            self.session.apply_now("begin", service, self.now)
            return ERROR_DEPENDENCY_FAILED
        self._launch(service)
        return ERROR_FILE_NOT_FOUND if name.casefold() in self.session.machine.without_program else 0

    def _start_needed(self, config: ServiceConfig) -> bool:
        """Start the services that this one needs, waiting for each (inside the call, as Windows does)."""
        for folded in self.session.plan.dependencies.get(config.name.casefold(), ()):
            needed = self.session.services.get(folded)
            if needed is None or (needed.state == "Stopped" and needed.config.start is Start.DISABLED):
                return False
            if needed.state == "Stopped":
                if not self._start_needed(needed.config):
                    return False
                self._run_at_once(needed)
            if needed.state == "Start Pending":
                self.session.hasten(needed, self.now)
            if needed.state != "Running":
                return False
        return True

    def _launch(self, service: Service) -> None:
        program = self.session.program(service.config)
        scale = self.session.machine.time_scale
        folded = service.config.name.casefold()
        self.session.apply_now("begin", service, self.now)
        self.session.schedule(self.now + program.bind_seconds * scale, "bind", folded)
        self.session.schedule(self.now + program.start_seconds * scale, "running", folded)

    def _run_at_once(self, service: Service) -> None:
        self.session.apply_now("begin", service, self.now)
        self.session.apply_now("bind", service, self.now)
        self.session.apply_now("running", service, self.now)

    def stop(self, name: str) -> int:
        """Stop a service; refuses while dependents run; returns while it is still pending."""
        service = self.find(name)
        if service is None:
            return ERROR_SERVICE_DOES_NOT_EXIST
        if service.state == "Stopped":
            return ERROR_SERVICE_NOT_ACTIVE
        if service.state != "Running" or name.casefold() in _UNSTOPPABLE:
            return ERROR_SERVICE_CANNOT_ACCEPT_CONTROL
        if any(dependent.state != "Stopped" for dependent in self.dependents(name)):
            return ERROR_DEPENDENT_SERVICES_RUNNING
        service.state = "Stop Pending"
        program = self.session.program(service.config)
        self.session.schedule(
            self.now + program.stop_seconds * self.session.machine.time_scale, "stopped", service.config.name.casefold()
        )
        return 0

    def kill(self, name: str) -> int:
        """End the process of a service from outside; the manager logs 7034."""
        service = self.find(name)
        if service is None or not service.pid:
            return ERROR_SERVICE_NOT_ACTIVE
        pid = service.pid
        for other in self.session.services.values():
            if other.pid == pid:
                self.session.release(other)
                other.state, other.exit_code = "Stopped", ERROR_PROCESS_ABORTED
                self.session.log(code=7034, now=self.now, strings=(other.config.display_name, "1"))
        return 0

    # -- creation
    def create(self, name: str, *, image_path: str, start: Start, dependencies: tuple[str, ...] = ()) -> int:
        """Create a service with a process of its own; 1073 if there is one of this name."""
        if self.find(name) is not None:
            return ERROR_SERVICE_EXISTS
        machine, path = self.session.machine, f"{SERVICES}\\{name}"
        numbers = {"Type": OWN_PROCESS, "Start": int(start), "ErrorControl": 1}
        for value, number in numbers.items():
            machine.registry.set(path, value, ValueType.DWORD, number)
        for value, text in {"ImagePath": image_path, "DisplayName": name, "ObjectName": "LocalSystem"}.items():
            machine.registry.set(path, value, ValueType.EXPAND_SZ if value == "ImagePath" else ValueType.SZ, text)
        if dependencies:
            machine.registry.set(path, "DependOnService", ValueType.MULTI_SZ, dependencies)
        if image_path not in machine.files:
            machine.without_program.add(name.casefold())
        self.adopt(name)
        return 0

    def adopt(self, name: str) -> None:
        """Let the manager know a service that stands in the registry."""
        path = f"{SERVICES}\\{name}"
        key = self.session.machine.registry.find(path)
        config = None if key is None else read_service(key)
        if config is not None and name.casefold() not in self.session.services:
            service = Service(config)
            self.session.services[name.casefold()] = service
            self._reload(service, path)

    def delete(self, name: str) -> int:
        """Delete a stopped service."""
        service = self.find(name)
        if service is None:
            return ERROR_SERVICE_DOES_NOT_EXIST
        if service.state != "Stopped":
            return ERROR_SERVICE_MARKED_FOR_DELETE
        machine = self.session.machine
        machine.registry.delete_key(f"{SERVICES}\\{service.config.name}")
        machine.without_program.discard(name.casefold())
        del self.session.services[name.casefold()]
        configs = {folded: other.config for folded, other in self.session.services.items()}
        self._plan_with(configs)
        return 0

    # -- configuration
    def configure(
        self,
        name: str,
        *,
        start: Start | None = None,
        delayed: bool | None = None,
        display_name: str | None = None,
        image_path: str | None = None,
        account: str | None = None,
        group: str | None = None,
        dependencies: tuple[str, ...] | None = None,
    ) -> int:
        """Change a service's configuration in the manager's database and in the registry.

        ``delayed`` follows the documented rules: automatic services only, and none in a load-order group (87).
        """
        service = self.find(name)
        if service is None:
            return ERROR_SERVICE_DOES_NOT_EXIST
        new_start = service.config.start if start is None else start
        new_group = service.config.group if group is None else group
        if delayed and new_start is not Start.AUTO:
            return ERROR_INVALID_PARAMETER
        if delayed and new_group:
            return self.session.machine.assumptions.delayed_in_group_error
        registry = self.session.machine.registry
        path = f"{SERVICES}\\{service.config.name}"
        if start is not None:
            registry.set(path, "Start", ValueType.DWORD, int(start))
        if delayed is not None:
            self._write_delayed(path, delayed)
        texts = (("DisplayName", display_name), ("ImagePath", image_path), ("ObjectName", account), ("Group", group))
        for value, text in texts:
            if text is not None:
                registry.set(path, value, ValueType.EXPAND_SZ if value == "ImagePath" else ValueType.SZ, text)
        if dependencies is not None:
            registry.set(path, "DependOnService", ValueType.MULTI_SZ, dependencies)
        self._reload(service, path)
        return 0

    def _write_delayed(self, path: str, delayed: bool) -> None:
        registry = self.session.machine.registry
        if delayed or registry.get(path, "DelayedAutostart") is not None:
            registry.set(path, "DelayedAutostart", ValueType.DWORD, int(delayed))

    def _reload(self, service: Service, path: str) -> None:
        key = self.session.machine.registry.find(path)
        config = None if key is None else read_service(key)
        if config is not None:
            service.config = config
            self._plan_with({folded: other.config for folded, other in self.session.services.items()})

    def _plan_with(self, configs: dict[str, ServiceConfig]) -> None:
        self.session.plan = dataclasses.replace(
            self.session.plan, configs=configs, dependencies=resolve_dependencies(configs)
        )

    def reload_all(self) -> None:
        """Read start types that were written into the registry directly (only if an assumption says so)."""
        for service in self.session.services.values():
            self._reload(service, f"{SERVICES}\\{service.config.name}")
