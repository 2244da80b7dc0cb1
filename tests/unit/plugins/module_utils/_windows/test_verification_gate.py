# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate of a verification: what only reads passes, and everything else is refused before it is sent."""

from __future__ import annotations

import pytest

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.command_lines import joined
from ansible_collections.portkeeper.windows.plugins.module_utils._windows.verification.gate import Gate
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
