# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the role needs for its page, and how large it is.

`PYTHONPATH=build/collections python -m tests.report.benchmark [SERVERS [SOCKETS]]`.
"""

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
WRITERS: t.Final = ("ansible.builtin.template", "portkeeper.windows.port_maps")
"""What writes the report, each in one task for all servers."""


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
    run = report(results, DIRECTORY)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [("made, and put together by process", f"{made:.1f} s"), ("ansible-playbook in all", f"{run.seconds:.1f} s")]
    rows.append(("processor time of it", f"{used.ru_utime + used.ru_stime:.1f} s"))
    rows += [(path.name, _megabytes(path)) for path in _files("*.*")]
    rows.append(("all maps", _megabytes(*_files("maps/*"))))
    rows += [
        (item.task.rpartition(" : ")[2], f"{item.seconds:.1f} s") for item in run.results if item.action in WRITERS
    ]
    print(table((f"{servers} servers, {sockets} sockets each", ""), rows))


def _files(pattern: str) -> list[pathlib.Path]:
    return sorted((DIRECTORY / "report").glob(pattern))


def _megabytes(*paths: pathlib.Path) -> str:
    return f"{sum(path.stat().st_size for path in paths) / 1e6:.2f} MB"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
