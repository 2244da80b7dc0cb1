# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts from servers on their way into HTML and SVG: whatever stands in them, they must stay data."""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.printable import (
    printable,
    with_each_text,
)


def escaped(value: t.Any) -> t.Any:
    """A tree of mappings and lists with all texts, keys too, escaped for the content and quoted attributes of XML."""
    return with_each_text(value, lambda text: html.escape(printable(text), quote=True))


def csp_source(text: str) -> str:
    """The name of this script or style sheet in a Content-Security-Policy: the hash of its text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
