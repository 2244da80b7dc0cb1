# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of a verification: what only reads passes, and everything else is refused before it is sent."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify import lab_steps
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.command_lines import joined
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.touch_steps import KEYS
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import (
    Gate,
    OwnRules,
    forbidden,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_boots import reboot_of
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.lab_rules import LabRules
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import envelope as soap
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman import shell, wmi
from ansible_collections.portkeeper.windows.plugins.module_utils._wsman.errors import Unsendable

COMMANDS = ("netstat -ano", "chcp")
REGISTRY = "StdRegProv"


class Line:
    """A transport that keeps what it was given."""

    host = "server"

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, envelope: bytes) -> bytes:
        """Keep it."""
        self.sent.append(envelope)
        return b"<answer/>"

    def reset(self) -> None:
        """There is no connection."""


def registry(method: str, class_name: str = REGISTRY, namespace: str = "root/default") -> soap.Message:
    """A call of a method of the registry."""
    return wmi.invoke_message(namespace, class_name, method, {"sSubKeyName": "SYSTEM"}, {})


def command(line: str) -> soap.Message:
    """A command in a shell."""
    return shell.command_message("id", line, interactive=True)


PASSING = {
    "get": wmi.get_message("root/cimv2", "Win32_OperatingSystem", {}),
    "enumerate": wmi.enumerate_message("root/cimv2", "SELECT Name FROM Win32_Service"),
    "pull": wmi.pull_message("root/cimv2", "context"),
    "release": wmi.release_message("root/cimv2", "context"),
    "get value": registry("GetDWORDValue"),
    "enumerate keys": registry("EnumKey"),
    "check access": registry("CheckAccess"),
    "no such reader": registry("GetNothingValue"),
    "shell": shell.create_message(437),
    "command": command("netstat -ano"),
    "commands": command(joined(COMMANDS)),
    "receive": shell.receive_message("id", "command"),
    "signal": shell.signal_message("id", "command"),
    "delete": shell.delete_message("id"),
}
REFUSED = {
    "set value": registry("SetDWORDValue"),
    "create key": registry("CreateKey"),
    "delete value": registry("DeleteValue"),
    "delete key": registry("DeleteKey"),
    "set security": registry("SetSecurityDescriptor"),
    "getter of another class": registry("GetSecurityDescriptor", "Win32_Service", "root/cimv2"),
    "start": wmi.invoke_message("root/cimv2", "Win32_Service", "StartService", {}, {"Name": "DNS"}),
    "reboot": wmi.invoke_message("root/cimv2", "Win32_OperatingSystem", "Reboot", {}, {}),
    "put": wmi.put_message("root/cimv2", "Win32_OperatingSystem", {}, {"Description": "x"}),
    "delete object": soap.Message(soap.Action.DELETE.value, wmi.class_uri("root/cimv2", "Win32_Process")),
    "create object": soap.Message(soap.Action.CREATE.value, wmi.class_uri("root/cimv2", "Win32_Process")),
    "another resource": soap.Message(soap.Action.GET.value, "http://schemas.microsoft.com/wbem/wsman/1/config"),
    "another command": command("shutdown.exe /r"),
    "one command more": command("netstat -ano & shutdown.exe /r"),
    "joined with another": command(joined(("netstat -ano", "shutdown.exe /r"))),
    "joined otherwise": command(joined(COMMANDS)[:-1] + ' & shutdown.exe /r"'),
    "redirected": command("netstat -ano > C:/x"),
    "action of a stranger": soap.Message("urn:x/Get", shell.RESOURCE),
}


def rendered(message: soap.Message) -> bytes:
    """The message as it would be sent."""
    return soap.render(message, message_id="uuid:1", operation_timeout=60.0)


