# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of ports as short texts for the page's script: the steps from port to port, five bits in a letter.

A step is written in digits to the base 32, the lowest first; a letter of the second half of the alphabet says that
another digit follows. 2,500 ports of a pool become about as many letters.
"""

from __future__ import annotations

import functools
import itertools
import string
import typing as t

ALPHABET: t.Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
_BASE: t.Final = 32


def coded(ports: t.Iterable[int]) -> str:
    """The ports, 0 to 65535, as letters of the alphabet."""
    return "".join(_step(port - before) for before, port in itertools.pairwise([-1, *sorted(set(ports))]))


@functools.cache
def _step(step: int) -> str:
    letters = ""
    while step >= _BASE:
        letters += ALPHABET[_BASE + step % _BASE]
        step //= _BASE
    return letters + ALPHABET[step]


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
