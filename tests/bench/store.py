# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that was measured, in a file: a measurement of hours can be stopped and resumed, and a page be made of it.

The figures in one file are of the same versions of everything and of one machine: others begin a new file.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import hashlib
import json
import os
import pathlib
import typing as t

import yaml

from tests.bench.ad_hoc import AdHoc
from tests.bench.cells import Cell, Figures, Traffic
from tests.bench.information import InformationRow, ReportRow
from tests.bench.meter import Taken
from tests.bench.roles import RoleRow
from tests.bench.rows import Row
from tests.bench.sides import versions
from tests.bench.strategies import Spread, StrategyRow
from tests.tooling.sources import ROOT

MEASURED: t.Final = ROOT / "build" / "bench" / "measured.json"
_CODE: t.Final = ("plugins", "roles", "playbooks")
_KINDS: t.Final = (".py", ".yml", ".j2")
"""The files there that the figures are about."""


@dataclasses.dataclass(kw_only=True)
class Measured:
    """Everything; ``setting`` has the versions and the machine. A list holds each key at most once."""

    setting: t.Mapping[str, str]
    tasks: list[Row] = dataclasses.field(default_factory=list)
    roles: list[RoleRow] = dataclasses.field(default_factory=list)
    cells: list[Figures] = dataclasses.field(default_factory=list)
    information: list[InformationRow] = dataclasses.field(default_factory=list)
    reports: list[ReportRow] = dataclasses.field(default_factory=list)
    calls: AdHoc | None = None
    strategies: list[StrategyRow] = dataclasses.field(default_factory=list)

    def has(self, cell: Cell) -> bool:
        """Whether a cell is measured."""
        return any(figures.cell == cell for figures in self.cells)

    def write(self, path: pathlib.Path = MEASURED) -> None:
        """Write the file, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")
        draft.replace(path)


def stored(path: pathlib.Path = MEASURED) -> Measured:
    """What the file holds, if it is of the present versions and of this machine; else nothing yet."""
    present = setting()
    there = path.exists() and json.loads(path.read_text(encoding="utf-8"))["setting"] == present
    return read(path) if there else Measured(setting=present)


def read(path: pathlib.Path) -> Measured:
    """What a file holds, whatever it is of."""
    data = json.loads(path.read_text(encoding="utf-8"))
    return Measured(
        setting=data["setting"],
        tasks=[Row(**item) for item in data["tasks"]],
        roles=[RoleRow(**{**item, "traffic": Traffic(**item["traffic"])}) for item in data["roles"]],
        cells=[_figures(item) for item in data["cells"]],
        information=[
            InformationRow(**{**item, "traffic": Traffic(**item["traffic"]), "taken": Taken(**item["taken"])})
            for item in data["information"]
        ],
        reports=[ReportRow(**{**item, "taken": Taken(**item["taken"])}) for item in data["reports"]],
        calls=data["calls"] and AdHoc(**{name: tuple(seconds) for name, seconds in data["calls"].items()}),
        # Not in files that were written before there was this part.
        strategies=[
            StrategyRow(spread=Spread(**item["spread"]), taken=Taken(**item["taken"]))
            for item in data.get("strategies", ())
        ],
    )


def _figures(item: c.Mapping[str, t.Any]) -> Figures:
    return Figures(cell=Cell(**item["cell"]), traffic=Traffic(**item["traffic"]), taken=Taken(**item["taken"]))


def setting() -> dict[str, str]:
    """The versions, the code and the machine."""
    return {"portkeeper.windows": _code(), **versions(), "processors": f"{os.cpu_count()} x {_processor()}"}


def _code() -> str:
    """The version, and a digest of the code: a commit's name would change with words that no figure depends on."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in _CODE for path in (ROOT / folder).rglob("*") if path.suffix in _KINDS):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    return f"{version} (code {digest.hexdigest()[:8]})"


def _processor() -> str:
    lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if os.name == "posix" else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
