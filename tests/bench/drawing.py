# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of docs/benchmark.md: `drawing.py FIGURES FOLDER`, run by an environment of its own with matplotlib.

It imports nothing of the checkout, which that environment can't: it reads the file of figures. The same figures give
the same files. A picture whose figures are not there yet says so.
"""

from __future__ import annotations

import collections.abc as c
import json
import pathlib
import sys
import typing as t

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib import ticker
from matplotlib.axes import Axes

Json: t.TypeAlias = t.Mapping[str, t.Any]
Chosen: t.TypeAlias = t.Mapping[str, t.Sequence[tuple[float, float]]]

SIDES: t.Final = {
    "ours": ("ours, the role", "#0b6e4f", "o"),
    "as_written": ("peer, 7 tasks", "#a4161a", "s"),
    "hand_tuned": ("peer, 4 tasks", "#e07a1f", "^"),
    "one_script": ("peer, one script", "#3a5a9b", "D"),
}
"""Name, colour and mark of each."""
ROLE: t.Final = "exchange_edge_dns"
FORKS: t.Final = 10
MANY: t.Final = 200


def main(figures: str, folder: str) -> None:
    """Draw all."""
    mpl.use("svg")
    same_file = {"svg.hashsalt": "portkeeper", "svg.fonttype": "none"}
    mpl.rcParams.update({**same_file, "font.size": 9, "axes.grid": True, "axes.axisbelow": True, "grid.alpha": 0.3})
    data = json.loads(pathlib.Path(figures).read_text(encoding="utf-8"))
    for name, draw in PICTURES.items():
        canvas, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
        draw(axes, data)
        canvas.savefig(pathlib.Path(folder) / f"benchmark-{name}.svg", metadata={"Date": None, "Creator": None})
        plt.close(canvas)


def traffic(axes: Axes, data: Json) -> None:
    """Kilobytes and requests of one host, with Basic."""
    rows = [row for row in data["roles"] if (row["role"], row["transport"], row["release"]) == (ROLE, "basic", "2022")]
    names = [SIDES[row["side"]][0] for row in rows]
    kilobytes = [(row["traffic"]["bytes_out"] + row["traffic"]["bytes_in"]) / 1000 for row in rows]
    bars = axes.barh(names, kilobytes, color=[SIDES[row["side"]][1] for row in rows])
    requests = (row["traffic"]["requests"] for row in rows)
    words = [f"{size:,.0f} KB, {number} requests" for size, number in zip(kilobytes, requests, strict=True)]
    axes.bar_label(bars, words, padding=3)
    axes.set_xscale("log")
    axes.set_xlim(10, 30_000)
    axes.grid(visible=False, axis="y")
    axes.invert_yaxis()
    axes.set_xlabel("KB both ways, one converged host")


def processor(axes: Axes, data: Json) -> None:
    """Processor time by hosts."""
    _lines(axes, _chosen(data, lambda cell: cell["forks"] == FORKS, "hosts", lambda taken: taken["processor"]))
    axes.set_xlabel(f"hosts, {FORKS} forks")
    axes.set_ylabel("processor time, s")


def wall(axes: Axes, data: Json) -> None:
    """Wall time by forks."""
    _lines(axes, _chosen(data, lambda cell: cell["hosts"] == MANY, "forks", lambda taken: taken["wall"]))
    axes.set_xlabel(f"forks, {MANY} hosts")
    axes.set_ylabel("wall time, s")


def memory(axes: Axes, data: Json) -> None:
    """The largest worker by hosts."""
    points = _chosen(data, lambda cell: cell["forks"] == FORKS, "hosts", lambda taken: taken["worker_memory"] / 1e6)
    _lines(axes, points)
    axes.set_yscale("linear")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(f"hosts, {FORKS} forks")
    axes.set_ylabel("largest worker, MB")


def _chosen(
    data: Json, wanted: c.Callable[[Json], bool], axis: str, value: c.Callable[[Json], float]
) -> dict[str, list[tuple[float, float]]]:
    """By side, the points along an axis."""
    points: dict[str, list[tuple[float, float]]] = {}
    for row in data["cells"]:
        cell = row["cell"]
        if (cell["role"], cell["transport"]) == (ROLE, "basic") and wanted(cell):
            points.setdefault(cell["side"], []).append((cell[axis], value(row["taken"])))
    # A worker that ended before it was seen has no memory, not none of it.
    points = {side: [point for point in line if point[1]] for side, line in points.items()}
    return {side: sorted(points[side]) for side in SIDES if side in points}


def _lines(axes: Axes, points: Chosen) -> None:
    if not points:
        axes.text(0.5, 0.5, "not measured yet", ha="center", transform=axes.transAxes)
        return
    for side, line in points.items():
        name, colour, mark = SIDES[side]
        axes.plot([x for x, _y in line], [y for _x, y in line], color=colour, marker=mark, label=name)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,g}"))
    ticks = sorted({x for line in points.values() for x, _y in line})
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks])
    axes.minorticks_off()
    axes.legend()


PICTURES: t.Final[t.Mapping[str, c.Callable[[Axes, Json], None]]] = {
    "traffic": traffic,
    "processor": processor,
    "wall": wall,
    "memory": memory,
}


if __name__ == "__main__":
    main(*sys.argv[1:])
