# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Win32_Service and Win32_DependentService."""

from __future__ import annotations

import functools
import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.interface import CimReference
from tests.simulator.windows.machine import Machine
from tests.simulator.windows.services import ERROR_SERVICE_DISABLED, INTERACTIVE, SHARE_PROCESS, Service, Start
from tests.simulator.windows.wmi.base import CIMV2, CimClass, Method, Parameters, Row, fixed

START_MODES: t.Final = {
    Start.BOOT: "Boot",
    Start.SYSTEM: "System",
    Start.AUTO: "Auto",
    Start.DEMAND: "Manual",
    Start.DISABLED: "Disabled",
}
"""The words of StartMode; ChangeStartMode takes "Automatic" instead of "Auto"."""

CHANGE_MODES: t.Final = {
    "boot": Start.BOOT,
    "system": Start.SYSTEM,
    "automatic": Start.AUTO,
    "manual": Start.DEMAND,
    "disabled": Start.DISABLED,
}
_ERROR_CONTROL: t.Final = ("Ignore", "Normal", "Severe", "Critical")

WMI_CODES: t.Final[t.Mapping[int, int]] = {
    0: 0,
    5: 2,
    1051: 3,
    1052: 4,
    1061: 5,
    1062: 6,
    1053: 7,
    2: 9,
    3: 9,
    1056: 10,
    1055: 11,
    1075: 12,
    1068: 13,
    1058: 14,
    1069: 15,
    1072: 16,
    1059: 18,
    1078: 19,
    123: 20,
    87: 21,
    1057: 22,
    1073: 23,
}
"""Win32 error code -> documented return value of Win32_Service's methods; others are 8, unknown failure."""
NOT_SUPPORTED: t.Final = 1
ACCESS_DENIED: t.Final = 2
INVALID_PARAMETER: t.Final = 21

_PROPERTIES: t.Final = (
    "AcceptPause", "AcceptStop", "Caption", "CheckPoint", "CreationClassName", "DelayedAutoStart", "Description",
    "DesktopInteract", "DisplayName", "ErrorControl", "ExitCode", "InstallDate", "Name", "PathName", "ProcessId",
    "ServiceSpecificExitCode", "ServiceType", "Started", "StartMode", "StartName", "State", "Status",
    "SystemCreationClassName", "SystemName", "TagId", "WaitHint",
)  # fmt: skip


def _properties(machine: Machine) -> tuple[str, ...]:
    return tuple(name for name in _PROPERTIES if name != "DelayedAutoStart" or machine.release.delayed_property)


def _service_row(context: Context, service: Service) -> Row:
    config = service.config
    running = service.state != "Stopped"
    row: Row = {
        "AcceptPause": False,
        "AcceptStop": service.state == "Running",
        "Caption": config.display_name,
        "CheckPoint": 0,
        "CreationClassName": "Win32_Service",
        "Description": config.description or config.display_name,
        "DesktopInteract": bool(config.type & INTERACTIVE),
        "DisplayName": config.display_name,
        "ErrorControl": _ERROR_CONTROL[config.error_control & 3],
        "ExitCode": service.exit_code,
        "InstallDate": None,
        "Name": config.name,
        "PathName": config.image_path,
        "ProcessId": service.pid,
        "ServiceSpecificExitCode": service.specific_exit_code,
        "ServiceType": "Share Process" if config.type & SHARE_PROCESS else "Own Process",
        "Started": running,
        "StartMode": START_MODES[config.start],
        "StartName": config.account,
        "State": service.state,
        "Status": "OK",
        "SystemCreationClassName": "Win32_ComputerSystem",
        "SystemName": context.machine.name,
        "TagId": 0,
        "WaitHint": 0 if service.state in ("Stopped", "Running") else 30000,
    }
    if context.machine.release.delayed_property:
        row["DelayedAutoStart"] = config.delayed
    return row


def _services(context: Context) -> list[Row]:
    services = [service for service in context.session.services.values() if not service.config.is_driver]
    return [_service_row(context, service) for service in services]


def _code(code: int) -> Row:
    return {"ReturnValue": WMI_CODES.get(code, 8)}


def _named(target: Row | None) -> str:
    return "" if target is None else str(target["Name"])


