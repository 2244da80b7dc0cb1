# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of a diagnosis that the user may choose: how far it looks back, and which figures it reports."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change.plan import OptionError

MOST_DAYS: t.Final = 365
MOST_EVENTS: t.Final = 1000

ARGUMENTS: t.Final[t.Mapping[str, t.Any]] = {
    "event_days": {"type": "float", "default": 7},
    "event_limit": {"type": "int", "default": 50},
    "retransmitted_percent": {"type": "float", "default": 1},
    "driver_years": {"type": "float", "default": 3},
}


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """``event_days`` back and at most ``event_limit`` events of each log; the other two begin to matter beyond them."""

    event_days: float = ARGUMENTS["event_days"]["default"]
    event_limit: int = ARGUMENTS["event_limit"]["default"]
    retransmitted_percent: float = ARGUMENTS["retransmitted_percent"]["default"]
    driver_years: float = ARGUMENTS["driver_years"]["default"]


_ALLOWED: t.Final[t.Mapping[str, tuple[float, float]]] = {
    "event_days": (0, MOST_DAYS),
    "event_limit": (1, MOST_EVENTS),
    "retransmitted_percent": (0, 100),
    "driver_years": (0, 100),
}


def limits(arguments: t.Mapping[str, t.Any]) -> Limits:
    """The checked options; raises OptionError."""
    given = {name: arguments[name] for name in ARGUMENTS if arguments.get(name) is not None}
    for name, value in given.items():
        least, most = _ALLOWED[name]
        if not least <= value <= most:
            raise OptionError(name, f"{value} is not between {least} and {most}")
    return Limits(**given)
