# Copyright (c) 2026 the portkeeper.windows contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a plan, which are compared to see what has been done."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.portkeeper.windows.plugins.module_utils._change import plan

_KINDS: t.Final = [kind for kind in vars(plan).values() if hasattr(kind, "touches") and hasattr(kind, "_fields")]


def test_steps_of_two_kinds_are_never_equal() -> None:
    # Named tuples are equal if their values are: what tells two kinds apart must be the number or the types of these.
    assert len(_KINDS) > 5
    fields = {kind.__name__: [*t.get_type_hints(kind).values()] for kind in _KINDS}
    same = [pair for pair in itertools.combinations(fields, 2) if fields[pair[0]] == fields[pair[1]]]
    assert not same
