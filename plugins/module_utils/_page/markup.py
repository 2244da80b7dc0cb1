# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts from servers on their way into other languages: HTML, and CSV as spreadsheets read it.

Whatever stands in them, they must stay data. Ansible's templates don't escape by themselves, so a page is made of a
model whose texts are escaped before the template sees them; nothing can then be forgotten.
"""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import (
    printable,
    with_each_text,
)

_STARTS_FORMULA: t.Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to a spreadsheet, quoted or not; the last four are the wide forms (OWASP)."""


def escaped(value: t.Any) -> t.Any:
    """A tree of mappings and lists with all texts, keys too, escaped for the content and quoted attributes of XML."""
    return with_each_text(value, lambda text: html.escape(printable(text), quote=True))


def csv_text(rows: t.Iterable[t.Mapping[str, t.Any]], columns: t.Sequence[str], *, heading: bool = True) -> str:
    """These columns of rows as CSV (RFC 4180, lines end in CR LF), in which no cell is a formula; lists are joined."""
    lines: list[t.Sequence[t.Any]] = [columns] if heading else []
    lines += [[row.get(column) for column in columns] for row in rows]
    return "".join(f"{','.join(map(_cell, line))}\r\n" for line in lines)


def csp_source(text: str) -> str:
    """The name of this script or style sheet in a Content-Security-Policy: the hash of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _cell(value: t.Any) -> str:
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return str(value)
    text = printable("; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))
    # Blanks before it don't help: some spreadsheets take them off.
    if text.lstrip(" ").startswith(_STARTS_FORMULA):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'
