# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services without WMI: their configuration from the registry, their state from ``sc queryex`` or ``net start``."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._kit.reg_files import Keys, RawValue
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.facts import Service, number
from ansible_collections.portkeeper.windows.plugins.module_utils._knowledge.settings import SERVICES_KEY

SERVICE_KINDS: t.Final = 0x30
"""The bits of the value Type that services have and drivers don't (SERVICE_WIN32)."""
START_MODES: t.Final[t.Mapping[int, str]] = {0: "Boot", 1: "System", 2: "Auto", 3: "Manual", 4: "Disabled"}
"""The value Start in the words of Win32_Service."""
_STATES: t.Final[t.Mapping[str, str]] = {
    "1": "Stopped",
    "2": "Start Pending",
    "3": "Stop Pending",
    "4": "Running",
    "5": "Continue Pending",
    "6": "Pause Pending",
    "7": "Paused",
}
"""The number of a state (SERVICE_STATUS) in the words of Win32_Service."""
_STATE_ROW: t.Final = re.compile(r"([1-7])\s+[A-Z_]+", re.ASCII)
_EXIT_ROW: t.Final = re.compile(r"([0-9]{1,10})\s+\(0x[0-9a-f]{1,8}\)", re.ASCII | re.IGNORECASE)
_ROW_INDENT: t.Final = "   "


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """How a service is at the moment."""

    name: str
    process_id: int = 0
    exit_code: int = 0
    specific_exit_code: int = 0


def states_of(raw: bytes) -> dict[str, State]:
    """The states in ``sc queryex state= all`` by folded key name.

    Its labels are translated, its values are not, and neither is their order: the name first, the process id last.
    """
    blocks = re.split(r"\n\s*\n", raw.decode("latin-1").replace("\r", ""))
    found = (_state([line.partition(":")[2].strip() for line in block.split("\n") if ":" in line]) for block in blocks)
    return dict(filter(None, found))


def _state(fields: list[str]) -> tuple[str, State] | None:
    states = [match[1] for field in fields[2:] if (match := _STATE_ROW.fullmatch(field))]
    if not states or not fields[0]:
        return None
    codes = [int(match[1]) for field in fields[2:] if (match := _EXIT_ROW.fullmatch(field))]
    numbers = [int(field) for field in fields[2:] if field.isascii() and field.isdigit() and len(field) <= 10]
    codes = [*codes, 0, 0][:2]
    return fields[0].casefold(), State(_STATES[states[0]], numbers[-1] if numbers else 0, *codes)


def running_names(text: str) -> frozenset[str]:
    """The display names in ``net start``, folded: one in each indented row; the heading is in the server's language."""
    rows = (line.rstrip() for line in text.replace("\r", "").split("\n"))
    return frozenset(row.strip().casefold() for row in rows if row.startswith(_ROW_INDENT) and row.strip())


def services_of(
    keys: Keys, states: t.Mapping[str, State] | None, running: frozenset[str] = frozenset()
) -> tuple[Service, ...]:
    """The services that the registry has, sorted by name; ``running`` are display names, where states are not told."""
    start = len(SERVICES_KEY) + 1
    beneath = f"{SERVICES_KEY}\\".casefold()
    found = (
        _service(key.path[start:], key.values, states, running)
        for path, key in keys.items()
        if path.startswith(beneath) and "\\" not in path[start:]
    )
    return tuple(sorted(filter(None, found), key=lambda service: service.name))


def _service(
    name: str, values: t.Mapping[str, RawValue], states: t.Mapping[str, State] | None, running: frozenset[str]
) -> Service | None:
    kind, start = (_number(values, value) for value in ("type", "start"))
    if kind is None or start is None or not kind & SERVICE_KINDS:
        return None
    display_name = _text(values, "displayname") or name
    if states is None:
        state = State("Running" if display_name.casefold() in running else "Stopped")
    else:
        # sc tells of no more services than its buffer holds: silence is no state.
        state = states.get(name.casefold(), State("Unknown"))
    return Service(
        name=name,
        display_name=display_name,
        state=state.name,
        start_mode=START_MODES.get(start, "Unknown"),
        process_id=state.process_id,
        exit_code=state.exit_code,
        specific_exit_code=state.specific_exit_code,
        path_name=_text(values, "imagepath"),
    )


def _number(values: t.Mapping[str, RawValue], name: str) -> int | None:
    return number(values[name].value) if name in values else None


def _text(values: t.Mapping[str, RawValue], name: str) -> str:
    data = values[name].value.data if name in values else ""
    return data if isinstance(data, str) else ""
