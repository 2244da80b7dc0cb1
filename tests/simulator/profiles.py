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
    settled = verified(release.version, assumption_types()) if wanted and release is not None else {}
    own = {name: value for name, value in given.items() if name != "verified"}
    return {**entry, "assumptions": {**settled, **own}}


def verified(version: str, names: t.Mapping[str, type], *, folder: pathlib.Path | None = None) -> dict[str, t.Any]:
    """Return the assumptions that a real server of this version settled, by name; ``names`` has their types.

    Only real servers count, and only answers that are a value of the assumption. Of two that differ the later wins.
    """
    found: dict[str, t.Any] = {}
    for document in _documents(FOLDER if folder is None else folder):
        if document["target"] != "real" or document["windows"]["version"] != version:
            continue
        for row in document["probes"].values():
            name, seen = row["settles"], row["seen"]
            if row["verdict"] != "cant_tell" and name in names and type(seen) is names[name]:
                found[name] = seen
    return found
