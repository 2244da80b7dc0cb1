# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All files of a report, and what stands in them."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._page.checks import Checked
from ansible_collections.portkeeper.windows.plugins.module_utils._page.drawing import Panel, drawing, panels
from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import html_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fleet import Fleet
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.module_utils._page.rows import (
    SERVER_COLUMNS,
    finding_columns,
    plain,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.shown import Drawn, Fixes, shown
from ansible_collections.portkeeper.windows.plugins.module_utils._page.svg import svg
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_files import picture_names
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_junit import junit_text
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_metrics import metrics_text
from ansible_collections.portkeeper.windows.plugins.plugin_utils._report_texts import (
    csv_text,
    json_text,
    page_text,
    style_sheet,
)

_XML: t.Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def report_files(
    report: Fleet,
    directory: pathlib.Path,
    *,
    title: str,
    maps: bool,
    fixes: Fixes,
    servers: t.Sequence[Checked],
) -> dict[pathlib.Path, str]:
    """The page, the same for programs, and the pictures if ``maps``; ``servers`` are those of the report, checked."""
    rows = plain(report)
    drawn = drawn_panels(report.hosts)
    findings = ({"server": host["name"], **finding} for host in rows["hosts"] for finding in host["findings"])
    found = {
        directory / "index.html": page_text(shown(report, rows, fixes, drawn), title),
        directory / "report.json": json_text(rows),
        directory / "servers.csv": csv_text(rows["hosts"], SERVER_COLUMNS),
        directory / "findings.csv": csv_text(findings, ("server", *finding_columns())),
        directory / "ports.prom": metrics_text(report),
        directory / "junit.xml": junit_text(servers, title=title, read_at=report.read_at),
    }
    return found | (pictures(report.hosts, drawn, directory / "maps", read_at=report.read_at) if maps else {})


def drawn_panels(hosts: t.Iterable[Host]) -> Drawn:
    """The panels of the servers that were read."""
    return {host.name: panels(host) for host in hosts if host.reading == "read"}


def pictures(
    hosts: t.Iterable[Host], drawn: Drawn, directory: pathlib.Path, *, read_at: str, style: str = ""
) -> dict[pathlib.Path, str]:
    """A picture of each server that was drawn, with the page's style sheet unless there is another one."""
    names = picture_names(drawn)
    chosen = style or style_sheet("map.css")
    return {
        directory / names[host.name]: _picture(host, drawn[host.name], chosen, read_at)
        for host in hosts
        if host.name in drawn
    }


def _picture(host: Host, drawn: t.Sequence[Panel], style: str, read_at: str) -> str:
    picture = svg(drawing(host, drawn, read_at=read_at), name=host.name, key="map", style=style)
    return f"{_XML}{html_text(picture)}\n"
