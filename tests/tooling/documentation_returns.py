# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Return fields that several modules have, written into each module's RETURN from ``return_values.yml``.

Of an entry everything but its ``contains`` is written; the order of the entries is the module's own.
"""

from __future__ import annotations

import functools
import re
import typing as t

import yaml

from tests.tooling.documentation_text import Place, Value, block
from tests.tooling.sources import ROOT

SOURCE: t.Final = "tests/tooling/return_values.yml"
HEAD: t.Final = f"# make documentation writes the fields of {SOURCE} here, but not what they contain.\n"
KEYS: t.Final = ("description", "returned", "type", "elements", "sample")
"""Of an entry, in this order."""
_MODULE: t.Final = re.compile(r"plugins/modules/(\w+)\.py")
_RETURN: t.Final = re.compile(r'^RETURN = r"""\n(?P<head>(?:#.*\n)*)(?P<body>(?:.*\n)*?)"""$', re.MULTILINE)
_ENTRY: t.Final = re.compile(r"^(?P<name>\w+):\n(?:  .*\n)*?(?=  contains:|^\S|\Z)", re.MULTILINE)
_BLANK: t.Final = re.compile(r"\{([^{}]+)\}")

Field: t.TypeAlias = "dict[str, t.Any]"


class Unwritable(Exception):
    """A module and ``return_values.yml`` don't fit together; the text says in what."""


@functools.cache
def fields() -> dict[str, Field]:
    """What ``return_values.yml`` says, by the field's name."""
    return t.cast("dict[str, Field]", yaml.safe_load((ROOT / SOURCE).read_text(encoding="utf-8")))


def entry(name: str, module: str) -> dict[str, Value]:
    """A field's entry in a module's RETURN, without what it contains; raises Unwritable."""
    field = fields()[name]
    own: dict[str, t.Any] = {"wording": "usual", **field["modules"][module]}
    wanted = field["wordings"].get(own["wording"])
    if wanted is None:
        raise Unwritable(f"{SOURCE}: {name} of {module} has the wording {own['wording']!r}, which is not there")
    told = {"description": _description(wanted, own), **field, **own}
    if not told["description"]:
        raise Unwritable(f"{SOURCE}: {name} of {module} fills no blank of its description")
    return {key: told[key] for key in KEYS if key in told}


def _description(wording: str | list[str], own: t.Mapping[str, t.Any]) -> str | list[str]:
    texts = [wording] if isinstance(wording, str) else wording
    told = [_BLANK.sub(lambda match: own[match[1]], text) for text in texts if set(_BLANK.findall(text)) <= set(own)]
    return told[0] if len(told) == 1 else told


def places(file: str, text: str) -> list[Place]:
    """The entries of a module's RETURN that are written; none for other files. Raises Unwritable."""
    found = _MODULE.fullmatch(file)
    if found is None:
        return []
    module = found[1]
    wanted = {name for name, field in fields().items() if module in field["modules"]}
    body = _RETURN.search(text)
    if body is None:
        raise Unwritable(f"{file} has no RETURN")
    entries = [match for match in _ENTRY.finditer(text, *body.span("body")) if match["name"] in wanted]
    if missing := sorted(wanted - {match["name"] for match in entries}):
        raise Unwritable(f"{file} returns no {', '.join(missing)}, but {SOURCE} names it there")
    written = [Place(match["name"], *match.span(), _text(match["name"], module)) for match in entries]
    return [Place("head of RETURN", *body.span("head"), HEAD), *written] if wanted else []


def _text(name: str, module: str) -> str:
    return block({name: entry(name, module)}, indent=0)