@pytest.mark.parametrize("name", PASSING)
def test_what_reads_passes(name: str) -> None:
    line = Line()
    gate = Gate(line, COMMANDS, keeps=True)
    gate.send(rendered(PASSING[name]))
    assert line.sent == [rendered(PASSING[name])]
    assert (gate.sent, [one.answer for one in gate.exchanges]) == (1, [b"<answer/>"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_more_is_refused_before_it_is_sent(name: str) -> None:
    line = Line()
    gate = Gate(line, COMMANDS)
    with pytest.raises(Unsendable, match="may not send"):
        gate.send(rendered(REFUSED[name]))
    assert (line.sent, gate.sent) == ([], 0)


# --- the grade lab ----------------------------------------------------------------------------------------------------

KEY = r"SYSTEM\CurrentControlSet\Services"
REBOOT = reboot_of(600)
LAB = LabRules(KEYS, lines=frozenset({REBOOT.command}), reboots=True)


def value(method: str, key: str, name: str) -> soap.Message:
    """A call on one value of HKEY_LOCAL_MACHINE."""
    parameters: dict[str, wmi.Value] = {"hDefKey": 0x80000002, "sSubKeyName": key, "sValueName": name}
    return wmi.invoke_message("root/default", REGISTRY, method, parameters, {})


def service(method: str, name: str) -> soap.Message:
    """A call of a service."""
    return wmi.invoke_message("root/cimv2", "Win32_Service", method, {}, {"Name": name})


def tracker() -> soap.Message:
    """The request for a reboot."""
    return wmi.invoke_message("root/cimv2", "Win32_OperatingSystem", "Win32ShutdownTracker", REBOOT.parameters, {})


SPOILING = {
    "setting": value("SetDWORDValue", rf"{KEY}\Tcpip\Parameters", "MaxUserPort"),
    "list": value("DeleteValue", rf"{KEY}\DNS\Parameters", "SocketPoolExcludedPortRanges"),
    "own service's start": value("SetDWORDValue", rf"{KEY}\PortkeeperVerify2", "Start"),
    "stop DNS": service("StopService", "DNS"),
    "reboot": tracker(),
    "range": command(
        "netsh interface ipv4 add excludedportrange protocol=udp startport=50000 numberofports=9 store=active"
    ),
    "create": command(lab_steps.CREATE_FIRST),
    "reboot by command": command(REBOOT.command),
}
NOT_EVEN_IN_A_LAB = {
    "another setting": value("SetDWORDValue", rf"{KEY}\Tcpip\Parameters", "TcpTimedWaitDelay"),
    "another service's start": value("SetDWORDValue", rf"{KEY}\W32Time", "Start"),
    "another method": value("SetStringValue", rf"{KEY}\Tcpip\Parameters", "MaxUserPort"),
    "stop WinRM": service("StopService", "WinRM"),
    "disable DNS": service("ChangeStartMode", "DNS"),
    "delete a service": service("Delete", "PortkeeperVerify1"),
    "a process": wmi.invoke_message("root/cimv2", "Win32_Process", "Create", {"CommandLine": "cmd.exe"}, {}),
    "shutdown": wmi.invoke_message("root/cimv2", "Win32_OperatingSystem", "Shutdown", {}, {}),
    "lasting range": command(
        "netsh interface ipv4 add excludedportrange protocol=udp startport=50000 numberofports=9 store=persistent"
    ),
    "another service": command("sc.exe delete W32Time"),
    "another shutdown": command("shutdown.exe /s /t 0"),
    "two commands": command("sc.exe config DNS start= auto & del everything"),
}


@pytest.mark.parametrize("name", SPOILING)
def test_a_lab_sends_what_is_on_its_list_and_a_look_none_of_it(name: str) -> None:
    assert forbidden(rendered(SPOILING[name]), COMMANDS, LAB) == ""
    assert forbidden(rendered(SPOILING[name]), COMMANDS, OwnRules(KEYS)) != ""


@pytest.mark.parametrize("name", [name for name in (*REFUSED, *NOT_EVEN_IN_A_LAB) if name != "start"])
def test_a_lab_sends_nothing_else(name: str) -> None:
    assert forbidden(rendered((REFUSED | NOT_EVEN_IN_A_LAB)[name]), COMMANDS, LAB) != ""


@pytest.mark.parametrize("name", ["reboot", "reboot by command"])
def test_a_lab_without_reboots_can_send_none(name: str) -> None:
    assert forbidden(rendered(SPOILING[name]), COMMANDS, LabRules(KEYS)) != ""
