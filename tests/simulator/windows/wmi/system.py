# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operating system, the computer, its processes and its updates."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.interface import CimValue
from tests.simulator.windows.processes import Process
from tests.simulator.windows.releases import ANSI_CODE_PAGES, LOCALES
from tests.simulator.windows.wmi.base import CIMV2, CimClass, Method, Parameters, Row, fixed

PRIVILEGE_NOT_HELD: t.Final = 1314
SHUTDOWN_IN_PROGRESS: t.Final = 1115
FLAG_SHUTDOWN: t.Final = 1
FLAG_REBOOT: t.Final = 2
FLAG_POWER_OFF: t.Final = 8
_MEMORY_KB: t.Final = 4193716


def _operating_system(context: Context) -> list[Row]:
    return [_installation(context) | _release(context) | _present_state(context)]


def _installation(context: Context) -> dict[str, CimValue]:
    """Return the properties that were chosen at setup."""
    machine, release = context.machine, context.machine.release
    return {
        "BootDevice": "\\Device\\HarddiskVolume1",
        "CodeSet": str(ANSI_CODE_PAGES[machine.language]),
        "CountryCode": "49" if machine.language == "de" else "1",
        "CreationClassName": "Win32_OperatingSystem",
        "CSCreationClassName": "Win32_ComputerSystem",
        "CSName": machine.name,
        "Description": "",
        "InstallDate": context.clock(machine.installed_at),
        "Locale": "0407" if machine.language == "de" else "0409",
        "Name": f"{release.caption.strip()}|{release.windows_directory}|\\Device\\Harddisk0\\Partition1",
        "OSLanguage": LOCALES[machine.language],
        "Primary": True,
        "ProductType": 1 if machine.domain_role < 2 else 2 if machine.domain_role >= 4 else 3,
        "SystemDirectory": f"{release.windows_directory}\\system32",
        "SystemDrive": "C:",
        "WindowsDirectory": release.windows_directory,
    }


def _release(context: Context) -> dict[str, CimValue]:
    """Return the properties of the release and its service pack."""
    release = context.machine.release
    row: dict[str, CimValue] = {
        "BuildNumber": str(release.build),
        "BuildType": "Multiprocessor Free",
        "Caption": release.caption,
        "CSDVersion": f"Service Pack {release.service_pack}" if release.service_pack else None,
        "Manufacturer": "Microsoft Corporation",
        "OSProductSuite": release.suite_mask,
        "OSType": 18,
        "ServicePackMajorVersion": release.service_pack,
        "ServicePackMinorVersion": 0,
        "SuiteMask": release.suite_mask,
        "Version": release.version,
    }
    return row if release.nt5 else row | {"OperatingSystemSKU": 7, "OSArchitecture": "64-bit"}


def _present_state(context: Context) -> dict[str, CimValue]:
    """Return the properties that change while it runs."""
    return {
        "CurrentTimeZone": 0,
        "FreePhysicalMemory": _MEMORY_KB // 2,
        "LastBootUpTime": context.clock(context.session.booted_at + context.machine.boot_time_jump),
        "LocalDateTime": context.clock(context.now),
        "NumberOfProcesses": len(context.session.processes.all()),
        "NumberOfUsers": 1,
        "Status": "OK",
        "TotalVisibleMemorySize": _MEMORY_KB,
    }


_SINCE_VISTA: t.Final = ("OperatingSystemSKU", "OSArchitecture")
_OS_PROPERTIES: t.Final = (
    "BootDevice", "BuildNumber", "BuildType", "Caption", "CodeSet", "CountryCode", "CreationClassName",
    "CSCreationClassName", "CSDVersion", "CSName", "CurrentTimeZone", "Description", "FreePhysicalMemory",
    "InstallDate", "LastBootUpTime", "LocalDateTime", "Locale", "Manufacturer", "Name", "NumberOfProcesses",
    "NumberOfUsers",
    "OperatingSystemSKU", "OSArchitecture", "OSLanguage", "OSProductSuite", "OSType", "Primary", "ProductType",
    "ServicePackMajorVersion", "ServicePackMinorVersion", "Status", "SuiteMask", "SystemDirectory", "SystemDrive",
    "TotalVisibleMemorySize", "Version", "WindowsDirectory",
)  # fmt: skip


# -- power
def order_shutdown(context: Context, *, flags: int, delay: float, comment: str) -> int:
    """Do what Win32Shutdown's flags say; returns 0, 1314, 1115, or the code of the assumption on the privilege."""
    refusal = context.machine.assumptions.reboot_method_return
    if refusal or not (context.user.elevated and context.user.may("shutdown")):
        return refusal or PRIVILEGE_NOT_HELD
    if context.power.shutting_down:
        return SHUTDOWN_IN_PROGRESS
    if flags & (FLAG_REBOOT | FLAG_SHUTDOWN | FLAG_POWER_OFF):
        restart = bool(flags & FLAG_REBOOT)
        context.power.order(at=context.now + delay, restart=restart, reason=comment)
        log_shutdown(context, restart=restart, comment=comment)
    return 0


