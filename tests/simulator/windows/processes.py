# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running processes."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.releases import Release


class Process(t.NamedTuple):
    """One process; ``created`` is true time in seconds since the Unix epoch."""

    pid: int
    image: str
    command_line: str
    account: str
    parent: int
    created: float


def standing_processes(release: Release) -> tuple[tuple[str, str], ...]:
    """Return the image and command line of the processes that are there before any service."""
    system32 = f"{release.windows_directory}\\system32\\"
    logon = ("winlogon.exe",) if release.nt5 else ("csrss.exe", "wininit.exe", "winlogon.exe")
    names = ("smss.exe", "csrss.exe", *logon, "services.exe", "lsass.exe")
    return tuple((name, system32 + name) for name in names)


class ProcessTable:
    """All processes of a running server. Process ids are multiples of four and grow."""

    def __init__(self, first_pid: int) -> None:
        """Begin with none; the next process gets an id above ``first_pid``."""
        self._next = first_pid
        self._processes: dict[int, Process] = {}
        self._shared: dict[str, int] = {}

    def start(self, *, image: str, command_line: str, account: str, parent: int, created: float) -> Process:
        """Create a process."""
        self._next += 4 * (1 + len(command_line) % 7)
        return self.insert(Process(self._next, image, command_line, account, parent, created))

    def insert(self, process: Process) -> Process:
        """Add a process with its own id."""
        self._processes[process.pid] = process
        return process

    def share(self, key: str, pid: int) -> None:
        """Remember the process that services with this key live in."""
        self._shared[key] = pid

    def shared(self, key: str) -> int | None:
        """Return the process that services with this key live in, if it runs."""
        pid = self._shared.get(key)
        return pid if pid in self._processes else None

    def end(self, pid: int) -> None:
        """Remove a process."""
        self._processes.pop(pid, None)

    def get(self, pid: int) -> Process | None:
        """Return a process, or None."""
        return self._processes.get(pid)

    def all(self) -> list[Process]:
        """Return all processes by id."""
        return sorted(self._processes.values(), key=lambda process: process.pid)

    def as_json(self) -> list[dict[str, t.Any]]:
        """Return all processes for a snapshot."""
        return [process._asdict() for process in self.all()]
