# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What real servers have answered, as assumptions of the simulated ones: ``assumptions: {verified: true}`` of a host.

The files are those of ``verified/`` in the checkout; ``make verified`` has checked them. An answer counts for the
release and build that gave it.
"""

from __future__ import annotations

import functools
import json
import pathlib
import typing as t

from tests.simulator.windows.assumptions import assumption_types
from tests.simulator.windows.releases import RELEASES

FOLDER: t.Final = pathlib.Path(__file__).parents[2] / "verified"


@functools.cache
def _documents(folder: pathlib.Path) -> tuple[t.Mapping[str, t.Any], ...]:
    return tuple(json.loads(path.read_text(encoding="ascii")) for path in sorted(folder.glob("*.json")))


def with_profile(entry: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return a host's entry with ``verified: true`` among its assumptions replaced by what was answered.

    What the entry says by itself goes before that. ValueError if it says neither true nor false.
    """
    given = entry.get("assumptions")
    if not isinstance(given, dict) or "verified" not in given:
        return dict(entry)
    wanted = given["verified"]
    if not isinstance(wanted, bool):
        raise ValueError(f"verified in assumptions must be true or false, not {wanted!r}")
    release = RELEASES.get(str(entry.get("release", "")))
    version = release.version if wanted and release is not None else ""
    own = {name: value for name, value in given.items() if name != "verified"}
    wire = {**wire_settings(version), **(entry.get("wire") or {})}
    return {**entry, "assumptions": {**verified(version, assumption_types()), **own}, "wire": wire}


_HABITS: t.Final[t.Mapping[str, tuple[str, t.Mapping[t.Any, t.Any]]]] = {
    "first_batch": ("first_batch", {"many": "all", "one": "one"}),
    "envelope_counts_utf16": ("envelope_counts", {"characters of two octets": "utf16", "octets": "octets"}),
    "one_command_until_signal": (
        "one_command_until_signal",
        {"answered": False, "Concurrency 0x80338032": True},
    ),
    "idle_timeout_of_a_shell": ("idle_timeout", {True: "taken", False: "ignored"}),
    "unknown_method_fault": (
        "unknown_method",
        {
            "ActionNotSupported 0x80338013": "action_not_supported",
            "DestinationUnreachable 0x80338000": "invalid_resource",
        },
    ),
    "old_shell_quota_fault": ("shell_quota_fault", {"MSFT_WmiError": "wmi_error", "WSManFault": "wsman_fault"}),
    "unrelated_faults": ("unrelated_faults", {True: True, False: False}),
    "commands_keep_their_operation": (
        "commands_keep_operation",
        {"answered": False, "InternalError 0x803381A6": True},
    ),
    "enumeration_counts_as_operation": ("enumerations_count", {True: True, False: False}),
}
"""How what a probe saw of the wire is set: the name of the setting, and its value."""


def wire_settings(version: str, *, folder: pathlib.Path | None = None) -> dict[str, t.Any]:
    """Return the settings of the wire that a real server of this version settled."""
    found: dict[str, t.Any] = {}
    for row in _rows(version, folder):
        setting, values = _HABITS.get(row["settles"], ("", {}))
        if row["seen"] in values:
            found[setting] = values[row["seen"]]
    return found


def _is_of(value: object, kind: type | None) -> bool:
    """Tell whether a value is of a type, and no truth where a number is wanted."""
    return kind is not None and isinstance(value, kind) and isinstance(value, bool) == (kind is bool)


def _rows(version: str, folder: pathlib.Path | None) -> t.Iterator[t.Mapping[str, t.Any]]:
    """Return what real servers of this version could tell, by probe."""
    for document in _documents(FOLDER if folder is None else folder):
        if document["target"] == "real" and document["windows"]["version"] == version:
            yield from (row for row in document["probes"].values() if row["verdict"] != "cant_tell")


def verified(version: str, names: t.Mapping[str, type], *, folder: pathlib.Path | None = None) -> dict[str, t.Any]:
    """Return the assumptions that a real server of this version settled, by name; ``names`` has their types.

    Only real servers count, and only answers that are a value of the assumption. Of two that differ the later wins.
    """
    rows = [row for row in _rows(version, folder) if _is_of(row["seen"], names.get(row["settles"]))]
    return {row["settles"]: row["seen"] for row in rows}
