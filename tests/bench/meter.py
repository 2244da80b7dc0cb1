# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program takes with all the processes that it starts: `python -m tests.bench.meter FILE PROGRAM ARGUMENTS`.

A process of its own, because the kernel adds up processor time by parent: processes whose parent has ended come here
(Linux: PR_SET_CHILD_SUBREAPER), so nothing is lost. The exit code is the program's; FILE gets the figures.
"""

from __future__ import annotations

import collections.abc as c
import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import threading
import time
import typing as t

from tests.tooling.ansible_programs import AnsibleRun, run_ansible

_PR_SET_CHILD_SUBREAPER: t.Final = 36
_REST: t.Final = 49
"""The sampler rests so many times as long as it works: it takes at most a fiftieth of one processor."""
_SHORTEST_REST: t.Final = 0.05


@dataclasses.dataclass(slots=True)
class Taken:
    """Processor and wall time in seconds, memory in bytes.

    ``parent_memory`` is the peak of the program itself, ``worker_memory`` of the largest process below it that was
    seen: resident, what it shares with its parent included. ``worker_share`` is what the largest one adds (proportional
    set size), ``all_memory`` the largest sum of these over all processes at one moment. Zero if there is no /proc.
    """

    processor: float = 0.0
    wall: float = 0.0
    parent_memory: int = 0
    worker_memory: int = 0
    worker_share: int = 0
    all_memory: int = 0


def metered(
    arguments: c.Sequence[str], directory: pathlib.Path, *, settings: c.Mapping[str, str] | None = None
) -> tuple[Taken, AnsibleRun]:
    """Run one of Ansible's programs, and say what it took; raises AnsibleFailure if it failed."""
    file = directory / "taken.json"
    command = (sys.executable, "-m", "tests.bench.meter", str(file), *arguments)
    run = run_ansible(command, settings=settings, recorded=False).checked()
    return Taken(**json.loads(file.read_text(encoding="utf-8"))), run


def main(file: str, *command: str) -> int:
    """Run, wait for every process, write."""
    _adopt_orphans()
    taken, began = Taken(), time.monotonic()
    process = subprocess.Popen(command)
    over = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, taken, over))
    sampler.start()
    code = process.wait()
    taken.wall = time.monotonic() - began
    over.set()
    sampler.join()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken.processor = used.ru_utime + used.ru_stime
    pathlib.Path(file).write_text(json.dumps(dataclasses.asdict(taken)), encoding="utf-8")
    return code


def _adopt_orphans() -> None:
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _sample(parent: int, taken: Taken, over: threading.Event) -> None:
    rest = _SHORTEST_REST
    while not over.wait(rest):
        began = time.monotonic()
        look(parent, taken)
        rest = max(_SHORTEST_REST, _REST * (time.monotonic() - began))


def look(parent: int, taken: Taken) -> None:
    """Note the memory of this moment where it is more than before."""
    workers = list(_below(parent))
    shares = [_kilobytes(process, "smaps_rollup", "Pss") for process in workers]
    taken.parent_memory = max(taken.parent_memory, _kilobytes(parent, "status", "VmHWM"))
    peaks = [_kilobytes(process, "status", "VmHWM") for process in workers]
    taken.worker_memory = max(taken.worker_memory, *peaks, 0)
    taken.worker_share = max(taken.worker_share, *shares, 0)
    taken.all_memory = max(taken.all_memory, sum(shares) + _kilobytes(parent, "smaps_rollup", "Pss"))


def _below(process: int) -> c.Iterator[int]:
    """The processes that it has started, and theirs."""
    for child in map(int, _text(process, f"task/{process}/children").split()):
        yield child
        yield from _below(child)


def _kilobytes(process: int, file: str, field: str) -> int:
    """A size that /proc gives in units of 1,024 bytes, in bytes."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", _text(process, file), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def _text(process: int, file: str) -> str:
    """A file about a process; empty if the process has ended."""
    try:
        return pathlib.Path(f"/proc/{process}/{file}").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