def _control(action: str, context: Context, target: Row | None, _parameters: Parameters) -> Row:
    name = _named(target)
    if not (context.user.elevated and context.user.may(f"service {action}", name)):
        return {"ReturnValue": ACCESS_DENIED}
    if action == "start":
        code = context.manager.start(name)
        if code == ERROR_SERVICE_DISABLED:
            return {"ReturnValue": context.machine.assumptions.start_of_disabled_service}
        if code == 1068:
            return {"ReturnValue": context.machine.assumptions.start_with_failed_dependency}
        return _code(code)
    code = context.manager.stop(name)
    return {"ReturnValue": context.machine.assumptions.stop_of_stopped_service} if code == 1062 else _code(code)


def _unsupported(_context: Context, _target: Row | None, _parameters: Parameters) -> Row:
    return {"ReturnValue": NOT_SUPPORTED}


def _change_start_mode(context: Context, target: Row | None, parameters: Parameters) -> Row:
    if not (context.user.elevated and context.user.may("service config", _named(target))):
        return {"ReturnValue": ACCESS_DENIED}
    start = CHANGE_MODES.get(parameters.text("StartMode", "").casefold())
    if start is None or start in (Start.BOOT, Start.SYSTEM):
        return {"ReturnValue": INVALID_PARAMETER}
    return _code(context.manager.configure(_named(target), start=start))


def _change(context: Context, target: Row | None, parameters: Parameters) -> Row:
    if not (context.user.elevated and context.user.may("service config", _named(target))):
        return {"ReturnValue": ACCESS_DENIED}
    start = CHANGE_MODES.get(parameters.text("StartMode", "").casefold())
    if parameters.has("StartMode") and start in (None, Start.BOOT, Start.SYSTEM):
        return {"ReturnValue": INVALID_PARAMETER}

    def given(name: str) -> str | None:
        return parameters.text(name) if parameters.has(name) else None

    code = context.manager.configure(
        _named(target),
        start=start,
        display_name=given("DisplayName"),
        image_path=given("PathName"),
        account=given("StartName"),
        group=given("LoadOrderGroup"),
        dependencies=parameters.texts("ServiceDependencies") if parameters.has("ServiceDependencies") else None,
    )
    return _code(code)


def _interrogate(context: Context, target: Row | None, _parameters: Parameters) -> Row:
    service = context.manager.find(_named(target))
    return _code(0 if service is not None and service.state != "Stopped" else 1062)


_METHODS: t.Final[dict[str, Method]] = {
    "StartService": functools.partial(_control, "start"),
    "StopService": functools.partial(_control, "stop"),
    "PauseService": _unsupported,
    "ResumeService": _unsupported,
    "InterrogateService": _interrogate,
    "ChangeStartMode": _change_start_mode,
    "Change": _change,
}


def service_reference(name: str) -> CimReference:
    """Return the reference to one service."""
    return CimReference(CIMV2, "Win32_Service", {"Name": name})


def driver_reference(name: str) -> CimReference:
    """Return the reference to one driver."""
    return CimReference(CIMV2, "Win32_SystemDriver", {"Name": name})


def _dependencies(context: Context) -> list[Row]:
    """One row per dependency: Antecedent is needed, Dependent needs it."""
    rows: list[Row] = []
    for folded, needed in context.session.plan.dependencies.items():
        dependent = context.session.services[folded]
        for name in needed:
            antecedent = context.session.services.get(name)
            if antecedent is not None:
                rows.append(
                    {
                        "Antecedent": _reference(antecedent),
                        "Dependent": _reference(dependent),
                        "TypeOfDependency": None,
                    }
                )
    return rows


def _reference(service: Service) -> CimReference:
    config = service.config
    return driver_reference(config.name) if config.is_driver else service_reference(config.name)


def _derived(machine: Machine, row: Row) -> tuple[str, Row] | None:
    """Captured from 2008 and 2012: ``SELECT *`` gives Terminal Services as another class, with two columns more."""
    if machine.release.nt5 or row["Name"] != "TermService" or not machine.assumptions.derived_services:
        return None
    return "Win32_TerminalService", {"DisconnectedSessions": 0, "TotalSessions": 2}


CLASSES: t.Final = (
    CimClass("Win32_Service", (CIMV2,), ("Name",), _properties, _services, _METHODS, derived=_derived),
    CimClass(
        "Win32_DependentService",
        (CIMV2,),
        ("Antecedent", "Dependent"),
        fixed("Antecedent", "Dependent", "TypeOfDependency"),
        _dependencies,
    ),
)
