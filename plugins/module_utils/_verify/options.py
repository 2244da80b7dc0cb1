# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a verification."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._verify.features import CHOICES, Feature
from ansible_collections.portkeeper.windows.plugins.module_utils._verify.probes import GRADES, Grade, Probe

ARGUMENT_SPEC: t.Final[t.Mapping[str, t.Any]] = {
    "directory": {"type": "path", "required": True},
    "grade": {"type": "str", "choices": ["look", "touch", "lab"], "default": "look"},
    "may_be_spoilt": {"type": "str"},
    "reboot": {"type": "bool", "default": True},
    "reboot_timeout": {"type": "int", "default": 1200},
    "install": {"type": "list", "elements": "str", "choices": ["dns", "ad_lds", "nps"], "default": []},
    "real": {"type": "bool", "default": False},
    "record": {"type": "bool", "default": False},
}


LEAST_TIMEOUT: t.Final = 10
LONGEST_TIMEOUT: t.Final = 86_400


@dataclasses.dataclass(frozen=True, slots=True)
class VerifyOptions:
    """The options, typed."""

    directory: str
    grade: Grade
    real: bool
    record: bool
    reboot: bool
    reboot_timeout: int
    """Seconds for each boot."""
    install: tuple[Feature, ...]


def probes_of(grade: Grade, probes: t.Iterable[Probe]) -> list[Probe]:
    """The probes of a grade, and of those before it."""
    reached = GRADES[: GRADES.index(grade) + 1]
    return [probe for probe in probes if probe.grade in reached]


def options(arguments: t.Mapping[str, t.Any]) -> VerifyOptions:
    """The typed options."""
    return VerifyOptions(
        directory=arguments["directory"],
        grade=arguments["grade"],
        real=arguments["real"],
        record=arguments["record"],
        reboot=arguments["reboot"],
        reboot_timeout=arguments["reboot_timeout"],
        install=tuple(CHOICES[name] for name in arguments["install"]),
    )


def refusal(arguments: t.Mapping[str, t.Any], host: str) -> tuple[str, str] | None:
    """The option that is wrong in a task for ``host``, and why; ``None`` if none is.

    The user names the host that lab may spoil, so that no other one ever is.
    """
    timeout, name = arguments["reboot_timeout"], arguments["may_be_spoilt"]
    if not LEAST_TIMEOUT <= timeout <= LONGEST_TIMEOUT:
        return "reboot_timeout", f"{timeout} is not between {LEAST_TIMEOUT} and {LONGEST_TIMEOUT} seconds"
    if arguments["grade"] != "lab" or name == host:
        return None
    if not name:
        return "may_be_spoilt", f"grade lab spoils a server and needs its name here, so nothing was sent to {host}"
    return "may_be_spoilt", f"grade lab may spoil {name} alone, so nothing was sent to {host}"
