# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""cmd.exe."""

from __future__ import annotations

import typing as t

from tests.simulator.windows.context import Context
from tests.simulator.windows.interface import CommandResult

ForeignProgram: t.TypeAlias = t.Callable[[str, bytes], CommandResult]


def run(
    context: Context, command_line: str, stdin: bytes, *, codepage: int, foreign: t.Mapping[str, ForeignProgram]
) -> CommandResult:
    """Run one command line."""
    raise NotImplementedError
