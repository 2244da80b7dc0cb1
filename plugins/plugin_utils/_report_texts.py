# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a report as texts: HTML by Jinja, which escapes all that it prints, JSON, CSV, and tasks as YAML."""

from __future__ import annotations

import csv
import functools
import io
import json
import pathlib
import typing as t

import jinja2
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import percent
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import printable, with_each_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fixes import Fix
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.module_utils._page.markup import csp_source
from ansible_collections.portkeeper.windows.plugins.module_utils._page.overview import STATE_WORDS
from ansible_collections.portkeeper.windows.plugins.module_utils._page.shown import Shown
from ansible_collections.portkeeper.windows.plugins.plugin_utils._fixes import fix_of

COLLECTION: t.Final = pathlib.Path(__file__).parents[2]
TEMPLATES: t.Final = COLLECTION / "roles" / "port_report" / "templates"
_STARTS_FORMULA: t.Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to a spreadsheet, quoted or not; the last four are the wide forms (OWASP)."""
Groups = t.Mapping[str, t.Collection[str]]


def collection_version() -> str:
    """The version of this collection, installed or in a checkout; empty if it does not say."""
    manifest, source = COLLECTION / "MANIFEST.json", COLLECTION / "galaxy.yml"
    if manifest.is_file():
        found = json.loads(manifest.read_text(encoding="utf-8")).get("collection_info", {})
    else:
        found = yaml.safe_load(source.read_text(encoding="utf-8")) if source.is_file() else {}
    return str(found.get("version", ""))


def style_sheet(name: str) -> str:
    """One of the page's style sheets or scripts."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def json_text(rows: t.Any) -> str:
    """The rows as JSON without control characters."""
    return json.dumps(with_each_text(rows, printable)) + "\n"


def csv_text(rows: t.Iterable[t.Mapping[str, t.Any]], columns: t.Sequence[str]) -> str:
    """These columns of rows as CSV (RFC 4180, lines end in CR LF), in which no cell is a formula; lists are joined."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue()


def _cell(value: t.Any) -> t.Any:
    if value is None or isinstance(value, (int, float)):
        return value
    text = printable("; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))
    # Blanks before it don't help: some spreadsheets take them off.
    return f"'{text}" if text.lstrip(" ").startswith(_STARTS_FORMULA) else text


def fixes_of(groups: Groups | None) -> t.Callable[[Host], list[Fix]]:
    """The fixes of a server's findings; ``groups`` are the servers of each group of the inventory."""

    def fixes(host: Host) -> list[Fix]:
        own = None if groups is None else [name for name, members in groups.items() if host.name in members]
        return [fix_of(finding.fix, host.name, own) for finding in host.findings]

    return fixes


def page_text(page: Shown, title: str) -> str:
    """The page as HTML, in one file with its style and script."""
    map_style, style, script = (style_sheet(name) for name in ("map.css", "page.css", "page.js"))
    sockets = json.dumps(page.sockets, separators=(",", ":"))
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            page=page,
            title=title,
            state_of={words: state for state, words in STATE_WORDS.items()},
            # Texts of our own, and one that no element of HTML ends in: the template prints them as they are.
            map_style=map_style,
            style=style,
            script=script,
            sockets=sockets.replace("<", "\\u003c"),
            sources={"style": [csp_source(style), csp_source(map_style)], "script": [csp_source(script)]},
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    return environment


def _printable(value: t.Any) -> t.Any:
    return printable(value) if isinstance(value, str) else value


def _percent(probability: float | None) -> str:
    return "\u2013" if probability is None else percent(probability)
