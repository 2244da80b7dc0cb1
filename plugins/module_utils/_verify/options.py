# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a verification."""

from __future__ import annotations

import dataclasses
import typing as t

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "directory": {"type": "path", "required": True},
    "grade": {"type": "str", "choices": ["look"], "default": "look"},
    "real": {"type": "bool", "default": False},
}


@dataclasses.dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options, typed."""

    directory: str
    grade: t.Literal["look"]
    real: bool


def options(arguments: t.Mapping[str, t.Any]) -> VerifyOptions:
    """The typed options."""
    return VerifyOptions(arguments["directory"], arguments["grade"], arguments["real"])
