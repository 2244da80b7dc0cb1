# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics of a report as a text that both OpenMetrics 1.0 and the text format 0.0.4 of Prometheus allow.

prometheus_client could write it too. Then everybody who wants a report would have to install it on the controller, for
the few lines below; so only the tests use it, to read the file.
"""

from __future__ import annotations

import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import printable
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.metrics import METRICS, SERVER, Metric
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import distinct_names

_ESCAPES: t.Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def metrics_text(report: Fleet) -> str:
    """All metrics of a report, without times of their own, which the textfile collector refuses."""
    names = distinct_names((host.name for host in report.hosts), plain_text)
    return "".join(_family(metric, report, names) for metric in METRICS) + "# EOF\n"


def plain_text(text: str) -> str:
    """The text in one line, without control characters."""
    return " ".join(printable(text).split())


def _family(metric: Metric, report: Fleet, names: t.Mapping[str, str]) -> str:
    samples: dict[str, float] = {}
    for values, value in metric.samples(report):
        labels = _labels(metric, values, names)
        # Texts that differ only in characters that no file gets are the same label; no series may be there twice.
        samples[labels] = samples.get(labels, 0) + value
    lines = [f"# TYPE {metric.name} gauge", f"# HELP {metric.name} {metric.says}"]
    lines += [f"# UNIT {metric.name} {metric.unit}"] if metric.unit else []
    lines += [f"{metric.name}{labels} {value:.12g}" for labels, value in samples.items()]
    return "".join(f"{line}\n" for line in lines)


def _labels(metric: Metric, values: t.Sequence[str], names: t.Mapping[str, str]) -> str:
    shown = (
        f'{label}="{(names[value] if label == SERVER else plain_text(value)).translate(_ESCAPES)}"'
        for label, value in zip(metric.labels, values, strict=True)
    )
    return f"{{{','.join(shown)}}}" if metric.labels else ""
