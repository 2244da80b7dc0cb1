# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program takes is counted with all its processes, also those whose parent has ended before them."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest

from tests.bench import meter

WORK = """
import time
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
"""
ORPHAN = f"""
import os
if os.fork() == 0:
    if os.fork() == 0:
        {WORK.strip().replace(chr(10), chr(10) + " " * 8)}
    os._exit(0)
"""
MEMORY = """
import os, sys
if os.fork() == 0:
    kept = bytearray(os.urandom(1)) * 40_000_000
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)
os.wait()
"""


def taken(program: str, directory: pathlib.Path) -> meter.Taken:

    file = directory / "taken"
    subprocess.run([sys.executable, "-m", "tests.bench.meter", str(file), sys.executable, "-c", program], check=True)
    return meter.Taken(**json.loads(file.read_text(encoding="utf-8")))


@pytest.mark.parametrize("program", [WORK, ORPHAN], ids=["itself", "orphan"])
def test_processor_time_is_counted(program: str, tmp_path: pathlib.Path) -> None:
    assert taken(program, tmp_path).processor >= 0.3


@pytest.mark.skipif(not pathlib.Path("/proc/self/smaps_rollup").exists(), reason="the kernel gives no sizes in /proc")
def test_the_memory_of_a_worker_is_not_its_parents() -> None:
    figures = meter.Taken()
    command = [sys.executable, "-c", MEMORY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        meter.look(process.pid, figures)
        process.communicate()
    assert figures.worker_memory > 40_000_000 > figures.parent_memory > 0
    assert figures.all_memory >= figures.worker_share > 40_000_000
