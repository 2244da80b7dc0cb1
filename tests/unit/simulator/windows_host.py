# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A simulated server for a test, with short forms for what the tests of the model say most often."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.interface import CimInstance, CommandResult, User
from tests.simulator.windows.server import SimulatedServer, build_server

NOW: t.Final = 1_700_000_000.0
ADMINISTRATOR: t.Final = User("Administrator", "secret")
CIMV2: t.Final = "root/cimv2"
SERVICES: t.Final = "SYSTEM\\CurrentControlSet\\Services"


class Host:
    """One server and its administrator."""

    def __init__(self, release: str, **options: t.Any) -> None:
        self.server: SimulatedServer = build_server({"name": "edge1", "release": release, **options}, now=NOW)
        self.user = ADMINISTRATOR

    def later(self, seconds: float) -> None:
        self.server.tick(self.server.now + seconds)

    def query(self, wql: str, namespace: str = CIMV2) -> list[CimInstance]:
        return self.server.wmi_query(namespace, wql, user=self.user)

    def service(self, name: str) -> dict[str, t.Any]:
        return t.cast(
            "dict[str, t.Any]", self.server.wmi_get(CIMV2, "Win32_Service", {"Name": name}, user=self.user).properties
        )

    def control(self, name: str, method: str, **parameters: str) -> int:
        given: dict[str, list[str] | None] = {key: [value] for key, value in parameters.items()}
        output = self.server.wmi_invoke(CIMV2, "Win32_Service", {"Name": name}, method, given, user=self.user)
        return t.cast("int", output.properties["ReturnValue"])

    def registry(self, method: str, **parameters: list[str] | str | None) -> dict[str, t.Any]:
        given = {key: [value] if isinstance(value, str) else value for key, value in parameters.items()}
        output = self.server.wmi_invoke("root/default", "StdRegProv", {}, method, given, user=self.user)
        return t.cast("dict[str, t.Any]", output.properties)

    def system(self, method: str, **parameters: str) -> int:
        given: dict[str, list[str] | None] = {key: [value] for key, value in parameters.items()}
        output = self.server.wmi_invoke(CIMV2, "Win32_OperatingSystem", {}, method, given, user=self.user)
        return t.cast("int", output.properties["ReturnValue"])

    def run(self, line: str, *, codepage: int = 437, stdin: bytes = b"") -> CommandResult:
        return self.server.run_command(line, stdin, codepage=codepage, user=self.user)

    def text(self, line: str, *, codepage: int = 437) -> str:
        result = self.run(line, codepage=codepage)
        return (result.stdout + result.stderr).decode(f"cp{codepage}")

    def holder(self, protocol: t.Any, port: int) -> str:
        holders = self.server.session.sockets.holders(protocol, 4, port)
        process = self.server.session.processes.get(holders[0].pid) if holders else None
        return "" if process is None else process.image
