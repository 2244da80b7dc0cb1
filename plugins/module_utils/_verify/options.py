# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a verification."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import GRADES, Grade, Probe

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "directory": {"type": "path", "required": True},
    "grade": {"type": "str", "choices": ["look", "touch"], "default": "look"},
    "real": {"type": "bool", "default": False},
    "record": {"type": "bool", "default": False},
}


@dataclasses.dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options, typed."""

    directory: str
    grade: t.Literal["look", "touch"]
    real: bool
    record: bool


def probes_of(grade: Grade, probes: t.Iterable[Probe]) -> list[Probe]:
    """The probes of a grade, and of those before it."""
    reached = GRADES[: GRADES.index(grade) + 1]
    return [probe for probe in probes if probe.grade in reached]


def options(arguments: t.Mapping[str, t.Any]) -> VerifyOptions:
    """The typed options."""
    return VerifyOptions(arguments["directory"], arguments["grade"], arguments["real"], arguments["record"])
