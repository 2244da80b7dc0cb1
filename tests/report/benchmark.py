# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the role needs for its page, and how large it is: `python -m tests.report.benchmark [SERVERS [SOCKETS]]`."""

from __future__ import annotations

import pathlib
import resource
import shutil
import sys
import time
import typing as t

from tests.report.facts import Facts, edge_server
from tests.report.rendering import reduced, report
from tests.tooling.sources import ROOT
from tests.tooling.text_tables import table

DIRECTORY: t.Final = ROOT / "build" / "report-benchmark"


def main(servers: int = 300, sockets: int = 5000) -> None:
    """Make the servers, let Ansible write the report, and say what it took."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    began = time.monotonic()
    results: dict[str, Facts] = {}
    for number in range(servers):
        kind = number % 3
        facts = edge_server(number, taken=kind == 0, fixed=kind == 1, sockets=sockets)
        results[f"edge{number:03}.example.com"] = reduced(facts)
    made = time.monotonic() - began
    run = report(results, DIRECTORY, maps=False)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [("made and reduced by the query", f"{made:.1f} s"), ("ansible-playbook in all", f"{run.seconds:.1f} s")]
    rows.append(("processor time of it", f"{used.ru_utime + used.ru_stime:.1f} s"))
    rows += [(path.name, f"{_seconds(path):.1f} s, {path.stat().st_size / 1e6:.2f} MB") for path in _files()]
    print(table((f"{servers} servers, {sockets} sockets each", ""), rows))


def _files() -> list[pathlib.Path]:
    """In the order in which they were written."""
    paths = (path for path in (DIRECTORY / "report").iterdir() if path.is_file())
    return sorted(paths, key=lambda path: path.stat().st_mtime)


def _seconds(path: pathlib.Path) -> float:
    """From the file before it, or from the making of the directory, to the end of its writing."""
    earlier = [other.stat().st_mtime for other in _files() if other.stat().st_mtime < path.stat().st_mtime]
    return path.stat().st_mtime - max(earlier, default=(DIRECTORY / "report" / "maps").stat().st_mtime)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
