# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters that never reach a terminal, a log, a table or a page, and the way to all texts of a value."""

from __future__ import annotations

import collections.abc as c
import typing as t

_CONTROLS: t.Final = (*range(9), 11, 12, *range(14, 32), *range(127, 160))
"""C0 and C1 without tab, line feed and carriage return: terminals take some of them for commands (ECMA-48)."""
_DIRECTIONS: t.Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Characters that turn the direction of the text around them, so that it reads as something else (Unicode UAX 9)."""
_NO_CHARACTERS: t.Final = (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
"""Characters that UTF-8 can't write and XML may not contain."""
_REPLACED: t.Final = dict.fromkeys((*_CONTROLS, *_DIRECTIONS, *_NO_CHARACTERS), "\ufffd")


def printable(text: str) -> str:
    """The text with U+FFFD in place of each such character."""
    # Most texts have nothing to replace, and this is how a long one is known for that at once.
    return text if text.isascii() and text.isprintable() else text.translate(_REPLACED)


def with_each_text(value: t.Any, change: t.Callable[[str], str]) -> t.Any:
    """The value with each of its texts changed; mappings are gone through with their keys, tuples become lists.

    A list or mapping that stands in the value at several places is one object again at all of them: Ansible sends such
    an object from process to process once, and keeps it once.
    """
    return _with_each_text(value, change, {})


def _with_each_text(value: t.Any, change: t.Callable[[str], str], made: dict[int, tuple[t.Any, t.Any]]) -> t.Any:
    """:param made: by the address of a list or mapping, itself, which keeps the address, and what became of it."""
    if isinstance(value, str):
        return change(value)
    if value is None or isinstance(value, (int, float)):
        return value
    if id(value) in made:
        return made[id(value)][1]
    new = value
    if isinstance(value, (list, tuple)):
        new = [_with_each_text(item, change, made) for item in value]
    # Last: what an abstract class is asked about a type, each worker asks for the first time, which takes long.
    elif isinstance(value, c.Mapping):
        new = {_with_each_text(key, change, made): _with_each_text(item, change, made) for key, item in value.items()}
    made[id(value)] = (value, new)
    return new
