# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: ARG002
"""A modelled server of a few lines, so that the wire is tested apart from the simulated Windows."""

from __future__ import annotations

import datetime
import typing as t

from tests.simulator.windows.interface import CimInstance, CimReference, CimValue, CommandResult, User, WmiFault
from tests.simulator.windows.releases import RELEASES, WinrmStack, limits_of

USERS: t.Final = (
    User("Administrator", "Pa55-word!"),
    User("filtered", "Pa55-word!", filtered_token=True),
    User("reader", "Pa55-word!", is_administrator=False, remote_wmi=True),
)
BOOT: t.Final = datetime.datetime(2024, 5, 1, 8, 0, 0, 500000, tzinfo=datetime.timezone.utc)


def service(name: str, *, projected: bool = False) -> CimInstance:
    properties: dict[str, CimValue] = {
        "Name": name,
        "Started": True,
        "ProcessId": 4,
        "InstallDate": None,
        "PathName": 'C:\\x.exe -k "a & b" <c>',
        "DisplayName": "Gr\u00fc\u00dfe",
        "Description": "d" * 600,
    }
    return CimInstance("Win32_Service", "root/cimv2", properties, projected=projected)


class StubServer:
    """Registry values in a dictionary, ``count`` services, an echoing shell."""

    def __init__(
        self, key: str = "2022", stack: WinrmStack | None = None, language: t.Literal["en", "de"] = "en"
    ) -> None:
        self.name = "STUB"
        self.release = RELEASES[key]
        self.language = language
        self.winrm_stack = stack or self.release.winrm_stacks[0]
        self.limits = limits_of(self.release, self.winrm_stack)
        self.users = USERS
        self.roles = ("member",)
        self.values: dict[str, list[str]] = {}
        self.commands: list[tuple[str, bytes, int]] = []
        self.count = 120
        self.listening = True
        self.boots = 1
        self.now = 0.0

    def tick(self, now: float) -> None:
        self.now = now

    def is_listening(self, now: float) -> bool:
        self.now = now
        return self.listening

    @property
    def boot_id(self) -> int:
        return self.boots

    def wmi_get(self, namespace: str, class_name: str, selectors: t.Mapping[str, str], *, user: User) -> CimInstance:
        if class_name == "Win32_OperatingSystem":
            properties: dict[str, CimValue] = {
                "Version": self.release.version,
                "LastBootUpTime": BOOT,
                "Debug": False,
                "CSDVersion": None,
                "MUILanguages": ["en-US", "de-DE"],
            }
            return CimInstance(class_name, namespace, properties)
        if class_name == "Huge":
            return CimInstance(class_name, namespace, {"Text": "x" * 300_000})
        raise WmiFault("not_found", "No such object.", operation="GetObject", target=class_name)

    def wmi_put(
        self,
        namespace: str,
        class_name: str,
        selectors: t.Mapping[str, str],
        properties: t.Mapping[str, list[str] | None],
        *,
        user: User,
    ) -> CimInstance:
        changed: dict[str, CimValue] = {name: value[0] if value else None for name, value in properties.items()}
        return CimInstance(class_name, namespace, changed)

    def wmi_query(self, namespace: str, wql: str, *, user: User) -> list[CimInstance]:
        if "Win32_Service" in wql:
            return [service(f"svc{n:03}", projected="*" not in wql) for n in range(self.count)]
        if "Win32_DependentService" in wql:
            needed = CimReference("root/cimv2", "Win32_Service", {"Name": "DNS"})
            return [CimInstance("Win32_DependentService", "root/cimv2", {"Antecedent": needed})]
        if "Nothing" in wql:
            return []
        raise WmiFault("invalid_class", "The class does not exist.", operation="ExecQuery", target=wql)

    def wmi_invoke(
        self,
        namespace: str,
        class_name: str,
        selectors: t.Mapping[str, str],
        method: str,
        parameters: t.Mapping[str, list[str] | None],
        *,
        user: User,
    ) -> CimInstance:
        outputs: dict[str, CimValue] = {"ReturnValue": 0}
        key = "\\".join((parameters.get(name) or [""])[0] for name in ("sSubKeyName", "sValueName"))
        if method == "SetMultiStringValue":
            self.values[key] = list(parameters.get("sValue") or [])
        elif method == "GetMultiStringValue" and key in self.values:
            outputs["sValue"] = [*self.values[key]]
        elif method == "GetMultiStringValue":
            outputs["ReturnValue"] = 1
        elif method == "SetLoudly":
            outputs["Text"] = "x" * 300_000
        elif method == "Denied":
            raise WmiFault("access_denied", "Access denied.", operation="ExecMethod")
        elif method == "Wrong":
            raise WmiFault("invalid_parameter", "Invalid parameter.", operation="ExecMethod")
        else:
            raise WmiFault("invalid_method", "No such method.", operation="ExecMethod", target=method)
        return CimInstance(f"{method}_OUTPUT", namespace, outputs)

    def run_command(self, command_line: str, stdin: bytes, *, codepage: int, user: User) -> CommandResult:
        self.commands.append((command_line, stdin, codepage))
        if command_line.startswith("big"):
            return CommandResult(b"0123456789" * 20_000, b"", 0)
        if command_line.startswith("fail"):
            return CommandResult(b"out\r\n", b"err\r\n", 3)
        return CommandResult(command_line.encode() + b"\r\n" + stdin, b"", 0)

    def state(self) -> dict[str, t.Any]:
        return {"values": dict(self.values)}
