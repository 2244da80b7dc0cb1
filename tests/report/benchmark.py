# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the role needs for its page, and how large it is: `python -m tests.report.benchmark [SERVERS [SOCKETS]]`."""

from __future__ import annotations

import pathlib
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
    rows: list[tuple[str, str]] = [
        ("made and reduced by the query", f"{made:.1f} s"),
        ("ansible-playbook in all", f"{run.seconds:.1f} s"),
    ]
    rows += [(f"of it {item.task}", f"{item.seconds:.1f} s") for item in run.of("template")]
    rows += [(path.name, f"{path.stat().st_size / 1e6:.2f} MB") for path in _files()]
    print(table((f"{servers} servers, {sockets} sockets each", ""), rows))


def _files() -> list[pathlib.Path]:
    return sorted(path for path in (DIRECTORY / "report").iterdir() if path.is_file())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
