# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks as YAML text, written by hand: there is no YAML library below the actions."""

from __future__ import annotations

import json
import re
import typing as t

_PLAIN: t.Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./$-]*")
_WORDS: t.Final = frozenset({"true", "false", "yes", "no", "on", "off", "null", "none", "y", "n"})
"""Words that YAML 1.1 does not read as text."""


def tasks(*items: t.Mapping[str, t.Any], comments: t.Iterable[str] = ()) -> str:
    """A list of tasks, after some lines of comment."""
    said = [f"# {' '.join(comment.split())}" for comment in comments]
    lines = [*said, *(line for item in items for line in _item(item))]
    return "\n".join(lines) + "\n"


def _item(value: t.Mapping[str, t.Any]) -> list[str]:
    first, *rest = _mapping(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _mapping(value: t.Mapping[str, t.Any]) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        if isinstance(item, t.Mapping):
            lines += [f"{key}:", *(f"  {line}" for line in _mapping(item))]
        elif isinstance(item, (list, tuple)):
            lines += [f"{key}:", *(f"  {line}" for entry in item for line in _entry(entry))]
        else:
            lines.append(f"{key}: {_scalar(item)}")
    return lines


def _entry(value: t.Any) -> list[str]:
    return _item(value) if isinstance(value, t.Mapping) else [f"- {_scalar(value)}"]


def _scalar(value: t.Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.casefold() not in _WORDS:
        return value
    return json.dumps(value)
