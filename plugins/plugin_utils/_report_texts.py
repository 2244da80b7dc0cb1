# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a report as texts: HTML by Jinja, which escapes all that it prints, JSON, CSV, and what to do."""

from __future__ import annotations

import csv
import functools
import io
import json
import pathlib
import typing as t

import jinja2
import yaml

from ansible_collections.portkeeper.windows.plugins.module_utils._change.waits import AWAITED
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.rows.port_info import PortInfo
from ansible_collections.portkeeper.windows.plugins.module_utils._diagnosis.verdict import Seen
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import printable, with_each_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.content_policy import hash_source
from ansible_collections.portkeeper.windows.plugins.module_utils._page.elements import COLUMNS, script_text
from ansible_collections.portkeeper.windows.plugins.module_utils._page.fixes import (
    Fix,
    commands,
    playbook_command,
    split_fix,
)
from ansible_collections.portkeeper.windows.plugins.module_utils._page.host import Host
from ansible_collections.portkeeper.windows.plugins.module_utils._page.overview import STATE_WORDS
from ansible_collections.portkeeper.windows.plugins.module_utils._page.server_parts import percentage
from ansible_collections.portkeeper.windows.plugins.module_utils._page.shown import Shown

COLLECTION: t.Final = pathlib.Path(__file__).parents[2]
TEMPLATES: t.Final = COLLECTION / "roles" / "port_report" / "templates"
_STARTS_FORMULA: t.Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to a spreadsheet, quoted or not; the last four are the wide forms (OWASP)."""
_WIDTH: t.Final = 100
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
    text = json.dumps(rows)
    # JSON escapes all but ASCII, and of that the control characters but this one: most reports have nothing to replace.
    if "\\u" in text or "\x7f" in text:
        text = json.dumps(with_each_text(rows, printable))
    return f"{text}\n"


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


# --- what to do ------------------------------------------------------------------------------------------------------


def fix_of(text: str, server: str, groups: t.Collection[str] | None) -> Fix:
    """The fix of a finding; ``groups`` are the server's own in the inventory, ``None`` if they are not known."""
    advice, tasks = split_fix(text)
    loaded, shown = _tasks(tasks)
    return Fix(advice=advice, tasks=shown, commands=commands(loaded, server, groups))


def next_steps(info: PortInfo, seen: Seen, server: str, groups: t.Collection[str] | None) -> list[str]:
    """What to do next, a text each: command lines if there are, else advice; none if there is nothing to do.

    Remarks (findings of the severity information) are no reason to act.
    """
    fixes = [fix_of(row.fix, server, groups) for row in seen.findings if row.severity != "information"]
    if fixes:
        return list(dict.fromkeys(step for fix in fixes for step in _steps(fix)))
    if seen.chance or seen.taken:
        return _preventive(info, server, groups)
    named = {row.waits_for for row in seen.due}
    orders = [awaited.order for name, awaited in AWAITED.items() if name in named and awaited.order]
    return [f"{order[0].upper()}{order[1:]}." for order in orders]


def _steps(fix: Fix) -> t.Sequence[str]:
    return fix.commands or fix.advice or fix.tasks.splitlines()


def _preventive(info: PortInfo, server: str, groups: t.Collection[str] | None) -> list[str]:
    """The playbooks of the roles that fit, else the change after which the risk is smallest."""
    fitting = info.roles.fitting if info.roles else ()
    found = [playbook_command(role, {}, server, groups) for role in fitting]
    best = info.risk.best if info.risk else None
    return [command for command in found if command] or ([f"{best.how}. {best.note}"] if best else [])


@functools.lru_cache(maxsize=1024)
def _tasks(text: str) -> tuple[t.Any, str]:
    """The tasks as data, and as YAML to paste; what is no YAML is shown as it is."""
    try:
        loaded = yaml.safe_load(text)
    except yaml.YAMLError:
        return None, text
    if not isinstance(loaded, list):
        return None, text
    return loaded, yaml.safe_dump(loaded, sort_keys=False, allow_unicode=True, width=_WIDTH)


# --- the page --------------------------------------------------------------------------------------------------------


def page_text(page: Shown, title: str) -> str:
    """The page as HTML, in one file with its style and script."""
    map_style, style, script = (style_sheet(name) for name in ("map.css", "page.css", "page.js"))
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
            sockets=script_text(page.sockets),
            drawn=script_text({"columns": COLUMNS, "parts": page.parts}),
            sources={"style": [hash_source(style), hash_source(map_style)], "script": [hash_source(script)]},
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
    environment.filters["percent"] = percentage
    return environment


def _printable(value: t.Any) -> t.Any:
    # What is HTML already is made of such texts.
    return value if hasattr(value, "__html__") or not isinstance(value, str) else printable(value)
