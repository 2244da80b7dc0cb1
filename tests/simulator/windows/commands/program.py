# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a program of the simulated command interpreter gets and gives."""

from __future__ import annotations

import dataclasses
import typing as t

from tests.simulator.windows.context import Context


@dataclasses.dataclass(frozen=True, slots=True)
class Invocation:
    """One call: ``arguments`` without their quotes, ``tail`` as it was written after the program's name."""

    context: Context
    arguments: tuple[str, ...]
    tail: str
    stdin: str


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """What a program wrote (lines end in CRLF) and its exit code."""

    stdout: str = ""
    stderr: str = ""
    code: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Raw:
    """What a command on files or streams wrote: bytes as they are, then text."""

    output: Output = Output()
    data: bytes = b""


Program: t.TypeAlias = t.Callable[[Invocation], Output]


def lines(*texts: str) -> str:
    """Join lines as Windows programs write them."""
    return "".join(text + "\r\n" for text in texts)
