# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A person at the console of a simulated server, with a medium that holds a folder of batch files."""

from __future__ import annotations

import pathlib
import typing as t

from tests.simulator.fleet import read_scenario
from tests.simulator.windows.interface import CommandResult
from tests.simulator.windows.releases import WINDOWS_2000
from tests.simulator.windows.server import SimulatedServer, build_server

START: t.Final = 1_714_550_400.0
FOLDER: t.Final = "E:\\kit"
_HEARTBEAT: t.Final = 60.0


class Visit:
    """One server and one folder, which is ``FOLDER`` there; ``folder`` is the same one on the controller."""

    def __init__(self, folder: pathlib.Path, entry: t.Mapping[str, t.Any]) -> None:
        """Build a server like an entry of a scenario; its release may be 2000 too."""
        is_2000 = entry.get("release") == "2000"
        given = {"name": "server1", **entry, **({"release": "2003"} if is_2000 else {})}
        (plan,) = read_scenario({"hosts": {"server": given}}).hosts
        self.server: SimulatedServer = build_server(plan.model, now=START)
        if is_2000:
            self.server.machine.release = WINDOWS_2000
        self.now = START
        self.folder = folder

    def run(self, script: str) -> CommandResult:
        """Bring the folder, start a script of it, and take the folder back."""
        disk = self.server.machine.files
        for path in self.folder.rglob("*"):
            if path.is_file():
                disk[f"{FOLDER}\\{path.relative_to(self.folder)}".replace("/", "\\")] = path.read_bytes()
        result = self.server.run_batch(f"{FOLDER}\\{script}")
        self.pass_time()
        for name in list(disk):
            if name.startswith(f"{FOLDER}\\"):
                target = self.folder.joinpath(*name.removeprefix(f"{FOLDER}\\").split("\\"))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(disk.pop(name))
        return result

    def pass_time(self) -> None:
        """Let everything that began end."""
        self.now += _HEARTBEAT
        self.server.tick(self.now)

    def boot(self) -> None:
        """Boot the server, and wait until it is up."""
        self.pass_time()
        self.server.boot_now()
        for _minute in range(10):
            self.pass_time()

    def value(self, path: str, name: str) -> t.Any:
        """The data of a value below HKEY_LOCAL_MACHINE; None when it is absent."""
        found = self.server.machine.registry.get(path, name)
        return found.data if found else None
