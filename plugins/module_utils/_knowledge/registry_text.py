# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test for registry texts that can be written without loss: they travel as XML, and not every text survives that.

A list is written back as a whole, with the entries that others put there. An entry that would come back changed must
stop the write before anything is touched.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import RegistryType, RegistryValue

# XML 1.0 section 2.2 excludes these; a carriage return is legal but parsers turn it into a line feed; U+FFFD stands
# if an earlier reader has already lost a character.
_LOSSY: t.Final = "[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffd\ufffe\uffff]"
_DATA_TYPES: t.Final[t.Mapping[RegistryType, type]] = {
    RegistryType.DWORD: int,
    RegistryType.QWORD: int,
    RegistryType.MULTI_STRING: tuple,
}
"""The Python type of each registry type's data; text for types that are not named."""
_HIGHEST_NUMBER: t.Final[t.Mapping[RegistryType, int]] = {RegistryType.DWORD: 2**32 - 1, RegistryType.QWORD: 2**64 - 1}


def why_not_writable(value: RegistryValue) -> str | None:
    """The reason why Windows would not keep exactly this value, as the end of a sentence; ``None``: it would."""
    # A bool is an int in Python, and a journal that was tampered with may hold one.
    if isinstance(value.data, bool) or not isinstance(value.data, _DATA_TYPES.get(value.type, str)):
        return f"{value.data!r} is no data of type {value.type.name}"
    if isinstance(value.data, int):
        return _number_problem(value.type, value.data)
    if isinstance(value.data, tuple):
        # REG_MULTI_SZ ends at its first empty string: later strings would be lost.
        empty = "it has an empty entry, which would end the list early" if "" in value.data else None
        return empty or next(filter(None, map(_text_problem, value.data)), None)
    return _text_problem(value.data)


def _text_problem(text: str) -> str | None:
    # Most texts are known for good at once, and the pattern is compiled for others alone.
    match = None if text.isascii() and text.isprintable() else re.search(_LOSSY, text)
    if match is None:
        return None
    return f"{text!r} has the character U+{ord(match.group()):04X}, which WS-Management (XML) can't carry unchanged"


def _number_problem(value_type: RegistryType, number: int) -> str | None:
    highest = _HIGHEST_NUMBER.get(value_type, -1)
    return None if 0 <= number <= highest else f"{number} is outside 0 to {highest}"