def log_shutdown(context: Context, *, restart: bool, comment: str) -> None:
    """Write event 1074: who ordered the shutdown."""
    kind = "restart" if restart else "shutdown"
    strings = ("wmiprvse.exe", context.machine.name, "-", "0x80020002", kind, comment, context.user.name)
    context.machine.log(source="USER32", code=1074, now=context.now, strings=strings, type_="information")


def _power(flags: int) -> Method:
    def method(context: Context, _target: Row | None, _parameters: Parameters) -> Row:
        return {"ReturnValue": order_shutdown(context, flags=flags, delay=0.0, comment="")}

    return method


def _win32_shutdown(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    flags = parameters.integer("Flags")
    return {"ReturnValue": order_shutdown(context, flags=flags, delay=0.0, comment="")}


def _win32_shutdown_tracker(context: Context, _target: Row | None, parameters: Parameters) -> Row:
    code = order_shutdown(
        context,
        flags=parameters.integer("Flags"),
        delay=float(parameters.integer("Timeout", 0)),
        comment=parameters.text("Comment", ""),
    )
    return {"ReturnValue": code}


# -- the computer
def _computer_system(context: Context) -> list[Row]:
    machine = context.machine
    return [
        {
            "Caption": machine.name,
            "CreationClassName": "Win32_ComputerSystem",
            "CurrentTimeZone": 0,
            "Domain": machine.domain or "WORKGROUP",
            "DomainRole": machine.domain_role,
            "Manufacturer": "portkeeper",
            "Model": "Simulated server",
            "Name": machine.name,
            "NumberOfProcessors": 2,
            "PartOfDomain": bool(machine.domain),
            "PrimaryOwnerName": "",
            "Status": "OK",
            "SystemType": "x64-based PC",
            "TotalPhysicalMemory": str(_MEMORY_KB * 1024),
        }
    ]


def _process_row(context: Context, process: Process) -> Row:
    return {
        "Caption": process.image,
        "CommandLine": process.command_line or None,
        "CreationClassName": "Win32_Process",
        "CreationDate": context.clock(process.created),
        "CSName": context.machine.name,
        "Description": process.image,
        "ExecutablePath": process.command_line.split(" -", 1)[0].strip('"') or None,
        "Handle": str(process.pid),
        "Name": process.image,
        "ParentProcessId": process.parent,
        "ProcessId": process.pid,
        "SessionId": 0,
    }


def _processes(context: Context) -> list[Row]:
    return [_process_row(context, process) for process in context.session.processes.all()]


def _updates(context: Context) -> list[Row]:
    return [
        {
            "Caption": f"http://support.microsoft.com/?kbid={hotfix[2:]}",
            "CSName": context.machine.name,
            "Description": "Update",
            "FixComments": "",
            "HotFixID": hotfix,
            "InstalledBy": "NT AUTHORITY\\SYSTEM",
            "ServicePackInEffect": "",
        }
        for hotfix in context.machine.hotfixes
    ]


CLASSES: t.Final = (
    CimClass(
        "Win32_OperatingSystem",
        (CIMV2,),
        (),
        lambda machine: tuple(
            name for name in _OS_PROPERTIES if not machine.release.nt5 or name not in _SINCE_VISTA
        ),
        _operating_system,
        {
            "Reboot": _power(FLAG_REBOOT),
            "Shutdown": _power(FLAG_SHUTDOWN),
            "Win32Shutdown": _win32_shutdown,
            "Win32ShutdownTracker": _win32_shutdown_tracker,
        },
    ),
    CimClass(
        "Win32_ComputerSystem",
        (CIMV2,),
        ("Name",),
        fixed(
            "Caption", "CreationClassName", "CurrentTimeZone", "Domain", "DomainRole", "Manufacturer", "Model", "Name",
            "NumberOfProcessors", "PartOfDomain", "PrimaryOwnerName", "Status", "SystemType", "TotalPhysicalMemory",
        ),
        _computer_system,
    ),
    CimClass(
        "Win32_Process",
        (CIMV2,),
        ("Handle",),
        fixed(
            "Caption", "CommandLine", "CreationClassName", "CreationDate", "CSName", "Description", "ExecutablePath",
            "Handle", "Name", "ParentProcessId", "ProcessId", "SessionId",
        ),
        _processes,
    ),
    CimClass(
        "Win32_QuickFixEngineering",
        (CIMV2,),
        ("CSName", "HotFixID", "ServicePackInEffect"),
        fixed("Caption", "CSName", "Description", "FixComments", "HotFixID", "InstalledBy", "ServicePackInEffect"),
        _updates,
    ),
)  # fmt: skip
