# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of ports as short texts for the page's script: the steps from port to port, five bits in a letter.

A step is written in digits to the base 32, the lowest first; a letter of the second half of the alphabet says that
another digit follows. 2,500 ports of a pool become about as many letters.
"""

from __future__ import annotations

import string
import typing as t

ALPHABET: t.Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_BASE: t.Final = 32


def coded(ports: t.Iterable[int]) -> str:
    """The ports, 0 to 65535, as letters of the alphabet."""
    letters: list[str] = []
    last = -1
    for port in sorted(set(ports)):
        step = port - last
        last = port
        while step >= _BASE:
            letters.append(ALPHABET[_BASE + step % _BASE])
            step //= _BASE
        letters.append(ALPHABET[step])
    return "".join(letters)


def decoded(text: str) -> list[int]:
    """The ports of such a text, as the script reads it."""
    found: list[int] = []
    port, step, weight = -1, 0, 1
    for letter in text:
        digit = ALPHABET.index(letter)
        step += digit % _BASE * weight
        weight *= _BASE
        if digit < _BASE:
            port += step
            found.append(port)
            step, weight = 0, 1
    return found
